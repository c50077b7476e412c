"""The CSV layout in which G1 motions are traded: root position xyz (m), root quaternion, joint angles (rad).

LAFAN1 as retargeted by Unitree writes the quaternion as xyzw, Kimodo as wxyz, and nothing in the file says which; see
`root_order`. Joints are in a named order, Unitree's 29 unless said otherwise. There usually is no header; one that
names the joints is used.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import get_args

import numpy as np

from legged_gym.motion.clip import Clip
from legged_gym.motion.formats.csv_table import read_table
from legged_gym.motion.formats.options import QuatOrder, ReadOptions, WriteOptions
from legged_gym.motion.formats.positional import columns_in_order
from legged_gym.motion.formats.root_order import ORDER_INDEX, decide_quat_order
from legged_gym.motion.joint_orders import DEFAULT_ORDER, joint_order
from legged_gym.motion.kinematics import ModelIndex, forward_kinematics
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.utils.errors import MotionError
from legged_gym.utils.paths import write_atomically

logger = logging.getLogger(__name__)

DEFAULT_FPS = 30.0
"""Rate of the public G1 CSV files (LAFAN1 retargeted, Kimodo), which do not state it themselves."""


def read_csv(path: Path, options: ReadOptions = ReadOptions()) -> Clip:  # noqa: B008
    """Read a CSV file of a G1.

    Args:
        path: the file.
        options: its rate (None: 30), quaternion order and joint order, and whether it holds joints alone.

    Raises:
        MotionError: the file is missing, a line has another number of columns, a value is no finite number, there are
            fewer than two frames, or the quaternion order cannot be told.
    """
    if options.csv_root_quat_order not in get_args(QuatOrder):
        raise MotionError(
            f"csv_root_quat_order is {options.csv_root_quat_order!r}; "
            f"it must be one of {', '.join(get_args(QuatOrder))}"
        )
    order_name = options.joint_order or DEFAULT_ORDER
    names = joint_order(order_name)
    table = read_table(path, names, has_root=not options.csv_joints_only)
    rate = DEFAULT_FPS if options.fps is None else options.fps
    history = [] if options.fps else [f"no rate in the CSV file: taken as {DEFAULT_FPS:g} frames per second"]
    if options.csv_joints_only:
        root_pos, root_quat = _standing_root(path, table.dof_pos, names, options.robot)
        order, reason = "none", "the file holds joints alone"
        history.append("no root in the CSV file: upright over the origin, the lower sole on the ground")
    else:
        order, reason = _quat_order(path, table.root_quat, table.dof_pos, names, table.quat_order, options)
        root_pos, root_quat = table.root_pos, table.root_quat[:, ORDER_INDEX[order]]
        history.append(f"root quaternion of the CSV file read as {order} ({reason})")
    joints = "named by the header" if table.has_header else f"taken as {order_name}"
    history.append(f"joint order of the CSV file {joints}")
    logger.debug("%s: root quaternion order %s (%s), %g frames per second", path, order, reason, rate)
    return Clip(
        name=path.stem,
        fps=rate,
        joint_names=names,
        dof_pos=table.dof_pos,
        root_pos=root_pos,
        root_quat_wxyz=root_quat,
        history=tuple(history),
        provenance={
            "file": str(path),
            "format": "csv",
            "fps": "default for CSV files" if options.fps is None else "given as an option",
            "root_quat_order": order,
            "root_quat_order_reason": reason,
        },
    )


def write_csv(clip: Clip, path: Path, options: WriteOptions = WriteOptions()) -> None:  # noqa: B008
    """Write root position, root quaternion and joints, every digit of them, without a header.

    Raises:
        MotionError: the clip's joints are not those of the order asked for.
        RunError: the file cannot be written.
    """
    dof_pos = clip.dof_pos[:, columns_in_order(clip, options.joint_order)]
    quat = np.empty_like(clip.root_quat_wxyz)
    quat[:, ORDER_INDEX[options.csv_root_quat_order]] = clip.root_quat_wxyz
    table = np.concatenate((clip.root_pos, quat, dof_pos), axis=1)
    text = "".join(",".join(map(repr, row)) + "\n" for row in table.tolist())
    write_atomically(path, lambda partial: partial.write_text(text, encoding="ascii"))


def _quat_order(
    path: Path,
    root_quat: np.ndarray,
    dof_pos: np.ndarray,
    names: tuple[str, ...],
    from_header: str | None,
    options: ReadOptions,
) -> tuple[str, str]:
    """Order of the quaternion columns and the reason for it: option, header, data."""
    if options.csv_root_quat_order != "auto":
        return options.csv_root_quat_order, "given by csv_root_quat_order"
    if from_header is not None:
        return from_header, "named by the header"
    return decide_quat_order(path, root_quat, dof_pos, names)


def _standing_root(
    path: Path, dof_pos: np.ndarray, names: tuple[str, ...], robot: RobotLayout | None
) -> tuple[np.ndarray, np.ndarray]:
    """(T, 3) and (T, 4) wxyz: an upright root over the origin, as high as puts the lower sole at height 0."""
    if robot is None:
        raise MotionError(f"{path}: csv_joints_only needs the robot, to put its soles on the ground")
    frames = len(dof_pos)
    root_pos, root_quat = np.zeros((frames, 3)), np.tile([1.0, 0.0, 0.0, 0.0], (frames, 1))
    qpos = ModelIndex(robot.model, names).qpos(root_pos, root_quat, dof_pos)
    feet = forward_kinematics(robot.model, robot.foot_bodies, qpos, np.zeros((frames, robot.model.nv)))
    root_pos[:, 2] = -robot.foot_points.lowest_w(feet)[..., 2].min(axis=1)
    return root_pos, root_quat

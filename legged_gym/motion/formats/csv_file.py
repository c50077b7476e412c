"""The CSV layout in which G1 motions are traded: no header, 36 numbers a line.

Columns: root position xyz (m), root quaternion, then 29 joint angles (rad) in Unitree's order. LAFAN1 as retargeted by
Unitree writes the quaternion as xyzw, Kimodo as wxyz, and nothing in the file says which; see `decide_quat_order`.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from legged_gym.motion.clip import Clip
from legged_gym.motion.rotations import quat_about_axis, quat_mul, up_tilt
from legged_gym.utils.errors import MotionError

logger = logging.getLogger(__name__)

QuatOrder = Literal["auto", "xyzw", "wxyz"]

DEFAULT_FPS = 30.0
"""Rate of the public G1 CSV files (LAFAN1 retargeted, Kimodo), which do not state it themselves."""

_LEG = ("hip_pitch", "hip_roll", "hip_yaw", "knee", "ankle_pitch", "ankle_roll")
_ARM = ("shoulder_pitch", "shoulder_roll", "shoulder_yaw", "elbow", "wrist_roll", "wrist_pitch", "wrist_yaw")
G1_JOINT_NAMES: tuple[str, ...] = (
    *(f"{side}_{joint}_joint" for side in ("left", "right") for joint in _LEG),
    *(f"waist_{axis}_joint" for axis in ("yaw", "roll", "pitch")),
    *(f"{side}_{joint}_joint" for side in ("left", "right") for joint in _ARM),
)
"""Unitree's order of the 29 joints of a G1."""
NUM_COLUMNS = 3 + 4 + len(G1_JOINT_NAMES)

_ORDER_INDEX = {"wxyz": [0, 1, 2, 3], "xyzw": [3, 0, 1, 2]}
_THIGH_TILT = 0.1749
"""Fixed rotation about y between hip pitch and hip roll frames of the G1, undone at the knee, rad (Unitree G1 MJCF)."""
_DECISIVE_RATIO, _DECISIVE_ANGLE = 1.5, np.radians(1.0)


def read_csv(path: Path, fps: float | None = None, csv_root_quat_order: QuatOrder = "auto") -> Clip:
    """Read a G1 CSV file.

    Args:
        path: the file.
        fps: its rate, frames per second; None for 30.
        csv_root_quat_order: order of the four root quaternion columns; "auto" decides from the data.

    Raises:
        MotionError: the file is missing, a line has another number of columns, a value is no finite number, there are
            fewer than two frames, or the quaternion order cannot be told.
    """
    allowed = get_args(QuatOrder)
    if csv_root_quat_order not in allowed:
        raise MotionError(
            f"csv_root_quat_order is {csv_root_quat_order!r}; it must be one of {', '.join(allowed)}"
        )
    table = _read_table(path)
    root_pos, root_quat, dof_pos = table[:, :3], table[:, 3:7], table[:, 7:]
    if csv_root_quat_order == "auto":
        order, reason = decide_quat_order(path, root_quat, dof_pos)
    else:
        order, reason = csv_root_quat_order, "given by csv_root_quat_order"
    rate = DEFAULT_FPS if fps is None else fps
    logger.info("%s: root quaternion order %s (%s), %g frames per second", path, order, reason, rate)
    return Clip(
        name=path.stem,
        fps=rate,
        joint_names=G1_JOINT_NAMES,
        dof_pos=dof_pos,
        root_pos=root_pos,
        root_quat_wxyz=root_quat[:, _ORDER_INDEX[order]],
        provenance={
            "file": str(path),
            "format": "csv",
            "fps": "default for CSV files" if fps is None else "given as an option",
            "root_quat_order": order,
            "root_quat_order_reason": reason,
        },
    )


def decide_quat_order(path: Path, root_quat: np.ndarray, dof_pos: np.ndarray) -> tuple[str, str]:
    """Tell xyzw from wxyz by which reading lets a foot stand flat.

    Angular speed cannot tell them apart (a permutation keeps the dot product of successive quaternions), and neither
    can an upright pelvis: facing along x, an xyzw quaternion read as wxyz is an upright robot facing backwards. But it
    swaps and negates the small tilts, and then the legs no longer bring the soles level. The score of a reading is the
    mean over frames of the tilt of the flatter sole, through pelvis and leg joints.

    Args:
        path: named in the error.
        root_quat: (T, 4) the four columns as they stand in the file.
        dof_pos: (T, 29) joint angles, rad.

    Returns:
        The order and a sentence with both scores.

    Raises:
        MotionError: neither reading is clearly flatter.
    """
    score = {order: _flatter_sole_tilt(root_quat[:, index], dof_pos) for order, index in _ORDER_INDEX.items()}
    best, other = sorted(score, key=score.__getitem__)
    scores = " and ".join(f"{np.degrees(score[order]):.1f} deg as {order}" for order in (best, other))
    gap = score[other] - score[best]
    if score[other] < _DECISIVE_RATIO * score[best] or gap < _DECISIVE_ANGLE:
        raise MotionError(
            f"{path}: cannot tell the order of the root quaternion (columns 4 to 7): the soles are tilted by {scores}; "
            "set csv_root_quat_order to xyzw or wxyz"
        )
    return best, f"decided: mean tilt of the flatter sole is {scores}"


def _flatter_sole_tilt(root_quat_wxyz: np.ndarray, dof_pos: np.ndarray) -> float:
    """Mean over frames of the smaller of both feet's tilts, rad."""
    quat = root_quat_wxyz / np.maximum(np.linalg.norm(root_quat_wxyz, axis=1, keepdims=True), 1e-9)
    tilts = []
    for leg in (0, 6):
        hip_pitch, hip_roll, hip_yaw, knee, ankle_pitch, ankle_roll = dof_pos[:, leg : leg + 6].T
        foot = quat_mul(quat, quat_about_axis(1, hip_pitch - _THIGH_TILT))
        foot = quat_mul(foot, quat_about_axis(0, hip_roll))
        foot = quat_mul(foot, quat_about_axis(2, hip_yaw))
        foot = quat_mul(foot, quat_about_axis(1, _THIGH_TILT + knee + ankle_pitch))
        tilts.append(up_tilt(quat_mul(foot, quat_about_axis(0, ankle_roll))))
    return float(np.mean(np.minimum(*tilts)))


def _read_table(path: Path) -> np.ndarray:
    """(T, 36) finite numbers of the file."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise MotionError(f"{path}: is not a text file") from None
    except OSError as error:
        raise MotionError(f"{path}: cannot be read ({error.strerror})") from None
    lines = text.splitlines()
    numbers = [
        number for number, line in enumerate(lines, 1) if line.strip()
    ]  # line numbers in the file, from 1
    if len(numbers) < 2:
        raise MotionError(f"{path}: has {len(numbers)} frame(s); a clip needs at least two")
    rows = [lines[number - 1] for number in numbers]
    try:
        table = np.loadtxt(rows, delimiter=",", comments=None, ndmin=2, dtype=np.float64)
    except ValueError:
        table = None
    if table is None or table.shape[1] != NUM_COLUMNS or not np.isfinite(table).all():
        raise _first_fault(path, numbers, rows)
    return table


def _first_fault(path: Path, numbers: list[int], rows: list[str]) -> MotionError:
    """The error of the first line that is not 36 finite numbers."""
    for number, row in zip(numbers, rows, strict=True):
        cells = row.split(",")
        if len(cells) != NUM_COLUMNS:
            return MotionError(
                f"{path}: line {number} has {len(cells)} columns; {NUM_COLUMNS} are needed "
                f"(root xyz, root quaternion, {len(G1_JOINT_NAMES)} joints)"
            )
        for column, cell in enumerate(cells):
            try:
                finite = np.isfinite(float(cell))
            except ValueError:
                finite = False
            if not finite:
                return MotionError(
                    f"{path}: line {number}, column {column + 1} ({_column_name(column)}) is {cell.strip()!r}; "
                    "it must be a finite number, and there is no header line"
                )
    return MotionError(f"{path}: is not a table of numbers separated by commas")


def _column_name(column: int) -> str:
    if column < 3:
        return f"root {'xyz'[column]}"
    return "root quaternion" if column < 7 else G1_JOINT_NAMES[column - 7]

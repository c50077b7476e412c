"""Maximal-coordinate NPZ of BeyondMimic, mjlab and holosoma: joints, and poses and velocities of all bodies.

Joints and root are read, everything else follows from them; the file's bodies serve to be compared with. Two layouts:

- BeyondMimic and mjlab: `joint_pos` (T, J) without names, the root is body 0. BeyondMimic numbers joints as Isaac Lab
  (breadth-first), mjlab as MuJoCo (limb after limb); see `body_match` for how a file's own bodies tell.
- holosoma: `joint_pos` (T, 7 + J), the root's position and wxyz quaternion before the joints, with `joint_names` and
  `body_names`.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from legged_gym.motion.clip import Clip, Links
from legged_gym.motion.formats.body_match import match_bodies
from legged_gym.motion.formats.contents import load_npz, numbers, one_number, strings
from legged_gym.motion.formats.link_frames import noted, with_compared_links
from legged_gym.motion.formats.options import ReadOptions, WriteOptions, stated_rate
from legged_gym.motion.formats.positional import columns_in_order
from legged_gym.motion.joint_orders import JOINT_ORDERS, full_joint_name, joint_order
from legged_gym.motion.links import body_states
from legged_gym.motion.resample import linear_velocity
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.utils.errors import MotionError
from legged_gym.utils.paths import write_atomically

KEYS = ("joint_pos", "body_pos_w", "body_quat_w")
_ROOT_WIDTH = 7
_WORLD = "world"


def read_max_coordinate_npz(path: Path, options: ReadOptions) -> Clip:
    """Read joints and root of a maximal-coordinate archive, and compare its bodies with our kinematics.

    Raises:
        MotionError: a key is missing or malformed, the rate is unknown, or nothing tells the joints' order.
    """
    arrays = load_npz(path)
    missing = [key for key in KEYS if key not in arrays]
    if missing:
        raise MotionError(f"{path}: lacks {', '.join(missing)}; its keys are {', '.join(sorted(arrays))}")
    joint_pos, pos_w, quat = (numbers(path, key, arrays[key]) for key in KEYS)
    frames = len(joint_pos)
    if (
        joint_pos.ndim != 2
        or pos_w.shape != (frames, *pos_w.shape[1:2], 3)
        or quat.shape != (*pos_w.shape[:2], 4)
    ):
        raise MotionError(
            f"{path}: joint_pos, body_pos_w and body_quat_w have shapes {joint_pos.shape}, {pos_w.shape} and "
            f"{quat.shape}; (T, J), (T, B, 3) and (T, B, 4) would fit"
        )
    stated = one_number(path, "fps", arrays["fps"]) if "fps" in arrays else None
    fps, fps_from = stated_rate(path, stated, options)
    about = {"file": str(path), "format": "max_coordinate_npz", "fps": fps_from}
    if "joint_names" in arrays:
        names = tuple(full_joint_name(name) for name in strings(arrays["joint_names"]))
        return _read_named(path, names, joint_pos, _links(path, arrays, pos_w, quat), fps, about, options)
    return _read_nameless(path, joint_pos, pos_w, quat, fps, about, options)


def write_max_coordinate_npz(clip: Clip, path: Path, options: WriteOptions) -> None:
    """Write the layout of BeyondMimic and mjlab, float64, with `joint_names` and `body_names` beside it.

    Joints are in `options.joint_order`: `g1` as mjlab reads them, `g1_isaaclab` as BeyondMimic does; bodies are in the
    matching order. Velocities are central differences carried to the bodies by the robot's kinematics.

    Raises:
        MotionError: no robot is given, or the clip does not fit it or the order.
        RunError: the file cannot be written.
    """
    robot = options.robot
    if robot is None:
        raise MotionError(f"{path}: format max_coordinate_npz holds bodies, so writing it needs the robot")
    columns = columns_in_order(clip, options.joint_order)
    bodies = breadth_first_bodies(robot) if options.joint_order == "g1_isaaclab" else robot.body_names
    states = body_states(clip, robot, bodies)
    time = np.arange(clip.num_frames) / clip.fps
    arrays = {
        "fps": np.array([clip.fps]),
        "joint_pos": clip.dof_pos[:, columns],
        "joint_vel": linear_velocity(time, clip.dof_pos[:, columns]),
        "body_pos_w": states.pos_w,
        "body_quat_w": states.quat_wxyz,
        "body_lin_vel_w": states.lin_vel_w,
        "body_ang_vel_w": states.ang_vel_w,
        "joint_names": np.array([clip.joint_names[column] for column in columns]),
        "body_names": np.array(bodies),
    }

    def save(partial: Path) -> None:
        with open(partial, "wb") as stream:  # given a name, numpy would append a suffix to it
            np.savez(stream, **arrays)

    write_atomically(path, save)


def breadth_first_bodies(robot: RobotLayout) -> tuple[str, ...]:
    """The robot's bodies as Isaac Lab numbers them: by depth in the tree, parents' order within a depth."""
    model = robot.model
    ids = {model.body(name).id: name for name in robot.body_names}
    level = [body for body in ids if int(model.body_parentid[body]) not in ids]
    order: list[str] = []
    while level:
        order += [ids[body] for body in level]
        level = [body for parent in level for body in ids if model.body_parentid[body] == parent]
    return tuple(order)


def _read_named(
    path: Path,
    names: tuple[str, ...],
    joint_pos: np.ndarray,
    links: Links | None,
    fps: float,
    about: dict[str, str],
    options: ReadOptions,
) -> Clip:
    """A file with joint_names: its root precedes the joints, or is a body."""
    width = joint_pos.shape[1]
    if width == _ROOT_WIDTH + len(names):
        root_pos, root_quat, dof_pos = np.split(joint_pos, [3, _ROOT_WIDTH], axis=1)
    elif width == len(names) and links is not None:
        root_body = _root_body(options.robot)
        if root_body not in links.names:
            raise MotionError(
                f"{path}: body_names lacks the root {root_body}; it has {', '.join(links.names)}"
            )
        column = links.names.index(root_body)
        root_pos, root_quat, dof_pos = links.pos_w[:, column], links.quat_wxyz[:, column], joint_pos
    else:
        raise MotionError(
            f"{path}: joint_pos has {width} columns for {len(names)} joint_names; {len(names)} joints alone (with "
            f"body_names, for the root) or {_ROOT_WIDTH + len(names)} with the root before them would fit"
        )
    clip = Clip(path.stem, fps, names, dof_pos, root_pos, root_quat, links=links, provenance=about)
    return with_compared_links(clip, options.robot)


def _read_nameless(
    path: Path,
    joint_pos: np.ndarray,
    pos_w: np.ndarray,
    quat: np.ndarray,
    fps: float,
    about: dict[str, str],
    options: ReadOptions,
) -> Clip:
    """A file without joint_names: body 0 is the root; joints in the order given, or proved by the bodies."""
    orders = _possible_orders(path, joint_pos.shape[1], options)
    clips = {
        order: Clip(path.stem, fps, JOINT_ORDERS[order], joint_pos, pos_w[:, 0], quat[:, 0], provenance=about)
        for order in orders
    }
    if options.robot is None:
        return noted(clips[orders[0]], f"root is body 0 and joints are in order {orders[0]}, as given")
    match = match_bodies(path, clips, pos_w, options.robot)
    clip = noted(clips[match.order], f"root is body 0 and joints are in order {match.order}: {match.reason}")
    known = [column for column, name in enumerate(match.body_names) if name is not None]
    names = tuple(match.body_names[column] for column in known)
    links = Links(names, pos_w[:, known], quat[:, known])
    return with_compared_links(dataclasses.replace(clip, links=links), options.robot)


def _possible_orders(path: Path, width: int, options: ReadOptions) -> list[str]:
    """Names of the joint orders that a file without joint_names may have."""
    if options.joint_order is not None:
        if len(joint_order(options.joint_order)) != width:
            raise MotionError(
                f"{path}: joint_pos has {width} columns; joint order {options.joint_order} has "
                f"{len(joint_order(options.joint_order))} joints"
            )
        return [options.joint_order]
    fitting = [name for name, joints in JOINT_ORDERS.items() if len(joints) == width]
    if not fitting:
        known = ", ".join(f"{name} ({len(joints)})" for name, joints in JOINT_ORDERS.items())
        raise MotionError(f"{path}: has no joint_names, and its {width} columns fit no joint order: {known}")
    if options.robot is None:
        raise MotionError(
            f"{path}: has no joint_names; set joint_order to {' or '.join(fitting)}, or give the robot, to find it out"
        )
    return fitting


def _links(path: Path, arrays: dict[str, np.ndarray], pos_w: np.ndarray, quat: np.ndarray) -> Links | None:
    """The file's bodies where they are named, without the world."""
    if "body_names" not in arrays:
        return None
    names = strings(arrays["body_names"])
    if len(names) != pos_w.shape[1]:
        raise MotionError(f"{path}: has {len(names)} body_names for {pos_w.shape[1]} bodies in body_pos_w")
    kept = [column for column, name in enumerate(names) if name != _WORLD]
    return Links(tuple(names[column] for column in kept), pos_w[:, kept], quat[:, kept])


def _root_body(robot: RobotLayout | None) -> str:
    """Name of the body that carries the root; the G1's where no robot is given."""
    return "pelvis" if robot is None else robot.model.body(robot.index.root_body).name

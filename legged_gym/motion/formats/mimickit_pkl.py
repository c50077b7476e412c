"""MimicKit's pickle: `loop_mode`, `fps` and `frames`, (T, 3 + 3 + J) of one named robot.

A frame is the root's position, its orientation as an exponential map (axis times angle, rad), and joints by position.
"""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import numpy as np

from legged_gym.motion.clip import Clip
from legged_gym.motion.formats.contents import numbers, one_number
from legged_gym.motion.formats.link_frames import noted
from legged_gym.motion.formats.options import ReadOptions, WriteOptions, stated_rate
from legged_gym.motion.formats.positional import columns_in_order, order_of_columns
from legged_gym.motion.formats.safe_pickle import load_pickle
from legged_gym.motion.joint_orders import DEFAULT_ORDER
from legged_gym.motion.rotations import quat_from_rotation_vector, rotation_vector
from legged_gym.utils.errors import MotionError
from legged_gym.utils.paths import write_atomically

KEYS = ("loop_mode", "frames")
_ROOT_WIDTH = 6
_LOOP_MODES = {0: "clamp", 1: "wrap"}


def read_mimickit_pkl(path: Path, options: ReadOptions) -> Clip:
    """Read a pickle of MimicKit, joints in `options.joint_order` (None: `g1`).

    The exponential map jumps at half turns, the clip's quaternions do not. The loop mode is kept in the history.

    Raises:
        MotionError: the file is no such pickle, or has another number of joints.
    """
    content = load_pickle(path)
    missing = [key for key in KEYS if key not in content]
    if missing:
        raise MotionError(
            f"{path}: lacks {', '.join(missing)}; it has {', '.join(sorted(map(str, content)))}"
        )
    frames = numbers(path, "frames", content["frames"])
    if frames.ndim != 2 or frames.shape[1] <= _ROOT_WIDTH:
        raise MotionError(f"{path}: frames has shape {frames.shape}; it must be (T, {_ROOT_WIDTH} + J)")
    order_name = options.joint_order or DEFAULT_ORDER
    names = order_of_columns(
        path, "frames", frames[:, _ROOT_WIDTH:], order_name, f" after {_ROOT_WIDTH} of the root"
    )
    stated = one_number(path, "fps", content["fps"]) if content.get("fps") is not None else None
    fps, fps_from = stated_rate(path, stated, options)
    mode = int(one_number(path, "loop_mode", content["loop_mode"]))
    if mode not in _LOOP_MODES:
        raise MotionError(f"{path}: loop_mode is {mode}; known are {_LOOP_MODES}")
    clip = Clip(
        name=path.stem,
        fps=fps,
        joint_names=names,
        dof_pos=frames[:, _ROOT_WIDTH:],
        root_pos=frames[:, :3],
        root_quat_wxyz=quat_from_rotation_vector(frames[:, 3:_ROOT_WIDTH]),
        provenance={"file": str(path), "format": "mimickit_pkl", "fps": fps_from},
    )
    clip = noted(clip, f"joints taken as order {order_name}")
    return noted(clip, f"MimicKit loop_mode {mode} ({_LOOP_MODES[mode]})")


def write_mimickit_pkl(clip: Clip, path: Path, options: WriteOptions) -> None:
    """Write frames in `options.joint_order`; the loop mode is that of the history, else 0 (clamp).

    Raises:
        MotionError: the clip's joints are not those of the order.
        RunError: the file cannot be written.
    """
    dof_pos = clip.dof_pos[:, columns_in_order(clip, options.joint_order)]
    frames = np.concatenate((clip.root_pos, rotation_vector(clip.root_quat_wxyz), dof_pos), axis=1)
    data = pickle.dumps({"loop_mode": loop_mode(clip), "fps": clip.fps, "frames": frames}, protocol=4)
    write_atomically(path, lambda partial: partial.write_bytes(data))


def loop_mode(clip: Clip) -> int:
    """The MimicKit loop mode that the clip's history tells, 0 (clamp) if none."""
    found = [match for entry in clip.history if (match := re.match(r"MimicKit loop_mode (\d)", entry))]
    return int(found[-1][1]) if found else 0

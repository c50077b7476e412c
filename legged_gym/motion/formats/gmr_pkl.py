"""GMR's pickle: `fps`, `root_pos`, `root_rot` (xyzw) and `dof_pos` by position; `local_body_pos` is not used."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from legged_gym.motion.clip import Clip
from legged_gym.motion.formats.contents import numbers, one_number
from legged_gym.motion.formats.link_frames import noted
from legged_gym.motion.formats.options import ReadOptions, stated_rate
from legged_gym.motion.formats.positional import order_of_columns
from legged_gym.motion.formats.root_order import ORDER_INDEX, decide_quat_order
from legged_gym.motion.formats.safe_pickle import load_pickle
from legged_gym.motion.joint_orders import DEFAULT_ORDER
from legged_gym.utils.errors import MotionError

KEYS = ("root_pos", "root_rot", "dof_pos")


def read_gmr_pkl(path: Path, options: ReadOptions) -> Clip:
    """Read a pickle of GMR, its quaternion as xyzw and its joints in `options.joint_order` (None: `g1`).

    Raises:
        MotionError: the file is no such pickle, has another number of joints, or stands flat on its soles only when
            its quaternion is read as wxyz, and `options.csv_root_quat_order` does not say which it is.
    """
    content = load_pickle(path)
    missing = [key for key in KEYS if key not in content]
    if missing:
        raise MotionError(
            f"{path}: lacks {', '.join(missing)}; it has {', '.join(sorted(map(str, content)))}"
        )
    root_rot, dof_pos = (
        numbers(path, "root_rot", content["root_rot"]),
        numbers(path, "dof_pos", content["dof_pos"]),
    )
    if root_rot.ndim != 2 or root_rot.shape[1] != 4:
        raise MotionError(f"{path}: root_rot has shape {root_rot.shape}; it must be (T, 4), xyzw")
    order_name = options.joint_order or DEFAULT_ORDER
    names = order_of_columns(path, "dof_pos", dof_pos, order_name)
    stated = one_number(path, "fps", content["fps"]) if content.get("fps") is not None else None
    fps, fps_from = stated_rate(path, stated, options)
    order, reason = _quat_order(path, root_rot, dof_pos, names, options)
    clip = Clip(
        name=path.stem,
        fps=fps,
        joint_names=names,
        dof_pos=dof_pos,
        root_pos=numbers(path, "root_pos", content["root_pos"]),
        root_quat_wxyz=root_rot[:, ORDER_INDEX[order]],
        provenance={"file": str(path), "format": "gmr_pkl", "fps": fps_from, "root_quat_order": order},
    )
    return noted(clip, f"root_rot read as {order} ({reason}), joints taken as order {order_name}")


def _quat_order(
    path: Path, root_rot: np.ndarray, dof_pos: np.ndarray, names: tuple[str, ...], options: ReadOptions
) -> tuple[str, str]:
    """xyzw, GMR's own, unless an option says otherwise; the soles may object."""
    if options.csv_root_quat_order != "auto":
        return options.csv_root_quat_order, "given by csv_root_quat_order"
    try:
        best, reason = decide_quat_order(path, root_rot, dof_pos, names)
    except MotionError:
        return "xyzw", "as GMR writes; the soles do not contradict"
    if best == "wxyz":
        raise MotionError(
            f"{path}: root_rot looks like wxyz, where GMR writes xyzw ({reason}); "
            "set csv_root_quat_order to what it is"
        )
    return best, f"as GMR writes; {reason}"

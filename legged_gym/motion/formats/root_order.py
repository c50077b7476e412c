"""Telling xyzw from wxyz root quaternions by whether the soles can stand flat."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from legged_gym.motion.rotations import quat_about_axis, quat_mul, up_tilt
from legged_gym.utils.errors import MotionError

ORDER_INDEX = {"wxyz": [0, 1, 2, 3], "xyzw": [3, 0, 1, 2]}
"""Columns of w, x, y and z."""

_LEG = ("hip_pitch", "hip_roll", "hip_yaw", "knee", "ankle_pitch", "ankle_roll")
_THIGH_TILT = 0.1749
"""Fixed rotation about y between hip pitch and hip roll frames of the G1, undone at the knee, rad (Unitree G1 MJCF)."""
_DECISIVE_RATIO, _DECISIVE_ANGLE = 1.5, np.radians(1.0)


def decide_quat_order(
    path: Path, root_quat: np.ndarray, dof_pos: np.ndarray, joint_names: tuple[str, ...]
) -> tuple[str, str]:
    """Tell xyzw from wxyz by which reading lets a foot stand flat.

    Angular speed cannot tell them apart (a permutation keeps the dot product of successive quaternions), and neither
    can an upright pelvis: facing along x, an xyzw quaternion read as wxyz is an upright robot facing backwards. But it
    swaps and negates the small tilts, and then the legs no longer bring the soles level. The score of a reading is the
    mean over frames of the tilt of the flatter sole, through pelvis and leg joints.

    Args:
        path: named in the error.
        root_quat: (T, 4) the four columns as they stand in the file.
        dof_pos: (T, J) joint angles, rad.
        joint_names: the J joints, those of the G1's legs among them.

    Returns:
        The order and a sentence with both scores.

    Raises:
        MotionError: neither reading is clearly flatter.
    """
    score = {
        order: _flatter_sole_tilt(root_quat[:, index], dof_pos, joint_names)
        for order, index in ORDER_INDEX.items()
    }
    best, other = sorted(score, key=score.__getitem__)
    scores = " and ".join(f"{np.degrees(score[order]):.1f} deg as {order}" for order in (best, other))
    gap = score[other] - score[best]
    if score[other] < _DECISIVE_RATIO * score[best] or gap < _DECISIVE_ANGLE:
        raise MotionError(
            f"{path}: cannot tell the order of the root quaternion: the soles are tilted by {scores}; "
            "set csv_root_quat_order to xyzw or wxyz"
        )
    return best, f"decided: mean tilt of the flatter sole is {scores}"


def _flatter_sole_tilt(
    root_quat_wxyz: np.ndarray, dof_pos: np.ndarray, joint_names: tuple[str, ...]
) -> float:
    """Mean over frames of the smaller of both feet's tilts, rad."""
    quat = root_quat_wxyz / np.maximum(np.linalg.norm(root_quat_wxyz, axis=1, keepdims=True), 1e-9)
    tilts = []
    for side in ("left", "right"):
        columns = [joint_names.index(f"{side}_{joint}_joint") for joint in _LEG]
        hip_pitch, hip_roll, hip_yaw, knee, ankle_pitch, ankle_roll = dof_pos[:, columns].T
        foot = quat_mul(quat, quat_about_axis(1, hip_pitch - _THIGH_TILT))
        foot = quat_mul(foot, quat_about_axis(0, hip_roll))
        foot = quat_mul(foot, quat_about_axis(2, hip_yaw))
        foot = quat_mul(foot, quat_about_axis(1, _THIGH_TILT + knee + ankle_pitch))
        tilts.append(up_tilt(quat_mul(foot, quat_about_axis(0, ankle_roll))))
    return float(np.mean(np.minimum(*tilts)))

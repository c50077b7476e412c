"""Named orders of joints, for files that hold joint angles by position and not by name."""

from __future__ import annotations

from legged_gym.utils.errors import MotionError

_LEG = ("hip_pitch", "hip_roll", "hip_yaw", "knee", "ankle_pitch", "ankle_roll")
_ARM = ("shoulder_pitch", "shoulder_roll", "shoulder_yaw", "elbow", "wrist_roll", "wrist_pitch", "wrist_yaw")
_WAIST = ("waist_yaw", "waist_roll", "waist_pitch")
_SIDES = ("left", "right")

G1_JOINT_NAMES: tuple[str, ...] = (
    *(f"{side}_{joint}_joint" for side in _SIDES for joint in _LEG),
    *(f"{joint}_joint" for joint in _WAIST),
    *(f"{side}_{joint}_joint" for side in _SIDES for joint in _ARM),
)
"""Unitree's order of the 29 motors of a G1: limb after limb, as in its MJCF."""

_BREADTH_FIRST = tuple(
    name
    for depth in range(len(_WAIST) + len(_ARM))
    for name in (
        *(f"{side}_{_LEG[depth]}_joint" for side in _SIDES if depth < len(_LEG)),
        *(f"{joint}_joint" for joint in _WAIST[depth : depth + 1]),
        *(f"{side}_{_ARM[depth - len(_WAIST)]}_joint" for side in _SIDES if depth >= len(_WAIST)),
    )
)

JOINT_ORDERS: dict[str, tuple[str, ...]] = {
    "g1": G1_JOINT_NAMES,
    "g1_23dof": tuple(
        name
        for name in G1_JOINT_NAMES
        if name not in ("waist_roll_joint", "waist_pitch_joint")
        and "wrist_pitch" not in name
        and "wrist_yaw" not in name
    ),
    "g1_isaaclab": _BREADTH_FIRST,
}
"""`g1`: Unitree's 29 motors. `g1_23dof`: the same order for the G1 with 23 motors, which lacks waist roll and pitch and
wrist pitch and yaw. `g1_isaaclab`: the 29 joints breadth-first, as Isaac Lab (and so BeyondMimic) numbers them."""

DEFAULT_ORDER = "g1"
"""What public CSV, GMR and MimicKit files of the G1 use."""


def joint_order(name: str) -> tuple[str, ...]:
    """Joint names of a named order.

    Raises:
        MotionError: there is no such order; lists those there are.
    """
    if name not in JOINT_ORDERS:
        raise MotionError(f"no joint order {name!r}; there are {', '.join(JOINT_ORDERS)}")
    return JOINT_ORDERS[name]


def full_joint_name(name: str) -> str:
    """The joint's name with the ending `_joint`, where that makes it one of the G1's; else unchanged."""
    name = str(name)
    return f"{name}_joint" if f"{name}_joint" in G1_JOINT_NAMES else name

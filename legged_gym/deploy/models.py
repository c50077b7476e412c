"""Which G1 is on the other end: ``mode_machine``, and whether a bundle's policy may drive it."""

from __future__ import annotations

from dataclasses import dataclass

from legged_gym.bundle.schema import BundleSpec

_WAIST = ("waist_roll_joint", "waist_pitch_joint")
_WRISTS = tuple(f"{side}_wrist_{axis}_joint" for side in ("left", "right") for axis in ("pitch", "yaw"))
_TOLERANCE = 1.0
"""N m, by which tables of torque limits differ."""


@dataclass(frozen=True)
class Model:
    """A build of the G1."""

    name: str
    hip_pitch: float
    """Torque limit of the hips' pitch joints, N m: 88 with gears of 14.3, 139 with 22.5."""
    hip_roll: float
    """The same of their roll joints."""
    absent: tuple[str, ...] = ()
    """Joints it does not have, or has locked; their motor slots are not valid."""


MODELS: dict[int, Model] = {
    1: Model("23 joints, old", 88.0, 88.0, (*_WAIST, *_WRISTS)),
    2: Model("29 joints, old", 88.0, 88.0),
    3: Model("29 joints, waist locked, old", 88.0, 88.0, _WAIST),
    4: Model("23 joints, revision 1.0", 88.0, 139.0, (*_WAIST, *_WRISTS)),
    5: Model("29 joints, revision 1.0", 88.0, 139.0),
    6: Model("29 joints, waist locked, revision 1.0", 88.0, 139.0, _WAIST),
    10: Model("23 joints, gears of 22.5", 139.0, 139.0, (*_WAIST, *_WRISTS)),
    11: Model("29 joints, gears of 22.5", 139.0, 139.0),
    12: Model("29 joints, waist locked, gears of 22.5", 139.0, 139.0, _WAIST),
    13: Model("29 joints, revision 1.0, new wrists", 88.0, 139.0),
    14: Model("29 joints, waist locked, revision 1.0, new wrists", 88.0, 139.0, _WAIST),
    15: Model("29 joints, gears of 22.5, new wrists", 139.0, 139.0),
    16: Model("29 joints, waist locked, gears of 22.5, new wrists", 139.0, 139.0, _WAIST),
}
"""From the READMEs of unitree_rl_gym (1 to 9) and unitree_ros (10 to 16). 9, the arms alone, cannot walk."""


def model_problems(mode_machine: int, spec: BundleSpec) -> list[str]:
    """Why a policy may not drive a model; empty: it may."""
    model = MODELS.get(mode_machine)
    if model is None:
        known = ", ".join(map(str, MODELS))
        return [f"mode_machine {mode_machine} is no model this controller knows ({known})"]
    problems = []
    missing = [name for name in spec.joint_names if name in model.absent]
    if missing:
        problems.append(
            f"the policy drives {', '.join(missing)}, which this model ({model.name}) does not have"
        )
    limits = {"hip_pitch": model.hip_pitch, "hip_roll": model.hip_roll}
    for part, limit in limits.items():
        trained = {joint.effort_limit for joint in spec.joints if part in joint.name}
        if any(abs(value - limit) > _TOLERANCE for value in trained):
            values = ", ".join(f"{value:g}" for value in sorted(trained))
            problems.append(
                f"the policy was trained with {part} motors of {values} N m; this model ({model.name}) has {limit:g}"
            )
    return problems


def absent_joints(mode_machine: int) -> tuple[str, ...]:
    """Joints that a model lacks; none of a model that nobody knows."""
    return MODELS[mode_machine].absent if mode_machine in MODELS else ()

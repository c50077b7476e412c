"""The clips that ship in `retargeted_data/`, by name. A new gait is a new entry."""

from __future__ import annotations

from math import pi

from legged_gym.motion.synthesis.balance import Support
from legged_gym.motion.synthesis.command_walks import command_walk
from legged_gym.motion.synthesis.feet import Swing
from legged_gym.motion.synthesis.footsteps import LEFT, RIGHT, Move, plan_moves
from legged_gym.motion.synthesis.posture import Style
from legged_gym.motion.synthesis.standing_gaits import arm_gestures, one_leg_balance, squat, stand
from legged_gym.motion.synthesis.synthesize import Gait
from legged_gym.motion.synthesis.terrain_gaits import box, slope, stairs
from legged_gym.motion.synthesis.walks import Walk, walk_footsteps

FLAT_FOOTED = Swing(clearance=0.06, heel_off=0.16, heel_strike=0.04)
"""Short careful steps hardly roll."""
UNDER_THE_ANKLE = Support(first=0.03, last=0.04)
"""Without speed the weight has no reason to travel along the sole."""


def _side_step() -> Gait:
    """Three wide steps to the left, a pause, three back to the right."""
    moves = []
    for lead, sign in ((LEFT, 1.0), (RIGHT, -1.0)):
        for number in range(3):
            pause = 0.9 if number == 0 and lead == RIGHT else 0.14
            moves.append(Move(lead, (0.0, sign * 0.15, 0.0), 0.46, pause))
            moves.append(Move(1 - lead, swing_s=0.46, double_support_s=0.14))
    return Gait(
        plan_moves(moves),
        FLAT_FOOTED,
        UNDER_THE_ANKLE,
        Style(crouch=0.02, lean=0.04, arms_out=0.15, torso_level=2.5),
    )


GAITS: dict[str, Gait] = {
    "stand": stand(),
    "walk_slow": Gait(
        walk_footsteps(Walk((0.27, 0.0, 0.0), 9, step_time_s=0.66, double_support_s=0.14)),
        Swing(clearance=0.065, heel_off=0.28, heel_strike=0.10),
        style=Style(arm_swing=0.8),
    ),
    "walk_forward": Gait(walk_footsteps(Walk((0.40, 0.0, 0.0), 10))),
    "walk_fast": Gait(
        walk_footsteps(Walk((0.43, 0.0, 0.0), 14, step_time_s=0.40, double_support_s=0.05, ramp=(0.5, 0.8))),
        Swing(clearance=0.065, heel_strike=0.14, heel_lands=0.95),
        style=Style(dip=0.28, lean=0.05, hinge=0.04, bend=0.35),
    ),
    "walk_backward": Gait(
        walk_footsteps(Walk((-0.25, 0.0, 0.0), 9, step_time_s=0.56, double_support_s=0.12)),
        Swing(clearance=0.06, heel_off=0.2, heel_strike=0.0),
        Support(first=0.05, last=0.02),
        Style(crouch=0.015, lean=0.06, arm_swing=0.7),
    ),
    "side_step": _side_step(),
    "turn_in_place": Gait(
        walk_footsteps(Walk((0.0, 0.0, pi / 9.4), 11, step_time_s=0.56, double_support_s=0.12)),
        FLAT_FOOTED,
        UNDER_THE_ANKLE,
    ),
    "walk_circle": Gait(walk_footsteps(Walk((2.0 * pi / 20.4, 0.0, 2.0 * pi / 20.4), 22, step_time_s=0.52))),
    "squat": squat(),
    "crouch_walk": Gait(
        walk_footsteps(Walk((0.22, 0.0, 0.0), 12, step_time_s=0.58, double_support_s=0.10, shift_s=1.1)),
        Swing(clearance=0.07, heel_off=0.25, heel_strike=0.05),
        Support(first=-0.01, last=0.02),
        Style(crouch=0.11, hinge=0.5, lean=0.15, bend=0.8, arms_out=0.12, dip=0.05, torso_level=2.5),
    ),
    "arm_gestures": arm_gestures(),
    "one_leg_balance": one_leg_balance(),
    "box": box(),
    "stairs": stairs(),
    "slope": slope(),
    **{f"command_walk_{seed:02d}": command_walk(seed) for seed in range(12)},
}


def folder_of(name: str) -> str:
    """Where the clip of a gait lies below the robot's folder; "" is there itself."""
    if GAITS[name].terrain is not None:
        return "terrain"
    return "commands" if name.startswith("command_walk") else ""

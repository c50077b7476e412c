"""Clips that stay on the spot: standing, squats, gestures, balance on one leg."""

from __future__ import annotations

from legged_gym.motion.synthesis.balance import Support
from legged_gym.motion.synthesis.footsteps import LEFT, RIGHT, Hold, Move, plan_moves, stay
from legged_gym.motion.synthesis.gestures import Gesture, Key, hold
from legged_gym.motion.synthesis.posture import Style
from legged_gym.motion.synthesis.synthesize import Gait

SIDES = (("left", 1.0), ("right", -1.0))
"""Names of the arms, and the sign of turning one outward."""


def stand() -> Gait:
    """Breathes, shifts a little weight from leg to leg, and looks to either side."""
    gesture: dict[str, tuple[Key, ...]] = {
        "weight": ((0.5, 0.0), (2.6, 0.22), (3.4, 0.22), (6.4, -0.2), (7.0, -0.2), (9.0, 0.0)),
        "waist_yaw_joint": ((1.0, 0.0), (2.2, 0.10), (3.6, 0.10), (5.0, -0.08), (6.6, -0.08), (8.2, 0.0)),
        "waist_pitch_joint": _breath(-0.012),
    }
    for side, sign in SIDES:
        gesture[f"{side}_shoulder_roll_joint"] = _breath(sign * 0.02)
        gesture[f"{side}_shoulder_pitch_joint"] = _breath(0.015)
    return Gait(stay(10.0), gesture=gesture)


def _breath(depth: float) -> tuple[Key, ...]:
    """In for 1.3 s and out for 1.7 s, three times."""
    keys = [(0.5, 0.0)]
    for number in range(3):
        keys += [(1.8 + 3.0 * number, depth), (3.5 + 3.0 * number, 0.0)]
    return tuple(keys)


def squat() -> Gait:
    """Down and up twice; hips go back, the torso forward, and the arms keep the balance."""
    gesture: dict[str, tuple[Key, ...]] = {}

    def twice(channel: str, value: float, late: float = 0.0) -> None:
        first, second = (hold(start + late, 1.3, value, 0.5, 1.2) for start in (0.7, 4.1))
        gesture[channel] = (*first, *second)

    twice("crouch", 0.22)
    twice("pelvis_pitch", 0.45)
    twice("waist_pitch_joint", 0.10)
    for side, sign in SIDES:
        twice(f"{side}_shoulder_pitch_joint", -2.0, 0.05)
        twice(f"{side}_shoulder_roll_joint", sign * 0.06, 0.05)
        twice(f"{side}_elbow_joint", 0.35, 0.1)
    return Gait(stay(8.0), gesture=gesture)


def one_leg_balance() -> Gait:
    """The weight moves onto one leg, the other foot hovers for 2 s, comes down, and the other way round."""
    hover = Hold(offset=(0.09, 0.0, 0.13), pitch=0.15, move_s=0.9)
    moves = [Move(foot, swing_s=3.8, double_support_s=1.3, hold=hover) for foot in (RIGHT, LEFT)]
    arms: dict[str, tuple[Key, ...]] = {}
    for side, sign in SIDES:
        arms[f"{side}_shoulder_roll_joint"] = hold(0.7, 1.4, sign * 0.55, 8.2, 1.4)
        arms[f"{side}_elbow_joint"] = hold(0.8, 1.4, 0.25, 8.0, 1.4)
    return Gait(
        plan_moves(moves, shift_s=1.3),
        support=Support(first=0.035, last=0.035, inward=0.010),
        style=Style(pelvis_roll=0.02, torso_level=4.0),
        gesture=arms,
    )


def arm_gestures() -> Gait:
    """A wave, both arms overhead, and a pointing arm; the weight goes a little with the arms."""
    return Gait(stay(13.5), gesture=_ARM_GESTURES)


_ARM_GESTURES: Gesture = {
    "weight": ((0.5, 0.0), (1.5, 0.25), (3.6, 0.25), (4.6, 0.0), (8.6, 0.0), (9.7, -0.25), (11.4, -0.25), (12.7, 0.0)),
    "waist_yaw_joint": (
        (0.7, 0.0), (1.5, -0.12), (3.5, -0.12), (4.6, 0.0),
        (8.6, 0.0), (9.5, 0.35), (11.3, 0.35), (12.5, 0.0),
    ),
    "waist_roll_joint": ((0.6, 0.0), (1.6, 0.05), (3.5, 0.05), (4.6, 0.0)),
    "waist_pitch_joint": ((4.9, 0.0), (6.1, -0.10), (7.0, -0.10), (8.2, 0.0)),
    "right_shoulder_pitch_joint": (
        (0.6, 0.0), (1.5, -1.5), (3.5, -1.5), (4.5, 0.0),
        (4.9, 0.0), (6.2, -2.75), (7.0, -2.75), (8.3, 0.0),
    ),
    "right_shoulder_roll_joint": (
        (0.6, 0.0), (1.5, -0.9), (3.5, -0.9), (4.5, 0.0),
        (4.9, 0.0), (6.2, -0.15), (7.0, -0.15), (8.3, 0.0),
    ),
    "right_shoulder_yaw_joint": (
        (0.7, 0.0), (1.6, -0.4), (1.95, 0.35), (2.3, -0.4), (2.65, 0.35), (3.0, -0.4), (3.35, 0.35), (4.2, 0.0),
    ),
    "right_elbow_joint": (
        (0.6, 0.0), (1.5, -1.0), (3.5, -1.0), (4.5, 0.0), (5.0, 0.0), (6.3, 0.35), (7.0, 0.35), (8.3, 0.0),
    ),
    "left_shoulder_pitch_joint": (
        (4.9, 0.0), (6.2, -2.75), (7.0, -2.75), (8.3, 0.0), (8.7, 0.0), (9.6, -1.55), (11.3, -1.55), (12.5, 0.0),
    ),
    "left_shoulder_roll_joint": (
        (4.9, 0.0), (6.2, 0.15), (7.0, 0.15), (8.3, 0.0), (8.7, 0.0), (9.6, 0.1), (11.3, 0.1), (12.5, 0.0),
    ),
    "left_elbow_joint": (
        (5.0, 0.0), (6.3, 0.35), (7.0, 0.35), (8.3, 0.0), (8.8, 0.0), (9.8, 0.4), (11.3, 0.4), (12.5, 0.0),
    ),
}  # fmt: skip

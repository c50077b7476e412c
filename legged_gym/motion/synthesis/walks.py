"""Steady walks as footstep plans."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from legged_gym.motion.synthesis.footsteps import LEFT, FootstepPlan, Move, Stance, plan_moves
from legged_gym.motion.synthesis.terrain import LEVEL, Terrain
from legged_gym.utils.errors import MotionError


@dataclass(frozen=True)
class Walk:
    """A steady walk along a straight line or arc, from standing to standing with the feet side by side."""

    advance: tuple[float, float, float]
    """What one step adds to the body's place: forward (m), left (m), turn (rad). Speed is this over `step_time_s`."""
    num_steps: int
    """Steps in all; the last one closes the feet without advancing."""
    step_time_s: float = 0.50
    """From one touch-down to the next."""
    double_support_s: float = 0.08
    """Part of it with both feet flat on the ground, while the weight moves over."""
    ramp: tuple[float, ...] = (0.7,)
    """The first advances as shares of a full one; the last ones, in reverse."""
    first_foot: int = LEFT
    stance: Stance = field(default_factory=Stance)
    """Where the feet stand to either side of the body's path."""
    shift_s: float = 0.7
    """Time to move the weight onto the first standing foot, and back to the middle after the last step."""
    still_s: float = 0.5
    """Standing still before and after."""


def walk_footsteps(walk: Walk, terrain: Terrain = LEVEL) -> FootstepPlan:
    """Alternating steps of a walk that starts at the origin, facing x.

    Raises:
        MotionError: too few steps to speed up and slow down, or times that leave no room to swing a foot.
    """
    shortest = 2 * len(walk.ramp) + 1
    if walk.num_steps < shortest:
        raise MotionError(
            f"num_steps is {walk.num_steps}; {shortest} are needed to speed up, slow down and close"
        )
    if not 0.0 < walk.double_support_s < walk.step_time_s:
        raise MotionError(
            f"double_support_s is {walk.double_support_s:g}; "
            f"it must lie between 0 and step_time_s ({walk.step_time_s:g})"
        )
    share = np.ones(walk.num_steps)
    for index, value in enumerate(walk.ramp):
        share[index] = share[-2 - index] = value
    share[-1] = 0.0
    forward, left, turn = walk.advance
    moves = [
        Move(
            (walk.first_foot + index) % 2,
            (part * forward, part * left, part * turn),
            walk.step_time_s - walk.double_support_s,
            walk.double_support_s,
        )
        for index, part in enumerate(share)
    ]
    return plan_moves(moves, walk.stance, terrain, walk.shift_s, walk.still_s)

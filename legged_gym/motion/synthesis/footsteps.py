"""Footstep plans: where and when each foot stands."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from legged_gym.utils.errors import MotionError

LEFT, RIGHT = 0, 1
"""Index of a foot wherever feet are counted: placements, paths, contacts."""


@dataclass(frozen=True)
class Placement:
    """A foot flat on level ground: its ankle's x, y (m) and heading (rad) in the world."""

    x: float
    y: float
    yaw: float

    def point(self, forward: float, left: float = 0.0) -> np.ndarray:
        """World xy (2,) of a point given in the foot's frame, m."""
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        return np.array([self.x + cos * forward - sin * left, self.y + sin * forward + cos * left])


@dataclass(frozen=True)
class Footstep:
    """One foot leaves its place and lands on another."""

    foot: int
    """LEFT or RIGHT."""
    placement: Placement
    """Where it lands."""
    lift_off_s: float
    """Last moment of standing flat on the old place."""
    touch_down_s: float
    """First moment of standing flat on the new one."""


@dataclass(frozen=True)
class FootstepPlan:
    """Steps in order of time, no two at once; between and around them both feet stand."""

    start: tuple[Placement, Placement]
    """Left and right foot at time 0."""
    steps: tuple[Footstep, ...]
    move_start_s: float
    """Until then the robot stands still."""
    move_end_s: float
    """From then on it stands still again."""
    duration_s: float

    @property
    def end(self) -> tuple[Placement, Placement]:
        """Left and right foot after the last step."""
        places = list(self.start)
        for step in self.steps:
            places[step.foot] = step.placement
        return places[LEFT], places[RIGHT]


@dataclass(frozen=True)
class Stance:
    """How two feet stand side by side."""

    half_width: float = 0.08
    """Distance of each ankle from the body's middle line, m."""
    toe_out: float = 0.05
    """Outward turn of each foot, rad."""

    def placements(self, body: np.ndarray) -> tuple[Placement, Placement]:
        """Left and right foot below a body at x, y (m), heading (rad)."""
        centre = Placement(*body)
        left, right = (centre.point(0.0, side * self.half_width) for side in (1.0, -1.0))
        return Placement(*left, body[2] + self.toe_out), Placement(*right, body[2] - self.toe_out)


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


def stand(duration_s: float, stance: Stance) -> FootstepPlan:
    """Stand still at the origin, facing x."""
    start = stance.placements(np.zeros(3))
    return FootstepPlan(start, (), move_start_s=duration_s, move_end_s=duration_s, duration_s=duration_s)


def walk_footsteps(walk: Walk) -> FootstepPlan:
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

    body = np.zeros(3)  # x, y, yaw of the point midway between the feet
    steps = []
    lift_off = walk.still_s + walk.shift_s
    for index in range(walk.num_steps):
        body = _moved(body, share[index] * np.asarray(walk.advance))
        foot = (walk.first_foot + index) % 2
        touch_down = lift_off + walk.step_time_s - walk.double_support_s
        steps.append(Footstep(foot, walk.stance.placements(body)[foot], lift_off, touch_down))
        lift_off = touch_down + walk.double_support_s
    move_end = steps[-1].touch_down_s + walk.shift_s
    return FootstepPlan(
        start=walk.stance.placements(np.zeros(3)),
        steps=tuple(steps),
        move_start_s=walk.still_s,
        move_end_s=move_end,
        duration_s=move_end + walk.still_s,
    )


def _moved(body: np.ndarray, advance: np.ndarray) -> np.ndarray:
    """Add an advance given in the body's frame, halfway through its turn, so that equal advances lie on an arc."""
    angle = body[2] + 0.5 * advance[2]
    cos, sin = np.cos(angle), np.sin(angle)
    return body + np.array(
        [cos * advance[0] - sin * advance[1], sin * advance[0] + cos * advance[1], advance[2]]
    )

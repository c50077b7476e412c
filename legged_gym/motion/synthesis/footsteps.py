"""Footstep plans: where and when each foot stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from legged_gym.motion.rotations import quat_about_axis, quat_mul, quat_rotate
from legged_gym.motion.synthesis.terrain import LEVEL, Terrain
from legged_gym.utils.errors import MotionError

LEFT, RIGHT = 0, 1
"""Index of a foot wherever feet are counted: placements, paths, contacts."""


@dataclass(frozen=True)
class Placement:
    """A foot with its whole sole on the ground, in the world."""

    x: float
    """Of the point of the ground below the ankle, along the normal of the sole, m."""
    y: float
    yaw: float
    """Heading, rad."""
    z: float = 0.0
    pitch: float = 0.0
    """Tilt of the ground along the heading, nose down, rad."""
    roll: float = 0.0
    """Tilt of the ground across, left side up, rad; applied after pitch."""

    @property
    def pos(self) -> np.ndarray:
        """(3,) x, y, z."""
        return np.array([self.x, self.y, self.z])

    @property
    def quat_wxyz(self) -> np.ndarray:
        """(4,) foot to world."""
        return tilted(np.array(self.yaw), np.array(self.pitch), np.array(self.roll))

    def point(self, forward: float, left: float = 0.0) -> np.ndarray:
        """World xyz (3,) of a point of the sole given in the foot's frame, m."""
        return self.pos + quat_rotate(self.quat_wxyz, np.array([forward, left, 0.0]))


@dataclass(frozen=True)
class Hold:
    """A foot that stays in the air on its way: one leg carries the robot."""

    offset: tuple[float, float, float]
    """Where it hovers, from its place on the ground: forward, left, up, m."""
    pitch: float
    """Of the hovering foot, nose down, rad."""
    move_s: float
    """Time to get there, and back."""


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
    hold: Hold | None = None
    """Where it stays meanwhile; None: it swings through."""


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

    def placements(self, body: np.ndarray, terrain: Terrain = LEVEL) -> tuple[Placement, Placement]:
        """Left and right foot below a body at x, y (m), heading (rad)."""
        left, right = (
            _on_ground(
                terrain,
                Placement(*body).point(0.0, side * self.half_width)[:2],
                body[2] + side * self.toe_out,
            )
            for side in (1.0, -1.0)
        )
        return left, right


STANCE = Stance()


@dataclass(frozen=True)
class Move:
    """One step of a plan, told by how far the body goes with it."""

    foot: int
    advance: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """What it adds to the body's place: forward (m), left (m), turn (rad). The foot lands at its side of that place."""
    swing_s: float = 0.42
    """From lift-off to touch-down."""
    double_support_s: float = 0.08
    """Both feet flat on the ground before it, while the weight moves over; the first move has the plan's shift."""
    hold: Hold | None = None


def stay(duration_s: float, still_s: float = 0.5) -> FootstepPlan:
    """Feet stay at the origin, facing x; the body may move but for `still_s` at both ends."""
    start = STANCE.placements(np.zeros(3))
    return FootstepPlan(start, (), still_s, duration_s - still_s, duration_s)


def plan_moves(
    moves: Sequence[Move],
    stance: Stance = STANCE,
    terrain: Terrain = LEVEL,
    shift_s: float = 0.7,
    still_s: float = 0.5,
) -> FootstepPlan:
    """A plan that starts at the origin, facing x, with the feet side by side.

    Args:
        moves: the steps in their order.
        stance: where the feet stand to either side of the body's path.
        terrain: ground they stand on.
        shift_s: time to move the weight onto the first standing foot, and back to the middle after the last step.
        still_s: standing still before and after.

    Raises:
        MotionError: a move without time to swing, or a foot that would stand on no plane.
    """
    body = np.zeros(3)  # x, y, yaw of the point midway between the feet
    steps: list[Footstep] = []
    lift_off = still_s + shift_s
    for number, move in enumerate(moves):
        if move.swing_s <= 0.0 or move.double_support_s <= 0.0:
            raise MotionError(
                f"move {number} has swing_s {move.swing_s:g} and double_support_s {move.double_support_s:g}; "
                "both must be positive"
            )
        if steps:
            lift_off = steps[-1].touch_down_s + move.double_support_s
        body = moved(body, np.asarray(move.advance))
        place = stance.placements(body, terrain)[move.foot]
        steps.append(Footstep(move.foot, place, lift_off, lift_off + move.swing_s, move.hold))
    move_end = steps[-1].touch_down_s + shift_s
    return FootstepPlan(
        start=stance.placements(np.zeros(3), terrain),
        steps=tuple(steps),
        move_start_s=still_s,
        move_end_s=move_end,
        duration_s=move_end + still_s,
    )


def moved(body: np.ndarray, advance: np.ndarray) -> np.ndarray:
    """Add an advance given in the body's frame, halfway through its turn, so that equal advances lie on an arc."""
    angle = body[2] + 0.5 * advance[2]
    cos, sin = np.cos(angle), np.sin(angle)
    return body + np.array(
        [cos * advance[0] - sin * advance[1], sin * advance[0] + cos * advance[1], advance[2]]
    )


def tilted(yaw: np.ndarray, pitch: np.ndarray, roll: np.ndarray) -> np.ndarray:
    """Rotation by roll, then pitch, then yaw about fixed axes, (T,) rad each -> (T, 4) wxyz."""
    return quat_mul(quat_about_axis(2, yaw), quat_mul(quat_about_axis(1, pitch), quat_about_axis(0, roll)))


def _on_ground(terrain: Terrain, xy: np.ndarray, yaw: float) -> Placement:
    """A foot below an ankle at xy (2,), as the ground there is tilted."""
    normal = terrain.normal(xy)
    cos, sin = np.cos(yaw), np.sin(yaw)
    ahead, left = cos * normal[0] + sin * normal[1], cos * normal[1] - sin * normal[0]
    return Placement(
        x=float(xy[0]),
        y=float(xy[1]),
        yaw=float(yaw),
        z=float(terrain.height(xy)),
        pitch=float(np.arctan2(ahead, normal[2])),
        roll=float(-np.arcsin(left)),
    )

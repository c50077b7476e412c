"""Where a robot can touch the ground, which feet do, and how far a clip is off the ground."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import mujoco
import numpy as np

from legged_gym.motion.kinematics import BodyStates, body_ids
from legged_gym.motion.rotations import quat_rotate
from legged_gym.utils.errors import MotionError

GroundHeight = Callable[[np.ndarray], np.ndarray]
"""Height of the ground under horizontal positions: (..., 2) m -> (...) m, world frame."""

TOUCH_HEIGHT, TOUCH_SPEED = 0.02, 0.25
"""A foot touches down when its lowest point is below this height (m) and slower than this (m/s) ..."""
LEAVE_HEIGHT, LEAVE_SPEED = 0.035, 0.5
"""... and leaves when it is above this height or faster than this; in between it stays what it was."""


def flat_ground(xy: np.ndarray) -> np.ndarray:
    """Ground at z = 0. (..., 2) -> (...)."""
    return np.zeros(xy.shape[:-1])


@dataclass(frozen=True, eq=False)
class CollisionPoints:
    """Spheres, P of them, whose union has the lowest points of some bodies' collision geometry.

    A sphere geom is itself, a capsule its two end spheres, anything else the corners (radius 0) of its bounding box.
    """

    body: np.ndarray
    """(P,) index into the body names asked for."""
    local: np.ndarray
    """(P, 3) centre in the body's frame, m."""
    radius: np.ndarray
    """(P,) m."""

    def centres_w(self, states: BodyStates) -> np.ndarray:
        """(T, P, 3) sphere centres in the world."""
        return states.pos_w[:, self.body] + self._offset_w(states)

    def lowest_w(self, states: BodyStates) -> np.ndarray:
        """(T, P, 3) lowest point of each sphere in the world."""
        lowest = self.centres_w(states)
        lowest[..., 2] -= self.radius
        return lowest

    def speed(self, states: BodyStates) -> np.ndarray:
        """(T, P) speed of the material point at each sphere's lowest point, m/s."""
        return np.linalg.norm(self.velocity_w(states), axis=-1)

    def velocity_w(self, states: BodyStates) -> np.ndarray:
        """(T, P, 3) velocity of the material point at each sphere's lowest point, m/s."""
        arm = self._offset_w(states)
        arm[..., 2] -= self.radius
        return states.lin_vel_w[:, self.body] + np.cross(states.ang_vel_w[:, self.body], arm)

    def _offset_w(self, states: BodyStates) -> np.ndarray:
        return quat_rotate(states.quat_wxyz[:, self.body], self.local[None])


def collision_points(model: mujoco.MjModel, body_names: tuple[str, ...]) -> CollisionPoints:
    """Contact candidates of named bodies, from their colliding geoms.

    Raises:
        MotionError: the model lacks a body, or none of them has a colliding geom.
    """
    body, local, radius = [], [], []
    for index, body_id in enumerate(body_ids(model, body_names)):
        first = model.body_geomadr[body_id]
        for geom in range(first, first + model.body_geomnum[body_id]):
            if model.geom_contype[geom] == 0 and model.geom_conaffinity[geom] == 0:
                continue
            points, size = _geom_points(model, geom)
            local.append(quat_rotate(model.geom_quat[geom], points) + model.geom_pos[geom])
            radius.append(np.full(len(points), size))
            body.append(np.full(len(points), index))
    if not body:
        raise MotionError(f"none of the bodies {', '.join(body_names)} has a geom that collides")
    return CollisionPoints(np.concatenate(body), np.concatenate(local), np.concatenate(radius))


def foot_contacts(
    points: CollisionPoints, num_feet: int, states: BodyStates, ground: GroundHeight = flat_ground
) -> np.ndarray:
    """Which feet are on the ground, from height and speed with hysteresis.

    Args:
        points: contact candidates of the feet.
        num_feet: bodies that `points` index.
        states: those bodies over T frames.
        ground: height of the ground.

    Returns:
        (T, num_feet) bool.
    """
    lowest = points.lowest_w(states)
    height = lowest[..., 2] - ground(lowest[..., :2])  # (T, P)
    speed = points.speed(states)
    contacts = np.zeros((len(height), num_feet), dtype=bool)
    for foot in range(num_feet):
        own = np.flatnonzero(points.body == foot)
        nearest = own[np.argmin(height[:, own], axis=1)][:, None]  # (T, 1) the foot's lowest point
        foot_height = np.take_along_axis(height, nearest, axis=1)[:, 0]
        foot_speed = np.take_along_axis(speed, nearest, axis=1)[:, 0]
        contacts[:, foot] = foot_contact(foot_height, foot_speed)
    return contacts


def foot_contact(height: np.ndarray, speed: np.ndarray) -> np.ndarray:
    """When a foot is on the ground, from height (m) and speed (m/s) of its lowest point. (T,), (T,) -> (T,) bool."""
    touch = (height < TOUCH_HEIGHT) & (speed < TOUCH_SPEED)
    leave = (height > LEAVE_HEIGHT) | (speed > LEAVE_SPEED)
    return _hold(touch, leave)


def height_above_ground(
    points: CollisionPoints, states: BodyStates, ground: GroundHeight = flat_ground
) -> float:
    """How far a clip floats (positive) or is sunk (negative): median over frames of its lowest point's height, m."""
    lowest = points.lowest_w(states)
    return float(np.median(np.min(lowest[..., 2] - ground(lowest[..., :2]), axis=1)))


def _hold(on: np.ndarray, off: np.ndarray) -> np.ndarray:
    """(T,) state that follows the last decisive frame; off before the first one."""
    decided = np.where(on | off, np.arange(len(on)), -1)
    last = np.maximum.accumulate(decided)
    return np.where(last >= 0, on[last], False)


def _geom_points(model: mujoco.MjModel, geom: int) -> tuple[np.ndarray, float]:
    """Points (n, 3) in the geom's frame, and the radius around them, that enclose a geom."""
    kind, size = model.geom_type[geom], model.geom_size[geom]
    if kind == mujoco.mjtGeom.mjGEOM_SPHERE:
        return np.zeros((1, 3)), float(size[0])
    if kind == mujoco.mjtGeom.mjGEOM_CAPSULE:
        return np.array([[0.0, 0.0, -size[1]], [0.0, 0.0, size[1]]]), float(size[0])
    centre, half = model.geom_aabb[geom, :3], model.geom_aabb[geom, 3:]
    signs = np.stack(np.meshgrid(*[(-1.0, 1.0)] * 3), axis=-1).reshape(-1, 3)
    return centre + signs * half, 0.0

"""A target that goes ahead of the robot at a commanded velocity, on a leash: what training's joystick does, for one.

Needs odometry. Poses are x, y (m) and heading (rad) in a world that does not move; the robot's is its anchor's.
"""

from __future__ import annotations

import math

LEASH_M = 0.5
"""The target is never further than this ahead of or behind the robot, nor to either side of it, m."""
LEASH_RAD = 0.3
"""Nor turned by more than this against it, rad."""

RAMP = (0.6, 0.4, 0.8)
"""By how much its velocity changes in a second on its way to what is commanded, m/s^2 and rad/s^2."""

Pose = tuple[float, float, float]


class Carrot:
    """The target of one robot."""

    def __init__(self) -> None:
        """At the origin; begin with :meth:`restart`."""
        self.pose: Pose = (0.0, 0.0, 0.0)
        self._velocity: Pose = (0.0, 0.0, 0.0)

    def restart(self, robot: Pose) -> None:
        """The target is where the robot is, and stands."""
        self.pose, self._velocity = robot, (0.0, 0.0, 0.0)

    def move_on(self, velocity: Pose, dt: float, robot: Pose) -> Pose:
        """A control period has passed; returns the target as :func:`seen_from` the robot.

        Args:
            velocity: What is commanded: forwards and left by the target's own heading, m/s, and turning left, rad/s.
            dt: The period, s.
            robot: Where the robot is now.
        """
        forwards, left, turning = (
            now + _within(goal - now, most * dt)
            for now, goal, most in zip(self._velocity, velocity, RAMP, strict=True)
        )
        self._velocity = forwards, left, turning
        x, y, turn = seen_from(moved(self.pose, self._velocity, dt), robot)
        seen = _within(x, LEASH_M), _within(y, LEASH_M), _within(turn, LEASH_RAD)
        self.pose = _ahead(robot, seen, robot[2])
        return seen


def moved(pose: Pose, velocity: Pose, dt: float) -> Pose:
    """A pose after moving at a velocity: along the heading that it has halfway through the period."""
    forwards, left, turn = (part * dt for part in velocity)
    return _ahead(pose, (forwards, left, turn), pose[2] + 0.5 * turn)


def seen_from(pose: Pose, robot: Pose) -> Pose:
    """How far ahead and to the left a pose is by the robot's heading, m, and turned left by how much, rad."""
    east, north = pose[0] - robot[0], pose[1] - robot[1]
    cos, sin = math.cos(robot[2]), math.sin(robot[2])
    turn = (pose[2] - robot[2] + math.pi) % (2.0 * math.pi) - math.pi
    return cos * east + sin * north, cos * north - sin * east, turn


def _ahead(pose: Pose, way: Pose, heading: float) -> Pose:
    cos, sin = math.cos(heading), math.sin(heading)
    return pose[0] + cos * way[0] - sin * way[1], pose[1] + sin * way[0] + cos * way[1], pose[2] + way[2]


def _within(value: float, limit: float) -> float:
    return max(-limit, min(limit, value))

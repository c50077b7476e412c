"""The view of a clip that all checks share: on the robot's joints, over its ground, costly things computed once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from legged_gym.motion.clip import Clip
from legged_gym.motion.contacts import TOUCH_SPEED, GroundHeight, flat_ground, foot_contact
from legged_gym.motion.kinematics import BodyStates, forward_kinematics
from legged_gym.motion.resample import angular_velocity_w, linear_velocity
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.motion.validation.findings import Finding, Severity
from legged_gym.motion.validation.spans import Span, label, runs

ONE_LEVEL = 0.08
"""Standing feet whose heights spread less than this (m, 10th to 90th percentile) stand on one level."""
_WALL_DISTANCES = (0.05, 0.03, 0.02, 0.01)
_WALL_DIRECTIONS = 8


@dataclass(frozen=True, eq=False)
class CheckedMotion:
    """A motion of T samples on a robot of J joints and F feet."""

    name: str
    robot: RobotLayout
    fps: float
    """Frames per second of the clip's file, which frame numbers in findings refer to."""
    time: np.ndarray
    """(T,) seconds of the clip at which the samples lie."""
    dof_pos: np.ndarray
    """(T, J) rad, in the robot's order."""
    dof_vel: np.ndarray
    """(T, J) rad/s."""
    root_pos: np.ndarray
    """(T, 3) m, world."""
    root_quat_wxyz: np.ndarray
    """(T, 4) body to world, sign-continuous."""
    root_lin_vel_w: np.ndarray
    """(T, 3) m/s."""
    root_ang_vel_w: np.ndarray
    """(T, 3) rad/s."""
    feet: BodyStates
    """(T, F, ...) states of `robot.foot_bodies`."""
    recorded_contacts: np.ndarray | None = None
    """(T, F) bool, where the file has contacts of these feet."""
    ground: GroundHeight = flat_ground

    @classmethod
    def from_clip(cls, clip: Clip, robot: RobotLayout, ground: GroundHeight = flat_ground) -> CheckedMotion:
        """At the clip's own frames, with one pass of forward kinematics.

        Raises:
            MotionError: the clip's joints do not fit the robot.
        """
        time = np.arange(clip.num_frames) / clip.fps
        dof_pos = clip.dof_pos[:, robot.joint_columns(clip)]
        dof_vel = linear_velocity(time, dof_pos)
        lin_vel = linear_velocity(time, clip.root_pos)
        ang_vel = angular_velocity_w(time, clip.root_quat_wxyz)
        index = robot.index
        qpos = index.qpos(clip.root_pos, clip.root_quat_wxyz, dof_pos)
        qvel = index.qvel(clip.root_quat_wxyz, lin_vel, ang_vel, dof_vel)
        contacts = clip.contacts or {}
        recorded = all(foot in contacts for foot in robot.foot_bodies)
        return cls(
            name=clip.name,
            robot=robot,
            fps=clip.fps,
            time=time,
            dof_pos=dof_pos,
            dof_vel=dof_vel,
            root_pos=clip.root_pos,
            root_quat_wxyz=clip.root_quat_wxyz,
            root_lin_vel_w=lin_vel,
            root_ang_vel_w=ang_vel,
            feet=forward_kinematics(robot.model, robot.foot_bodies, qpos, qvel),
            recorded_contacts=np.stack([contacts[foot] for foot in robot.foot_bodies], 1)
            if recorded
            else None,
            ground=ground,
        )

    @property
    def step(self) -> float:
        """Seconds between samples."""
        return float(np.median(np.diff(self.time)))

    def samples(self, seconds: float) -> int:
        """The number of samples that a duration takes, at least one."""
        return max(1, round(seconds / self.step))

    @cached_property
    def foot_labels(self) -> tuple[str, ...]:
        """Feet as people call them: left foot, right foot, else the body's name."""
        sides = [name.partition("_")[0] for name in self.robot.foot_bodies]
        if sorted(sides) == ["left", "right"]:
            return tuple(f"{side} foot" for side in sides)
        return tuple(label(name) for name in self.robot.foot_bodies)

    @cached_property
    def foot_points_w(self) -> np.ndarray:
        """(T, P, 3) lowest points of the soles' contact candidates."""
        return self.robot.foot_points.lowest_w(self.feet)

    @cached_property
    def point_height(self) -> np.ndarray:
        """(T, P) height of those points above the ground, m; negative inside, inf beyond the terrain's edge."""
        return height_above(self.ground, self.foot_points_w)

    @cached_property
    def point_velocity(self) -> np.ndarray:
        """(T, P, 3) velocity of those points, m/s."""
        return self.robot.foot_points.velocity_w(self.feet)

    @cached_property
    def point_speed(self) -> np.ndarray:
        """(T, P) speed of those points, m/s."""
        return np.linalg.norm(self.point_velocity, axis=-1)

    @cached_property
    def _lowest_point(self) -> np.ndarray:
        """(T, F) index of each foot's lowest point."""
        body = self.robot.foot_points.body
        groups = [np.flatnonzero(body == foot) for foot in range(len(self.robot.foot_bodies))]
        return np.stack([own[np.argmin(self.point_height[:, own], axis=1)] for own in groups], axis=1)

    @cached_property
    def foot_height(self) -> np.ndarray:
        """(T, F) height of each foot's lowest point, m."""
        return np.take_along_axis(self.point_height, self._lowest_point, axis=1)

    @cached_property
    def foot_speed(self) -> np.ndarray:
        """(T, F) speed of each foot's lowest point, m/s."""
        return np.take_along_axis(self.point_speed, self._lowest_point, axis=1)

    @cached_property
    def standing_heights(self) -> np.ndarray:
        """(n,) heights above the ground at which feet stand, m; empty if none ever does.

        Of feet whose contact is recorded, else of the lower foot wherever it is slow enough to stand.
        """
        if self.recorded_contacts is not None and self.recorded_contacts.any():
            heights = self.foot_height[self.recorded_contacts]
        else:
            lower = np.argmin(self.foot_height, axis=1)[:, None]
            slow = np.take_along_axis(self.foot_speed, lower, axis=1) < TOUCH_SPEED
            heights = np.take_along_axis(self.foot_height, lower, axis=1)[slow]
        return heights[np.isfinite(heights)]

    @cached_property
    def standing_range(self) -> tuple[float, float]:
        """10th and 90th percentile of the standing heights, m."""
        low, high = np.percentile(self.standing_heights, (10, 90))
        return float(low), float(high)

    @cached_property
    def on_one_level(self) -> bool:
        """Whether standing feet are all about equally high above the ground, right or wrong."""
        if not len(self.standing_heights):
            return False
        low, high = self.standing_range
        return high - low < ONE_LEVEL

    @cached_property
    def ground_offset(self) -> float:
        """Median height at which feet stand above the ground, m; 0 if they do not stand on one level."""
        return float(np.median(self.standing_heights)) if self.on_one_level else 0.0

    @cached_property
    def contacts(self) -> np.ndarray:
        """(T, F) bool: as recorded, else from height and speed once the constant offset is taken out."""
        if self.recorded_contacts is not None:
            return self.recorded_contacts
        height = self.foot_height - self.ground_offset
        return np.stack(
            [foot_contact(height[:, i], self.foot_speed[:, i]) for i in range(height.shape[1])], 1
        )

    def stances(self, foot: int) -> list[tuple[int, int]]:
        """First and last sample of each uninterrupted contact of a foot."""
        return runs(self.contacts[:, foot])

    def frame(self, sample: int) -> int:
        """The clip's frame nearest to a sample."""
        return round(self.time[sample] * self.fps)

    def at(self, sample: int) -> str:
        """ "at 4.24 s (frame 212)"."""
        return f"at {self.time[sample]:.2f} s (frame {self.frame(sample)})"

    def during(self, span: Span) -> str:
        """ "from 4.00 to 12.00 s (frames 200 to 600)", or "at ..." for a single frame."""
        if self.frame(span.first) == self.frame(span.last):
            return self.at(span.first)
        first, last = self.time[span.first], self.time[span.last]
        return (
            f"from {first:.2f} to {last:.2f} s (frames {self.frame(span.first)} to {self.frame(span.last)})"
        )

    def finding(
        self,
        check: str,
        severity: Severity,
        message: str,
        span: Span | None = None,
        subject: str = "",
        value: float = 0.0,
        limit: float = 0.0,
        unit: str = "",
    ) -> Finding:
        """A finding over a span of samples; None for the whole clip."""
        first, last = (0, len(self.time) - 1) if span is None else (span.first, span.last)
        return Finding(
            check=check,
            severity=severity,
            message=message,
            first_frame=self.frame(first),
            last_frame=self.frame(last),
            first_s=float(self.time[first]),
            last_s=float(self.time[last]),
            subject=subject,
            value=float(value),
            limit=float(limit),
            unit=unit,
        )


def height_above(ground: GroundHeight, points_w: np.ndarray) -> np.ndarray:
    """Height of points above the ground, negative inside it. (..., 3) -> (...) m.

    A point just inside the wall of a step lies deep below the top of the step, but a small push to the side frees it:
    where the ground nearby is lower than the point, the depth is the distance to there.
    """
    height = points_w[..., 2] - ground(points_w[..., :2])
    if ground is flat_ground:
        return height
    angles = 2.0 * np.pi * np.arange(_WALL_DIRECTIONS) / _WALL_DIRECTIONS
    ring = np.stack((np.cos(angles), np.sin(angles)), axis=-1)  # (8, 2)
    known_depth = np.inf
    for distance in _WALL_DISTANCES:
        # Points that the larger distance did not free are deep inside: no use in trying smaller ones.
        inside = np.nonzero((height < -distance) & (height >= -known_depth))
        near_wall = tuple(axis[_is_free(ground, points_w[inside], distance * ring)] for axis in inside)
        height[near_wall] = -distance
        known_depth = distance
    return height


def _is_free(ground: GroundHeight, points_w: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """(n,) bool: (n, 3) points that come out of the ground with one of the horizontal shifts (k, 2)."""
    return (ground(points_w[:, None, :2] + shifts) <= points_w[:, None, 2]).any(axis=1)

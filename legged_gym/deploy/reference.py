"""Plays a clip of a bundle. The robot is brought into the clip's world, not the clip into the robot's."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from legged_gym.deploy import rotations as rot
from legged_gym.deploy.bundle import Bundle
from legged_gym.deploy.robot_state import Alignment, Place
from legged_gym.deploy.rotations import Quat, Vector
from legged_gym.utils.errors import ConfigError

AtEnd = Literal["stay", "again"]
SAME_POSE_RAD = 0.1
"""A clip may start again without a pause when none of its joints ends further than this from where it starts."""


class ClipPlayer:
    """One clip, frame by frame at the policy's rate."""

    def __init__(self, bundle: Bundle, clip: str | None, at_end: AtEnd) -> None:
        """Choose the clip; without a name, the bundle's first.

        Args:
            bundle: Has a reference.
            clip: Its name.
            at_end: Hold the last frame, or start again from wherever the robot is then.

        Raises:
            RunError: The bundle has no such clip.
            ConfigError: It ends in another pose than it starts in, so it cannot start again at once.
        """
        self.arrays = bundle.reference
        self.name = clip or str(self.arrays["clip_names"][0])
        frames = bundle.clip_frames(self.name)
        self.first, self.last = frames[0], frames[-1]
        self._again = at_end == "again"
        change = np.abs(self.arrays["dof_pos"][self.last] - self.arrays["dof_pos"][self.first])
        if self._again and change.max() > SAME_POSE_RAD:
            joint = bundle.spec.joint_names[int(change.argmax())]
            raise ConfigError(
                f"clip {self.name} cannot start again at its end: {joint} is {change.max():.2f} rad from where it "
                f"starts; at most {SAME_POSE_RAD} is right"
            )
        self.frame = self.first
        """The frame the policy sees."""
        self._alignment: Alignment | None = None

    def begin(self) -> None:
        """Go to the first frame, and align the worlds at the next look."""
        self.frame, self._alignment = self.first, None

    def advance(self) -> None:
        """A control period has passed."""
        if self.frame < self.last:
            self.frame += 1
        elif self._again:
            self.begin()

    def see(self, place: Place) -> Place:
        """A place in the clip's world. At the clip's beginning, robot and reference have the same place and heading."""
        if self._alignment is None:
            self._alignment = self._aligned(place)
        return self._alignment(place)

    def row(self, name: str, ahead: int = 0) -> np.ndarray:
        """An array of :data:`arrays.REFERENCE` at the present frame, or some frames ahead; held at the clip's end."""
        return self.arrays[name][min(self.frame + ahead, self.last)]

    def anchor(self, ahead: int = 0) -> tuple[Vector, Quat]:
        """Place and orientation of the reference's anchor, m and wxyz."""
        return rot.vector(self.row("anchor_pos_w", ahead)), rot.quat(self.row("anchor_quat_wxyz", ahead))

    def phase(self) -> tuple[float, float]:
        """Sine and cosine of the place in the clip, one turn per clip."""
        angle = 2.0 * math.pi * (self.frame - self.first) / (self.last - self.first + 1)
        return math.sin(angle), math.cos(angle)

    def _aligned(self, place: Place) -> Alignment:
        if place.anchor_quat is None:
            return Alignment()
        position, orientation = self.anchor()
        yaw = rot.wrapped(rot.yaw_of(orientation) - rot.yaw_of(place.anchor_quat))
        if place.anchor_pos is None:
            return Alignment(yaw)
        x, y, z = rot.rotate(rot.yaw_quat(yaw), place.anchor_pos)
        return Alignment(yaw, (position[0] - x, position[1] - y, position[2] - z))

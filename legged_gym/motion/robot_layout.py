"""The robot that clips are put on, as the motion room sees it: a MuJoCo model and names."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

import mujoco
import numpy as np

from legged_gym.motion.clip import Clip
from legged_gym.motion.contacts import collision_points
from legged_gym.motion.kinematics import ModelIndex
from legged_gym.utils.errors import MotionError


class RobotLayout:
    """The robot that clips are put on: a MuJoCo model and the order of joints, bodies and feet in results.

    `locked_joints` are name patterns, as in the asset's configuration: joints that clips may have and the robot not.

    Raises:
        MotionError: the model lacks a joint or body, or the feet have no collision geometry.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        joint_names: Sequence[str],
        body_names: Sequence[str],
        foot_bodies: Sequence[str],
        locked_joints: Sequence[str] = (),
        velocity_limit: np.ndarray | None = None,
        name: str = "robot",
    ) -> None:
        """`velocity_limit` is the motors' top speed per joint, (J,) rad/s, where it is known."""
        self.model, self.name = model, name
        self.joint_names, self.body_names = tuple(joint_names), tuple(body_names)
        self.foot_bodies, self.locked_joints = tuple(foot_bodies), tuple(locked_joints)
        self.velocity_limit = velocity_limit
        self.index = ModelIndex(model, self.joint_names)
        self.foot_points = collision_points(model, self.foot_bodies)

    def joint_columns(self, clip: Clip) -> np.ndarray:
        """(J,) columns of the clip's joints in the robot's order.

        Raises:
            MotionError: the clip has a joint that is neither the robot's nor locked, or lacks one of the robot's.
        """
        unknown = [name for name in self.surplus_joints(clip) if not self._is_locked(name)]
        if unknown:
            raise MotionError(
                f"{clip.file}: joints {', '.join(unknown)} are not the robot's; it has {', '.join(self.joint_names)}"
                + (f" and locked {', '.join(self.locked_joints)}" if self.locked_joints else "")
            )
        missing = [name for name in self.joint_names if name not in clip.joint_names]
        if missing:
            raise MotionError(f"{clip.file}: lacks the robot's joints {', '.join(missing)}")
        return np.array([clip.joint_names.index(name) for name in self.joint_names], dtype=int)

    def surplus_joints(self, clip: Clip) -> list[str]:
        """The clip's joints that the robot does not have."""
        return [name for name in clip.joint_names if name not in self.joint_names]

    def _is_locked(self, joint: str) -> bool:
        return any(fnmatch.fnmatch(joint, f"*{pattern}*") for pattern in self.locked_joints)

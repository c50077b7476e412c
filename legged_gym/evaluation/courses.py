"""What robots that walk by command have in common, whichever task they are of: grounds, commands and velocities."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.base.robot_deepmimic import RobotDeepMimic
from legged_gym.envs.base.robot_velocity import RobotVelocity
from legged_gym.envs.base.velocity_commands import VelocityCommands
from legged_gym.utils import math

DRIVEN_STRIDE_S = 0.8
"""Over which velocities of a driven robot are averaged, s: a stride of the walks by command that ship."""


class Course(ABC):
    """Where N robots begin to walk, and how far they have come."""

    env: LeggedRobot
    commands: VelocityCommands
    """What they are asked for."""
    num_grounds: int
    stride: int
    """Control steps of a stride."""
    tile_mesh: Callable[[int], tuple[np.ndarray, np.ndarray]]
    """Vertices and triangles of a tile in its own frame."""

    @abstractmethod
    def spread(self, first: int) -> None:
        """Put the robots on the grounds by turns, the first one on ground ``first``; from their next begin on."""

    @abstractmethod
    def begin(self, env_ids: Tensor, noisy: bool) -> None:
        """Envs (n,) stand at the beginning of their ground, with or without the start noise, and get new commands."""

    @abstractmethod
    def left(self) -> Tensor:
        """Who has walked off its ground, (N,) bool."""

    @abstractmethod
    def name_of(self, env_id: int) -> str:
        """The ground of an env."""

    def velocity(self) -> Tensor:
        """Forwards and left by the root's heading, m/s, and turning left, rad/s, (N, 3)."""
        sim = self.env.sim
        lin_vel = math.quat_rotate_inverse(math.yaw_quat(sim.root_quat_wxyz), sim.root_lin_vel_w)
        return torch.cat((lin_vel[:, :2], sim.root_ang_vel_b[:, 2:]), dim=-1)


class MadeCourse(Course):
    """The made grounds of a task that follows commands."""

    def __init__(self, env: RobotVelocity) -> None:
        """Robots stay where they are."""
        self.env, self.commands = env, env.commands
        self.num_grounds = len(env.terrain.offsets)
        self.stride = max(1, round(env.cfg.gait.period / env.step_dt))
        self.tile_mesh = env.terrain.layout.tile_mesh

    def spread(self, first: int) -> None:
        """See :meth:`Course.spread`."""
        self.env.terrain.spread(first)

    def begin(self, env_ids: Tensor, noisy: bool) -> None:
        """See :meth:`Course.begin`."""
        self.env.reset_to(env_ids, noisy=noisy)

    def left(self) -> Tensor:
        """See :meth:`Course.left`."""
        env = self.env
        return env.terrain.left(env.sim.root_pos_w[:, :2] - env.env_offsets[:, :2])

    def name_of(self, env_id: int) -> str:
        """See :meth:`Course.name_of`."""
        return self.env.terrain.name_of(env_id)


class ClipCourse(Course):
    """The grounds of clips, for robots that a joystick drives; they begin as the clips do."""

    def __init__(self, env: RobotDeepMimic) -> None:
        """All begin on the first clip; the env is driven already."""
        assert env.joystick is not None
        self.env, self.commands = env, env.joystick.commands
        self.num_grounds = env.data.num_clips
        self.stride = max(1, round(DRIVEN_STRIDE_S / env.step_dt))
        self.tile_mesh = env.terrain.tile_mesh
        self._clip = torch.zeros(env.num_envs, dtype=torch.long, device=env.device)
        self._skipped = 0

    def spread(self, first: int) -> None:
        """See :meth:`Course.spread`."""
        self._clip = (torch.arange(len(self._clip), device=self._clip.device) + first) % self.num_grounds

    def choose(self, clip: int, skipped: int) -> None:
        """All begin on one clip, so many frames after its first, from their next begin on."""
        self._clip.fill_(clip)
        self._skipped = skipped

    def begin(self, env_ids: Tensor, noisy: bool) -> None:
        """See :meth:`Course.begin`."""
        self.commands.draw(env_ids)
        frames = self.env.data.clip_start[self._clip[env_ids]] + self._skipped
        self.env.reset_to(env_ids, frames, noisy=noisy)

    def left(self) -> Tensor:
        """See :meth:`Course.left`: off the terrain and the level ground around it. Flat ground has no end."""
        return self.env.terrain.left(self.env.tile, self.env.sim.root_pos_w[:, :2])

    def name_of(self, env_id: int) -> str:
        """See :meth:`Course.name_of`."""
        return "flat" if self.env.terrain.is_flat else self.env.data.clip_names[int(self._clip[env_id])]


def course_of(env: LeggedRobot) -> Course:
    """The course of an env that follows commands: by its task, or because it is driven."""
    return MadeCourse(env) if isinstance(env, RobotVelocity) else ClipCourse(env)

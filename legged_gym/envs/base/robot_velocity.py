"""Walking by command: a robot follows a velocity, on flat or made ground."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import mujoco
import torch
from torch import Tensor

from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.base.made_terrain import MadeTerrain
from legged_gym.envs.base.robot_sensors import sensor_bodies
from legged_gym.envs.base.robot_velocity_config import RobotVelocityCfg
from legged_gym.envs.base.velocity_commands import GaitClock, VelocityCommands
from legged_gym.envs.terms import observations, rewards, velocity_observations, velocity_rewards
from legged_gym.utils import math


class RobotVelocity(LeggedRobot):
    """N robots, each asked for a velocity that changes from time to time."""

    reward_modules: ClassVar = (rewards, velocity_rewards)
    observation_modules: ClassVar = (observations, velocity_observations)

    cfg: RobotVelocityCfg
    terrain: MadeTerrain
    """The ground."""
    commands: VelocityCommands
    """What each robot is asked for."""
    gait: GaitClock
    """Where each robot is in its stride."""
    lin_vel_h: Tensor
    """(N, 3) root velocity in the heading frame, m/s."""
    foot_clearance: Tensor
    """(N, feet) height of the feet over the ground, less what it is when standing, m."""

    def __init__(self, cfg: RobotVelocityCfg, seed: int = 1, device: str = "cpu") -> None:
        """Make the ground, build the simulation, put every robot on its feet.

        Raises:
            ConfigError: A body, joint, term or ground in the configuration does not exist, or a value is out of range.
        """
        self.cfg = cfg
        cfg.check()
        self._seed = seed
        super().__init__(cfg, seed, device)
        n, device = self.num_envs, self.device
        self.commands = VelocityCommands(cfg.commands, n, self.step_dt, self.generator)
        self.gait = GaitClock(cfg.gait, n, len(self.robot.foot_bodies), self.step_dt, device)
        self.hips = torch.tensor(
            self.match_joints(cfg.rewards.hip_joints, "rewards.hip_joints"), device=device
        )
        self.sensor_links = torch.arange(len(self.sim.body_names), device=device)
        self._stride = round(cfg.gait.period / self.step_dt)
        self._error_sum = torch.zeros(n, device=device)
        target = cfg.rewards.base_height_target
        self.base_height_target = self.robot.default_root_height if target is None else target
        self._standing_foot_height = self._measure_standing()
        self._build_terms()
        self.reset()

    # ------------------------------------------------------------------ the command

    def refresh(self) -> None:
        """See :meth:`LeggedRobot.refresh`."""
        sim = self.sim
        self.lin_vel_h = math.quat_rotate_inverse(math.yaw_quat(sim.root_quat_wxyz), sim.root_lin_vel_w)
        feet = sim.body_pos_w[:, self.feet_bodies]
        heights = self.height_above_ground(torch.cat((sim.root_pos_w.unsqueeze(1), feet), dim=1))
        self._base_height, self.foot_clearance = heights[:, 0], heights[:, 1:] - self._standing_foot_height

    @property
    def base_height(self) -> Tensor:
        """See :attr:`LeggedRobot.base_height`."""
        return self._base_height

    @property
    def standing(self) -> Tensor:
        """(N,) bool: asked to stand, and given a stride to come to rest."""
        return self.commands.standing & (self.commands.age >= self._stride)

    def asked_to_move(self) -> Tensor:
        """See :meth:`LeggedRobot.asked_to_move`."""
        return ~self.standing

    def lin_vel_error(self) -> Tensor:
        """Length of the horizontal velocity's error, (N,) m/s."""
        return torch.linalg.vector_norm(self.commands.value[:, :2] - self.lin_vel_h[:, :2], dim=-1)

    def _move_on(self) -> None:
        """See :meth:`LeggedRobot._move_on`."""
        self.gait.move_on()
        self.commands.move_on()

    # ------------------------------------------------------------------ episodes

    def reset_to(self, env_ids: Tensor, noisy: bool) -> None:
        """Put envs (n,) on their feet in the middle of their ground, with or without the start noise.

        With it they also face any way and are at any place in their stride.
        """
        n, device = len(env_ids), self.device
        self.tile[env_ids] = tiles = self.terrain.tiles(env_ids)
        self.env_offsets[env_ids] = offsets = self.terrain.offsets[tiles]
        root_pos = offsets + torch.tensor([0.0, 0.0, self.robot.default_root_height], device=device)
        root_quat = torch.tensor([1.0, 0.0, 0.0, 0.0], device=device).repeat(n, 1)
        dof_pos = self.default_dof_pos.repeat(n, 1)
        lin_vel = ang_vel = torch.zeros(n, 3, device=device)
        dof_vel = torch.zeros_like(dof_pos)
        self.gait.phase[env_ids] = 0.0
        if noisy:
            noise = self.noise.start_state(n)
            unit = torch.rand(2, n, generator=self.generator, device=device)
            turn = torch.zeros(n, 3, device=device)
            turn[:, 2] = 2.0 * torch.pi * unit[0]
            self.gait.phase[env_ids] = unit[1]
            root_pos = root_pos + noise["root_pos"]
            root_quat = math.quat_mul(
                math.quat_from_rotation_vector(turn), math.quat_from_rotation_vector(noise["root_rot"])
            )
            dof_pos = torch.clamp(dof_pos + noise["dof_pos"], self.dof_lower, self.dof_upper)
            lin_vel, ang_vel, dof_vel = noise["root_lin_vel"], noise["root_ang_vel"], noise["dof_vel"]
        root_pos[:, 2] += self.terrain.heights(tiles, root_pos[:, None, :2])[:, 0]
        self.sim.reset(env_ids, root_pos, root_quat, lin_vel, ang_vel, dof_pos, dof_vel)
        self.commands.draw(env_ids)
        self._error_sum[env_ids] = 0.0
        self._begin(env_ids)

    def _start_episodes(self, env_ids: Tensor) -> None:
        """See :meth:`LeggedRobot._start_episodes`."""
        self.reset_to(env_ids, noisy=True)

    def _episodes_over(self) -> Tensor:
        """See :meth:`LeggedRobot._episodes_over`: the time is up, or the robot has left its ground."""
        self._error_sum += self.lin_vel_error()
        away = self.sim.root_pos_w[:, :2] - self.env_offsets[:, :2]
        return super()._episodes_over() | self.terrain.left(away)

    def _note_outcomes(self, ids: Tensor, failed: Tensor) -> None:
        """See :meth:`LeggedRobot._note_outcomes`: success decides the level of the ground."""
        if not len(ids):
            return
        error = self._error_sum[ids] / self.episode_length_buf[ids]
        self._episode_error = error.mean()
        good = ~failed[ids] & (error < self.cfg.terrain.promotion_error)
        self.terrain.learn(ids, failed[ids], good)

    def _note_episodes(self, ids: Tensor, failed: Tensor) -> None:
        """See :meth:`LeggedRobot._note_episodes`."""
        super()._note_episodes(ids, failed)
        if len(ids):
            self._log["Episode/lin_vel_error"] = self._episode_error

    # ------------------------------------------------------------------ set-up

    def _watched_bodies(self) -> list[str]:
        terms = [*self.cfg.observations.actor, *self.cfg.observations.critic]
        watched = {self.robot.root_body, *self.robot.foot_bodies, *sensor_bodies(self.cfg.sensors, terms)}
        return [name for name in self.robot.body_names if name in watched]

    def _make_ground(self) -> Callable[[mujoco.MjSpec], None]:
        self.terrain = MadeTerrain(self.cfg.terrain, self.num_envs, self._seed, self.generator)
        return self.terrain.add_to

    def _measure_standing(self) -> Tensor:
        """Height of the feet's origins over the ground in the default pose, (feet,) m."""
        everyone = torch.arange(self.num_envs, device=self.device)
        self.tile[:] = tiles = self.terrain.tiles(everyone)
        start = self.terrain.offsets[tiles].clone()
        start[:, 2] = self.robot.default_root_height
        zero = torch.zeros(self.num_envs, 3, device=self.device)
        upright = torch.tensor([1.0, 0.0, 0.0, 0.0], device=self.device).repeat(self.num_envs, 1)
        dof_pos = self.default_dof_pos.repeat(self.num_envs, 1)
        self.sim.reset(everyone, start, upright, zero, zero, dof_pos, torch.zeros_like(dof_pos))
        return self.sim.body_pos_w[0, self.feet_bodies, 2].clone()

    # ------------------------------------------------------------------ logging and resuming

    def iteration_log(self) -> dict[str, float]:
        """See :meth:`LeggedRobot.iteration_log`: and how hard the ground has become."""
        return super().iteration_log() | self.terrain.mean_levels()

    def state_dict(self) -> dict:
        """Everything needed to continue bit for bit."""
        return super().state_dict() | {
            "commands": self.commands.value.clone(),
            "command_age": self.commands.age.clone(),
            "gait_phase": self.gait.phase.clone(),
            "error_sum": self._error_sum.clone(),
            "terrain_level": self.terrain.level.clone(),
        }

    def load_state_dict(self, state: dict) -> None:
        """Restore what ``state_dict`` returned."""
        super().load_state_dict(state)
        self.commands.value.copy_(state["commands"])
        self.commands.age.copy_(state["command_age"])
        self.gait.phase.copy_(state["gait_phase"])
        self._error_sum.copy_(state["error_sum"])
        self.terrain.level.copy_(state["terrain_level"])
        self.refresh()

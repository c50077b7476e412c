"""The velocity each robot is asked for, and the clock of its steps."""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym.envs.base.robot_velocity_config import CommandsCfg, GaitCfg


class VelocityCommands:
    """Commands of N robots, drawn anew from time to time."""

    def __init__(self, cfg: CommandsCfg, num_envs: int, step_dt: float, generator: torch.Generator) -> None:
        """No robot is asked for anything yet; see :meth:`draw`."""
        self._cfg, self._generator = cfg, generator
        device = generator.device
        ranges = cfg.ranges
        bounds = torch.tensor([ranges.lin_vel_x, ranges.lin_vel_y, ranges.ang_vel_yaw], device=device)
        self._low, self._width = bounds[:, 0], bounds[:, 1] - bounds[:, 0]
        self.interval = max(1, round(cfg.resampling_time / step_dt))
        """Steps between two commands."""
        self.value = torch.zeros(num_envs, 3, device=device)
        """(N, 3) forwards and left in the heading frame, m/s, and turning left, rad/s."""
        self.age = torch.zeros(num_envs, dtype=torch.long, device=device)
        """(N,) steps since the command was drawn."""

    @property
    def standing(self) -> Tensor:
        """(N,) bool: asked to stand."""
        return (self.value == 0.0).all(-1)

    def draw(self, env_ids: Tensor) -> None:
        """New commands for envs (n,)."""
        device = self.value.device
        unit = torch.rand(len(env_ids), 3, generator=self._generator, device=device)
        command = self._low + self._width * unit
        speed = torch.linalg.vector_norm(command[:, :2], dim=-1, keepdim=True)
        command[:, :2] *= (self._cfg.max_speed / speed.clamp_min(1e-6)).clamp(max=1.0)
        stand = torch.rand(len(env_ids), generator=self._generator, device=device) < self._cfg.standing_share
        self.set(env_ids, command * ~stand.unsqueeze(-1))

    def set(self, env_ids: Tensor, command: Tensor) -> None:
        """Ask envs (n,) for commands (n, 3); what is within the dead band is made 0."""
        band = self._cfg.dead_band
        moving = torch.linalg.vector_norm(command[:, :2], dim=-1, keepdim=True) >= band
        turning = command[:, 2:].abs() >= band
        self.value[env_ids] = torch.cat((command[:, :2] * moving, command[:, 2:] * turning), dim=-1)
        self.age[env_ids] = 0

    def move_on(self) -> None:
        """A control step has passed."""
        self.age += 1
        due = (self.age >= self.interval).nonzero().squeeze(-1)
        if len(due):
            self.draw(due)


class GaitClock:
    """Where each of N robots is in its stride. The right foot is half a stride behind the left."""

    def __init__(self, cfg: GaitCfg, num_envs: int, num_feet: int, step_dt: float, device: str) -> None:
        """All clocks stand at 0."""
        self._cfg, self._advance = cfg, step_dt / cfg.period
        self.phase = torch.zeros(num_envs, device=device)
        """(N,) share of the stride that has passed, in [0, 1)."""
        self._offset = torch.arange(num_feet, device=device) / num_feet

    def move_on(self) -> None:
        """A control step has passed."""
        self.phase.add_(self._advance).remainder_(1.0)

    def foot_phase(self) -> Tensor:
        """(N, feet) share of each foot's own stride; its stance comes first."""
        return (self.phase.unsqueeze(-1) + self._offset) % 1.0

    def stance(self) -> Tensor:
        """(N, feet) bool: should be on the ground."""
        return self.foot_phase() < self._cfg.stance_share

    def clearance(self) -> Tensor:
        """(N, feet) height over the ground that each foot should have, m: half a sine in its swing."""
        share = self._cfg.stance_share
        swing = ((self.foot_phase() - share) / (1.0 - share)).clamp(0.0, 1.0)
        return self._cfg.swing_height * torch.sin(torch.pi * swing)

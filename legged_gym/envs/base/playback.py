"""References that stop for a while, as when somebody holds a recording."""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym.envs.base.robot_deepmimic_config import TrackingNoiseCfg
from legged_gym.motion.reference_table import ReferenceFrame

VELOCITIES = ("dof_vel", "root_lin_vel_w", "root_ang_vel_w", "body_lin_vel_w", "body_ang_vel_w")


class Playback:
    """Whether the reference of each env moves on in the next control step."""

    def __init__(self, cfg: TrackingNoiseCfg, num_envs: int, generator: torch.Generator) -> None:
        """All references move; without a chance to stop they do so for ever, and nothing is drawn."""
        self._cfg, self._generator = cfg.playback_noise_scales, generator
        self.stops = cfg.add_noise and self._cfg.freeze_env_prob > 0.0
        """Whether any reference ever stops."""
        self.pace = torch.ones(num_envs, dtype=torch.long, device=generator.device)
        """(N,) frames that each reference moves on by: 1, or 0 while it stands still."""

    def move_on(self) -> None:
        """A control step has passed: some references stop, some of those that stood go on."""
        if not self.stops:
            return
        draw = torch.rand(len(self.pace), generator=self._generator, device=self.pace.device)
        moves = self.pace == 1
        stay, go = draw >= self._cfg.freeze_env_prob, draw < self._cfg.unfreeze_env_prob
        self.pace.copy_(torch.where(moves, stay, go))

    def restart(self, env_ids: Tensor) -> None:
        """The references of envs (n,) move."""
        self.pace[env_ids] = 1

    def still(self, reference: ReferenceFrame) -> None:
        """Take the velocities from references (N, ...) that stand still, in place."""
        if not self.stops:
            return
        for name in VELOCITIES:
            velocity = getattr(reference, name)
            velocity *= self.pace.view(-1, *(1,) * (velocity.dim() - 1))

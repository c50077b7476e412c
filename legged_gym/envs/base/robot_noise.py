"""Noise on the state an episode starts in, and the errors that stay for an episode."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from legged_gym.envs.base.legged_robot_config import InitNoiseCfg

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot


class RobotNoise:
    """What ``cfg.noise`` adds, but for the noise of single observations. Without ``add_noise`` it adds nothing."""

    def __init__(self, env: LeggedRobot) -> None:
        """Find out what there is to add; ``env`` has its randomizer by now."""
        self._env, cfg = env, env.cfg.noise
        self.muted = False
        """Whether all of it is left out for now, as a viewer may ask."""
        self.level = cfg.noise_level if cfg.add_noise else 0.0
        """Factor of every half-width in noise_scales."""
        self._start = cfg.init_noise_scales if cfg.add_noise else InitNoiseCfg()
        scales = vars(cfg.offset_scales) if cfg.add_noise else {}
        self.scales = {name: scale for name, scale in scales.items() if scale > 0.0}
        """Standard deviations of the errors of an episode, without those that are 0."""
        widths = {"action": env.num_actions, "dof_pos": env.num_actions, "gravity": 3}
        wanted = set(self.scales) | ({"dof_pos"} if env.cfg.domain_rand.randomize_joint_zero else set())
        self.offsets = {
            name: torch.zeros(env.num_envs, width, device=env.device)
            for name, width in widths.items()
            if name in wanted
        }
        """(N, width) errors of the present episode by what they are of; encoder errors are part of dof_pos."""

    def start_state(self, n: int) -> dict[str, Tensor]:
        """Noise on the states that n episodes start in, by part of the state, (n, width)."""
        scales, env = InitNoiseCfg() if self.muted else self._start, self._env

        def uniform(width: int, scale: float | list[float]) -> Tensor:
            unit = torch.rand(n, width, generator=env.generator, device=env.device) * 2.0 - 1.0
            return unit * torch.as_tensor(scale, device=env.device)

        rot = scales.root_rot
        return {
            "root_pos": uniform(3, [scales.root_xy, scales.root_xy, scales.root_z]),
            "root_rot": uniform(3, [rot, rot, 2.0 * rot]),
            "root_lin_vel": uniform(3, scales.root_lin_vel),
            "root_ang_vel": uniform(3, scales.root_ang_vel),
            "dof_pos": uniform(env.num_actions, scales.dof_pos),
            "dof_vel": uniform(env.num_actions, scales.dof_vel),
        }

    def restart(self, env_ids: Tensor) -> None:
        """Draw the errors of new episodes in envs (n,)."""
        env = self._env
        for name, offset in self.offsets.items():
            drawn: Tensor | float = 0.0
            if name in self.scales:
                shape = (len(env_ids), offset.shape[1])
                drawn = self.scales[name] * torch.randn(shape, generator=env.generator, device=env.device)
            error = env.randomizer.encoder_error(env_ids) if name == "dof_pos" else 0.0
            offset[env_ids] = drawn + error

    def on_actions(self, actions: Tensor) -> Tensor:
        """Actions (N, J) with their errors."""
        return actions + self.offsets["action"] if "action" in self.offsets and not self.muted else actions

    def state_dict(self) -> dict[str, Tensor]:
        """Everything needed to continue bit for bit."""
        return {name: offset.clone() for name, offset in self.offsets.items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore what ``state_dict`` returned."""
        for name, offset in self.offsets.items():
            offset.copy_(state[name])

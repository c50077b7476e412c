"""What some reward terms remember of the steps before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot

UNSEEN = -torch.inf
"""Air time of a flight that was under way when the episode began: it is never over."""


class RewardMemory:
    """Actions of two steps ago, and flights of the feet. What no weight asks for is not kept and costs nothing."""

    def __init__(self, env: LeggedRobot) -> None:
        """Find out what is asked for; ``env`` has its actions by now."""
        self._env, scales = env, env.cfg.rewards.scales
        n, feet, device = env.num_envs, len(env.robot.foot_bodies), env.device
        self._keeps_actions = scales.action_accel != 0.0
        self._keeps_flights = scales.feet_air_time != 0.0 or scales.feet_max_height_for_this_air != 0.0
        self.before_last_actions = torch.zeros_like(env.actions)
        """(N, J) the action before ``last_actions``."""
        self.air_time = torch.zeros(n, feet, device=device)
        """(N, feet) how long each foot has been off the ground, s; a touch of one step's absence is none."""
        self.peak = torch.zeros(n, feet, device=device)
        """(N, feet) greatest height of its link's origin over the ground since, m."""
        self.landed = torch.zeros(n, feet, dtype=torch.bool, device=device)
        """(N, feet) bool: a flight ended in this step."""
        self.flight_time, self.flight_peak = torch.zeros(n, feet, device=device), torch.zeros_like(self.peak)
        """(N, feet) of flights that ended in this step: how long they took, s, and how high they went, m."""

    def before_step(self) -> None:
        """A control step begins."""
        if self._keeps_actions:
            self.before_last_actions.copy_(self._env.last_actions)

    def after_step(self) -> None:
        """The state after the step is known."""
        if not self._keeps_flights:
            return
        env = self._env
        touching = env.foot_contact | env.last_foot_contact
        self.landed = touching & (self.air_time > 0.0)
        self.air_time += env.step_dt
        height = env.height_above_ground(env.sim.body_pos_w[:, env.feet_bodies])
        self.peak = torch.maximum(self.peak, height)
        self.flight_time, self.flight_peak = self.air_time.clone(), self.peak.clone()
        self.air_time[touching], self.peak[touching] = 0.0, 0.0

    def restart(self, env_ids: Tensor) -> None:
        """Envs (n,) begin an episode; they have its first action and contacts by now."""
        env = self._env
        if self._keeps_actions:
            self.before_last_actions[env_ids] = env.last_actions[env_ids]
        if self._keeps_flights:
            self.air_time[env_ids] = torch.where(env.foot_contact[env_ids], 0.0, UNSEEN)
            self.peak[env_ids] = 0.0
            self.landed[env_ids] = False

    def state_dict(self) -> dict[str, Tensor]:
        """Everything needed to continue bit for bit; nothing where nothing is kept."""
        return {name: tensor.clone() for name, tensor in self._kept().items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore what ``state_dict`` returned."""
        for name, tensor in self._kept().items():
            tensor.copy_(state[name])

    def _kept(self) -> dict[str, Tensor]:
        kept = {"before_last_actions": self.before_last_actions} if self._keeps_actions else {}
        flights = {"air_time": self.air_time, "peak": self.peak} if self._keeps_flights else {}
        return kept | flights

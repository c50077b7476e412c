"""A point that has to reach the origin of a plane: a VecEnv small and exact enough to test learning with."""

from __future__ import annotations

import itertools
from typing import Any

import torch
from rsl_rl.env import VecEnv
from tensordict import TensorDict


class Layout:
    """Terms end to end."""

    def __init__(self, **widths: int) -> None:
        """Take name=width in order."""
        self.widths = widths

    def to_dict(self) -> list[dict[str, Any]]:
        """Return the terms."""
        stops = list(itertools.accumulate(self.widths.values()))
        return [
            {"name": name, "start": stop - width, "stop": stop, "history": 1}
            for (name, width), stop in zip(self.widths.items(), stops, strict=True)
        ]


class PointEnv(VecEnv):
    """N points with velocity actions; the reward is minus the distance, episodes end by time or far away.

    Observations, starts and noise come from a generator of the env's own, which is part of its state.
    """

    joint_names = ("x_joint", "y_joint")

    def __init__(self, num_envs: int = 16, max_episode_length: int = 20, seed: int = 0) -> None:
        """Start all episodes."""
        self.num_envs, self.num_actions, self.max_episode_length = num_envs, 2, max_episode_length
        self.device, self.cfg = "cpu", {}
        self.generator = torch.Generator().manual_seed(seed)
        self.position = torch.zeros(num_envs, 2)
        self.episode_length_buf = torch.zeros(num_envs, dtype=torch.long)
        self.steps = 0
        self._reset(torch.ones(num_envs, dtype=torch.bool))

    def get_observations(self) -> TensorDict:
        """Return noisy positions for the actor (N, 3), true ones and time for the critic (N, 4)."""
        noise = 0.01 * torch.randn(self.num_envs, 2, generator=self.generator)
        one = torch.ones(self.num_envs, 1)
        time = self.episode_length_buf.unsqueeze(1) / self.max_episode_length
        actor = torch.cat((self.position + noise, one), dim=1)
        critic = torch.cat((self.position, one, time), dim=1)
        return TensorDict({"actor": actor, "critic": critic}, batch_size=[self.num_envs])

    def step(self, actions: torch.Tensor) -> tuple[TensorDict, torch.Tensor, torch.Tensor, dict[str, Any]]:
        """Move, reward, reset, observe."""
        self.position = self.position + 0.3 * actions.clamp(-1, 1)
        self.episode_length_buf += 1
        self.steps += 1
        distance = self.position.norm(dim=1)
        lost = distance > 3.0
        time_outs = (self.episode_length_buf >= self.max_episode_length) & ~lost
        dones = lost | time_outs
        self._reset(dones)
        log = {"Reward/distance": -distance.mean(), "Episode/success": (distance < 0.2).float().mean()}
        return self.get_observations(), -distance, dones, {"time_outs": time_outs, "log": log}

    def observation_layout(self) -> dict[str, Layout]:
        """Describe the observations."""
        return {"actor": Layout(position=2, one=1), "critic": Layout(position=2, one=1, time=1)}

    def timings(self) -> dict[str, float]:
        """Pretend that a step takes a millisecond of physics."""
        seconds, self.steps = 1e-3 * self.steps, 0
        return {"physics": seconds}

    def state_dict(self) -> dict[str, Any]:
        """Return everything a later step depends on."""
        return {
            "position": self.position,
            "episode_length": self.episode_length_buf,
            "generator": self.generator.get_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put it back."""
        self.position.copy_(state["position"])
        self.episode_length_buf.copy_(state["episode_length"])
        self.generator.set_state(state["generator"])

    def _reset(self, dones: torch.Tensor) -> None:
        """Put the envs in the mask at random places, at most 1.5 from the origin in each direction."""
        start = 3.0 * torch.rand(self.num_envs, 2, generator=self.generator) - 1.5
        self.position = torch.where(dones.unsqueeze(1), start, self.position)
        self.episode_length_buf = torch.where(dones, 0, self.episode_length_buf)

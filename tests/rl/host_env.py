"""A toy env that teachers can visit: it shows them what they saw, and says their answers in its own unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from tensordict import TensorDict

from legged_gym.rl.rl_config import PolicyCfg, RunnerCfg, TrainCfg
from legged_gym.rl.runner import OnPolicyRunner
from tests.rl.toy_env import PointEnv

UNIT = 2.0
"""Actions of the host that ask for as much as one of a guest."""
POLICY = PolicyCfg(actor_hidden_dims=(16, 16), critic_hidden_dims=(16, 16), average_iterations=1)
RUNNER = RunnerCfg(num_steps_per_env=8, save_interval=50, logger="none", num_threads=1)


class HostEnv(PointEnv):
    """Guests see the true position, students a noisy one; half of the points belong to a second teacher."""

    def __init__(self, num_envs: int = 16, seed: int = 0) -> None:
        """Start without guests."""
        self.guests: list[str] = []
        self.done: list[torch.Tensor] = []
        self.names = ["", "second"]
        super().__init__(num_envs, seed=seed)

    def action_translator(self, space: Mapping[str, Any]) -> Callable[[torch.Tensor], torch.Tensor]:
        """Say a guest's actions in the unit of the host."""
        return lambda actions: UNIT * actions

    def add_observation_group(
        self, name: str, layout: Sequence[Mapping[str, Any]], space: Mapping[str, Any]
    ) -> None:
        """Show guests the position without noise."""
        assert [term["name"] for term in layout] == ["position", "one"]
        self.guests.append(name)

    def teacher_names(self) -> list[str]:
        """Name the teachers of the two halves."""
        return self.names

    def teacher_index(self) -> torch.Tensor:
        """Say which half every point is in. (N,)"""
        return (torch.arange(self.num_envs) >= self.num_envs // 2).long()

    def get_observations(self) -> TensorDict:
        """Return the point's observations and the guests'."""
        obs = super().get_observations()
        truth = torch.cat((self.position, torch.ones(self.num_envs, 1)), dim=1)
        for name in self.guests:
            obs[name] = truth
        return obs

    def step(self, actions: torch.Tensor) -> tuple[TensorDict, torch.Tensor, torch.Tensor, dict[str, Any]]:
        """Move by actions in the host's unit, and keep them."""
        self.done.append(actions.clone())
        return super().step(actions / UNIT)


def make_checkpoint(run: Path, seed: int = 5) -> Path:
    """Write the checkpoint of a policy that has learned for an iteration and whose answers differ from 0."""
    runner = OnPolicyRunner(PointEnv(), TrainCfg(seed=seed, runner=RUNNER, policy=POLICY))
    runner.learn(1)
    with torch.no_grad():
        for weight in runner.alg.average_actor.mlp.parameters():
            weight.mul_(2.0)
    run.mkdir(parents=True)
    runner.save(run / "model_1.pt")
    return run / "model_1.pt"

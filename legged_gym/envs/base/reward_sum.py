"""Adds up the reward of a step, and remembers what each term gave to the present episodes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from legged_gym.envs.terms import find_terms, known_terms
from legged_gym.utils.errors import ConfigError

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot

logger = logging.getLogger(__name__)


class RewardSum:
    """The terms of ``rewards.scales`` whose weight is not 0."""

    def __init__(self, env: LeggedRobot) -> None:
        """Look every term up.

        Raises:
            ConfigError: A term does not exist, has no weight, or none has one.
        """
        self._env = env
        scales = vars(env.cfg.rewards.scales)
        functions = find_terms(env.reward_modules, list(scales), "rewards.scales")
        missing = set(known_terms(env.reward_modules)) - set(scales)
        if missing:
            raise ConfigError(f"rewards.scales has no weight for {', '.join(sorted(missing))}")
        self.weights = {name: weight for name, weight in scales.items() if weight != 0.0}
        """Weight per second of every term that counts."""
        if not self.weights:
            raise ConfigError("rewards.scales has no weight but 0; nothing would be learnt")
        self._terms = [functions[name] for name in self.weights]
        self.sums = torch.zeros(len(self.weights), env.num_envs, device=env.device)
        """(terms, N) what each has given to the present episodes."""
        self.latest = torch.zeros_like(self.sums)
        """(terms, N) what each gave in the last step."""
        for name, weight in self.weights.items():
            if weight > 0.0 and getattr(functions[name], "is_cost", False):
                logger.warning(
                    "rewards.scales.%s is %g, but the term is a cost: this rewards it", name, weight
                )

    @property
    def names(self) -> tuple[str, ...]:
        """The terms that count."""
        return tuple(self.weights)

    def compute(self) -> Tensor:
        """Weighted sum of the terms, (N,). A diverged env earns nothing from its meaningless state."""
        env, step_dt = self._env, self._env.step_dt
        share = env.curriculum.share
        weights = [weight * share(name) * step_dt for name, weight in self.weights.items()]
        values = torch.stack([term(env) * weight for term, weight in zip(self._terms, weights, strict=True)])
        values.masked_fill_(env.sim.diverged, 0.0)
        self.sums += values
        self.latest = values
        if not env.cfg.rewards.only_positive_rewards:
            return values.sum(0)
        # The penalty for failing is not part of the sum that is clipped.
        ending = self.names.index("termination") if "termination" in self.weights else None
        last = torch.zeros_like(values[0]) if ending is None else values[ending]
        return (values.sum(0) - last).clamp(min=0.0) + last

    def finish(self, ids: Tensor, seconds: Tensor) -> dict[str, Tensor]:
        """What each term gave per second to episodes that end, of envs (n,) after seconds (n,); forgets them."""
        means = {name: (self.sums[i, ids] / seconds).mean() for i, name in enumerate(self.weights)}
        self.sums[:, ids] = 0.0
        return means

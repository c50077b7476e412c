"""What becomes stricter while episodes succeed: thresholds of failure rules, weights of penalties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from legged_gym.envs.base.termination_config import CurriculumCfg
from legged_gym.utils.errors import ConfigError
from legged_gym.utils.processes import sum_over_processes

JUDGING_INTERVAL = 100
"""Control steps between two judgements, when all processes that train together add up their episodes."""


class Curriculum:
    """How far training has come, in moves. Thresholds and weights go along with it and never go back."""

    moves: int
    """Moves made, up to ``num_moves``."""

    def __init__(
        self,
        cfg: CurriculumCfg,
        thresholds: Mapping[str, float | None],
        weights: Mapping[str, float],
        device: str = "cpu",
    ) -> None:
        """Begin.

        Args:
            cfg: What becomes stricter and how fast.
            thresholds: Configured threshold of every rule that may begin loose; None where the rule is off.
            weights: Weight of every reward term that counts.
            device: Where episodes are counted.

        Raises:
            ConfigError: A name is none of these, or its rule is off.
        """
        self._cfg = cfg
        rules = {name: value for name, value in thresholds.items() if value is not None}
        self._thresholds = _chosen(cfg.thresholds, rules, "thresholds", "rule that is on and may begin loose")
        self._weights = _chosen(cfg.penalties, weights, "penalties", "reward term with a weight")
        self.active = bool(self._thresholds or self._weights)
        """Whether anything becomes stricter."""
        self.moves = self._steps = 0
        self._new = torch.zeros(2, device=device)  # episodes and successes since processes last added them up
        self._counts = torch.zeros_like(self._new)  # those of all processes that count for the next move

    @property
    def progress(self) -> float:
        """0 at the beginning, 1 where all is as configured."""
        return self.moves / self._cfg.num_moves

    def slack(self, rule: str) -> float:
        """Factor of the threshold of a rule."""
        return self._factor(self._cfg.first_slack) if rule in self._thresholds else 1.0

    def share(self, term: str) -> float:
        """Factor of the weight of a reward term."""
        return self._factor(self._cfg.first_share) if term in self._weights else 1.0

    def learn(self, ids: Tensor, failed: Tensor) -> None:
        """A control step has passed, in which the episodes of envs (n,) ended; failed is (N,)."""
        if not self.active:
            return
        if len(ids):
            self._new[0] += len(ids)
            self._new[1] += (~failed[ids]).sum()
        self._steps += 1
        if self._steps % JUDGING_INTERVAL == 0:
            self._judge()

    def scalars(self) -> dict[str, float]:
        """What a logger gets: progress, thresholds and weights as they are now; nothing where all is off."""
        if not self.active:
            return {}
        log = {"Curriculum/progress": self.progress}
        log |= {f"Curriculum/threshold_{k}": v * self.slack(k) for k, v in self._thresholds.items()}
        return log | {f"Curriculum/weight_{k}": v * self.share(k) for k, v in self._weights.items()}

    def state_dict(self) -> dict[str, Any]:
        """Everything that goes on in a resumed run; nothing where all is off."""
        if not self.active:
            return {}
        counts = {"new": self._new.clone(), "counts": self._counts.clone()}
        return {"moves": self.moves, "steps": self._steps} | counts

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what ``state_dict`` returned; of a run without a curriculum that is nothing, and this one begins."""
        if not self.active or not state:
            return
        self.moves, self._steps = min(state["moves"], self._cfg.num_moves), state["steps"]
        self._new.copy_(state["new"])
        self._counts.copy_(state["counts"])

    def _factor(self, first: float) -> float:
        """Between its first value and 1; exactly 1 in the end."""
        return 1.0 + (first - 1.0) * (1.0 - self.progress)

    def _judge(self) -> None:
        self._counts += sum_over_processes(self._new)
        self._new.zero_()
        episodes, successes = self._counts.tolist()
        if episodes < self._cfg.episodes_per_move:
            return
        if successes > self._cfg.success_bound * episodes and self.moves < self._cfg.num_moves:
            self.moves += 1
        self._counts.zero_()


def _chosen(names: Sequence[str], known: Mapping[str, float], field: str, what: str) -> dict[str, float]:
    for name in names:
        if name not in known:
            raise ConfigError(
                f"curriculum.{field}: {name!r} is no {what}; known: {', '.join(known) or 'none'}"
            )
    return {name: known[name] for name in names}

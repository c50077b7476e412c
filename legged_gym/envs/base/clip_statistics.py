"""How often each clip's episodes succeed, in this process and all others that train with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from legged_gym.utils.errors import RunError
from legged_gym.utils.processes import sum_over_processes

WINDOW = 1000
"""Episodes of a clip that its success rate looks back on, about: older ones fade out (the original keeps 1000)."""


class ClipStatistics:
    """Success rates of clips, of which this process plays C. Call `add` every step with all episodes that end in it.

    Outcomes are gathered for `interval` steps and then join the rates, those of all ranks together, so that every rank
    has the same rates at the same step.
    """

    def __init__(
        self,
        clip_names: Sequence[str],
        interval: int,
        device: str | torch.device,
        own: slice = slice(None),
    ) -> None:
        """Begin with no episode.

        Args:
            clip_names: the clips of all processes.
            interval: control steps between joins.
            device: where episodes are counted.
            own: which of the clips this process plays.
        """
        self.clip_names, self._own = list(clip_names), own
        self._interval = interval
        self._steps = 0
        self._new = torch.zeros(
            2, len(self.clip_names), device=device
        )  # episodes and successes since the last join
        self._counts = torch.zeros_like(self._new)

    @property
    def episodes(self) -> Tensor:
        """(C,) episodes of this process's clips that the rates rest on, at most WINDOW."""
        return self._counts[0, self._own]

    @property
    def success_rate(self) -> Tensor:
        """(C,) share of them that succeeded; 0 of none."""
        return self._rates[self._own]

    @property
    def _rates(self) -> Tensor:
        """Success rates of the clips of all processes."""
        return self._counts[1] / self._counts[0].clamp_min(1.0)

    def add(self, clips: Tensor, succeeded: Tensor) -> bool:
        """Take in one step: clips (k,) of the episodes that ended, and whether each succeeded, (k,) bool.

        Returns whether the rates are new.
        """
        new = self._new[:, self._own]
        new[0].index_add_(0, clips, torch.ones_like(clips, dtype=new.dtype))
        new[1].index_add_(0, clips, succeeded.to(new.dtype))
        self._steps += 1
        joins = self._steps % self._interval == 0
        if joins:
            self._join()
        return joins

    def scalars(self, most: int) -> dict[str, float]:
        """What a logger gets: the mean over clips, and each clip's rate, or the worst and the median of many clips.

        Args:
            most: clips that are listed one by one; of more, none is.
        """
        seen = self._counts[0] > 0
        if not seen.any():
            return {}
        rates = self._rates
        log = {"Success/mean_over_clips": rates[seen].mean().item()}
        if len(self.clip_names) > most:
            log["Success/median_clip"] = rates[seen].median().item()
            log["Success/worst_clip"] = rates[seen].min().item()
            return log
        for name, rate, known in zip(self.clip_names, rates.tolist(), seen.tolist(), strict=True):
            if known:
                log[f"Success/clip_{name}"] = rate
        return log

    def table(self) -> list[dict[str, Any]]:
        """One row for every clip, the worst first: name, success rate (None before any episode), episodes."""
        rows = [
            {"clip": name, "success_rate": rate if episodes else None, "episodes": episodes}
            for name, rate, episodes in zip(
                self.clip_names, self._rates.tolist(), self._counts[0].tolist(), strict=True
            )
        ]
        return sorted(rows, key=lambda row: 2.0 if row["success_rate"] is None else row["success_rate"])

    def state_dict(self) -> dict[str, Any]:
        """Everything that goes on in a resumed run."""
        return {
            "clips": list(self.clip_names),
            "steps": self._steps,
            "new": self._new.clone(),
            "counts": self._counts.clone(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put back what `state_dict` returned.

        Raises:
            RunError: it is about other clips.
        """
        if state["clips"] != self.clip_names:
            raise RunError(
                f"the checkpoint's success rates are of {', '.join(state['clips'])}, "
                f"this run's clips are {', '.join(self.clip_names)}"
            )
        self._steps = state["steps"]
        self._new.copy_(state["new"])
        self._counts.copy_(state["counts"])

    def _join(self) -> None:
        self._counts += sum_over_processes(self._new)
        self._counts *= (WINDOW / self._counts[0].clamp_min(1.0)).clamp_max(1.0)
        self._new.zero_()

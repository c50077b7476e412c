"""Observation groups: named terms laid end to end, and the record of where each one stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from legged_gym.envs.terms import find_terms

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot

HISTORY_PREFIX = "history_"


@dataclass(frozen=True)
class TermSlot:
    """One term's place in a group's vector."""

    name: str
    start: int
    stop: int
    history: int
    """Number of stacked steps, newest first; 1 = present value only."""


@dataclass(frozen=True)
class ObservationLayout:
    """Where each named term stands in one group's flat vector."""

    terms: tuple[TermSlot, ...]

    @property
    def size(self) -> int:
        """Length of the vector."""
        return self.terms[-1].stop if self.terms else 0

    def slice_of(self, name: str) -> slice:
        """The part of the vector that holds a term."""
        for term in self.terms:
            if term.name == name:
                return slice(term.start, term.stop)
        raise KeyError(f"no observation term {name!r}; known: {', '.join(t.name for t in self.terms)}")

    def to_dict(self) -> list[dict]:
        """Plain data for checkpoints and bundles."""
        return [asdict(term) for term in self.terms]


class ObservationGroup:
    """Computes one group. Terms shared with another group are evaluated once a step."""

    def __init__(self, env: LeggedRobot, name: str, terms: Sequence[str], history_length: int) -> None:
        """Look the terms up and lay them out.

        Raises:
            ConfigError: A term does not exist.
        """
        self._env = env
        bases = [term.removeprefix(HISTORY_PREFIX) for term in terms]
        self._functions: dict[str, Callable[[LeggedRobot], Tensor]] = find_terms(
            env.observation_modules, bases, f"observations.{name}"
        )
        slots, start = [], 0
        self._history: dict[str, Tensor] = {}
        for term, base in zip(terms, bases, strict=True):
            width = self._functions[base](env).shape[-1]
            steps = history_length if term != base else 1
            if steps > 1 or term != base:
                self._history[term] = torch.zeros(env.num_envs, steps, width, device=env.device)
            slots.append(TermSlot(term, start, start + steps * width, steps))
            start += steps * width
        self.layout = ObservationLayout(tuple(slots))
        self._buffer = torch.zeros(env.num_envs, start, device=env.device)

    def compute(self, values: dict[str, Tensor], reset_ids: Tensor | None, limit: float) -> None:
        """Evaluate every term into the group's vector.

        Args:
            values: Terms already evaluated in this step, by name; filled in.
            reset_ids: Envs whose histories start anew with the present value.
            limit: Observations are clipped to +- this.
        """
        # A fresh buffer each step: the one handed out before may still be held by the learner.
        parts = []
        for slot in self.layout.terms:
            base = slot.name.removeprefix(HISTORY_PREFIX)
            if base not in values:
                values[base] = self._functions[base](self._env)
            value = values[base]
            if slot.name in self._history:
                value = self._push(slot.name, value, reset_ids)
            parts.append(value)
        self._buffer = torch.cat(parts, dim=-1).clamp_(-limit, limit)

    def latest(self) -> Tensor:
        """The vector computed last, (N, D)."""
        return self._buffer

    def state(self) -> dict[str, Tensor]:
        """Histories and the present vector, for checkpoints."""
        return {"": self._buffer.clone()} | {name: h.clone() for name, h in self._history.items()}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Restore what ``state`` returned."""
        self._buffer = state[""].to(self._env.device).clone()
        for name, history in self._history.items():
            history.copy_(state[name])

    def _push(self, name: str, value: Tensor, reset_ids: Tensor | None) -> Tensor:
        history = self._history[name]
        history[:, 1:] = history[:, :-1].clone()
        history[:, 0] = value
        if reset_ids is not None and len(reset_ids):
            history[reset_ids] = value[reset_ids].unsqueeze(1)
        return history.flatten(1)

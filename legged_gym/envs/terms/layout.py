"""Observation groups: named terms laid end to end, and the record of where each one stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch
from tensordict import TensorDict
from torch import Tensor

from legged_gym.envs.terms import find_terms
from legged_gym.envs.terms.noise import ObservationErrors

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot

MEASURED = {"actor": True, "critic": False}
"""The groups, and whether they see terms as they are measured, with errors, or as they are."""
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

    def __init__(
        self, env: LeggedRobot, name: str, terms: Sequence[str], history_length: int, errs: bool = False
    ) -> None:
        """Look the terms up and lay them out.

        Args:
            env: Environment.
            name: Name of the group.
            terms: Its terms in order.
            history_length: Number of steps in every ``history_`` term.
            errs: Whether it sees terms as they are measured, with errors, and not as they are.

        Raises:
            ConfigError: A term does not exist.
        """
        self._env = env
        bases = [term.removeprefix(HISTORY_PREFIX) for term in terms]
        self._functions: dict[str, Callable[[LeggedRobot], Tensor]] = find_terms(
            env.observation_modules, bases, f"observations.{name}"
        )
        widths = {base: function(env).shape[-1] for base, function in self._functions.items()}
        self._errors: ObservationErrors | None = None
        if errs:
            measured = {base: (function, widths[base]) for base, function in self._functions.items()}
            errors = ObservationErrors(env, measured)
            self._errors = errors if errors.active else None
        slots, start = [], 0
        self._history: dict[str, Tensor] = {}
        for term, base in zip(terms, bases, strict=True):
            width = widths[base]
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
            values: Terms already evaluated in this step, by name, as they are; filled in.
            reset_ids: Envs whose histories start anew with the present value.
            limit: Observations are clipped to +- this.
        """
        for base, function in self._functions.items():
            if base not in values:
                values[base] = function(self._env)
        seen = values
        if self._errors is not None:
            seen = self._errors.seen({base: values[base] for base in self._functions})
        # A fresh buffer each step: the one handed out before may still be held by the learner.
        parts = []
        for slot in self.layout.terms:
            value = seen[slot.name.removeprefix(HISTORY_PREFIX)]
            if slot.name in self._history:
                value = self._push(slot.name, value, reset_ids)
            parts.append(value)
        self._buffer = torch.cat(parts, dim=-1).clamp_(-limit, limit)

    def latest(self) -> Tensor:
        """The vector computed last, (N, D)."""
        return self._buffer

    def state(self) -> dict[str, Any]:
        """Histories and the present vector, for checkpoints."""
        state: dict[str, Any] = {"": self._buffer.clone()}
        state |= {name: history.clone() for name, history in self._history.items()}
        return state if self._errors is None else state | {"errors": self._errors.state()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what ``state`` returned."""
        self._buffer = state[""].to(self._env.device).clone()
        if self._errors is not None:
            self._errors.load_state(state["errors"])
        for name, history in self._history.items():
            history.copy_(state[name])

    def _push(self, name: str, value: Tensor, reset_ids: Tensor | None) -> Tensor:
        history = self._history[name]
        history[:, 1:] = history[:, :-1].clone()
        history[:, 0] = value
        if reset_ids is not None and len(reset_ids):
            history[reset_ids] = value[reset_ids].unsqueeze(1)
        return history.flatten(1)


class Observations:
    """All groups of an environment."""

    def __init__(self, env: LeggedRobot) -> None:
        """Look every named term up; the task's own state exists by now.

        Raises:
            ConfigError: A term does not exist.
        """
        self._env, cfg = env, env.cfg.observations
        self._groups = {
            name: ObservationGroup(env, name, getattr(cfg, name), cfg.history_length, errs)
            for name, errs in MEASURED.items()
        }

    @property
    def layouts(self) -> dict[str, ObservationLayout]:
        """Where each named term stands in each group."""
        return {name: group.layout for name, group in self._groups.items()}

    def compute(self, reset_ids: Tensor | None) -> TensorDict:
        """Observations of the present state; histories of ``reset_ids`` are filled with their first value."""
        limit = self._env.cfg.normalization.clip_observations
        values: dict[str, Tensor] = {}
        for group in self._groups.values():
            group.compute(values, reset_ids, limit)
        return self.latest()

    def latest(self) -> TensorDict:
        """The observations computed last, (N, D) by group."""
        vectors = {name: group.latest() for name, group in self._groups.items()}
        return TensorDict(vectors, batch_size=[self._env.num_envs])

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to continue bit for bit."""
        return {name: group.state() for name, group in self._groups.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what ``state_dict`` returned."""
        for name, group in self._groups.items():
            group.load_state(state[name])

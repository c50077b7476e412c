"""Observation groups: named terms laid end to end, and the record of where each one stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from tensordict import TensorDict
from torch import Tensor

from legged_gym.envs.terms import find_terms, known_terms
from legged_gym.envs.terms.noise import ObservationErrors
from legged_gym.utils.errors import ConfigError

if TYPE_CHECKING:
    from legged_gym.envs.base.action_space import ActionTranslator
    from legged_gym.envs.base.legged_robot import LeggedRobot
    from legged_gym.envs.base.legged_robot_config import ObservationsCfg

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
    scale: float = 1.0
    """Factor of the term; the last thing done to it."""
    clip: float | None = None
    """The term is clipped to +- this before it is scaled; None: it is not."""


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
    """Computes one group. Terms shared with another group are evaluated once a step.

    A term is evaluated, measured (errors), clipped, scaled, and then remembered for its history.
    """

    def __init__(
        self,
        env: LeggedRobot,
        name: str,
        terms: Sequence[TermSlot],
        errs: bool = False,
        guest: ActionTranslator | None = None,
    ) -> None:
        """Look the terms up and lay them out.

        Args:
            env: Environment.
            name: Name of the group.
            terms: Its terms in order; where they stand is found out.
            errs: Whether it sees terms as they are measured, with errors, and not as they are.
            guest: Says the env's actions as the policy that sees the group would; None: they are its own.

        Raises:
            ConfigError: A term does not exist.
        """
        self._env, self._guest = env, guest
        self._functions: dict[str, Callable[[LeggedRobot], Tensor]] = find_terms(
            env.observation_modules, [_base(term.name) for term in terms], f"observations.{name}"
        )
        widths = {base: function(env).shape[-1] for base, function in self._functions.items()}
        self._own = set() if guest is None else self._replace_actions(guest)
        self._errors: ObservationErrors | None = None
        if errs:
            measured = {base: (function, widths[base]) for base, function in self._functions.items()}
            errors = ObservationErrors(env, measured)
            self._errors = errors if errors.active else None
        shapes = {_base(term.name): (term.clip, term.scale) for term in terms}
        self._shapes = {base: shape for base, shape in shapes.items() if shape != (None, 1.0)}
        slots, start = [], 0
        self._history: dict[str, Tensor] = {}
        for term in terms:
            width = widths[_base(term.name)]
            if term.history > 1 or term.name != _base(term.name):
                self._history[term.name] = torch.zeros(env.num_envs, term.history, width, device=env.device)
            slots.append(replace(term, start=start, stop=start + term.history * width))
            start = slots[-1].stop
        self.layout = ObservationLayout(tuple(slots))
        self._buffer = torch.zeros(env.num_envs, start, device=env.device)

    def _replace_actions(self, guest: ActionTranslator) -> set[str]:
        """Have what reads the last action see it as the guest would have given it. Returns the names of these terms."""
        readers = set()
        for base, function in self._functions.items():
            view = _GuestView(self._env, guest)
            function(view)
            if view.was_asked:
                readers.add(base)
                self._functions[base] = lambda _, function=function, view=view: function(view)
        return readers

    def compute(self, values: dict[str, Tensor], reset_ids: Tensor | None, limit: float) -> None:
        """Evaluate every term into the group's vector.

        Args:
            values: Terms already evaluated in this step, by name, as they are; filled in.
            reset_ids: Envs whose histories start anew with the present value.
            limit: Observations are clipped to +- this.
        """
        for base, function in self._functions.items():
            if base not in values and base not in self._own:
                values[base] = function(self._env)
        seen = (
            values | {base: self._functions[base](self._env) for base in self._own} if self._own else values
        )
        if self._errors is not None:
            seen = self._errors.seen({base: values[base] for base in self._functions})
        if self._shapes:
            seen = seen | {base: _shaped(seen[base], *shape) for base, shape in self._shapes.items()}
        # A fresh buffer each step: the one handed out before may still be held by the learner.
        parts = []
        for slot in self.layout.terms:
            value = seen[_base(slot.name)]
            if slot.name in self._history:
                value = self._push(slot.name, value, reset_ids)
            parts.append(value)
        self._buffer = torch.cat(parts, dim=-1).clamp_(-limit, limit)

    @property
    def noise(self) -> dict[str, str]:
        """What errors terms are measured with, in words, by the name of the term without ``history_``."""
        return {} if self._errors is None else self._errors.descriptions

    def latest(self) -> Tensor:
        """The vector computed last, (N, D)."""
        return self._buffer

    def state(self) -> dict[str, Any]:
        """Histories and the present vector, for checkpoints."""
        state: dict[str, Any] = {"": self._buffer.clone()}
        state |= {name: history.clone() for name, history in self._history.items()}
        if self._guest is not None:
            state["last action"] = self._guest.actions.clone()
        return state if self._errors is None else state | {"errors": self._errors.state()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what ``state`` returned."""
        self._buffer = state[""].to(self._env.device).clone()
        if self._errors is not None:
            self._errors.load_state(state["errors"])
        if self._guest is not None:
            self._guest.actions.copy_(state["last action"])
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
            ConfigError: A term does not exist, or a scale, clip or length is of a term that nobody sees.
        """
        self._env, cfg = env, env.cfg.observations
        self._groups = {
            name: ObservationGroup(env, name, _configured(cfg, getattr(cfg, name)), errs)
            for name, errs in MEASURED.items()
        }
        self._guests: dict[str, ObservationGroup] = {}
        _check_names(cfg)

    def add(self, name: str, layout: Sequence[Mapping[str, Any]], guest: ActionTranslator | None) -> None:
        """Compute one more group from now on, see :meth:`GuestPolicies.add_observation_group`.

        Raises:
            ConfigError: The env lacks a term, or has it in another size; lists all of them.
        """
        env, slots = self._env, [TermSlot(**term) for term in layout]
        known = known_terms(env.observation_modules)
        missing = [slot.name for slot in slots if _base(slot.name) not in known]
        if missing:
            raise ConfigError(
                f"observation group {name}: this env has no {', '.join(missing)}; known: {', '.join(sorted(known))}"
            )
        group = ObservationGroup(env, name, slots, guest=guest)
        sizes = [
            f"{slot.name} has {slot.stop - slot.start} numbers there and {ours.stop - ours.start} here"
            for slot, ours in zip(slots, group.layout.terms, strict=True)
            if slot.stop - slot.start != ours.stop - ours.start
        ]
        if sizes:
            raise ConfigError(f"observation group {name}: {'; '.join(sizes)}")
        self._guests[name] = group
        self._begin(group)

    @property
    def layouts(self) -> dict[str, ObservationLayout]:
        """Where each named term stands in each group."""
        return {name: group.layout for name, group in self._groups.items()}

    @property
    def noise(self) -> dict[str, dict[str, str]]:
        """What errors the terms of each group are measured with, in words."""
        return {name: group.noise for name, group in self._groups.items()}

    def compute(self, reset_ids: Tensor | None) -> TensorDict:
        """Observations of the present state; histories of ``reset_ids`` are filled with their first value."""
        limit = self._env.cfg.normalization.clip_observations
        values: dict[str, Tensor] = {}
        for group in self._all().values():
            group.compute(values, reset_ids, limit)
        return self.latest()

    def latest(self) -> TensorDict:
        """The observations computed last, (N, D) by group."""
        vectors = {name: group.latest() for name, group in self._all().items()}
        return TensorDict(vectors, batch_size=[self._env.num_envs])

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to continue bit for bit."""
        return {name: group.state() for name, group in self._all().items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what ``state_dict`` returned; a guest that was not there yet begins now."""
        for name, group in self._groups.items():
            group.load_state(state[name])
        for name, group in self._guests.items():
            if _sizes(state.get(name)) == _sizes(group.state()):
                group.load_state(state[name])
            else:
                self._begin(group)

    def _all(self) -> dict[str, ObservationGroup]:
        return self._groups | self._guests

    def _begin(self, group: ObservationGroup) -> None:
        """Compute a group, with histories full of the present state."""
        everywhere = torch.arange(self._env.num_envs, device=self._env.device)
        group.compute({}, everywhere, self._env.cfg.normalization.clip_observations)


class _GuestView:
    """An env with the last action in a guest's terms."""

    def __init__(self, env: LeggedRobot, guest: ActionTranslator) -> None:
        self._env, self._guest = env, guest
        self.was_asked = False

    @property
    def actions(self) -> Tensor:
        """See :attr:`ActionTranslator.actions`."""
        self.was_asked = True
        return self._guest.actions

    def __getattr__(self, name: str) -> Any:
        return getattr(self._env, name)


def _configured(cfg: ObservationsCfg, names: Sequence[str]) -> list[TermSlot]:
    """The named terms with the history, scale and clip that are configured for them."""
    slots = []
    for name in names:
        base = _base(name)
        steps = cfg.history_lengths.get(base, cfg.history_length) if name != base else 1
        slots.append(TermSlot(name, 0, 0, steps, float(cfg.scales.get(base, 1.0)), cfg.clips.get(base)))
    return slots


def _base(name: str) -> str:
    return name.removeprefix(HISTORY_PREFIX)


def _sizes(state: Mapping[str, Any] | None) -> dict[str, tuple[int, ...]] | None:
    """Names and shapes of a group's tensors."""
    return None if state is None else {name: tuple(tensor.shape) for name, tensor in state.items()}


def _shaped(value: Tensor, clip: float | None, scale: float) -> Tensor:
    return (value if clip is None else value.clamp(-clip, clip)) * scale


def _check_names(cfg: ObservationsCfg) -> None:
    """Refuse what is said of terms that nobody sees."""
    terms = [*cfg.actor, *cfg.critic]
    seen = [term.removeprefix(HISTORY_PREFIX) for term in terms]
    stacked = [term.removeprefix(HISTORY_PREFIX) for term in terms if term.startswith(HISTORY_PREFIX)]
    for field, known in (("scales", seen), ("clips", seen), ("history_lengths", stacked)):
        for name in getattr(cfg, field):
            if name not in known:
                which = f"{HISTORY_PREFIX} term" if known is stacked else "term"
                raise ConfigError(
                    f"observations.{field}: no {which} {name!r} in observations.actor or .critic; "
                    f"known: {', '.join(dict.fromkeys(known)) or 'none'}"
                )

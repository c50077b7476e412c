"""What a policy sees is not what is: which terms are measured with which errors, and how the errors get in.

A term says with ``measured`` what it is measured with. The errors are added to copies, so that a group without errors,
the critic's, shares the clean value.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot

logger = logging.getLogger(__name__)

Term = TypeVar("Term", bound=Callable)
Parts = Sequence[tuple[str | None, int, float]]
"""Of a term's columns, in order: the error that reaches them (a field of noise_scales; None: none), how many there are,
and the factor that the term multiplies the measured quantity by."""


def measured(errors: str | Callable[[Any], Parts], odometry: bool = False) -> Callable[[Term], Term]:
    """Declare how a term is measured.

    Args:
        errors: The field of noise_scales for all of its columns, or a function of the environment that gives its parts.
        odometry: Whether it is known from odometry, which may be slow (randomize_odom_update_frequency).
    """

    def declare(term: Term) -> Term:
        term.errors, term.odometry = errors, odometry
        return term

    return declare


def parts_of(term: Callable, env: LeggedRobot, width: int) -> Parts:
    """What the columns of a term are measured with."""
    errors = getattr(term, "errors", None)
    return errors(env) if callable(errors) else [(errors, width, 1.0)]


class ObservationErrors:
    """The errors of the terms that one group sees: noise of the step, offsets of the episode, slow odometry."""

    def __init__(self, env: LeggedRobot, terms: Mapping[str, tuple[Callable, int]]) -> None:
        """Find out which errors reach which terms.

        Args:
            env: Environment; has its noise and its randomizer by now.
            terms: Function and width of every term, without ``history_``.
        """
        self._env = env
        self._noisy: dict[str, int] = {}  # term -> its width
        self._offsets: list[tuple[str, slice, Tensor, float]] = []
        self._held: dict[str, Tensor] = {}
        self._reached: set[str] = set()
        self.descriptions: dict[str, str] = {}
        """What errors reach a term, in words and in the term's own unit, before clip and scale."""
        halves = []
        for name, (term, width) in terms.items():
            half = self._half_widths(name, parts_of(term, env, width))
            if half.any():
                self._noisy[name] = width
                halves.append(half)
            if getattr(term, "odometry", False) and env.randomizer.slow_odometry:
                self._held[name] = torch.zeros(env.num_envs, width, device=env.device)
                self._describe(name, "held between measurements")
        self._half_width = torch.cat(halves) if halves else None
        self._warn()

    @property
    def active(self) -> bool:
        """Whether anything is ever changed."""
        return bool(self._noisy or self._offsets or self._held)

    def seen(self, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The terms as the policy sees them. ``values`` stay as they are."""
        seen = dict(values)
        if self._env.noise.muted:
            return seen
        for name, noise in self._draw().items():
            seen[name] = values[name] + noise
        for name, columns, offset, scale in self._offsets:
            if seen[name] is values[name]:
                seen[name] = values[name].clone()
            seen[name][:, columns] += scale * offset
        due = self._env.randomizer.odometry_due.unsqueeze(1)
        for name, held in self._held.items():
            held.copy_(torch.where(due, seen[name], held))
            seen[name] = held.clone()
        return seen

    def state(self) -> dict[str, Tensor]:
        """What the policy goes on seeing."""
        return {name: held.clone() for name, held in self._held.items()}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Restore what ``state`` returned."""
        for name, held in self._held.items():
            held.copy_(state[name])

    def _half_widths(self, name: str, parts: Parts) -> Tensor:
        """Half-width of the uniform noise of each column of a term, (width,); notes its offsets besides."""
        env, start = self._env, 0
        scales, level = vars(env.cfg.noise.noise_scales), env.noise.level
        halves = []
        for kind, width, factor in parts:
            columns = slice(start, start + width)
            start += width
            half = 0.0
            if kind is not None:
                self._reached.add(kind)
                half = level * factor * scales.get(kind, 0.0)
                if half > 0.0:
                    self._describe(name, f"{kind} ±{half:g}")
                if kind in env.noise.offsets:
                    self._offsets.append((name, columns, env.noise.offsets[kind], factor))
                    self._describe(name, f"{kind} off by {self._offset_text(kind, factor)} all episode")
            halves.append(torch.full((width,), half, device=env.device))
        return torch.cat(halves)

    def _describe(self, name: str, text: str) -> None:
        texts = self.descriptions.get(name, "").split("; ")
        if text not in texts:  # a term may have a quantity several times
            self.descriptions[name] = "; ".join([*filter(None, texts), text])

    def _offset_text(self, kind: str, factor: float) -> str:
        """Standard deviation of an offset, and the range of encoder errors, which are part of it."""
        noise, cfg = self._env.noise, self._env.cfg.domain_rand
        texts = [f"~{factor * noise.scales[kind]:g}"] if kind in noise.scales else []
        if kind == "dof_pos" and cfg.randomize_joint_zero:
            low, high = cfg.joint_zero_range
            texts.append(f"{factor * low:g} to {factor * high:g}")
        return " + ".join(texts)

    def _warn(self) -> None:
        """Say which errors are asked for and reach nothing."""
        noise = self._env.noise
        scales = vars(self._env.cfg.noise.noise_scales)
        asked = [f"noise.noise_scales.{name}" for name, scale in scales.items() if noise.level * scale > 0.0]
        asked += [f"noise.offset_scales.{name}" for name in noise.scales if name != "action"]
        lost = [name for name in asked if name.rpartition(".")[2] not in self._reached]
        if self._env.randomizer.slow_odometry and not self._held:
            lost.append("domain_rand.randomize_odom_update_frequency")
        if lost:
            logger.warning("observations.actor has no term that %s could change", ", ".join(lost))

    def _draw(self) -> dict[str, Tensor]:
        """Noise of this step by term."""
        if self._half_width is None:
            return {}
        env = self._env
        unit = torch.rand(env.num_envs, len(self._half_width), generator=env.generator, device=env.device)
        noise = (2.0 * unit - 1.0) * self._half_width
        return dict(zip(self._noisy, noise.split(list(self._noisy.values()), dim=1), strict=True))

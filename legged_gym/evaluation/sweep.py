"""What a policy must bear: an evaluation's conditions, each with a known change. Imports nothing heavy."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from legged_gym.envs.base.control_config import MISSING_GAINS
from legged_gym.evaluation.protocol import EnvConfig
from legged_gym.utils.errors import ConfigError

Range = tuple[float, float]
"""Drawn from uniformly; equal ends are a value."""

PUSH_INTERVAL_S = 3.0
"""Longest time between two pushes, s; drawn from 0 on, so that they are 1.5 s apart on average."""


@dataclass(frozen=True)
class Condition:
    """What is other than in a normal evaluation; None is as ever there."""

    name: str
    friction: Range | None = None
    """Coefficient of sliding friction of all contacts."""
    added_mass_kg: Range | None = None
    """Mass added to the torso link."""
    gain: Range | None = None
    """Factor of both gains of all servos; their torque limits stay."""
    delay_s: Range | None = None
    """How late joint targets reach the motors."""
    push_m_s: float | None = None
    """Largest change of the root's velocity along x and along y."""

    def domain_rand(self, dt: float) -> dict[str, Any]:
        """The fields of ``cfg.domain_rand`` that make it, for physics substeps of ``dt`` s.

        Raises:
            ConfigError: A delay is no multiple of the substep.
        """
        fields: dict[str, Any] = {}
        if self.friction is not None:
            fields |= {"randomize_friction": True, "friction_range": self.friction}
        if self.added_mass_kg is not None:
            fields |= {"randomize_base_mass": True, "added_mass_range": self.added_mass_kg}
        if self.gain is not None:
            fields |= {"randomize_gains": True, "gain_range": self.gain}
        if self.delay_s is not None:
            shortest, longest = (self._substeps(delay, dt) for delay in self.delay_s)
            fields |= {"control_delays": True, "control_delay_min": shortest, "control_delay_max": longest}
        if self.push_m_s is not None:
            fields |= {"push_robots": True, "push_interval_s": PUSH_INTERVAL_S}
            fields |= {"max_push_vel_xy": self.push_m_s, "max_push_vel_z": 0.0, "max_push_ang_vel": 0.0}
        return fields

    def inapplicable(self, cfg: EnvConfig) -> str | None:
        """Why there is no such condition for a robot; None: there is."""
        fields = self.domain_rand(cfg.sim.dt)
        for switch in MISSING_GAINS.get(cfg.control.action_type, ()):
            if switch in fields:
                return f"servos of control.control_type {cfg.control.control_type} lack the gains of {switch}"
        return None

    def _substeps(self, delay: float, dt: float) -> int:
        count = round(delay / dt)
        if abs(count * dt - delay) > 1e-9:
            raise ConfigError(
                f"condition {self.name}: a delay of {1e3 * delay:g} ms is no multiple of the physics step of "
                f"{1e3 * dt:g} ms; set --env.sim.dt and --env.control.decimation to steps of 5 ms or less"
            )
        return count


NOMINAL = Condition("nominal")
FRICTION, ADDED_MASS_KG, GAIN, DELAY_S, PUSH_M_S = (0.3, 1.2), (-3.0, 3.0), (0.8, 1.2), (0.0, 0.02), 0.5
CONDITIONS = (
    NOMINAL,
    *(Condition(f"friction {mu:g}", friction=(mu, mu)) for mu in (FRICTION[0], 0.6, 0.9, FRICTION[1])),
    *(Condition(f"mass {kg:+g} kg", added_mass_kg=(kg, kg)) for kg in ADDED_MASS_KG),
    *(Condition(f"gains {factor - 1.0:+.0%}", gain=(factor, factor)) for factor in GAIN),
    *(Condition(f"delay {1e3 * s:g} ms", delay_s=(s, s)) for s in (0.005, 0.01, 0.015, DELAY_S[1])),
    Condition(f"pushes {PUSH_M_S:g} m/s", push_m_s=PUSH_M_S),
    Condition("all, drawn", FRICTION, ADDED_MASS_KG, GAIN, DELAY_S, PUSH_M_S),
)
"""The standard sweep. The last draws a value of everything for each robot."""


def under(condition: Condition, cfg: EnvConfig) -> EnvConfig:
    """An evaluation's configuration (see :func:`protocol.evaluation_config`) under a condition, as a copy.

    Raises:
        ConfigError: A delay is no multiple of the physics substep.
    """
    cfg = copy.deepcopy(cfg)
    cfg.domain_rand = replace(cfg.domain_rand, **condition.domain_rand(cfg.sim.dt))
    return cfg


def applicable(cfg: EnvConfig) -> tuple[list[Condition], dict[str, str]]:
    """The conditions of the standard sweep that a robot can be judged under, and why not by the names of the others.

    Raises:
        ConfigError: A delay is no multiple of the physics substep.
    """
    reasons = {condition: condition.inapplicable(cfg) for condition in CONDITIONS}
    there = [condition for condition, reason in reasons.items() if reason is None]
    return there, {condition.name: reason for condition, reason in reasons.items() if reason is not None}


def mean_figures(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The mean over rows of every figure that is a rate or an error, groups of figures included.

    Every row counts the same. What is None in any row has no mean; counts and lists are left out.
    """
    means: dict[str, Any] = {}
    for name, value in rows[0].items():
        values = [row[name] for row in rows]
        if isinstance(value, Mapping):
            inner = mean_figures(values)
            means |= {name: inner} if inner else {}
        elif any(one is None for one in values):
            means[name] = None
        elif isinstance(value, float):
            means[name] = sum(values) / len(values)
    return means


def summarise(judged: Mapping[str, Mapping[str, Any]], skipped: Mapping[str, str]) -> dict[str, Any]:
    """All figures: ``mean`` over all conditions but the nominal one, ``conditions`` by name, and what was ``skipped``.

    Args:
        judged: Figures of each condition by its name, with their ``total``.
        skipped: Why there are none, by name.
    """
    changed = [figures["total"] for name, figures in judged.items() if name != NOMINAL.name]
    return {"mean": mean_figures(changed), "conditions": dict(judged), "skipped": dict(skipped)}

"""One policy in other physics than it was trained in: how far its success depends on the simulation's details.

The variations are data. Imports nothing heavy.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from legged_gym.evaluation.protocol import EnvConfig, evaluation_config
from legged_gym.utils.errors import ConfigError

SAME_STEP = 1e-9
"""Periods that differ by less are the same, s."""


@dataclass(frozen=True)
class Simulation:
    """A variation of the physics."""

    what: str
    """For people."""
    dt: float | None = None
    """Length of a physics step, s; None: as in training."""
    sim: Mapping[str, Any] | None = None
    """Fields of ``cfg.sim``."""
    feet: str | None = None
    """Shape of the feet, see ``asset.foot_variants``; None: the model's own."""
    delay_s: float = 0.0
    """How late joint targets reach the motors."""


SIMULATIONS: dict[str, Simulation] = {
    "as_trained": Simulation("the physics of training, without its noise and randomisation"),
    "mujoco": Simulation("steps of 5 ms", 0.005),
    "mujoco_fine": Simulation("steps of 2 ms", 0.002),
    "mujoco_finest": Simulation("steps of 1 ms", 0.001),
    "elliptic": Simulation("true friction cones, steps of 2 ms", 0.002, {"cone": "elliptic"}),
    "cg": Simulation("conjugate gradients, steps of 2 ms", 0.002, {"solver": "cg", "iterations": 100}),
    "rails": Simulation("feet with edges along their sides, steps of 2 ms", 0.002, feet="rails"),
    "sole": Simulation("feet with edges as long as the real sole, steps of 2 ms", 0.002, feet="sole"),
    "delay": Simulation("targets reach the motors 10 ms late, steps of 2 ms", 0.002, delay_s=0.01),
}
"""Name -> variation. A robot's own motor loop runs at 1 ms and less, its friction has round cones."""


def chosen(names: Sequence[str]) -> list[str]:
    """The named variations, all where none is named.

    Raises:
        ConfigError: There is none of a name.
    """
    for name in names:
        if name not in SIMULATIONS:
            raise ConfigError(f"--sims: no simulation {name!r}; known: {', '.join(SIMULATIONS)}")
    return list(dict.fromkeys(names)) or list(SIMULATIONS)


def simulated(name: str, cfg: EnvConfig, start_noise: float) -> EnvConfig:
    """The configuration of an evaluation in a variation.

    Args:
        name: Key of :data:`SIMULATIONS`.
        cfg: What the policy was trained in; left as it is.
        start_noise: See :class:`protocol.ProtocolArgs`.

    Raises:
        ConfigError: The control period is no multiple of the variation's step, or the robot has no such feet.
    """
    simulation = SIMULATIONS[name]
    cfg = evaluation_config(copy.deepcopy(cfg), "as_trained", start_noise)
    if simulation.dt is not None:
        period = cfg.sim.dt * cfg.control.decimation
        decimation = round(period / simulation.dt)
        if abs(decimation * simulation.dt - period) > SAME_STEP:
            raise ConfigError(
                f"--sims={name}: the control period of {period:g} s is no multiple of {simulation.dt:g} s"
            )
        cfg.sim.dt, cfg.control.decimation = simulation.dt, decimation
    cfg.sim = replace(cfg.sim, **(simulation.sim or {}))
    if simulation.feet is not None:
        cfg.asset = replace(cfg.asset, use_alt_files=True, foot_variants=[simulation.feet])
    if simulation.delay_s:
        steps = round(simulation.delay_s / cfg.sim.dt)
        delays = {"control_delays": True, "control_delay_min": steps, "control_delay_max": steps}
        cfg.domain_rand = replace(cfg.domain_rand, **delays)
    return cfg


def gaps(figures: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """By how much the success of each variation is below that of training's physics, where both are known.

    Args:
        figures: Total of an evaluation by the name of its variation.
    """
    trained = figures.get("as_trained", {}).get("success_rate")
    if trained is None:
        return {}
    return {name: trained - total["success_rate"] for name, total in figures.items() if name != "as_trained"}

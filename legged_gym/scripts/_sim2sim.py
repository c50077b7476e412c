"""One variation of the physics, judged in a process of its own; and the table of all."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich import box
from rich.table import Table
from tensordict import TensorDict
from torch import Tensor

from legged_gym import envs  # noqa: F401  (registers the tasks)
from legged_gym.deploy.bundle import Bundle, read_bundle
from legged_gym.deploy.policy import Runtime, load_policy
from legged_gym.evaluation.judgement import judge
from legged_gym.evaluation.policies import Policy
from legged_gym.evaluation.protocol import EnvConfig, ProtocolArgs, driven_config
from legged_gym.evaluation.simulations import SIMULATIONS, gaps, simulated
from legged_gym.rl.bundle_content import POLICY_GROUP
from legged_gym.utils import task_registry
from legged_gym.utils.config import from_dict
from legged_gym.utils.errors import RunError

TRACKING_COLUMNS = (("local\nmm", "mpjpe_local_mm", "{:.0f}"), ("global\nmm", "mpjpe_mm", "{:.0f}"))
COMMAND_COLUMNS = (
    ("falls\nper min", "falls_per_minute", "{:.2f}"),
    ("error\nm/s", "lin_vel_error_m_s", "{:.3f}"),
)


@dataclass(frozen=True)
class Job:
    """What a process is to judge."""

    bundle: Path
    runtime: Runtime
    protocol: ProtocolArgs
    num_envs: int
    seed: int


def judged(name: str, job: Job) -> dict[str, Any]:
    """Total of the figures of a bundle's policy in a variation.

    Raises:
        LeggedGymError: The bundle cannot be read, its task or clips are not here, or the robot lacks such feet.
    """
    logging.getLogger("legged_gym").setLevel(
        logging.WARNING
    )  # what it says of the clips it would say each time
    torch.set_num_threads(1)
    bundle = read_bundle(job.bundle)
    task = task_registry.get(bundle.spec.task)
    cfg = simulated(name, training_config(bundle, job.protocol), job.protocol.start_noise)
    cfg.env.num_envs, cfg.sim.num_threads = job.num_envs, 1
    env = task.load_env_class()(cfg, job.seed)
    _check_layout(bundle, env)
    figures = judge(env, as_policy(bundle, job.runtime), job.protocol, {}).figures
    return figures["total"]


def training_config(bundle: Bundle, protocol: ProtocolArgs) -> EnvConfig:
    """The env's configuration that the policy was trained with, as the bundle tells it.

    Raises:
        ConfigError: There is no such task, or it has no such fields any more.
    """
    task = task_registry.get(bundle.spec.task)
    cfg = from_dict(bundle.spec.provenance.config["env"], task.configure().env, str(bundle.folder))
    return driven_config(cfg, protocol.on) if protocol.joystick else cfg


def as_policy(bundle: Bundle, runtime: Runtime) -> Policy:
    """The bundle's network in a runtime, for the envs of training."""
    act = load_policy(bundle, runtime)

    def policy(observations: TensorDict) -> Tensor:
        return torch.from_numpy(np.asarray(act(observations[POLICY_GROUP].numpy())))

    return policy


def table_of(figures: Mapping[str, Mapping[str, Any]]) -> Table:
    """One row per variation, with what it loses against the physics of training."""
    tracking = all("mpjpe_mm" in total for total in figures.values())
    columns = TRACKING_COLUMNS if tracking else COMMAND_COLUMNS
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("simulation", no_wrap=True)
    for heading in (
        "success",
        "gap",
        *(["from\nstart"] if tracking else []),
        *(name for name, _, _ in columns),
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("what it is")
    gap = gaps(figures)
    for name, total in figures.items():
        cells = [f"{total['success_rate']:.0%}", f"{gap[name]:+.0%}" if name in gap else ""]
        if tracking:
            cells.append(_share(total["from_start"]["success_rate"]))
        cells += ["-" if total[key] is None else form.format(total[key]) for _, key, form in columns]
        table.add_row(name, *cells, SIMULATIONS[name].what)
    return table


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def _check_layout(bundle: Bundle, env: Any) -> None:
    """The env must show the policy what it was trained to see."""
    now = [(t.name, t.start, t.stop) for t in env.observation_layout()[POLICY_GROUP].terms]
    then = [(t.name, t.start, t.stop) for t in bundle.spec.observation.terms]
    if now != then:
        raise RunError(f"{bundle.folder}: its observations are not those that its task makes now")

"""A small task with every kind of field, registered alone."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import pytest

from legged_gym.utils import task_registry
from legged_gym.utils.config import TaskCfg
from legged_gym.utils.task_registry import TaskSpec


class Ground(enum.Enum):
    FLAT = 1
    ROUGH = 2


@dataclass
class BatchCfg:
    """Size of the batch."""

    num_envs: int = 256
    """Robots simulated in parallel."""


@dataclass
class ControlCfg:
    """From actions to torques."""

    mode: Literal["none", "pd"] = "none"
    """Feed-forward."""
    scale: float | None = None
    """Action scale."""
    gains: dict[str, float] = field(default_factory=dict)
    """Stiffness by joint."""
    noisy: bool = False
    """Whether to add noise."""


@dataclass
class FineControlCfg(ControlCfg):
    """Control with more to set."""

    note: str | None = None
    """Free text."""


@dataclass
class EnvCfg:
    """A world."""

    ALIASES: ClassVar[dict[str, str]] = {"action_scale": "control.scale"}

    env: BatchCfg = field(default_factory=BatchCfg)
    """Batch."""
    control: ControlCfg = field(default_factory=FineControlCfg)
    """Control."""
    ground: Ground = Ground.FLAT
    """What the robot stands on."""
    locked: list[str] = field(default_factory=lambda: ["wrist"])
    """Joints that do not move."""
    limits: tuple[float, float] = (0.0, float("inf"))
    """Lower and upper."""


@dataclass
class RunnerCfg:
    """A run."""

    max_iterations: int = 100
    """Iterations."""
    experiment_name: str = "small"
    """Folder of runs."""
    run_name: str = ""
    """Name of the run."""
    resume: bool = False
    """Whether to continue."""
    load_run: str | None = None
    """Run to load."""
    checkpoint: int = -1
    """Iteration to load."""
    wandb_note: str = ""
    """Note."""


@dataclass
class TrainCfg:
    """A learner."""

    seed: int = 1
    """Seed."""
    dims: tuple[int, ...] = (256, 128)
    """Hidden layers."""
    runner: RunnerCfg = field(default_factory=RunnerCfg)
    """Run."""


def _big(cfg: TaskCfg) -> None:
    cfg.env.env.num_envs = 4096


@pytest.fixture
def cfg() -> TaskCfg:
    """Defaults of the small task."""
    return TaskCfg(EnvCfg(), TrainCfg())


@pytest.fixture
def small_task(monkeypatch: pytest.MonkeyPatch) -> TaskSpec:
    """The only registered task, ``small``."""
    spec = TaskSpec(
        "small", "stands there", "builtins:object", lambda: TaskCfg(EnvCfg(), TrainCfg()), {"big": _big}
    )
    monkeypatch.setattr(task_registry, "_tasks", {})
    task_registry.register(spec)
    return spec

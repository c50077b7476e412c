"""The tasks that exist, by name. Holds factories, never shared configurations, and imports nothing heavy."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field

from legged_gym.utils.config import TaskCfg, nearest, suggest
from legged_gym.utils.errors import ConfigError

Preset = Callable[[TaskCfg], None]
"""Changes a fresh configuration in place."""

_tasks: dict[str, TaskSpec] = {}


@dataclass(frozen=True)
class TaskSpec:
    """One task: what it is called, what it simulates, and how it is configured."""

    name: str
    """As typed after ``--task``."""
    description: str
    """One line for lists and help."""
    env_class: str
    """``module:Class`` of the environment, imported only when it is built."""
    make_cfg: Callable[[], TaskCfg]
    """Makes a fresh configuration with the task's defaults."""
    presets: dict[str, Preset] = field(default_factory=dict)
    """Named sets of changes to the defaults, as typed after ``--preset``."""

    def load_env_class(self) -> type:
        """Import and return the environment class."""
        module, _, name = self.env_class.partition(":")
        return getattr(importlib.import_module(module), name)

    def configure(self, preset: str | None = None) -> TaskCfg:
        """A fresh configuration: the task's defaults, changed by the preset if one is named.

        :raises ConfigError: the task has no such preset.
        """
        cfg = self.make_cfg()
        if preset is not None:
            if preset not in self.presets:
                hint = suggest(preset, self.presets) if self.presets else "the task has none"
                raise ConfigError(f"unknown preset {preset} of task {self.name}; {hint}")
            self.presets[preset](cfg)
        return cfg


def register(spec: TaskSpec) -> None:
    """Add a task.

    :raises ConfigError: the name is taken.
    """
    if spec.name in _tasks:
        raise ConfigError(f"task {spec.name} is registered twice")
    _tasks[spec.name] = spec


def get(name: str) -> TaskSpec:
    """The task of that name.

    :raises ConfigError: there is none; names the nearest and lists all.
    """
    if name not in _tasks:
        near = nearest(name, _tasks)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ConfigError(f"unknown task {name}; {hint}tasks: {', '.join(_tasks) or 'none are registered'}")
    return _tasks[name]


def all_tasks() -> list[TaskSpec]:
    """Every task, in the order of registration."""
    return list(_tasks.values())

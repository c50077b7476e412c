"""Tasks by name."""

from __future__ import annotations

import pytest

from legged_gym.utils import task_registry
from legged_gym.utils.errors import ConfigError
from legged_gym.utils.task_registry import TaskSpec


def test_a_name_can_be_taken_once(small_task: TaskSpec) -> None:
    with pytest.raises(ConfigError, match="task small is registered twice"):
        task_registry.register(small_task)


def test_unknown_task_names_the_nearest_and_lists_all(small_task: TaskSpec) -> None:
    with pytest.raises(ConfigError, match=r"unknown task smal; did you mean small\? tasks: small"):
        task_registry.get("smal")


def test_configurations_are_fresh(small_task: TaskSpec) -> None:
    first = task_registry.get("small").configure()
    first.env.locked.append("knee")
    assert task_registry.get("small").configure().env.locked == ["wrist"]


def test_preset_changes_the_defaults(small_task: TaskSpec) -> None:
    assert small_task.configure("big").env.env.num_envs == 4096
    with pytest.raises(ConfigError, match=r"unknown preset bigg of task small; did you mean big\?"):
        small_task.configure("bigg")


def test_env_class_is_imported_by_name(small_task: TaskSpec) -> None:
    assert small_task.load_env_class() is object

"""The resolved configuration beside a run: written when it starts, the base of what later loads the run."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from legged_gym.utils import paths
from legged_gym.utils.config import TaskCfg, load_yaml, to_yaml
from legged_gym.utils.errors import ConfigError

if TYPE_CHECKING:
    from legged_gym.utils.cli import CommonArgs

_log = logging.getLogger(__name__)


def save_run_config(run: Path, task: str, cfg: TaskCfg) -> None:
    """Write the configuration, and the name of its task, to ``config.yaml`` in a run folder.

    :raises RunError: the file cannot be written.
    """
    text = f"task: {task}\n{to_yaml(cfg)}"
    paths.write_atomically(run / paths.CONFIG_FILE, lambda file: file.write_text(text, encoding="utf-8"))


def load_run_config(args: CommonArgs) -> dict[str, Any] | None:
    """The configuration saved with the run that the flags name, for ``parse_command``.

    None when the run is of another task: then only its weights are taken, and the task starts from its own defaults.

    :raises RunError: no such run.
    :raises ConfigError: its configuration is missing or unreadable.
    """
    run = paths.find_run(args.experiment_name or args.task, args.load_run)
    data = load_yaml(run / paths.CONFIG_FILE)
    task = data.pop("task", args.task)
    if task == args.task:
        return data
    _log.info("run %s is of task %s: not taking its configuration", run.name, task)
    return None


def load_config_file(path: Path, task: str) -> dict[str, Any]:
    """Part of a configuration from a YAML file, which may be the ``config.yaml`` of a run.

    :raises ConfigError: the file is missing or unreadable, or says that it is of another task.
    """
    data = load_yaml(path)
    written_for = data.pop("task", task)
    if written_for != task:
        raise ConfigError(f"{path}: it is the configuration of task {written_for}, not of {task}")
    return data

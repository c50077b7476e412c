"""The configuration beside a run is found again, and only by its own task."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from legged_gym.utils import paths
from legged_gym.utils.cli import parse_command
from legged_gym.utils.errors import ConfigError, RunError
from legged_gym.utils.run_config import load_run_config, save_run_config


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    run = paths.make_run_dir("small")
    with zipfile.ZipFile(paths.checkpoint_path(run, 1), "w") as archive:
        archive.writestr("data", b"weights")
    return run


def test_saved_configuration_comes_back_equal(small_task, run: Path) -> None:
    cfg = parse_command(["--task=small", "--env.locked=[]", "--env.control.note=None", "--seed=9"]).cfg
    save_run_config(run, "small", cfg)
    assert parse_command(["--task=small"], saved_config=load_run_config).cfg == cfg
    assert parse_command(["--task=small", f"--config={run / 'config.yaml'}"]).cfg == cfg


def test_weights_of_another_task_come_without_its_configuration(small_task, run: Path, cfg) -> None:
    (run / "config.yaml").write_text("task: other\nenv: {unknown: 1}\n")
    assert parse_command(["--task=small"], saved_config=load_run_config).cfg == cfg
    with pytest.raises(ConfigError, match="configuration of task other, not of small"):
        parse_command(["--task=small", f"--config={run / 'config.yaml'}"])


def test_run_without_configuration(small_task, run: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read config file .*config\.yaml"):
        parse_command(["--task=small"], saved_config=load_run_config)


def test_no_run_at_all(small_task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match="there are no runs"):
        parse_command(["--task=small"], saved_config=load_run_config)

"""Values that no training can work with are refused by name."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from legged_gym.rl.rl_config import TrainCfg, check_train_cfg
from legged_gym.utils.errors import ConfigError


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("runner.save_interval", 0, "train.runner.save_interval must be at least 1, not 0"),
        ("algorithm.gamma", 1.01, "train.algorithm.gamma must be at most 1"),
        ("algorithm.learning_rate", float("nan"), "train.algorithm.learning_rate"),
        ("policy.actor_hidden_dims", (), "train.policy.actor_hidden_dims"),
        ("algorithm.num_mini_batches", 65, "64 samples of an iteration"),
    ],
)
def test_impossible_values_are_refused(path: str, value: Any, message: str) -> None:
    cfg = TrainCfg()
    check_train_cfg(cfg, num_envs=4)
    group, name = path.split(".")
    setattr(getattr(cfg, group), name, value)
    with pytest.raises(ConfigError, match=message):
        check_train_cfg(cfg, num_envs=4)


def test_configuration_imports_nothing_heavy() -> None:
    code = (
        "import sys, legged_gym.rl.rl_config; sys.exit(bool({'torch', 'numpy', 'rich'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

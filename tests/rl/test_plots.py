"""The learning curve is drawn from whatever the table holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from legged_gym.rl.plots import _smooth, plot_learning_curve
from legged_gym.rl.run_log import ProgressCsv


def test_picture_of_a_run_whose_columns_come_and_go(tmp_path: Path) -> None:
    table = ProgressCsv(tmp_path / "progress.csv", tmp_path / "progress.csv", 0)
    row = {"samples": 1000, "minutes": 0.1, "kl": 0.2, "learning_rate": 1e-3, "action_std": 0.4}
    row["time_ms/update"] = 100.0
    table.add({"iteration": 1, **row})
    table.add({"iteration": 2, **row, "minutes": 0.2, "mean_reward": 1.0, "Reward/joint_pos": 0.5})
    table.close()
    plot_learning_curve(tmp_path / "progress.csv", tmp_path / "curve.png")
    assert imread(tmp_path / "curve.png").shape[:2] == (700, 1300)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_no_picture_of_a_run_without_iterations(tmp_path: Path) -> None:
    plot_learning_curve(tmp_path / "progress.csv", tmp_path / "curve.png")
    assert not (tmp_path / "curve.png").exists()


def test_running_mean_ignores_gaps() -> None:
    # 100 rows: a window of 2. Row 50 is missing, so its mean is that of row 49 alone.
    values = np.arange(100.0)
    values[50] = np.nan
    smooth = _smooth(values)
    assert smooth[[0, 1, 50, 51]] == pytest.approx([0.0, 0.5, 49.0, 51.0])

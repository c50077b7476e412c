"""Statistics of episodes, and a table that grows columns and survives a kill."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from legged_gym.rl.plots import load_columns
from legged_gym.rl.run_log import EpisodeStatistics, ProgressCsv, mean_row, read_progress


def test_episode_statistics_by_hand() -> None:
    stats = EpisodeStatistics(2, "cpu")
    # Env 0 ends after 2 steps with return 1 + 3 = 4; env 1 after 3 steps with 10 + 20 + 30 = 60.
    stats.add(torch.tensor([1.0, 10.0]), torch.tensor([False, False]), {"a": 1.0})
    stats.add(
        torch.tensor([3.0, 20.0]), torch.tensor([True, False]), {"a": torch.tensor([2.0, 4.0]), "Reward/b": 5}
    )
    assert stats.collect() == {
        "mean_reward": 4.0,
        "mean_episode_length": 2.0,
        "Episode/a": 2.0,
        "Reward/b": 5.0,
    }
    stats.add(torch.tensor([100.0, 30.0]), torch.tensor([0, 1]), {"Reward/b": float("nan")})
    row = stats.collect()
    assert (row["mean_reward"], row["mean_episode_length"]) == (32.0, 2.5)


def test_statistics_do_not_see_what_the_env_writes_later() -> None:
    stats, value = EpisodeStatistics(1, "cpu"), torch.tensor(1.0)
    stats.add(torch.zeros(1), torch.zeros(1), {"Reward/b": value})
    value.fill_(9.0)
    assert stats.collect()["Reward/b"] == 1.0


def test_no_reward_is_reported_before_an_episode_has_ended() -> None:
    stats = EpisodeStatistics(1, "cpu")
    stats.add(torch.ones(1), torch.zeros(1), {})
    assert stats.collect() == {}


def test_columns_may_join_later(tmp_path: Path) -> None:
    path = tmp_path / "progress.csv"
    table = ProgressCsv(path, path, 0)
    table.add({"iteration": 1, "kl": 0.1})
    table.add({"iteration": 2, "kl": 0.2, "mean_reward": 1.0})
    table.add({"iteration": 3, "kl": 0.3})
    columns = load_columns(path)  # without closing: every row is on disk
    assert columns["kl"].tolist() == [0.1, 0.2, 0.3]
    assert columns["mean_reward"][1] == 1.0
    assert columns["mean_reward"][[0, 2]] == pytest.approx([float("nan")] * 2, nan_ok=True)
    table.close()


def test_half_a_row_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "progress.csv"
    path.write_text("iteration,kl,std\n1,0.1,0.4\n2,0.")
    assert [row["iteration"] for row in read_progress(path)] == ["1"]
    table = ProgressCsv(path, path, 1)
    table.add({"iteration": 2, "kl": 0.2, "std": 0.4})
    table.close()
    assert [row["kl"] for row in read_progress(path)] == ["0.1", "0.2"]


def test_a_fresh_run_does_not_keep_old_rows(tmp_path: Path) -> None:
    path = tmp_path / "progress.csv"
    path.write_text("iteration,kl\n1,0.1\n")
    ProgressCsv(path, path, 0).close()
    assert read_progress(path) == []


def test_rows_of_several_processes_become_their_mean() -> None:
    rows = [{"iteration": 7, "reward": 1.0, "done": 0.1}, {"iteration": 7, "reward": 2.0, "late": 5.0}]
    mean = mean_row(rows)
    assert mean == {"iteration": 7, "reward": 1.5, "done": 0.1, "late": 5.0}
    assert isinstance(mean["iteration"], int)

"""Success rates per clip: counting, forgetting, resuming, and over several processes."""

from __future__ import annotations

import socket

import pytest
import torch
import torch.multiprocessing

from legged_gym.envs.base.clip_statistics import WINDOW, ClipStatistics
from legged_gym.utils.errors import RunError


def _statistics(interval: int = 1, names: tuple[str, ...] = ("a", "b", "c")) -> ClipStatistics:
    return ClipStatistics(names, interval, "cpu")


def test_many_episodes_of_one_clip_in_one_step_all_count():
    statistics = _statistics()
    statistics.add(torch.tensor([1, 1, 1, 1, 0]), torch.tensor([True, True, False, True, False]))
    assert statistics.episodes.tolist() == [1.0, 4.0, 0.0]
    assert statistics.success_rate.tolist() == [0.0, 0.75, 0.0]


def test_rates_change_at_intervals_only():
    statistics = _statistics(interval=3)
    for expected in (0.0, 0.0, 3.0):
        statistics.add(torch.tensor([2]), torch.tensor([True]))
        assert statistics.episodes[2] == expected


def test_old_episodes_fade_out():
    statistics = _statistics()
    many = torch.zeros(WINDOW, dtype=torch.long)
    statistics.add(many, torch.ones(WINDOW, dtype=torch.bool))
    assert statistics.success_rate[0] == 1.0
    statistics.add(many, torch.zeros(WINDOW, dtype=torch.bool))
    assert statistics.episodes[0] == WINDOW
    assert statistics.success_rate[0] == 0.5
    for _ in range(9):
        statistics.add(many, torch.zeros(WINDOW, dtype=torch.bool))
    assert statistics.success_rate[0] < 0.002


def test_a_resumed_run_goes_on_with_the_same_rates():
    statistics, resumed = _statistics(interval=2), _statistics(interval=2)
    for clips, good in (([0, 0], [True, False]), ([1], [True]), ([2], [True])):
        statistics.add(torch.tensor(clips), torch.tensor(good))
    resumed.load_state_dict(statistics.state_dict())
    for one in (statistics, resumed):
        one.add(torch.tensor([2]), torch.tensor([False]))
    assert torch.equal(statistics.success_rate, resumed.success_rate)
    assert resumed.success_rate.tolist() == [0.5, 1.0, 0.5]


def test_rates_of_other_clips_are_refused():
    with pytest.raises(RunError, match="are of a, b, c, this run's clips are a, c, b"):
        _statistics(names=("a", "c", "b")).load_state_dict(_statistics().state_dict())


def test_few_clips_are_logged_one_by_one_and_many_are_summed_up():
    statistics = _statistics()
    assert statistics.scalars(10) == {}
    statistics.add(torch.tensor([0, 1, 1]), torch.tensor([True, True, False]))
    assert statistics.scalars(3) == {
        "Success/mean_over_clips": 0.75, "Success/clip_a": 1.0, "Success/clip_b": 0.5,
    }  # fmt: skip
    assert statistics.scalars(2) == {
        "Success/mean_over_clips": 0.75, "Success/median_clip": 0.5, "Success/worst_clip": 0.5,
    }  # fmt: skip


def test_the_table_has_every_clip_the_worst_first():
    statistics = _statistics()
    statistics.add(torch.tensor([0, 1]), torch.tensor([True, False]))
    assert statistics.table() == [
        {"clip": "b", "success_rate": 0.0, "episodes": 1.0},
        {"clip": "a", "success_rate": 1.0, "episodes": 1.0},
        {"clip": "c", "success_rate": None, "episodes": 0.0},
    ]


def _rank(rank: int, port: int, results) -> None:
    torch.distributed.init_process_group(
        "gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2
    )
    statistics = _statistics()
    statistics.add(torch.tensor([0, 0] if rank == 0 else [0, 2]), torch.tensor([True, rank == 0]))
    results.put((statistics.episodes.tolist(), statistics.success_rate.tolist()))
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_ranks_share_their_episodes():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    results = torch.multiprocessing.get_context("spawn").SimpleQueue()
    torch.multiprocessing.spawn(_rank, args=(port, results), nprocs=2)
    expected = ([3.0, 0.0, 1.0], [1.0, 0.0, 0.0])
    assert results.get() == expected
    assert results.get() == expected

"""Times of parts add up by name until somebody collects them."""

from __future__ import annotations

import pytest

from legged_gym.utils import timing


def test_times_add_up_by_name_and_start_anew_when_collected(monkeypatch):
    clock = iter([0.0, 1.0, 5.0, 7.5, 8.0, 12.0])
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))
    timer = timing.PartTimer()
    for part in ("physics", "reward", "physics"):
        with timer(part):
            pass
    assert timer.collect() == pytest.approx({"physics": 1.0 + 4.0, "reward": 2.5})
    assert timer.collect() == {}

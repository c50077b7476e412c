"""Deadlines, on a clock of the test's own."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from legged_gym.deploy import realtime
from legged_gym.deploy.realtime import Pacer


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """``now`` moves only when somebody sleeps, or the test says so."""
    fake = SimpleNamespace(now=100.0)

    def sleep(seconds: float) -> None:
        fake.now += seconds

    monkeypatch.setattr(realtime, "time", SimpleNamespace(monotonic=lambda: fake.now, sleep=sleep))
    return fake


def test_deadlines_do_not_drift_with_the_work_between_them(clock: SimpleNamespace) -> None:
    pacer = Pacer(0.02, most_behind_s=0.1)
    for _ in range(1000):
        pacer.wait()
        clock.now += 0.013
    assert clock.now == pytest.approx(100.0 + 1000 * 0.02 + 0.013)
    assert (pacer.num_late, pacer.num_skipped) == (0, 0)


def test_a_late_loop_catches_up(clock: SimpleNamespace) -> None:
    pacer = Pacer(0.02, most_behind_s=0.1)
    pacer.wait()
    clock.now += 0.07  # three and a half periods of work
    lateness = [pacer.wait() for _ in range(4)]
    assert lateness == pytest.approx([0.05, 0.03, 0.01, 0.0], abs=1e-9)
    assert (pacer.num_late, pacer.num_skipped) == (2, 0)
    assert pacer.worst_s == pytest.approx(0.05)


def test_a_loop_that_was_away_for_long_gives_up_what_it_missed(clock: SimpleNamespace) -> None:
    pacer = Pacer(0.02, most_behind_s=0.1)
    pacer.wait()
    clock.now += 1.015
    assert pacer.wait() == pytest.approx(0.995)
    assert pacer.num_skipped == 49
    assert pacer.wait() == pytest.approx(0.0, abs=1e-9)
    assert clock.now == pytest.approx(101.04)  # still on the old deadlines' grid

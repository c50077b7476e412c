"""Time on the page, on a clock of the tests' own."""

from __future__ import annotations

import pytest

from legged_gym.viewer.clock import LARGEST_DEBT_S, Clock

STEP = 0.02


class Watch:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def clock(watch: Watch) -> Clock:
    return Clock(STEP, watch)


def play(clock: Clock, watch: Watch, seconds: float, cost: float = 0.0) -> int:
    """Poll every 5 ms, or as long as the steps cost; returns the steps made."""
    made, end = 0, watch.now + seconds
    while watch.now < end - 1e-9:
        due = clock.due()
        watch.now += due * cost if due * cost > 0.0 else 0.005
        clock.made(due)
        made += due
    return made


def test_a_stopped_clock_has_nothing_due(clock: Clock, watch: Watch) -> None:
    watch.now += 10.0
    assert clock.due() == 0 and clock.achieved == 0.0


@pytest.mark.parametrize("speed", [0.1, 0.5, 1.0, 4.0])
def test_steps_keep_the_target_speed_and_it_is_what_is_achieved(
    clock: Clock, watch: Watch, speed: float
) -> None:
    clock.target = speed
    clock.start()
    made = play(clock, watch, 20.0)
    assert made == pytest.approx(20.0 * speed / STEP, abs=1)
    assert clock.achieved == pytest.approx(speed, rel=0.1)


def test_time_that_stands_still_is_not_caught_up_with(clock: Clock, watch: Watch) -> None:
    clock.start()
    play(clock, watch, 1.0)
    clock.stop()
    watch.now += 60.0
    clock.start()
    assert clock.due() == 0


def test_a_stall_is_followed_by_no_rush(clock: Clock, watch: Watch) -> None:
    clock.start()
    watch.now += 5.0
    assert clock.due() == round(LARGEST_DEBT_S / STEP)


def test_a_machine_that_is_too_slow_says_so(clock: Clock, watch: Watch) -> None:
    clock.start()
    play(clock, watch, 5.0, cost=0.04)  # a step of 20 ms takes 40
    assert clock.achieved == pytest.approx(0.5, rel=0.1)


def test_the_wait_ends_when_the_next_step_is_due(clock: Clock, watch: Watch) -> None:
    clock.target = 0.5
    clock.start()
    watch.now += clock.wait_s()
    assert clock.due() == 1

"""Delays and schedules, exact to the step."""

from __future__ import annotations

import torch

from legged_gym.sensors.timing import PoseDelay, Schedule

QUAT = torch.tensor([1.0, 0.0, 0.0, 0.0])


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def poses(x: float, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor([x, 0.0, 0.0]).repeat(n, 1), QUAT.repeat(n, 1)


def test_delayed_poses_are_exactly_as_old_as_the_delay():
    n = 50
    everyone = torch.arange(n)
    delay = PoseDelay(n, 3, generator(), "cpu")
    delay.restart(everyone, *poses(0.0, n))
    assert set(delay.delay.tolist()) == {0, 1, 2, 3}
    for step in range(1, 12):
        delay.push(*poses(float(step), n))
        seen = delay.poses(everyone)[0][:, 0]
        torch.testing.assert_close(seen, (step - delay.delay).clamp_min(0).float())


def test_an_episode_does_not_see_the_past_of_the_one_before():
    n = 20
    delay = PoseDelay(n, 3, generator(), "cpu")
    delay.restart(torch.arange(n), *poses(0.0, n))
    for step in range(1, 6):
        delay.push(*poses(float(step), n))
    some = torch.tensor([3, 7, 11])
    before = delay.delay.clone()
    delay.restart(some, *poses(100.0, 3))
    delay.push(*poses(101.0, n))
    assert delay.poses(some)[0][:, 0].min() >= 100.0
    others = torch.tensor([i for i in range(n) if i not in some])
    assert torch.equal(delay.delay[others], before[others])
    old = delay.poses(others)[0][:, 0]
    torch.testing.assert_close(old, torch.where(before[others] == 0, 101.0, 6.0 - before[others]))


def test_delays_are_drawn_anew_at_every_reset():
    delay = PoseDelay(200, 3, generator(), "cpu")
    draws = []
    for _ in range(2):
        delay.restart(torch.arange(200), *poses(0.0, 200))
        draws.append(delay.delay.clone())
    assert not torch.equal(*draws)
    assert torch.bincount(draws[1], minlength=4).min() > 25  # 50 expected, deviation 6


def test_periods_and_phases_are_spread_and_kept():
    n, steps = 400, 48
    schedule = Schedule(n, 1, 4, generator(), "cpu")
    schedule.restart(torch.arange(n))
    due = torch.zeros(steps, n, dtype=torch.bool)
    for step in range(steps):
        due[step, schedule.tick()] = True
    counts = torch.bincount(schedule.period.long(), minlength=5)
    assert counts[0] == 0 and counts[1:].min() > 60  # 100 expected of each, deviation 9
    for period in (1, 2, 3, 4):
        mine = due[:, schedule.period == period]
        assert torch.equal(mine[:-period], mine[period:])  # periodic
        assert (mine.sum(0) == steps // period).all()
        assert mine[:period].any(1).all()  # every phase occurs


def test_a_period_that_is_not_whole_keeps_its_mean_rate():
    schedule = Schedule(1, 5.0 / 3.0, 5.0 / 3.0, generator(), "cpu")
    schedule.restart(torch.tensor([0]))
    assert abs(sum(len(schedule.tick()) for _ in range(500)) - 300) <= 1


def test_a_sensor_that_measures_every_step_draws_nothing():
    source = generator()
    before = source.get_state()
    schedule = Schedule(3, 1, 1, source, "cpu")
    schedule.restart(torch.arange(3))
    assert schedule.tick().tolist() == [0, 1, 2]
    PoseDelay(3, 0, source, "cpu").restart(torch.arange(3), *poses(0.0, 3))
    assert torch.equal(source.get_state(), before)

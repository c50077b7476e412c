"""Walks by command as footstep plans: how fast they are, how they change and how they rest."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from random import Random

import numpy as np
import pytest

from legged_gym.motion.synthesis.command_walks import FASTEST, _moves, command_walk
from legged_gym.motion.synthesis.footsteps import LEFT, FootstepPlan, Move, Placement

SEEDS = range(12)
STEP_S = 0.4


@pytest.fixture(scope="module", params=SEEDS)
def moves(request: pytest.FixtureRequest) -> list[Move]:
    return _moves(Random(request.param))


def plans() -> list[FootstepPlan]:
    return [command_walk(seed).plan for seed in SEEDS]


def stances(plan: FootstepPlan) -> Iterator[tuple[Placement, Placement]]:
    """Both feet after every step."""
    places = list(plan.start)
    for step in plan.steps:
        places[step.foot] = step.placement
        yield places[0], places[1]


def velocities(moves: list[Move]) -> np.ndarray:
    """(M - 1, 3) mean of each two steps in a row: a step to the side leads, the other one follows."""
    advance = np.array([move.advance for move in moves]) / STEP_S
    return 0.5 * (advance[1:] + advance[:-1])


def test_the_same_seed_gives_the_same_walk_and_another_one_another() -> None:
    assert command_walk(3).plan == command_walk(3).plan != command_walk(4).plan


def test_steps_alternate_but_after_a_rest_and_end_with_the_feet_side_by_side(moves: list[Move]) -> None:
    for before, after in itertools.pairwise(moves):
        rested = after.double_support_s > 1.0
        assert after.foot != before.foot or rested
        if rested:
            assert before.advance == (0.0, 0.0, 0.0)
    assert moves[-1].advance == (0.0, 0.0, 0.0)


def test_no_velocity_is_above_the_largest_and_none_jumps(moves: list[Move]) -> None:
    moved = velocities(moves)
    assert (np.abs(moved) <= np.array(FASTEST) + 1e-9).all()
    advance = np.array([move.advance for move in moves])[:, [0, 2]] / STEP_S
    assert (np.abs(np.diff(advance, axis=0)).max(axis=0) < np.array([0.25, 0.3]) + 1e-9).all()


def test_all_walks_together_go_everywhere_and_rest_for_a_sixth_of_the_time() -> None:
    moved = np.concatenate([velocities(_moves(Random(seed))) for seed in SEEDS])
    for part, most in zip(moved.T, FASTEST, strict=True):
        assert part.max() > 0.85 * most and part.min() < -0.85 * most
        assert abs(part.mean()) < 0.25 * most
    length = sum(plan.duration_s for plan in plans())
    ends = [2.0 * 1.2] * len(SEEDS)  # 0.5 s of standing still and 0.7 s of moving the weight
    gaps = [b.lift_off_s - a.touch_down_s for plan in plans() for a, b in itertools.pairwise(plan.steps)]
    rests = [gap for gap in gaps if gap > 1.0]
    assert len(rests) >= 5 and min(rests) >= 1.6 and max(rests) <= 2.4
    assert 0.15 < (sum(ends) + sum(rests)) / length < 0.27
    assert all(13.0 < plan.duration_s < 16.5 for plan in plans())


def test_feet_stand_neither_on_each_other_nor_too_far_apart() -> None:
    apart = []
    for left, right in itertools.chain(*map(stances, plans())):
        heading = 0.5 * (left.yaw + right.yaw)
        apart.append((left.pos - right.pos)[:2] @ [-np.sin(heading), np.cos(heading)])
    assert min(apart) > 0.08  # soles are 6 cm wide
    assert max(apart) < 0.36  # at 0.40 m an ankle is at its limit


def test_who_begins_to_go_left_does_so_with_the_left_foot() -> None:
    for seed in SEEDS:
        moves = _moves(Random(seed))
        _, left, turn = moves[0].advance
        if left or turn:
            assert (moves[0].foot == LEFT) == ((left or turn) > 0.0)

"""Centre of mass from the zero-moment point, against closed forms and the equation itself."""

from __future__ import annotations

import numpy as np

from legged_gym.motion.synthesis.balance import (
    GRAVITY,
    Support,
    centre_of_mass,
    ground_reference,
    zmp_reference,
)
from legged_gym.motion.synthesis.footsteps import LEFT, RIGHT, Move, plan_moves
from legged_gym.motion.synthesis.terrain import Block, Terrain
from legged_gym.motion.synthesis.walks import Walk, walk_footsteps

DT = 0.02


def test_sine_of_the_zmp_gives_the_known_smaller_sine() -> None:
    time = DT * np.arange(501)
    omega, height = 3.0, 0.65
    zmp = np.stack((np.sin(omega * time), np.zeros_like(time), np.zeros_like(time)), axis=1)
    com, _ = centre_of_mass(zmp, np.full(501, height), DT, (0, 500), (50, 450))
    # c = A sin(wt) solves p = c - z/g c'' with A = 1 / (1 + w^2 z / g); effects of the ends decay as exp(-3.9 t).
    expected = np.sin(omega * time) / (1.0 + omega**2 * height / GRAVITY)
    np.testing.assert_allclose(com[200:301, 0], expected[200:301], atol=1e-3)
    np.testing.assert_allclose(com[:, 1], 0.0, atol=1e-12)


def test_path_obeys_the_equation_and_rests_at_both_ends() -> None:
    time = DT * np.arange(301)
    step = 1.0 / (1.0 + np.exp(-10.0 * (time - 3.0)))
    zmp = np.stack((step, -0.5 * step, 0.1 * step), axis=1)
    zmp[:51], zmp[250:] = zmp[50], zmp[250]
    height = 0.65 + 0.02 * np.sin(2.0 * time)
    com, bumped = centre_of_mass(zmp, height, DT, (50, 250), (90, 210))
    lever = (height - zmp[:, 2])[1:-1] / (GRAVITY + np.diff(height, 2) / DT**2)
    np.testing.assert_allclose(
        (com[1:-1] - lever[:, None] * np.diff(com, 2, axis=0) / DT**2)[:, :2], bumped[1:-1, :2], atol=1e-9
    )
    np.testing.assert_allclose(com[:, 2], height)
    np.testing.assert_allclose(
        com[:52, :2], np.tile(zmp[50, :2], (52, 1)), atol=1e-9
    )  # no motion up to the first frame
    np.testing.assert_allclose(com[249:, :2], np.tile(zmp[250, :2], (52, 1)), atol=1e-9)
    np.testing.assert_allclose(bumped[90:211], zmp[90:211], atol=1e-12)


def test_reference_lies_under_the_foot_that_stands_alone() -> None:
    walk = Walk(advance=(0.3, 0.0, 0.0), num_steps=6)
    plan = walk_footsteps(walk)
    for step in plan.steps:
        time = np.linspace(step.lift_off_s, step.touch_down_s, 9)
        side = -1.0 if step.foot == LEFT else 1.0
        zmp = zmp_reference(plan, Support(), time)
        np.testing.assert_allclose(zmp[:, 1], side * walk.stance.half_width, atol=0.015)


def test_in_a_long_rest_the_weight_is_in_the_middle_and_in_a_short_one_on_its_way() -> None:
    def between(pause: float) -> np.ndarray:
        """(3,) halfway through a pause between two steps that put the feet side by side, m from the middle."""
        plan = plan_moves([Move(LEFT), Move(RIGHT), Move(LEFT, double_support_s=pause), Move(RIGHT)])
        time = 0.5 * (plan.steps[1].touch_down_s + plan.steps[2].lift_off_s)
        zmp = zmp_reference(plan, Support(), time + np.array([-0.1, 0.0, 0.1]))
        return zmp[:, 1]

    np.testing.assert_allclose(between(2.0), 0.0, atol=1e-9)
    assert np.diff(between(1.3)).min() < -1e-3 or np.diff(between(1.3)).max() > 1e-3


def test_all_gaits_rest_at_one_point() -> None:
    plan = walk_footsteps(Walk(advance=(0.3, 0.0, 0.0), num_steps=6))
    usual, other = (
        zmp_reference(plan, support, np.zeros(1))
        for support in (Support(), Support(first=0.05, last=0.02, inward=0.0))
    )
    np.testing.assert_array_equal(usual, other)


def test_body_rises_and_sinks_while_one_foot_swings_and_by_the_lower_foot() -> None:
    box = Terrain((Block("box", (0.2, 0.6), (-1.0, 1.0), (0.2, 0.2)),))
    moves = [Move(LEFT, (0.4, 0.0, 0.0)), Move(RIGHT), Move(LEFT, (-0.4, 0.0, 0.0)), Move(RIGHT)]
    plan = plan_moves(moves, terrain=box)
    ends = np.array([step.touch_down_s + 0.05 for step in plan.steps])  # a sinking body is a little late
    np.testing.assert_allclose(ground_reference(plan, ends), [0.0, 0.2, 0.0, 0.0], atol=1e-9)
    np.testing.assert_allclose(ground_reference(plan, np.array([plan.steps[1].lift_off_s])), 0.0)

"""Centre of mass from the zero-moment point, against closed forms and the equation itself."""

from __future__ import annotations

import numpy as np

from legged_gym.motion.synthesis.balance import GRAVITY, Support, centre_of_mass, zmp_reference
from legged_gym.motion.synthesis.footsteps import LEFT, Walk, walk_footsteps

DT = 0.02


def test_sine_of_the_zmp_gives_the_known_smaller_sine() -> None:
    time = DT * np.arange(501)
    omega, height = 3.0, 0.65
    zmp = np.stack((np.sin(omega * time), np.zeros_like(time)), axis=1)
    com, _ = centre_of_mass(zmp, np.full(501, height), DT, (0, 500), (50, 450))
    # c = A sin(wt) solves p = c - z/g c'' with A = 1 / (1 + w^2 z / g); effects of the ends decay as exp(-3.9 t).
    expected = np.sin(omega * time) / (1.0 + omega**2 * height / GRAVITY)
    np.testing.assert_allclose(com[200:301, 0], expected[200:301], atol=1e-3)
    np.testing.assert_allclose(com[:, 1], 0.0, atol=1e-12)


def test_path_obeys_the_equation_and_rests_at_both_ends() -> None:
    time = DT * np.arange(301)
    step = 1.0 / (1.0 + np.exp(-10.0 * (time - 3.0)))
    zmp = np.stack((step, -0.5 * step), axis=1)
    zmp[:51], zmp[250:] = zmp[50], zmp[250]
    height = 0.65 + 0.02 * np.sin(2.0 * time)
    com, bumped = centre_of_mass(zmp, height, DT, (50, 250), (90, 210))
    lever = height[1:-1] / (GRAVITY + np.diff(height, 2) / DT**2)
    np.testing.assert_allclose(
        com[1:-1] - lever[:, None] * np.diff(com, 2, axis=0) / DT**2, bumped[1:-1], atol=1e-9
    )
    np.testing.assert_allclose(
        com[:52], np.tile(zmp[50], (52, 1)), atol=1e-9
    )  # no motion up to the first frame
    np.testing.assert_allclose(com[249:], np.tile(zmp[250], (52, 1)), atol=1e-9)
    np.testing.assert_allclose(bumped[90:211], zmp[90:211], atol=1e-12)


def test_reference_lies_under_the_foot_that_stands_alone() -> None:
    walk = Walk(advance=(0.3, 0.0, 0.0), num_steps=6)
    plan = walk_footsteps(walk)
    for step in plan.steps:
        time = np.linspace(step.lift_off_s, step.touch_down_s, 9)
        side = -1.0 if step.foot == LEFT else 1.0
        zmp = zmp_reference(plan, Support(), time)
        np.testing.assert_allclose(zmp[:, 1], side * walk.stance.half_width, atol=0.015)

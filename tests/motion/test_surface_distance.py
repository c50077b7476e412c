"""Distances from the surface of the ground, against formulas."""

from __future__ import annotations

import numpy as np
import pytest

from legged_gym.motion.contacts import flat_ground
from legged_gym.motion.surface_distance import sphere_distance


def points(count: int = 500, reach: float = 0.1) -> np.ndarray:
    return np.random.default_rng(0).uniform(-reach, reach, (count, 3))


def test_level_ground_is_as_far_as_it_is_low() -> None:
    p = points()
    np.testing.assert_allclose(sphere_distance(flat_ground, p, 0.045), p[:, 2] - 0.045, atol=1e-12)


def test_on_a_slope_the_shortest_way_is_perpendicular() -> None:
    """A ball of 45 mm that rests on 12.6 degrees has its lowest point 1.1 mm above the slope."""
    p, tilt = points(), np.deg2rad(12.6)
    exact = (p[:, 2] - np.tan(tilt) * p[:, 1]) * np.cos(tilt)
    np.testing.assert_allclose(
        sphere_distance(lambda xy: np.tan(tilt) * xy[..., 1], p, 0.0), exact, atol=1e-9
    )
    resting = np.array([[0.0, 0.0, 0.045 / np.cos(tilt)]])
    assert sphere_distance(lambda xy: np.tan(tilt) * xy[..., 1], resting, 0.045) == pytest.approx(
        0.0, abs=1e-9
    )
    assert resting[0, 2] - 0.045 == pytest.approx(0.0011, abs=1e-4)


def test_walls_and_edges_of_a_step_that_lies_askew() -> None:
    """A step of 0.2 m whose wall crosses the origin at 0.3 rad: positions u are how far behind the wall."""
    p = points(3000, 0.14)
    p[:, 2] += 0.145
    u, z = p[:, 0] * np.cos(0.3) + p[:, 1] * np.sin(0.3), p[:, 2]
    over_edge = np.where(z - 0.2 > -u, np.hypot(u, z - 0.2), np.inf)  # else it is a wall beside
    exact = np.where(u < 0.0, np.minimum(z, over_edge), np.where(z < 0.2, -np.minimum(u, 0.2 - z), z - 0.2))
    found = sphere_distance(
        lambda xy: np.where(xy[..., 0] * np.cos(0.3) + xy[..., 1] * np.sin(0.3) > 0.0, 0.2, 0.0), p, 0.0
    )
    aslant = (
        np.abs(np.log(np.maximum(z - 0.2, 1e-9) / np.maximum(-u, 1e-9))) < 0.3
    )  # as well one as the other
    error = np.abs(found - exact)[~aslant]
    near = np.abs(exact[~aslant]) < 0.03
    assert np.quantile(error[near], 0.99) < 1e-4 and error[near].max() < 1e-3
    assert error[np.abs(exact[~aslant]) < 0.14].max() < 0.003


def test_a_wall_beside_a_sphere_carries_nothing() -> None:
    """50 mm above a tread and 9 mm from the next riser is 50 mm above."""

    def stairs(xy: np.ndarray) -> np.ndarray:
        return np.where(xy[..., 0] > 0.0, 0.14, 0.0)

    beside, inside = sphere_distance(stairs, np.array([[-0.019, 0.0, 0.06], [0.009, 0.0, 0.06]]), 0.01)
    assert beside == pytest.approx(0.05) and inside == pytest.approx(-0.019, abs=1e-5)


def test_beyond_the_edge_is_no_surface() -> None:
    def platform(xy: np.ndarray) -> np.ndarray:
        return np.where(xy[..., 0] > 0.0, 0.0, -np.inf)

    p = np.array([[0.5, 0.0, 0.02], [-0.5, 0.0, 0.02], [0.01, 0.0, -0.04]])
    np.testing.assert_allclose(sphere_distance(platform, p, 0.0), [0.02, np.inf, -0.01], atol=1e-4)


def test_many_radii_at_once() -> None:
    p = np.tile([0.0, 0.0, 0.1], (4, 2, 1))
    np.testing.assert_allclose(sphere_distance(flat_ground, p, np.array([0.1, 0.03])), [[0.0, 0.07]] * 4)

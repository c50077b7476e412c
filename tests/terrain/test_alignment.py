"""Putting a motion's contacts onto a terrain."""

from __future__ import annotations

import numpy as np
import pytest

from legged_gym.terrain.alignment import Alignment, align
from legged_gym.terrain.mesh_ground import TopSurface
from legged_gym.utils.errors import TerrainError

from .conftest import boxes, sheet

STAIRS = boxes(((-3, -3, -0.1), (3, 3, 0)), *(((0.3 * k, -3, 0), (3, 3, 0.15 * (k + 1))) for k in range(5)))
HILLS = sheet(6.0, 6.0, step=0.1)


def contacts(mesh, count: int = 200, seed: int = 0) -> tuple[np.ndarray, TopSurface]:
    """Points on a mesh's surface, as by a walk over it."""
    rng = np.random.default_rng(seed)
    low, high = mesh.bounds[:, :2]
    xy = rng.uniform(low + 0.3 * (high - low), high - 0.3 * (high - low), (count, 2))
    surface = TopSurface(mesh.vertices, mesh.faces)
    return np.column_stack((xy, surface(xy))), surface


@pytest.mark.parametrize("mesh", [STAIRS, HILLS], ids=["stairs", "hills"])
@pytest.mark.parametrize(("dz", "dyaw"), [(0.08, 0.0), (-0.05, 0.1), (0.12, -0.2)])
def test_a_shift_and_a_turn_are_undone(mesh, dz, dyaw):
    points, surface = contacts(mesh)
    pivot = tuple(points[:, :2].mean(axis=0))
    found = align(Alignment(dz, dyaw, pivot, 0.0, 0.0).points(points), surface)
    assert found.dz == pytest.approx(-dz, abs=0.004) and found.dyaw == pytest.approx(-dyaw, abs=0.02)
    assert found.rms_after_m < 0.25 * found.rms_before_m


def test_a_turn_is_about_the_pivot_and_counter_clockwise():
    turned = Alignment(0.5, np.pi / 2, (1.0, 0.0), 0.0, 0.0).points(
        np.array([[2.0, 0.0, 0.0], [1.0, 0.0, 1.0]])
    )
    np.testing.assert_allclose(turned, [[1.0, 1.0, 0.5], [1.0, 0.0, 1.5]], atol=1e-12)


def test_noise_of_contacts_is_averaged_and_outliers_do_not_count():
    points, surface = contacts(HILLS, 400)
    points[:, 2] += 0.06 + 0.01 * np.random.default_rng(1).standard_normal(400)
    points[::20, 2] += 1.0  # 5 % are no contacts at all
    found = align(points, surface)
    assert found.dz == pytest.approx(-0.06, abs=0.003) and found.dyaw == pytest.approx(0.0, abs=0.02)


def test_ground_that_looks_the_same_from_all_sides_turns_nothing():
    points = np.random.default_rng(0).uniform(-1, 1, (50, 3)) * (1, 1, 0) + (0, 0, 0.07)
    found = align(points, lambda xy: np.zeros(xy.shape[:-1]))
    assert found.dyaw == 0.0 and found.dz == pytest.approx(-0.07)


def test_what_lies_well_stays():
    points, surface = contacts(HILLS)
    found = align(points, surface)
    assert found.dz == pytest.approx(0.0, abs=1e-6) and found.dyaw == pytest.approx(0.0, abs=1e-3)


def test_yaw_can_be_left_alone():
    points, surface = contacts(STAIRS)
    turned = Alignment(0.03, 0.1, (0.0, 0.0), 0.0, 0.0).points(points)
    assert align(turned, surface, yaw=False).dyaw == 0.0


def test_motions_beside_the_mesh_or_in_the_air_are_refused():
    points, surface = contacts(HILLS)
    with pytest.raises(TerrainError, match="touches the ground nowhere"):
        align(points[:0], surface)
    with pytest.raises(TerrainError, match="only 0 of 200 contacts"):
        align(points + np.array([50.0, 0.0, 0.0]), surface)

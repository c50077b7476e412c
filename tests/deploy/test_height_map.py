"""What a policy reads of a map that is old, has holes, or is of another shape; the order: test_observation.py."""

from __future__ import annotations

import math

import numpy as np
import pytest

from legged_gym.bundle.schema import HeightMapSpec
from legged_gym.deploy.height_map import MapInput, middle_of
from legged_gym.deploy.surroundings import HeightMap
from legged_gym.utils.errors import TransportError

GRID = HeightMapSpec("terrain_height", "torso_link", (0.2, 0.1), 0.1, 2.0, True, 0.8)
"""Two rows of three."""


def ground(heights, stamp: float = 0.0, cell: float = 0.1) -> HeightMap:
    return HeightMap(stamp, np.zeros(3), 0.0, cell, np.array(heights, np.float32))


def test_distances_are_downwards_and_end_where_training_ends_them():
    values, age = MapInput(GRID, 0.3).read(ground([[-0.8, -0.7, 0.1], [-0.8, -5.0, -0.9]]), 0.2)
    np.testing.assert_allclose(values, [[0.8, 0.7, 0.0], [0.8, 2.0, 0.9]])
    assert age == pytest.approx(0.2)


def test_holes_read_the_mean_of_what_is_known():
    values, _ = MapInput(GRID, 0.3).read(ground([[-0.6, math.nan, -1.0], [math.nan] * 3]), 0.0)
    np.testing.assert_allclose(values, [[0.6, 0.8, 1.0], [0.8, 0.8, 0.8]])


@pytest.mark.parametrize(
    ("received", "now", "age"),
    [
        (None, 1.0, math.inf),
        (ground([[-0.5] * 3] * 2), 0.31, 0.31),
        (ground([[math.nan] * 3] * 2), 0.1, 0.1),
    ],
)
def test_without_a_map_to_believe_the_ground_is_flat(received, now, age):
    values, found = MapInput(GRID, 0.3).read(received, now)
    np.testing.assert_allclose(values, np.full((2, 3), 0.8))
    assert found == pytest.approx(age)


def test_a_larger_map_is_read_in_its_middle():
    larger = np.arange(4 * 7, dtype=np.float32).reshape(4, 7)
    np.testing.assert_array_equal(middle_of(ground(larger), GRID).heights, [[9, 10, 11], [16, 17, 18]])


@pytest.mark.parametrize(
    ("shape", "cell"), [((2, 2), 0.1), ((1, 3), 0.1), ((3, 3), 0.1), ((2, 4), 0.1), ((2, 3), 0.05)]
)
def test_maps_that_do_not_hold_the_policys_points_are_refused(shape, cell):
    with pytest.raises(TransportError, match=f"{shape[0]} x {shape[1]} points {cell:g} m apart"):
        middle_of(ground(np.zeros(shape), cell=cell), GRID)

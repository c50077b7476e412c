"""Laying out rectangles."""

from __future__ import annotations

import numpy as np
import pytest

from legged_gym.terrain.layout import shelves


@pytest.mark.parametrize("seed", range(30))
def test_rectangles_of_any_size_never_overlap(seed):
    rng = np.random.default_rng(seed)
    size = rng.uniform(0.5, 5.0, (int(rng.integers(1, 60)), 2)) ** rng.integers(1, 3)
    low = shelves(size)
    high = low + size
    for axis_gap in [np.maximum(low[:, None] - high[None], low[None] - high[:, None]).max(axis=-1)]:
        apart = axis_gap >= -1e-9
        assert (apart | np.eye(len(size), dtype=bool)).all()


def test_equal_tiles_lie_in_a_square_about_the_origin():
    low = shelves(np.full((300, 2), 12.0))
    assert low.min(axis=0) + (low + 12.0).max(axis=0) == pytest.approx([0.0, 0.0])
    assert np.ptp(low, axis=0).max() + 12.0 <= 1.1 * np.sqrt(300) * 12.0


def test_nothing_needs_no_room():
    assert shelves(np.zeros((0, 2))).shape == (0, 2)

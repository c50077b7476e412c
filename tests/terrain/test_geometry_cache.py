"""Finished geometry is kept by content."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from legged_gym.terrain.geometry_cache import mesh_geometry
from legged_gym.utils.array_cache import ArrayCache
from legged_gym.utils.errors import TerrainError

from .conftest import boxes, sheet


def _is_cached(folder: Path, *what) -> bool:
    cache = ArrayCache(folder)
    mesh_geometry(*what, cache)
    return cache.hits == 1


@pytest.mark.parametrize("collision", ["auto", "heightfield", "mesh"])
def test_what_comes_back_is_what_went_in(save, tmp_path, collision):
    path = save(boxes(((0, 0, 0), (1, 1, 0.5)), ((2, 0, 0), (3, 1, 0.2))))
    cache = ArrayCache(tmp_path / "cache")
    made = mesh_geometry(path, collision, None, ArrayCache(None))
    mesh_geometry(path, collision, None, cache)
    found = mesh_geometry(path, collision, None, cache)
    assert cache.hits == 1 and found.summary() == made.summary()
    np.testing.assert_array_equal(found.raster.heights, made.raster.heights)
    for name in ("x0", "y0", "cell"):
        assert getattr(found.raster, name) == getattr(made.raster, name)
    assert (found.ground_level, found.covered) == (made.ground_level, made.covered)
    for a, b in zip(found.surface(), made.surface(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_content_options_and_cell_have_entries_of_their_own(save, tmp_path):
    path, folder = save(sheet(step=0.25)), tmp_path / "cache"
    assert not _is_cached(folder, path, "auto", None)
    assert not _is_cached(folder, path, "heightfield", None)
    assert not _is_cached(folder, path, "auto", 0.1)
    assert _is_cached(folder, path, "auto", 0.1)
    path.write_text(path.read_text() + "# changed\n")
    assert not _is_cached(folder, path, "auto", 0.1)


def test_errors_name_the_file(save, tmp_path):
    path = save(sheet(step=0.25))
    with pytest.raises(TerrainError, match=r"terrain\.obj: is not made of boxes"):
        mesh_geometry(path, "boxes", None, ArrayCache(tmp_path))

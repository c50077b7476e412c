"""Finished geometry is kept by content."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

from legged_gym.terrain.geometry_cache import KEEP_S, mesh_geometry, remove_old
from legged_gym.utils.errors import TerrainError

from .conftest import boxes, sheet


@pytest.mark.parametrize("collision", ["auto", "heightfield", "mesh"])
def test_what_comes_back_is_what_went_in(save, tmp_path, collision):
    path = save(boxes(((0, 0, 0), (1, 1, 0.5)), ((2, 0, 0), (3, 1, 0.2))))
    made, cached = mesh_geometry(path, collision, None, tmp_path / "cache")
    found, found_cached = mesh_geometry(path, collision, None, tmp_path / "cache")
    assert (cached, found_cached) == (False, True) and found.summary() == made.summary()
    np.testing.assert_array_equal(found.raster.heights, made.raster.heights)
    for name in ("x0", "y0", "cell"):
        assert getattr(found.raster, name) == getattr(made.raster, name)
    assert (found.ground_level, found.covered) == (made.ground_level, made.covered)
    for a, b in zip(found.surface(), made.surface(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_content_options_and_cell_have_entries_of_their_own(save, tmp_path):
    path, folder = save(sheet(step=0.25)), tmp_path / "cache"
    assert not mesh_geometry(path, "auto", None, folder)[1]
    assert not mesh_geometry(path, "heightfield", None, folder)[1]
    assert not mesh_geometry(path, "auto", 0.1, folder)[1]
    assert mesh_geometry(path, "auto", 0.1, folder)[1]
    path.write_text(path.read_text() + "# changed\n")
    assert not mesh_geometry(path, "auto", 0.1, folder)[1]


def test_a_damaged_entry_is_made_again(save, tmp_path):
    path, folder = save(sheet(step=0.25)), tmp_path / "cache"
    mesh_geometry(path, "auto", None, folder)
    (entry,) = folder.glob("*.npz")
    entry.write_bytes(entry.read_bytes()[:200])
    assert not mesh_geometry(path, "auto", None, folder)[1]
    assert mesh_geometry(path, "auto", None, folder)[1]


def test_without_a_folder_or_with_one_that_cannot_be_made_nothing_is_kept(save, tmp_path, caplog):
    path = save(sheet(step=0.25))
    (tmp_path / "file").write_text("")
    for folder in (None, tmp_path / "file" / "below"):
        assert mesh_geometry(path, "auto", None, folder)[0].kind == "heightfield"
    assert "terrain is not cached" in caplog.text


def test_old_entries_are_removed(tmp_path):
    for name, age in (("old", KEEP_S + 60.0), ("new", 60.0)):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    remove_old(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_errors_name_the_file(save, tmp_path):
    path = save(sheet(step=0.25))
    with pytest.raises(TerrainError, match=r"terrain\.obj: is not made of boxes"):
        mesh_geometry(path, "boxes", None, tmp_path)

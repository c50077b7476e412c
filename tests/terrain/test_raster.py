"""Rasters of meshes."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from legged_gym.terrain.mesh_ground import TopSurface
from legged_gym.terrain.raster import HeightRaster, rasterise
from legged_gym.utils.errors import TerrainError

from .conftest import boxes, hills, sheet


def test_rows_are_y_and_columns_are_x():
    raster = rasterise(sheet(4.0, 3.0, height=lambda x, y: 0.1 * x + y), 0.1)
    assert raster.heights.shape == (31, 41)
    assert raster.heights[30, 0] == pytest.approx(3.0) and raster.heights[0, 40] == pytest.approx(0.4)
    assert (raster.x0, raster.y0) == (0.0, 0.0) and raster.high == pytest.approx([4.0, 3.0])


def test_every_grid_point_has_the_exact_height_of_the_top_surface():
    rng = np.random.default_rng(0)
    points = np.concatenate((rng.uniform(0, 5, (300, 2)), rng.uniform(-1, 1, (300, 1))), axis=1)
    soup = trimesh.Trimesh(
        points, rng.integers(0, 300, (250, 3)), process=False
    )  # many layers, any winding, slivers
    raster = rasterise(soup, 0.037)
    exact = TopSurface(soup.vertices, soup.faces)(raster.points())
    on_both = np.isfinite(exact) & np.isfinite(raster.heights)
    assert (np.isfinite(exact) != np.isfinite(raster.heights)).mean() < 1e-3  # rims of slivers
    error = np.abs(exact - raster.heights)[on_both]
    assert np.quantile(error, 0.999) < 1e-5


def test_no_point_falls_between_two_triangles():
    raster = rasterise(sheet(3.0, 3.0, step=0.1), 0.05)  # every point is on an edge
    assert np.isfinite(raster.heights).all()


def test_upright_faces_have_no_height_of_their_own():
    raster = rasterise(boxes(((0, 0, 0), (1, 1, 0.3)), ((2, 0, 0), (3, 1, 0.5))), 0.25)
    assert raster.heights[2].tolist()[:5] == pytest.approx([0.3] * 5)
    assert np.isnan(raster.heights[2, 5:8]).all() and raster.heights[2, 8:] == pytest.approx(0.5)


def test_a_large_grid_is_done_in_pieces(monkeypatch):
    whole = rasterise(sheet(), 0.02).heights
    monkeypatch.setattr("legged_gym.terrain.raster._FACES_PER_CHUNK", 37)
    monkeypatch.setattr("legged_gym.terrain.raster._POINTS_PER_CHUNK", 11)
    np.testing.assert_array_equal(rasterise(sheet(step=0.25), 0.1).heights.shape, (31, 41))
    monkeypatch.setattr("legged_gym.terrain.raster._POINTS_PER_CHUNK", 1000)
    monkeypatch.setattr("legged_gym.terrain.raster._FACES_PER_CHUNK", 1000)
    np.testing.assert_array_equal(rasterise(sheet(), 0.02).heights, whole)


def test_at_is_bilinear_and_nan_outside():
    raster = HeightRaster(np.array([[0.0, 1.0, np.nan], [2.0, 3.0, 4.0]], np.float32), 10.0, 20.0, 0.5)
    inside = raster.at(np.array([[10.0, 20.0], [10.0, 20.5], [10.25, 20.25], [10.125, 20.0]]))
    assert inside == pytest.approx([0.0, 2.0, 1.5, 0.25])
    assert np.isnan(raster.at(np.array([[9.9, 20.0], [10.75, 20.25], [10.0, 20.6], [np.nan, 20.0]]))).all()


def test_between_points_of_a_smooth_surface_it_is_close():
    raster = rasterise(sheet(step=0.02), 0.04)
    xy = np.random.default_rng(0).uniform((0, 0), (4, 3), (500, 2))
    # |f''| <= 0.15 * 1.3^2 in x, 0.15 * 0.9^2 in y: bilinear error <= cell^2 / 8 * their sum
    assert np.abs(raster.at(xy) - hills(xy[:, 0], xy[:, 1])).max() < 1.2 * 0.04**2 / 8 * 0.15 * (
        1.3**2 + 0.9**2
    )


def test_a_grid_that_is_too_fine_is_refused():
    with pytest.raises(TerrainError, match=r"cells of 0.0001 m on 4 x 3 m are 40001 x 30001 points"):
        rasterise(sheet(), 0.0001)

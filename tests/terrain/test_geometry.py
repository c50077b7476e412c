"""What meshes become, and how exact that is said to be."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from legged_gym.terrain.geometry import make_geometry
from legged_gym.terrain.mesh_file import load_mesh
from legged_gym.terrain.mesh_ground import TopSurface
from legged_gym.utils.errors import ConfigError, TerrainError

from .conftest import boxes, sheet, stairs_in_one_piece

TABLE = (((0, 0, 0.6), (2, 1, 0.7)), ((0, 0, 0), (0.1, 1, 0.6)), ((1.9, 0, 0), (2, 1, 0.6)))


def test_auto_takes_what_fits(save):
    assert make_geometry(load_mesh(save(boxes(*TABLE)))).kind == "boxes"
    assert make_geometry(load_mesh(save(stairs_in_one_piece()))).kind == "boxes"
    assert make_geometry(load_mesh(save(sheet()))).kind == "heightfield"
    arch = trimesh.creation.annulus(0.5, 1.0, 1.0, sections=24)
    arch.apply_transform(trimesh.transformations.rotation_matrix(np.pi / 2, (1, 0, 0)))
    assert make_geometry(load_mesh(save(arch))).kind == "mesh"
    pillar = trimesh.creation.cylinder(0.5, 0.4, sections=12)
    ground = boxes(((-2, -2, -0.3), (2, 2, 0)))
    assert make_geometry(load_mesh(save(trimesh.util.concatenate([ground, pillar])))).kind == "mesh"


def test_a_gentle_slope_gets_large_cells_and_a_rough_scan_small_ones():
    rng = np.random.default_rng(0)
    gentle = make_geometry(sheet(height=lambda x, y: 0.2 * x + 0.02 * y**2))
    rough = make_geometry(sheet(height=lambda x, y: 0.04 * rng.standard_normal((len(x), 1))))
    assert gentle.raster.cell == pytest.approx(0.08) and rough.raster.cell == pytest.approx(0.04)
    assert gentle.max_error_m < 1e-3 < rough.mean_error_m


def test_the_stated_error_is_that_against_the_mesh():
    mesh = sheet(step=0.02)
    tile = make_geometry(mesh, "heightfield", 0.2)
    xy = np.random.default_rng(0).uniform((0, 0), (4, 3), (20_000, 2))
    error = np.abs(tile.raster.at(xy) - TopSurface(mesh.vertices, mesh.faces)(xy))
    assert error.max() == pytest.approx(tile.max_error_m, rel=0.15)
    assert error.mean() < tile.mean_error_m < 2 * error.mean()  # between the points it is largest


def test_a_large_mesh_gets_cells_that_memory_can_hold():
    tile = make_geometry(sheet(250.0, 200.0, step=10.0))
    assert tile.raster.heights.size < 2e6 and tile.raster.cell > 0.08


def test_the_cell_asked_for_is_taken():
    for kind in ("heightfield", "auto"):
        assert make_geometry(sheet(), kind, 0.13).raster.cell == 0.13
    assert make_geometry(boxes(((0, 0, 0), (1, 1, 1))), "boxes", 0.13).raster.cell == 0.13


def test_holes_of_a_surface_are_closed_with_the_nearest_height():
    mesh = sheet(height=lambda x, y: 0 * x + 1.5)
    centre = mesh.triangles_center
    mesh.update_faces(~((np.abs(centre[:, 0] - 2) < 0.5) & (np.abs(centre[:, 1] - 1.5) < 0.5)))
    tile = make_geometry(mesh)
    assert tile.raster.heights == pytest.approx(1.5) and tile.ground_level == pytest.approx(1.5)
    assert not tile.covered


def test_solids_that_stand_on_z_0_have_ground_there_between_them():
    tile = make_geometry(boxes(((0, 0, 0), (1, 1, 0.5)), ((2, 0, 0), (3, 1, 0.5))), "heightfield", 0.1)
    assert tile.ground_level == 0.0 and tile.raster.at(np.array([1.5, 0.5])) == 0.0


def test_a_slab_below_z_0_goes_on_at_its_own_height():
    tile = make_geometry(boxes(((0, 0, -1.2), (1, 1, -1.0))))
    assert tile.ground_level == pytest.approx(-1.0) and tile.covered


def test_a_mesh_that_ends_between_points_of_the_grid_keeps_its_height_to_the_end():
    tile = make_geometry(boxes(((0, 0, 0), (1.03, 1.03, 0.5))), "heightfield", 0.1)
    assert tile.raster.at(np.array([1.02, 1.02])) == pytest.approx(0.5)


def test_a_slope_keeps_its_height_up_to_a_rim_between_the_points():
    tile = make_geometry(
        sheet(3.95, 2.95, step=0.05, height=lambda x, y: 0.4 * x - 0.3 * y), "heightfield", 0.3
    )
    xy = np.random.default_rng(0).uniform((0, 0), (3.95, 2.95), (500, 2))
    assert tile.raster.at(xy) == pytest.approx(xy @ (0.4, -0.3), abs=0.02)


@pytest.mark.parametrize(
    ("kind", "message"), [("boxes", "is not made of boxes"), ("mesh", "too slow to collide with")]
)
def test_what_cannot_be_made_is_refused(kind, message):
    with pytest.raises(TerrainError, match=message):
        make_geometry(sheet(), kind)


def test_wrong_options_are_refused():
    with pytest.raises(ConfigError, match="known: auto, heightfield, boxes, mesh"):
        make_geometry(sheet(), "voxels")
    with pytest.raises(ConfigError, match=r"horizontal_scale: is 0.0"):
        make_geometry(sheet(), "auto", 0.0)


def test_a_mesh_of_walls_is_refused(save):
    walls = trimesh.Trimesh([[0, 0, 0], [3, 0, 0], [3, 0, 3], [0, 3, 0], [0, 3, 3]], [[0, 1, 2], [0, 3, 4]])
    with pytest.raises(TerrainError, match="nothing to stand on"):
        make_geometry(load_mesh(save(walls)))


@pytest.mark.parametrize("kind", ["boxes", "heightfield", "mesh"])
def test_surface_is_what_collides(kind):
    mesh = boxes(((0, 0, 0), (1, 1, 0.5)))
    surface = TopSurface(*make_geometry(mesh, kind, 0.1).surface())
    assert surface(np.array([[0.5, 0.5], [0.31, 0.77]])) == pytest.approx(0.5)

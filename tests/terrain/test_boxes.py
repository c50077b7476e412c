"""Finding the boxes that a mesh is made of."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from legged_gym.terrain.boxes import Box, boxes_as_triangles, connected_boxes
from legged_gym.terrain.mesh_file import load_mesh
from legged_gym.terrain.mesh_ground import TopSurface
from legged_gym.terrain.overhang import has_overhang
from legged_gym.terrain.steps import step_boxes

from .conftest import boxes, sheet, stairs_in_one_piece


def test_the_crawl_slope_is_exactly_three_boxes(shared_dir):
    found, error = connected_boxes(load_mesh(shared_dir / "data/g1/crawl_slope/terrain.obj"))
    slab, platform, ground = found
    assert error < 1e-6
    assert ground.pos[2] + ground.half_size[2] == pytest.approx(0.0, abs=1e-6)
    assert platform.pos[2] + platform.half_size[2] == pytest.approx(0.41157303, abs=1e-6)
    tilt = Rotation.from_quat(slab.quat_wxyz, scalar_first=True).as_euler("xyz", degrees=True)
    assert tilt == pytest.approx([12.6, 0.0, 0.0], abs=0.01)


@pytest.mark.parametrize("seed", range(5))
def test_a_box_turned_anyhow_is_found_exactly(save, seed):
    rng = np.random.default_rng(seed)
    size, turn, shift = rng.uniform(0.05, 3.0, 3), Rotation.random(rng=rng), rng.uniform(-2.0, 2.0, 3)
    mesh = trimesh.creation.box(size)
    mesh.apply_transform(np.block([[turn.as_matrix(), shift[:, None]], [np.zeros(3), 1.0]]))
    ((box,), error) = connected_boxes(load_mesh(save(mesh, "box.ply")))
    assert error < 1e-6 and box.pos == pytest.approx(shift, abs=1e-6)
    assert np.sort(box.half_size) == pytest.approx(np.sort(size / 2), abs=1e-6)
    own, fitted = np.asarray(mesh.vertices), box.triangles()[0]
    assert np.linalg.norm(own[:, None] - fitted[None], axis=-1).min(axis=1).max() < 1e-6


def test_an_upright_box_is_not_turned(save):
    ((box,), _) = connected_boxes(load_mesh(save(boxes(((0, 0, 0), (3, 1, 2))))))
    assert box.quat_wxyz == pytest.approx([1, 0, 0, 0], abs=1e-9) and box.half_size == pytest.approx(
        [1.5, 0.5, 1.0]
    )


def test_a_subdivided_box_is_one_box(save):
    mesh = boxes(((0, 0, 0), (1, 1, 1))).subdivide().subdivide()
    found, error = connected_boxes(load_mesh(save(mesh)))
    assert len(found) == 1 and error < 1e-6


def test_boxes_that_share_edges_and_faces_are_told_apart(save):
    spans = [((0.3 * k, 0, 0), (0.3 * k + 0.3, 1, 0.15 * (k + 1))) for k in range(4)]
    found, _ = connected_boxes(load_mesh(save(boxes(*spans, ((1.2, 0, 0), (2.0, 1, 0.6))))))
    assert sorted(box.pos[0] for box in found) == pytest.approx([0.15, 0.45, 0.75, 1.05, 1.6])


def test_a_wall_of_equal_boxes_is_told_apart(save):
    spans = [((x, y, z), (x + 1, y + 1, z + 1)) for x in range(3) for y in range(2) for z in range(2)]
    found, _ = connected_boxes(load_mesh(save(boxes(*spans))))
    assert len(found) == 12 and all(box.half_size == pytest.approx([0.5] * 3) for box in found)


def test_a_flat_rectangle_is_a_box_below_it(save):
    ((box,), _) = connected_boxes(
        load_mesh(
            save(
                trimesh.Trimesh([[0, 0, 0.2], [3, 0, 0.2], [3, 2, 0.2], [0, 2, 0.2]], [[0, 1, 2], [0, 2, 3]])
            )
        )
    )
    assert box.pos + box.half_size == pytest.approx([3, 2, 0.2]) and box.half_size[:2] == pytest.approx(
        [1.5, 1.0]
    )


@pytest.mark.parametrize(
    "mesh",
    [
        sheet(step=0.5),
        trimesh.creation.cylinder(0.5, 1.0),
        trimesh.Trimesh(
            [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], [[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]]
        ),
        trimesh.Trimesh(boxes(((0, 0, 0), (1, 1, 1))).vertices, boxes(((0, 0, 0), (1, 1, 1))).faces[:-1]),
        stairs_in_one_piece(),
        trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [1, 1, 0]], [[0, 1, 2]]),
    ],
    ids=["hills", "cylinder", "tetrahedron", "box with a hole", "stairs", "triangle"],
)
def test_what_is_no_box_is_not_taken_for_one(mesh):
    assert connected_boxes(mesh) is None


def test_a_frustum_is_no_box(save):
    mesh = boxes(((0, 0, 0), (1, 1, 1)))
    mesh.vertices[mesh.vertices[:, 2] > 0.5, :2] *= 0.97
    assert connected_boxes(load_mesh(save(mesh))) is None


def test_triangles_of_boxes_look_outward():
    mesh = trimesh.Trimesh(
        *boxes_as_triangles([Box.upright((0, 0, 0), (1, 2, 3)), Box.upright((5, 5, 5), (6, 6, 6))])
    )
    assert mesh.is_watertight and mesh.volume == pytest.approx(7.0)


@pytest.mark.parametrize("angle", [0.0, 0.7])
def test_stairs_in_one_piece_become_boxes_with_the_same_top(save, angle):
    mesh = stairs_in_one_piece()
    assert mesh.is_watertight
    mesh.apply_transform(trimesh.transformations.rotation_matrix(angle, (0, 0, 1)))
    mesh = load_mesh(save(mesh, "stairs.ply"))
    found = step_boxes(mesh)
    assert len(found) == 4
    xy = np.random.default_rng(0).uniform(*mesh.bounds[:, :2], (2000, 2))
    exact, made = (
        np.nan_to_num(TopSurface(*triangles)(xy), neginf=-9.0)
        for triangles in ((mesh.vertices, mesh.faces), boxes_as_triangles(found))
    )
    assert (np.abs(exact - made) > 1e-6).mean() < 1e-3  # points on a riser


def test_slopes_and_oblique_risers_are_no_steps(save):
    assert step_boxes(sheet(step=0.5)) is None
    wedge = trimesh.util.concatenate([trimesh.creation.box((1, 1, 1)), trimesh.creation.box((1, 1, 1))])
    wedge.vertices[8:] = wedge.vertices[8:] @ Rotation.from_euler("z", 0.4).as_matrix().T + (3, 0, 0)
    assert step_boxes(load_mesh(save(wedge))) is None


def test_a_table_and_a_bridge_overhang_but_stairs_and_stacked_boxes_do_not(save):
    table = boxes(((0, 0, 0.6), (2, 1, 0.7)), ((0, 0, 0), (0.1, 1, 0.6)), ((-1, -1, -0.1), (3, 2, 0.0)))
    assert has_overhang(load_mesh(save(table)))
    assert not has_overhang(load_mesh(save(stairs_in_one_piece())))
    sunk = boxes(((-1, -1, -0.1), (3, 2, 0.0)), ((0, 0, -0.05), (1, 1, 0.4)), ((0, 0, 0.4), (0.5, 0.5, 0.8)))
    assert not has_overhang(load_mesh(save(sunk)))
    assert not has_overhang(load_mesh(save(sheet(step=0.25))))

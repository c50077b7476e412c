"""Reading of terrain meshes."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from legged_gym.terrain.mesh_file import check_overlap, load_mesh
from legged_gym.terrain.topology import edges_of, inconsistent_faces
from legged_gym.utils.errors import TerrainError

from .conftest import boxes, sheet


@pytest.mark.parametrize("suffix", ["obj", "ply", "stl", "glb"])
def test_every_format_gives_the_same_surface(save, suffix):
    mesh = load_mesh(save(boxes(((0, 0, 0), (1, 2, 0.5))), f"box.{suffix}"))
    assert mesh.is_watertight and len(mesh.vertices) == 8 and len(mesh.faces) == 12
    np.testing.assert_allclose(mesh.bounds, [[0, 0, 0], [1, 2, 0.5]], atol=1e-6)
    assert mesh.volume == pytest.approx(1.0)


def test_parts_of_a_scene_are_put_where_the_scene_has_them(tmp_path):
    scene = trimesh.Scene()
    scene.add_geometry(
        trimesh.creation.box((1, 1, 1)), transform=trimesh.transformations.translation_matrix((5, 0, 0))
    )
    scene.add_geometry(trimesh.creation.box((1, 1, 1)))
    scene.export(tmp_path / "scene.glb")
    np.testing.assert_allclose(load_mesh(tmp_path / "scene.glb").bounds, [[-0.5] * 3, [5.5, 0.5, 0.5]])


def test_a_text_stl_is_read_like_a_binary_one(tmp_path):
    mesh = boxes(((0, 0, 0), (1, 1, 1)))
    (tmp_path / "text.stl").write_text(trimesh.exchange.stl.export_stl_ascii(mesh))
    mesh.export(tmp_path / "binary.stl")
    text, binary = load_mesh(tmp_path / "text.stl"), load_mesh(tmp_path / "binary.stl")
    np.testing.assert_allclose(text.bounds, binary.bounds)


def test_doubled_vertices_and_empty_and_repeated_triangles_go(save):
    mesh = boxes(((0, 0, 0), (1, 1, 1)))
    faces = np.concatenate((mesh.faces, mesh.faces[:3][:, [1, 2, 0]], [[0, 0, 1], [0, 1, 0]]))
    vertices = np.concatenate((mesh.vertices, mesh.vertices + 1e-9, [[50.0, 50.0, 50.0]]))
    faces[5] += 8  # uses the second copy
    mended = load_mesh(save(trimesh.Trimesh(vertices, faces, process=False), "mesh.ply"))
    assert (len(mended.vertices), len(mended.faces)) == (8, 12) and mended.is_watertight
    assert mended.bounds[1, 0] == pytest.approx(1.0)  # the unused vertex does not count


def test_touching_faces_of_two_boxes_both_stay(save):
    mesh = load_mesh(save(boxes(((0, 0, 0), (1, 1, 1)), ((0, 0, 1), (1, 1, 2)))))
    assert len(mesh.faces) == 24 and mesh.volume == pytest.approx(2.0)


def test_random_winding_of_a_closed_body_is_mended_to_look_outward(save):
    mesh = boxes(((0, 0, 0), (1, 1, 1)), ((3, 0, 0), (4, 1, 2)))
    flipped = np.random.default_rng(0).random(len(mesh.faces)) < 0.5
    mesh.faces[flipped] = mesh.faces[flipped][:, ::-1]
    assert load_mesh(save(mesh)).volume == pytest.approx(3.0)


def test_random_winding_of_a_sheet_is_mended_to_look_up(save):
    mesh = sheet(step=0.25)
    flipped = np.random.default_rng(1).random(len(mesh.faces)) < 0.7
    mesh.faces[flipped] = mesh.faces[flipped][:, ::-1]
    assert (load_mesh(save(mesh)).face_normals[:, 2] > 0.0).all()


def test_a_moebius_strip_is_left_as_it_is():
    around = np.arange(6)
    upper, lower = around, around + 6
    nxt = [*range(1, 6), 0]
    faces = [(u, lower[i], upper[nxt[i]] if i < 5 else lower[0]) for i, u in enumerate(upper)]
    faces += [
        (lower[i], lower[nxt[i]] if i < 5 else upper[0], upper[nxt[i]] if i < 5 else lower[0]) for i in around
    ]
    edges = edges_of(np.array(faces))
    assert len(edges.pairs) == 12 and not inconsistent_faces(12, edges.pairs, edges.same_direction).any()


def test_an_upside_down_sheet_is_refused(save):
    mesh = sheet(step=0.25)
    mesh.vertices = mesh.vertices * (1.0, -1.0, -1.0)  # turned over about x
    with pytest.raises(TerrainError, match=r"terrain.obj: is upside down: 100% of its surface looks down"):
        load_mesh(save(mesh))


def test_y_up_is_refused(save):
    with pytest.raises(TerrainError, match=r"a wall: there is nothing to stand on. z must be up"):
        load_mesh(save(trimesh.Trimesh([[0, 0, 0], [3, 0, 0], [3, 0, 3], [0, 0, 3]], [[0, 1, 2], [0, 2, 3]])))


@pytest.mark.parametrize(
    ("scale", "message"), [(1000.0, "is 4000 m across.*in millimetres"), (0.001, "in metres")]
)
def test_other_units_are_refused(save, scale, message):
    mesh = sheet(step=0.5)
    mesh.apply_scale(scale)
    with pytest.raises(TerrainError, match=message):
        load_mesh(save(mesh))


def test_nan_is_refused_where_a_triangle_uses_it(tmp_path):
    text = "v 0 0 0\nv 1 0 0\nv 1 nan 0\nv 0 1 0\n"
    (tmp_path / "used.obj").write_text(text + "f 1 2 3\nf 1 2 4\n")
    with pytest.raises(TerrainError, match=r"used.obj: vertex 2 \(from 0\) is at \[ 1. nan  0.\].* 1 such"):
        load_mesh(tmp_path / "used.obj")
    (tmp_path / "unused.obj").write_text(text + "f 1 2 4\n")
    assert len(load_mesh(tmp_path / "unused.obj").faces) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("v 0 0 0\nv 1 0 0\nv 1 1 0\n", "has no triangles"),
        ("v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n", "all triangles are empty"),
        ("", "cannot be read|has no triangles"),
        ("v 0 0 0\nv 1 0 0\nv 1 1 0\nf 1 2 9\n", "cannot be read|names vertex"),
    ],
)
def test_files_without_a_surface_are_refused_by_name(tmp_path, content, message):
    (tmp_path / "bad.obj").write_text(content)
    with pytest.raises(TerrainError, match=rf"bad\.obj: .*({message})"):
        load_mesh(tmp_path / "bad.obj")


def test_missing_and_foreign_files_are_refused(tmp_path):
    with pytest.raises(TerrainError, match="no such terrain mesh"):
        load_mesh(tmp_path / "none.obj")
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(TerrainError, match="cannot be read as a mesh"):
        load_mesh(tmp_path / "notes.txt")


MESH = np.array([[0, 0, -0.1], [4, 3, 0.5]])


@pytest.mark.parametrize(
    ("low", "high", "message"),
    [
        (
            (5, 1, 0.7),
            (6, 2, 0.8),
            "is not under walk: in x the mesh spans 0.00 to 4.00 m, the clip's root 5.00",
        ),
        ((1, -3, 0.7), (2, -1, 0.8), "in y the mesh spans"),
        ((1, 1, -1.0), (2, 2, -0.4), "lies above walk.*upside down"),
        ((1, 1, 5.0), (2, 2, 6.0), "lies far below walk"),
    ],
)
def test_a_mesh_that_is_not_under_its_clip_is_refused(low, high, message):
    with pytest.raises(TerrainError, match=message):
        check_overlap(MESH, np.array([low, high]), "hill.obj", "walk")


def test_a_mesh_that_is_partly_under_its_clip_passes():
    check_overlap(MESH, np.array([[3.5, -1, 0.7], [9, 2, 0.8]]))

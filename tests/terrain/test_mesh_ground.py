from pathlib import Path

import mujoco
import numpy as np
import pytest

from legged_gym.terrain.mesh_ground import TopSurface, mesh_ground
from legged_gym.utils.errors import MotionError

BOX_FACES = [
    (0, 1, 2), (0, 2, 3), (4, 6, 5), (4, 7, 6), (0, 4, 5), (0, 5, 1),
    (1, 5, 6), (1, 6, 2), (2, 6, 7), (2, 7, 3), (3, 7, 4), (3, 4, 0),
]  # fmt: skip


def write_obj(path: Path, vertices: np.ndarray, faces: object) -> Path:
    lines = [f"v {x:.9f} {y:.9f} {z:.9f}" for x, y, z in vertices]
    lines += ["f " + " ".join(str(i + 1) for i in face) for face in faces]
    path.write_text("\n".join(lines) + "\n")
    return path


def box(low: tuple[float, ...], high: tuple[float, ...]) -> np.ndarray:
    (x0, y0, z0), (x1, y1, z1) = low, high
    rectangle = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
    return np.array([(*xy, z0) for xy in rectangle] + [(*xy, z1) for xy in rectangle])


def test_a_box_is_its_top_and_beside_it_is_no_ground(tmp_path: Path) -> None:
    ground = mesh_ground(write_obj(tmp_path / "box.obj", box((0, 0, -0.1), (2, 1, 0.4)), BOX_FACES))
    xy = np.array([[1.0, 0.5], [0.0, 0.0], [2.0, 1.0], [2.0, 0.3], [2.001, 0.3], [-0.5, 0.5]])
    assert ground(xy).tolist() == [0.4, 0.4, 0.4, 0.4, -np.inf, -np.inf]
    assert ground(np.zeros((3, 4, 2))).shape == (3, 4)
    assert ground(np.zeros((0, 2))).shape == (0,)


def test_the_highest_of_several_layers_is_the_ground(tmp_path: Path) -> None:
    vertices = np.concatenate((box((0, 0, 0), (4, 4, 0.1)), box((1, 1, 1.0), (2, 2, 1.2))))
    faces = BOX_FACES + [tuple(i + 8 for i in face) for face in BOX_FACES]
    ground = mesh_ground(write_obj(tmp_path / "bridge.obj", vertices, faces))
    assert ground(np.array([[0.5, 0.5], [1.5, 1.5], [3.0, 1.5]])).tolist() == [0.1, 1.2, 0.1]


def test_a_slope_is_exact_between_its_vertices() -> None:
    """z = 0.3 x - 0.2 y + 1 on two triangles."""
    xy = np.array([[-1.0, -1.0], [2.0, -1.0], [2.0, 3.0], [-1.0, 3.0]])
    vertices = np.column_stack((xy, xy @ [0.3, -0.2] + 1.0))
    surface = TopSurface(vertices, np.array([[0, 1, 2], [0, 3, 2]]))  # one wound clockwise
    points = np.random.default_rng(0).uniform((-1, -1), (2, 3), (500, 2))
    assert np.allclose(surface(points), points @ [0.3, -0.2] + 1.0, atol=1e-12)


def test_heights_are_those_of_mujocos_rays(tmp_path: Path) -> None:
    """A rough landscape with walls and overhangs, seen from above by the engine."""
    rng = np.random.default_rng(1)
    x, y = np.meshgrid(np.linspace(0, 3, 25), np.linspace(0, 2, 17), indexing="ij")
    vertices = np.column_stack((x.ravel(), y.ravel(), rng.uniform(0, 0.5, x.size)))
    corner = np.add.outer(17 * np.arange(24), np.arange(16)).ravel()
    faces = np.concatenate(
        (np.stack((corner, corner + 17, corner + 18), 1), np.stack((corner, corner + 18, corner + 1), 1))
    )
    loose = rng.uniform((0, 0, 0), (3, 2, 1), (60, 3))
    faces = np.concatenate((faces, len(vertices) + np.arange(60).reshape(20, 3)))
    vertices = np.concatenate((vertices, loose))

    spec = mujoco.MjSpec()
    mesh = spec.add_mesh(name="land", uservert=vertices.ravel(), userface=faces.ravel())
    mesh.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname="land")
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    points = rng.uniform((0.01, 0.01), (2.99, 1.99), (400, 2))
    geom, normal = np.zeros(1, dtype=np.int32), np.zeros(3)
    down = np.array([0.0, 0.0, -1.0])
    expected = [
        10.0 - mujoco.mj_ray(model, data, np.array([*point, 10.0]), down, None, True, -1, geom, normal)
        for point in points
    ]
    ground = mesh_ground(write_obj(tmp_path / "land.obj", vertices, faces))
    assert ground(points) == pytest.approx(np.array(expected), abs=1e-6)


def test_the_crawl_terrain(shared_dir: Path) -> None:
    """A platform of 0.41157 m, a slope of (0.41033 - -0.27140) / (0.72192 - -2.32669) to it, a floor of 14.8 m."""
    ground = mesh_ground(shared_dir / "data/g1/crawl_slope/terrain.obj")
    slope = (0.41033163 + 0.27139887) / (0.72192571 + 2.32669365)
    on_slope = -0.27139887 + slope * (0.5 + 2.32669365)
    heights = ground(np.array([[0.0, 1.5], [0.0, 0.5], [5.0, 5.0], [0.0, -2.0], [8.0, 0.0]]))
    assert heights == pytest.approx([0.41157303, on_slope, 0.0, 0.0, -np.inf])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such terrain mesh"),
        ("v 0 0 0\nv 1 0 0\n", "has no triangles|cannot be read"),
        ("v 0 0 0\nv 1 0 0\nv 0 0 1\nf 1 2 3\n", "all 1 triangles are vertical"),
        ("hello", "has no triangles|cannot be read"),
    ],
)
def test_what_is_no_ground_is_refused_by_name(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "bad.obj"
    if content is not None:
        path.write_text(content)
    with pytest.raises(MotionError, match=rf"bad\.obj: ({message})"):
        mesh_ground(path)


def test_an_unknown_suffix_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "terrain.xyzw"
    path.write_text("1 2 3")
    with pytest.raises(MotionError, match=r"terrain\.xyzw: cannot be read as a mesh"):
        mesh_ground(path)

"""What is put into the scene, on a real server that nobody watches."""

from __future__ import annotations

import time
from collections.abc import Iterator

import mujoco
import numpy as np
import pytest
import viser

from legged_gym.sim.robot_model import VISUAL_GROUP, build_robot
from legged_gym.sim.sim_config import ActuatorCfg, AssetCfg
from legged_gym.viewer.body_shapes import RobotShapes, as_glb, in_one
from legged_gym.viewer.ground import sharp_edges
from legged_gym.viewer.marks import Marks
from legged_gym.viewer.scene import Scene
from legged_gym.viewer.session import Session, untrained
from tests.viewer.servers import free_server


@pytest.fixture(scope="module")
def robot():
    return build_robot(AssetCfg(locked_joints=["wrist"]), ActuatorCfg())


@pytest.fixture
def server() -> Iterator[viser.ViserServer]:
    server = free_server()
    yield server
    server.stop()


@pytest.fixture
def session(make_env) -> Session:
    return Session(make_env, 1, untrained("zero", 1))


@pytest.fixture
def scene(server: viser.ViserServer, session: Session) -> Scene:
    scene = Scene(server, session, session.env.robot)
    scene.update()
    return scene


# ---------------------------------------------------------------------- the robot


def test_every_visible_shape_is_in_one_body_and_where_mujoco_has_it(robot) -> None:
    shapes = RobotShapes(robot)
    model = robot.compile(ground=False)
    data = mujoco.MjData(model)
    rng = np.random.default_rng(1)
    state = np.concatenate(
        ([0.3, -0.2, 0.9, 0.6, 0.0, 0.8, 0.0], rng.uniform(-0.3, 0.3, len(robot.joint_names)))
    )
    data.qpos[:] = state
    mujoco.mj_kinematics(model, data)
    visible = [geom for geom in range(model.ngeom) if model.geom_group[geom] == VISUAL_GROUP]
    expected = np.array([data.geom_xpos[geom] for geom in visible])
    pos, quat = shapes.poses(state[None])
    found = []
    for body, x, q in zip(shapes.bodies, pos[0], quat[0], strict=True):
        rotation = np.empty(9)
        mujoco.mju_quat2Mat(rotation, q)
        for mesh, _ in body.parts:
            found += [x + rotation.reshape(3, 3) @ part.bounds.mean(axis=0) for part in mesh.split()]
    found = np.array(found)
    # Each of our shapes is symmetric, so the middle of its box is MuJoCo's origin of the shape.
    assert len(found) == len(visible)
    distance = np.linalg.norm(found[:, None] - expected[None], axis=-1)
    assert distance.min(axis=1).max() < 5e-3 and distance.min(axis=0).max() < 5e-3


def test_meshes_are_as_large_as_mujocos_shapes(robot) -> None:
    model = robot.compile(ground=False)
    volume = {
        mujoco.mjtGeom.mjGEOM_BOX: lambda s: 8 * s.prod(),
        mujoco.mjtGeom.mjGEOM_SPHERE: lambda s: 4 / 3 * np.pi * s[0] ** 3,
    }
    foot = next(body for body in RobotShapes(robot).bodies if body.name == "left_ankle_roll_link")
    boxes = [
        g
        for g in range(model.ngeom)
        if model.body(model.geom_bodyid[g]).name == foot.name
        and model.geom_type[g] == mujoco.mjtGeom.mjGEOM_BOX
        and model.geom_group[g] == VISUAL_GROUP
    ]
    volumes = [part.volume for mesh, _ in foot.parts for part in mesh.split()]
    for geom in boxes:
        wanted = volume[mujoco.mjtGeom.mjGEOM_BOX](model.geom_size[geom])
        assert min(abs(v - wanted) for v in volumes) < 1e-6 * wanted + 1e-12


def test_bodies_that_are_welded_move_as_one(robot) -> None:
    shapes = RobotShapes(robot)
    names = [body.name for body in shapes.bodies]
    assert "left_elbow_link" in names and not any("wrist" in name for name in names)


def test_colours_of_the_model_arrive_in_the_file(robot) -> None:
    torso = max(RobotShapes(robot).bodies, key=lambda body: len(body.parts))
    assert len({color for _, color in torso.parts}) > 1
    assert as_glb(torso)[:4] == b"glTF"
    assert len(in_one(torso).faces) == sum(len(mesh.faces) for mesh, _ in torso.parts)


# ---------------------------------------------------------------------- the scene


def positions(figures) -> np.ndarray:
    return np.array([handle.batched_positions for handle in figures._bodies])


def test_ghost_and_robot_stand_in_the_same_place_at_the_start(scene: Scene) -> None:
    np.testing.assert_allclose(positions(scene.robots), positions(scene.ghosts), atol=1e-5)


def test_what_has_not_moved_is_not_sent_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []
    monkeypatch.setattr(scene._server.scene, "_queue_scene_message", sent.append)
    scene.update()
    assert not sent
    scene._session.step()
    scene.update()
    assert sent


def test_a_picture_takes_no_more_messages_than_two_for_each_body_and_a_few(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []
    monkeypatch.setattr(scene._server.scene, "_queue_scene_message", sent.append)
    scene._session.step()
    scene.update()
    assert len(sent) <= 4 * len(scene.shapes.bodies) + 4


def test_the_ghost_hides_where_there_is_no_physics(scene: Scene) -> None:
    assert scene.ghosts.visible
    scene._session.set_kinematic(True)
    scene.update()
    assert not scene.ghosts.visible


def test_robots_on_flat_ground_stand_side_by_side(scene: Scene) -> None:
    scene._session.set_num_envs(3)
    scene.update()
    pelvis = scene.robots._bodies[0].batched_positions
    np.testing.assert_allclose(np.diff(pelvis[:, 1]), scene.spacing, atol=1e-5)


def test_the_world_moves_so_that_the_robot_stays_under_the_camera(scene: Scene) -> None:
    root = scene._session.env.sim.root_pos_w[0].numpy()
    np.testing.assert_allclose(scene._world.position, -root, atol=1e-5)


def test_the_view_glides_after_a_robot_and_jumps_to_one_that_is_put_elsewhere(scene: Scene) -> None:
    root = scene._session.env.sim.root_pos_w[0]
    before = np.array(scene._world.position)
    root[0] += 0.1
    scene._moved = time.perf_counter()
    scene.update()
    assert -0.1 < scene._world.position[0] - before[0] < 0.0
    root[0] += 3.0
    scene.update()
    np.testing.assert_allclose(scene._world.position, -root.numpy(), atol=1e-5)


def test_the_world_stands_still_when_nobody_follows(scene: Scene) -> None:
    scene.follow = False
    before = np.array(scene._world.position)
    scene._session.env.sim.root_pos_w[0, 0] += 1.0
    scene.update()
    np.testing.assert_array_equal(scene._world.position, before)


@pytest.mark.parametrize("kind", list(Marks.LABELS))
def test_every_kind_of_mark_can_be_shown_and_hidden(scene: Scene, kind: str) -> None:
    assert kind in scene.marks.kinds
    scene.marks.shown.add(kind)
    for step in range(4):
        scene._session.step()
        scene._session.env.sim.root_pos_w[0, 0] = 0.05 * step  # so that there is a way to draw
        scene.update()
    own = [handle for name, handle in scene.marks._handles.items() if name.split("/")[0] == kind]
    assert own and all(handle.visible for handle in own)
    scene.marks.shown.discard(kind)
    scene.update()
    assert not any(handle.visible for handle in own)


def test_force_arrows_carry_the_robots_weight(scene: Scene) -> None:
    scene.marks.shown.add("contact forces")
    for _ in range(5):
        scene._session.step()
    scene.update()
    arrows = scene.marks._handles["contact forces"].points
    upwards = (arrows[:, 1] - arrows[:, 0])[:, 2].sum() / scene.marks.force_scale
    force = scene._session.env.sim.contact_force_w[0, :, 2].sum()
    assert upwards == pytest.approx(float(force), rel=1e-3) and upwards > 100.0


# ---------------------------------------------------------------------- the ground


def test_flat_ground_has_no_tiles(scene: Scene) -> None:
    assert scene.ground.shown == []


def test_only_tiles_near_the_robot_are_shown(server: viser.ViserServer, make_walker) -> None:
    def many(count: int):
        env = make_walker(count)
        return env

    session = Session(many, 1, untrained("zero", 1))
    session.choose(2)
    scene = Scene(server, session, session.env.robot)
    scene.update()
    shown = [tile for tile, _ in scene.ground.shown]
    assert int(session.env.tile[0]) in shown
    low, high = scene.ground._rectangles[:, 0], scene.ground._rectangles[:, 1]
    scene.ground.look_at(high.max(axis=0) + np.array([1000.0, 0.0]), [])
    assert scene.ground.shown == []
    scene.ground.look_at(0.5 * (low[1] + high[1]), [])
    assert scene.ground.shown[0][0] == scene.ground._first[1]


def test_edges_of_the_ground_are_where_it_bends() -> None:
    vertices = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 1], [0, 1, 0], [1, 1, 0], [2, 1, 1]], float)
    faces = np.array(
        [[0, 1, 4], [0, 4, 3], [1, 2, 5], [1, 5, 4]]
    )  # flat, then up by 45 degrees from x = 1 on
    edges = sharp_edges(vertices, faces)
    assert edges.shape == (1, 2, 3)
    np.testing.assert_allclose(np.sort(edges[0], axis=0), [[1, 0, 0], [1, 1, 0]])


def test_a_tile_is_sent_once(server: viser.ViserServer, make_walker, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(make_walker, 2, untrained("zero", 1))
    session.choose(1)
    scene = Scene(server, session, session.env.robot)
    scene.spacing = 0.0
    scene.update()
    added = []
    monkeypatch.setattr(scene.ground, "_add", lambda place: added.append(place))
    scene.update()
    assert added == []

"""The simulated robot's body: motors, sensors, gantry, ground. Plain MuJoCo is the reference where there is one."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import mujoco
import numpy as np
import pytest

from legged_gym.deploy.messages import LOW_STATE
from legged_gym.deploy.sim_robot_body import SimBody
from legged_gym.deploy.sim_robot_ground import SimGround
from legged_gym.deploy.sim_robot_options import BodyOptions
from legged_gym.deploy.transport import LowCommand
from legged_gym.utils.errors import RobotError, TerrainError

# Motor slots of the 29 joints, from Unitree's table.
SLOTS = {"left_hip_pitch": 0, "left_knee": 3, "right_hip_pitch": 6, "right_ankle_roll": 11, "waist_yaw": 12}
SLOTS |= {
    "waist_pitch": 14,
    "left_shoulder_pitch": 15,
    "left_wrist_yaw": 21,
    "right_elbow": 25,
    "right_wrist_yaw": 28,
}


@pytest.fixture(scope="module")
def body() -> SimBody:
    return SimBody(BodyOptions())


def measured(body: SimBody) -> np.ndarray:
    state = np.zeros((), LOW_STATE)
    body.measure(state)
    return state


def holding(body: SimBody, kp: float = 100.0, kd: float = 3.0) -> LowCommand:
    command = LowCommand()
    command.mode[:], command.kp[:], command.kd[:] = 1, kp, kd
    command.q[:] = measured(body)["motor"]["q"]
    return command


def live(body: SimBody, seconds: float) -> None:
    for _ in range(round(seconds / 0.002)):
        body.step()


def test_joints_are_in_the_slots_of_unitrees_table(body: SimBody) -> None:
    body.reset()
    for name, slot in SLOTS.items():
        assert body.slot_names[slot] == f"{name}_joint"
        body.data.joint(f"{name}_joint").qpos[0] = 0.01 * slot
    state = measured(body)
    for slot in SLOTS.values():
        assert state["motor"]["q"][slot] == pytest.approx(0.01 * slot)
    assert not state["motor"][29:].tobytes().strip(b"\0")


def test_motors_follow_the_law_of_the_sdk(body: SimBody) -> None:
    body.reset()
    rng = np.random.default_rng(0)
    body.data.qvel[6:] = rng.normal(size=29)
    command = LowCommand()
    command.mode[:28] = 1  # the last motor is off
    for name, scale in (("q", 0.1), ("dq", 0.5), ("tau", 0.3)):
        getattr(command, name)[:] = scale * rng.normal(size=35)
    command.kp[:], command.kd[:] = 5.0, 0.5
    motor = measured(body)["motor"][:29].copy()
    body.follow(command)
    mujoco.mj_forward(body.model, body.data)
    law = (
        command.kp[:29] * (command.q[:29] - motor["q"])
        + command.kd[:29] * (command.dq[:29] - motor["dq"])
        + command.tau[:29]
    )
    law[28] = 0.0
    np.testing.assert_allclose(measured(body)["motor"]["tau_est"][:29], law, rtol=1e-4, atol=1e-4)
    assert measured(body)["motor"]["mode"][:29].tolist() == [1] * 28 + [0]


def test_torque_is_limited_and_weaker_motors_give_less(body: SimBody) -> None:
    body.reset()
    command = LowCommand()
    command.mode[:], command.tau[3] = 1, 500.0
    body.follow(command)
    body.step()
    assert measured(body)["motor"]["tau_est"][3] == pytest.approx(139.0)  # Unitree's limit of the knee
    body.strength = 0.5
    body.step()
    body.strength = 1.0
    assert measured(body)["motor"]["tau_est"][3] == pytest.approx(69.5)


@pytest.mark.parametrize("physics_dt", [0.002, 0.001])
def test_stiff_damping_stays_stable_on_light_wrists(physics_dt: float) -> None:
    # explicit damping of 8 N m s/rad on 0.004 kg m^2 would diverge at 2 ms: 8 * 0.002 / 0.004 > 2
    body = SimBody(BodyOptions(physics_dt=physics_dt))
    body.damp(8.0)
    body.data.qvel[6:] = 3.0
    live(body, 0.3)
    assert np.abs(body.data.qvel[6:]).max() < 1.0


def test_imu_feels_gravity_and_turning_in_the_body_frame(body: SimBody) -> None:
    body.reset()
    body.follow(holding(body))
    live(body, 3.0)
    state = measured(body)
    assert np.linalg.norm(state["accel_b"]) == pytest.approx(9.81, abs=0.1)
    assert state["accel_b"][2] > 9.7  # upwards: the rope holds against gravity
    # lying on its back (pitched by -90 degrees), gravity pulls towards the robot's back
    body.reset()
    body.release()
    half = math.sqrt(0.5)
    body.data.qpos[2:7] = 5.0, half, 0.0, -half, 0.0
    body.data.qvel[:6] = 0.0, 0.0, 0.0, 0.1, 0.2, 0.3
    state = measured(body)
    np.testing.assert_allclose(state["gyro_b"], [0.1, 0.2, 0.3], rtol=1e-6)
    np.testing.assert_allclose(state["quat_wxyz"], [half, 0.0, -half, 0.0], rtol=1e-6)
    assert state["rpy"][1] == pytest.approx(-math.pi / 2.0, abs=1e-3)
    mujoco.mj_forward(body.model, body.data)
    np.testing.assert_allclose(measured(body)["accel_b"], 0.0, atol=0.5)  # in free fall nothing is felt


def test_the_rope_carries_the_robot_until_it_is_off(body: SimBody) -> None:
    body.reset()
    live(body, 4.0)  # limp
    assert body.hanging
    assert not body.fallen
    before = body.data.qpos[2]
    body.lower(0.1)
    live(body, 2.0)
    assert body.data.qpos[2] < before - 0.03
    body.release()
    live(body, 1.5)
    assert body.fallen


def test_damped_robot_collapses_slower_than_a_limp_one(body: SimBody) -> None:
    heights = []
    for damping in (0.0, 8.0):
        body.reset()
        body.release()
        body.damp(damping)
        live(body, 0.3)
        heights.append(body.data.qpos[2])
    assert heights[0] < heights[1] - 0.03


def test_a_push_is_in_the_heading_frame(body: SimBody) -> None:
    body.reset()
    yaw = math.radians(90.0)
    body.data.qpos[3:7] = math.cos(yaw / 2.0), 0.0, 0.0, math.sin(yaw / 2.0)
    body.push((1.0, 0.5))
    np.testing.assert_allclose(body.data.qvel[:2], [-0.5, 1.0], atol=1e-9)


@pytest.mark.parametrize(
    ("mode_machine", "missing"), [(4, [13, 14, 20, 21, 27, 28]), (6, [13, 14]), (99, [])]
)
def test_variants_lack_the_motors_that_unitrees_lack(mode_machine: int, missing: list[int]) -> None:
    body = SimBody(BodyOptions(mode_machine=mode_machine))
    assert sorted(set(range(29)) - set(body.slots.tolist())) == missing
    body.follow(holding(body))
    live(body, 0.1)
    state = measured(body)
    assert not state["motor"][missing].tobytes().strip(b"\0")


def test_payload_and_start_are_where_they_should_be(body: SimBody) -> None:
    loaded = SimBody(BodyOptions(payload=3.0, start=(1.0, -2.0, 0.7)))
    assert mujoco.mj_getTotalmass(loaded.model) == pytest.approx(mujoco.mj_getTotalmass(body.model) + 3.0)
    np.testing.assert_allclose(loaded.data.qpos[:2], [1.0, -2.0])
    assert measured(loaded)["rpy"][2] == pytest.approx(0.7, abs=1e-6)
    live(loaded, 3.0)
    assert not loaded.fallen  # the rope is as much stronger
    np.testing.assert_allclose(loaded.data.qpos[:2], [1.0, -2.0], atol=0.15)


@pytest.mark.parametrize(
    ("feet", "shapes"), [("own", {"SPHERE": 4}), ("rails", {"CAPSULE": 2}), ("sole", {"CAPSULE": 2})]
)
def test_feet_are_the_ones_asked_for(feet: str, shapes: dict[str, int]) -> None:
    model = SimBody(BodyOptions(feet=feet)).model
    foot = model.body("right_ankle_roll_link").id
    kinds = model.geom_type[(model.geom_bodyid == foot) & (model.geom_conaffinity != 0)]
    names = [mujoco.mjtGeom(kind).name.removeprefix("mjGEOM_") for kind in kinds.tolist()]
    assert dict(Counter(names)) == shapes


def test_physics_steps_divide_the_period() -> None:
    with pytest.raises(RobotError, match=r"--physics-dt is 0\.0015"):
        SimBody(BodyOptions(physics_dt=0.0015))


# ---------------------------------------------------------------------- ground


def test_a_dropped_ball_comes_to_rest_where_the_ground_says_it_is() -> None:
    ground = SimGround("slope:0.5:1", None)
    spec = mujoco.MjSpec()
    balls = np.array([[0.0, 0.0], [0.3, -0.4], [15.0, 2.0]])  # the last one beyond the terrain
    for number, (x, y) in enumerate(balls):
        ball = spec.worldbody.add_body(name=f"ball{number}", pos=[x, y, 0.5])
        ball.add_joint(type=mujoco.mjtJoint.mjJNT_SLIDE, axis=[0, 0, 1])
        ball.add_geom(type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[0.1, 0, 0])
    ground.add_to(spec)
    model = spec.compile()
    data = mujoco.MjData(model)
    for _ in range(2000):
        mujoco.mj_step(model, data)
    rest = np.array([data.body(f"ball{number}").xpos[2] for number in range(len(balls))])
    np.testing.assert_allclose(rest - 0.1, ground.heights(balls), atol=0.01)


def test_a_mesh_is_ground_where_its_file_says(tmp_path: Path) -> None:
    trimesh = pytest.importorskip("trimesh")
    mesh = tmp_path / "step.obj"
    trimesh.creation.box(bounds=[[1.0, -1.0, 0.0], [3.0, 1.0, 0.2]]).export(mesh)
    ground = SimGround(str(mesh), None)
    np.testing.assert_allclose(ground.heights(np.array([[2.0, 0.0], [10.0, 0.0]])), [0.2, 0.0], atol=1e-6)
    body = SimBody(BodyOptions(ground=str(mesh), start=(2.0, 0.0, 0.0)))
    assert body.data.qpos[2] == pytest.approx(0.2 + SimBody(BodyOptions()).data.qpos[2], abs=1e-6)


@pytest.mark.parametrize("name", ["moon", "stairs:high", "stairs:0.5:0:1", "missing.obj"])
def test_ground_that_does_not_exist_is_named(name: str) -> None:
    with pytest.raises(TerrainError, match=f"--ground {name}"):
        SimGround(name, None)


def test_friction_of_the_ground_decides_when_it_is_given() -> None:
    body = SimBody(BodyOptions(friction=0.3))
    foot = body.model.body("left_ankle_roll_link").id
    sole = int(np.flatnonzero((body.model.geom_bodyid == foot) & (body.model.geom_contype != 0))[0])
    ground = body.model.geom("ground").id
    assert body.model.geom_friction[ground, 0] == 0.3
    assert body.model.geom_priority[ground] > body.model.geom_priority[sole]

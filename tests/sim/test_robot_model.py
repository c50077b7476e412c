"""The robot model against the published numbers, and the numbers of its motors against hand computations."""

from __future__ import annotations

import re
from pathlib import Path

import mujoco
import numpy as np
import pytest
import yaml

from legged_gym.sim.robot_model import Robot, build_robot
from legged_gym.sim.sim_config import ActuatorCfg, AssetCfg
from legged_gym.utils.errors import RobotError

NUMBERS = Path(__file__).resolve().parents[1] / "data" / "g1_numbers.yaml"
PRESETS = ("natural_frequency", "videomimic")
LEG = ("hip_pitch", "hip_roll", "hip_yaw", "knee", "ankle_pitch", "ankle_roll")
ARM = ("shoulder_pitch", "shoulder_roll", "shoulder_yaw", "elbow")
WRIST = ("wrist_roll", "wrist_pitch", "wrist_yaw")
WAIST = ("waist_yaw", "waist_roll", "waist_pitch")


def unitree_order(arm: tuple[str, ...]) -> tuple[str, ...]:
    """Motor order of the G1's low-level interface, with the given joints per arm."""
    legs = [f"{side}_{joint}" for side in ("left", "right") for joint in LEG]
    arms = [f"{side}_{joint}" for side in ("left", "right") for joint in arm]
    return tuple(f"{joint}_joint" for joint in (*legs, *WAIST, *arms))


def build(locked: tuple[str, ...] = (), self_collisions: bool = True, **actuators: object) -> Robot:
    return build_robot(
        AssetCfg(locked_joints=list(locked), self_collisions=self_collisions), ActuatorCfg(**actuators)
    )


def value_of(robot: Robot, field: str, joint: str) -> float:
    return float(getattr(robot, field)[robot.joint_names.index(f"{joint}_joint")])


def inertia_tensors(model: mujoco.MjModel) -> dict[str, np.ndarray]:
    """Inertia about the centre of mass in link axes, per link, kg m^2."""
    tensors = {}
    for body in range(1, model.nbody):
        rotation = np.zeros(9)
        mujoco.mju_quat2Mat(rotation, model.body_iquat[body])
        rotation = rotation.reshape(3, 3)
        tensors[model.body(body).name] = rotation @ np.diag(model.body_inertia[body]) @ rotation.T
    return tensors


def standing(robot: Robot, model: mujoco.MjModel) -> mujoco.MjData:
    """The default pose on the ground, with every target at the default pose."""
    data = mujoco.MjData(model)
    data.qpos[2] = robot.default_root_height
    data.qpos[7:] = robot.default_dof_pos
    data.ctrl[:] = robot.default_dof_pos
    mujoco.mj_forward(model, data)
    return data


# -- the model against the numbers ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def numbers() -> dict[str, dict]:
    return yaml.safe_load(NUMBERS.read_text())


@pytest.fixture(scope="module")
def g1() -> mujoco.MjModel:
    return build().compile(ground=False)


def test_links_are_those_of_the_table_in_order(g1: mujoco.MjModel, numbers: dict[str, dict]) -> None:
    assert [g1.body(i).name for i in range(1, g1.nbody)] == list(numbers)
    assert g1.nbody == 31 and g1.nq == 36 and g1.nv == 35 and g1.nu == 29
    for name, row in numbers.items():
        assert g1.body(g1.body(name).parentid[0]).name == row["parent"]


def test_link_frames_masses_and_inertias(g1: mujoco.MjModel, numbers: dict[str, dict]) -> None:
    tensors = inertia_tensors(g1)
    for name, row in numbers.items():
        body = g1.body(name)
        quat = np.array(row["quat"]) / np.linalg.norm(row["quat"])
        xx, yy, zz, xy, xz, yz = row["inertia"]
        np.testing.assert_allclose(body.pos, row["pos"], atol=1e-9, err_msg=name)
        np.testing.assert_allclose(body.quat, quat, atol=1e-9, err_msg=name)
        np.testing.assert_allclose(body.mass, row["mass"], atol=1e-9, err_msg=name)
        np.testing.assert_allclose(body.ipos, row["com"], atol=1e-9, err_msg=name)
        np.testing.assert_allclose(
            tensors[name], [[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]], atol=1e-9, err_msg=name
        )


def test_joint_axes_and_ranges(g1: mujoco.MjModel, numbers: dict[str, dict]) -> None:
    for name, row in numbers.items():
        joint = g1.joint(g1.body(name).jntadr[0])
        if name == "pelvis":
            assert joint.type[0] == mujoco.mjtJoint.mjJNT_FREE
            continue
        assert joint.name == row["joint"]
        np.testing.assert_array_equal(joint.axis, row["axis"])
        np.testing.assert_allclose(joint.range, row["range"], atol=1e-12)
        np.testing.assert_array_equal(joint.pos, 0.0)


def test_total_mass_is_that_of_the_published_links(g1: mujoco.MjModel, numbers: dict[str, dict]) -> None:
    assert sum(row["mass"] for row in numbers.values()) == pytest.approx(33.341142)
    assert g1.body_mass.sum() == pytest.approx(33.341142)  # the shapes weigh nothing


def test_model_equals_the_public_one_at_random_configurations(g1: mujoco.MjModel, shared_dir: Path) -> None:
    path = shared_dir / "assets" / "unitree_g1" / "g1.xml"
    if not path.is_file():
        pytest.skip(f"no public model at {path}")
    public = mujoco.MjModel.from_xml_path(str(path))
    assert [public.body(i).name for i in range(public.nbody)] == [g1.body(i).name for i in range(g1.nbody)]
    assert [public.joint(i).name for i in range(1, 30)] == [g1.joint(i).name for i in range(1, 30)]
    np.testing.assert_allclose(g1.body_mass, public.body_mass, atol=1e-6)
    np.testing.assert_allclose(g1.jnt_axis, public.jnt_axis, atol=1e-6)
    np.testing.assert_allclose(g1.jnt_range, public.jnt_range, atol=1e-6)
    ours, theirs = inertia_tensors(g1), inertia_tensors(public)
    for name, tensor in theirs.items():
        np.testing.assert_allclose(ours[name], tensor, atol=1e-6, err_msg=name)

    public.dof_armature[:] = g1.dof_armature  # the public file leaves the rotors to its user
    rng = np.random.default_rng(0)
    for _ in range(20):
        qpos = np.concatenate([rng.normal(size=7), rng.uniform(*g1.jnt_range[1:].T)])
        qpos[3:7] /= np.linalg.norm(qpos[3:7])
        states = []
        for model in (g1, public):
            data = mujoco.MjData(model)
            data.qpos[:] = qpos
            mujoco.mj_forward(model, data)
            mass_matrix = np.zeros((model.nv, model.nv))
            mujoco.mj_fullM(model, data, mass_matrix)
            states.append((data.xpos, data.xmat, data.xipos, mass_matrix, data.qfrc_bias[6:]))
        for mine, published in zip(*states, strict=True):
            np.testing.assert_allclose(mine, published, atol=1e-6)


def test_imu_and_camera_sites(g1: mujoco.MjModel) -> None:
    np.testing.assert_allclose(g1.site("imu_in_pelvis").pos, [0.04525, 0.0, -0.08339])
    np.testing.assert_allclose(g1.site("imu_in_torso").pos, [-0.03959, -0.00224, 0.14792])
    data = mujoco.MjData(g1)
    mujoco.mj_forward(g1, data)
    forward = data.site("d435").xmat.reshape(3, 3)[:, 0]
    np.testing.assert_allclose(np.arcsin(-forward[2]), 0.8307767, atol=1e-5)  # looks 47.6 degrees down
    np.testing.assert_allclose(-data.cam("d435").xmat.reshape(3, 3)[:, 2], forward, atol=1e-5)


# -- shapes --------------------------------------------------------------------------------------------------------


def test_left_and_right_shapes_mirror_each_other(g1: mujoco.MjModel) -> None:
    flip = np.array([1.0, -1.0, 1.0])
    pairs = 0
    for i in range(g1.ngeom):
        left = g1.body(g1.geom_bodyid[i]).name
        if not left.startswith("left"):
            continue
        first = g1.body(left).geomadr[0]
        j = g1.body(left.replace("left", "right")).geomadr[0] + i - first
        np.testing.assert_allclose(g1.geom_pos[j], flip * g1.geom_pos[i], atol=1e-9)
        np.testing.assert_array_equal(g1.geom_size[j], g1.geom_size[i])
        assert g1.geom_type[j] == g1.geom_type[i] and g1.geom_group[j] == g1.geom_group[i]
        pairs += 1
    assert pairs > 30


def test_mirrored_poses_have_mirrored_links(g1: mujoco.MjModel) -> None:
    """Reflecting left and right: joints swap sides, those about x and z change sign, link positions flip y."""
    rng = np.random.default_rng(1)
    data, mirrored = mujoco.MjData(g1), mujoco.MjData(g1)
    swap = {"left": "right", "right": "left"}

    def other(name: str) -> str:
        return re.sub("^(left|right)", lambda side: swap[side[0]], name)

    for i in range(1, g1.njnt):
        angle = rng.uniform(*g1.jnt_range[i])
        data.joint(i).qpos[0] = angle
        sign = 1.0 if g1.jnt_axis[i][1] else -1.0
        mirrored.joint(other(g1.joint(i).name)).qpos[0] = sign * angle
    for state in (data, mirrored):
        mujoco.mj_forward(g1, state)
    for i in range(1, g1.nbody):
        expected = data.xpos[i] * [1.0, -1.0, 1.0]
        # The published shoulders differ by 1e-5 m between the sides.
        np.testing.assert_allclose(mirrored.body(other(g1.body(i).name)).xpos, expected, atol=5e-5)


def test_each_foot_stands_on_four_spheres(g1: mujoco.MjModel) -> None:
    for foot in ("left_ankle_roll_link", "right_ankle_roll_link"):
        body = g1.body(foot)
        geoms = [g1.geom(body.geomadr[0] + i) for i in range(body.geomnum[0])]
        spheres = [geom for geom in geoms if geom.contype[0]]
        assert len(spheres) == 4
        for geom in spheres:
            assert geom.type[0] == mujoco.mjtGeom.mjGEOM_SPHERE
            assert geom.pos[2] == -0.025 and geom.size[0] == 0.01
            assert geom.friction[0] == 0.6 and geom.condim[0] == 3


def test_hand_spheres_sit_where_the_real_hand_is(g1: mujoco.MjModel) -> None:
    for side, y in (("left", 0.003), ("right", -0.003)):
        hand = g1.geom(f"{side}_hand_collision")
        assert g1.body(hand.bodyid[0]).name == f"{side}_wrist_yaw_link"
        np.testing.assert_allclose(hand.pos, [0.0415, y, 0.0])
        assert hand.size[0] == 0.045 and hand.condim[0] == 3 and hand.friction[0] == 0.8


def test_only_collision_shapes_collide_and_only_visuals_can_be_left_out() -> None:
    robot = build()
    full, bare = robot.compile(ground=False), robot.compile(ground=False, visuals=False)
    collides = full.geom_contype > 0
    np.testing.assert_array_equal(collides, full.geom_group == 3)
    np.testing.assert_array_equal(full.geom_conaffinity > 0, collides)
    assert bare.ngeom == collides.sum()
    assert bare.body_mass.sum() == full.body_mass.sum()


def test_robot_friction_decides_on_any_ground() -> None:
    robot = build()
    model = robot.compile()
    model.geom("ground").friction[:] = 3.0
    data = standing(robot, model)
    data.qpos[2] -= 0.002
    mujoco.mj_forward(model, data)
    assert data.ncon == 8
    np.testing.assert_allclose([contact.friction[0] for contact in data.contact], 0.6)


@pytest.mark.parametrize("gains", PRESETS)
def test_default_pose_touches_the_ground_with_its_soles_and_nothing_else(gains: str) -> None:
    robot = build(gains=gains)
    model = robot.compile()
    data = standing(robot, model)
    lowest = min(
        data.geom_xpos[i][2] - model.geom_size[i][0]
        for i in range(model.ngeom)
        if "foot" in model.geom(i).name
    )
    assert abs(lowest) < 2e-3
    ground = model.geom("ground").id
    assert all(ground in (contact.geom1, contact.geom2) for contact in data.contact)  # no self-contact
    np.testing.assert_allclose(data.site("left_foot").xpos[2], 0.0, atol=2e-3)


@pytest.mark.parametrize("enabled", [True, False])
def test_self_collisions_can_be_switched_off_and_the_ground_stays(enabled: bool) -> None:
    robot = build(self_collisions=enabled)
    model = robot.compile()
    data = standing(robot, model)
    # Both hips turned all the way in: the legs cross.
    data.qpos[7 + robot.joint_names.index("left_hip_roll_joint")] = -0.5
    data.qpos[7 + robot.joint_names.index("right_hip_roll_joint")] = 0.5
    data.qpos[2] -= 0.1
    mujoco.mj_forward(model, data)
    ground = model.geom("ground").id
    own = [c for c in data.contact if ground not in (c.geom1, c.geom2)]
    assert bool(own) is enabled
    assert data.ncon > len(own)


def test_recorded_walk_never_touches_itself(shared_dir: Path) -> None:
    path = shared_dir / "data" / "g1" / "kimodo" / "walk.csv"
    if not path.is_file():
        pytest.skip(f"no clip at {path}")
    model = build().compile(ground=False)
    data = mujoco.MjData(model)
    for data.qpos[:] in np.loadtxt(path, delimiter=","):
        mujoco.mj_fwdPosition(model, data)
        assert data.ncon == 0


# -- locked joints -------------------------------------------------------------------------------------------------


def test_joints_come_in_motor_order() -> None:
    assert build().joint_names == unitree_order((*ARM, *WRIST))


def test_locking_the_wrists_leaves_23_joints_and_every_link() -> None:
    free, locked = build(), build(locked=("wrist",))
    assert locked.joint_names == unitree_order(ARM)
    assert locked.body_names == free.body_names and len(locked.body_names) == 30
    model = locked.compile(ground=False)
    assert model.nv == 6 + 23 and model.nu == 23
    assert model.body_mass.sum() == pytest.approx(33.341142)
    for field in ("stiffness", "effort_limit", "default_dof_pos", "dof_lower", "action_scale"):
        keep = [name in locked.joint_names for name in free.joint_names]
        np.testing.assert_array_equal(getattr(locked, field), getattr(free, field)[keep])


def test_locked_joints_stand_at_angle_zero() -> None:
    robot = build(locked=("elbow",))
    model = robot.compile(ground=False)
    free = build().compile(ground=False)
    data, reference = mujoco.MjData(model), mujoco.MjData(free)
    mujoco.mj_forward(model, data)
    mujoco.mj_forward(free, reference)
    np.testing.assert_allclose(data.xpos, reference.xpos, atol=1e-12)


# -- motors --------------------------------------------------------------------------------------------------------


def test_armatures_follow_from_rotors_and_gears() -> None:
    def reflected(rotor: float, first: float, second: float, gear1: float, gear2: float) -> float:
        return rotor * (gear1 * gear2) ** 2 + first * gear2**2 + second

    robot = build()
    expected = {
        "left_hip_pitch": reflected(0.489e-4, 0.098e-4, 0.533e-4, 4.5, 1 + 48 / 22),
        "right_knee": reflected(0.489e-4, 0.109e-4, 0.738e-4, 4.5, 5),
        "left_elbow": reflected(0.139e-4, 0.017e-4, 0.169e-4, 1 + 46 / 18, 1 + 56 / 16),
        "waist_roll": 2 * reflected(0.139e-4, 0.017e-4, 0.169e-4, 1 + 46 / 18, 1 + 56 / 16),
        "left_wrist_yaw": reflected(0.068e-4, 0, 0, 5, 5),
    }
    for joint, armature in expected.items():
        assert value_of(robot, "armature", joint) == pytest.approx(armature, rel=1e-7)


# Joint: stiffness, damping, effort, velocity limit, action scale. Gains to the digits of BeyondMimic's published
# table; action scale = 0.25 * effort / stiffness by hand, such as 0.25 * 88 / 40.18 = 0.5475.
NATURAL_FREQUENCY = {
    "left_hip_pitch": (40.18, 2.56, 88.0, 32.0, 0.5475),
    "left_hip_roll": (99.10, 6.31, 139.0, 20.0, 0.3507),
    "right_hip_yaw": (40.18, 2.56, 88.0, 32.0, 0.5475),
    "left_knee": (99.10, 6.31, 139.0, 20.0, 0.3507),
    "right_ankle_pitch": (28.50, 1.81, 50.0, 37.0, 0.4386),
    "left_ankle_roll": (28.50, 1.81, 50.0, 37.0, 0.4386),
    "waist_yaw": (40.18, 2.56, 88.0, 32.0, 0.5475),
    "waist_roll": (28.50, 1.81, 50.0, 37.0, 0.4386),
    "waist_pitch": (28.50, 1.81, 50.0, 37.0, 0.4386),
    "right_shoulder_roll": (14.25, 0.91, 25.0, 37.0, 0.4386),
    "left_wrist_roll": (14.25, 0.91, 25.0, 37.0, 0.4386),
    "right_wrist_pitch": (16.78, 1.07, 5.0, 22.0, 0.0745),
    "left_wrist_yaw": (16.78, 1.07, 5.0, 22.0, 0.0745),
}
VIDEOMIMIC = {
    "left_hip_pitch": (75.0, 2.0, 88.0, 32.0, 0.25),
    "right_knee": (75.0, 2.0, 139.0, 20.0, 0.25),
    "left_ankle_pitch": (20.0, 0.2, 50.0, 37.0, 0.25),
    "right_ankle_roll": (20.0, 0.1, 50.0, 37.0, 0.25),
    "waist_pitch": (75.0, 2.0, 50.0, 37.0, 0.25),
    "left_elbow": (75.0, 2.0, 25.0, 37.0, 0.25),
    "left_wrist_yaw": (20.0, 1.0, 5.0, 22.0, 0.25),
}


@pytest.mark.parametrize(
    ("gains", "table"), [("natural_frequency", NATURAL_FREQUENCY), ("videomimic", VIDEOMIMIC)]
)
def test_preset_numbers(gains: str, table: dict[str, tuple[float, ...]]) -> None:
    robot = build(gains=gains)
    for joint, expected in table.items():
        fields = ("stiffness", "damping", "effort_limit", "velocity_limit", "action_scale")
        values = [value_of(robot, field, joint) for field in fields]
        np.testing.assert_allclose(values, expected, rtol=6e-3, err_msg=joint)


def test_default_poses() -> None:
    knees_bent, upright = build(), build(gains="videomimic")
    assert value_of(knees_bent, "default_dof_pos", "left_knee") == 0.669
    assert value_of(knees_bent, "default_dof_pos", "left_shoulder_roll") == 0.2
    assert value_of(knees_bent, "default_dof_pos", "right_shoulder_roll") == -0.2
    assert value_of(upright, "default_dof_pos", "right_hip_pitch") == -0.1
    assert value_of(upright, "default_dof_pos", "right_knee") == 0.3
    assert value_of(upright, "default_dof_pos", "left_ankle_pitch") == -0.2
    assert np.count_nonzero(upright.default_dof_pos) == 6
    for robot in (knees_bent, upright):
        assert np.all(robot.default_dof_pos > robot.dof_lower) and np.all(
            robot.default_dof_pos < robot.dof_upper
        )


def test_xml_and_table_agree_on_the_motors() -> None:
    robot = build()
    xml = mujoco.MjModel.from_xml_path(str(Path(robot.spec.modelfiledir) / "g1.xml"))
    np.testing.assert_allclose(xml.dof_armature[6:], robot.armature)
    np.testing.assert_allclose(xml.jnt_actfrcrange[1:, 1], robot.effort_limit)
    np.testing.assert_allclose(xml.jnt_actfrcrange[1:, 0], -robot.effort_limit)


def test_servo_torque_is_proportional_derivative_and_limited() -> None:
    robot = build(effort_limit={"knee": 30.0})
    model = robot.compile(ground=False)
    data = mujoco.MjData(model)
    knee = robot.joint_names.index("left_knee_joint")
    data.qpos[7 + knee], data.qvel[6 + knee], data.ctrl[knee] = 0.5, 0.3, 0.6
    mujoco.mj_forward(model, data)
    expected = 0.1 * robot.stiffness[knee] - 0.3 * robot.damping[knee]
    assert data.actuator_force[knee] == pytest.approx(expected)
    data.ctrl[knee] = 2.0
    mujoco.mj_forward(model, data)
    assert data.actuator_force[knee] == 30.0


def test_overrides_apply_in_order_and_action_scale_follows() -> None:
    robot = build(
        stiffness={"hip": 50.0, "left_hip_pitch": 60.0}, damping={"*": 3.0}, effort_limit={"waist": 10.0}
    )
    assert value_of(robot, "stiffness", "right_hip_pitch") == 50.0
    assert value_of(robot, "stiffness", "left_hip_pitch") == 60.0
    assert value_of(robot, "stiffness", "left_knee") == pytest.approx(99.10, abs=0.01)
    np.testing.assert_array_equal(robot.damping, 3.0)
    assert value_of(robot, "action_scale", "left_hip_pitch") == pytest.approx(0.25 * 88 / 60)
    assert value_of(robot, "action_scale", "waist_roll") == pytest.approx(0.25 * 10 / 28.50, rel=1e-3)
    np.testing.assert_array_equal(build(action_scale=0.1).action_scale, 0.1)
    last_wins = build(stiffness={"left_hip_pitch": 60.0, "hip": 50.0})
    assert value_of(last_wins, "stiffness", "left_hip_pitch") == 50.0


def test_building_one_robot_leaves_the_next_untouched() -> None:
    build(locked=("wrist",), stiffness={"*": 1.0})
    assert len(build().joint_names) == 29


# -- errors --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asset", "actuators", "parts"),
    [
        (AssetCfg(robot="h1"), ActuatorCfg(), ("asset.robot", "'h1'", "known: g1")),
        (
            AssetCfg(locked_joints=["fingers"]),
            ActuatorCfg(),
            ("asset.locked_joints", "fingers", "left_knee_joint"),
        ),
        (AssetCfg(locked_joints=["*"]), ActuatorCfg(), ("asset.locked_joints", "every joint")),
        (
            AssetCfg(),
            ActuatorCfg(stiffness={"kne": 1, "nee_": 1, "toe": 1}),
            ("control.stiffness", "'toe'", "knee"),
        ),
        (
            AssetCfg(locked_joints=["wrist"]),
            ActuatorCfg(effort_limit={"wrist": 1.0}),
            ("control.effort_limit", "'wrist'"),
        ),
        (AssetCfg(), ActuatorCfg(damping={"knee": -1.0}), ("control.damping", "-1.0", "at least 0")),
        (AssetCfg(), ActuatorCfg(stiffness={"knee": 0.0}), ("control.stiffness", "above 0")),
        (AssetCfg(), ActuatorCfg(effort_limit={"knee": float("nan")}), ("control.effort_limit", "nan")),
        (AssetCfg(), ActuatorCfg(action_scale=0.0), ("control.action_scale", "above 0")),
        (
            AssetCfg(),
            ActuatorCfg(gains="stiff"),
            ("control.gains", "'stiff'", "natural_frequency, videomimic"),
        ),
    ],
)
def test_errors_name_the_field_the_value_and_what_exists(
    asset: AssetCfg, actuators: ActuatorCfg, parts: tuple[str, ...]
) -> None:
    with pytest.raises(RobotError) as error:
        build_robot(asset, actuators)
    for part in parts:
        assert part in str(error.value)


# -- standing ------------------------------------------------------------------------------------------------------


def gravity_torques(robot: Robot, model: mujoco.MjModel, data: mujoco.MjData) -> np.ndarray:
    """(J,) joint torques that hold the pose when each foot bears half the weight below the centre of mass, N m."""
    weight = model.body_mass.sum() * 9.81
    torques = data.qfrc_bias.copy()
    for foot in robot.foot_bodies:
        jacobian = np.zeros((3, model.nv))
        body = model.body(foot).id
        support = np.array([data.subtree_com[1][0], data.xpos[body][1], 0.0])
        mujoco.mj_jac(model, data, jacobian, None, support, body)
        torques -= 0.5 * weight * jacobian[2]
    return torques[6:]


def simulate(model: mujoco.MjModel, data: mujoco.MjData, seconds: float) -> tuple[float, float]:
    """Step at 5 ms; least root height, m, and least cosine of the root's tilt on the way."""
    model.opt.timestep, model.opt.iterations, model.opt.ls_iterations = 0.005, 10, 20
    height, upright = [], []
    for _ in range(round(seconds / 0.005)):
        mujoco.mj_step(model, data)
        height.append(data.qpos[2])
        upright.append(data.xmat[1][8])
        assert np.all(np.isfinite(data.qpos)) and not data.warning.number.any()
        assert np.abs(data.qvel).max() < 50.0
    return min(height), min(upright)


@pytest.mark.parametrize("locked", [(), ("wrist",)])
@pytest.mark.parametrize("gains", PRESETS)
def test_stands_for_two_seconds_on_stiff_servos(gains: str, locked: tuple[str, ...]) -> None:
    robot = build(locked=locked, gains=gains, stiffness={"*": 500.0}, damping={"*": 10.0})
    model = robot.compile()
    data = standing(robot, model)
    data.ctrl += gravity_torques(robot, model, data) / robot.stiffness
    height, upright = simulate(model, data, seconds=2.0)
    assert height > robot.default_root_height - 0.02
    assert upright > 0.99


@pytest.mark.parametrize("gains", PRESETS)
def test_preset_gains_hold_the_pose_for_a_second_with_gravity_feed_forward(gains: str) -> None:
    robot = build(gains=gains)
    model = robot.compile()
    data = standing(robot, model)
    data.ctrl += gravity_torques(robot, model, data) / robot.stiffness
    height, upright = simulate(model, data, seconds=1.0)
    assert height > robot.default_root_height - 0.01
    assert upright > 0.995


@pytest.mark.parametrize("gains", PRESETS)
def test_preset_gains_need_a_balance_controller_but_never_diverge(gains: str) -> None:
    """Two ankles are softer (N m/rad) than gravity topples the robot about them: m g h = 33.3 * 9.81 * 0.65 = 212."""
    robot = build(gains=gains)
    assert 2 * value_of(robot, "stiffness", "left_ankle_pitch") < 200.0
    model = robot.compile()
    data = standing(robot, model)
    simulate(model, data, seconds=2.0)

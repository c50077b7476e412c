"""From targets to motors. The toy robot's motors are hip, wrist (locked in training), knee."""

from __future__ import annotations

import numpy as np
import pytest

from legged_gym.deploy.action import Commands, TargetLimiter, stand_pose
from legged_gym.deploy.bundle import read_bundle
from legged_gym.deploy.deploy_config import SafetyCfg, StandCfg
from legged_gym.deploy.models import MODELS, absent_joints, model_problems
from legged_gym.deploy.robot_state import MotorMap
from legged_gym.utils.errors import ConfigError
from tests.deploy.robots import build_env, described, make_low_state
from tests.deploy.test_bundle import of_type


def parts(make_bundle, kind: str = "P", **safety):
    bundle = read_bundle(make_bundle(of_type(kind)))
    motors = MotorMap(bundle.spec)
    commands = Commands(bundle.spec, motors, StandCfg(), damping=8.0)
    return bundle, motors, commands, TargetLimiter(bundle.spec, SafetyCfg(**safety))


@pytest.mark.parametrize(
    ("kind", "expected"),
    # Gains of the policy's joints are 40 and 2; the wrist is held at 0 with 14 and 0.9
    [
        (
            "P",
            {"q": [0.5, 0.0, -0.3], "dq": [0, 0, 0], "tau": [0, 0, 0], "kp": [40, 14, 40], "kd": [2, 0.9, 2]},
        ),
        ("DIRECT", {"q": [0.5, 0, -0.3], "kp": [40, 14, 40], "kd": [2, 0.9, 2]}),
        ("V", {"q": [0, 0, 0], "dq": [0.5, 0, -0.3], "kp": [0, 14, 0], "kd": [2, 0.9, 2]}),
        ("T", {"tau": [0.5, 0, -0.3], "kp": [0, 14, 0], "kd": [0, 0.9, 0]}),
    ],
)
def test_targets_reach_the_motors_that_turn_their_joints(make_bundle, kind, expected):
    bundle, _, commands, _ = parts(make_bundle, kind)
    low = make_low_state(bundle)
    command = commands.driven(low, np.array([0.5, -0.3]))
    assert command.mode[:4].tolist() == [1, 1, 1, 0]
    assert (command.mode_pr, command.mode_machine) == (0, 5)
    for name, values in expected.items():
        np.testing.assert_allclose(getattr(command, name)[:3], values, rtol=1e-6)
        assert not getattr(command, name)[3:].any()


def test_damping_has_no_position_gain_and_stays_where_the_robot_is(make_bundle):
    bundle, _, commands, _ = parts(make_bundle)
    command = commands.damped(make_low_state(bundle, q={"knee": 0.7}))
    assert not command.kp.any()
    assert command.kd[:4].tolist() == [8.0, 8.0, 8.0, 0.0]
    assert command.q[2] == np.float32(0.7)
    assert not commands.damped(None).kp.any()
    blind = make_low_state(bundle, q={"knee": np.nan, "hip": np.inf})
    assert not commands.damped(blind).q.any()  # a bus would refuse to send them, and nothing would brake


def test_a_pose_has_the_locked_joints_where_training_had_them(make_bundle):
    bundle, motors, *_ = parts(make_bundle)
    np.testing.assert_array_equal(stand_pose(bundle.spec, motors, np.array([0.1, 0.2])), [0.1, 0.0, 0.2])


def test_ankles_give_way_against_a_tilt_as_far_as_they_may():
    env = build_env("g1_deepmimic")
    bundle = described(env, "g1_deepmimic")
    motors = MotorMap(bundle.spec)
    commands = Commands(bundle.spec, motors, StandCfg(balance=0.5, balance_s=0.1), damping=8.0)
    pose = stand_pose(bundle.spec, motors, bundle.joint_array("default_pos"))
    half = 0.05  # half of 0.1 rad forwards
    low = make_low_state(bundle, quat_wxyz=(np.cos(half), 0.0, np.sin(half), 0.0), gyro_b=(0.0, 0.2, 0.0))
    change = commands.held(low, pose, 1.0).q[:29] - pose
    moved = {motors.order[i]: change[i] for i in np.flatnonzero(np.abs(change) > 1e-6)}
    assert moved == pytest.approx(  # 0.5 x 0.1 + 0.1 x 0.2: toes down
        {"left_ankle_pitch_joint": 0.07, "right_ankle_pitch_joint": 0.07}, abs=1e-5
    )
    fallen = make_low_state(bundle, quat_wxyz=(np.sqrt(0.5), np.sqrt(0.5), 0.0, 0.0))
    change = commands.held(fallen, pose, 1.0).q[:29] - pose
    assert change.max() == pytest.approx(0.2, abs=1e-6)
    assert not commands.held(fallen, pose, 0.0).kp.any()


def test_targets_are_cut_to_range_and_speed_and_the_cut_is_told(make_bundle):
    bundle, motors, _, limiter = parts(make_bundle, target_margin_rad=0.5, target_speed_rad_s=10.0)
    state = motors.robot_state(make_low_state(bundle))
    targets, cut = limiter.limit(np.array([1.4, 0.0]), state)  # range +-1 and 0.5 of margin
    np.testing.assert_allclose(targets, [1.4, 0.0])
    assert cut == 0.0
    targets, cut = limiter.limit(np.array([1.4, 0.5]), state)  # 0.2 rad in 20 ms at 10 rad/s
    np.testing.assert_allclose(targets, [1.4, 0.2])
    assert cut == pytest.approx(0.3)
    limiter.restart()
    targets, cut = limiter.limit(np.array([-2.5, 0.5]), state)
    np.testing.assert_allclose(targets, [-1.5, 0.5])
    assert cut == pytest.approx(1.0)


@pytest.mark.parametrize(("kind", "limit"), [("V", 20.0), ("T", 50.0)])
def test_speeds_and_torques_are_cut_to_what_the_motors_can(make_bundle, kind, limit):
    bundle, motors, _, limiter = parts(make_bundle, kind)
    state = motors.robot_state(make_low_state(bundle))
    targets, cut = limiter.limit(np.array([1.25 * limit, -limit]), state)
    np.testing.assert_allclose(targets, [limit, -limit])
    assert cut == pytest.approx(0.25)


def test_torques_are_limited_as_training_limits_them_when_asked_to(make_bundle):
    bundle, motors, _, limiter = parts(make_bundle, limit_torque=True, target_margin_rad=5.0)
    state = motors.robot_state(make_low_state(bundle, q={"hip": 0.2}, dq={"hip": 3.0}))
    targets, cut = limiter.limit(np.array([3.0, -3.0]), state)
    torques = bundle.motor_torques(targets, state.dof_pos, state.dof_vel)
    np.testing.assert_allclose(torques, [50.0, -50.0])  # the limit, exactly
    np.testing.assert_allclose(targets, [0.2 + (50.0 + 2.0 * 3.0) / 40.0, -50.0 / 40.0])
    assert cut == 0.0


def test_a_joint_without_a_gain_for_standing_is_refused(make_bundle):
    bundle, motors, *_ = parts(make_bundle)
    with pytest.raises(ConfigError, match=r"stand.stiffness says nothing of wrist; its keys are hip, knee"):
        Commands(bundle.spec, motors, StandCfg(stiffness={"hip": 1.0, "knee": 1.0}), damping=8.0)


def test_motors_that_a_model_lacks_are_left_alone(make_bundle):
    bundle = read_bundle(make_bundle(of_type("P")))
    motors = MotorMap(bundle.spec, absent=["wrist"])
    commands = Commands(bundle.spec, motors, StandCfg(), damping=8.0)
    low = make_low_state(bundle)
    pose = stand_pose(bundle.spec, motors, np.zeros(2))
    for command in (
        commands.damped(low),
        commands.held(low, pose, 1.0),
        commands.driven(low, np.zeros(2)),
    ):
        assert command.mode[:3].tolist() == [1, 0, 1]
        assert command.kd[1] == command.kp[1] == 0.0


def test_models_with_other_motors_or_fewer_joints_are_refused():
    tracker = described(build_env("g1_deepmimic"), "g1_deepmimic").spec
    walker = described(build_env("g1"), "g1").spec
    assert model_problems(5, tracker) == model_problems(13, tracker) == []
    assert model_problems(4, walker) == []  # drives the legs only
    (problem,) = model_problems(4, tracker)
    assert "waist_roll_joint, waist_pitch_joint, which this model" in problem
    (problem,) = model_problems(2, walker)
    assert "hip_roll motors of 139 N m; this model (29 joints, old) has 88" in problem
    (problem,) = model_problems(11, walker)
    assert "hip_pitch motors of 88 N m" in problem
    for unknown in (0, 9, 77):
        assert "is no model this controller knows" in model_problems(unknown, walker)[0]
    assert len(absent_joints(4)) == 6  # 29 - 23
    assert all(set(model.absent) <= set(walker.motor_order) for model in MODELS.values())

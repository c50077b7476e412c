"""What actions do to the joints, by control type: against hand computations, and against the robot's own arithmetic."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from legged_gym.bundle.arrays import check_recorded, motor_torques, zero_targets
from legged_gym.envs.base.control_config import ControlCfg
from legged_gym.envs.base.domain_rand_config import DomainRandCfg
from legged_gym.envs.base.robot_velocity import RobotVelocity
from legged_gym.rl.bundle_content import describe, record_steps, reference_arrays
from legged_gym.rl.provenance import make_provenance
from legged_gym.sim.robot_model import build_robot
from legged_gym.utils.cli import CommonArgs, parse_command
from legged_gym.utils.errors import ConfigError, RobotError
from tests.envs.randomising import ALL, FRAMES, place, switch_on

OF_ANGLES = ("P", "residual", "DIRECT")
TYPES = (*OF_ANGLES, "V", "T")


@pytest.fixture
def make_hanging(walker_cfg):
    """Builds four robots of a control type 3 m up in the default pose; one physics step per control step."""

    def make(control_type, dof_vel=0.0, **control):
        control |= {"control_type": control_type, "decimation": 1}
        env = RobotVelocity(replace(walker_cfg.env, control=replace(walker_cfg.env.control, **control)))
        place(env.sim, env.robot, height=3.0, dof_vel=dof_vel)
        env._begin(ALL)
        return env

    return make


def row(env, **values):
    """Actions of all robots, 0 but of the named joints."""
    actions = torch.zeros(4, env.num_actions)
    for joint, value in values.items():
        actions[:, env.joint_names.index(f"{joint}_joint")] = value
    return actions


# ---------------------------------------------------------------------- torques of the first substep


def test_an_angle_about_the_default_pose(make_hanging):
    env = make_hanging("P", dof_vel=0.3)
    env.advance(row(env, left_knee=0.5))
    expected = env.stiffness * env.action_scale * row(env, left_knee=0.5) - 0.3 * env.damping
    torch.testing.assert_close(env.sim.dof_torque, expected, rtol=1e-4, atol=1e-4)


def test_a_direct_action_is_the_joint_angle(make_hanging):
    env = make_hanging("DIRECT")
    torch.testing.assert_close(env.actions, env.default_dof_pos.repeat(4, 1))  # what holds the pose
    assert (env.action_scale == 1.0).all()
    env.advance(env.default_dof_pos + row(env, left_knee=0.1))
    torch.testing.assert_close(
        env.sim.dof_torque, 0.1 * env.stiffness * row(env, left_knee=1.0), rtol=1e-4, atol=1e-4
    )
    env = make_hanging("DIRECT", action_scale=0.5)
    env.advance(2.0 * env.default_dof_pos + row(env, left_knee=0.2))
    torch.testing.assert_close(
        env.sim.dof_torque, 0.1 * env.stiffness * row(env, left_knee=1.0), rtol=1e-4, atol=1e-4
    )


def test_a_speed_is_asked_for_through_the_damping_gain(make_hanging):
    env = make_hanging("V", dof_vel=0.5, action_scale=2.0)
    env.advance(row(env, left_knee=0.7, right_hip_yaw=-0.1))
    asked = 2.0 * row(env, left_knee=0.7, right_hip_yaw=-0.1)
    torch.testing.assert_close(env.sim.dof_torque, env.damping * (asked - 0.5), rtol=1e-4, atol=1e-4)
    env.advance(row(env, left_knee=1e3))  # clipped to 10 actions of 2 rad/s, and the motor's torque
    knee = env.joint_names.index("left_knee_joint")
    limit = torch.minimum(env.effort_limit[knee], env.damping[knee] * (20.0 - env.sim.dof_vel[:, knee]))
    assert (env.sim.dof_torque[:, knee] <= env.effort_limit[knee]).all() and (limit > 0.0).all()


def test_a_torque_is_that_torque_within_the_motors_limit(make_hanging):
    env = make_hanging("T", dof_vel=0.5, action_scale=20.0)
    env.advance(row(env, left_knee=0.7, right_hip_yaw=-10.0))
    asked = row(env, left_knee=14.0, right_hip_yaw=-200.0).clamp(-env.effort_limit, env.effort_limit)
    assert asked.min() == -88.0
    torch.testing.assert_close(env.sim.dof_torque, asked)


def test_a_unit_of_the_presets_scale_is_the_same_torque_at_rest_whatever_servos_are_told(walker_cfg):
    control, asset = walker_cfg.env.control, walker_cfg.env.asset
    for gains in ("natural_frequency", "videomimic"):
        torques = []
        for kind in ("P", "V", "T"):
            robot = build_robot(asset, replace(control, gains=gains, control_type=kind))
            gain = {"P": robot.stiffness, "V": robot.damping, "T": 1.0}[kind]
            torques.append(gain * robot.action_scale)
        np.testing.assert_allclose(torques[1], torques[0])
        np.testing.assert_allclose(torques[2], torques[0])


# ---------------------------------------------------------------------- over time


def test_a_joint_takes_the_speed_it_is_asked_for(make_hanging):
    env = make_hanging("V", action_scale=1.0)
    env.sim.set_parameter("gravity", torch.zeros(4, 3))
    for _ in range(100):  # 1 s; the knee turns half of it before it reaches its end
        env.advance(row(env, left_knee=0.5))
    expected = row(env, left_knee=0.5)
    torch.testing.assert_close(env.sim.dof_vel, expected, atol=0.02, rtol=0)


def test_a_torque_moves_a_joint_as_the_engines_applied_force_does(make_hanging):
    env = make_hanging("T", action_scale=1.0)
    limp = make_hanging("P")
    for name in ("stiffness", "damping"):
        limp.sim.set_parameter(name, torch.zeros(4, limp.num_actions))
    torque = row(env, left_knee=3.0, right_ankle_pitch=-1.0)
    for _ in range(10):
        env.advance(torque)
        limp.sim.set_joint_torques(torque)
        limp.advance(torch.zeros_like(torque))
    assert env.sim.dof_vel.abs().max() > 1.0
    torch.testing.assert_close(env.sim.dof_pos, limp.sim.dof_pos, atol=1e-5, rtol=0)


def test_deepmimic_delta_is_the_residual(task_cfg, make_env):
    traces = []
    for kind in ("residual", "DEEPMIMIC_DELTA"):
        task_cfg.env.control.control_type = kind
        env = make_env()
        env.reset_to(ALL, FRAMES, noisy=False)
        env.advance(torch.full((4, env.num_actions), 0.3))
        torch.testing.assert_close(env.joint_targets, env.data.dof_pos[FRAMES + 1] + 0.3 * env.action_scale)
        traces.append(env.sim.dof_pos.clone())
    assert torch.equal(*traces)


# ---------------------------------------------------------------------- scale, smoothing, start


def test_action_scales_are_set_by_joint_and_the_rest_is_the_presets():
    words = ["--task=g1", "--env.control.action_scale={ankle: 0.2, left_ankle: 0.3}"]
    cfg = parse_command(words, CommonArgs).cfg.env
    given, preset = (build_robot(cfg.asset, c) for c in (cfg.control, replace(cfg.control, action_scale={})))
    scales = dict(zip(given.joint_names, given.action_scale, strict=True))
    assert scales["left_ankle_roll_joint"] == 0.3 and scales["right_ankle_pitch_joint"] == 0.2
    others = [i for i, name in enumerate(given.joint_names) if "ankle" not in name]
    np.testing.assert_array_equal(given.action_scale[others], preset.action_scale[others])
    one_for_all = parse_command(["--task=g1", "--env.control.action_scale=0.1"], CommonArgs).cfg.env.control
    assert one_for_all.action_scale == 0.1


def test_scales_of_joints_that_do_not_exist_or_of_nothing_are_refused(walker_cfg):
    asset, control = walker_cfg.env.asset, walker_cfg.env.control
    for scale, message in (({"tail": 1.0}, "'tail' matches no joint"), ({"knee": 0.0}, "'knee' is 0.0")):
        with pytest.raises(RobotError, match=rf"control\.action_scale.*{message}"):
            build_robot(asset, replace(control, action_scale=scale))
    with pytest.raises(RobotError, match=r"control\.damping of left_knee_joint is 0"):
        build_robot(asset, replace(control, control_type="V", damping={"knee": 0.0}))


@pytest.mark.parametrize("kind", ["DIRECT", "V", "T"])
def test_every_type_is_clipped_and_smoothed_first(make_hanging, walker_cfg, kind):
    walker_cfg.env.normalization.clip_actions = 2.0
    env = make_hanging(kind, beta=0.25)
    before = env.actions.clone()
    env.advance(torch.full((4, env.num_actions), 30.0))
    torch.testing.assert_close(env.actions, 0.75 * before + 0.25 * 2.0)
    torch.testing.assert_close(env.joint_targets, env.action_scale * env.actions)


@pytest.mark.parametrize("kind", TYPES)
def test_episodes_begin_with_the_action_that_holds_the_pose_or_asks_for_nothing(task_cfg, make_env, kind):
    task_cfg.env.control.control_type = kind
    env = make_env()
    env.reset_to(ALL, FRAMES, noisy=False)
    asked = env.target_offset() + env.action_scale * env.actions
    if kind == "residual":
        torch.testing.assert_close(asked, env.data.dof_pos[FRAMES + 1])
    else:
        pose = env.sim.dof_pos if kind in OF_ANGLES else torch.zeros_like(asked)
        torch.testing.assert_close(asked, pose, atol=1e-5, rtol=0)


# ---------------------------------------------------------------------- domain randomisation


def test_speeds_and_torques_come_late_too_and_nothing_is_asked_before(make_hanging, walker_cfg):
    switch_on(walker_cfg, "control_delays", control_delay_min=2, control_delay_max=2)
    for kind in ("V", "T"):
        env = make_hanging(kind)
        for step in range(4):
            env.advance(row(env, left_knee=0.1))
            knee = env.sim.dof_torque[:, env.joint_names.index("left_knee_joint")]
            assert (knee.abs() > 1.0).all() == (step >= 2), (kind, step)


def test_the_velocity_gain_and_the_strength_of_motors_vary_for_speeds(make_hanging, walker_cfg):
    switch_on(walker_cfg, "d_gain_rand", "randomize_motor_strength", d_gain_rand_scale=0.1)
    env = make_hanging("V", action_scale=1.0)
    draws = env.randomizer.draws
    env.advance(torch.ones(4, env.num_actions))
    expected = env.damping * draws["d_gain"] * draws["motor_strength"]
    torch.testing.assert_close(env.sim.dof_torque, expected, rtol=1e-4, atol=1e-5)


def test_the_strength_of_motors_scales_torques_and_their_limits(make_hanging, walker_cfg):
    switch_on(walker_cfg, "randomize_motor_strength", motor_strength_range=(0.5, 1.5))
    for action, nominal in ((1.0, 10.0), (10.0, None)):
        env = make_hanging("T", action_scale=10.0)
        env.advance(torch.full((4, env.num_actions), action))
        asked = env.effort_limit.clamp(max=100.0) if nominal is None else nominal
        torch.testing.assert_close(env.sim.dof_torque, asked * env.randomizer.draws["motor_strength"])


def test_encoder_errors_mislead_only_servos_that_are_told_angles(make_hanging, walker_cfg):
    switch_on(walker_cfg, "randomize_joint_zero")
    targets = torch.ones(4, 12)
    for kind in ("P", "DIRECT", "V", "T"):
        env = make_hanging(kind)
        shift = env.randomizer.draws["joint_zero"] if kind in OF_ANGLES else 0.0
        torch.testing.assert_close(env.randomizer.servo_targets(targets), targets - shift)


def test_torques_from_outside_act_on_every_type(make_hanging, walker_cfg):
    switch_on(walker_cfg, "torque_rfi_rand", torque_rfi_rand_scale=0.1)
    for kind in ("V", "T"):
        env = make_hanging(kind)
        env.advance(torch.zeros(4, env.num_actions))
        assert env.sim.dof_vel.abs().max() > 0.1 and env.sim.dof_torque.abs().max() < 1e-3


def test_servos_have_the_gains_they_use_and_no_others(make_hanging):
    for kind, gains in (("P", {"stiffness", "damping"}), ("V", {"damping"}), ("T", set())):
        sim = make_hanging(kind).sim
        assert {"stiffness", "damping"} & set(sim.parameter_names) == gains
    with pytest.raises(KeyError, match="no physical parameter 'damping'; known: friction"):
        sim.parameter("damping")


# ---------------------------------------------------------------------- what cannot be


@pytest.mark.parametrize(
    ("control", "follows", "switch", "message"),
    [
        (
            {"control_type": "residual"},
            False,
            None,
            "control_type is residual, but this task has no reference",
        ),
        ({"control_type": "DEEPMIMIC_DELTA"}, False, None, "control_type is DEEPMIMIC_DELTA, but this task"),
        (
            {"control_type": "P", "feed_forward": "pd"},
            False,
            None,
            "feed_forward is pd, but this task has no",
        ),
        ({"control_type": "T", "feed_forward": "pd"}, True, None, "control_type T it must be none"),
        (
            {"control_type": "DIRECT", "feed_forward": "inverse_dynamics"},
            True,
            None,
            "DIRECT it must be none",
        ),
        (
            {"control_type": "V"},
            True,
            "p_gain_rand",
            r"domain_rand\.p_gain_rand is on, .*control_type V lack",
        ),
        (
            {"control_type": "T"},
            True,
            "d_gain_rand",
            r"domain_rand\.d_gain_rand is on, .*control_type T lack",
        ),
        ({"beta": 0.0}, True, None, r"control\.beta is 0\.0; it must be above 0"),
        ({"decimation": 0}, True, None, r"control\.decimation is 0; it must be 1 or more"),
    ],
)
def test_what_cannot_be_is_refused_by_name(control, follows, switch, message):
    domain_rand = DomainRandCfg(**({switch: True} if switch else {}))
    with pytest.raises(ConfigError, match=message):
        ControlCfg(**control).check(follows, domain_rand)


def test_a_task_that_follows_nothing_has_no_residual(walker_cfg, make_walker):
    walker_cfg.env.control.control_type = "residual"
    with pytest.raises(ConfigError, match="this task has no reference; P, DIRECT, V or T is right"):
        make_walker()


# ---------------------------------------------------------------------- the robot's own arithmetic


@pytest.mark.parametrize(
    ("task", "kind"),
    [
        *(("tracking", kind) for kind in (*TYPES, "DEEPMIMIC_DELTA", "residual with feed-forward")),
        *(("walking", kind) for kind in TYPES if kind != "residual"),
    ],
)
def test_a_robot_computes_the_targets_and_torques_of_training(request, task, kind):
    """numpy on what a bundle says against torch and the engine, over recorded steps of random actions."""
    name, _, feed_forward = kind.partition(" with ")
    cfg, make = (
        request.getfixturevalue(fixture)
        for fixture in (("task_cfg", "make_env") if task == "tracking" else ("walker_cfg", "make_walker"))
    )
    cfg.env.control = replace(
        cfg.env.control,
        control_type=name,
        feed_forward="pd" if feed_forward else "none",
        beta=0.6,
        decimation=1,
        action_scale={"knee": 0.2},
    )
    cfg.env.noise.add_noise = False
    env = make()
    follows = env.follows_reference
    clips = dict(zip(env.data.clip_names, env.data.files, strict=True)) if follows else {}
    origin = make_provenance(config={}, run="", iteration=0, samples=0, clips=clips, evaluation=None)
    spec = describe(env, task, env.robot, False, origin)
    assert spec.action.type == ("residual" if name == "DEEPMIMIC_DELTA" else name)
    generator = torch.Generator().manual_seed(0)
    states, torques = [], []

    def act(observations):
        states.append(torch.stack((env.sim.dof_pos[0], env.sim.dof_vel[0])).numpy().copy())
        if torques or len(states) > 1:
            torques.append(env.sim.dof_torque[0].numpy().copy())
        return 0.3 * torch.randn(env.num_envs, env.num_actions, generator=generator)

    recorded = record_steps(env, act, 8)
    reference = reference_arrays(env)
    check_recorded(spec, recorded, reference, "recorded")
    torques.append(env.sim.dof_torque[0].numpy().copy())
    positions, velocities = np.stack(states).transpose(1, 0, 2)
    computed = motor_torques(spec, recorded["joint_targets"], positions, velocities)
    np.testing.assert_allclose(computed, np.stack(torques), rtol=1e-4, atol=2e-3)
    assert np.abs(computed).max() > 1.0
    if reference is None:
        np.testing.assert_allclose(zero_targets(spec), env.target_offset()[0], rtol=1e-6)

"""Every reward and rule of a walking robot, against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.spatial.transform import Rotation

from legged_gym.envs.terms import terminations, velocity_observations, velocity_rewards
from legged_gym.utils.errors import ConfigError

ALL = torch.arange(4)
NORTH = Rotation.from_euler("z", 90, degrees=True)
"""The robot's x axis along world y."""


@pytest.fixture
def env(make_walker):
    """Four robots in the default pose at the middle of flat ground, facing world x, asked to walk at 0.5 m/s."""
    env = make_walker()
    env.reset_to(ALL, noisy=False)
    ask(env, 0.5, 0.0, 0.0)
    return env


def ask(env, forwards: float, left: float, turn: float) -> None:
    env.commands.set(ALL, torch.tensor([forwards, left, turn]).repeat(4, 1))


def put(
    env,
    rotation: Rotation | None = None,
    velocity_w: tuple[float, float, float] = (0.0, 0.0, 0.0),
    angular_w: tuple[float, float, float] = (0.0, 0.0, 0.0),
    height: float | None = None,
) -> None:
    """Every robot in the default pose, turned, at some height and moving."""
    root = env.env_offsets.clone()
    root[:, 2] = env.robot.default_root_height if height is None else height
    quat_wxyz = (rotation or Rotation.identity()).as_quat(scalar_first=True)
    rows = [torch.tensor(row, dtype=torch.float32).repeat(4, 1) for row in (quat_wxyz, velocity_w, angular_w)]
    pose = env.default_dof_pos.repeat(4, 1)
    env.sim.reset(ALL, root, *rows, pose, torch.zeros_like(pose))
    env.refresh()


def value(function, env) -> float:
    values = function(env)
    assert values.shape == (4,) and (values == values[0]).all()
    return values[0].item()


# ---------------------------------------------------------------------- velocities


def test_the_command_is_in_the_frame_of_the_robots_heading(env):
    put(env, NORTH, velocity_w=(0.0, 0.6, 0.0))
    ask(env, 0.6, 0.0, 0.0)
    assert env.lin_vel_error().max() < 1e-6
    assert value(velocity_rewards.tracking_lin_vel, env) == pytest.approx(1.0)
    put(env, NORTH, velocity_w=(-0.3, 0.0, 0.0))  # who looks along world y has world -x on his left
    torch.testing.assert_close(
        velocity_observations.lin_vel_h(env), torch.tensor([[0.0, 0.3, 0.0]]).repeat(4, 1), atol=1e-6, rtol=0
    )


def test_leaning_does_not_turn_the_frame_of_the_command(env):
    put(env, NORTH * Rotation.from_euler("y", 0.5), velocity_w=(0.0, 0.6, 0.2))
    torch.testing.assert_close(env.lin_vel_h, torch.tensor([[0.6, 0.0, 0.2]]).repeat(4, 1), atol=1e-6, rtol=0)


def test_an_error_of_half_a_metre_per_second_earns_one_over_e(env):
    ask(env, 0.5, -0.2, 0.0)
    put(env, velocity_w=(0.2, 0.2, 0.9))  # off by 0.3 and 0.4 m/s; up and down does not count
    torch.testing.assert_close(env.lin_vel_error(), torch.full((4,), 0.5))
    assert value(velocity_rewards.tracking_lin_vel, env) == pytest.approx(math.exp(-0.25 / 0.25), rel=1e-5)


def test_turning_left_is_positive(env):
    put(env, angular_w=(0.0, 0.0, 0.5), height=3.0)
    ask(env, 0.0, 0.0, 0.5)
    assert value(velocity_rewards.tracking_ang_vel, env) == pytest.approx(1.0)
    ask(env, 0.0, 0.0, -0.5)
    assert value(velocity_rewards.tracking_ang_vel, env) == pytest.approx(math.exp(-1.0 / 0.25), rel=1e-5)
    env._simulate()
    heading = Rotation.from_quat(env.sim.root_quat_wxyz[0], scalar_first=True).apply([1.0, 0.0, 0.0])
    assert heading[1] == pytest.approx(0.5 * env.step_dt, rel=0.05)  # towards world y, the left


def test_vertical_speed_is_the_worlds(env):
    put(env, Rotation.from_euler("y", 0.7), velocity_w=(0.3, 0.1, -0.4))
    assert value(velocity_rewards.lin_vel_z, env) == pytest.approx(0.16, rel=1e-5)


def test_roll_and_pitch_rates_are_the_roots_own(env):
    put(env, NORTH, angular_w=(1.0, 2.0, 3.0))
    assert value(velocity_rewards.ang_vel_xy, env) == pytest.approx(5.0, rel=1e-5)
    put(env, Rotation.from_euler("y", 90, degrees=True), angular_w=(0.0, 0.0, 2.0))  # on its face, rolling
    assert value(velocity_rewards.ang_vel_xy, env) == pytest.approx(4.0, rel=1e-5)


# ---------------------------------------------------------------------- posture


def test_orientation_is_the_squared_sine_of_the_tilt_whatever_the_heading(env):
    for lean in (Rotation.from_euler("x", 0.3), NORTH * Rotation.from_euler("y", -0.3)):
        put(env, lean)
        assert value(velocity_rewards.orientation, env) == pytest.approx(math.sin(0.3) ** 2, rel=1e-4)


def test_base_height_aims_at_the_default_poses_or_the_given_height(env, walker_cfg, make_walker):
    put(env, height=0.757 + 0.05)  # the G1's default pose stands 0.757 m high
    assert value(velocity_rewards.base_height, env) == pytest.approx(0.0025, rel=1e-3)
    walker_cfg.env.rewards.base_height_target = 0.7
    env = make_walker()
    put(env, height=0.6)
    assert value(velocity_rewards.base_height, env) == pytest.approx(0.01, rel=1e-3)


def test_hips_are_roll_and_yaw_but_not_pitch(env):
    for joint, change in (
        ("left_hip_roll_joint", 0.1),
        ("right_hip_yaw_joint", -0.2),
        ("left_hip_pitch_joint", 0.5),
        ("right_knee_joint", 0.5),
    ):
        env.sim.dof_pos[:, env.joint_names.index(joint)] += change
    assert value(velocity_rewards.hip_pos, env) == pytest.approx(0.01 + 0.04, rel=1e-4)


def test_hip_joints_that_do_not_exist_are_named(walker_cfg, make_walker):
    walker_cfg.env.rewards.hip_joints = ["hip_rol_"]
    with pytest.raises(ConfigError, match=r"rewards\.hip_joints: no joint matches 'hip_rol_'"):
        make_walker()


def test_standing_still_counts_only_while_it_is_asked_for(env):
    env.sim.dof_pos[:, 0] += 0.3
    env.sim.dof_pos[:, 5] -= 0.2
    assert value(velocity_rewards.stand_still, env) == 0.0
    ask(env, 0.0, 0.0, 0.0)
    assert value(velocity_rewards.stand_still, env) == 0.0  # a stride to come to rest
    env.commands.age[:] = 40
    assert value(velocity_rewards.stand_still, env) == pytest.approx(0.5, rel=1e-4)


# ---------------------------------------------------------------------- feet


@pytest.mark.parametrize(
    (
        "phase",
        "wanted",
    ),  # stance is the first 0.55 of each foot's stride; the right one's began half a stride ago
    [(0.02, (True, True)), (0.2, (True, False)), (0.52, (True, True)), (0.7, (False, True))],
)
def test_contact_counts_the_feet_that_do_as_the_clock_says(env, phase, wanted):
    env.gait.phase[:] = phase
    for touching in ((True, True), (True, False), (False, True), (False, False)):
        env.sim.contact_force_w.zero_()
        env.sim.contact_force_w[:, env.feet, 2] = torch.where(torch.tensor(touching), 100.0, 0.0)
        right = sum(a == b for a, b in zip(touching, wanted, strict=True))
        assert value(velocity_rewards.contact, env) == right


def test_who_is_asked_to_stand_stands_on_both_feet_whatever_the_clock_says(env):
    env.gait.phase[:] = 0.7
    ask(env, 0.0, 0.0, 0.0)
    env.sim.contact_force_w[:, env.feet, 2] = 100.0
    env.commands.age[:] = 39
    assert value(velocity_rewards.contact, env) == 1.0  # in the stride after the command the clock goes on
    env.commands.age[:] = 40
    assert value(velocity_rewards.contact, env) == 2.0
    assert value(velocity_rewards.feet_swing_height, env) == 0.0


def test_swing_height_is_measured_over_the_ground_for_both_feet(env):
    env.gait.phase[:] = 0.55 + 0.45 / 2  # the left foot at the top of its swing, the right one on the ground
    assert env.foot_clearance.abs().max() < 1e-4  # the default pose stands on the ground
    assert value(velocity_rewards.feet_swing_height, env) == pytest.approx(0.08**2, rel=1e-3)
    put(env, height=env.robot.default_root_height + 0.03)
    torch.testing.assert_close(
        velocity_observations.foot_clearance(env), torch.full((4, 2), 0.03), atol=1e-4, rtol=0
    )
    assert value(velocity_rewards.feet_swing_height, env) == pytest.approx(0.05**2 + 0.03**2, rel=1e-2)


# ---------------------------------------------------------------------- what the policy is told


def test_the_policy_sees_the_command_and_the_clock(env):
    ask(env, 0.5, -0.3, 0.2)
    env.gait.phase[:] = torch.tensor([0.0, 0.25, 0.5, 0.75])
    torch.testing.assert_close(
        velocity_observations.velocity_commands(env), torch.tensor([[0.5, -0.3, 0.2]]).repeat(4, 1)
    )
    clock = torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.0, -1.0], [-1.0, 0.0]])  # sine, cosine
    torch.testing.assert_close(velocity_observations.gait_phase(env), clock, atol=1e-6, rtol=0)


def test_the_clock_is_hidden_from_who_is_asked_to_stand_but_not_from_who_turns_on_the_spot(env):
    env.gait.phase[:] = 0.3
    ask(env, 0.0, 0.0, 0.3)
    assert (velocity_observations.gait_phase(env) != 0.0).all()
    ask(env, 0.05, 0.05, 0.0)
    assert (velocity_observations.gait_phase(env) != 0.0).all()  # a stride to come to rest
    env.commands.age[:] = 40
    assert (velocity_observations.gait_phase(env) == 0.0).all()


# ---------------------------------------------------------------------- falling


def test_who_is_too_low_or_too_tilted_has_fallen(env):
    rules = {"base_height": terminations.base_height, "tilt": terminations.tilt}
    for rule, pose, fallen in (
        ("base_height", {"height": 0.46}, False),
        ("base_height", {"height": 0.44}, True),
        ("tilt", {"rotation": Rotation.from_euler("y", 0.88)}, False),
        ("tilt", {"rotation": NORTH * Rotation.from_euler("x", -0.92)}, True),
        ("tilt", {"rotation": Rotation.from_euler("x", math.pi)}, True),
    ):
        put(env, **pose)
        hit = {name: function(env).tolist() for name, function in rules.items()}
        assert hit[rule] == [fallen] * 4, (rule, pose)
        failed, timed_out = env._check_terminations()
        assert failed.tolist() == [fallen] * 4 and not timed_out.any()
        expected = env.termination_names.index(rule) if fallen else -1
        assert env.cause.tolist() == [expected] * 4

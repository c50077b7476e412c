"""Rewards that any legged robot has, by hand."""

from __future__ import annotations

import logging
import math

import pytest
import torch
from scipy.spatial.transform import Rotation

from legged_gym.envs.terms import rewards
from legged_gym.utils.errors import ConfigError

ALL = torch.arange(4)


@pytest.fixture
def env(make_walker):
    """Four robots in the default pose on flat ground, asked to walk forwards."""
    env = make_walker()
    env.reset_to(ALL, noisy=False)
    env.commands.set(ALL, torch.tensor([0.5, 0.0, 0.0]).repeat(4, 1))
    return env


def close(values: torch.Tensor, expected: list[float]) -> None:
    torch.testing.assert_close(values, torch.tensor(expected), rtol=1e-4, atol=1e-5)


# ---------------------------------------------------------------------- motors and joints


@pytest.fixture
def hanging(walker_cfg, make_walker):
    """Four robots 3 m up in the default pose, at rest; one physics step per control step."""
    walker_cfg.env.control.decimation = 1
    env = make_walker()
    raised(env, torch.zeros(4, env.num_actions))
    return env


def raised(env, dof_vel: torch.Tensor) -> None:
    root, zero = torch.tensor([[0.0, 0.0, 3.0]]).repeat(4, 1), torch.zeros(4, 3)
    upright = torch.tensor([[1.0, 0.0, 0.0, 0.0]]).repeat(4, 1)
    env.sim.reset(ALL, root, upright, zero, zero, env.default_dof_pos.repeat(4, 1), dof_vel)
    env._begin(ALL)


def test_torque_is_what_the_servos_apply(hanging):
    env = hanging
    dof_vel = torch.zeros(4, env.num_actions)
    dof_vel[2, 3] = 1.0
    raised(env, dof_vel)
    actions = torch.zeros(4, env.num_actions)
    actions[1, 0], actions[1, 7], actions[3, 4] = 0.2, -0.1, 1e3
    env.cfg.normalization.clip_actions = 1e3
    env.advance(actions)
    # In the one substep: stiffness * (target - position) - damping * velocity, and no more than the motor can give.
    asked = (env.stiffness * env.action_scale)[[0, 7]] * torch.tensor([0.2, -0.1])
    expected = [0.0, asked.square().sum(), env.damping[3] ** 2, env.effort_limit[4] ** 2]
    torch.testing.assert_close(rewards.torques(env), torch.stack([torch.as_tensor(e) for e in expected]))


def test_acceleration_is_the_change_of_velocity_over_the_control_period(make_walker):
    env = make_walker()  # two substeps of 10 ms
    env.last_dof_vel[:] = env.sim.dof_vel
    env.sim.dof_vel[1, 2] += 0.5
    env.sim.dof_vel[1, 4] -= 0.1
    # (0.5 / 0.02 s)^2 + (0.1 / 0.02 s)^2
    torch.testing.assert_close(
        rewards.dof_acc(env), torch.tensor([0.0, 625.0 + 25.0, 0.0, 0.0]), rtol=1e-4, atol=1e-3
    )


def test_acceleration_compares_with_the_velocity_before_the_step(make_walker):
    env = make_walker()
    for _ in range(3):
        before = env.sim.dof_vel.clone()
        env.advance(torch.ones(4, env.num_actions))
        expected = ((env.sim.dof_vel - before) / 0.02).square().sum(-1)
        assert (expected > 1.0).all()
        torch.testing.assert_close(rewards.dof_acc(env), expected)


def test_a_new_episode_is_not_a_jump_of_the_joints(walker_cfg, make_walker):
    walker_cfg.env.noise.init_noise_scales.dof_vel = 5.0
    env = make_walker()
    env.reset_to(ALL, noisy=False)
    env.episode_length_buf[1] = env.max_episode_length - 1
    env.step(torch.zeros(4, env.num_actions))
    assert env.sim.dof_vel[1].abs().max() > 1.0  # the noise of its new start
    acceleration = rewards.dof_acc(env)
    assert acceleration[1] == 0.0 and (acceleration[[0, 2, 3]] > 0.0).all()
    start = env.sim.dof_vel[1].clone()
    env.advance(torch.zeros(4, env.num_actions))
    assert torch.equal(env.last_dof_vel[1], start)


def test_both_count_only_with_a_weight(walker_cfg, make_walker):
    scales = walker_cfg.env.rewards.scales
    for name in vars(scales):
        setattr(scales, name, 0.0)
    scales.dof_acc = -2.0
    env = make_walker()
    assert env.reward_sum.names == ("dof_acc",)
    env.last_dof_vel[:] = env.sim.dof_vel
    env.sim.dof_vel[0, 0] += 0.02  # 1 rad/s^2
    reward = env._compute_reward(torch.zeros(4, dtype=torch.bool))
    torch.testing.assert_close(reward, torch.tensor([-2.0 * 0.02, 0.0, 0.0, 0.0]), rtol=1e-3, atol=1e-6)


def test_power_counts_whether_motors_drive_or_brake(env):
    env.sim.dof_torque.zero_()
    env.sim.dof_vel.zero_()
    env.sim.dof_torque[1, :3], env.sim.dof_vel[1, :3] = (
        torch.tensor([10.0, -5.0, 7.0]),
        torch.tensor([2.0, 3.0, 0.0]),
    )
    close(rewards.energy(env), [0.0, 20.0 + 15.0, 0.0, 0.0])


def test_velocity_is_squared_and_summed(env):
    env.sim.dof_vel.zero_()
    env.sim.dof_vel[2, :2] = torch.tensor([3.0, -4.0])
    close(rewards.dof_vel(env), [0.0, 0.0, 25.0, 0.0])


def test_limits_have_a_share_that_is_free(env):
    cfg, sim = env.cfg.rewards, env.sim
    cfg.soft_dof_vel_limit, cfg.soft_torque_limit = 0.5, 0.8
    sim.dof_vel.zero_()
    sim.dof_torque.zero_()
    knee = env.joint_names.index("left_knee_joint")  # 20 rad/s and 139 N m at most
    sim.dof_vel[:, knee] = torch.tensor([9.9, -10.25, 13.0, 0.0])
    close(rewards.dof_vel_limits(env), [0.0, 0.25, 1.0, 0.0])  # at most 1 for a joint
    sim.dof_torque[:, knee] = torch.tensor([111.2, 121.2, -131.2, 0.0])
    close(rewards.torque_limits(env), [0.0, 10.0, 20.0, 0.0])
    middle = 0.5 * (env.dof_lower + env.dof_upper)
    sim.dof_pos[:] = middle
    reach = 0.45 * (env.dof_upper - env.dof_lower)[knee]  # 0.9 of half the range
    sim.dof_pos[:, knee] += torch.stack((reach, reach + 0.05, -reach - 0.1, 0.0 * reach))
    close(rewards.dof_pos_limits(env), [0.0, 0.05, 0.1, 0.0])


# ---------------------------------------------------------------------- actions


def test_changes_of_the_action_and_changes_of_the_change(walker_cfg, make_walker):
    walker_cfg.env.rewards.scales.action_accel = -1.0
    walker_cfg.env.rewards.scales.ankle_action = -1.0
    env = make_walker()
    env.reset_to(ALL, noisy=False)
    for value in (1.0, 3.0, 2.0):
        env.advance(torch.full((4, env.num_actions), value))
    joints = env.num_actions
    close(rewards.action_rate(env), [joints * 1.0] * 4)
    close(rewards.action_accel(env), [joints * (2.0 - 2.0 * 3.0 + 1.0) ** 2] * 4)
    close(rewards.ankle_action(env), [4 * 4.0] * 4)  # two joints in each ankle


def test_a_new_episode_is_no_change_of_the_action(walker_cfg, make_walker):
    walker_cfg.env.rewards.scales.action_accel = -1.0
    env = make_walker()
    for value in (1.0, 3.0):
        env.advance(torch.full((4, env.num_actions), value))
    env.reset_to(ALL, noisy=False)
    close(rewards.action_accel(env), [0.0] * 4)
    env.advance(env.actions + 0.5)
    close(rewards.action_accel(env), [env.num_actions * 0.25] * 4)


def test_ankles_that_do_not_exist_are_named(walker_cfg, make_walker):
    walker_cfg.env.rewards.ankle_joints = ["fetlock"]
    make_walker()  # nobody asks for them
    walker_cfg.env.rewards.scales.ankle_action = -1.0
    with pytest.raises(ConfigError, match=r"rewards\.ankle_joints: no joint matches 'fetlock'"):
        make_walker()


# ---------------------------------------------------------------------- contacts


def push(env, *forces: list[list[float]]) -> None:
    """Contact forces of each robot's left and right foot, N."""
    env.sim.contact_force_w.zero_()
    env.sim.contact_force_w[:, env.feet] = torch.tensor(forces)


def test_feet_that_slide_on_the_ground_cost_their_speed(env):
    env.sim.body_lin_vel_w[:, env.feet_bodies] = torch.tensor([[0.3, 0.0, 0.4], [0.0, 0.2, 0.0]])
    none, left, both, light = (
        [[0.0, 0.0, 0.0]] * 2,
        [[0.0, 0.0, 50.0], [0.0, 0.0, 0.0]],
        [[0.0, 0.0, 50.0]] * 2,
        [[0.0, 0.0, 0.9]] * 2,
    )
    push(env, none, left, both, light)
    close(rewards.contact_no_vel(env), [0.0, 0.5, 0.7, 0.0])


def test_a_foot_that_hits_a_wall_stumbles(env):
    still = [0.0, 0.0, 0.0]
    push(
        env,
        [[30.0, 40.0, 9.0], still],
        [[30.0, 40.0, 11.0], still],
        [still, [0.0, -60.0, -10.0]],
        [still, still],
    )
    close(rewards.stumble(env), [1.0, 0.0, 1.0, 0.0])


def test_feet_that_stamp_cost_what_is_too_much(env):
    env.cfg.rewards.max_contact_force = 400.0
    push(
        env,
        [[0, 0, 400.0]] * 2,
        [[300.0, 0, 400.0], [0, 0, 450.0]],
        [[0, 0, 100.0]] * 2,
        [[0, 0, 401.0], [0, 0, 0]],
    )
    close(rewards.feet_contact_forces(env), [0.0, 100.0 + 50.0, 0.0, 1.0])


def test_bodies_that_should_not_touch_are_counted(env):
    env.sim.contact_force_w.zero_()
    hips_and_knees = env.penalized
    env.sim.contact_force_w[1, hips_and_knees[0]] = torch.tensor([0.2, 0.0, 0.0])
    env.sim.contact_force_w[1, hips_and_knees[3]] = torch.tensor([0.0, 50.0, 0.0])
    env.sim.contact_force_w[2, hips_and_knees[0]] = torch.tensor([0.05, 0.0, 0.0])
    env.sim.contact_force_w[3, env.feet] = 100.0
    close(rewards.collision(env), [0.0, 2.0, 0.0, 0.0])


def test_failing_and_living(env):
    env.failed = torch.tensor([False, True, False, False])
    close(rewards.termination(env), [0.0, 1.0, 0.0, 0.0])
    close(rewards.alive(env), [1.0] * 4)


# ---------------------------------------------------------------------- steps


def heading(angle: float) -> torch.Tensor:
    return torch.tensor([math.cos(angle / 2), 0.0, 0.0, math.sin(angle / 2)])


def test_feet_should_point_where_the_root_does_whichever_way_that_is(env):
    env.sim.root_quat_wxyz[:] = heading(3.1)
    left, right = env.feet_bodies
    env.sim.body_quat_wxyz[:, left] = heading(-3.1)  # 0.083 from 3.1, not 6.2
    env.sim.body_quat_wxyz[:, right] = heading(3.0)
    close(rewards.feet_orientation(env), [math.exp(-6.0 * (2 * math.pi - 6.2 + 0.1))] * 4)
    tilted = Rotation.from_euler("ZY", [3.1, 0.4]).as_quat(
        scalar_first=True
    )  # a pitched foot has a heading too
    env.sim.body_quat_wxyz[:, [left, right]] = torch.as_tensor(tilted, dtype=torch.float32)
    close(rewards.feet_orientation(env), [1.0] * 4)


@pytest.fixture
def flier(walker_cfg, make_walker):
    """Four robots asked to walk; `fly` tells the memory of a sequence of contacts of the left foot."""
    scales = walker_cfg.env.rewards.scales
    scales.feet_air_time = scales.feet_max_height_for_this_air = 1.0
    env = make_walker()
    env.reset_to(ALL, noisy=False)
    env.commands.set(ALL, torch.tensor([0.5, 0.0, 0.0]).repeat(4, 1))
    return env


def fly(env, contacts: str, height: float = 0.1) -> list[float]:
    """What robot 0 gets for its air time in each step; "1" is a contact of its left foot, its right one stays down."""
    gained = []
    for contact in contacts:
        env.last_foot_contact.copy_(env.foot_contact)
        env.sim.contact_force_w.zero_()
        env.sim.contact_force_w[:, env.feet, 2] = torch.tensor([100.0 * int(contact), 100.0])
        env.sim.body_pos_w[:, env.feet_bodies[0], 2] = height
        env.memory.after_step()
        gained.append(rewards.feet_air_time(env)[0].item())
    return gained


def test_a_step_earns_its_time_in_the_air_over_a_quarter_of_a_second_when_it_ends(flier):
    fly(flier, "1")
    # 20 steps of 20 ms without contact, then 5: 0.4 s and 0.1 s
    gained = fly(flier, "0" * 20 + "11" + "0" * 5 + "1")
    assert [round(value, 5) for value in gained if value != 0.0] == [0.15, -0.15]
    assert gained[20] > 0.0 and gained[27] < 0.0


def test_a_contact_that_flickers_is_no_step(flier):
    fly(flier, "1")
    assert fly(flier, "1010101") == [0.0] * 7


def test_a_flight_that_was_under_way_at_the_start_is_not_judged(flier):
    flier.sim.contact_force_w.zero_()
    flier.memory.restart(ALL)
    assert fly(flier, "0" * 5 + "1") == [0.0] * 6
    assert fly(flier, "0" * 20 + "1")[-1] == pytest.approx(0.15)


def test_who_is_asked_to_stand_earns_nothing_by_stepping(flier):
    flier.commands.set(ALL, torch.zeros(4, 3))
    flier.commands.age[:] = 100
    fly(flier, "1")
    assert fly(flier, "0" * 20 + "1")[-1] == 0.0
    assert flier.memory.landed[0, 0]


def test_low_steps_cost_what_they_lack_over_the_ground_they_are_on(flier):
    flier.terrain.heights = lambda tile, points: torch.full(points.shape[:2], 0.5)
    fly(flier, "1", height=0.55)
    fly(flier, "00", height=0.62)
    fly(flier, "00", height=0.58)
    assert not rewards.feet_max_height_for_this_air(flier).any()
    fly(flier, "1", height=0.54)
    assert rewards.feet_max_height_for_this_air(flier)[0].item() == pytest.approx(0.2 - 0.12, abs=1e-5)
    fly(flier, "1")
    assert not rewards.feet_max_height_for_this_air(flier).any()


def test_what_is_remembered_goes_on_in_a_resumed_run(walker_cfg, make_walker):
    scales = walker_cfg.env.rewards.scales
    scales.feet_air_time = scales.feet_max_height_for_this_air = scales.action_accel = 1.0
    env, other = make_walker(1), make_walker(2)
    actions = 0.5 * torch.randn(40, 4, env.num_actions, generator=torch.Generator().manual_seed(0))
    for action in actions[:20]:
        env.step(action)
    other.load_state_dict(env.state_dict())
    for action in actions[20:]:
        expected, got = env.step(action)[1], other.step(action)[1]
        assert torch.equal(got, expected)


def test_without_weights_nothing_is_remembered(make_walker):
    env = make_walker()
    assert env.memory.state_dict() == {}
    env.advance(torch.ones(4, env.num_actions))
    assert not env.memory.air_time.any() and not env.memory.before_last_actions.any()


# ---------------------------------------------------------------------- weights


def test_a_positive_weight_of_a_cost_is_told(walker_cfg, make_walker, caplog):
    walker_cfg.env.rewards.scales.contact_no_vel = 5.0
    with caplog.at_level(logging.WARNING):
        make_walker()
    assert "rewards.scales.contact_no_vel is 5, but the term is a cost" in caplog.text
    assert "alive" not in caplog.text and "action_rate" not in caplog.text


def test_nothing_to_learn_is_refused(walker_cfg, make_walker):
    for name in vars(walker_cfg.env.rewards.scales):
        setattr(walker_cfg.env.rewards.scales, name, 0.0)
    with pytest.raises(ConfigError, match="no weight but 0"):
        make_walker()

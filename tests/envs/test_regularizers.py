"""Rewards that any legged robot has, by hand: torques and joint accelerations."""

from __future__ import annotations

import pytest
import torch

from legged_gym.envs.terms import rewards

ALL = torch.arange(4)


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
    assert env.reward_names == ("dof_acc",)
    env.last_dof_vel[:] = env.sim.dof_vel
    env.sim.dof_vel[0, 0] += 0.02  # 1 rad/s^2
    reward = env._compute_reward(torch.zeros(4, dtype=torch.bool))
    torch.testing.assert_close(reward, torch.tensor([-2.0 * 0.02, 0.0, 0.0, 0.0]), rtol=1e-3, atol=1e-6)

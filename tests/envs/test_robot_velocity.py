"""The walking env: starts, commands over time, endings, its ground and its levels, seeds, resuming."""

from __future__ import annotations

import pytest
import torch

from legged_gym.envs.terms import terminations, velocity_rewards
from legged_gym.utils import math
from legged_gym.utils.errors import ConfigError

ALL = torch.arange(4)
UPRIGHT, ON_ITS_BACK = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.5**0.5, 0.0, -(0.5**0.5), 0.0]])
RING_M = 4.15
"""Made stairs have ten treads of 0.31 m around a middle of 1 m, so from 4.1 to 4.5 m they are level again."""


def act(env, value: float = 0.0):
    return env.step(torch.full((env.num_envs, env.num_actions), value))


def place(env, root_pos_w: torch.Tensor, lying: int | None = None) -> None:
    """Every robot upright in the default pose with its root at (4, 3), but for one that lies on its back."""
    zero, pose, quat = torch.zeros(4, 3), env.default_dof_pos.repeat(4, 1), UPRIGHT.repeat(4, 1)
    if lying is not None:
        root_pos_w[lying, 2], quat[lying] = 0.3, ON_ITS_BACK
    env.sim.reset(ALL, root_pos_w, quat, zero, zero, pose, torch.zeros_like(pose))
    env.refresh()


@pytest.fixture
def on_stairs(walker_cfg, make_walker):
    """Two robots on level ground and two on the middle one of three levels of stairs."""
    walker_cfg.env.terrain.kinds, walker_cfg.env.terrain.num_levels = ["flat", "stairs"], 3
    env = make_walker()
    env.terrain.level[:] = 1
    env.reset_to(ALL, noisy=False)
    return env


# ---------------------------------------------------------------------- starts


def test_an_episode_starts_on_both_feet_in_the_middle_of_its_own_ground(on_stairs):
    env = on_stairs
    assert env.tile.tolist() == [1, 4, 1, 4]  # kind * levels + level
    assert (env.env_offsets[0] - env.env_offsets[1]).norm() > 9.0  # grounds are 9 m wide
    torch.testing.assert_close(env.sim.root_pos_w[:, :2], env.env_offsets[:, :2])
    torch.testing.assert_close(env.base_height, torch.full((4,), env.robot.default_root_height))
    assert env.foot_clearance.abs().max() < 1e-4
    assert (env.gait.phase == 0.0).all() and (env.episode_length_buf == 0).all()


def test_noisy_starts_face_all_ways_at_all_places_of_the_stride(walker_cfg, make_walker):
    walker_cfg.env.env.num_envs = 200
    env = make_walker()
    heading = math.yaw_of(env.sim.root_quat_wxyz)
    for share in (heading / (2 * torch.pi) % 1.0, env.gait.phase):
        counts = torch.histc(share, bins=4, min=0.0, max=1.0)
        assert counts.sum() == 200 and counts.min() > 25, counts  # 50 each expected, four standard deviations
    upright = math.quat_rotate_inverse(env.sim.root_quat_wxyz, env.gravity_dir_w)[:, 2]
    limit = walker_cfg.env.noise.init_noise_scales.root_rot
    assert upright.max() < -torch.cos(torch.tensor(4.0 * limit)) + 1e-6 and upright.max() > -1.0
    assert len(env.commands.value.unique(dim=0)) > 150


def test_height_is_counted_from_the_robots_own_ground(on_stairs):
    env = on_stairs
    spot = env.env_offsets + torch.tensor([RING_M, 0.0, 0.0])
    level = env.terrain.heights(env.tile, spot[:, None, :2])[:, 0]
    assert level[0] == 0.0 and abs(level[1].item()) == pytest.approx(10 * (0.02 + 0.16 / 2), abs=1e-5)
    spot[:, 2] = level + env.robot.default_root_height
    place(env, spot)
    torch.testing.assert_close(env.base_height, torch.full((4,), env.robot.default_root_height))
    assert env.foot_clearance.abs().max() < 1e-4
    assert velocity_rewards.base_height(env).max() < 1e-8
    assert not terminations.base_height(env).any()
    for _ in range(5):
        env.advance(torch.zeros(4, env.num_actions))
    assert env.foot_contact.all()  # the ground that is looked up is the one that carries
    spot[:, 2] = level + 0.4
    place(env, spot)
    assert terminations.base_height(env).all()


def test_a_walker_that_asks_for_a_map_sees_its_own_tile(walker_cfg, make_walker):
    walker_cfg.env.terrain.kinds, walker_cfg.env.terrain.num_levels = ["stairs"], 2
    walker_cfg.env.terrain.curriculum = False
    walker_cfg.env.observations.actor.append("terrain_height")
    env = make_walker()
    env.reset_to(ALL, noisy=False)
    root = env.env_offsets + torch.tensor([RING_M, 0.0, env.robot.default_root_height])
    root[1::2, 2] += env.terrain.heights(env.tile, root[:, None, :2])[
        1::2, 0
    ]  # robots 0 and 2 stay at the same height
    place(env, root)
    env.sensors.update()
    scan = env.observe()["actor"][:, env.observation_layout()["actor"].slice_of("terrain_height")]
    torso = 0.801  # of the default pose, over its feet
    level = env.terrain.heights(env.tile, root[:, None, :2])[:, 0]
    assert level[0].abs() > 0.15 and level[1].abs() > 1.0
    expected = torch.where(ALL % 2 == 1, torso, torso - level)
    torch.testing.assert_close(scan[:, 60], expected, atol=2e-3, rtol=0)


# ---------------------------------------------------------------------- time


def test_command_and_clock_go_on_once_a_step(walker_cfg, make_walker):
    walker_cfg.env.commands.resampling_time = 0.06  # 3 steps
    env = make_walker()
    env.reset_to(ALL, noisy=False)
    first = env.commands.value.clone()
    for step in (1, 2):
        act(env)
        assert torch.equal(env.commands.value, first)
        torch.testing.assert_close(env.gait.phase, torch.full((4,), step * 0.02 / 0.8))
    obs = act(env)[0]["actor"]
    assert not (env.commands.value == first).all(-1).any()
    seen = obs[:, env.observation_layout()["actor"].slice_of("velocity_commands")]
    assert torch.equal(seen, env.commands.value)


def test_the_end_of_the_time_is_not_a_failure(make_walker):
    env = make_walker()
    env.reset_to(ALL, noisy=False)
    env.episode_length_buf[1] = env.max_episode_length - 1
    asked = env.commands.value[1].clone()
    _, _, dones, extras = act(env)
    assert dones.tolist() == extras["time_outs"].tolist() == [False, True, False, False]
    assert extras["log"]["Episode/success"] == 1.0
    assert env.episode_length_buf.tolist() == [1, 0, 1, 1]
    assert not torch.equal(env.commands.value[1], asked)  # a new episode has a new command


def test_a_fall_in_the_last_step_is_a_failure(make_walker):
    env = make_walker()
    root = torch.tensor([0.0, 0.0, env.robot.default_root_height]).repeat(4, 1)
    place(env, root, lying=2)
    env.episode_length_buf[:] = env.max_episode_length - 1
    _, _, dones, extras = act(env)
    assert dones.all() and extras["time_outs"].tolist() == [True, True, False, True]
    assert extras["log"]["Termination/base_height"] == 0.25
    assert extras["log"]["Episode/success"] == 0.75


def test_leaving_the_ground_ends_the_episode_without_failing_it(on_stairs):
    env = on_stairs
    spot = env.env_offsets + torch.tensor([4.52, 0.0, 0.0])  # its own square ends at 4.5 m
    spot[2:, 0] -= 0.06
    spot[:, 2] = env.terrain.heights(env.tile, spot[:, None, :2])[:, 0] + env.robot.default_root_height
    place(env, spot)
    _, _, dones, extras = act(env)
    assert dones.tolist() == extras["time_outs"].tolist() == [True, True, False, False]
    torch.testing.assert_close(env.sim.root_pos_w[:2, :2], env.env_offsets[:2, :2])


# ---------------------------------------------------------------------- levels


def test_who_followed_goes_up_a_level_and_who_fell_goes_down(on_stairs):
    env = on_stairs
    env.episode_length_buf[:] = env.max_episode_length - 1
    spot = env.env_offsets.clone()
    spot[:, 2] = env.robot.default_root_height
    place(env, spot, lying=3)
    steps = env.max_episode_length
    env._error_sum[:] = torch.tensor([0.39, 0.39, 0.41, 0.0]) * steps  # promotion_error is 0.4 m/s
    env.commands.set(ALL, torch.zeros(4, 3))
    extras = act(env)[3]
    assert env.terrain.level.tolist() == [2, 2, 1, 0]
    assert env.tile.tolist() == [2, 5, 1, 3]  # and is there already
    torch.testing.assert_close(env.env_offsets, env.terrain.offsets[env.tile])
    assert extras["log"]["Episode/lin_vel_error"].item() == pytest.approx(0.2975, abs=0.001)
    assert env.iteration_log() == {"Terrain/stairs_level": 1.0}  # the flat kind has no levels to speak of
    assert (env._error_sum == 0.0).all()


def test_a_ground_that_does_not_exist_says_what_does(walker_cfg, make_walker):
    walker_cfg.env.terrain.kinds = ["flat", "stears"]
    with pytest.raises(ConfigError, match=r"terrain\.kinds.*'stears'.*stairs, stepping_boxes"):
        make_walker()


# ---------------------------------------------------------------------- seeds and resuming


def trace(env, steps=30):
    rng = torch.Generator().manual_seed(3)
    out = []
    for _ in range(steps):
        obs, reward, _, _ = env.step(0.5 * torch.randn(4, env.num_actions, generator=rng))
        out.append(
            torch.cat((obs["actor"].flatten(), obs["critic"].flatten(), reward, env.sim.root_pos_w[:, 2]))
        )
    return torch.stack(out)


def test_same_seed_same_run_other_seed_other_run(make_walker):
    first, again, other = trace(make_walker(7)), trace(make_walker(7)), trace(make_walker(8))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_restored_env_goes_on_bit_for_bit_with_commands_strides_and_levels(walker_cfg, make_walker):
    cfg = walker_cfg.env
    cfg.env.episode_length_s, cfg.commands.resampling_time = 0.3, 0.22
    cfg.terrain.kinds, cfg.terrain.num_levels, cfg.terrain.promotion_error = ["flat", "rough"], 3, 0.8
    cfg.observations.actor.append("history_velocity_commands")
    env = make_walker()
    trace(env, 20)
    state = env.state_dict()
    expected, levels = trace(env), env.terrain.level.clone()
    assert not torch.equal(levels, state["terrain_level"]) and state["terrain_level"].any()
    other = make_walker(1)
    trace(other, 3)
    other.load_state_dict(state)
    assert torch.equal(other.get_observations()["actor"], state["observations"]["actor"][""])
    assert torch.equal(trace(other), expected)
    assert torch.equal(other.terrain.level, levels)

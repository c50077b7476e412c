"""Clips on their own ground: where envs stand in the world, and that nothing compared with the reference notices."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from legged_gym.utils.errors import ConfigError, TerrainError
from tests.envs.conftest import STEP


def test_robots_stand_on_their_clips_mesh_wherever_it_lies(task_cfg, make_env, step_clip, sway_clip):
    task_cfg.env.deepmimic.amass_replay_data_path = [str(sway_clip), str(step_clip)]
    task_cfg.env.env.num_envs = 8
    task_cfg.env.noise.init_noise_scales.root_xy = task_cfg.env.noise.init_noise_scales.root_z = 0.0
    env = make_env()
    ids = torch.arange(8)
    env.reset_to(ids, env.data.clip_start[ids % 2], noisy=False)
    assert env.env_offsets.unique(dim=0).shape == (2, 3)
    assert (env.env_offsets[:, :2].norm(dim=1) > 1.0).any()
    feet = env.sim.body_pos_w[:, env.feet_bodies]
    torch.testing.assert_close(env.sim.root_pos_w, env.reference.root_pos_w, atol=1e-5, rtol=0)
    # the ankle stands 0.03 m over the sole, on the floor and on the platform alike
    heights = env.height_above_ground(feet)
    torch.testing.assert_close(heights[0::2], heights[1::2], atol=1e-4, rtol=0)
    for _ in range(25):
        env.advance(torch.zeros(8, env.num_actions))
    assert env.foot_contact.any(dim=1).all()
    assert (env.sim.root_pos_w[1::2, 2] - env.sim.root_pos_w[0::2, 2] - STEP).abs().max() < 0.01


def test_observations_and_rewards_do_not_know_where_in_the_world_a_tile_lies(
    task_cfg, make_env, step_clip, sway_clip
):
    plain = make_env()
    task_cfg.env.deepmimic.amass_replay_data_path = [str(sway_clip), str(step_clip)]
    placed = make_env()
    ids, frames = torch.arange(4), torch.tensor([0, 10, 20, 30])
    seen = []
    for env in (plain, placed):
        env.reset_to(ids, frames, noisy=False)
        first = env.observe(ids)
        env.advance(torch.zeros(4, env.num_actions))
        seen.append((first, env.observe(), env._compute_reward(torch.zeros(4, dtype=torch.bool))))
    for name in ("actor", "critic"):
        torch.testing.assert_close(seen[0][0][name], seen[1][0][name], atol=2e-4, rtol=0)
        torch.testing.assert_close(seen[0][1][name], seen[1][1][name], atol=5e-3, rtol=0)
    torch.testing.assert_close(seen[0][2], seen[1][2], atol=1e-3, rtol=0)


def test_future_frames_lie_in_the_world_as_well(task_cfg, make_env, step_clip, sway_clip):
    task_cfg.env.deepmimic.amass_replay_data_path = [str(sway_clip), str(step_clip)]
    env = make_env()
    frames = torch.stack((env.frame, env.frame + 1), dim=1)
    ahead = env.reference_at(frames)
    torch.testing.assert_close(ahead.body_pos_w[:, 0], env.reference.body_pos_w)
    torch.testing.assert_close(ahead.root_pos_w[:, 0], env.reference.root_pos_w)


def test_a_resumed_env_stands_where_it_stood(task_cfg, make_env, step_clip, sway_clip):
    task_cfg.env.deepmimic.amass_replay_data_path = [str(sway_clip), str(step_clip)]
    env, resumed = make_env(seed=1), make_env(seed=2)
    resumed.load_state_dict(env.state_dict())
    assert torch.equal(env.env_offsets, resumed.env_offsets) and torch.equal(env.tile, resumed.tile)
    assert torch.equal(env.reference.body_pos_w, resumed.reference.body_pos_w)


def test_rough_grounds_are_drawn_alike_for_a_clip_without_a_mesh(task_cfg, make_env):
    task_cfg.env.deepmimic.amass_terrain_difficulty = 3
    task_cfg.env.env.num_envs = 300
    env = make_env()
    share = torch.bincount(env.tile, minlength=3) / 300
    assert (share - 1 / 3).abs().max() < 0.11  # four standard deviations
    points = env.env_offsets[:, :2].unsqueeze(1) + torch.tensor([3.0, 2.5])
    height = env.terrain.heights(env.tile, points)[:, 0]
    assert (height[env.tile == 0] == 0.0).all()
    assert (height[env.tile == 2] != 0.0).all() and height.abs().max() <= 0.035


def test_episodes_move_about_on_flat_ground_only(task_cfg, make_env, step_clip):
    motion = task_cfg.env.deepmimic
    motion.randomize_terrain_offset, motion.randomize_terrain_offset_range = True, 2.0
    task_cfg.env.env.num_envs = 400
    env = make_env()
    spread = env.env_offsets.std(dim=0)
    torch.testing.assert_close(spread[:2], torch.tensor([2.0, 2.0]), atol=0.3, rtol=0)
    assert spread[2] == 0.0
    motion.amass_replay_data_path = [str(step_clip)]
    with pytest.raises(
        ConfigError, match=r"randomize_terrain_offset: moves clips .* step is tied to its own"
    ):
        make_env()


def test_a_mesh_that_is_not_under_its_clip_is_refused(task_cfg, make_env, step_clip):
    text = step_clip.with_name("step.obj").read_text()
    moved = [
        f"v {float(x) + 50.0} {y} {z}" if kind == "v" else f"{kind} {x} {y} {z}"
        for kind, x, y, z in (line.split() for line in text.splitlines())
    ]
    step_clip.with_name("step.obj").write_text("\n".join(moved))
    task_cfg.env.deepmimic.amass_replay_data_path = [str(step_clip)]
    with pytest.raises(TerrainError, match=r"step\.obj"):
        make_env()


def test_recordings_are_trained_beside_clips(task_cfg, make_env, step_clip):
    motion = task_cfg.env.deepmimic
    motion.use_human_videos = True
    motion.human_video_folders = [step_clip.parent.name]
    motion.alt_data_root = str(step_clip.parent.parent)
    motion.human_video_data_pattern, motion.human_video_terrain_pattern = "*.npz", "*.obj"
    motion.human_video_oversample_factor = 3.0
    env = make_env()
    assert env.data.clip_names == ["sway", step_clip.parent.name]
    assert env.data.clip_weight.tolist() == [1.0, 3.0]
    assert np.isclose(float(env.data.root_pos_w[-1, 2] - env.data.root_pos_w[0, 2]), STEP, atol=0.01)
    motion.use_amass = False
    assert make_env().data.clip_names == [step_clip.parent.name]
    motion.use_human_videos = False
    with pytest.raises(ConfigError, match="use_amass and use_human_videos are both off"):
        make_env()

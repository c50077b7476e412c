"""Sensors in the env: what terms read, when it is new, and that unused sensors do not exist."""

from __future__ import annotations

import pytest
import torch

from legged_gym.envs.terms import observations
from legged_gym.utils.errors import ConfigError
from tests.envs.conftest import STEP


@pytest.fixture
def seeing(task_cfg, make_env, step_clip, sway_clip):
    """Makes an env of eight robots, on the floor and on the platform in turn, that reads the given terms."""

    def make(*terms: str):
        task_cfg.env.deepmimic.amass_replay_data_path = [str(sway_clip), str(step_clip)]
        task_cfg.env.env.num_envs = 8
        task_cfg.env.observations.actor = ["dof_pos", *terms]
        env = make_env()
        ids = torch.arange(8)
        env.reset_to(ids, env.data.clip_start[ids % 2], noisy=False)
        return env

    return make


def test_a_map_is_the_same_on_the_floor_and_on_a_platform_away_from_its_edges(seeing):
    env = seeing("terrain_height")
    scan = observations.terrain_height(env)
    assert scan.shape == (8, 121)
    torso = env.sim.body_pos_w[:, env.anchor, 2]
    torch.testing.assert_close(scan[0::2], torso[0::2, None].expand(-1, 121), atol=2e-3, rtol=0)
    middle = scan[1::2].view(4, 11, 11)[:, 3:8, 3:8]
    torch.testing.assert_close(
        middle, (torso[1::2] - STEP)[:, None, None].expand(-1, 5, 5), atol=2e-3, rtol=0
    )


def test_the_first_observation_of_an_episode_sees_its_own_tile(seeing):
    env = seeing("terrain_height", "history_root_height")
    ids = torch.arange(8)
    env.advance(torch.zeros(8, env.num_actions))
    env.observe()
    env.reset_to(ids, env.data.clip_start[(ids + 1) % 2], noisy=False)  # everybody changes places
    seen = env.observe(ids)["actor"]
    layout = env.observation_layout()["actor"]
    scan = seen[:, layout.slice_of("terrain_height")]
    centre = env.sim.body_pos_w[:, env.anchor, 2] - torch.where(ids % 2 == 0, STEP, 0.0)
    torch.testing.assert_close(scan[:, 60], centre, atol=2e-3, rtol=0)
    history = seen[:, layout.slice_of("history_root_height")]
    assert (history == history[:, :1]).all()  # nothing of the last episode


def test_link_heights_follow_the_tracked_bodies(seeing):
    env = seeing("link_heights")
    expected = env.height_above_ground(env.of_tracked(env.sim.body_pos_w))
    torch.testing.assert_close(observations.link_heights(env), expected, atol=1e-5, rtol=0)


def test_sensors_that_no_term_reads_are_not_made(seeing):
    env = seeing("root_height")
    assert set(env.sensors.state_dict()) == {"root_height"}


def test_a_sensor_that_is_off_cannot_be_read(seeing, task_cfg):
    with pytest.raises(ConfigError, match=r"sensors\.depth\.enabled is False, but an observation term"):
        seeing("depth")
    task_cfg.env.sensors.depth.enabled = True
    env = seeing("depth")
    assert env.observation_layout()["actor"].terms[1].stop - env.num_actions == 30 * 40


def test_depth_by_the_engines_rays_is_that_of_the_heights_but_for_edges(seeing, task_cfg):
    task_cfg.env.sensors.depth.enabled = True
    by_heights = seeing("depth").sensors.value("depth")
    task_cfg.env.sensors.depth.rays = "engine"
    by_engine = seeing("depth").sensors.value("depth")
    off = (by_heights - by_engine).abs()
    assert off.max() > 0.0, "one of them was not asked"
    assert by_engine.std() > 0.05 and off.quantile(0.95) < 0.01


def test_a_body_that_does_not_exist_is_named(seeing, task_cfg):
    task_cfg.env.sensors.root_height.body_name = "pelvsi"
    with pytest.raises(ConfigError, match="no body 'pelvsi'"):
        seeing("root_height")


def test_a_resumed_env_reads_the_same_noisy_map(seeing):
    env, resumed = seeing("terrain_height_noisy"), seeing("terrain_height_noisy")
    for _ in range(3):
        env.step(torch.zeros(8, env.num_actions))
    resumed.load_state_dict(env.state_dict())
    for one in (env, resumed):
        one.step(torch.zeros(8, env.num_actions))
    assert torch.equal(observations.terrain_height_noisy(env), observations.terrain_height_noisy(resumed))
    assert not torch.equal(observations.terrain_height_noisy(env), observations.terrain_height(env))

"""Noise: what the policy sees of it, what value functions do not, and references that stop."""

from __future__ import annotations

import copy
import logging
import math
from dataclasses import replace

import pytest
import torch

from legged_gym.envs.base.legged_robot_config import NoiseCfg
from legged_gym.envs.base.robot_deepmimic_config import TrackingNoiseCfg
from legged_gym.envs.terms import known_terms, observations, reference_observations
from legged_gym.envs.terms.noise import parts_of
from legged_gym.evaluation.protocol import START_NOISE, evaluation_config
from legged_gym.utils.errors import ConfigError

ALL = torch.arange(4)
FRAMES = torch.tensor([0, 10, 20, 30])


def restart(env):
    env.reset_to(ALL, FRAMES, noisy=False)
    return env.observe(ALL)


def look(env, times=200):
    """The policy's view of one and the same state, many times, less what it is, (times, N, D)."""
    restart(env)
    clean = env.observe()["critic"]
    return torch.stack([env.observe()["actor"] for _ in range(times)]) - clean


def same_terms(cfg, *terms):
    cfg.env.observations.actor, cfg.env.observations.critic = list(terms), list(terms)


# ---------------------------------------------------------------------- off


def test_without_scales_there_is_no_noise_and_nothing_is_drawn(task_cfg, make_env):
    same_terms(task_cfg, "dof_pos", "dof_vel", "torso_real", "anchor_pos_error_b")
    env = make_env()
    before = env.generator.get_state()
    obs = env.observe()
    assert torch.equal(obs["actor"], obs["critic"])
    assert torch.equal(env.generator.get_state(), before)


def test_one_switch_takes_all_noise_away(task_cfg, make_env):
    noise = task_cfg.env.noise
    assert any(scale > 0.0 for scale in vars(noise.init_noise_scales).values())
    task_cfg.env.noise = TrackingNoiseCfg()
    expected = make_env()
    task_cfg.env.noise = noise
    for group in (noise.noise_scales, noise.offset_scales):
        for name in vars(group):
            setattr(group, name, 0.1)
    noise.playback_noise_scales.freeze_env_prob = 0.5
    noise.add_noise = False
    env = make_env()
    for one in (env, expected):
        one.reset()
    actions = torch.randn(6, 4, env.num_actions, generator=torch.Generator().manual_seed(0))
    for action in actions:
        got, wanted = env.step(action), expected.step(action)
        assert torch.equal(got[0]["actor"], wanted[0]["actor"]) and torch.equal(got[1], wanted[1])


def test_evaluation_keeps_the_noise_of_its_start_states_only(task_cfg, walker_cfg):
    for cfg in (task_cfg.env, walker_cfg.env):
        for group in (cfg.noise.noise_scales, cfg.noise.offset_scales):
            for name in vars(group):
                setattr(group, name, 0.1)
        cfg.noise.add_noise = False
        judged = evaluation_config(cfg, "fine", start_noise=0.5).noise
        assert (
            judged.init_noise_scales.dof_pos == pytest.approx(0.5 * START_NOISE.dof_pos) and judged.add_noise
        )
        groups = {k: v for k, v in vars(judged).items() if k.endswith("_scales") and k != "init_noise_scales"}
        assert len(groups) >= 2
        assert not any(value for group in groups.values() for value in vars(group).values())
        assert cfg.noise.noise_scales.dof_pos == 0.1, "the training configuration must stay as it is"


# ---------------------------------------------------------------------- noise of a step


def test_policy_sees_uniform_noise_of_each_quantity_and_the_value_function_none(task_cfg, make_env):
    widths = {
        "base_lin_vel": 0.1,
        "base_ang_vel": 0.2,
        "projected_gravity": 0.05,
        "dof_pos": 0.01,
        "dof_vel": 1.5,
    }
    widths |= {"torso_xy_rel": 0.03, "torso_yaw_rel": 0.04, "ref_dof_pos": 0.0, "actions": 0.0}
    same_terms(task_cfg, *widths)
    scales = task_cfg.env.noise.noise_scales
    scales.lin_vel, scales.ang_vel, scales.gravity, scales.dof_pos, scales.dof_vel = 0.1, 0.2, 0.05, 0.01, 1.5
    scales.rel_xy, scales.rel_yaw = 0.03, 0.04
    env = make_env()
    noise = look(env)
    for name, half in widths.items():
        part = noise[..., env.observation_layout()["actor"].slice_of(name)]
        assert part.abs().max() <= half + 1e-5, name
        assert part.std() == pytest.approx(half / math.sqrt(3.0), rel=0.06, abs=1e-9), name
    assert torch.equal(env.observe()["critic"][:, :3], observations.base_lin_vel(env))


def test_noise_level_is_a_factor_of_all_scales(task_cfg, make_env):
    same_terms(task_cfg, "dof_pos")
    task_cfg.env.noise.noise_scales.dof_pos, task_cfg.env.noise.noise_level = 0.01, 3.0
    assert 0.028 < look(make_env()).abs().max() <= 0.03 + 1e-5


def test_a_composite_term_has_the_noise_of_its_parts_times_their_scales(task_cfg, make_env):
    same_terms(task_cfg, "torso_real")
    scales = task_cfg.env.noise.noise_scales
    scales.ang_vel, scales.gravity, scales.dof_pos, scales.dof_vel = 0.2, 0.05, 0.01, 1.5
    env = make_env()
    j = env.num_actions
    largest = look(env).abs().amax((0, 1))
    bounds = torch.cat(
        [torch.full((n,), b) for n, b in ((3, 0.05), (3, 0.05), (j, 0.01), (j, 0.075), (j, 0.0))]
    )
    assert (largest <= bounds + 1e-5).all() and (largest >= 0.9 * bounds - 1e-9).all()


def test_the_privileged_torso_stays_free_of_noise(task_cfg, make_env):
    same_terms(task_cfg, "torso")
    task_cfg.env.noise.noise_scales.dof_pos = 0.1
    assert look(make_env(), 2).abs().max() == 0.0


def test_history_holds_what_was_seen(task_cfg, make_env):
    same_terms(task_cfg, "dof_pos", "history_dof_pos")
    task_cfg.env.noise.noise_scales.dof_pos = 0.1
    env = make_env()
    first = restart(env)["actor"]
    joints = env.num_actions
    assert torch.equal(first[:, joints:].view(4, 5, -1), first[:, None, :joints].expand(4, 5, -1))
    seen = [first[:, :joints]]
    for _ in range(3):
        env.advance(torch.zeros(4, joints))
        seen.append(env.observe()["actor"][:, :joints])
    stack = env.get_observations()["actor"][:, joints:].view(4, 5, -1)
    for age, value in enumerate(reversed(seen)):
        assert torch.equal(stack[:, age], value)
    truth = env.get_observations()["critic"][:, joints : 2 * joints]
    assert torch.equal(truth, observations.dof_pos(env)) and not torch.equal(truth, seen[-1])


def test_terms_are_evaluated_once_for_both_groups(task_cfg, make_env, monkeypatch):
    same_terms(task_cfg, "dof_pos", "history_dof_pos")
    task_cfg.env.noise.noise_scales.dof_pos = 0.1
    calls = []
    original = observations.dof_pos
    counted = lambda env: calls.append(1) or original(env)  # noqa: E731
    counted.__module__, counted.errors = original.__module__, original.errors
    monkeypatch.setattr(observations, "dof_pos", counted)
    env = make_env()
    calls.clear()
    env.observe()
    assert len(calls) == 1


@pytest.mark.parametrize("task", ["tracking", "walking"])
def test_the_parts_of_every_term_add_up_to_it(task, make_env, make_walker, task_cfg):
    task_cfg.env.observations.num_next_obs = 2
    env = make_env() if task == "tracking" else make_walker()
    terms = {k: term for k, term in known_terms(env.observation_modules).items() if hasattr(term, "errors")}
    assert {"dof_pos", "torso_real"} < set(terms)
    for name, term in terms.items():
        width = term(env).shape[-1]
        assert sum(part[1] for part in parts_of(term, env, width)) == width, name


def test_noise_that_reaches_no_term_is_told(task_cfg, make_env, caplog):
    same_terms(task_cfg, "dof_pos")
    task_cfg.env.noise.noise_scales.gravity = 0.1
    task_cfg.env.noise.offset_scales.gravity = 0.1
    task_cfg.env.domain_rand = replace(task_cfg.env.domain_rand, randomize_odom_update_frequency=True)
    with caplog.at_level(logging.WARNING):
        make_env()
    (message,) = [m for m in caplog.messages if "observations.actor" in m]
    for name in ("noise_scales.gravity", "offset_scales.gravity", "randomize_odom_update_frequency"):
        assert name in message


# ---------------------------------------------------------------------- errors of an episode


def test_offsets_stay_for_an_episode_and_are_redrawn_at_its_reset(task_cfg, make_env):
    same_terms(task_cfg, "projected_gravity", "dof_pos", "torso_real")
    offsets = task_cfg.env.noise.offset_scales
    offsets.gravity, offsets.dof_pos = 0.02, 0.005
    task_cfg.env.normalization.dof_pos = 2.0
    task_cfg.env.env.num_envs = 64
    env = make_env()
    everyone = torch.arange(64)
    env.reset_to(everyone, torch.zeros(64, dtype=torch.long), noisy=False)

    def error(obs):
        return obs["actor"] - obs["critic"]

    first = error(env.observe(everyone))
    env.advance(torch.zeros(64, env.num_actions))
    torch.testing.assert_close(error(env.observe()), first, atol=1e-5, rtol=0)
    j = env.num_actions
    assert first[:, 3 : 3 + j].std() == pytest.approx(0.005, rel=0.1)
    assert first[:, :3].std() == pytest.approx(0.02, rel=0.15)
    real = first[:, 3 + j :]
    torch.testing.assert_close(real[:, 3:6], first[:, :3], atol=1e-5, rtol=0)
    torch.testing.assert_close(real[:, 6 : 6 + j], 2.0 * first[:, 3 : 3 + j], atol=1e-5, rtol=0)
    assert real[:, :3].abs().max() < 1e-5 and real[:, 6 + j :].abs().max() < 1e-5
    env.reset_to(everyone[:1], torch.tensor([0]), noisy=False)
    second = error(env.observe(everyone[:1]))
    assert not torch.allclose(second[0], first[0], atol=1e-4)
    torch.testing.assert_close(second[1:], first[1:], atol=1e-5, rtol=0)


def test_an_action_offset_is_added_before_the_clip_and_is_in_the_action_that_is_observed(task_cfg, make_env):
    task_cfg.env.noise.offset_scales.action = 0.5
    task_cfg.env.normalization.clip_actions = 1.0
    env = make_env()
    restart(env)
    offset = env.noise.offsets["action"]
    assert offset.std() == pytest.approx(0.5, rel=0.3)
    env.advance(torch.full((4, env.num_actions), 0.8))
    torch.testing.assert_close(observations.actions(env), (0.8 + offset).clamp(-1.0, 1.0))


# ---------------------------------------------------------------------- references that stop


def test_a_reference_that_stands_still_has_no_velocity_and_leads_nowhere(task_cfg, make_env):
    task_cfg.env.control.feed_forward = "pd"
    task_cfg.env.observations.num_next_obs = 2
    task_cfg.env.noise.playback_noise_scales.freeze_env_prob = 1.0
    env = make_env()
    restart(env)
    assert env.reference.dof_vel.abs().max() > 0.1
    env.advance(torch.zeros(4, env.num_actions))
    stopped = env.frame.clone()
    assert torch.equal(stopped, FRAMES + 1)
    env.advance(torch.zeros(4, env.num_actions))
    assert torch.equal(env.frame, stopped) and (env.episode_length_buf == 2).all()
    for name in ("dof_vel", "root_lin_vel_w", "root_ang_vel_w", "body_lin_vel_w", "body_ang_vel_w"):
        assert getattr(env.reference, name).abs().max() == 0.0
    assert reference_observations.ref_dof_vel(env).abs().max() == 0.0
    ahead = reference_observations.future_ref_dof_pos(env).view(4, 2, -1)
    torch.testing.assert_close(ahead, reference_observations.ref_dof_pos(env).unsqueeze(1).expand_as(ahead))
    env.advance(torch.zeros(4, env.num_actions))
    torch.testing.assert_close(env.joint_targets, env.data.dof_pos[stopped], atol=1e-6, rtol=0)


def test_references_stop_and_go_with_their_chances_each_for_itself(task_cfg, make_env):
    playback = task_cfg.env.noise.playback_noise_scales
    playback.freeze_env_prob, playback.unfreeze_env_prob = 0.1, 0.4
    env = make_env()
    draws = env.playback
    paces = []
    for _ in range(2000):
        draws.move_on()
        paces.append(draws.pace.clone())
    moving = torch.stack(paces).float()
    assert moving.mean() == pytest.approx(0.4 / (0.1 + 0.4), abs=0.03)  # of the two-state chain
    assert not torch.equal(moving[:, 0], moving[:, 1])
    env.reset_to(torch.tensor([1]), torch.tensor([0]), noisy=False)
    assert draws.pace[1] == 1


def test_a_standing_reference_goes_on_standing_after_a_resume(task_cfg, make_env):
    playback = task_cfg.env.noise.playback_noise_scales
    playback.freeze_env_prob, playback.unfreeze_env_prob = 0.5, 0.2
    env = make_env()
    actions = torch.zeros(4, env.num_actions)
    for _ in range(4):
        env.step(actions)
    other = make_env(9)
    other.load_state_dict(copy.deepcopy(env.state_dict()))
    assert not env.playback.pace.bool().all()
    for _ in range(6):
        expected, got = env.step(actions), other.step(actions)
        assert torch.equal(expected[0]["actor"], got[0]["actor"]) and torch.equal(expected[1], got[1])


# ---------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda noise: setattr(noise, "noise_level", -1.0), r"noise.noise_level is -1.0"),
        (lambda noise: setattr(noise.noise_scales, "dof_pos", -0.1), r"noise.noise_scales.dof_pos is -0.1"),
        (
            lambda noise: setattr(noise.offset_scales, "action", math.nan),
            r"noise.offset_scales.action is nan",
        ),
        (
            lambda noise: setattr(noise.playback_noise_scales, "freeze_env_prob", 1.5),
            r"noise.playback_noise_scales.freeze_env_prob is 1.5; it must lie between 0 and 1",
        ),
    ],
)
def test_scales_that_are_none_are_refused(change, message):
    noise = TrackingNoiseCfg()
    noise.check()
    change(noise)
    with pytest.raises(ConfigError, match=message):
        noise.check()


def test_a_task_without_a_reference_has_no_noise_on_one():
    assert not hasattr(NoiseCfg(), "playback_noise_scales")
    assert not hasattr(NoiseCfg().noise_scales, "rel_xy")

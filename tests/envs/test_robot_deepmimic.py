"""The tracking env: the first observation after a reset, actions, rewards, endings, seeds, resuming."""

from __future__ import annotations

import math

import pytest
import torch

from legged_gym.envs.g1.g1_deepmimic_config import ORIGINAL_ACTOR_TERMS, ORIGINAL_CRITIC_TERMS
from legged_gym.envs.terms import observations, reference_observations, rewards, tracking_rewards
from legged_gym.utils.errors import ConfigError
from tests.envs.conftest import NUM_FRAMES

ALL = torch.arange(4)


def act(env, value=0.0):
    return env.step(torch.full((env.num_envs, env.num_actions), value))


# ---------------------------------------------------------------------- after a reset


def test_first_observation_after_a_reset_is_of_the_new_place(make_env):
    env = make_env()
    for _ in range(7):
        act(env, 0.5)
    env.reset_to(ALL, torch.tensor([0, 10, 30, 50]), noisy=False)
    actor = env.observe(ALL)["actor"]
    layout = env.observation_layout()["actor"]
    assert actor[:, layout.slice_of("anchor_pos_error_b")].abs().max() < 1e-4
    identity = torch.tensor([1.0, 0, 0, 1.0, 0, 0])
    torch.testing.assert_close(
        actor[:, layout.slice_of("anchor_rot6d_error")], identity.repeat(4, 1), atol=1e-4, rtol=0
    )
    torch.testing.assert_close(
        actor[:, layout.slice_of("dof_pos")], actor[:, layout.slice_of("ref_dof_pos")], atol=1e-5, rtol=0
    )
    torch.testing.assert_close(
        actor[:, layout.slice_of("dof_vel")], actor[:, layout.slice_of("ref_dof_vel")], atol=1e-4, rtol=0
    )


def test_original_terms_and_their_history_start_consistent(task_cfg, make_env):
    task_cfg.env.observations.actor = list(ORIGINAL_ACTOR_TERMS)
    task_cfg.env.observations.critic = list(ORIGINAL_CRITIC_TERMS)
    env = make_env()
    for _ in range(7):
        act(env, 0.5)
    env.reset_to(ALL, torch.tensor([0, 10, 30, 50]), noisy=False)
    actor = env.observe(ALL)["actor"]
    layout = env.observation_layout()["actor"]
    for name in ("history_torso_xy_rel", "history_torso_yaw_rel"):
        assert actor[:, layout.slice_of(name)].abs().max() < 1e-4
    history = actor[:, layout.slice_of("history_torso_real")].view(4, 5, -1)
    assert torch.equal(history, history[:, :1].expand_as(history))


def test_the_auto_reset_inside_a_step_gives_the_same_observation_as_a_fresh_look(make_env):
    env = make_env()
    env.reset_to(ALL, torch.full((4,), NUM_FRAMES - 2), noisy=False)
    env.observe(ALL)
    obs, _, dones, _ = act(env)
    assert dones.all()
    for name, function in (
        ("anchor_pos_error_b", reference_observations.anchor_pos_error_b),
        ("dof_pos", observations.dof_pos),
    ):
        part = obs["actor"][:, env.observation_layout()["actor"].slice_of(name)]
        torch.testing.assert_close(part, function(env))


def test_history_is_newest_first(task_cfg, make_env):
    task_cfg.env.observations.actor = ["history_dof_pos"]
    env = make_env()
    env.reset_to(ALL, torch.zeros(4, dtype=torch.long), noisy=False)
    env.observe(ALL)
    seen = []
    for _ in range(3):
        env.advance(torch.zeros(4, env.num_actions))
        env.observe()
        seen.append(observations.dof_pos(env))
    stack = env.get_observations()["actor"].view(4, 5, -1)
    for age, value in enumerate(reversed(seen)):
        assert torch.equal(stack[:, age], value)


def test_observations_handed_out_are_not_overwritten_by_the_next_step(make_env):
    env = make_env()
    first = env.get_observations()["actor"]
    copy = first.clone()
    act(env, 1.0)
    assert torch.equal(first, copy)


def test_start_velocities_follow_the_reference_or_are_zero(task_cfg, make_env):
    env = make_env()
    env.reset_to(ALL, torch.full((4,), 20), noisy=False)
    assert env.sim.dof_vel.abs().max() > 0.5
    torch.testing.assert_close(env.sim.root_lin_vel_w[0], torch.tensor([0.3, 0, 0]), atol=1e-3, rtol=0)
    task_cfg.env.deepmimic.init_velocities = False
    env = make_env()
    env.reset_to(ALL, torch.full((4,), 20), noisy=False)
    assert env.sim.dof_vel.abs().max() == 0.0 and env.sim.root_lin_vel_w.abs().max() == 0.0


def test_respawn_offset_lifts_the_robot_and_not_the_reference(task_cfg, make_env):
    task_cfg.env.deepmimic.respawn_z_offset = 0.1
    env = make_env()
    env.reset_to(ALL, torch.zeros(4, dtype=torch.long), noisy=False)
    torch.testing.assert_close(
        env.anchor_pos_w[:, 2] - env.ref_anchor_pos_w[:, 2], torch.full((4,), 0.1), atol=1e-4, rtol=0
    )


def test_start_noise_stays_within_its_bounds_and_is_there(make_env):
    env = make_env()
    env.reset_to(ALL, torch.zeros(4, dtype=torch.long), noisy=True)
    error = env.sim.dof_pos - env.reference.dof_pos
    bound = env.cfg.noise.init_noise_scales.dof_pos
    assert 0.2 * bound < error.abs().max() <= bound + 1e-6


def test_starts_are_spread_over_the_clip_with_the_asked_share_at_its_beginning(task_cfg, make_env):
    task_cfg.env.deepmimic.clip_weighting_strategy = "uniform_step"
    task_cfg.env.deepmimic.start_frame_share = 0.25
    env = make_env()
    starts = env.starts.sample(8000)
    assert abs((starts == 0).float().mean() - (0.25 + 0.75 / (NUM_FRAMES - 2))) < 0.02
    assert starts.max() >= NUM_FRAMES - 6 and len(starts.unique()) > NUM_FRAMES - 8
    task_cfg.env.deepmimic.randomize_start_offset = False
    assert (make_env().starts.sample(100) == 0).all()


# ---------------------------------------------------------------------- actions


def test_a_residual_action_of_zero_asks_for_the_next_reference_frame(make_env):
    env = make_env()
    env.reset_to(ALL, torch.tensor([0, 5, 20, 40]), noisy=False)
    env.advance(torch.zeros(4, env.num_actions))
    torch.testing.assert_close(env.joint_targets, env.data.dof_pos[torch.tensor([1, 6, 21, 41])])


def test_default_pose_control_scales_clips_and_smooths(task_cfg, make_env):
    task_cfg.env.control.control_type = "P"
    task_cfg.env.control.beta = 0.5
    task_cfg.env.normalization.clip_actions = 2.0
    env = make_env()
    env.reset_to(ALL, torch.zeros(4, dtype=torch.long), noisy=False)
    before = env.actions.clone()
    env.advance(torch.full((4, env.num_actions), 30.0))
    smoothed = 0.5 * before + 0.5 * 2.0
    torch.testing.assert_close(env.actions, smoothed)
    torch.testing.assert_close(env.joint_targets, env.default_dof_pos + env.action_scale * smoothed)


def test_default_pose_control_starts_with_the_action_that_holds_the_pose(task_cfg, make_env):
    task_cfg.env.control.control_type = "P"
    env = make_env()
    env.reset_to(ALL, torch.full((4,), 25), noisy=False)
    torch.testing.assert_close(
        env.default_dof_pos + env.action_scale * env.actions, env.sim.dof_pos, atol=1e-5, rtol=0
    )


def test_feed_forward_adds_velocity_and_torque_of_the_reference(task_cfg, make_env):
    task_cfg.env.control.feed_forward = "pd"
    env = make_env()
    torch.testing.assert_close(
        env.target_offsets, env.data.dof_pos + env.data.dof_vel * env.damping / env.stiffness
    )
    task_cfg.env.control.feed_forward = "inverse_dynamics"
    env = make_env()
    extra = env.target_offsets - env.data.dof_pos - env.data.dof_vel * env.damping / env.stiffness
    torch.testing.assert_close(extra * env.stiffness, env.data.feed_forward, atol=1e-3, rtol=0)
    assert env.data.feed_forward.abs().max() > 1.0


# ---------------------------------------------------------------------- rewards


def test_every_tracking_reward_is_full_on_the_reference(task_cfg, make_env):
    env = make_env()
    env.reset_to(ALL, torch.tensor([0, 10, 30, 50]), noisy=False)
    for name in vars(task_cfg.env.rewards.scales):
        if name.endswith("_tracking") or name == "alive":
            torch.testing.assert_close(
                getattr(rewards if name == "alive" else tracking_rewards, name)(env),
                torch.ones(4),
                atol=2e-3,
                rtol=0,
                msg=name,
            )


def test_rewards_by_hand(task_cfg, make_env):
    env = make_env()
    env.reset_to(ALL, torch.zeros(4, dtype=torch.long), noisy=False)
    env.sim.dof_pos[0, 3] += 0.5
    expected = math.exp(-2.0 * 0.25)
    assert tracking_rewards.joint_pos_tracking(env)[0] == pytest.approx(expected, rel=1e-3)
    env.sim.body_pos_w[1, env.tracked[2]] += torch.tensor([0.0, 0.3, 0.4])
    assert tracking_rewards.link_pos_tracking(env)[1] == pytest.approx(math.exp(-5.0 * 0.25), rel=1e-3)
    mean = 0.25 / len(env.tracked)
    assert tracking_rewards.body_pos_tracking(env)[1] == pytest.approx(math.exp(-mean / 0.3**2), rel=1e-3)
    env.actions[2], env.last_actions[2] = 0.0, 0.0
    env.actions[2, :2] = torch.tensor([1.0, -2.0])
    assert rewards.action_rate(env)[2] == pytest.approx(5.0)


def test_relative_body_reward_ignores_where_the_robot_stands_and_faces(task_cfg, make_env):
    env = make_env()
    env.reset_to(ALL, torch.full((4,), 10), noisy=False)
    state = env.sim.root_pos_w.clone(), env.sim.root_quat_wxyz.clone()
    turn = torch.tensor([math.cos(0.4), 0.0, 0.0, math.sin(0.4)]).repeat(4, 1)
    from legged_gym.utils.math import quat_mul

    zero = torch.zeros(4, 3)
    shifted = state[0] + torch.tensor([0.7, -0.4, 0.0])
    env.sim.reset(
        ALL, shifted, quat_mul(turn, state[1]), zero, zero, env.sim.dof_pos.clone(), env.sim.dof_vel.clone()
    )
    env.refresh()
    torch.testing.assert_close(tracking_rewards.body_pos_tracking(env), torch.ones(4), atol=1e-3, rtol=0)
    torch.testing.assert_close(tracking_rewards.body_ori_tracking(env), torch.ones(4), atol=1e-3, rtol=0)
    assert tracking_rewards.link_pos_tracking(env).max() < 0.1


def test_weights_are_per_second(task_cfg, make_env):
    scales = task_cfg.env.rewards.scales
    for name in vars(scales):
        setattr(scales, name, 0.0)
    scales.alive = 3.0
    _, reward, _, _ = act(make_env())
    torch.testing.assert_close(reward, torch.full((4,), 3.0 * 0.02))


def test_only_positive_rewards_keeps_the_price_of_failing(task_cfg, make_env):
    scales = task_cfg.env.rewards.scales
    for name in vars(scales):
        setattr(scales, name, 0.0)
    scales.action_rate, scales.termination = -1000.0, -50.0
    task_cfg.env.rewards.only_positive_rewards = True
    env = make_env()
    env.failed = torch.tensor([True, False, False, False])
    env.actions.fill_(1.0)
    total = env._compute_reward(env.failed)
    torch.testing.assert_close(total, torch.tensor([-1.0, 0.0, 0.0, 0.0]))


# ---------------------------------------------------------------------- endings


def test_the_clip_end_is_a_time_out(make_env):
    env = make_env()
    env.reset_to(ALL, torch.full((4,), NUM_FRAMES - 2), noisy=False)
    _, _, dones, extras = act(env)
    assert dones.all() and extras["time_outs"].all()


def test_failing_on_the_last_frame_is_a_failure(make_env):
    env = make_env()
    env.reset_to(ALL, torch.full((4,), NUM_FRAMES - 2), noisy=False)
    env.advance(torch.zeros(4, env.num_actions))
    env.sim.body_pos_w[1, env.anchor, 2] -= 0.5
    env.refresh()
    failed, timed_out = env._check_terminations()
    assert failed.tolist() == [False, True, False, False]
    assert timed_out.tolist() == [True, False, True, True]
    assert env.termination_names[int(env.cause[1])] == "anchor_height"


def test_a_diverged_env_ends_and_starts_anew_without_poison(make_env):
    env = make_env()
    actions = torch.zeros(4, env.num_actions)
    actions[2] = torch.nan
    obs, reward, dones, extras = env.step(actions)
    assert dones[2] and not extras["time_outs"][2]
    for tensor in (obs["actor"], obs["critic"], reward):
        assert torch.isfinite(tensor).all()
    assert reward[2] == 0.0


def test_each_threshold_ends_the_episode_just_beyond_it(task_cfg, make_env):
    task_cfg.env.deepmimic.link_pos_error_threshold = 0.3
    task_cfg.env.terminations.anchor_distance = 0.4
    env = make_env()
    cases = {
        "anchor_height": lambda d: env.sim.body_pos_w[1, env.anchor].__setitem__(
            2, env.ref_anchor_pos_w[1, 2] + 0.25 * d
        ),
        "end_effector_height": lambda d: env.sim.body_pos_w[1, env.end_effectors[2]].__setitem__(
            2, env.reference.body_pos_w[1, env.end_effectors[2], 2] - 0.25 * d
        ),
        "link_pos_error": lambda d: env.sim.body_pos_w[1, env.tracked[4]].__setitem__(
            0, env.reference.body_pos_w[1, env.tracked[4], 0] + 0.3 * d
        ),
    }
    for cause, move in cases.items():
        for factor, ends in ((0.95, False), (1.05, True)):
            env.reset_to(ALL, torch.full((4,), 5), noisy=False)
            move(factor)
            env.refresh()
            failed, _ = env._check_terminations()
            hits = [
                name
                for name, rule in zip(env.termination_names[1:], env._termination_rules, strict=True)
                if rule(env)[1]
            ]
            assert (cause in hits) == ends, (cause, factor)
            assert not failed[[0, 2, 3]].any()


def test_the_log_names_the_causes_and_the_reward_per_second(make_env):
    env = make_env()
    env.reset_to(ALL, torch.full((4,), NUM_FRAMES - 2), noisy=False)
    extras = act(env)[3]
    assert extras["log"]["Episode/success"] == 1.0
    assert extras["log"]["Episode/seconds"] == pytest.approx(0.02)
    assert sum(float(v) for k, v in extras["log"].items() if k.startswith("Termination/")) == 0.0
    assert 0.3 < extras["log"]["Reward/anchor_pos_tracking"] <= 0.5


# ---------------------------------------------------------------------- seeds and resuming


def trace(env, steps=30):
    rng = torch.Generator().manual_seed(3)
    out = []
    for _ in range(steps):
        obs, reward, _, _ = env.step(0.5 * torch.randn(4, env.num_actions, generator=rng))
        out.append(torch.cat((obs["actor"].flatten(), obs["critic"].flatten(), reward)))
    return torch.stack(out)


def test_same_seed_same_run_other_seed_other_run(make_env):
    first, again, other = trace(make_env(7)), trace(make_env(7)), trace(make_env(8))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_restored_env_goes_on_bit_for_bit(task_cfg, make_env):
    task_cfg.env.observations.actor = ["history_torso_real", "actions", "ref_dof_pos"]
    env = make_env()
    trace(env, 11)
    state = env.state_dict()
    expected = trace(env)
    other = make_env(99)
    other.load_state_dict(state)
    assert torch.equal(other.get_observations()["actor"], state["observations"]["actor"][""])
    assert torch.equal(trace(other), expected)


# ---------------------------------------------------------------------- names


def test_layout_sizes_are_the_originals(task_cfg, make_env):
    task_cfg.env.observations.actor = list(ORIGINAL_ACTOR_TERMS)
    task_cfg.env.observations.critic = list(ORIGINAL_CRITIC_TERMS)
    task_cfg.env.deepmimic.tracked_body_names = [
        n for n in task_cfg.env.deepmimic.tracked_body_names if n != "torso_link"
    ]
    layout = make_env().observation_layout()
    assert (layout["actor"].size, layout["critic"].size) == (415, 623)


@pytest.mark.parametrize(
    ("group", "field", "value", "hint"),
    [
        ("observations", "actor", ["dof_poss"], "dof_pos"),
        ("observations", "critic", ["history_torso_reel"], "torso_real"),
        ("deepmimic", "tracked_body_names", ["left_tentacle"], "left_knee_link"),
        ("deepmimic", "upper_body_joints", ["tail"], "waist_yaw_joint"),
        ("asset", "terminate_after_contacts_on", ["horn"], "torso_link"),
    ],
)
def test_an_unknown_name_says_what_exists(task_cfg, make_env, group, field, value, hint):
    setattr(getattr(task_cfg.env, group), field, value)
    with pytest.raises(ConfigError, match=hint):
        make_env()

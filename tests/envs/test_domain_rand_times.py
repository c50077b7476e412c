"""Domain randomisation in time: delays, slow odometry, pushes; when draws are made, seeds, resuming, records."""

from __future__ import annotations

import copy
import math
from itertools import pairwise

import pytest
import torch

from legged_gym.envs.terms import observations
from legged_gym.envs.terms.randomizations import EPISODE, START_UP
from legged_gym.utils import task_registry
from legged_gym.utils.cli import parse_command
from tests.envs.randomising import ALL, FRAMES, SWITCHES, place, run, switch_all_on, switch_on

# ---------------------------------------------------------------------- delays


@pytest.mark.parametrize("low, high", [(0, 0), (1, 1), (2, 2), (3, 3), (5, 5), (0, 5)])
def test_control_delay_counts_physics_substeps(task_cfg, make_env, low, high):
    reference = make_env()
    switch_on(task_cfg, "control_delays", control_delay_min=low, control_delay_max=high)
    env = make_env()
    for one in (reference, env):
        one.reset_to(ALL, FRAMES, noisy=False)
    delay = env.randomizer.draws["control_delay"][:, 0].tolist()
    assert all(low <= k <= high for k in delay)
    start, sent = reference.sim.dof_pos.clone(), []
    generator = torch.Generator().manual_seed(0)
    for step in range(6):
        env.advance(0.5 * torch.randn(4, env.num_actions, generator=generator))
        for substep in range(2):
            sent.append(env.joint_targets.clone())
            now = 2 * step + substep
            late = [start[i] if now < k else sent[now - k][i] for i, k in enumerate(delay)]
            reference.sim.set_joint_targets(torch.stack(late))
            reference.sim.step(1)
    assert torch.equal(env.sim.dof_pos, reference.sim.dof_pos)


def test_action_delay_counts_control_steps_and_the_policy_sees_what_it_sent(task_cfg, make_env):
    task_cfg.env.control.control_type = "P"
    switch_on(task_cfg, "action_delays", action_delay_min=2, action_delay_max=2)
    env = make_env()
    env.reset_to(ALL, FRAMES, noisy=False)
    sent = [env.actions.clone(), env.actions.clone()]
    for step in range(5):
        sent.append(torch.full((4, env.num_actions), 0.1 * step))
        env.advance(sent[-1])
        torch.testing.assert_close(env.joint_targets, env.default_dof_pos + env.action_scale * sent[-3])
        assert torch.equal(observations.actions(env), sent[-1])


def test_what_policies_know_from_odometry_stands_between_measurements(task_cfg, make_env):
    task_cfg.env.observations.actor = ["torso_xy_rel", "torso_yaw_rel", "history_torso_xy_rel", "dof_pos"]
    task_cfg.env.observations.critic = ["torso_xy_rel"]
    switch_on(task_cfg, "randomize_odom_update_frequency", odom_update_steps_min=3, odom_update_steps_max=3)
    env = make_env()
    env.reset_to(ALL, torch.zeros(4, dtype=torch.long), noisy=False)
    env.observe(ALL)
    layout = env.observation_layout()["actor"]
    seen, true, joints = [], [], []
    for _ in range(9):
        env.advance(torch.full((4, env.num_actions), 0.4))
        obs = env.observe()
        seen.append(obs["actor"][:, :3])
        true.append(obs["critic"])
        joints.append(obs["actor"][:, layout.slice_of("dof_pos")])
        newest = obs["actor"][:, layout.slice_of("history_torso_xy_rel")][:, :2]
        assert torch.equal(newest, obs["actor"][:, :2])
    changed = torch.stack([(b != a).any(-1) for a, b in pairwise(seen)])  # (8, N)
    assert (changed.sum(0) >= 2).all() and (changed.sum(0) <= 3).all()
    for when, env_id in changed.nonzero().tolist():
        assert torch.equal(seen[when + 1][env_id, :2], true[when + 1][env_id])
    assert all((b != a).any() for a, b in pairwise(joints))


# ---------------------------------------------------------------------- pushes


def test_a_push_changes_the_velocity_by_at_most_its_maximum(walker_cfg, make_walker):
    switch_on(walker_cfg, "push_robots", max_push_vel_xy=0.5, max_push_vel_z=0.2, max_push_ang_vel=0.3)
    env = make_walker()
    place(env.sim, env.robot, height=5.0, quat=(math.cos(0.5), math.sin(0.5), 0.0, 0.0))
    env.randomizer._until_push[:] = torch.tensor([0, 3, 0, 7])
    env.randomizer.disturb()
    env.sim.step(1)
    lin = env.sim.root_lin_vel_w + torch.tensor([0.0, 0.0, 9.81 * env.sim.dt])
    ang = env.sim.body_ang_vel_w[:, 0]
    assert torch.equal((lin.norm(dim=-1) > 0.01), torch.tensor([True, False, True, False]))
    assert (lin.abs() <= torch.tensor([0.5, 0.5, 0.2]) + 1e-2).all() and (ang.abs() <= 0.32).all()
    assert lin[[0, 2]].abs().max() > 0.1 and ang[[0, 2]].abs().max() > 0.05


def test_pushes_come_at_each_envs_own_times_and_never_in_a_first_step(task_cfg, make_env, monkeypatch):
    switch_on(task_cfg, "push_robots", push_interval_s=0.1)  # 5 control steps
    env = make_env()
    pushed = []
    monkeypatch.setattr(env.sim, "add_root_velocity", lambda ids, lin, ang: pushed.append(ids.tolist()))
    times = {i: [] for i in range(4)}
    for step in range(200):
        if step % 40 == 0:
            env.randomizer.restart(ALL)
        pushed.clear()
        env.randomizer.disturb()
        for i in (i for ids in pushed for i in ids):
            assert step % 40 != 0
            times[i].append(step)
    gaps = [b - a for own in times.values() for a, b in pairwise(own)]
    assert {1, 5} <= set(gaps) and max(g for g in gaps) <= 5 + 5  # a reset may come between
    assert times[0] != times[1]


def test_the_originals_name_of_the_push_interval_is_understood(walker_cfg):
    for task in ("g1", "g1_deepmimic"):
        options = [
            "--task",
            task,
            "--env.domain_rand.max_push_vel_interval=3",
            "--env.domain_rand.push_robots",
        ]
        cfg = parse_command(options).cfg.env.domain_rand
        assert cfg.push_interval_s == 3.0 and cfg.push_robots


# ---------------------------------------------------------------------- when, seeds, resuming, records


def test_draws_are_made_at_start_up_and_at_each_envs_own_reset(task_cfg, make_env):
    switch_all_on(task_cfg)
    env = make_env()
    before = copy.deepcopy(env.randomizer.draws)
    env.reset_to(torch.tensor([2]), torch.tensor([5]), noisy=False)
    others = torch.tensor([0, 1, 3])
    for one in START_UP:
        assert torch.equal(env.randomizer.draws[one.name], before[one.name])
    for one in EPISODE:
        now = env.randomizer.draws[one.name]
        assert torch.equal(now[others], before[one.name][others])
        if not one.name.endswith("delay"):
            assert not torch.equal(now[2], before[one.name][2])


def test_a_seed_repeats_everything_and_another_does_not(task_cfg, make_env):
    switch_all_on(task_cfg)
    first, again, other = (run(make_env(seed)) for seed in (1, 1, 2))
    assert torch.equal(first[0]["actor"], again[0]["actor"]) and torch.equal(first[1], again[1])
    assert not torch.equal(first[0]["actor"], other[0]["actor"])


@pytest.mark.parametrize("task", ["g1_deepmimic", "g1"])
def test_a_resumed_env_goes_on_bit_for_bit(task, task_cfg, walker_cfg):
    cfg = task_cfg if task == "g1_deepmimic" else walker_cfg
    switches = [name for name in SWITCHES if hasattr(cfg.env.domain_rand, name)]
    switch_on(cfg, *switches, control_delay_max=3, action_delay_max=2, push_interval_s=0.1)
    cfg.env.asset.use_alt_files = True
    cfg.env.noise.noise_scales.dof_pos = cfg.env.noise.offset_scales.dof_pos = 0.01
    make = task_registry.get(task).load_env_class()
    env = make(cfg.env, seed=1)
    generator = torch.Generator().manual_seed(0)
    actions = 0.4 * torch.randn(20, 4, env.num_actions, generator=generator)
    for action in actions[:10]:
        env.step(action)
    state = copy.deepcopy(env.state_dict())
    other = make(cfg.env, seed=7)
    other.load_state_dict(state)
    for action in actions[10:]:
        expected, got = env.step(action), other.step(action)
        assert torch.equal(expected[0]["actor"], got[0]["actor"])
        assert torch.equal(expected[1], got[1]) and torch.equal(expected[2], got[2])


def test_what_was_drawn_is_tabled(task_cfg, make_env):
    switch_on(task_cfg, "randomize_friction", "randomize_base_com", "p_gain_rand")
    env = make_env()
    tables = env.tables()
    assert "clips" in tables
    rows = {row["randomization"]: row for row in tables["randomization"]}
    assert list(rows) == ["friction", "base_com", "p_gain"]
    friction = env.randomizer.draws["friction"]
    assert rows["friction"]["mean"] == pytest.approx(friction.mean().item())
    assert rows["friction"]["max"] == pytest.approx(friction.max().item())
    assert (rows["friction"]["drawn"], rows["p_gain"]["drawn"]) == ("start-up", "episode")
    envs = tables["randomization_envs"]
    assert list(envs[0]) == ["env", "friction", "base_com.x", "base_com.y", "base_com.z"] and len(envs) == 4
    assert envs[3]["friction"] == pytest.approx(friction[3].item())

"""Scale, clip and history of single observation terms: what they do, where they are kept, what is printed of them."""

from __future__ import annotations

import pytest
import torch

from legged_gym.envs.terms import observations
from legged_gym.rl.bundle_content import describe
from legged_gym.rl.checkpoint import layout_differences, layout_of
from legged_gym.rl.provenance import make_provenance
from legged_gym.scripts._session import show_observations
from legged_gym.utils.cli import CommonArgs, parse_command
from legged_gym.utils.errors import ConfigError
from tests.envs.randomising import ALL, FRAMES, switch_on


def part(env, name, group="actor"):
    return env.get_observations()[group][:, env.observation_layout()[group].slice_of(name)]


def restart(env):
    env.reset_to(ALL, FRAMES, noisy=False)
    env.observe(ALL)


def test_a_term_is_clipped_in_its_own_unit_and_then_scaled_for_actor_and_critic(task_cfg, make_env):
    task_cfg.env.observations.scales = {"dof_vel": 0.05, "base_ang_vel": -2.0}
    task_cfg.env.observations.clips = {"dof_vel": 1.5, "dof_pos": 0.1}
    env = make_env()
    restart(env)
    for group in ("actor", "critic"):
        velocity = observations.dof_vel(env)
        assert velocity.abs().max() > 1.5
        torch.testing.assert_close(part(env, "dof_vel", group), 0.05 * velocity.clamp(-1.5, 1.5))
        torch.testing.assert_close(part(env, "dof_pos", group), observations.dof_pos(env).clamp(-0.1, 0.1))
        torch.testing.assert_close(part(env, "base_ang_vel", group), -2.0 * observations.base_ang_vel(env))
        torch.testing.assert_close(part(env, "base_lin_vel", group), observations.base_lin_vel(env))


def test_noise_is_in_the_terms_unit_and_follows_its_scale(task_cfg, make_env):
    task_cfg.env.observations.scales = {"dof_vel": 10.0}
    task_cfg.env.observations.clips = {"dof_pos": 0.15}
    task_cfg.env.noise.noise_scales.dof_vel = 0.2
    task_cfg.env.noise.noise_scales.dof_pos = 5.0
    env = make_env()
    restart(env)
    off = []
    for _ in range(50):
        env.observe()
        off.append(part(env, "dof_vel") - 10.0 * observations.dof_vel(env))
    off = torch.stack(off)
    assert 1.9 < off.abs().max() <= 2.0 + 1e-4
    assert part(env, "dof_pos").abs().max() == pytest.approx(0.15)  # noise can not carry a term over its clip
    torch.testing.assert_close(part(env, "dof_vel", "critic"), 10.0 * observations.dof_vel(env))


def test_histories_hold_what_was_seen_each_as_long_as_asked(task_cfg, make_env):
    cfg = task_cfg.env.observations
    cfg.actor = ["history_dof_vel", "history_actions", "dof_vel"]
    cfg.scales, cfg.history_lengths, cfg.history_length = {"dof_vel": 0.5}, {"dof_vel": 3}, 2
    env = make_env()
    layout = env.observation_layout()["actor"]
    assert [term.history for term in layout.terms] == [3, 2, 1] and layout.size == (
        3 + 2 + 1
    ) * env.num_actions
    restart(env)
    seen = [observations.dof_vel(env)]
    for _ in range(3):
        env.advance(torch.zeros(4, env.num_actions))
        env.observe()
        seen.append(observations.dof_vel(env))
    stack = part(env, "history_dof_vel").view(4, 3, -1)
    for age in range(3):
        torch.testing.assert_close(stack[:, age], 0.5 * seen[-1 - age])


def test_scales_do_not_change_the_state_that_others_read(task_cfg, make_env):
    """Terms are shared between groups and with the simulator's own tensors."""
    task_cfg.env.observations.scales = {name: 3.0 for name in task_cfg.env.observations.actor}
    scaled = make_env()
    task_cfg.env.observations.scales = {}
    plain = make_env()
    for env in (scaled, plain):
        restart(env)
        for _ in range(3):
            env.step(torch.full((4, env.num_actions), 0.2))
    assert torch.equal(scaled.sim.dof_pos, plain.sim.dof_pos)
    for group in ("actor", "critic"):
        shared = slice(0, plain.observation_layout()["actor"].size)
        torch.testing.assert_close(
            scaled.get_observations()[group][:, shared], 3.0 * plain.get_observations()[group][:, shared]
        )


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("scales", {"dof_vell": 1.0}, r"observations\.scales: no term 'dof_vell' in .*known: ref_dof_pos, "),
        (
            "scales",
            {"torso": 1.0},
            r"observations\.scales: no term 'torso' in observations\.actor or \.critic",
        ),
        ("clips", {"dof_vell": 1.0}, r"observations\.clips: no term 'dof_vell'"),
        (
            "history_lengths",
            {"dof_vel": 3},
            r"observations\.history_lengths: no history_ term 'dof_vel'.*none",
        ),
        ("scales", {"dof_vel": 0.0}, r"observations\.scales: dof_vel is 0\.0; it must be finite and not 0"),
        ("clips", {"dof_vel": -1.0}, r"observations\.clips: dof_vel is -1\.0; it must be finite and above 0"),
        (
            "history_lengths",
            {"dof_vel": 0},
            r"observations\.history_lengths: dof_vel is 0; it must be 1 or more",
        ),
        ("history_length", 0, r"observations\.history_length is 0; it must be 1 or more"),
        ("num_next_obs", 0, r"observations\.num_next_obs is 0; it must be 1 or more"),
    ],
)
def test_what_is_said_of_no_term_or_leaves_nothing_is_refused(task_cfg, make_env, field, value, message):
    setattr(task_cfg.env.observations, field, value)
    with pytest.raises(ConfigError, match=message):
        make_env()


def test_they_are_set_from_the_command_line():
    words = ["--task=g1", "--env.observations.scales={dof_vel: 0.05, base_ang_vel: 0.25}"]
    words += ["--env.observations.clips=dof_vel:20", "--env.observations.history_lengths={}"]
    cfg = parse_command(words, CommonArgs).cfg.env.observations
    assert (cfg.scales, cfg.clips) == ({"dof_vel": 0.05, "base_ang_vel": 0.25}, {"dof_vel": 20.0})
    assert cfg.history_lengths == {}


# ---------------------------------------------------------------------- where they are kept


def test_checkpoints_know_them_and_older_ones_had_none(walker_cfg, make_walker):
    plain = layout_of(make_walker())
    old = {
        group: [{k: v for k, v in term.items() if k not in ("scale", "clip")} for term in terms]
        for group, terms in plain.items()
    }
    assert layout_differences(old, plain) == []
    walker_cfg.env.observations.scales, walker_cfg.env.observations.clips = (
        {"dof_vel": 0.05},
        {"dof_pos": 1.0},
    )
    differences = layout_differences(old, layout_of(make_walker()))
    assert "actor observation 'dof_vel' has scale 1.0 in the checkpoint and 0.05 in the env" in differences
    assert "critic observation 'dof_pos' has clip None in the checkpoint and 1.0 in the env" in differences


def test_bundles_have_them(walker_cfg, make_walker):
    walker_cfg.env.observations.scales, walker_cfg.env.observations.clips = (
        {"dof_vel": 0.05},
        {"dof_vel": 20.0},
    )
    env = make_walker()
    origin = make_provenance(config={}, run="", iteration=0, samples=0, clips={}, evaluation=None)
    terms = {term.name: term for term in describe(env, "g1", env.robot, False, origin).observation.terms}
    assert (terms["dof_vel"].scale, terms["dof_vel"].clip) == (0.05, 20.0)
    assert (terms["dof_pos"].scale, terms["dof_pos"].clip) == (1.0, None)


def test_the_table_has_scale_clip_and_noise_of_every_term(task_cfg, make_env, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    cfg = task_cfg.env
    cfg.observations.actor = ["history_torso_real", "dof_vel", "dof_pos", "anchor_pos_error_b", "actions"]
    cfg.observations.scales, cfg.observations.clips = {"dof_vel": 0.05}, {"dof_vel": 20.0}
    cfg.noise.noise_scales.dof_vel, cfg.noise.noise_scales.rel_xy = 1.5, 0.01
    cfg.noise.offset_scales.dof_pos = 0.005
    switch_on(task_cfg, "randomize_joint_zero", "randomize_odom_update_frequency")
    show_observations(make_env())
    rows = [
        [cell.strip() for cell in line.split("│")[1:-1]]
        for line in capsys.readouterr().out.splitlines()
        if "│" in line
    ]
    actor = {row[1]: row[2:] for row in rows if row[0] == "actor"}
    critic = {row[1]: row[2:] for row in rows if row[0] == "critic"}
    assert actor["dof_vel"] == ["375", "398", "1", "0.05", "±20", "dof_vel ±1.5"]
    assert actor["dof_pos"][3:] == ["1", "", "dof_pos off by ~0.005 + -0.02 to 0.02 all episode"]
    assert actor["anchor_pos_error_b"][5] == "rel_xy ±0.01; held between measurements"
    assert "dof_vel ±0.075" in actor["history_torso_real"][5] and actor["history_torso_real"][2] == "5"
    assert actor["actions"][3:] == ["1", "", ""]
    assert critic["dof_vel"][3:] == ["0.05", "±20", ""]

"""Every rule that ends an episode: it does just beyond its threshold, not within, and the log names it."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.spatial.transform import Rotation

from legged_gym.utils.errors import ConfigError

ALL = torch.arange(4)
RULES = {
    "link_pos_error": 0.3,
    "anchor_height": 0.25,
    "anchor_tilt": 0.8,
    "anchor_distance": 0.4,
    "end_effector_height": 0.25,
    "base_height": 0.5,
    "tilt": 0.7,
    "dof_pos_limits": 0.1,
    "dof_vel_limits": 1.5,
}
"""Thresholds of this test."""


@pytest.fixture
def make_tracker(task_cfg, make_env):
    """Builds an env with one rule in force; all robots exactly on the reference."""

    def make(rule: str | None, **asset):
        cfg = task_cfg.env
        cfg.deepmimic.link_pos_error_threshold = RULES[rule] if rule == "link_pos_error" else None
        for name in vars(cfg.terminations):
            setattr(cfg.terminations, name, RULES[rule] if rule == name else None)
        for name, value in asset.items():
            setattr(cfg.asset, name, value)
        env = make_env()
        env.reset_to(ALL, torch.full((4,), 10), noisy=False)
        return env

    return make


def turned(quat_wxyz: torch.Tensor, axis: str, angle: float) -> torch.Tensor:
    old = Rotation.from_quat(quat_wxyz.double().numpy(), scalar_first=True)
    new = (old * Rotation.from_euler(axis, angle)).as_quat(scalar_first=True)
    return torch.as_tensor(new, dtype=torch.float32)


def beyond(env, rule: str, factor: float) -> None:
    """Take robot 1 to a factor of the rule's threshold, but for base_height, which is a least height."""
    sim, limit = env.sim, RULES[rule] * factor
    if rule == "link_pos_error":
        sim.body_pos_w[1, env.tracked[4]] += limit * torch.tensor([0.6, 0.0, 0.8])
    elif rule == "anchor_height":
        sim.body_pos_w[1, env.anchor, 2] -= limit
    elif rule == "anchor_distance":
        sim.body_pos_w[1, env.anchor] += limit * torch.tensor([0.6, -0.8, 9.0])
    elif rule == "anchor_tilt":  # the reference stands upright
        sim.body_quat_wxyz[1, env.anchor] = turned(
            sim.body_quat_wxyz[1, env.anchor], "x", math.acos(1.0 - limit)
        )
    elif rule == "end_effector_height":
        sim.body_pos_w[1, env.end_effectors[2], 2] += limit
    elif rule == "base_height":
        sim.root_pos_w[1, 2] = RULES[rule] / factor
    elif rule == "tilt":
        sim.root_quat_wxyz[1] = turned(sim.root_quat_wxyz[1], "y", -limit)
    elif rule == "dof_pos_limits":
        sim.dof_pos[1, 3] = env.dof_lower[3] - limit
        sim.dof_pos[2, 3] = env.dof_upper[3]
    elif rule == "dof_vel_limits":  # the knee's motor reaches 20 rad/s
        sim.dof_vel[1, env.joint_names.index("left_knee_joint")] = -20.0 * limit
    env.refresh()


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_ends_the_episode_just_beyond_its_threshold(make_tracker, rule):
    for factor in (0.97, 1.03):
        env = make_tracker(rule)
        assert env.termination_names == ("diverged", rule)
        beyond(env, rule, factor)
        failed, timed_out = env._check_terminations()
        assert failed.tolist() == [False, factor > 1.0, False, False], factor
        assert not timed_out.any()
        assert env.cause.tolist() == [-1, 1 if factor > 1.0 else -1, -1, -1]


def test_a_forbidden_contact_ends_the_episode_from_1_newton_on(make_tracker):
    env = make_tracker(None, terminate_after_contacts_on=["torso", "knee"])
    env.sim.contact_force_w.zero_()
    env.sim.contact_force_w[1, env.forbidden[0]] = torch.tensor([0.0, 0.9, 0.0])
    env.sim.contact_force_w[2, env.forbidden[-1]] = torch.tensor([0.7, 0.0, -0.8])
    env.sim.contact_force_w[3, env.feet] = 1000.0
    assert env._check_terminations()[0].tolist() == [False, False, True, False]
    assert env.termination_names == ("diverged", "forbidden_contact")


def test_a_lost_simulation_ends_the_episode_before_any_rule(make_tracker):
    env = make_tracker("anchor_height")
    beyond(env, "anchor_height", 2.0)
    env.sim.diverged[1] = True
    failed, _ = env._check_terminations()
    assert failed.tolist() == [False, True, False, False]
    assert env.termination_names[env.cause[1]] == "diverged"


def test_the_log_has_the_share_of_every_cause(make_tracker):
    env = make_tracker("dof_vel_limits")
    env.episode_length_buf[0] = env.max_episode_length - 1  # this one only runs out of time
    env.advance(torch.zeros(4, env.num_actions))
    beyond(env, "dof_vel_limits", 1.1)
    failed, timed_out = env._check_terminations()
    assert timed_out.tolist() == [True, False, False, False]
    env._compute_reward(failed)
    env._note_episodes((failed | timed_out).nonzero().squeeze(-1), failed)
    assert env._log["Termination/dof_vel_limits"] == 0.5 and env._log["Termination/diverged"] == 0.0
    assert env._log["Episode/success"] == 0.5


def test_height_is_over_the_ground_below(make_tracker):
    env = make_tracker("base_height")
    env.terrain.heights = lambda tile, points: torch.full(points.shape[:2], 0.4)
    env.sim.root_pos_w[:, 2] = torch.tensor([0.89, 0.91, 0.91, 0.91])
    assert env._check_terminations()[0].tolist() == [True, False, False, False]


def test_rules_of_a_walking_robot_can_be_switched_off(walker_cfg, make_walker):
    walker_cfg.env.terminations.tilt = None
    assert make_walker().termination_names == ("diverged", "base_height", "forbidden_contact")


# ---------------------------------------------------------------------- thresholds that begin loose


def test_a_curriculum_lets_rules_begin_loose(task_cfg, make_tracker):
    task_cfg.env.curriculum.first_slack = 2.0
    for rule in (
        "link_pos_error",
        "anchor_height",
        "anchor_distance",
        "anchor_tilt",
        "end_effector_height",
        "tilt",
    ):
        task_cfg.env.curriculum.thresholds = [rule]
        for factor in (1.9, 2.1):
            env = make_tracker(rule)
            beyond(env, rule, factor)
            assert env._check_terminations()[0].tolist() == [False, factor > 2.0, False, False], (
                rule,
                factor,
            )
        env.curriculum.moves = task_cfg.env.curriculum.num_moves
        env.reset_to(ALL, torch.full((4,), 10), noisy=False)
        beyond(env, rule, 1.03)
        assert env._check_terminations()[0][1]


@pytest.mark.parametrize("rule", ["large_foot_contact_force", "anchor_distance", "anchor_hight"])
def test_rules_that_are_off_or_cannot_begin_loose_are_refused(task_cfg, make_tracker, rule):
    task_cfg.env.curriculum.thresholds = [rule]
    with pytest.raises(
        ConfigError, match=rf"curriculum\.thresholds: '{rule}' is no rule .*known: anchor_height$"
    ):
        make_tracker("anchor_height")

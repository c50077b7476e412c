"""A robot that is dropped: a foot that hits the ground too hard ends the episode where that is asked for."""

from __future__ import annotations

import pytest
import torch

FALL_M = 0.5
STEPS = 25
"""Falling half a metre takes sqrt(2 * 0.5 / 9.81) = 0.32 s, 16 steps."""


@pytest.fixture
def drop(task_cfg, make_env):
    """Drops four robots with no other rule in force; returns the env and (step, log) of the first episode's end."""
    cfg = task_cfg.env
    cfg.deepmimic.respawn_z_offset, cfg.deepmimic.link_pos_error_threshold = FALL_M, None
    cfg.deepmimic.init_velocities = False
    for name in vars(cfg.terminations):
        setattr(cfg.terminations, name, None)

    def dropped(**asset):
        for name, value in asset.items():
            setattr(cfg.asset, name, value)
        env = make_env()
        env.reset_to(torch.arange(4), torch.zeros(4, dtype=torch.long), noisy=False)
        for step in range(STEPS):
            _, _, dones, extras = env.step(torch.zeros(4, env.num_actions))
            if dones.any():
                assert not extras["time_outs"].any()
                return env, (step, extras["log"])
        return env, None

    return dropped


def test_a_hard_landing_ends_the_episode_and_the_log_says_why(drop):
    env, end = drop(terminate_after_large_feet_contact_forces=True, large_feet_contact_force_threshold=400.0)
    assert env.termination_names == ("diverged", "large_foot_contact_force")
    step, log = end
    assert 14 <= step <= 18  # not before the ground is reached
    assert log["Termination/large_foot_contact_force"] == 1.0 and log["Episode/success"] == 0.0


def test_the_force_is_that_of_one_foot_in_newtons(drop):
    """Someone who stands on both feet has half of his weight of 340 N on each."""
    env, _ = drop(terminate_after_large_feet_contact_forces=True, large_feet_contact_force_threshold=1e9)
    env.reset_to(torch.arange(4), torch.zeros(4, dtype=torch.long), noisy=False)
    rule = env._termination_rules[0]
    env.sim.contact_force_w.zero_()
    env.sim.contact_force_w[0, env.feet] = torch.tensor([0.0, 0.0, 180.0])
    env.sim.contact_force_w[1, 0] = torch.tensor([120.0, 0.0, 160.0])  # 200 N in all, sideways too
    env.sim.contact_force_w[2, 1] = torch.tensor([0.0, 0.0, 201.0])
    env.sim.contact_force_w[3, len(env.robot.foot_bodies) :] = 500.0  # not a foot
    env.cfg.asset.large_feet_contact_force_threshold = 190.0
    assert rule(env).tolist() == [False, True, True, False]


@pytest.mark.parametrize(
    "asset",
    [
        {"terminate_after_large_feet_contact_forces": True, "large_feet_contact_force_threshold": 50_000.0},
        {"terminate_after_large_feet_contact_forces": False, "large_feet_contact_force_threshold": 400.0},
    ],
)
def test_a_high_threshold_or_none_lets_it_land(drop, asset):
    env, end = drop(**asset)
    assert end is None and env.foot_contact.any()

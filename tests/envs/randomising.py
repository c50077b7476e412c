"""Helpers of the tests of domain randomisation."""

from __future__ import annotations

from dataclasses import replace

import torch

from legged_gym.envs.base.domain_rand_config import TrackingDomainRandCfg

ALL = torch.arange(4)
FRAMES = torch.tensor([0, 10, 20, 30])
SWITCHES = [name for name, value in vars(TrackingDomainRandCfg()).items() if isinstance(value, bool)]


def switch_on(cfg, *names, **fields):
    """Change a configuration; environments made from it before keep what they had."""
    cfg.env.domain_rand = replace(cfg.env.domain_rand, **dict.fromkeys(names, True), **fields)


def switch_all_on(cfg):
    cfg.env.asset.use_alt_files = True
    switch_on(cfg, *SWITCHES, control_delay_max=3, action_delay_max=2, push_interval_s=0.1)


def run(env, steps=12, seed=0):
    """Random actions from a fixed place on the clip; everything the last step returned."""
    env.reset_to(ALL, FRAMES, noisy=False)
    env.observe(ALL)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        result = env.step(0.3 * torch.randn(4, env.num_actions, generator=generator))
    return result


def place(sim, robot, height=0.0, quat=(1.0, 0.0, 0.0, 0.0), lin_vel=(0.0, 0.0, 0.0), dof_vel=0.0):
    """Put all robots in the default pose over the origin, asked to stay in it."""
    q = torch.as_tensor(robot.default_dof_pos, dtype=torch.float32).repeat(4, 1)
    pos = torch.tensor([[0.0, 0.0, robot.default_root_height + height]]).repeat(4, 1)
    zero = torch.zeros(4, 3)
    sim.reset(
        ALL,
        pos,
        torch.tensor([quat]).repeat(4, 1),
        torch.tensor([lin_vel]).repeat(4, 1),
        zero,
        q,
        dof_vel + 0 * q,
    )
    sim.set_joint_targets(q)
    return q

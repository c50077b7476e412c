"""Reward terms: what each measures, before its weight. (num_envs,) each.

These are what any legged robot may be asked, after Rudin et al. 2022 (legged_gym).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot


def contact_no_vel(env: LeggedRobot) -> Tensor:
    """Sum of the speeds of the feet in contact, m/s."""
    speed = torch.linalg.vector_norm(env.sim.body_lin_vel_w[:, env.feet_bodies], dim=-1)
    return (speed * env.foot_contact).sum(-1)


def action_rate(env: LeggedRobot) -> Tensor:
    """Sum of squared changes of the action."""
    return (env.actions - env.last_actions).square().sum(-1)


def torques(env: LeggedRobot) -> Tensor:
    """Sum of squared motor torques, (N m)^2."""
    return env.sim.dof_torque.square().sum(-1)


def dof_acc(env: LeggedRobot) -> Tensor:
    """Sum of squared joint accelerations over the control period, (rad/s^2)^2."""
    return ((env.sim.dof_vel - env.last_dof_vel) / env.step_dt).square().sum(-1)


def dof_pos_limits(env: LeggedRobot) -> Tensor:
    """Sum of what joints exceed their soft range by, rad."""
    q = env.sim.dof_pos
    return ((env.soft_dof_lower - q).clamp_min(0.0) + (q - env.soft_dof_upper).clamp_min(0.0)).sum(-1)


def collision(env: LeggedRobot) -> Tensor:
    """Number of penalised bodies with more than 0.1 N of contact."""
    force = torch.linalg.vector_norm(env.sim.contact_force_w[:, env.penalized], dim=-1)
    return (force > 0.1).sum(-1).float()


def termination(env: LeggedRobot) -> Tensor:
    """1 where the episode failed in this step."""
    return env.failed.float()


def alive(env: LeggedRobot) -> Tensor:
    """1 everywhere."""
    return torch.ones(env.num_envs, device=env.device)

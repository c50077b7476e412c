"""Reward terms: what each measures, before its weight. (num_envs,) each.

These are what any legged robot may be asked, after Rudin et al. 2022 (legged_gym). ``@cost`` marks what is unwanted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from legged_gym.envs.terms import cost
from legged_gym.utils import math

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot


@cost
def contact_no_vel(env: LeggedRobot) -> Tensor:
    """Sum of the speeds of the feet in contact, m/s."""
    speed = torch.linalg.vector_norm(env.sim.body_lin_vel_w[:, env.feet_bodies], dim=-1)
    return (speed * env.foot_contact).sum(-1)


@cost
def action_rate(env: LeggedRobot) -> Tensor:
    """Sum of squared changes of the action."""
    return (env.actions - env.last_actions).square().sum(-1)


@cost
def action_accel(env: LeggedRobot) -> Tensor:
    """Sum of squared second differences of the action, a - 2 a' + a''."""
    second = env.actions - 2.0 * env.last_actions + env.memory.before_last_actions
    return second.square().sum(-1)


@cost
def ankle_action(env: LeggedRobot) -> Tensor:
    """Sum of squared actions of rewards.ankle_joints."""
    return env.actions[:, env.ankles].square().sum(-1)


@cost
def torques(env: LeggedRobot) -> Tensor:
    """Sum of squared motor torques, (N m)^2."""
    return env.sim.dof_torque.square().sum(-1)


@cost
def torque_limits(env: LeggedRobot) -> Tensor:
    """Sum of what motor torques exceed their soft limit by, N m."""
    limit = env.cfg.rewards.soft_torque_limit * env.effort_limit
    return (env.sim.dof_torque.abs() - limit).clamp_min(0.0).sum(-1)


@cost
def energy(env: LeggedRobot) -> Tensor:
    """Mechanical power of the motors, whether they drive or brake: sum |torque * velocity|, W."""
    return (env.sim.dof_torque * env.sim.dof_vel).abs().sum(-1)


@cost
def dof_vel(env: LeggedRobot) -> Tensor:
    """Sum of squared joint velocities, (rad/s)^2."""
    return env.sim.dof_vel.square().sum(-1)


@cost
def dof_vel_limits(env: LeggedRobot) -> Tensor:
    """Sum of what joint speeds exceed their soft limit by, at most 1 for each joint, rad/s."""
    limit = env.cfg.rewards.soft_dof_vel_limit * env.velocity_limit
    return (env.sim.dof_vel.abs() - limit).clamp(0.0, 1.0).sum(-1)


@cost
def dof_acc(env: LeggedRobot) -> Tensor:
    """Sum of squared joint accelerations over the control period, (rad/s^2)^2."""
    return ((env.sim.dof_vel - env.last_dof_vel) / env.step_dt).square().sum(-1)


@cost
def dof_pos_limits(env: LeggedRobot) -> Tensor:
    """Sum of what joints exceed their soft range by, rad."""
    q = env.sim.dof_pos
    return ((env.soft_dof_lower - q).clamp_min(0.0) + (q - env.soft_dof_upper).clamp_min(0.0)).sum(-1)


@cost
def collision(env: LeggedRobot) -> Tensor:
    """Number of penalised bodies with more than 0.1 N of contact."""
    force = torch.linalg.vector_norm(env.sim.contact_force_w[:, env.penalized], dim=-1)
    return (force > 0.1).sum(-1).float()


@cost
def stumble(env: LeggedRobot) -> Tensor:
    """1 where the horizontal force on a foot is more than 5 times the vertical one."""
    force = env.sim.contact_force_w[:, env.feet]
    sideways = torch.linalg.vector_norm(force[..., :2], dim=-1)
    return (sideways > 5.0 * force[..., 2].abs()).any(-1).float()


@cost
def feet_contact_forces(env: LeggedRobot) -> Tensor:
    """Sum of what the contact forces of the feet exceed rewards.max_contact_force by, N."""
    force = torch.linalg.vector_norm(env.sim.contact_force_w[:, env.feet], dim=-1)
    return (force - env.cfg.rewards.max_contact_force).clamp_min(0.0).sum(-1)


def feet_orientation(env: LeggedRobot) -> Tensor:
    """exp(-k sum over feet |heading - root's heading|); the difference is within +- pi."""
    headings = math.yaw_of(env.sim.body_quat_wxyz[:, env.feet_bodies])  # [N, feet]
    off = math.wrap_to_pi(headings - math.yaw_of(env.sim.root_quat_wxyz).unsqueeze(1))
    return torch.exp(-env.cfg.rewards.feet_orientation_k * off.abs().sum(-1))


def feet_air_time(env: LeggedRobot) -> Tensor:
    """Sum over feet that touch down of air time - feet_air_time_target, s, where the robot is asked to move."""
    over = env.memory.flight_time - env.cfg.rewards.feet_air_time_target
    return torch.where(env.memory.landed, over, 0.0).sum(-1) * env.asked_to_move()


@cost
def feet_max_height_for_this_air(env: LeggedRobot) -> Tensor:
    """Sum over feet that touch down of what their flight stayed below feet_max_height_target, m over the ground."""
    short = (env.cfg.rewards.feet_max_height_target - env.memory.flight_peak).clamp_min(0.0)
    return torch.where(env.memory.landed, short, 0.0).sum(-1)


@cost
def termination(env: LeggedRobot) -> Tensor:
    """1 where the episode failed in this step."""
    return env.failed.float()


def alive(env: LeggedRobot) -> Tensor:
    """1 everywhere."""
    return torch.ones(env.num_envs, device=env.device)

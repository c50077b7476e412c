"""Reward terms of a robot that follows a velocity: what each measures, before its weight. (num_envs,) each.

Sources: Rudin et al. 2022 (legged_gym) for the velocity and posture terms, unitree_rl_gym for the gait's clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from legged_gym.envs.terms import cost
from legged_gym.envs.terms.observations import projected_gravity

if TYPE_CHECKING:
    from legged_gym.envs.base.robot_velocity import RobotVelocity


def tracking_lin_vel(env: RobotVelocity) -> Tensor:
    """exp(-|error|^2 / tracking_sigma) of the horizontal velocity, heading frame."""
    return torch.exp(-env.lin_vel_error().square() / env.cfg.rewards.tracking_sigma)


def tracking_ang_vel(env: RobotVelocity) -> Tensor:
    """exp(-error^2 / tracking_sigma) of the yaw rate."""
    error = env.commands.value[:, 2] - env.sim.root_ang_vel_b[:, 2]
    return torch.exp(-error.square() / env.cfg.rewards.tracking_sigma)


@cost
def lin_vel_z(env: RobotVelocity) -> Tensor:
    """Squared vertical velocity of the root."""
    return env.sim.root_lin_vel_w[:, 2].square()


@cost
def ang_vel_xy(env: RobotVelocity) -> Tensor:
    """Squared roll and pitch rates."""
    return env.sim.root_ang_vel_b[:, :2].square().sum(-1)


@cost
def orientation(env: RobotVelocity) -> Tensor:
    """Squared horizontal part of gravity's direction in the root frame: sin^2 of the tilt."""
    return projected_gravity(env)[:, :2].square().sum(-1)


@cost
def base_height(env: RobotVelocity) -> Tensor:
    """Squared error of the root's height over the ground."""
    return (env.base_height - env.base_height_target).square()


def contact(env: RobotVelocity) -> Tensor:
    """Number of feet whose contact is what the clock asks for; both on the ground while standing."""
    wanted = env.gait.stance() | env.standing.unsqueeze(-1)
    return (env.foot_contact == wanted).sum(-1).float()


@cost
def feet_swing_height(env: RobotVelocity) -> Tensor:
    """Squared error of the feet's height over the ground against the clock's, while walking."""
    error = (env.foot_clearance - env.gait.clearance()).square().sum(-1)
    return error * ~env.standing


@cost
def hip_pos(env: RobotVelocity) -> Tensor:
    """Squared deviation of rewards.hip_joints from the default pose."""
    return (env.sim.dof_pos - env.default_dof_pos)[:, env.hips].square().sum(-1)


@cost
def stand_still(env: RobotVelocity) -> Tensor:
    """Sum of the joints' deviations from the default pose while standing."""
    return (env.sim.dof_pos - env.default_dof_pos).abs().sum(-1) * env.standing

"""Observation terms of a robot that follows a velocity, (num_envs, size) each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from legged_gym.envs.terms.noise import measured

if TYPE_CHECKING:
    from legged_gym.envs.base.robot_velocity import RobotVelocity


def velocity_commands(env: RobotVelocity) -> Tensor:
    """Velocity forwards and to the left in the heading frame, m/s, and turning left, rad/s. 3."""
    return env.commands.value.clone()


def gait_phase(env: RobotVelocity) -> Tensor:
    """Sine and cosine of the place in the stride; zeros while standing. 2."""
    angle = 2.0 * torch.pi * env.gait.phase
    clock = torch.stack((torch.sin(angle), torch.cos(angle)), dim=-1)
    return clock * ~env.standing.unsqueeze(-1)


@measured("lin_vel")
def lin_vel_h(env: RobotVelocity) -> Tensor:
    """Root velocity in the heading frame, m/s; what the command asks for. 3."""
    return env.lin_vel_h.clone()


def foot_clearance(env: RobotVelocity) -> Tensor:
    """Height of each foot over the ground, m. feet."""
    return env.foot_clearance.clone()

"""Observation terms, (num_envs, size) each, unscaled unless said. Any may be asked for as ``history_<name>``.

These are of the robot alone: its own state and what its sensors tell. ``torso`` and ``torso_real`` are the original
VideoMimic's, with its fixed scales (``normalization``) inside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from legged_gym.envs.terms.noise import Parts, measured
from legged_gym.utils import math

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot


@measured("lin_vel")
def base_lin_vel(env: LeggedRobot) -> Tensor:
    """Root velocity in the root frame, m/s. 3."""
    return math.quat_rotate_inverse(env.sim.root_quat_wxyz, env.sim.root_lin_vel_w)


@measured("ang_vel")
def base_ang_vel(env: LeggedRobot) -> Tensor:
    """Root angular velocity in the root frame (gyroscope), rad/s. 3."""
    return env.sim.root_ang_vel_b.clone()


@measured("gravity")
def projected_gravity(env: LeggedRobot) -> Tensor:
    """Direction of gravity in the root frame. 3."""
    return math.quat_rotate_inverse(env.sim.root_quat_wxyz, env.gravity_dir_w)


@measured("dof_pos")
def dof_pos(env: LeggedRobot) -> Tensor:
    """Joint positions off the default pose, rad. J."""
    return env.sim.dof_pos - env.default_dof_pos


@measured("dof_vel")
def dof_vel(env: LeggedRobot) -> Tensor:
    """Joint velocities, rad/s. J."""
    return env.sim.dof_vel.clone()


def actions(env: LeggedRobot) -> Tensor:
    """The last action as applied (clipped and smoothed). J."""
    return env.actions.clone()


def foot_contact(env: LeggedRobot) -> Tensor:
    """1 where a foot touches the ground. feet."""
    return env.foot_contact.float()


def torso(env: LeggedRobot) -> Tensor:
    """Root height, scaled velocities, gravity, joints, last action; privileged, free of noise. 10 + 3J."""
    n = env.cfg.normalization
    return torch.cat((root_height(env), base_lin_vel(env) * n.lin_vel, torso_real(env)), dim=-1)


def _of_torso_real(env: LeggedRobot) -> Parts:
    n, joints = env.cfg.normalization, env.num_actions
    return (
        ("ang_vel", 3, n.ang_vel),
        ("gravity", 3, 1.0),
        ("dof_pos", joints, n.dof_pos),
        ("dof_vel", joints, n.dof_vel),
        (None, joints, 1.0),
    )


@measured(_of_torso_real)
def torso_real(env: LeggedRobot) -> Tensor:
    """Scaled angular velocity, gravity, joints and last action: what a robot's own sensors give. 6 + 3J."""
    n = env.cfg.normalization
    return torch.cat(
        (
            env.sim.root_ang_vel_b * n.ang_vel,
            projected_gravity(env),
            dof_pos(env) * n.dof_pos,
            env.sim.dof_vel * n.dof_vel,
            env.actions,
        ),
        dim=-1,
    )


def root_height(env: LeggedRobot) -> Tensor:
    """Distance from the root straight down to the ground, m. 1."""
    return env.sensors.value("root_height").flatten(1)


def link_heights(env: LeggedRobot) -> Tensor:
    """Distance from every tracked link straight down to the ground, m. B."""
    return env.sensors.value("link_heights").clone()


def terrain_height(env: LeggedRobot) -> Tensor:
    """Distances from the torso's height down to the ground, on a grid around it, row by row, x fastest, m. 121."""
    return env.sensors.value("terrain_height").flatten(1)


def terrain_height_noisy(env: LeggedRobot) -> Tensor:
    """The same as a real elevation map has it: noisy, late, turned a little, with bad points, m. 121."""
    return env.sensors.value("terrain_height_noisy").flatten(1)


def depth(env: LeggedRobot) -> Tensor:
    """Depth image of the head camera, row by row, m. 1200 as configured."""
    return env.sensors.value("depth").flatten(1)

"""Reward terms of a robot that follows a reference: what each measures, before its weight. (num_envs,) each.

Sources: Peng et al. 2018 (DeepMimic) for the ``joint_``/``link_`` terms, Liao et al. 2025 (BeyondMimic) for the
``anchor_``/``body_`` terms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from legged_gym.envs.terms import cost
from legged_gym.utils import math

if TYPE_CHECKING:
    from legged_gym.envs.base.robot_deepmimic import RobotDeepMimic


def anchor_pos_tracking(env: RobotDeepMimic) -> Tensor:
    """exp(-|anchor error|^2 / sigma^2)."""
    return _gaussian(
        (env.ref_anchor_pos_w - env.anchor_pos_w).square().sum(-1), env.cfg.rewards.anchor_pos_sigma
    )


def anchor_ori_tracking(env: RobotDeepMimic) -> Tensor:
    """exp(-anchor angle^2 / sigma^2)."""
    angle = math.quat_angle_coarse(env.ref_anchor_quat, env.anchor_quat)
    return _gaussian(angle.square(), env.cfg.rewards.anchor_ori_sigma)


def body_pos_tracking(env: RobotDeepMimic) -> Tensor:
    """exp(-mean |error|^2 / sigma^2), reference moved to the robot's place and heading (height kept)."""
    ref = env.of_tracked(env.reference.body_pos_w) - env.ref_anchor_pos_w.unsqueeze(1)  # [N, B, 3]
    place = torch.cat((env.anchor_pos_w[:, :2], env.ref_anchor_pos_w[:, 2:]), dim=-1).unsqueeze(1)
    target = math.yaw_rotate(env.heading_offset.unsqueeze(1), ref) + place
    return _gaussian(
        _mean_square(target - env.of_tracked(env.sim.body_pos_w)), env.cfg.rewards.body_pos_sigma
    )


def body_ori_tracking(env: RobotDeepMimic) -> Tensor:
    """exp(-mean angle^2 / sigma^2), reference turned to the robot's heading."""
    target = math.yaw_mul(env.heading_offset.unsqueeze(1), env.of_tracked(env.reference.body_quat_wxyz))
    angle = math.quat_angle_coarse(target, env.of_tracked(env.sim.body_quat_wxyz))
    return _gaussian(angle.square().mean(-1), env.cfg.rewards.body_ori_sigma)


def body_lin_vel_tracking(env: RobotDeepMimic) -> Tensor:
    """exp(-mean |error|^2 / sigma^2) of the tracked bodies' velocities."""
    error = env.of_tracked(env.reference.body_lin_vel_w) - env.of_tracked(env.sim.body_lin_vel_w)
    return _gaussian(_mean_square(error), env.cfg.rewards.body_lin_vel_sigma)


def body_ang_vel_tracking(env: RobotDeepMimic) -> Tensor:
    """exp(-mean |error|^2 / sigma^2) of the tracked bodies' angular velocities."""
    error = env.of_tracked(env.reference.body_ang_vel_w) - env.of_tracked(env.sim.body_ang_vel_w)
    return _gaussian(_mean_square(error), env.cfg.rewards.body_ang_vel_sigma)


def joint_pos_tracking(env: RobotDeepMimic) -> Tensor:
    """exp(-k sum (q - q_ref)^2)."""
    error = (env.sim.dof_pos - env.reference.dof_pos).square().sum(-1)
    return torch.exp(-env.cfg.rewards.joint_pos_tracking_k * error)


def joint_vel_tracking(env: RobotDeepMimic) -> Tensor:
    """exp(-k sum (qd - qd_ref)^2)."""
    error = (env.sim.dof_vel - env.reference.dof_vel).square().sum(-1)
    return torch.exp(-env.cfg.rewards.joint_vel_tracking_k * error)


def link_pos_tracking(env: RobotDeepMimic) -> Tensor:
    """exp(-k sum over links |p - p_ref|^2)."""
    error = env.of_tracked(env.sim.body_pos_w) - env.of_tracked(env.reference.body_pos_w)
    return torch.exp(-env.cfg.rewards.link_pos_tracking_k * error.square().sum((-1, -2)))


def link_vel_tracking(env: RobotDeepMimic) -> Tensor:
    """exp(-k sum over links |v - v_ref|^2)."""
    error = env.of_tracked(env.sim.body_lin_vel_w) - env.of_tracked(env.reference.body_lin_vel_w)
    return torch.exp(-env.cfg.rewards.link_vel_tracking_k * error.square().sum((-1, -2)))


def torso_pos_tracking(env: RobotDeepMimic) -> Tensor:
    """exp(-k |torso error|^2)."""
    error = (env.ref_anchor_pos_w - env.anchor_pos_w).square().sum(-1)
    return torch.exp(-env.cfg.rewards.torso_pos_tracking_k * error)


def torso_orientation_tracking(env: RobotDeepMimic) -> Tensor:
    """exp(-k torso angle)."""
    angle = math.quat_angle(env.ref_anchor_quat, env.anchor_quat)
    return torch.exp(-env.cfg.rewards.torso_orientation_tracking_k * angle)


def root_pos_tracking(env: RobotDeepMimic) -> Tensor:
    """exp(-k |root error|^2)."""
    error = (env.sim.root_pos_w - env.reference.root_pos_w).square().sum(-1)
    return torch.exp(-env.cfg.rewards.root_pos_tracking_k * error)


def root_orientation_tracking(env: RobotDeepMimic) -> Tensor:
    """exp(-k root angle)."""
    angle = math.quat_angle(env.sim.root_quat_wxyz, env.reference.root_quat_wxyz)
    return torch.exp(-env.cfg.rewards.root_orientation_tracking_k * angle)


def root_vel_tracking(env: RobotDeepMimic) -> Tensor:
    """exp(-k |root velocity error|)."""
    error = torch.linalg.vector_norm(env.sim.root_lin_vel_w - env.reference.root_lin_vel_w, dim=-1)
    return torch.exp(-env.cfg.rewards.root_vel_tracking_k * error)


def root_ang_vel_tracking(env: RobotDeepMimic) -> Tensor:
    """exp(-k |root angular velocity error|), root frame."""
    ref = math.quat_rotate_inverse(env.reference.root_quat_wxyz, env.reference.root_ang_vel_w)
    error = torch.linalg.vector_norm(env.sim.root_ang_vel_b - ref, dim=-1)
    return torch.exp(-env.cfg.rewards.root_ang_vel_tracking_k * error)


def feet_contact_matching(env: RobotDeepMimic) -> Tensor:
    """Number of feet whose contact is the reference's."""
    return (env.foot_contact == (env.reference.contacts > 0.5)).sum(-1).float()


@cost
def no_fly(env: RobotDeepMimic) -> Tensor:
    """1 where no foot touches the ground though one of the reference's does."""
    flying = ~env.foot_contact.any(-1)
    return (flying & (env.reference.contacts > 0.5).any(-1)).float()


@cost
def contact_smoothness(env: RobotDeepMimic) -> Tensor:
    """Number of feet whose contact changed in this step to what the reference's is not, after 10 steps."""
    return env.unasked_contact_changes.sum(-1) * (env.episode_length_buf > 10)


def _gaussian(squared_error: Tensor, sigma: float) -> Tensor:
    return torch.exp(squared_error * (-1.0 / sigma**2))


def _mean_square(error: Tensor) -> Tensor:
    """Mean over bodies of |error|^2, (N, B, 3) -> (N,)."""
    return error.square().sum((-1, -2)) / error.shape[-2]

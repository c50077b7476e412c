"""Observation terms of a robot that follows a reference, (num_envs, size) each, unscaled.

"heading frame" means turned about the vertical by the body's heading only. ``deepmimic`` and
``deepmimic_lin_ang_vel`` are the original VideoMimic's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from legged_gym.envs.terms.noise import Parts, measured
from legged_gym.envs.terms.observations import link_heights
from legged_gym.utils import math

if TYPE_CHECKING:
    from legged_gym.envs.base.robot_deepmimic import RobotDeepMimic
    from legged_gym.motion.reference_table import ReferenceFrame

# ---------------------------------------------------------------------- the robot's own state


def body_pos_b(env: RobotDeepMimic) -> Tensor:
    """Tracked bodies in the anchor frame, m. 3B."""
    offset = env.of_tracked(env.sim.body_pos_w) - env.anchor_pos_w.unsqueeze(1)
    quat = env.anchor_quat.unsqueeze(1).expand(-1, offset.shape[1], -1)
    return math.quat_rotate_inverse(quat, offset).flatten(1)


def body_rot6d_b(env: RobotDeepMimic) -> Tensor:
    """Orientation of tracked bodies in the anchor frame, 6-D. 6B."""
    quat = env.of_tracked(env.sim.body_quat_wxyz)
    inverse = math.quat_conjugate(env.anchor_quat).unsqueeze(1).expand_as(quat)
    return math.rot6d(math.quat_mul(inverse, quat)).flatten(1)


def ref_dof_pos(env: RobotDeepMimic) -> Tensor:
    """Reference joint positions off the default pose, rad. J."""
    return env.reference.dof_pos - env.default_dof_pos


def ref_dof_vel(env: RobotDeepMimic) -> Tensor:
    """Reference joint velocities, rad/s. J."""
    return env.reference.dof_vel.clone()


@measured("rel_xy", odometry=True)
def anchor_pos_error_b(env: RobotDeepMimic) -> Tensor:
    """Reference anchor position in the robot's anchor frame, m. 3."""
    return math.quat_rotate_inverse(env.anchor_quat, env.ref_anchor_pos_w - env.anchor_pos_w)


@measured("rel_yaw", odometry=True)
def anchor_rot6d_error(env: RobotDeepMimic) -> Tensor:
    """Reference anchor orientation in the robot's anchor frame, 6-D. 6."""
    return math.rot6d(math.quat_mul(math.quat_conjugate(env.anchor_quat), env.ref_anchor_quat))


def future_ref_dof_pos(env: RobotDeepMimic) -> Tensor:
    """Reference joints of the next K frames off the default pose, rad. KJ."""
    return (_future(env).dof_pos - env.default_dof_pos).flatten(1)


def _of_future_anchor(env: RobotDeepMimic) -> Parts:
    return (("rel_xy", 3, 1.0), ("rel_yaw", 6, 1.0)) * env.cfg.observations.num_next_obs


@measured(_of_future_anchor, odometry=True)
def future_anchor(env: RobotDeepMimic) -> Tensor:
    """Reference anchor of the next K frames in the robot's anchor frame: position (m) and 6-D rotation. 9K."""
    future = _future(env)
    pos, quat = future.body_pos_w[:, :, env.anchor], future.body_quat_wxyz[:, :, env.anchor]  # [N, K, .]
    anchor = env.anchor_quat.unsqueeze(1).expand_as(quat)
    pos_b = math.quat_rotate_inverse(anchor, pos - env.anchor_pos_w.unsqueeze(1))
    rotation = math.rot6d(math.quat_mul(math.quat_conjugate(anchor), quat))
    return torch.cat((pos_b, rotation), dim=-1).flatten(1)


def target_joints(env: RobotDeepMimic) -> Tensor:
    """Reference joint positions off the default pose, rad (the original's name for ``ref_dof_pos``). J."""
    return ref_dof_pos(env)


def upper_body_joint_targets(env: RobotDeepMimic) -> Tensor:
    """Reference positions of deepmimic.upper_body_joints off the default pose, rad."""
    return ref_dof_pos(env)[:, env.upper_body]


def target_root_roll(env: RobotDeepMimic) -> Tensor:
    """Roll of the reference root, rad. 1."""
    return math.roll_pitch_of(env.reference.root_quat_wxyz)[0].unsqueeze(-1)


def target_root_pitch(env: RobotDeepMimic) -> Tensor:
    """Pitch of the reference root, rad. 1."""
    return math.roll_pitch_of(env.reference.root_quat_wxyz)[1].unsqueeze(-1)


def target_root_yaw(env: RobotDeepMimic) -> Tensor:
    """Heading of the reference root, rad. 1."""
    return math.yaw_of(env.reference.root_quat_wxyz).unsqueeze(-1)


@measured("rel_xy", odometry=True)
def torso_xy_rel(env: RobotDeepMimic) -> Tensor:
    """Reference anchor position in the robot anchor's heading frame, horizontal, m. 2."""
    error = env.ref_anchor_pos_w - env.anchor_pos_w
    return math.quat_rotate_inverse(math.yaw_quat(env.anchor_quat), error)[:, :2]


@measured("rel_yaw", odometry=True)
def torso_yaw_rel(env: RobotDeepMimic) -> Tensor:
    """Reference anchor heading relative to the robot's, rad. 1."""
    return math.wrap_to_pi(math.yaw_of(env.ref_anchor_quat) - math.yaw_of(env.anchor_quat)).unsqueeze(-1)


@measured("rel_xy", odometry=True)
def torso_xy(env: RobotDeepMimic) -> Tensor:
    """Anchor position in the frame of the env's clip, horizontal, m. 2."""
    return (env.anchor_pos_w - env.env_offsets)[:, :2]


@measured("rel_yaw", odometry=True)
def torso_yaw(env: RobotDeepMimic) -> Tensor:
    """Anchor heading in the frame of the env's clip, rad. 1."""
    return math.yaw_of(env.anchor_quat).unsqueeze(-1)


def phase(env: RobotDeepMimic) -> Tensor:
    """Sine and cosine of the place in the clip, one turn per clip. 2."""
    clip = env.data.clip_of(env.frame)
    share = (env.frame - env.data.clip_start[clip]) / env.data.clip_length[clip]
    angle = 2.0 * torch.pi * share
    return torch.stack((torch.sin(angle), torch.cos(angle)), dim=-1)


def deepmimic(env: RobotDeepMimic) -> Tensor:
    """All a tracker's critic wants to know about the next K frames, links and contacts. 129 for 13 links and K = 1.

    Link heights, rotation to the next roots, way to the next roots and links and actual link velocities in the
    root's heading frame, joints to go; contacts now, next and last, and changes of contact that the reference does
    not ask for.
    """
    ref, sim = _future(env), env.sim
    heading = math.yaw_quat(sim.root_quat_wxyz).unsqueeze(1)  # [N, 1, 4]
    links, velocities = env.of_tracked(sim.body_pos_w), env.of_tracked(sim.body_lin_vel_w)
    root_quat = sim.root_quat_wxyz.unsqueeze(1).expand_as(ref.root_quat_wxyz)
    to_links = env.of_tracked(ref.body_pos_w) - links.unsqueeze(1)  # [N, K, B, 3]
    parts = (
        link_heights(env),
        math.quat_mul(ref.root_quat_wxyz, math.quat_conjugate(root_quat)),
        _turned_back(heading, ref.root_pos_w - sim.root_pos_w.unsqueeze(1)),
        ref.dof_pos - sim.dof_pos.unsqueeze(1),
        _turned_back(heading.unsqueeze(1), to_links),
        _turned_back(heading, velocities),
        env.foot_contact.float(),
        ref.contacts,
        env.last_foot_contact.float(),
        env.unasked_contact_changes.float(),
    )
    return torch.cat([part.flatten(1) for part in parts], dim=-1)


def _of_two_velocities(env: RobotDeepMimic) -> Parts:
    return (("lin_vel", 3, 1.0), ("ang_vel", 3, 1.0))


@measured(_of_two_velocities)
def deepmimic_lin_ang_vel(env: RobotDeepMimic) -> Tensor:
    """Linear and angular velocity of the next reference root in the robot root's heading frame. 6."""
    ref = _future(env)
    heading = math.yaw_quat(env.sim.root_quat_wxyz)
    lin, ang = ref.root_lin_vel_w[:, 0], ref.root_ang_vel_w[:, 0]
    return torch.cat((_turned_back(heading, lin), _turned_back(heading, ang)), dim=-1)


def _future(env: RobotDeepMimic) -> ReferenceFrame:
    """Reference of the next K frames, held at the clip's end, (N, K, ...)."""
    ahead = torch.arange(1, env.cfg.observations.num_next_obs + 1, device=env.device)
    return env.reference_at(env.frames_ahead(ahead))


def _turned_back(quat_wxyz: Tensor, vec: Tensor) -> Tensor:
    return math.quat_rotate_inverse(quat_wxyz.expand(*vec.shape[:-1], 4), vec)

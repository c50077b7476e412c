"""How far a robot is from its reference, and when it has failed: one step of N envs at a time.

The rules are the evaluation's own. What training calls a failure does not matter here, so policies trained with
other terminations compare.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from legged_gym.utils import math

FALL_HEIGHT = 0.25
"""Fallen: root height off the reference by more than this, m."""
FALL_TILT = 0.8
"""Fallen: |difference of the gravity directions in the root frames| above this (0.8 is a tilt of 47 degrees)."""
LOST_DISTANCE = 0.5
"""Lost: any tracked link further than this from the reference in the world, m."""

CAUSES = ("diverged", "fall", "lost")
"""What an episode can fail of; where several hold in the same step, the first."""
ERRORS = (
    "mpjpe_mm",
    "mpjpe_local_mm",
    "joint_error_rad",
    "joint_velocity_error_rad_s",
    "link_velocity_error_m_s",
)
"""Columns of :func:`tracking_errors`."""


class BodyState(Protocol):
    """What robot (simulator) and reference have in common. World frame, wxyz, as the simulator names them."""

    root_pos_w: Tensor
    root_quat_wxyz: Tensor
    dof_pos: Tensor
    dof_vel: Tensor
    body_pos_w: Tensor
    body_lin_vel_w: Tensor


def tracking_errors(robot: BodyState, reference: BodyState, tracked: Tensor) -> Tensor:
    """Errors of every env, (N, len(ERRORS)).

    * ``mpjpe_mm``: mean distance of the L tracked links from the reference's, world frame;
    * ``mpjpe_local_mm``: the same with each root position subtracted. Orientation is not aligned, so a wrong heading
      counts; a tracked root link counts with 0, as is customary;
    * ``joint_error_rad``, ``joint_velocity_error_rad_s``: mean absolute difference over joints;
    * ``link_velocity_error_m_s``: mean length of the difference of the tracked links' velocities.

    Args:
        robot: Present state of N robots.
        reference: Where they should be.
        tracked: (L,) indices of the tracked links in the body tensors.
    """
    offset = robot.body_pos_w[:, tracked] - reference.body_pos_w[:, tracked]  # (N, L, 3)
    root_offset = (robot.root_pos_w - reference.root_pos_w).unsqueeze(1)  # (N, 1, 3)
    velocity = robot.body_lin_vel_w[:, tracked] - reference.body_lin_vel_w[:, tracked]  # (N, L, 3)
    return torch.stack(
        (
            1e3 * torch.linalg.vector_norm(offset, dim=-1).mean(-1),
            1e3 * torch.linalg.vector_norm(offset - root_offset, dim=-1).mean(-1),
            (robot.dof_pos - reference.dof_pos).abs().mean(-1),
            (robot.dof_vel - reference.dof_vel).abs().mean(-1),
            torch.linalg.vector_norm(velocity, dim=-1).mean(-1),
        ),
        dim=-1,
    )


def failure_causes(robot: BodyState, reference: BodyState, tracked: Tensor, diverged: Tensor) -> Tensor:
    """What each env has failed of in this state: (N,) long, index into ``CAUSES`` or -1.

    Args:
        robot: Present state of N robots.
        reference: Where they should be.
        tracked: (L,) indices of the tracked links in the body tensors.
        diverged: (N,) bool, envs the engine has lost.
    """
    height_error = (robot.root_pos_w[:, 2] - reference.root_pos_w[:, 2]).abs()
    down = torch.tensor([0.0, 0.0, -1.0], device=height_error.device).expand_as(robot.root_pos_w)
    tilt_error = torch.linalg.vector_norm(
        math.quat_rotate_inverse(robot.root_quat_wxyz, down)
        - math.quat_rotate_inverse(reference.root_quat_wxyz, down),
        dim=-1,
    )
    distance = torch.linalg.vector_norm(
        robot.body_pos_w[:, tracked] - reference.body_pos_w[:, tracked], dim=-1
    )
    rules = {
        "diverged": diverged,
        "fall": (height_error > FALL_HEIGHT) | (tilt_error > FALL_TILT),
        "lost": (distance > LOST_DISTANCE).any(-1),
    }
    cause = torch.full_like(diverged, -1, dtype=torch.long)
    for name in reversed(CAUSES):
        cause[rules[name]] = CAUSES.index(name)
    return cause

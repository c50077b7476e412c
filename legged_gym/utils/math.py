"""Rotations as batched torch functions. Quaternions are unit, scalar first (wxyz), and rotate body to world.

All functions broadcast over leading dimensions and allocate only their result.
"""

from __future__ import annotations

import torch
from torch import Tensor


def quat_conjugate(quat_wxyz: Tensor) -> Tensor:
    """Inverse rotation. (..., 4) -> (..., 4)."""
    return torch.cat((quat_wxyz[..., :1], -quat_wxyz[..., 1:]), dim=-1)


def quat_mul(a_wxyz: Tensor, b_wxyz: Tensor) -> Tensor:
    """Hamilton product a * b: apply b, then a. (..., 4) x (..., 4) -> (..., 4)."""
    aw, ax, ay, az = a_wxyz.unbind(-1)
    bw, bx, by, bz = b_wxyz.unbind(-1)
    return torch.stack(
        (
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ),
        dim=-1,
    )


def quat_rotate(quat_wxyz: Tensor, vec: Tensor) -> Tensor:
    """Rotate vectors from body to world. (..., 4) x (..., 3) -> (..., 3)."""
    w, xyz = quat_wxyz[..., :1], quat_wxyz[..., 1:]
    t = 2.0 * torch.linalg.cross(xyz.expand_as(vec), vec)
    return vec + w * t + torch.linalg.cross(xyz.expand_as(t), t)


def quat_rotate_inverse(quat_wxyz: Tensor, vec: Tensor) -> Tensor:
    """Rotate vectors from world to body. (..., 4) x (..., 3) -> (..., 3)."""
    w, xyz = quat_wxyz[..., :1], quat_wxyz[..., 1:]
    t = 2.0 * torch.linalg.cross(xyz.expand_as(vec), vec)
    return vec - w * t + torch.linalg.cross(xyz.expand_as(t), t)


def yaw_of(quat_wxyz: Tensor) -> Tensor:
    """Heading: angle of the body x axis in the horizontal plane, rad in (-pi, pi]. (..., 4) -> (...)."""
    w, x, y, z = quat_wxyz.unbind(-1)
    return torch.atan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))


def roll_pitch_of(quat_wxyz: Tensor) -> tuple[Tensor, Tensor]:
    """Roll and pitch of the ZYX (yaw, pitch, roll) Euler angles, rad. (..., 4) -> two of (...)."""
    w, x, y, z = quat_wxyz.unbind(-1)
    roll = torch.atan2(2.0 * (w * x + y * z), 1.0 - 2.0 * (x * x + y * y))
    pitch = torch.asin((2.0 * (w * y - z * x)).clamp(-1.0, 1.0))
    return roll, pitch


def yaw_quat(quat_wxyz: Tensor) -> Tensor:
    """Heading part of a rotation: a pure rotation about world z. (..., 4) -> (..., 4)."""
    half = 0.5 * yaw_of(quat_wxyz)
    zero = torch.zeros_like(half)
    return torch.stack((torch.cos(half), zero, zero, torch.sin(half)), dim=-1)


def quat_angle(a_wxyz: Tensor, b_wxyz: Tensor) -> Tensor:
    """Angle of the rotation between a and b, rad in [0, pi]. (..., 4) x (..., 4) -> (...).

    From atan2(|vector|, |scalar|) of conj(a) * b, which keeps float32 accuracy at small angles where acos loses it.
    """
    scalar = (a_wxyz * b_wxyz).sum(-1).abs()
    vector = a_wxyz[..., :1] * b_wxyz[..., 1:] - b_wxyz[..., :1] * a_wxyz[..., 1:]
    vector = vector - torch.linalg.cross(a_wxyz[..., 1:], b_wxyz[..., 1:])
    return 2.0 * torch.atan2(torch.linalg.vector_norm(vector, dim=-1), scalar)


def quat_angle_coarse(a_wxyz: Tensor, b_wxyz: Tensor) -> Tensor:
    """As ``quat_angle`` at a third of its cost, and to 1e-3 rad only: enough for rewards. (..., 4) x 2 -> (...)."""
    return 2.0 * torch.acos((a_wxyz * b_wxyz).sum(-1).abs().clamp_max(1.0))


def yaw_rotate(yaw_wxyz: Tensor, vec: Tensor) -> Tensor:
    """Rotate vectors by a rotation about the vertical, at a third of the cost of ``quat_rotate``.

    (..., 4) with zero x and y, broadcast against (..., 3) -> (..., 3).
    """
    w, z = yaw_wxyz[..., 0], yaw_wxyz[..., 3]
    cos, sin = w * w - z * z, 2.0 * w * z
    x, y, up = vec.unbind(-1)
    return torch.stack((cos * x - sin * y, sin * x + cos * y, up), dim=-1)


def yaw_mul(yaw_wxyz: Tensor, quat_wxyz: Tensor) -> Tensor:
    """Product of a rotation about the vertical and any rotation: turn ``quat_wxyz`` about world z.

    (..., 4) with zero x and y, broadcast against (..., 4) -> (..., 4).
    """
    c, s = yaw_wxyz[..., 0], yaw_wxyz[..., 3]
    w, x, y, z = quat_wxyz.unbind(-1)
    return torch.stack((c * w - s * z, c * x - s * y, c * y + s * x, c * z + s * w), dim=-1)


def rot6d(quat_wxyz: Tensor) -> Tensor:
    """First two columns of the rotation matrix, row by row (continuous 6-D form, Zhou et al. 2019).

    (..., 4) -> (..., 6) as [R00, R01, R10, R11, R20, R21].
    """
    w, x, y, z = quat_wxyz.unbind(-1)
    return torch.stack(
        (
            1.0 - 2.0 * (y * y + z * z),
            2.0 * (x * y - w * z),
            2.0 * (x * y + w * z),
            1.0 - 2.0 * (x * x + z * z),
            2.0 * (x * z - w * y),
            2.0 * (y * z + w * x),
        ),
        dim=-1,
    )


def wrap_to_pi(angle: Tensor) -> Tensor:
    """Wrap angles to [-pi, pi). (...) -> (...), rad."""
    return torch.remainder(angle + torch.pi, 2.0 * torch.pi) - torch.pi


def quat_from_rotation_vector(rotvec: Tensor) -> Tensor:
    """Rotation by |rotvec| rad about its direction. (..., 3) -> (..., 4) wxyz."""
    angle = torch.linalg.vector_norm(rotvec, dim=-1, keepdim=True)
    half = 0.5 * angle
    return torch.cat((torch.cos(half), rotvec * 0.5 * torch.sinc(half / torch.pi)), dim=-1)

"""Rotations of recorded motion, numpy float64. Quaternions are unit, scalar first (wxyz), and rotate body to world."""

from __future__ import annotations

import numpy as np


def quat_conjugate(quat_wxyz: np.ndarray) -> np.ndarray:
    """Inverse rotation. (..., 4) -> (..., 4)."""
    return quat_wxyz * np.array([1.0, -1.0, -1.0, -1.0])


def quat_mul(a_wxyz: np.ndarray, b_wxyz: np.ndarray) -> np.ndarray:
    """Hamilton product a * b: apply b, then a. (..., 4) x (..., 4) -> (..., 4)."""
    aw, ax, ay, az = np.moveaxis(a_wxyz, -1, 0)
    bw, bx, by, bz = np.moveaxis(b_wxyz, -1, 0)
    return np.stack(
        (
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ),
        axis=-1,
    )


def quat_rotate(quat_wxyz: np.ndarray, vec: np.ndarray) -> np.ndarray:
    """Rotate vectors from body to world. (..., 4) x (..., 3) -> (..., 3)."""
    w, xyz = quat_wxyz[..., :1], quat_wxyz[..., 1:]
    t = 2.0 * np.cross(xyz, vec)
    return vec + w * t + np.cross(xyz, t)


def quat_about_axis(axis: int, angle: np.ndarray) -> np.ndarray:
    """Rotation by `angle` rad about coordinate axis 0, 1 or 2. (...) -> (..., 4) wxyz."""
    quat = np.zeros((*np.shape(angle), 4))
    quat[..., 0] = np.cos(0.5 * np.asarray(angle))
    quat[..., 1 + axis] = np.sin(0.5 * np.asarray(angle))
    return quat


def up_tilt(quat_wxyz: np.ndarray) -> np.ndarray:
    """Angle between the body z axis and world z, rad in [0, pi]. (..., 4) -> (...)."""
    x, y = quat_wxyz[..., 1], quat_wxyz[..., 2]
    return np.arccos(np.clip(1.0 - 2.0 * (x * x + y * y), -1.0, 1.0))


def rotation_vector(quat_wxyz: np.ndarray) -> np.ndarray:
    """Logarithm: axis times angle of the shortest rotation, |result| <= pi rad. (..., 4) -> (..., 3).

    q and -q are one rotation and give one result.
    """
    quat = np.where(quat_wxyz[..., :1] < 0.0, -quat_wxyz, quat_wxyz)
    sine = np.linalg.norm(quat[..., 1:], axis=-1, keepdims=True)  # (..., 1) sin(angle / 2)
    half = np.arctan2(sine, quat[..., :1])
    scale = np.where(sine > 1e-12, 2.0 * half / np.maximum(sine, 1e-12), 2.0)
    return scale * quat[..., 1:]


def quat_from_rotation_vector(vector: np.ndarray) -> np.ndarray:
    """Exponential: the rotation about an axis by its length, rad. (..., 3) -> (..., 4) wxyz."""
    half = 0.5 * np.linalg.norm(vector, axis=-1, keepdims=True)
    return np.concatenate((np.cos(half), 0.5 * np.sinc(half / np.pi) * vector), axis=-1)


def step_rate(step: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """How fast a rotation vector grows when its rotation, now `step`, turns at `rate` (both in the body's frame).

    The inverse of the right Jacobian of SO(3) (Sola et al. 2018, eq. 144). (..., 3) rad x (..., 3) -> (..., 3).
    """
    angle = np.linalg.norm(step, axis=-1, keepdims=True)
    small = angle < 1e-3  # where the closed form would cancel; it is 1/12 to 8 digits there
    safe = np.where(small, 1.0, angle)
    factor = np.where(small, 1.0 / 12.0, (1.0 - 0.5 * safe / np.tan(0.5 * safe)) / (safe * safe))
    turned = np.cross(step, rate)
    return rate + 0.5 * turned + factor * np.cross(step, turned)


def sign_continuous(quat_wxyz: np.ndarray) -> np.ndarray:
    """Flip signs along the first axis so that neighbours never lie in opposite half spaces. (T, 4) -> (T, 4)."""
    flips = np.sum(quat_wxyz[1:] * quat_wxyz[:-1], axis=-1) < 0.0
    sign = np.concatenate(([1.0], np.where(np.cumsum(flips) % 2 == 1, -1.0, 1.0)))
    return quat_wxyz * sign[:, None]

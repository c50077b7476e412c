"""Rotations of single vectors and poses. Quaternions are unit, scalar first (wxyz), and rotate body to world.

Python's own floats: for three or four numbers they are several times as fast as numpy's arrays.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Vector = tuple[float, float, float]
Quat = tuple[float, float, float, float]


def vector(values: Sequence[float]) -> Vector:
    """Three numbers of any kind as floats."""
    x, y, z = values
    return float(x), float(y), float(z)


def quat(values: Sequence[float]) -> Quat:
    """Four numbers of any kind as the floats of a unit quaternion."""
    w, x, y, z = (float(value) for value in values)
    norm = math.sqrt(w * w + x * x + y * y + z * z)
    return w / norm, x / norm, y / norm, z / norm


def conjugate(q: Quat) -> Quat:
    """Inverse rotation."""
    return q[0], -q[1], -q[2], -q[3]


def multiply(a: Quat, b: Quat) -> Quat:
    """Hamilton product: apply b, then a."""
    aw, ax, ay, az = a
    bw, bx, by, bz = b
    return (
        aw * bw - ax * bx - ay * by - az * bz,
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
    )


def rotate(q: Quat, v: Vector) -> Vector:
    """A vector from body to world."""
    w, x, y, z = q
    tx, ty, tz = 2.0 * (y * v[2] - z * v[1]), 2.0 * (z * v[0] - x * v[2]), 2.0 * (x * v[1] - y * v[0])
    return (
        v[0] + w * tx + y * tz - z * ty,
        v[1] + w * ty + z * tx - x * tz,
        v[2] + w * tz + x * ty - y * tx,
    )


def rotate_back(q: Quat, v: Vector) -> Vector:
    """A vector from world to body."""
    return rotate(conjugate(q), v)


def about_axis(axis: Vector, angle: float) -> Quat:
    """Rotation by ``angle`` rad about a unit axis."""
    s = math.sin(0.5 * angle)
    return math.cos(0.5 * angle), axis[0] * s, axis[1] * s, axis[2] * s


def yaw_of(q: Quat) -> float:
    """Heading: angle of the body x axis in the horizontal plane, rad."""
    w, x, y, z = q
    return math.atan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))


def roll_pitch_of(q: Quat) -> tuple[float, float]:
    """Roll and pitch of the ZYX (yaw, pitch, roll) Euler angles, rad."""
    w, x, y, z = q
    roll = math.atan2(2.0 * (w * x + y * z), 1.0 - 2.0 * (x * x + y * y))
    return roll, math.asin(max(-1.0, min(1.0, 2.0 * (w * y - z * x))))


def yaw_quat(yaw: float) -> Quat:
    """Rotation by ``yaw`` rad about the vertical."""
    return math.cos(0.5 * yaw), 0.0, 0.0, math.sin(0.5 * yaw)


def rot6d(q: Quat) -> tuple[float, float, float, float, float, float]:
    """First two columns of the rotation matrix, row by row: R00, R01, R10, R11, R20, R21."""
    w, x, y, z = q
    return (
        1.0 - 2.0 * (y * y + z * z),
        2.0 * (x * y - w * z),
        2.0 * (x * y + w * z),
        1.0 - 2.0 * (x * x + z * z),
        2.0 * (x * z - w * y),
        2.0 * (y * z + w * x),
    )


def wrapped(angle: float) -> float:
    """An angle within [-pi, pi), rad."""
    return (angle + math.pi) % (2.0 * math.pi) - math.pi


def tilt_of(q: Quat) -> float:
    """Angle between the body's z axis and the vertical, rad."""
    _, x, y, _ = q
    return math.acos(max(-1.0, min(1.0, 1.0 - 2.0 * (x * x + y * y))))

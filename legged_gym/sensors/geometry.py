"""Frames, patterns and function types that the sensors share. N envs, P points, R rays; world frame is z up."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

HeightFunction = Callable[[Tensor, Tensor], Tensor]
"""Height of the ground under points: envs (n,) and world positions (n, P, 2) -> (n, P) m; not finite where none is."""

RayCaster = Callable[[Tensor, Tensor, Tensor, float], Tensor]
"""Distance to the ground along rays: envs (n,), world origins (n, R, 3), world unit directions (n, R, 3) and the
longest distance of interest -> (n, R) m; anything beyond that distance, inf included, where nothing is hit."""


def grid_points(size: tuple[float, float], resolution: float, device: str) -> Tensor:
    """Points of a grid centred on the origin, (ny, nx, 2) as [y][x]: x (forward) and y (left) ascend."""
    x, y = (torch.arange(round(s / resolution) + 1, device=device) * resolution - 0.5 * s for s in size)
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)


def quat_from_rpy(rpy: Tensor) -> Tensor:
    """Rotation by roll about x, then pitch about y, then yaw about z, all fixed axes. (..., 3) -> (..., 4) wxyz."""
    (cr, cp, cy), (sr, sp, sy) = torch.cos(0.5 * rpy).unbind(-1), torch.sin(0.5 * rpy).unbind(-1)
    return torch.stack(
        (
            cr * cp * cy + sr * sp * sy,
            sr * cp * cy - cr * sp * sy,
            cr * sp * cy + sr * cp * sy,
            cr * cp * sy - sr * sp * cy,
        ),
        dim=-1,
    )


def rotation_matrix(quat_wxyz: Tensor) -> Tensor:
    """Matrix whose columns are the body's axes in the world. (..., 4) -> (..., 3, 3)."""
    w, x, y, z = quat_wxyz.unbind(-1)
    rows = (
        1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - w * z), 2.0 * (x * z + w * y),
        2.0 * (x * y + w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - w * x),
        2.0 * (x * z - w * y), 2.0 * (y * z + w * x), 1.0 - 2.0 * (x * x + y * y),
    )  # fmt: skip
    return torch.stack(rows, dim=-1).unflatten(-1, (3, 3))


def limit_distance_(distance: Tensor, max_distance: float) -> Tensor:
    """Clip distances to 0 .. max_distance in place; what is not a number was not hit. (...) -> (...)."""
    return distance.nan_to_num_(nan=max_distance, posinf=max_distance).clamp_(0.0, max_distance)


def as_8_bit(distance: Tensor, max_distance: float) -> Tensor:
    """Distances in 0 .. max_distance rounded down to the 256 levels of 8 bits. (...) -> (...), m."""
    step = max_distance / 255.0
    return torch.floor(distance / step) * step

"""Whether there is room below a mesh's top surface: a table, a bridge, a lintel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import trimesh

MOST_FACES = 5000
_POINTS_PER_SIDE = 40
_ROOM_M = 0.15
"""Room of less height holds no foot or hand of a robot."""
_LEAST_SHARE = 0.005
"""Smaller parts of the ground plan are sills and gaps of a scan."""
_PAIRS = 4_000_000


def has_overhang(mesh: trimesh.Trimesh) -> bool:
    """Whether air of some height lies under 0.5 % of the mesh's ground plan, by rays down through all faces.

    A ray enters matter at a face that looks up and leaves it at one that looks down, so solids that stand in one
    another are no overhang.
    """
    if len(mesh.faces) > MOST_FACES:
        return False  # a scan: what looks like air is its noise
    low, high = mesh.bounds[:, :2]
    steps = (np.arange(_POINTS_PER_SIDE) + 0.5123) / _POINTS_PER_SIDE  # off the edges of neat meshes
    points = np.stack(np.meshgrid(*(low + steps[:, None] * (high - low)).T), axis=-1).reshape(-1, 2)
    corners = mesh.vertices[mesh.faces]
    per_chunk = max(1, _PAIRS // len(corners))
    under = sum(
        int(_air_below(points[i : i + per_chunk], corners).sum()) for i in range(0, len(points), per_chunk)
    )
    return under > _LEAST_SHARE * len(points)


def _air_below(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """(n,) bool: rays down at points (n, 2) that leave matter and enter it again further down."""
    a, b = corners[:, 1, :2] - corners[:, 0, :2], corners[:, 2, :2] - corners[:, 0, :2]
    area = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    kept = np.abs(area) > 1e-12
    corners, a, b, area = corners[kept], a[kept], b[kept], area[kept]
    offset = points[:, None] - corners[None, :, 0, :2]  # (n, F, 2)
    u = (offset[..., 0] * b[:, 1] - offset[..., 1] * b[:, 0]) / area
    v = (offset[..., 1] * a[:, 0] - offset[..., 0] * a[:, 1]) / area
    hit = (u >= 0.0) & (v >= 0.0) & (u + v <= 1.0)
    rise = corners[:, 1:, 2] - corners[:, :1, 2]
    height = np.where(hit, corners[:, 0, 2] + u * rise[:, 0] + v * rise[:, 1], -np.inf)
    order = np.argsort(-height, axis=1)[:, :64]  # more layers than any terrain has
    height = np.take_along_axis(height, order, axis=1)
    step = np.where(np.isneginf(height), 0, np.where(area > 0.0, 1, -1)[order])
    depth = np.cumsum(step, axis=1)
    left = (depth[:, :-1] <= 0) & (step[:, :-1] < 0) & (step[:, 1:] > 0)
    with np.errstate(invalid="ignore"):  # -inf - -inf beyond the last layer
        room = height[:, :-1] - height[:, 1:] > _ROOM_M
    return (left & room).any(axis=1)

"""Meshes that are made of boxes: which boxes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.transform import Rotation

from legged_gym.terrain.topology import components, solid_pairs

if TYPE_CHECKING:
    import trimesh

MOST_FACES = 20_000
"""Larger meshes are scans."""
MOST_BOXES = 400
TOLERANCE_M = 1e-4
"""A corner may be so far off; files with 4 decimals of a metre still pass."""
SHEET_THICKNESS_M = 0.1
"""A flat rectangle becomes a box that is so thick, below it."""
_CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
_SIDES = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])
_BOX_FACES = _SIDES[:, [0, 1, 2, 0, 2, 3]].reshape(12, 3)
"""Outward triangles on `_CORNERS`."""


@dataclass(frozen=True, eq=False)
class Box:
    """A box anywhere, turned anyhow."""

    pos: np.ndarray
    """(3,) centre, m."""
    quat_wxyz: np.ndarray
    """(4,) box to its surroundings."""
    half_size: np.ndarray
    """(3,) half its edges, m."""

    @staticmethod
    def upright(low: np.ndarray, high: np.ndarray) -> Box:
        """The box from one corner (3,) to the opposite one, along the axes."""
        low, high = np.asarray(low, float), np.asarray(high, float)
        return Box((low + high) / 2.0, np.array([1.0, 0.0, 0.0, 0.0]), (high - low) / 2.0)

    def triangles(self) -> tuple[np.ndarray, np.ndarray]:
        """Corners (8, 3) and triangles (12, 3) that look outward."""
        rotation = Rotation.from_quat(self.quat_wxyz, scalar_first=True).as_matrix()
        return self.pos + (_CORNERS * self.half_size) @ rotation.T, _BOX_FACES


def boxes_as_triangles(boxes: list[Box]) -> tuple[np.ndarray, np.ndarray]:
    """All of them as one mesh: vertices (8 B, 3), triangles (12 B, 3)."""
    vertices = np.concatenate([box.triangles()[0] for box in boxes])
    return vertices, np.concatenate([_BOX_FACES + 8 * i for i in range(len(boxes))])


def connected_boxes(mesh: trimesh.Trimesh) -> tuple[list[Box], float] | None:
    """The boxes of a mesh whose connected parts are all boxes or flat rectangles, and the largest error, m.

    The error is the largest distance of a corner from the mesh's own. None if it is no such mesh.
    """
    if len(mesh.faces) > MOST_FACES:
        return None
    part = components(len(mesh.faces), solid_pairs(np.asarray(mesh.vertices), np.asarray(mesh.faces)))
    if part.max() >= MOST_BOXES:
        return None
    order = np.argsort(part, kind="stable")
    boxes, worst = [], 0.0
    vertices = np.asarray(mesh.vertices)
    for faces in np.split(mesh.faces[order], np.flatnonzero(np.diff(part[order])) + 1):
        fitted = _fit(vertices[faces])
        if fitted is None:
            return None
        boxes.append(fitted[0])
        worst = max(worst, fitted[1])
    return boxes, worst


def _fit(triangles: np.ndarray) -> tuple[Box, float] | None:
    """Box and largest corner error of triangles (F, 3, 3) that cover exactly a box or a rectangle; else None."""
    double_area = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    area = np.linalg.norm(double_area, axis=1) / 2.0
    axes = _axes(triangles, double_area, area)
    if axes is None:
        return None
    along = triangles @ axes.T  # (F, 3 corners, 3 axes)
    low, high = along.min(axis=(0, 1)), along.max(axis=(0, 1))
    size = high - low
    on_low, on_high = (np.abs(along - bound).max(axis=1) < TOLERANCE_M for bound in (low, high))
    sheet = size[0] < TOLERANCE_M  # the first axis is normal to the largest face
    surface = size[1] * size[2] if sheet else 2.0 * (size[0] * (size[1] + size[2]) + size[1] * size[2])
    covered = abs(area.sum() - surface) < 1e-3 * surface and (on_low | on_high).any(axis=1).all()
    if not covered or (not sheet and size.min() < TOLERANCE_M):
        return None
    return _exact(triangles.reshape(-1, 3), axes, low, high, sheet)


def _axes(triangles: np.ndarray, double_area: np.ndarray, area: np.ndarray) -> np.ndarray | None:
    """(3, 3) rows: the largest face's normal, a direction in it, and what is square to both."""
    largest = int(np.argmax(area))
    first = double_area[largest] / np.linalg.norm(double_area[largest])
    beside = np.where(np.abs(double_area @ first) < 1e-3 * 2.0 * area, area, 0.0)
    if beside.max() > 0.0:
        second = double_area[np.argmax(beside)]
    else:  # a rectangle: its sides; the diagonal is the longest edge of its largest triangle
        edges = triangles[largest][[1, 2, 0]] - triangles[largest]
        second = edges[np.argsort(np.linalg.norm(edges, axis=1))[1]]
    second = second - first * (second @ first)
    length = np.linalg.norm(second)
    if length == 0.0:
        return None
    second = second / length
    return np.stack((first, second, np.cross(first, second)))


def _exact(
    points: np.ndarray, axes: np.ndarray, low: np.ndarray, high: np.ndarray, sheet: bool
) -> tuple[Box, float] | None:
    """The box whose edges are the mean of the mesh's own, which is more exact than any one face's normal."""
    corners = ((low + high) / 2.0 + _CORNERS * (high - low) / 2.0) @ axes  # (8, 3)
    distance = np.linalg.norm(corners[:, None] - points[None], axis=-1)
    if distance.min(axis=1).max() > 10.0 * TOLERANCE_M:
        return None
    own = points[np.argmin(distance, axis=1)]  # (8, 3) the mesh's corners
    edges = np.einsum("ck,cd->kd", _CORNERS, own) / 8.0  # (3, 3) half edges
    half_size = np.linalg.norm(edges, axis=1)
    if sheet:
        edges[0] = np.cross(edges[1], edges[2])
    u, _, vt = np.linalg.svd(edges / np.linalg.norm(edges, axis=1)[:, None])
    rotation = (u @ vt).T  # the nearest rotation, box to world
    if np.linalg.det(rotation) < 0.0:
        rotation[:, 0] *= -1.0
    centre = own.mean(axis=0)
    fitted = centre + (_CORNERS * half_size) @ rotation.T
    error = np.linalg.norm(fitted[:, None] - own[None], axis=-1).min(axis=1).max()
    if error > TOLERANCE_M:
        return None
    if sheet:
        half_size[0] = SHEET_THICKNESS_M / 2.0
        up = rotation[:, 0] * (1.0 if rotation[2, 0] >= 0.0 else -1.0)
        centre = centre - up * half_size[0]
    rotation, half_size = _least_turned(rotation, half_size)
    return Box(centre, Rotation.from_matrix(rotation).as_quat(scalar_first=True), half_size), float(error)


def _least_turned(rotation: np.ndarray, half_size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same box with its axes named so that it is turned least: an upright box has the identity."""
    order = max(permutations(range(3)), key=lambda order: np.abs(rotation[range(3), order]).sum())
    rotation = rotation[:, order] * np.where(np.diag(rotation[:, order]) < 0.0, -1.0, 1.0)
    if np.linalg.det(rotation) < 0.0:
        rotation = rotation * np.where(np.arange(3) == np.argmin(np.diag(rotation)), -1.0, 1.0)
    return rotation, half_size[list(order)]

"""Meshes that are one piece of level treads and vertical risers (stairs, platforms): boxes with the same surface."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.transform import Rotation

from legged_gym.terrain.boxes import MOST_BOXES, MOST_FACES, TOLERANCE_M, Box
from legged_gym.terrain.mesh_ground import TopSurface

if TYPE_CHECKING:
    import trimesh

_MOST_CELLS = 20_000
_THICKNESS_M = 0.1
"""The lowest tread's box is so thick."""


def step_boxes(mesh: trimesh.Trimesh) -> list[Box] | None:
    """Boxes, side by side, whose tops are exactly a mesh's top surface; None if it is not made of steps.

    Its faces must all be level or vertical, and the vertical ones along two directions square to each other. Space
    under an overhang is filled, so ask for overhangs first.
    """
    if len(mesh.faces) > MOST_FACES:
        return None
    heading = _heading(mesh)
    if heading is None:
        return None
    turn = np.array([[np.cos(heading), np.sin(heading)], [-np.sin(heading), np.cos(heading)]])
    vertices = np.concatenate((mesh.vertices[:, :2] @ turn.T, mesh.vertices[:, 2:]), axis=1)
    u, v = _distinct(vertices[:, 0]), _distinct(vertices[:, 1])
    if (len(u) - 1) * (len(v) - 1) > _MOST_CELLS:
        return None
    tops = _tops(vertices, mesh.faces, u, v)
    if tops is None:
        return None
    bottom = min(vertices[:, 2].min(), np.nanmin(tops) - _THICKNESS_M)
    rectangles = _rectangles(tops)
    if len(rectangles) > MOST_BOXES:
        return None
    quat = Rotation.from_euler("z", heading).as_quat(scalar_first=True)
    boxes = []
    for (i0, i1), (j0, j1) in rectangles:
        box = Box.upright((u[j0], v[i0], bottom), (u[j1], v[i1], tops[i0, j0]))
        boxes.append(Box(np.append(turn.T @ box.pos[:2], box.pos[2]), quat, box.half_size))
    return boxes


def _heading(mesh: trimesh.Trimesh) -> float | None:
    """Angle of the risers' normals, rad; 0 without risers, None if a face is neither level nor upright and square."""
    corners = mesh.vertices[mesh.faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(normal, axis=1)
    normal = normal / area[:, None]
    level = np.ptp(corners[..., 2], axis=1) < TOLERANCE_M
    upright = np.abs(normal[:, 2]) < 1e-3
    if not (level | upright).all():
        return None
    if not upright.any():
        return _edge_heading(corners[np.argmax(area)])
    largest = normal[np.argmax(np.where(upright, area, 0.0))]
    heading = float(np.arctan2(largest[1], largest[0]))
    angle = np.arctan2(normal[upright, 1], normal[upright, 0]) - heading
    off = np.abs(angle - np.round(angle / (np.pi / 2.0)) * np.pi / 2.0)
    return heading if (off < 1e-3).all() else None


def _edge_heading(triangle: np.ndarray) -> float:
    """Direction of the second longest edge: of a rectangle's half, a side."""
    edges = (triangle[[1, 2, 0]] - triangle)[:, :2]
    side = edges[np.argsort(np.linalg.norm(edges, axis=1))[1]]
    return float(np.arctan2(side[1], side[0]))


def _distinct(values: np.ndarray) -> np.ndarray:
    """Sorted values, those within the tolerance taken as one."""
    values = np.sort(values)
    return values[np.concatenate(([True], np.diff(values) > TOLERANCE_M))]


def _tops(vertices: np.ndarray, faces: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray | None:
    """(len(v) - 1, len(u) - 1) height of the surface in each cell, NaN without; None if a cell is not level."""
    surface = TopSurface(vertices, faces)
    if surface.num_triangles == 0:
        return None
    samples = []
    for a, b in ((0.5, 0.5), (0.1, 0.2), (0.9, 0.3), (0.2, 0.9), (0.8, 0.8)):
        x, y = u[:-1] + a * np.diff(u), v[:-1] + b * np.diff(v)
        samples.append(surface(np.stack(np.meshgrid(x, y), axis=-1)))
    heights = np.stack(samples)
    missing = np.isneginf(heights)
    if (missing.any(axis=0) & ~missing.all(axis=0)).any():
        return None
    heights[missing] = np.nan
    if (np.nan_to_num(np.ptp(heights, axis=0)) > TOLERANCE_M).any():
        return None
    return heights[0]


def _rectangles(tops: np.ndarray) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Cells of equal height joined, first along rows, then downwards: ((i0, i1), (j0, j1)), ends excluded."""
    free = ~np.isnan(tops)
    found = []
    for i, j in np.argwhere(free):
        if not free[i, j]:
            continue
        same = free & (np.abs(tops - tops[i, j]) < TOLERANCE_M)
        j1 = j + int(np.argmin(np.append(same[i, j:], False)))
        i1 = i + int(np.argmin(np.append(same[i:, j:j1].all(axis=1), False)))
        free[i:i1, j:j1] = False
        found.append(((int(i), i1), (int(j), j1)))
    return found

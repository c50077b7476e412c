"""Meshes shared by the terrain tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trimesh

SaveMesh = Callable[..., Path]


def hills(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A smooth surface without any symmetry."""
    return 0.15 * np.sin(1.3 * x + 0.2) * np.cos(0.9 * y) + 0.05 * x + 0.2


def sheet(
    width: float = 4.0, depth: float = 3.0, step: float = 0.05, height: Callable = hills
) -> trimesh.Trimesh:
    """An open surface over [0, width] x [0, depth], wound to look up."""
    x, y = np.arange(0.0, width + step / 2, step), np.arange(0.0, depth + step / 2, step)
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    corner = (np.arange(len(y) - 1)[:, None] * len(x) + np.arange(len(x) - 1)).ravel()
    right, above = corner + 1, corner + len(x)
    faces = np.concatenate(
        (np.stack((corner, right, above + 1), axis=1), np.stack((corner, above + 1, above), axis=1))
    )
    vertices = np.concatenate((grid, height(grid[:, :1], grid[:, 1:])), axis=1)
    return trimesh.Trimesh(vertices, faces, process=False)


def boxes(*spans: tuple[tuple[float, float, float], tuple[float, float, float]]) -> trimesh.Trimesh:
    """Boxes from corner to corner, as trimesh makes them."""
    return trimesh.util.concatenate([trimesh.creation.box(bounds=span) for span in spans])


def stairs_in_one_piece(steps: int = 4, rise: float = 0.15, tread: float = 0.3) -> trimesh.Trimesh:
    """A flight of stairs that rises along x from 0, 1 m wide along y, as one closed body."""
    points, faces = [], []
    for k in range(steps):  # a column below each tread, its left side divided where the tread before ends
        x0, x1 = k * tread, (k + 1) * tread
        outline = [(x1, 0.0), (x1, (k + 1) * rise), (x0, (k + 1) * rise), (x0, k * rise), (x0, 0.0)]
        outline = outline[:3] + outline[3 if k else 4 :]
        faces += [(len(points), len(points) + i, len(points) + i + 1) for i in range(1, len(outline) - 1)]
        points += outline
    profile, index = np.unique(np.round(points, 9), axis=0, return_inverse=True)
    body = trimesh.creation.extrude_triangulation(profile, index.reshape(-1)[np.array(faces)], height=1.0)
    body.apply_transform([[1, 0, 0, 0], [0, 0, -1, 1], [0, 1, 0, 0], [0, 0, 0, 1]])
    return body


@pytest.fixture
def save(tmp_path: Path) -> SaveMesh:
    """Writes a mesh to a file and returns its path."""

    def write(mesh: trimesh.Trimesh, name: str = "terrain.obj") -> Path:
        mesh.export(tmp_path / name)
        return tmp_path / name

    return write

"""Height of the ground under points, from a triangle mesh."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from legged_gym.utils.errors import MotionError

_LARGE_FILE = 25_000_000
"""Bytes of some half a million triangles, for which `TopSurface` takes 0.5 GB."""
_CELLS_PER_TRIANGLE = 4.0
_FEWEST_CELLS, _MOST_CELLS = 64, 1024  # per side
_PAIRS_PER_CHUNK = 2_000_000
_EDGE_TOLERANCE = 1e-9
"""Share of a triangle that counts as its edge, so that no point falls between neighbours by rounding."""


def mesh_ground(path: str | Path) -> Callable[[np.ndarray], np.ndarray]:
    """Height of a mesh's top surface: (..., 2) horizontal positions -> (...) heights, m, world frame.

    Exact on the triangles, z up. Where the mesh overhangs or has several layers, the highest one is the ground, so
    tunnels are closed. Beyond the mesh there is no ground: the height is -inf. Of large scans, whose triangles would
    take gigabytes, it is the surface that collides, from the cache of terrains.

    Raises:
        MotionError: the file is missing, no mesh, or has no triangle that is not vertical.
        TerrainError: a large file is no terrain.
    """
    path = Path(path)
    if path.is_file() and path.stat().st_size > _LARGE_FILE:
        from legged_gym.terrain.collision_ground import scan_ground

        return scan_ground(path)
    vertices, faces = _load(path)
    bad = np.flatnonzero(~np.isfinite(vertices).all(axis=1))
    if len(bad):
        raise MotionError(f"{path}: vertex {bad[0]} (from 0) is at {vertices[bad[0]]}, which is no position")
    surface = TopSurface(vertices, faces)
    if surface.num_triangles == 0:
        raise MotionError(f"{path}: all {len(faces)} triangles are vertical, so there is nothing to stand on")
    return surface


class TopSurface:
    """Top surface of V vertices and F triangles; call it with positions.

    Triangles are sorted into the cells of a grid over their extent, less those that others in the cell hide. A query
    looks at those of its cell.
    """

    def __init__(self, vertices: np.ndarray, faces: np.ndarray) -> None:
        corners = vertices[faces]  # (F, 3, 3)
        edges = corners[:, 1:, :2] - corners[:, :1, :2]  # (F, 2, 2)
        area = edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0]
        size = np.linalg.norm(edges, axis=-1).max(axis=1)
        seen = np.abs(area) > 1e-12 * np.maximum(size**2, 1e-300)  # not vertical, not empty
        corners, edges, area = corners[seen], edges[seen], area[seen]
        self.num_triangles = len(corners)
        if self.num_triangles == 0:
            return
        self._origin = corners[:, 0]  # (n, 3)
        # Barycentric coordinates (u, v) of a position p are inverse @ (p - origin).
        self._inverse = (
            np.stack(
                (
                    np.stack((edges[:, 1, 1], -edges[:, 1, 0]), axis=-1),
                    np.stack((-edges[:, 0, 1], edges[:, 0, 0]), axis=-1),
                ),
                axis=1,
            )
            / area[:, None, None]
        )
        self._rise = corners[:, 1:, 2] - corners[:, :1, 2]  # (n, 2)
        self._build_grid(corners[..., :2])

    def __call__(self, xy: np.ndarray) -> np.ndarray:
        """(..., 2) -> (...) m; -inf where there is no triangle."""
        points = np.asarray(xy, dtype=np.float64).reshape(-1, 2)
        height = np.full(len(points), -np.inf)
        cell = np.floor((points - self._low) / self._cell).astype(np.int64)
        at_edge = points == self._high  # belongs to the last cell
        cell -= at_edge & (cell == self._shape)
        within = np.flatnonzero(((cell >= 0) & (cell < self._shape)).all(axis=1))
        flat = cell[within, 0] * self._shape[1] + cell[within, 1]
        count = self._start[flat + 1] - self._start[flat]
        chunks = (
            np.flatnonzero(np.diff(np.cumsum(count) // _PAIRS_PER_CHUNK, prepend=0)) if len(count) else []
        )
        for part in np.split(np.arange(len(within)), chunks):
            self._raise_to_triangles(height, points, within[part], self._start[flat[part]], count[part])
        return height.reshape(np.shape(xy)[:-1])

    def _raise_to_triangles(
        self, height: np.ndarray, points: np.ndarray, chosen: np.ndarray, start: np.ndarray, count: np.ndarray
    ) -> None:
        """Raise `height` at the chosen points to the highest of their cells' triangles above or below them."""
        point = np.repeat(chosen, count)
        first = np.repeat(start - np.concatenate(([0], np.cumsum(count)[:-1])), count)
        triangle = self._members[first + np.arange(len(point))]
        z, hit = self._height_on(points[point], triangle)
        np.maximum.at(height, point[hit], z[hit])

    def _height_on(self, points: np.ndarray, triangle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Height of each triangle's plane at a point, (k,) m, and whether the point is on the triangle, (k,) bool."""
        offset = points - self._origin[triangle, :2]
        inverse, rise = self._inverse[triangle], self._rise[triangle]
        u = inverse[:, 0, 0] * offset[:, 0] + inverse[:, 0, 1] * offset[:, 1]
        v = inverse[:, 1, 0] * offset[:, 0] + inverse[:, 1, 1] * offset[:, 1]
        hit = (u >= -_EDGE_TOLERANCE) & (v >= -_EDGE_TOLERANCE) & (u + v <= 1.0 + _EDGE_TOLERANCE)
        return self._origin[triangle, 2] + u * rise[:, 0] + v * rise[:, 1], hit

    def _build_grid(self, corners: np.ndarray) -> None:
        """Lists of triangles per cell, one after the other: members of cell c are start[c] to start[c + 1]."""
        low, high = corners.min(axis=1), corners.max(axis=1)  # (n, 2) of each triangle
        self._low, self._high = low.min(axis=0), high.max(axis=0)
        side = int(np.clip(np.sqrt(_CELLS_PER_TRIANGLE * len(corners)), _FEWEST_CELLS, _MOST_CELLS))
        self._shape = np.array([side, side])
        self._cell = (self._high - self._low) / side
        # A little more on each side, for what rounding puts beyond a border.
        first = np.clip(np.floor((low - self._low) / self._cell - 1e-6), 0, side - 1).astype(np.int64)
        last = np.clip(np.floor((high - self._low) / self._cell + 1e-6), 0, side - 1).astype(np.int64)
        extent = last - first + 1
        count = extent.prod(axis=1)
        triangle = np.repeat(np.arange(len(corners)), count)
        local = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        row, column = np.divmod(local, extent[triangle, 1])
        cell = (first[triangle, 0] + row) * side + first[triangle, 1] + column
        seen = self._seen_from_above(cell, triangle)
        cell, triangle = cell[seen], triangle[seen]
        order = np.argsort(cell, kind="stable")
        self._members = triangle[order]
        self._start = np.searchsorted(cell[order], np.arange(side * side + 1))

    def _seen_from_above(self, cell: np.ndarray, triangle: np.ndarray) -> np.ndarray:
        """(k,) bool: which pairs of cell and triangle are not wholly below a triangle that covers the cell."""
        row, column = np.divmod(cell, self._shape[1])
        corner = self._low + np.stack((row, column), axis=-1) * self._cell
        heights, covers = [], np.ones(len(cell), dtype=bool)
        for shift in ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)):
            height, hit = self._height_on(corner + np.array(shift) * self._cell, triangle)
            heights.append(height)
            covers &= hit
        floor = np.full(self._shape.prod(), -np.inf)
        np.maximum.at(floor, cell[covers], np.min(heights, axis=0)[covers])
        highest_vertex = self._origin[:, 2] + np.maximum(self._rise.max(axis=1), 0.0)
        return np.minimum(np.max(heights, axis=0), highest_vertex[triangle]) >= floor[cell]


def _load(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3) and triangles (F, 3)."""
    import trimesh

    if not path.is_file():
        raise MotionError(f"{path}: no such terrain mesh")
    try:
        mesh = trimesh.load(path, force="mesh", process=False)
    except Exception as error:  # every format of trimesh has errors of its own
        raise MotionError(
            f"{path}: cannot be read as a mesh ({' '.join(str(error).split()) or type(error).__name__})"
        ) from None
    vertices = np.asarray(getattr(mesh, "vertices", ()), dtype=np.float64)
    faces = np.asarray(getattr(mesh, "faces", ()), dtype=np.int64)
    if vertices.ndim != 2 or not len(faces):
        raise MotionError(f"{path}: has no triangles; a terrain needs a surface")
    return vertices, faces

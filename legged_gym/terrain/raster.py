"""Heights on a regular grid, and how a mesh becomes one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from legged_gym.utils.errors import TerrainError

if TYPE_CHECKING:
    import trimesh

MOST_POINTS = 25_000_000
"""Largest raster, 100 MB: 200 x 200 m at 4 cm."""
_FACES_PER_CHUNK = 200_000
_POINTS_PER_CHUNK = 1_000_000
_TOLERANCE = 1e-6
"""Cells by which a triangle reaches beyond its edges, so that no grid point falls between two by rounding."""


@dataclass(frozen=True, eq=False)
class HeightRaster:
    """Heights at the points of a grid; `heights[i, j]` is at x = x0 + j * cell, y = y0 + i * cell."""

    heights: np.ndarray
    """(ny, nx) float32 m; NaN where there is no surface."""
    x0: float
    """x of the first column, m."""
    y0: float
    """y of the first row, m."""
    cell: float
    """Distance between neighbouring points, m."""

    @property
    def low(self) -> np.ndarray:
        """(2,) x and y of the first point."""
        return np.array((self.x0, self.y0))

    @property
    def high(self) -> np.ndarray:
        """(2,) x and y of the last point."""
        ny, nx = self.heights.shape
        return np.array((self.x0 + (nx - 1) * self.cell, self.y0 + (ny - 1) * self.cell))

    def points(self) -> np.ndarray:
        """(ny, nx, 2) x and y of every grid point."""
        ny, nx = self.heights.shape
        x, y = self.x0 + self.cell * np.arange(nx), self.y0 + self.cell * np.arange(ny)
        return np.stack(np.meshgrid(x, y), axis=-1)

    def at(self, xy: np.ndarray) -> np.ndarray:
        """Bilinear heights: (..., 2) -> (...) m; NaN outside and where one of the four points is NaN."""
        ny, nx = self.heights.shape
        where = (np.asarray(xy, np.float64) - self.low) / self.cell
        inside = ((where >= 0.0) & (where <= (nx - 1, ny - 1))).all(axis=-1)
        column = np.clip(np.nan_to_num(np.floor(where[..., 0])), 0, nx - 2).astype(np.int64)
        row = np.clip(np.nan_to_num(np.floor(where[..., 1])), 0, ny - 2).astype(np.int64)
        u, v = where[..., 0] - column, where[..., 1] - row
        below = self.heights[row, column] * (1.0 - u) + self.heights[row, column + 1] * u
        above = self.heights[row + 1, column] * (1.0 - u) + self.heights[row + 1, column + 1] * u
        return np.where(inside, below * (1.0 - v) + above * v, np.nan)


def grid_shape(low: np.ndarray, high: np.ndarray, cell: float) -> tuple[int, int]:
    """(ny, nx) points that cover low to high (2,); at least 2 each way."""
    steps = np.ceil((np.asarray(high) - low) / cell - 1e-6).astype(int)
    nx, ny = np.maximum(steps, 1) + 1
    return int(ny), int(nx)


def rasterise(mesh: trimesh.Trimesh, cell: float) -> HeightRaster:
    """Height of a mesh's top surface on a grid that starts at its lowest x and y; exact at the grid's points.

    Needs no ray caster: every triangle is cut into the grid rows it spans, every row into the points on it. The last
    row and column may lie beyond the mesh by less than a cell; there the triangles at its rim go on.

    Raises:
        TerrainError: the grid would be too large, or no triangle has any extent seen from above.
    """
    vertices = np.asarray(mesh.vertices, np.float64)
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    ny, nx = grid_shape(low[:2], high[:2], cell)
    if nx * ny > MOST_POINTS:
        raise TerrainError(
            f"horizontal_scale: cells of {cell} m on {high[0] - low[0]:.0f} x {high[1] - low[1]:.0f} m are "
            f"{nx} x {ny} points; most is {MOST_POINTS}"
        )
    heights = np.full(ny * nx, -np.inf, np.float32)
    for start in range(0, len(mesh.faces), _FACES_PER_CHUNK):
        corners = vertices[mesh.faces[start : start + _FACES_PER_CHUNK]]
        corners[..., :2] = (corners[..., :2] - low[:2]) / cell
        _raise(heights, (ny, nx), (high - low)[:2] / cell, cell, _counter_clockwise(corners))
    heights[np.isneginf(heights)] = np.nan
    return HeightRaster(heights.reshape(ny, nx), float(low[0]), float(low[1]), cell)


def _counter_clockwise(corners: np.ndarray) -> np.ndarray:
    """The triangles (F, 3, 3) that are not vertical, seen from above all wound the same way."""
    a, b = corners[:, 1, :2] - corners[:, 0, :2], corners[:, 2, :2] - corners[:, 0, :2]
    area = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    size = np.maximum(np.abs(a).max(axis=1), np.abs(b).max(axis=1))
    kept = np.abs(area) > 1e-9 * size**2
    corners, area = corners[kept], area[kept]
    return np.where((area < 0.0)[:, None, None], corners[:, ::-1], corners)


def _raise(
    heights: np.ndarray, shape: tuple[int, int], extent: np.ndarray, cell: float, corners: np.ndarray
) -> None:
    """Raise heights (ny * nx,) to triangles (F, 3, 3) whose x and y are in cells, of a mesh that ends at extent."""
    ny, nx = shape
    low, high = corners.min(axis=1), corners.max(axis=1)
    first = np.ceil(low[:, :2] - _TOLERANCE).astype(np.int64)
    last = np.floor(high[:, :2] + _TOLERANCE).astype(np.int64)
    last = np.where(high[:, :2] > extent - _TOLERANCE, (nx - 1, ny - 1), last)
    met = (last >= first).all(axis=1)  # most triangles of a fine scan lie between the points
    corners, low, high, first, last = corners[met], low[met], high[met], first[met], last[met]
    slope = _slopes(corners)
    for triangle, row in _expanded(first[:, 1], last[:, 1]):
        v = np.clip(row.astype(np.float64), low[triangle, 1], high[triangle, 1])
        left, right = _crossings(corners[triangle], v)
        begin = np.maximum(np.ceil(left - _TOLERANCE), first[triangle, 0]).astype(np.int64)
        end = np.minimum(np.floor(right + _TOLERANCE), last[triangle, 0]).astype(np.int64)
        end = np.where(right > extent[0] - _TOLERANCE, nx - 1, end)
        for span, column in _expanded(begin, end):
            face = triangle[span]
            point = np.stack((column, row[span]), axis=1)
            z = corners[face, 0, 2] + (slope[face] * (point - corners[face, 0, :2])).sum(axis=1)
            # Steep triangles, beyond their edge by the tolerance, and beyond the rim by less than a cell: 45 degrees.
            margin = cell * (point > extent + _TOLERANCE).any(axis=1)
            z = np.clip(z, low[face, 2] - margin, high[face, 2] + margin)
            np.maximum.at(heights, point[:, 1] * nx + point[:, 0], z.astype(np.float32))


def _slopes(corners: np.ndarray) -> np.ndarray:
    """(F, 2) rise per cell in x and y."""
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    along_x = (a[:, 2] * b[:, 1] - b[:, 2] * a[:, 1]) / area
    along_y = (b[:, 2] * a[:, 0] - a[:, 2] * b[:, 0]) / area
    return np.stack((along_x, along_y), axis=1)


def _crossings(corners: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where a row at y = v enters and leaves each counter-clockwise triangle, x in cells: two (n,)."""
    left, right = np.full(len(v), -np.inf), np.full(len(v), np.inf)
    for start, stop in ((0, 1), (1, 2), (2, 0)):
        a, b = corners[:, start], corners[:, stop]
        rise = b[:, 1] - a[:, 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            x = a[:, 0] + (v - a[:, 1]) * (b[:, 0] - a[:, 0]) / rise
        right = np.where(
            rise > 0.0, np.minimum(right, x), right
        )  # the inside is left of an edge that goes up
        left = np.where(rise < 0.0, np.maximum(left, x), left)
    return left, right


def _expanded(first: np.ndarray, last: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For ranges first..last (n,), both included: (index of the range, value) of each value, in chunks."""
    count = np.maximum(last - first + 1, 0)
    total = np.cumsum(count)
    start = 0
    while start < len(count):
        done = total[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(total, done + _POINTS_PER_CHUNK, side="right")))
        part = count[start:stop]
        index = np.repeat(np.arange(start, stop), part)
        local = np.arange(part.sum()) - np.repeat(np.cumsum(part) - part, part)
        yield index, first[index] + local
        start = stop

"""Heights under points, for all tiles at once, by lookup in one buffer of rasters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from legged_gym.terrain.geometry import TileGeometry


class HeightLookup:
    """Bilinear heights of T tiles that are put somewhere in the world.

    Tiles that share a geometry share its raster. Beyond a tile's own ground is its ground level.
    """

    def __init__(
        self, tiles: Sequence[TileGeometry], offsets: np.ndarray, device: str | torch.device
    ) -> None:
        """`offsets` is (T, 3), clip frame to world, m."""
        start: dict[int, int] = {}
        pieces, size = [], 0
        for tile in tiles:
            if id(tile) not in start:
                start[id(tile)] = size
                pieces.append(tile.raster.heights.ravel())
                size += pieces[-1].size
        self._buffer = torch.from_numpy(np.concatenate(pieces)).to(device)
        self._start = torch.tensor([start[id(tile)] for tile in tiles], device=device)
        shape = np.array([tile.raster.heights.shape for tile in tiles])
        self._rows, self._columns = torch.from_numpy(shape).to(device).unbind(1)
        self._low, self._inverse_cell, self._extent, self._z, self._level = (
            torch.tensor(np.array(values), dtype=torch.float32, device=device)
            for values in (
                [tile.raster.low + offset[:2] for tile, offset in zip(tiles, offsets, strict=True)],
                [1.0 / tile.raster.cell for tile in tiles],
                [_extent(tile) for tile in tiles],
                offsets[:, 2],
                [tile.ground_level for tile in tiles],
            )
        )

    @property
    def num_bytes(self) -> int:
        """Size of the buffer."""
        return self._buffer.numel() * self._buffer.element_size()

    def __call__(self, tile: Tensor, points_xy_w: Tensor) -> Tensor:
        """World heights: tiles (N,), points (N, P, 2) in the world -> (N, P) m."""
        where = (points_xy_w - self._low[tile][:, None]) * self._inverse_cell[tile][:, None, None]  # in cells
        outside = ((where < 0.0) | (where > self._extent[tile][:, None])).any(dim=-1)
        columns, rows = self._columns[tile][:, None], self._rows[tile][:, None]
        whole = where.nan_to_num().floor().long()
        column = torch.minimum(whole[..., 0].clamp(min=0), columns - 2)
        row = torch.minimum(whole[..., 1].clamp(min=0), rows - 2)
        u, v = where[..., 0] - column, where[..., 1] - row
        corner = self._start[tile][:, None] + row * columns + column
        low = torch.lerp(self._buffer[corner], self._buffer[corner + 1], u)
        corner = corner + columns
        high = torch.lerp(self._buffer[corner], self._buffer[corner + 1], u)
        height = torch.where(outside, self._level[tile][:, None], torch.lerp(low, high, v))
        return height + self._z[tile][:, None]


def _extent(tile: TileGeometry) -> np.ndarray:
    """(2,) cells, in x and y, of the tile's own ground; boxes and meshes end before their raster's last point."""
    if tile.kind == "flat":
        return np.full(2, -1.0)
    high = tile.raster.high if tile.kind == "heightfield" else tile.bounds[1, :2]
    return (high - tile.raster.low) / tile.raster.cell

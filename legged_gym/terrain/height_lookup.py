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
        """World heights: tiles (N,), points (N, P, 2) in the world -> (N, P) m.

        Of a point that is no number it is the ground level.
        """
        low, scale = self._low[tile], self._inverse_cell[tile].unsqueeze(1)
        extent, columns, rows = self._extent[tile], self._columns[tile], self._rows[tile]
        # x and y apart: all that follows runs over contiguous memory.
        x = (points_xy_w[..., 0] - low[:, :1]) * scale  # in cells
        y = (points_xy_w[..., 1] - low[:, 1:]) * scale
        inside = (x >= 0.0) & (x <= extent[:, :1]) & (y >= 0.0) & (y <= extent[:, 1:])
        column, row = _cell(x, columns), _cell(y, rows)
        u, v = x - column, y - row
        corner = torch.addcmul(column, row, columns.unsqueeze(1)).add_(self._start[tile].unsqueeze(1))
        beyond = corner + columns.unsqueeze(1)
        near = torch.lerp(self._at(corner), self._at(corner + 1), u)
        far = torch.lerp(self._at(beyond), self._at(beyond + 1), u)
        height = torch.where(inside, torch.lerp(near, far, v), self._level[tile].unsqueeze(1))
        return height.add_(self._z[tile].unsqueeze(1))

    def _at(self, index: Tensor) -> Tensor:
        return self._buffer.index_select(0, index.flatten()).view(index.shape)


def _cell(place: Tensor, count: Tensor) -> Tensor:
    """Index of the cell that places (N, P) lie in, of count (N,) grid points: the nearest one's for those outside."""
    return place.nan_to_num().clamp_(min=0.0).long().minimum((count - 2).unsqueeze(1))


def _extent(tile: TileGeometry) -> np.ndarray:
    """(2,) cells, in x and y, of the tile's own ground; boxes and meshes end before their raster's last point."""
    if tile.kind == "flat":
        return np.full(2, -1.0)
    high = tile.raster.high if tile.kind == "heightfield" else tile.bounds[1, :2]
    return (high - tile.raster.low) / tile.raster.cell

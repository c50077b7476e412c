"""Height of what robots collide with, without MuJoCo."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from legged_gym.terrain.geometry import TileGeometry
from legged_gym.terrain.geometry_cache import mesh_geometry
from legged_gym.terrain.mesh_ground import TopSurface
from legged_gym.utils.array_cache import ArrayCache, cache_folder


def collision_ground(tile: TileGeometry) -> Callable[[np.ndarray], np.ndarray]:
    """Top of a tile's boxes, cells or triangles, and of the level ground around and between them.

    Horizontal positions (..., 2) -> heights (...), m, in the clip's frame; finite everywhere.
    """
    surface = TopSurface(*tile.surface())

    def height(xy: np.ndarray) -> np.ndarray:
        top = surface(xy)
        if tile.covered or tile.kind == "heightfield":
            return np.where(np.isfinite(top), top, tile.ground_level)
        return np.maximum(top, tile.ground_level)

    return height


def mesh_collision_ground(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """The same for a mesh file as training converts it by default, from the cache of terrains where it is there.

    Raises:
        TerrainError: the file is no terrain.
    """
    return collision_ground(_tile(path))


def scan_ground(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """The same without the level ground around it: -inf beyond the mesh.

    Raises:
        TerrainError: the file is no terrain.
    """
    return TopSurface(*_tile(path).surface())


def _tile(path: Path) -> TileGeometry:
    return mesh_geometry(path, "auto", None, ArrayCache(cache_folder("terrains")))

"""Where tiles come from: mesh files and made ground, each loaded once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from legged_gym.terrain.generators import Ground, ground_geometry
from legged_gym.terrain.geometry import MOST_MESH_FACES, Collision, TileGeometry
from legged_gym.terrain.geometry_cache import mesh_geometry
from legged_gym.terrain.terrain_config import TerrainCfg
from legged_gym.utils.array_cache import ArrayCache, cache_folder
from legged_gym.utils.errors import TerrainError

logger = logging.getLogger(__name__)

Source = Path | Ground


def distinct(tiles: Sequence[Source]) -> tuple[list[Source], np.ndarray]:
    """Each terrain once, and which of them each clip is on, (C,)."""
    keys = [tile.resolve() if isinstance(tile, Path) else _without_difference(tile) for tile in tiles]
    known = {key: index for index, key in enumerate(dict.fromkeys(keys))}
    return list(known), np.array([known[key] for key in keys])


def _without_difference(ground: Ground) -> Ground:
    """Flat ground is flat ground."""
    return Ground() if ground.kind == "flat" else ground


def load_geometries(
    sources: list[Source], reach: list[np.ndarray | None], cfg: TerrainCfg
) -> tuple[list[TileGeometry], int]:
    """The geometry of each source, and how many were found in the cache."""
    cache = ArrayCache(cache_folder("terrains") if cfg.cache else None)
    collision: Collision = "heightfield" if cfg.cast_mesh_to_heightfield else cfg.collision
    made = []
    for source, span in zip(sources, reach, strict=True):
        if isinstance(source, Ground):
            low, high = np.zeros((2, 2)) if span is None else span
            made.append(ground_geometry(source, low, high, cfg.horizontal_scale))
            continue
        hits = cache.hits
        made.append(mesh_geometry(source, collision, cfg.horizontal_scale, cache))
        level = logging.DEBUG if cache.hits > hits else logging.INFO
        logger.log(level, "%s: %s", source, made[-1].summary())
    if collision == "auto":
        _limit_meshes(sources, made, cfg, cache)
    else:
        _check_mesh_total(made)
    cache.remove_old()
    return made, cache.hits


def _mesh_faces(geometry: TileGeometry, rows: int = 1) -> int:
    return 0 if geometry.mesh is None else rows * len(geometry.mesh[1])


def _limit_meshes(
    sources: list[Source], made: list[TileGeometry], cfg: TerrainCfg, cache: ArrayCache
) -> None:
    """Turn meshes into height fields, largest first, until what is left is quick enough."""
    for index in sorted(range(len(made)), key=lambda i: -_mesh_faces(made[i])):
        if sum(_mesh_faces(geometry, cfg.n_rows) for geometry in made) <= MOST_MESH_FACES:
            return
        made[index] = mesh_geometry(sources[index], "heightfield", cfg.horizontal_scale, cache)
        logger.info(
            "%s: a height field after all, for all meshes together have too many triangles: %s",
            sources[index],
            made[index].summary(),
        )


def _check_mesh_total(made: list[TileGeometry]) -> None:
    total = sum(_mesh_faces(geometry) for geometry in made)
    if total > MOST_MESH_FACES:
        raise TerrainError(
            f"terrain.collision: mesh needs {total} triangles for all clips together, and every one costs time in "
            f"every step (most {MOST_MESH_FACES}); auto turns the largest into height fields"
        )

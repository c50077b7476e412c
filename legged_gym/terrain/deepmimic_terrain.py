"""The ground of all clips, side by side in one world."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path

import mujoco
import numpy as np
import torch
from torch import Tensor

from legged_gym.terrain.collision_geoms import PlacedTile, TerrainGeoms
from legged_gym.terrain.generators import Ground
from legged_gym.terrain.geometry import TileGeometry, padded
from legged_gym.terrain.height_lookup import HeightLookup
from legged_gym.terrain.layout import shelves
from legged_gym.terrain.mesh_file import check_overlap
from legged_gym.terrain.noise import with_noise
from legged_gym.terrain.sources import Source, distinct, load_geometries
from legged_gym.terrain.terrain_config import TerrainCfg
from legged_gym.utils.errors import ConfigError

logger = logging.getLogger(__name__)

_FLOOR_DEPTH_M = 1.0
"""A floor so far below everything catches what leaves an apron."""
_MANY_GEOMS = 1000
"""More slow a step by half on flat ground's 27 us."""


class DeepMimicTerrain:
    """One terrain per clip, C of them, each with n_rows copies.

    Clips on the same mesh or ground share it, and all flat ones share one level ground. Where everything is flat,
    the ground is one plane and all offsets are 0. Tiles are numbered clip * n_rows + row.
    """

    def __init__(
        self,
        tiles: Sequence[Path | Ground],
        cfg: TerrainCfg,
        seed: int,
        device: str | torch.device,
        clip_bounds: Sequence[np.ndarray] | None = None,
        clip_names: Sequence[str] | None = None,
    ) -> None:
        """Load, convert and lay out all terrains.

        Args:
            tiles: the terrain of each clip, a mesh file or a ground to make.
            cfg: how.
            seed: of the noise.
            device: of tensors.
            clip_bounds: (2, 3) lowest and highest root position of each clip in its own frame, m; grounds are made to
                reach so far, and meshes must lie below.
            clip_names: what messages call the clips.

        Raises:
            TerrainError: a mesh is no terrain, or not under its clip.
            ConfigError: an option has a value it cannot have.
        """
        _check(cfg, tiles)
        started = time.perf_counter()
        self.cfg, self.num_clips, self.device = cfg, len(tiles), device
        sources, self._source_of = distinct(tiles)
        reach: list[np.ndarray | None] = [None] * len(sources)
        if clip_bounds is not None:
            bounds = np.asarray(clip_bounds, float).reshape(-1, 2, 3)
            reach = [_reach(bounds[self._source_of == source]) for source in range(len(sources))]
        self._names = [str(source) for source in sources]
        self._geometries, self.num_cached = load_geometries(sources, reach, cfg)
        if clip_bounds is not None:
            names = clip_names or [f"clip {clip}" for clip in range(len(tiles))]
            for own_bounds, name, source in zip(bounds, names, self._source_of, strict=True):
                if isinstance(sources[source], Path):
                    check_overlap(self._geometries[source].bounds, own_bounds, sources[source], name)
        self._place(reach, seed)
        self._lookup = HeightLookup(
            [placed.geometry for placed in self._tiles], np.array([p.offset for p in self._tiles]), device
        )
        logger.info("%s, %.1f s", self.summary(), time.perf_counter() - started)

    def add_to(self, spec: mujoco.MjSpec) -> None:
        """Add the ground to a model that has none; the robot must be in it already."""
        friction = (
            self.cfg.static_friction if self.cfg.static_friction is not None else self.cfg.dynamic_friction
        )
        geoms = TerrainGeoms(spec, friction)
        if self.is_flat:
            geoms.add_plane("ground", 0.0)
            return
        for tile in {id(tile): tile for tile in self._tiles}.values():
            geoms.add(tile)
        lowest = min(min(g.bounds[0, 2], g.ground_level) for g in (t.geometry for t in self._tiles))
        geoms.add_plane("terrain_floor", lowest - _FLOOR_DEPTH_M)
        if geoms.num_geoms > _MANY_GEOMS:
            logger.warning(
                "the terrain has %d static geoms; 1000 of them make every step of a robot about 13 us slower "
                "(collision = heightfield needs one per tile)",
                geoms.num_geoms,
            )

    def heights(self, tile: Tensor, points_xy_w: Tensor) -> Tensor:
        """World height of the surface: tiles (N,), points (N, P, 2) in the world -> (N, P) m.

        Outside the tile it is the tile's ground level, that of its apron.
        """
        return self._lookup(tile, points_xy_w)

    def tile_mesh(self, clip: int, row: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Vertices (V, 3) in the clip's frame and triangles (F, 3) of a clip's ground, for pictures."""
        placed = self._tiles[clip * self.cfg.n_rows + row]
        if placed.geometry.kind != "flat":
            return placed.geometry.surface()
        (x0, y0), (x1, y1) = placed.rectangle
        corners = np.array([[x0, y0, 0.0], [x1, y0, 0.0], [x1, y1, 0.0], [x0, y1, 0.0]])
        return corners, np.array([[0, 1, 2], [0, 2, 3]])

    def rectangles(self) -> np.ndarray:
        """(tiles, 2, 2) lowest and highest x and y of every tile with its apron in the world, m."""
        return np.array([placed.rectangle + placed.offset[:2] for placed in self._tiles])

    def geometry(self, clip: int, row: int = 0) -> TileGeometry:
        """What a clip's ground became."""
        return self._tiles[clip * self.cfg.n_rows + row].geometry

    def name(self, clip: int) -> str:
        """What a clip's ground comes from: its file or the kind of ground."""
        return self._names[self._source_of[clip]]

    @property
    def is_flat(self) -> bool:
        """Whether all ground is the plane z = 0."""
        return all(geometry.kind == "flat" for geometry in self._geometries)

    @property
    def float32_resolution_m(self) -> float:
        """Worst distance between neighbouring float32 numbers, over all world positions on the ground, m."""
        return float(np.spacing(np.float32(np.abs(self._world_bounds()).max())))

    @property
    def num_bytes(self) -> int:
        """Memory of the rasters, once for lookups and once more for those that collide."""
        colliding = {
            id(t.geometry): t.geometry.raster.heights.nbytes for t in self._tiles if t.geometry.heightfield
        }
        return self._lookup.num_bytes + sum(colliding.values())

    def summary(self) -> str:
        """One line: what there is, how large, how exact."""
        if self.is_flat:
            return f"terrain: {self.num_clips} grounds, all one plane"
        kinds = [placed.geometry.kind for placed in {id(t): t for t in self._tiles}.values()]
        low, high = self._world_bounds()
        counted = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
        return (
            f"terrain: {self.num_clips} grounds on {len(kinds)} tiles ({counted}; {self.num_cached} from the cache), "
            f"{high[0] - low[0]:.0f} x {high[1] - low[1]:.0f} m, {self.num_bytes / 1e6:.1f} MB, positions resolved to "
            f"{1e6 * self.float32_resolution_m:.1f} um"
        )

    def _world_bounds(self) -> np.ndarray:
        """(2, 2) lowest and highest x and y of all tiles with their aprons in the world, m."""
        rectangles = self.rectangles()
        return np.stack((rectangles[:, 0].min(axis=0), rectangles[:, 1].max(axis=0)))

    def _place(self, reach: list[np.ndarray | None], seed: int) -> None:
        """Copies of each geometry, with noise, where they do not overlap."""
        noise, rows = self.cfg.terrain_noise, self.cfg.n_rows
        placed: list[list[PlacedTile]] = []
        rectangles = []
        for source, geometry in enumerate(self._geometries):
            flat = geometry.kind == "flat"
            rectangle = _rectangle(geometry, reach[source], 0.0 if self.is_flat else self.cfg.apron)
            noisy = (noise.amplitude > 0.0 or noise.random_z_scaling_enable) and not flat
            own = _with_apron(geometry, rectangle)
            copies = []
            for row in range(1 if flat else rows):
                if noisy:
                    rng = np.random.default_rng((seed, source, row))
                    own = _with_apron(with_noise(geometry, noise, rng), rectangle)
                copies.append(
                    PlacedTile(f"terrain{source}_{row}", own, np.zeros(3), _ground_plan(own, rectangle))
                )
                rectangles.append(copies[-1].rectangle)
            placed.append(copies)
        corners = iter(shelves(np.array([high - low for low, high in rectangles])))
        for copies in placed:
            for row, tile in enumerate(copies):
                corner = next(corners) - tile.rectangle[0]
                # As float32, so that geometry and references are moved by the same number.
                offset = np.zeros(3) if self.is_flat else np.append(corner, 0.0).astype(np.float32)
                copies[row] = PlacedTile(tile.name, tile.geometry, offset.astype(np.float64), tile.rectangle)
        self._tiles = [
            placed[source][row % len(placed[source])] for source in self._source_of for row in range(rows)
        ]
        offsets = np.array([tile.offset for tile in self._tiles]).reshape(self.num_clips, rows, 3)
        self.tile_offsets = torch.tensor(offsets, dtype=torch.float32, device=self.device)
        """(C, n_rows, 3) clip frame to world, m; z is 0."""


def _check(cfg: TerrainCfg, tiles: Sequence[Source]) -> None:
    noise = cfg.terrain_noise
    if not tiles:
        raise ConfigError("terrain: there is no clip to make ground for")
    if cfg.n_rows < 1:
        raise ConfigError(f"terrain.n_rows: is {cfg.n_rows}; at least 1")
    for name, value in (
        ("apron", cfg.apron),
        ("static_friction", cfg.static_friction),
        ("dynamic_friction", cfg.dynamic_friction),
        ("terrain_noise.amplitude", noise.amplitude),
        ("terrain_noise.persistence", noise.persistence),
        ("terrain_noise.random_z_scaling_scale", noise.random_z_scaling_scale),
    ):
        if value is not None and not 0.0 <= value < np.inf:
            raise ConfigError(f"terrain.{name}: is {value}; it is 0 or more")
    if cfg.static_friction is not None and cfg.dynamic_friction not in (None, cfg.static_friction):
        raise ConfigError(
            f"terrain.dynamic_friction: is {cfg.dynamic_friction} and static_friction {cfg.static_friction}; MuJoCo "
            "has one coefficient, so leave one of them out or make them equal"
        )
    if noise.octaves < 1 or noise.base_frequency <= 0.0:
        raise ConfigError(
            f"terrain.terrain_noise: has {noise.octaves} octaves from {noise.base_frequency} cycles per m; "
            "both must be above 0"
        )


def _reach(bounds: np.ndarray) -> np.ndarray:
    """(2, 2) lowest and highest x and y of the bounds of several clips, (n, 2, 3), m."""
    return np.stack((bounds[:, 0, :2].min(axis=0), bounds[:, 1, :2].max(axis=0)))


def _rectangle(geometry: TileGeometry, reach: np.ndarray | None, apron: float) -> np.ndarray:
    """(2, 2) what a tile takes up: its own ground, where its clips go, and the apron."""
    low, high = geometry.bounds[:, :2]
    if geometry.kind == "heightfield":
        low, high = np.minimum(low, geometry.raster.low), np.maximum(high, geometry.raster.high)
    if reach is not None:
        low, high = np.minimum(low, reach[0]), np.maximum(high, reach[1])
    return np.stack((low - apron, high + apron))


def _with_apron(geometry: TileGeometry, rectangle: np.ndarray) -> TileGeometry:
    return padded(geometry, *rectangle) if geometry.kind == "heightfield" else geometry


def _ground_plan(geometry: TileGeometry, rectangle: np.ndarray) -> np.ndarray:
    """(2, 2) the rectangle, or what whole cells make of it."""
    if geometry.kind != "heightfield":
        return rectangle
    return np.stack((geometry.raster.low, geometry.raster.high))

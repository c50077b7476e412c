"""The ground of the simulated robot: flat, one that training makes, or a clip's mesh, as training collides with it."""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np

from legged_gym.terrain.collision_geoms import PlacedTile, TerrainGeoms
from legged_gym.terrain.generators import Ground
from legged_gym.terrain.geometry import padded
from legged_gym.terrain.sources import Source, load_geometries
from legged_gym.terrain.terrain_config import TerrainCfg
from legged_gym.utils.errors import TerrainError

_APRON_M = 20.0
"""Level ground around everything: a robot that walks for minutes must not fall off the world."""


class SimGround:
    """One ground, in the frame of its mesh, which is that of the clip played on it and the world's."""

    def __init__(self, name: str, friction: float | None) -> None:
        """Make it.

        Args:
            name: ``flat``, a kind that training makes with its difficulty and seed (``stairs:0.5:3``), or a mesh file.
            friction: Its coefficient, which then decides over the robot's; None: the robot's decides.

        Raises:
            TerrainError: Neither such a kind nor such a file exists, or the file is no terrain.
        """
        self._friction = friction
        (self.tile,), _ = load_geometries([_source(name)], [None], TerrainCfg())

    def add_to(self, spec: mujoco.MjSpec) -> None:
        """Add the ground to a model that has a robot and no ground."""
        geoms = TerrainGeoms(spec, self._friction)
        if self.tile.kind == "flat":
            geoms.add_plane("ground", 0.0)
            return
        low, high = self.tile.bounds[:, :2] + np.array([[-_APRON_M], [_APRON_M]])
        tile = padded(self.tile, low, high) if self.tile.kind == "heightfield" else self.tile
        geoms.add(PlacedTile("ground", tile, np.zeros(3), np.stack((low, high))))

    def heights(self, xy: np.ndarray) -> np.ndarray:
        """Height under points (..., 2) -> (...), m, as training's height scans see it."""
        found = self.tile.raster.at(xy)
        return np.where(np.isnan(found), self.tile.ground_level, found)


def _source(name: str) -> Source:
    if Path(name).is_file():
        return Path(name)
    kind, *numbers = name.split(":")
    try:
        difficulty, seed = [float(number) for number in (*numbers, *("0.5", "0")[len(numbers) :])]
    except ValueError:
        raise TerrainError(f"--ground {name}: no such file, and not KIND:DIFFICULTY:SEED") from None
    if kind == "flat":
        return Ground()
    try:
        return Ground(kind, difficulty, int(seed))
    except TerrainError as error:
        raise TerrainError(f"--ground {name}: no such file, and {error}") from None

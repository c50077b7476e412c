"""Ground that comes from no mesh: flat, slopes, stairs, boxes, gaps, rough ground, waves.

Every kind is level at z = 0 in its middle, where robots start, harder with its difficulty in [0, 1], and the same for
the same seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from legged_gym.terrain.boxes import Box
from legged_gym.terrain.geometry import SCAN_CELL_M, TileGeometry, box_tile, flat_tile, raster_tile
from legged_gym.terrain.noise import waves
from legged_gym.terrain.raster import HeightRaster, grid_shape
from legged_gym.utils.errors import TerrainError

AMASS_AMPLITUDES_M = (0.0, 0.01, 0.035, 0.10, 0.125)
"""Largest heights of the grounds of difficulty 1 to 5, those of the original's."""
START_M = 1.0
"""Half the side of the level square in the middle."""
CELL_M = 0.08
_TREAD_M = 0.31  # of public stairs
_MOST_STEPS = 10
_DEEP_M = 0.5

Make = Callable[[float, np.random.Generator, float, float], list[Box] | HeightRaster]
"""(difficulty, rng, side m, cell m) -> ground on a square about the origin."""


@dataclass(frozen=True)
class Ground:
    """Which ground to make."""

    kind: str = "flat"
    """One of GENERATORS, or flat."""
    difficulty: float = 0.0
    """In [0, 1]."""
    seed: int = 0
    """Draws of the same seed are the same."""
    size: float = 9.0
    """Least side of its square, m; more where the clip needs it."""

    def __post_init__(self) -> None:
        if self.kind != "flat" and self.kind not in GENERATORS:
            raise TerrainError(f"no ground {self.kind!r}; there are flat, {', '.join(GENERATORS)}")
        if not 0.0 <= self.difficulty <= 1.0:
            raise TerrainError(f"ground {self.kind}: difficulty {self.difficulty} is not within 0 and 1")
        if not 2.0 * START_M < self.size <= 100.0:
            raise TerrainError(
                f"ground {self.kind}: size {self.size} m is not within {2 * START_M} and 100 m"
            )

    def __str__(self) -> str:
        return self.kind if self.kind == "flat" else f"{self.kind} {self.difficulty:g} (seed {self.seed})"


def amass_ground(difficulty: int, seed: int) -> Ground:
    """The rough ground that clips without terrain are paired with: 1 is flat, 5 the roughest.

    Raises:
        TerrainError: the difficulty is none of 1 to 5.
    """
    if difficulty not in range(1, 6):
        raise TerrainError(f"amass_terrain_difficulty: is {difficulty}; 1 (flat) to 5 (12.5 cm) are known")
    return Ground() if difficulty == 1 else Ground("amass", (difficulty - 1) / 4.0, seed)


def ground_geometry(ground: Ground, low: np.ndarray, high: np.ndarray, cell: float | None) -> TileGeometry:
    """Make a ground over a rectangle from low to high (2,) m in its clip's frame.

    It is a square about the rectangle's middle, of the ground's size or more.
    """
    low, high = np.asarray(low, float), np.asarray(high, float)
    centre = (low + high) / 2.0
    if ground.kind == "flat":
        return flat_tile(
            np.minimum(low, centre - ground.size / 2.0), np.maximum(high, centre + ground.size / 2.0)
        )
    side = max(ground.size, *(high - low))
    rng = np.random.default_rng((ground.seed, list(GENERATORS).index(ground.kind)))
    made = GENERATORS[ground.kind](ground.difficulty, rng, side, cell or CELL_M)
    if isinstance(made, HeightRaster):
        return raster_tile(replace(made, x0=made.x0 + float(centre[0]), y0=made.y0 + float(centre[1])))
    shift = np.append(centre, 0.0)
    return box_tile([replace(box, pos=box.pos + shift) for box in made], cell or SCAN_CELL_M)


def slope(difficulty: float, rng: np.random.Generator, side: float, cell: float) -> HeightRaster:
    """A bowl or a hill with four sides of up to 22 degrees."""
    rise = rng.choice((-1.0, 1.0)) * 0.4 * difficulty
    return _raster(side, cell, lambda xy: rise * np.maximum(np.abs(xy).max(axis=-1) - START_M, 0.0))


def stairs(difficulty: float, rng: np.random.Generator, side: float, cell: float) -> list[Box]:
    """Stairs up or down to all sides, steps of 2 to 18 cm."""
    step = rng.choice((-1.0, 1.0)) * (0.02 + 0.16 * difficulty)
    num = int(np.clip((side / 2.0 - START_M) / _TREAD_M, 1, _MOST_STEPS))
    bottom = min(0.0, num * step) - _DEEP_M
    edges = [START_M + k * _TREAD_M for k in range(num)] + [side / 2.0]
    if step < 0.0:  # a hill: boxes in one another
        return [_square(edge, bottom, k * step) for k, edge in enumerate(edges)]
    boxes = [_square(START_M, bottom, 0.0)]
    for k, (inner, outer) in enumerate(pairwise(edges), start=1):
        boxes += _ring(inner, outer, bottom, k * step)
    return boxes


def stepping_boxes(difficulty: float, rng: np.random.Generator, side: float, cell: float) -> list[Box]:
    """Level ground with boxes of up to 20 cm here and there."""
    boxes = [_square(side / 2.0, -_DEEP_M, 0.0)]
    for _ in range(int(0.5 * side**2)):
        half = rng.uniform(0.15, 0.5, 2)
        centre = rng.uniform(half - side / 2.0, side / 2.0 - half)
        height = rng.uniform(0.3, 1.0) * (0.02 + 0.18 * difficulty)
        if (np.abs(centre) - half).max() > START_M:  # not where robots start
            boxes.append(Box.upright((*(centre - half), -0.1), (*(centre + half), height)))
    return boxes


def gaps(difficulty: float, rng: np.random.Generator, side: float, cell: float) -> list[Box]:
    """Rings of level ground, 0.6 to 1 m wide, with gaps of 5 to 55 cm and half a metre deep between them."""
    gap = 0.05 + 0.5 * difficulty
    boxes = [_square(side / 2.0, -2.0 * _DEEP_M, -_DEEP_M), _square(START_M, -_DEEP_M, 0.0)]
    inner = START_M + gap
    while inner + 0.2 < side / 2.0:
        outer = inner + rng.uniform(0.6, 1.0)
        if outer + gap > side / 2.0:
            outer = side / 2.0
        boxes += _ring(inner, outer, -_DEEP_M, 0.0)
        inner = outer + gap
    return boxes


def rough(difficulty: float, rng: np.random.Generator, side: float, cell: float) -> HeightRaster:
    """Bumps of 0.5 to 11 cm, 0.5 to 2 m long, less in the middle."""
    height = 0.005 + 0.105 * difficulty
    return _raster(side, cell, lambda xy: height * _faded(xy) * waves(xy, rng, 0.5, 3, 0.5))


def rolling(difficulty: float, rng: np.random.Generator, side: float, cell: float) -> HeightRaster:
    """Waves of 2 to 17 cm, 2.5 m long, along x and y."""
    height = 0.02 + 0.15 * difficulty
    phase = rng.uniform(0.0, 2.0 * np.pi, 2)

    def surface(xy: np.ndarray) -> np.ndarray:
        return height * _faded(xy) * np.sin(2.0 * np.pi * xy / 2.5 + phase).mean(axis=-1)

    return _raster(side, cell, surface)


def amass(difficulty: float, rng: np.random.Generator, side: float, cell: float) -> HeightRaster:
    """Bumps everywhere, as high as AMASS_AMPLITUDES_M says, 0.5 to 2 m long."""
    height = float(np.interp(4.0 * difficulty, range(5), AMASS_AMPLITUDES_M))
    return _raster(side, cell, lambda xy: height * waves(xy, rng, 0.5, 3, 0.5))


GENERATORS: dict[str, Make] = {
    "slope": slope,
    "stairs": stairs,
    "stepping_boxes": stepping_boxes,
    "gaps": gaps,
    "rough": rough,
    "waves": rolling,
    "amass": amass,
}


def _raster(side: float, cell: float, surface: Callable[[np.ndarray], np.ndarray]) -> HeightRaster:
    """A surface on a square about the origin."""
    half = np.full(2, side / 2.0)
    raster = HeightRaster(np.zeros(grid_shape(-half, half, cell), np.float32), -side / 2.0, -side / 2.0, cell)
    return replace(raster, heights=surface(raster.points()).astype(np.float32))


def _faded(xy: np.ndarray) -> np.ndarray:
    """0 on the square where robots start, rising to 1 within a metre."""
    return np.clip(np.abs(xy).max(axis=-1) - START_M, 0.0, 1.0)


def _square(half: float, bottom: float, top: float) -> Box:
    return Box.upright((-half, -half, bottom), (half, half, top))


def _ring(inner: float, outer: float, bottom: float, top: float) -> list[Box]:
    """A square ring about the origin, of four boxes."""
    return [
        Box.upright((-outer, -outer, bottom), (outer, -inner, top)),
        Box.upright((-outer, inner, bottom), (outer, outer, top)),
        Box.upright((-outer, -inner, bottom), (-inner, inner, top)),
        Box.upright((inner, -inner, bottom), (outer, inner, top)),
    ]

"""Smooth random ground: sums of waves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from legged_gym.terrain.geometry import TileGeometry, raster_tile
from legged_gym.terrain.raster import HeightRaster
from legged_gym.terrain.terrain_config import TerrainNoiseCfg

_WAVES_PER_OCTAVE = 8


def waves(
    xy: np.ndarray, rng: np.random.Generator, base_frequency: float, octaves: int, persistence: float
) -> np.ndarray:
    """Waves in random directions, (..., 2) m -> (...), without mean and at most 1 up or down.

    Args:
        xy: where.
        rng: draws directions and phases.
        base_frequency: of the longest waves, cycles per m.
        octaves: number of frequencies, each twice the one before.
        persistence: height of each octave relative to the one before.
    """
    height = np.zeros(xy.shape[:-1])
    for octave in range(octaves):
        direction = rng.uniform(0.0, 2.0 * np.pi, _WAVES_PER_OCTAVE)
        phase = rng.uniform(0.0, 2.0 * np.pi, _WAVES_PER_OCTAVE)
        wave_number = 2.0 * np.pi * base_frequency * 2.0**octave
        for angle, shift in zip(direction, phase, strict=True):
            along = xy[..., 0] * np.cos(angle) + xy[..., 1] * np.sin(angle)
            height += persistence**octave * np.sin(wave_number * along + shift)
    height -= height.mean()
    return height / max(np.abs(height).max(), 1e-12)


def with_noise(tile: TileGeometry, cfg: TerrainNoiseCfg, rng: np.random.Generator) -> TileGeometry:
    """The tile as a height field with noise; its errors are still those against the mesh without."""
    raster = tile.raster
    scale = cfg.random_z_scaling_scale if cfg.random_z_scaling_enable else 0.0
    factor = 1.0 + rng.uniform(-scale, scale)
    added = cfg.amplitude * waves(raster.points(), rng, cfg.base_frequency, cfg.octaves, cfg.persistence)
    heights = (factor * raster.heights + added).astype(np.float32)
    noisy = raster_tile(HeightRaster(heights, raster.x0, raster.y0, raster.cell))
    return replace(
        noisy,
        ground_level=factor * tile.ground_level,
        max_error_m=tile.max_error_m,
        mean_error_m=tile.mean_error_m,
    )

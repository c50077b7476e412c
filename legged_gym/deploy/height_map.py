"""From a map of the ground, as its source sends it, to what the policy's term reads; and what to do when it is old."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from legged_gym.bundle.schema import HeightMapSpec
from legged_gym.deploy.surroundings import HeightMap
from legged_gym.utils.errors import TransportError

_CELL_TOLERANCE = 1e-3
"""m; a source that rounds its cells to mm is fine."""


class MapInput:
    """Distances down to the ground on the policy's grid. While the map is missing or old, those of flat ground."""

    def __init__(self, spec: HeightMapSpec, flat_after_s: float) -> None:
        """Make the flat ground.

        Args:
            spec: The policy's grid.
            flat_after_s: Age from which a map is not believed, s.
        """
        self._spec, self._flat_after = spec, flat_after_s
        self._flat = np.full(spec.shape, spec.flat_distance, np.float32)

    def read(self, newest: HeightMap | None, now: float) -> tuple[np.ndarray, float]:
        """What the term reads at ``now``, (ny, nx) m, and the map's age, s; infinite without one.

        Args:
            newest: What :func:`middle_of` returned.
            now: s.
        """
        if newest is None:
            return self._flat, math.inf
        age = now - newest.stamp
        known = np.isfinite(newest.heights)
        if age > self._flat_after or not known.any():
            return self._flat, age
        distances = -newest.heights
        if not known.all():
            distances = np.where(known, distances, distances[known].mean())
        return np.clip(distances, 0.0, self._spec.max_distance), age


def middle_of(received: HeightMap, spec: HeightMapSpec) -> HeightMap:
    """The part of a map that the policy's grid covers.

    Raises:
        TransportError: The points of the policy's grid are not among those of the map.
    """
    (rows, columns), (ny, nx) = received.heights.shape, spec.shape
    aside = (rows - ny, columns - nx)
    if (
        min(aside) < 0
        or aside[0] % 2
        or aside[1] % 2
        or abs(received.cell - spec.resolution) > _CELL_TOLERANCE
    ):
        raise TransportError(
            f"a height map of {rows} x {columns} points {received.cell:g} m apart does not hold the policy's "
            f"{ny} x {nx} points {spec.resolution:g} m apart around the same middle"
        )
    top, left = aside[0] // 2, aside[1] // 2
    return replace(received, heights=received.heights[top : top + ny, left : left + nx])

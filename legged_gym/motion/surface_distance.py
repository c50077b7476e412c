"""How far spheres are from the surface of the ground: from what is below them, or from the nearest way out of it."""

from __future__ import annotations

import numpy as np

from legged_gym.motion.contacts import GroundHeight

_REACH = 0.15
"""So far to the side is looked for something nearer than the ground below or above, m."""
_STEEPEST = 1.0
"""Surface steeper than this, rise over run, is a wall."""
_PLANE = 1e-5
"""Ground that is off a plane by less than this around a point is one, m."""
_RINGS = 1.3 ** np.arange(-16.0, 1.0)
"""Radii that are searched first, as shares of the largest."""
_DIRECTIONS = 16
_DESCENTS = 12
_BISECTIONS = 12


def sphere_distance(ground: GroundHeight, centres_w: np.ndarray, radius: np.ndarray | float) -> np.ndarray:
    """Signed distance of spheres from the ground's surface; negative inside.

    Outside it is the distance from the nearest surface within 45 degrees of straight below: a wall beside a sphere
    carries nothing. A sphere that is inside is as deep as its shortest way out is long, be it through a wall. Exact on
    planes; elsewhere found by a search, which looks up to 0.15 m to the side. Beyond the ground's edge it is inf.

    Args:
        ground: height of the ground.
        centres_w: (..., 3) m.
        radius: (...) or a shape that broadcasts to it, m.
    """
    centre = centres_w.reshape(-1, 3)
    height = centre[:, 2] - ground(centre[:, :2])
    distance = height.copy()
    near = np.flatnonzero(np.isfinite(height) & (height != 0.0))
    reach = np.minimum(np.abs(height[near]), _REACH)  # nothing further away can be nearer
    steepness = _plane_steepness(ground, centre[near], height[near], reach)
    plane = np.isfinite(steepness) & ((steepness <= _STEEPEST) | (height[near] < 0.0))
    distance[near[plane]] /= np.sqrt(1.0 + steepness[plane] ** 2)
    for side in (1.0, -1.0):
        rest = ~plane & (np.sign(height[near]) == side)
        if rest.any():
            rows = near[rest]
            distance[rows] = side * _Search(ground, centre[rows], height[rows], reach[rest]).shortest
    return distance.reshape(centres_w.shape[:-1]) - radius


def _circle(count: int) -> np.ndarray:
    """(count, 2) directions."""
    angle = 2.0 * np.pi * np.arange(count) / count
    return np.stack((np.cos(angle), np.sin(angle)), axis=-1)


def _plane_steepness(
    ground: GroundHeight, centre: np.ndarray, height: np.ndarray, reach: np.ndarray
) -> np.ndarray:
    """(n,) rise over run of the plane that the ground is within a reach (n,), m; NaN where it is none."""
    directions = np.concatenate((0.5 * _circle(8), _circle(8)))
    probes = reach[:, None, None] * directions  # (n, 16, 2)
    with np.errstate(invalid="ignore"):  # beyond the ground's edge
        rise = ground(centre[:, None, :2] + probes) - (centre[:, 2] - height)[:, None]
        # Least squares, which for probes in rings is a matter of each direction alone.
        slope = (rise[..., None] * probes).sum(axis=1) / (probes**2).sum(axis=1)  # (n, 2)
        off = np.abs(rise - (probes @ slope[..., None])[..., 0]).max(axis=1)
    return np.where(off < _PLANE, np.linalg.norm(slope, axis=-1), np.nan)


class _Search:
    """Shortest way from n centres: all from outside down to a column of ground, or all from inside to one of air."""

    def __init__(
        self, ground: GroundHeight, centre: np.ndarray, height: np.ndarray, reach: np.ndarray
    ) -> None:
        self._ground, self._centre = ground, centre
        self._outside = bool(height[0] > 0.0)
        self._shift = np.zeros((len(centre), 2))
        """Horizontal part of the way."""
        self.shortest = np.abs(height)
        """(n,) m."""
        self._look_around(reach)
        self._descend(reach / 8.0)
        for width in (0.2, 0.05):
            self._turn(width)

    def _rise(self, shifts: np.ndarray) -> np.ndarray:
        """Vertical part of the way at (n, ..., 2) shifts: 0 where going sideways is enough."""
        extra = (1,) * (shifts.ndim - 2)
        below = self._centre[:, 2].reshape(-1, *extra) - self._ground(
            self._centre[:, :2].reshape(-1, *extra, 2) + shifts
        )
        return np.maximum(below if self._outside else -below, 0.0)

    def _improve(self, shifts: np.ndarray, rise: np.ndarray) -> np.ndarray:
        """Take the best of (n, k, 2) shifts and their rises where it is better: (n,) bool."""
        aside = np.linalg.norm(shifts, axis=-1)
        length = np.hypot(aside, rise)
        if self._outside:
            length[rise < _STEEPEST * aside] = np.inf
        chosen, rows = np.argmin(length, axis=1), np.arange(len(length))
        better = length[rows, chosen] < self.shortest
        self._shift[better] = shifts[rows, chosen][better]
        self.shortest[better] = length[rows, chosen][better]
        return better

    def _look_around(self, reach: np.ndarray) -> None:
        """At places up to (n,) m away; from inside also exactly where each direction first leads out."""
        circle = _circle(_DIRECTIONS)
        radius = reach[:, None] * _RINGS  # (n, rings)
        shifts = radius[:, :, None, None] * circle
        rise = self._rise(shifts)  # (n, rings, directions)
        self._improve(shifts.reshape(len(reach), -1, 2), rise.reshape(len(reach), -1))
        if self._outside:
            return
        free = rise <= 0.0
        first = np.where(free.any(axis=1), free.argmax(axis=1), len(_RINGS) - 1)  # (n, directions)
        high = np.take_along_axis(radius, first, axis=1)
        low = np.where(first > 0, np.take_along_axis(radius, np.maximum(first - 1, 0), axis=1), 0.0)
        self._bisect(low, high, np.broadcast_to(circle, (*low.shape, 2)), np.zeros((len(reach), 1)))

    def _descend(self, step: np.ndarray) -> None:
        """To the nearest place of a smooth surface, by (n,) steps that shrink where none leads on."""
        for _ in range(_DESCENTS):
            shifts = self._shift[:, None] + step[:, None, None] * _circle(8)
            step = np.where(self._improve(shifts, self._rise(shifts)), step, step / 2.0)

    def _turn(self, width: float) -> None:
        """To the nearest place of an edge or a wall, in directions up to a width (rad) to the side."""
        angle = np.arctan2(self._shift[:, 1], self._shift[:, 0])[:, None] + np.linspace(-width, width, 9)
        direction = np.stack((np.cos(angle), np.sin(angle)), axis=-1)  # (n, 9, 2)
        high = np.repeat(np.linalg.norm(self._shift, axis=-1)[:, None], 9, axis=1)
        self._bisect(np.zeros(high.shape), high, direction, self._rise(self._shift[:, None]))

    def _bisect(self, low: np.ndarray, high: np.ndarray, direction: np.ndarray, rise: np.ndarray) -> None:
        """To where the rise first is as small as (n, 1), between radii (n, k) in directions (n, k, 2)."""
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2.0
            reached = self._rise(middle[..., None] * direction) <= rise + 1e-9
            low, high = np.where(reached, low, middle), np.where(reached, middle, high)
        shifts = high[..., None] * direction
        self._improve(shifts, self._rise(shifts))

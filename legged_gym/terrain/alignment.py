"""How a motion must be moved for its contacts to lie on a terrain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from legged_gym.utils.errors import TerrainError

LARGEST_YAW_RAD = np.deg2rad(15.0)
"""More is no correction: the motion or the mesh is in another frame."""
_YAW_COST_M = 0.002
"""A correction of LARGEST_YAW_RAD must make contacts fit better by so much (root mean square): on ground that looks the
same from all sides none is made."""
_OUTLIER_M = 0.05
"""Contacts further off than this after the shift count no more than their distance, not its square."""
_TRIED_YAWS = 31


@dataclass(frozen=True)
class Alignment:
    """A correction: turn about the vertical through the pivot, then raise."""

    dz: float
    """m."""
    dyaw: float
    """rad."""
    pivot: tuple[float, float]
    """x and y of the axis, m."""
    rms_before_m: float
    """Root mean square distance of contacts from the surface as they were, m."""
    rms_after_m: float
    """... and corrected, m."""

    def points(self, points: np.ndarray) -> np.ndarray:
        """Corrected positions (..., 3)."""
        cos, sin = np.cos(self.dyaw), np.sin(self.dyaw)
        offset = points[..., :2] - np.array(self.pivot)
        x = self.pivot[0] + cos * offset[..., 0] - sin * offset[..., 1]
        y = self.pivot[1] + sin * offset[..., 0] + cos * offset[..., 1]
        return np.stack((x, y, points[..., 2] + self.dz), axis=-1)


def align(points: np.ndarray, surface: Callable[[np.ndarray], np.ndarray], yaw: bool = True) -> Alignment:
    """The least-squares correction that puts contacts onto a surface.

    Args:
        points: (K, 3) where a motion touches the ground, m.
        surface: height under positions, (..., 2) -> (...) m; not finite where there is none.
        yaw: also turn, about the middle of the contacts.

    Raises:
        TerrainError: there are no contacts, or less than half of them have a surface below.
    """
    points = np.asarray(points, np.float64)
    if not len(points):
        raise TerrainError("cannot be aligned: the motion touches the ground nowhere")
    on = np.isfinite(surface(points[:, :2]))
    if on.mean() < 0.5:
        raise TerrainError(
            f"cannot be aligned: only {on.sum()} of {len(points)} contacts are above or below the mesh"
        )
    pivot = tuple(float(value) for value in points[:, :2].mean(axis=0))

    def fit(angle: float) -> tuple[float, float]:
        """Best shift at an angle, and the cost that is left, m^2."""
        turned = Alignment(0.0, angle, pivot, 0.0, 0.0).points(points)
        gap = surface(turned[:, :2]) - turned[:, 2]
        shift = _middle(gap[np.isfinite(gap)])
        rest = np.where(
            np.isfinite(gap), np.abs(gap - shift), _OUTLIER_M
        )  # off the mesh is no better than far off
        huber = np.where(rest < _OUTLIER_M, rest**2, _OUTLIER_M * (2.0 * rest - _OUTLIER_M))
        return shift, float(huber.mean()) + (_YAW_COST_M * angle / LARGEST_YAW_RAD) ** 2

    angle = _best_angle(lambda value: fit(value)[1]) if yaw else 0.0
    found = Alignment(fit(angle)[0], angle, pivot, 0.0, 0.0)
    before, after = (_rms(p, surface) for p in (points, found.points(points)))
    return Alignment(found.dz, angle, pivot, before, after)


def _best_angle(cost: Callable[[float], float]) -> float:
    """Angle of least cost: the best of a row, then refined between its neighbours."""
    tried = np.linspace(-LARGEST_YAW_RAD, LARGEST_YAW_RAD, _TRIED_YAWS)
    best = float(tried[np.argmin([cost(angle) for angle in tried])])
    step = float(tried[1] - tried[0])
    refined = minimize_scalar(
        cost, bounds=(best - step, best + step), method="bounded", options={"xatol": 1e-5}
    )
    angle = float(np.clip(refined.x, -LARGEST_YAW_RAD, LARGEST_YAW_RAD))
    return angle if cost(angle) < cost(0.0) - 1e-10 else 0.0


def _middle(gap: np.ndarray) -> float:
    """The shift of least squares, (k,) m, once those far from the median are left out."""
    if not len(gap):
        return 0.0
    near = np.abs(gap - np.median(gap)) < _OUTLIER_M
    return float(gap[near].mean())


def _rms(points: np.ndarray, surface: Callable[[np.ndarray], np.ndarray]) -> float:
    gap = surface(points[:, :2]) - points[:, 2]
    gap = gap[np.isfinite(gap)]
    return float(np.sqrt(np.mean(gap**2))) if len(gap) else float("nan")

"""Balance: where the ground pushes, and the centre-of-mass path that follows from it.

The zero-moment point p (ZMP, Vukobratovic 1972) of a body whose mass sits in one point c at height z obeys

    p = c - (z - h) / (g + z'') * c''

where h is the height of the ground (Kajita et al., "Biped walking pattern generation by using preview control of
zero-moment point", ICRA 2003). With p, z and h given over the whole clip, c is the bounded solution of this linear
equation: a tridiagonal system, one row a frame, with the same central differences that measure the result.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.linalg import solve_banded

from legged_gym.motion.synthesis.curves import smooth_step
from legged_gym.motion.synthesis.footsteps import FootstepPlan, Placement

GRAVITY = 9.81
_STANDING = 0.035
"""Distance of the weight ahead of the ankles when both feet stand side by side, m."""
_TO_THE_MIDDLE_S = 0.7
"""In a rest of more than twice this between two steps the weight goes to the middle, and stays there."""
_LATE = 0.05
"""Share of a step down by which the body sinks later than the foot."""


@dataclass(frozen=True)
class Support:
    """Where a standing foot carries the weight, in its own frame."""

    first: float = 0.0
    """Distance ahead of the ankle when the other foot lifts off, m."""
    last: float = 0.065
    """The same when the other foot touches down."""
    inward: float = 0.008
    """Distance inward of the foot's middle line, m."""

    def point(self, place: Placement, foot: int, forward: float) -> np.ndarray:
        """World xyz (3,) under a foot (LEFT or RIGHT)."""
        return place.point(forward, self.inward * (2 * foot - 1))


def zmp_reference(plan: FootstepPlan, support: Support, time: np.ndarray, pause_s: float = 0.0) -> np.ndarray:
    """Where the ground should push, (T, 3): along the sole of the standing foot, across while both stand.

    Args:
        plan: where and when the feet stand.
        support: where they carry the weight.
        time: (T,) s.
        pause_s: time to stay in the middle after the motion starts and before it ends, s.
    """

    def middle(places: tuple[Placement, Placement]) -> np.ndarray:
        # The same for every gait, so that all clips start and end in one pose.
        return 0.5 * sum(Support().point(place, foot, _STANDING) for foot, place in enumerate(places))

    times, points = [plan.move_start_s + pause_s], [middle(plan.start)]
    places = list(plan.start)
    for step in plan.steps:
        foot = 1 - step.foot
        rest = (times[-1] + _TO_THE_MIDDLE_S, step.lift_off_s - _TO_THE_MIDDLE_S)
        if step is not plan.steps[0] and rest[0] < rest[1]:
            times += rest
            points += [middle((places[0], places[1]))] * 2
        times += [step.lift_off_s, step.touch_down_s]
        points += [support.point(places[foot], foot, x) for x in (support.first, support.last)]
        places[step.foot] = step.placement
    if not plan.steps:
        return np.tile(points[0], (len(time), 1))
    times.append(plan.move_end_s - pause_s)
    points.append(middle(plan.end))
    return PchipInterpolator(times, np.array(points))(np.clip(time, times[0], times[-1]))


def ground_reference(plan: FootstepPlan, time: np.ndarray) -> np.ndarray:
    """Height (T,) that carries the body, m: the lower of two standing feet; it changes while one swings.

    Going up, the body rises over the upper leg after the lower one has left the ground; going down, it sinks before
    the lower one arrives, though a little late, for the upper leg is bent to its limit then and the lower one is not.
    """
    places = list(plan.start)
    low = min(place.z for place in places)
    height = np.full(len(time), low)
    for step in plan.steps:
        places[step.foot] = step.placement
        before, low = low, min(place.z for place in places)
        late = _LATE * (step.touch_down_s - step.lift_off_s) if low < before else 0.0
        height += (low - before) * smooth_step(time, step.lift_off_s + late, step.touch_down_s + late)
    return height


def centre_of_mass(
    zmp: np.ndarray, height: np.ndarray, dt: float, moving: tuple[int, int], settle: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Centre-of-mass path for a ZMP, at rest before and after moving.

    Starting from rest, a body that wants to go left must first push to the left with its right foot: the ZMP is given
    one bump early on and one late, just large enough for zero velocity at both ends, as people do before a first step.

    Args:
        zmp: (T, 3) wanted, xy constant outside `moving`.
        height: (T,) of the centre of mass, m.
        dt: s between frames.
        moving: first and last frame of the motion.
        settle: last frame of the first bump and first frame of the last one.

    Returns:
        Centre of mass (T, 3), and the ZMP (T, 3) with its bumps.
    """
    first, last = moving
    bumps = np.zeros((len(zmp), 2))
    for column, (start, stop) in enumerate(((first, settle[0]), (settle[1], last))):
        bumps[start : stop + 1, column] = np.sin(np.linspace(0.0, np.pi, stop - start + 1)) ** 2
    lever = height - zmp[:, 2]
    lever[1:-1] /= GRAVITY + np.diff(height, 2) / dt**2
    rows = slice(first, last + 1)
    response = _solve(np.hstack((zmp[:, :2], bumps))[rows], lever[rows] / dt**2)  # (M, 4)
    slip = np.stack((response[1] - response[0], response[-2] - response[-1]))  # (2, 4): first and last step
    size = np.linalg.solve(slip[:, 2:], -slip[:, :2])  # (2 bumps, xy)
    com, pushed = np.column_stack((zmp[:, :2], height)), zmp.copy()
    com[rows, :2] = response[:, :2] + response[:, 2:] @ size
    pushed[:, :2] += bumps @ size
    return com, pushed


def _solve(zmp: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """c - weight * (second difference of c) = zmp, with c = zmp at both ends. (M, K), (M,) -> (M, K)."""
    bands = np.zeros((3, len(zmp)))
    bands[1] = 1.0
    bands[1, 1:-1] += 2.0 * weight[1:-1]
    bands[0, 2:] = -weight[1:-1]
    bands[2, :-2] = -weight[1:-1]
    return solve_banded((1, 1), bands, zmp)

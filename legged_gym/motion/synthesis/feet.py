"""The path of both feet: still while they stand; from heel-off over a clear swing to heel-strike while they step."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from legged_gym.motion.kinematics import body_ids
from legged_gym.motion.rotations import quat_about_axis, quat_mul, quat_rotate
from legged_gym.motion.synthesis.curves import bump, smooth_step
from legged_gym.motion.synthesis.footsteps import Footstep, FootstepPlan, Placement, tilted
from legged_gym.utils.errors import MotionError

_STEP_HEIGHT = 0.12
"""Height of an edge from which on a foot goes fully around it, m; less on lower ones."""
_FIRST, _SECOND = 0.20, 0.25
"""Share of the swing by which the first half of the way around an edge ends early, and the second one starts late."""


@dataclass(frozen=True)
class Swing:
    """How a foot leaves the ground and comes back. Fractions are of the time between flat and flat."""

    clearance: float = 0.075
    """Height of the sole above ground in the middle of the swing, m."""
    heel_off: float = 0.40
    """Pitch, nose down, that the foot reaches by rolling over its toe, rad."""
    heel_strike: float = 0.16
    """Pitch, nose up, with which the heel lands, rad; negative: the toe lands first, as on stairs."""
    toe_leaves: float = 0.12
    """Fraction at which the toe leaves the ground."""
    heel_lands: float = 0.93
    """Fraction at which the heel reaches the ground."""
    heel_off_peak: float = 0.32
    """Fraction at which the foot is pitched most."""

    def pitch(self, fraction: np.ndarray) -> np.ndarray:
        """Pitch against the ground, nose down, (T,) rad."""
        lands = smooth_step(fraction, 3.0 * self.heel_lands - 2.0, 1.0)
        return (
            self.heel_off * smooth_step(fraction, 0.0, self.heel_off_peak)
            - (self.heel_off + self.heel_strike) * smooth_step(fraction, self.heel_off_peak, self.heel_lands)
            + self.heel_strike * lands
        )


@dataclass(frozen=True, eq=False)
class Sole:
    """Where a foot touches. Rolling over toe or heel turns it about the centre of its frontmost or rearmost shape."""

    height: float
    """Ankle above ground when the foot is flat, m."""
    toe: np.ndarray
    """(3,) centre of the frontmost contact shape in the ankle frame, m, moved to the foot's middle plane."""
    heel: np.ndarray
    """(3,) centre of the rearmost one."""


@dataclass(frozen=True, eq=False)
class FootPaths:
    """Ankle frames of left and right foot over T frames."""

    pos_w: np.ndarray
    """(T, 2, 3) m."""
    quat_wxyz: np.ndarray
    """(T, 2, 4) body to world."""
    flat: np.ndarray
    """(T, 2) bool: the whole sole rests on the ground and may carry weight."""


def measure_sole(model: mujoco.MjModel, foot_body: str) -> Sole:
    """Read the sole of a foot from the spheres and capsules it collides with.

    Raises:
        MotionError: the foot does not exist or has no such shape.
    """
    body = body_ids(model, (foot_body,))[0]
    centres, radii = [], []
    for geom in np.flatnonzero((model.geom_bodyid == body) & (model.geom_contype != 0)):
        axis = np.zeros(3)
        if model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_CAPSULE:
            axis = quat_rotate(model.geom_quat[geom], np.array([0.0, 0.0, model.geom_size[geom, 1]]))
        elif model.geom_type[geom] != mujoco.mjtGeom.mjGEOM_SPHERE:
            continue
        centres += [model.geom_pos[geom] - axis, model.geom_pos[geom] + axis]
        radii += [model.geom_size[geom, 0]] * 2
    if not centres:
        raise MotionError(
            f"{foot_body} collides with neither spheres nor capsules, so it has no sole to roll over"
        )
    points = np.array(centres)
    middle = points * np.array([1.0, 0.0, 1.0])
    return Sole(
        height=float(np.max(np.array(radii) - points[:, 2])),
        toe=middle[np.argmax(points[:, 0])],
        heel=middle[np.argmin(points[:, 0])],
    )


def foot_paths(plan: FootstepPlan, soles: tuple[Sole, Sole], swing: Swing, time: np.ndarray) -> FootPaths:
    """Follow a plan. A standing foot does not move at all; position, velocity and acceleration are continuous.

    Args:
        plan: where and when the feet stand.
        soles: of the left and the right foot.
        swing: style of the steps.
        time: (T,) s.
    """
    frames = len(time)
    paths = FootPaths(np.empty((frames, 2, 3)), np.empty((frames, 2, 4)), np.ones((frames, 2), dtype=bool))
    for foot, (place, sole) in enumerate(zip(plan.start, soles, strict=True)):
        paths.pos_w[:, foot], paths.quat_wxyz[:, foot] = _ankle(
            place, np.zeros(frames), sole.toe, sole.height
        )
    places = list(plan.start)
    for step in plan.steps:
        foot, sole = step.foot, soles[step.foot]
        after = time > step.lift_off_s + 1e-9  # frames on the old place keep it to the last bit
        fraction = np.clip((time[after] - step.lift_off_s) / (step.touch_down_s - step.lift_off_s), 0.0, 1.0)
        if step.hold is None:
            pos, quat = _swing(places[foot], step.placement, sole, swing, fraction)
        else:
            pos, quat = _hold(step, sole, time[after])
        paths.pos_w[after, foot], paths.quat_wxyz[after, foot] = pos, quat
        paths.flat[after, foot] = time[after] > step.touch_down_s - 1e-9
        places[foot] = step.placement
    return paths


def _swing(
    old: Placement, new: Placement, sole: Sole, swing: Swing, fraction: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Ankle positions (T, 3) and rotations (T, 4) at fractions (T,) of a step.

    The foot first rolls over the toe at its old place and last over the heel at its new one. In between, the two
    motions are blended and lifted, which keeps every derivative the blend has.
    """
    up, down = swing.toe_leaves, swing.heel_lands
    pitch, over = swing.pitch(fraction), smooth_step(fraction, up, down)
    leaving, _ = _ankle(old, pitch, sole.toe, sole.height)
    landing, _ = _ankle(new, pitch, sole.heel if swing.heel_strike >= 0.0 else sole.toe, sole.height)
    over_xy, over_z = _around_edge(_edge(old, new), up, down)
    share = np.stack([smooth_step(fraction, *span) for span in (over_xy, over_xy, over_z)], axis=1)
    pos = (1.0 - share) * leaving + share * landing
    pos[:, 2] += swing.clearance * bump(fraction, up, down)
    turn = np.arctan2(np.sin(new.yaw - old.yaw), np.cos(new.yaw - old.yaw)) * over
    ground = tilted(
        old.yaw + turn, old.pitch + (new.pitch - old.pitch) * over, old.roll + (new.roll - old.roll) * over
    )
    return pos, quat_mul(ground, quat_about_axis(1, pitch))


def _edge(old: Placement, new: Placement) -> float:
    """Height that is gained between two places by an edge, not by the tilt of the ground, m."""
    ahead = np.cos(old.yaw) * (new.x - old.x) + np.sin(old.yaw) * (new.y - old.y)
    return new.z - old.z + 0.5 * (np.tan(old.pitch) + np.tan(new.pitch)) * ahead


def _around_edge(rise: float, up: float, down: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """When a foot goes ahead and when it rises or sinks, between leaving the ground and reaching it.

    A foot that takes a stair rises before it goes ahead, and goes ahead before it sinks.
    """
    share = np.clip(abs(rise) / _STEP_HEIGHT, 0.0, 1.0) * (down - up)
    first, second = (up, down - _FIRST * share), (up + _SECOND * share, down)
    return (second, first) if rise > 0.0 else (first, second)


def _hold(step: Footstep, sole: Sole, time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same of a step to where the foot stood, that stays in the air in between."""
    hold = step.hold
    away = smooth_step(time, step.lift_off_s, step.lift_off_s + hold.move_s)
    away -= smooth_step(time, step.touch_down_s - hold.move_s, step.touch_down_s)
    stands, quat = _ankle(step.placement, np.zeros_like(time), sole.toe, sole.height)
    pos = stands + quat_rotate(quat, away[:, None] * np.array(hold.offset))
    return pos, quat_mul(quat, quat_about_axis(1, hold.pitch * away))


def _ankle(
    place: Placement, pitch: np.ndarray, pivot: np.ndarray, height: float
) -> tuple[np.ndarray, np.ndarray]:
    """Ankle of a foot that stands on `place` and is turned by `pitch` (T,) about `pivot` (3,), nose down positive."""
    ground = np.tile(place.quat_wxyz, (len(pitch), 1))
    quat = quat_mul(ground, quat_about_axis(1, pitch))
    flat = place.pos + quat_rotate(place.quat_wxyz, np.array([0.0, 0.0, height]))
    return flat + quat_rotate(ground, pivot) - quat_rotate(quat, pivot), quat

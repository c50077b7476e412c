"""Forces: torques within the motors' limits, weight carried by something, and balance."""

from __future__ import annotations

import numpy as np

from legged_gym.motion.feed_forward import effort_limits
from legged_gym.motion.validation.findings import Finding
from legged_gym.motion.validation.motion import CheckedMotion
from legged_gym.motion.validation.options import ValidationOptions
from legged_gym.motion.validation.spans import Span, label, length, others, spans_over, worst_span
from legged_gym.motion.validation.whole_body import WholeBody

TORQUE_TIME = 0.1
"""Shortest overload that counts, s: two and a half standard deviations of the smoothing of accelerations. Shorter
peaks come from noise, and a servo rides them out with a little lag."""
TORQUE_ERROR = 1.5
"""Share of the limit that no lag rides out; between 1 and this the robot will follow late."""
SUPPORT_TIME = 0.2
"""Shortest time without enough support that counts, s: in it a body falls by 20 cm."""
SUPPORT_WARNING, SUPPORT_ERROR = 0.3, 0.8
"""Share of the weight that no contact explains: mocap noise stays below the first (a tenth of a g of jitter in the
trunk, and friction of 0.5 at slopes); at the second, nothing holds the robot."""
BALANCE_TIME = 0.3
"""Shortest time out of balance that counts, s: an inverted pendulum of the G1's height doubles its lean in it."""
BALANCE_WARNING = 0.03
"""Centre of pressure this far outside what touches the ground, m: a third of a G1 sole's width."""
_JOIN = 0.25
_DIRECTIONS = 72
_MIN_LOAD = 0.3  # of the weight, below which the centre of pressure means little


def torques(motion: CheckedMotion, body: WholeBody, options: ValidationOptions) -> list[Finding]:
    """Torques beyond the motors' limits, the worst stretch of each joint."""
    limit = effort_limits(motion.robot.index)
    torque = body.dynamics.torque
    share = np.abs(torque) / limit  # (T, J)
    findings = []
    for j, name in enumerate(motion.robot.joint_names):
        at_least = motion.samples(TORQUE_TIME)
        spans = spans_over(share[:, j], 1.0, join=motion.samples(_JOIN), at_least=at_least)
        # What joining made long out of single peaks is still noise.
        spans = [span for span in spans if (share[span.first : span.last + 1, j] > 1.0).sum() >= at_least]
        if not spans:
            continue
        span = worst_span(spans, share[:, j])
        worst, needed = share[span.worst, j], abs(torque[span.worst, j])
        findings.append(
            motion.finding(
                "torques",
                "error" if worst > TORQUE_ERROR else "warning",
                f"{label(name)} needs {needed:.1f} Nm, {worst:.1f} times its limit of {limit[j]:g}, "
                f"{motion.during(span)}{others(spans)}",
                span,
                name,
                needed,
                limit[j],
                "Nm",
            )
        )
    return findings


def support(motion: CheckedMotion, body: WholeBody, options: ValidationOptions) -> list[Finding]:
    """Weight that no contact carries, while the robot does not fall either."""
    spans = unsupported_spans(motion, body)
    if not spans:
        return []
    share = unsupported_share(body)
    span = max(spans, key=lambda each: float(np.median(share[each.first : each.last + 1])) * each.samples)
    typical = float(np.median(share[span.first : span.last + 1]))
    error = typical > SUPPORT_ERROR
    inside = slice(span.first, span.last + 1)
    held = "in the air, held by nothing" if not body.carrying[inside].any() else "not held by its contacts"
    total = sum(each.samples for each in spans) * motion.step
    return [
        motion.finding(
            "support",
            "error" if error else "warning",
            f"the robot is {held} {motion.during(span)}: {typical:.0%} of its weight is unexplained; "
            f"{total:.1f} s of the clip in all",
            span,
            value=typical,
            limit=SUPPORT_ERROR if error else SUPPORT_WARNING,
            unit="of the weight",
        )
    ]


def unsupported_spans(motion: CheckedMotion, body: WholeBody) -> list[Span]:
    """When too much of the weight is carried by nothing."""
    return spans_over(unsupported_share(body), SUPPORT_WARNING, at_least=motion.samples(SUPPORT_TIME))


def unsupported_share(body: WholeBody) -> np.ndarray:
    """(T,) force that no contact supplies, over the weight."""
    return np.linalg.norm(body.dynamics.residual_w[:, :3], axis=1) / body.weight


def balance(motion: CheckedMotion, body: WholeBody, options: ValidationOptions) -> list[Finding]:
    """Times when the centre of pressure would have to lie outside what touches the ground: the robot tips over."""
    spans = tipping_spans(motion, body)
    if not spans:
        return []
    outside = pressure_outside(body)
    span = worst_span(spans, outside)
    total = sum(each.samples for each in spans) * motion.step
    return [
        motion.finding(
            "balance",
            "warning",
            f"the robot would tip over {motion.during(span)}: the centre of pressure lies "
            f"{length(outside[span.worst])} outside what touches the ground; {total:.1f} s of the clip in all",
            span,
            value=outside[span.worst],
            limit=BALANCE_WARNING,
            unit="m",
        )
    ]


def tipping_spans(motion: CheckedMotion, body: WholeBody) -> list[Span]:
    """When the centre of pressure is too far outside for too long."""
    return spans_over(pressure_outside(body), BALANCE_WARNING, at_least=motion.samples(BALANCE_TIME))


def pressure_outside(body: WholeBody) -> np.ndarray:
    """(T,) horizontal distance of the zero-moment point from the support polygon, m; 0 within it, and without contact.

    The zero-moment point is where the ground's force would have to act to need no horizontal moment; for a robot at
    rest it lies under the centre of mass. It is taken at the mean height of the points that carry.
    """
    carrying, points = body.carrying, body.points_w
    loaded = carrying.any(axis=1) & (body.root_wrench_w[:, 2] > _MIN_LOAD * body.weight)
    count = np.maximum(carrying.sum(axis=1), 1)
    height = np.where(carrying, points[..., 2], 0.0).sum(axis=1) / count
    zmp = zero_moment_point(body.root_wrench_w, body.motion.root_pos, height)
    return np.where(loaded, distance_outside(zmp, points[..., :2], carrying), 0.0)


def zero_moment_point(wrench_w: np.ndarray, root_pos: np.ndarray, height: np.ndarray) -> np.ndarray:
    """(T, 2) where a force at `height` (T,) explains the horizontal moment of wrenches (T, 6) about root_pos (T, 3).

    With the arm r = p - root and moment r x f: r_x = (r_z f_x - m_y) / f_z, r_y = (m_x + r_z f_y) / f_z.
    """
    force, moment = wrench_w[:, :3], wrench_w[:, 3:]
    up = np.where(np.abs(force[:, 2]) > 1e-9, force[:, 2], np.inf)
    below = height - root_pos[:, 2]
    x = (below * force[:, 0] - moment[:, 1]) / up
    y = (moment[:, 0] + below * force[:, 1]) / up
    return root_pos[:, :2] + np.stack((x, y), axis=-1)


def distance_outside(point: np.ndarray, corners: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """(T,) distance of points (T, 2) from the convex hull of the valid ones of (T, P, 2) corners, 0 inside.

    The largest distance beyond a supporting line over 72 directions: exact to 0.1 %, also for one or two corners.
    """
    angles = 2.0 * np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS
    directions = np.stack((np.cos(angles), np.sin(angles)))  # (2, D)
    reach = np.where(valid[..., None], corners @ directions, -np.inf).max(axis=1)  # (T, D)
    return np.maximum((point @ directions - reach).max(axis=1), 0.0)

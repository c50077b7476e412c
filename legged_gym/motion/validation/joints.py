"""Joints: within their ranges, within the motors' speeds, and without spikes."""

from __future__ import annotations

import numpy as np

from legged_gym.motion.feed_forward import effort_limits
from legged_gym.motion.validation.findings import Finding
from legged_gym.motion.validation.motion import CheckedMotion
from legged_gym.motion.validation.options import ValidationOptions
from legged_gym.motion.validation.spans import label, others, spans_over, worst_span

SPEED_WARNING = 0.8
"""Share of the no-load speed: an electric motor has about a fifth of its torque left there."""
SPIKE_SIZE = 0.15
"""Distance from the line through the neighbouring frames that counts as a spike, rad: three times what a sine of
1 rad at 3 Hz, sampled 30 times per second, shows ..."""
SPIKE_RATIO = 12.0
"""... and this many standard deviations of the same joint's usual distance, so that noise is no spike."""
_JOIN = 0.25
"""Stretches closer than this are told as one, s."""
_GAUSS = 1.4826
"""Standard deviation of normal noise over its median absolute value."""


def joint_limits(motion: CheckedMotion, options: ValidationOptions) -> list[Finding]:
    """Angles outside the model's joint ranges, the worst stretch of each joint."""
    lower, upper = joint_ranges(motion)
    findings = []
    below, above = lower - motion.dof_pos, motion.dof_pos - upper  # (T, J) rad, positive outside
    worst = np.maximum(below.max(axis=0), above.max(axis=0))
    for j in np.flatnonzero(worst > options.joint_limit_warning):
        outside = np.maximum(below[:, j], above[:, j])
        spans = spans_over(outside, options.joint_limit_warning, join=motion.samples(_JOIN))
        span = worst_span(spans, outside)
        angle, name = motion.dof_pos[span.worst, j], motion.robot.joint_names[j]
        bound = lower[j] if below[span.worst, j] > 0.0 else upper[j]
        findings.append(
            motion.finding(
                "joint_limits",
                "error" if worst[j] > options.joint_limit_error else "warning",
                f"{label(name)} is at {angle:.3f} rad, {worst[j]:.3f} beyond its limit of {bound:.3f} rad, "
                f"{motion.during(span)}{others(spans)}",
                span,
                name,
                angle,
                bound,
                "rad",
            )
        )
    return findings


def joint_ranges(motion: CheckedMotion) -> tuple[np.ndarray, np.ndarray]:
    """(J,) lower and upper limits of the robot's joints, rad; infinite where the model has none."""
    model, joints = motion.robot.model, motion.robot.index.joint_ids
    limited = model.jnt_limited[joints].astype(bool)
    lower, upper = model.jnt_range[joints].T
    return np.where(limited, lower, -np.inf), np.where(limited, upper, np.inf)


def joint_speeds(motion: CheckedMotion, options: ValidationOptions) -> list[Finding]:
    """Speeds beyond what the motors reach, the worst stretch of each joint."""
    limit = motion.robot.velocity_limit
    if limit is None:
        return []
    share = np.abs(motion.dof_vel) / limit  # (T, J)
    worst = share.max(axis=0)
    findings = []
    for j in np.flatnonzero(worst > SPEED_WARNING):
        severity = "error" if worst[j] > 1.0 else "warning"
        spans = spans_over(
            share[:, j], 1.0 if severity == "error" else SPEED_WARNING, join=motion.samples(_JOIN)
        )
        span, name = worst_span(spans, share[:, j]), motion.robot.joint_names[j]
        speed = abs(motion.dof_vel[span.worst, j])
        findings.append(
            motion.finding(
                "joint_speeds",
                severity,
                f"{label(name)} turns at {speed:.1f} rad/s, {worst[j]:.0%} of its motor's top speed of "
                f"{limit[j]:g}, {motion.during(span)}{others(spans)}",
                span,
                name,
                speed,
                limit[j],
                "rad/s",
            )
        )
    return findings


def joint_spikes(motion: CheckedMotion, options: ValidationOptions) -> list[Finding]:
    """Frames that leave the line of their neighbours, and accelerations that not even an unloaded motor has.

    The distance to the cubic through the two frames on each side is tiny for any smooth motion, however fast, and
    the whole size of a glitch of one frame.
    """
    distance = np.abs(spike_size(motion.dof_pos))  # (T, J)
    usual = _GAUSS * np.median(distance, axis=0)
    limit = np.maximum(SPIKE_SIZE, SPIKE_RATIO * usual)
    findings = []
    for j in np.flatnonzero((distance > limit).any(axis=0)):
        spans = spans_over(distance[:, j], limit[j], join=2)
        span, name = worst_span(spans, distance[:, j]), motion.robot.joint_names[j]
        acceleration = _acceleration(motion, j)[span.worst]
        findings.append(
            motion.finding(
                "joint_spikes",
                "warning",
                f"{label(name)} leaves the line of its neighbouring frames by {distance[span.worst, j]:.3f} rad "
                f"({acceleration:.0f} rad/s^2) {motion.at(span.worst)}{others(spans)}",
                span,
                name,
                distance[span.worst, j],
                limit[j],
                "rad",
            )
        )
    return findings + _impossible_accelerations(motion)


def spike_size(values: np.ndarray) -> np.ndarray:
    """Distance of each frame from the cubic through its four neighbours; 0 for the first and last two. (T, D)."""
    distance = np.zeros_like(values)
    if len(values) >= 5:
        far, near = values[:-4] + values[4:], values[1:-3] + values[3:-1]
        distance[2:-2] = values[2:-2] - (4.0 * near - far) / 6.0
    return distance


def _impossible_accelerations(motion: CheckedMotion) -> list[Finding]:
    """Accelerations beyond torque limit over rotor inertia: what the motor reaches with nothing attached."""
    index = motion.robot.index
    armature = index.model.dof_armature[index.joint_dof]
    limit = np.where(armature > 0.0, effort_limits(index) / np.maximum(armature, 1e-12), np.inf)
    findings = []
    for j, name in enumerate(motion.robot.joint_names):
        acceleration = np.abs(_acceleration(motion, j))
        spans = spans_over(acceleration, limit[j], join=2)
        if not spans:
            continue
        span = worst_span(spans, acceleration)
        value = acceleration[span.worst]
        findings.append(
            motion.finding(
                "joint_spikes",
                "error",
                f"{label(name)} accelerates with {value:.0f} rad/s^2, {value / limit[j]:.1f} times what its motor "
                f"can do with nothing attached, {motion.at(span.worst)}{others(spans)}",
                span,
                name,
                value,
                limit[j],
                "rad/s^2",
            )
        )
    return findings


def _acceleration(motion: CheckedMotion, joint: int) -> np.ndarray:
    """(T,) second difference of a joint's angle, rad/s^2; 0 at both ends."""
    inner = np.diff(motion.dof_pos[:, joint], 2) / motion.step**2
    return np.concatenate(([0.0], inner, [0.0]))

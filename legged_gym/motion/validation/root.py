"""The root: no teleports, no flips, no speeds that no robot has."""

from __future__ import annotations

import numpy as np

from legged_gym.motion.rotations import quat_conjugate, quat_mul, rotation_vector
from legged_gym.motion.validation.findings import Finding
from legged_gym.motion.validation.motion import CheckedMotion
from legged_gym.motion.validation.options import ValidationOptions
from legged_gym.motion.validation.spans import length, others, spans_over, worst_span

JUMP_SPEED = 2.0
"""Change of speed within one frame that no landing makes, m/s: a fall from 20 cm stopped at once. Half of a change
shows as distance from the median of the neighbouring steps."""
JUMP_DISTANCE = 0.05
"""Smallest jump, m: what the tracking of fast motion in video loses in a frame."""
FLIP_SPEED = 10.0
"""The same for the orientation, rad/s: the turning speed of a backflip, from one frame to the next."""
FLIP_ANGLE = 0.2
"""Smallest flip, rad: 11 degrees."""
LINEAR_SPEED, ANGULAR_SPEED = 5.0, 15.0
"""Fastest root that is likely right, m/s and rad/s: faster than people jog, half as fast again as a backflip."""
_WINDOW = (-2, -1, 1, 2)


def root_jumps(motion: CheckedMotion, options: ValidationOptions) -> list[Finding]:
    """Steps between frames that stick out of those before and after: teleports and flips."""
    dt = motion.step
    moved = np.diff(motion.root_pos, axis=0)
    turned = rotation_vector(quat_mul(motion.root_quat_wxyz[1:], quat_conjugate(motion.root_quat_wxyz[:-1])))
    findings = []
    for steps, limit, turns in (
        (moved, max(JUMP_DISTANCE, 0.5 * JUMP_SPEED * dt), False),
        (turned, max(FLIP_ANGLE, FLIP_SPEED * dt), True),
    ):
        distance = np.linalg.norm(steps - _median_of_neighbours(steps), axis=1)  # (T - 1,)
        spans = spans_over(distance, limit, join=2)
        if not spans:
            continue
        span = worst_span(spans, distance)
        size = float(np.linalg.norm(steps[span.worst]))
        what = f"turns by {np.degrees(size):.0f} degrees" if turns else f"jumps by {length(size)}"
        frame = motion.frame(span.worst)
        findings.append(
            motion.finding(
                "root_jumps",
                "error",
                f"the root {what} between frames {frame} and {frame + 1}, at {motion.time[span.worst]:.2f} s"
                f"{others(spans)}",
                span,
                "root",
                size,
                limit,
                "rad" if turns else "m",
            )
        )
    return findings


def root_speeds(motion: CheckedMotion, options: ValidationOptions) -> list[Finding]:
    """Speeds of the root that hint at a wrong rate or unit."""
    findings = []
    for velocity, limit, verb, unit in (
        (motion.root_lin_vel_w, LINEAR_SPEED, "moves", "m/s"),
        (motion.root_ang_vel_w, ANGULAR_SPEED, "turns", "rad/s"),
    ):
        speed = np.linalg.norm(velocity, axis=1)
        spans = spans_over(speed, limit, join=motion.samples(0.25))
        if not spans:
            continue
        span = worst_span(spans, speed)
        value = speed[span.worst]
        findings.append(
            motion.finding(
                "root_speeds",
                "warning",
                f"the root {verb} at {value:.1f} {unit}, more than {limit:g}, {motion.during(span)}{others(spans)}",
                span,
                "root",
                value,
                limit,
                unit,
            )
        )
    return findings


def _median_of_neighbours(steps: np.ndarray) -> np.ndarray:
    """Median of the two steps before and the two after each, by component; ends repeat. (n, 3) -> (n, 3)."""
    padded = np.pad(steps, ((2, 2), (0, 0)), mode="edge")
    count = len(steps)
    return np.median([padded[2 + shift : 2 + shift + count] for shift in _WINDOW], axis=0)

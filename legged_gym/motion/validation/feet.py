"""Feet: on the ground while they stand, not in it, not sliding, and not both away for no reason."""

from __future__ import annotations

import numpy as np

from legged_gym.motion.contacts import LEAVE_HEIGHT, flat_ground
from legged_gym.motion.validation.findings import Finding, Severity
from legged_gym.motion.validation.motion import ONE_LEVEL, CheckedMotion
from legged_gym.motion.validation.options import ValidationOptions
from legged_gym.motion.validation.spans import (
    Span,
    height_range,
    length,
    others,
    runs,
    spans_over,
    worst_span,
)

EDGE_TIME = 0.04
"""Start and end of a stance that sliding leaves out, s: there the foot still lands or already rolls off."""
PLANTED_HEIGHT = 0.01
"""A foot slides only while its lowest point is this close to the lowest of its stance, m."""
ABSENT_TIME = 0.5
"""Feet away from the ground for longer than this without falling are reported, s: a jump of 30 cm takes as long."""
GRAVITY = 9.81
FALL_SHARE = 0.5
"""Away from the ground the robot falls if it accelerates down with at least this share of gravity."""
EDGE_HEIGHT, EDGE_STAND_TIME = 0.03, 0.3
"""A sole whose points differ by more than this in height (m) for longer than this (s) stands on its edge."""
_JOIN = 0.25


def contact_names(motion: CheckedMotion, clip_contacts: tuple[str, ...]) -> list[Finding]:
    """Recorded contacts that are not those of the robot's feet, which training refuses."""
    missing = [foot for foot in motion.robot.foot_bodies if foot not in clip_contacts]
    if not clip_contacts or not missing:
        return []
    message = f"contacts are recorded for {', '.join(clip_contacts)}, not for {', '.join(missing)}"
    return [motion.finding("contacts", "error", message, subject=", ".join(missing))]


def foot_clearance(motion: CheckedMotion, options: ValidationOptions) -> list[Finding]:
    """Each foot's worst depth inside the ground, and its worst height above it while it stands."""
    findings = []
    for foot in range(len(motion.robot.foot_bodies)):
        depth = -motion.foot_height[:, foot]
        findings += _clearance(motion, options, foot, depth, "inside the ground")
        # A floating foot is judged by the median of its stance: contacts begin and end a little above the ground.
        above = np.full(len(depth), -np.inf)
        for first, last in motion.stances(foot):
            height = np.median(motion.foot_height[first : last + 1, foot])
            if np.isfinite(height):  # else beyond the terrain's edge, of which `ground_level` tells
                above[first : last + 1] = height
        findings += _clearance(motion, options, foot, above, "above the ground while it stands")
    return findings


def _clearance(
    motion: CheckedMotion, options: ValidationOptions, foot: int, distance: np.ndarray, where: str
) -> list[Finding]:
    """The worst stretch of a (T,) distance from where the foot should be."""
    spans = spans_over(distance, options.clearance_warning, join=motion.samples(_JOIN))
    if not spans:
        return []
    span = worst_span(spans, distance)
    share = np.mean(distance > options.clearance_warning)
    error = distance[span.worst] > options.clearance_error
    name = motion.foot_labels[foot]
    return [
        motion.finding(
            "foot_clearance",
            "error" if error else "warning",
            f"{name} is {length(distance[span.worst])} {where} {motion.at(span.worst)}; more than "
            f"{length(options.clearance_warning)} in {_percent(share)} of the clip",
            span,
            motion.robot.foot_bodies[foot],
            distance[span.worst],
            options.clearance_error if error else options.clearance_warning,
            "m",
        )
    ]


def ground_level(motion: CheckedMotion, options: ValidationOptions) -> list[Finding]:
    """What the standing feet say about the ground as a whole: shifted, or several levels, or beyond the terrain."""
    findings = []
    heights = motion.standing_heights
    if motion.on_one_level and abs(motion.ground_offset) > options.clearance_warning:
        where = "above" if motion.ground_offset > 0.0 else "inside"
        message = (
            f"the clip as a whole is {length(motion.ground_offset)} {where} the ground; --fix ground mends it"
        )
        findings.append(
            motion.finding(
                "ground_level",
                "info",
                message,
                value=motion.ground_offset,
                limit=options.clearance_warning,
                unit="m",
            )
        )
    elif len(heights) and not motion.on_one_level:
        low, high = motion.standing_range
        flat = motion.ground is flat_ground
        question = (
            "does the clip play on a terrain that was not given?"
            if flat
            else "is the mesh upside down, in another place or unit, or another clip's?"
        )
        message = f"feet stand at heights from {height_range(low, high)} above the ground: {question}"
        severity: Severity = "warning" if flat else "error"
        findings.append(
            motion.finding("ground_level", severity, message, value=high - low, limit=ONE_LEVEL, unit="m")
        )
    beyond = ~np.isfinite(motion.foot_height).all(axis=1)
    for first, last in runs(beyond)[:1]:
        span = Span(first, last, first)
        message = f"a foot is beyond the terrain's edge {motion.during(span)}, {_percent(beyond.mean())} of the clip"
        findings.append(motion.finding("ground_level", "error", message, span))
    return findings


def foot_sliding(motion: CheckedMotion, options: ValidationOptions) -> list[Finding]:
    """Each foot's longest slide in one stance."""
    findings = []
    for foot, body in enumerate(motion.robot.foot_bodies):
        slides = stance_slides(motion, foot)
        bad = [entry for entry in slides if entry[1] > options.slide_warning]
        if not bad:
            continue
        span, distance = max(bad, key=lambda entry: entry[1])
        severity: Severity = "error" if distance > options.slide_error else "warning"
        speed = motion.point_speed[span.first : span.last + 1][:, motion.robot.foot_points.body == foot]
        findings.append(
            motion.finding(
                "foot_sliding",
                severity,
                f"{motion.foot_labels[foot]} slides by {length(distance)}, at up to {speed.min(1).max():.2f} m/s, "
                f"while it stands {motion.during(span)}; by more than {length(options.slide_warning)} in {len(bad)} "
                f"of {len(slides)} stances",
                span,
                body,
                distance,
                options.slide_error if severity == "error" else options.slide_warning,
                "m",
            )
        )
    return findings


def stance_slides(motion: CheckedMotion, foot: int) -> list[tuple[Span, float]]:
    """Span and slide (m) of each stance: how far from its start the sole's slowest point on the ground gets.

    A foot that rolls over its heel or turns about a corner has a point at rest and does not slide; noise goes back and
    forth and does not add up.
    """
    own = np.flatnonzero(motion.robot.foot_points.body == foot)
    edge = motion.samples(EDGE_TIME)
    slides = []
    for first, last in motion.stances(foot):
        if last - first < 2 * edge + 2:
            continue
        inner = slice(first + edge, last + 1 - edge)
        height = motion.point_height[inner, own]
        near = height < height.min() + PLANTED_HEIGHT
        planted = near.any(axis=1)
        velocity = motion.point_velocity[inner, own, :2]
        speed = np.where(near, np.linalg.norm(velocity, axis=-1), np.inf)
        slowest = np.argmin(speed, axis=1)
        moved = np.where(planted[:, None], velocity[np.arange(len(slowest)), slowest], 0.0) * motion.step
        path = np.cumsum(moved, axis=0)
        distance = np.linalg.norm(path - path[0], axis=1)
        span = Span(inner.start, inner.stop - 1, inner.start + int(np.argmax(distance)))
        slides.append((span, float(distance.max())))
    return slides


def feet_absent(motion: CheckedMotion, options: ValidationOptions) -> list[Finding]:
    """Times when no foot is near the ground though the root does not fall: floating, or a missing terrain."""
    away = motion.foot_height.min(axis=1) - LEAVE_HEIGHT
    spans = spans_over(away, 0.0, at_least=motion.samples(ABSENT_TIME))
    spans = [span for span in spans if not _falls(motion, span)]
    if not spans:
        return []
    span = max(spans, key=lambda each: each.samples)
    height = motion.foot_height[span.first : span.last + 1].min(axis=1).max()
    total = sum(each.samples for each in spans) * motion.step
    how_high = f"up to {length(height)} high" if np.isfinite(height) else "beyond the terrain"
    return [
        motion.finding(
            "feet_absent",
            "warning",
            f"no foot is on the ground {motion.during(span)}, {how_high}, and the robot does not fall; {total:.1f} s "
            "in all",
            span,
            value=span.samples * motion.step,
            limit=ABSENT_TIME,
            unit="s",
        )
    ]


def standing_on_edge(motion: CheckedMotion, options: ValidationOptions) -> list[Finding]:
    """Feet that carry weight on an edge or a corner for long: the ankle has little to balance with."""
    findings = []
    for foot, body in enumerate(motion.robot.foot_bodies):
        own = motion.robot.foot_points.body == foot
        height = motion.point_height[:, own]
        finite = np.where(np.isfinite(height), height, 0.0)
        slope = np.where(motion.contacts[:, foot], finite.max(axis=1) - finite.min(axis=1), 0.0)
        spans = spans_over(slope, EDGE_HEIGHT, at_least=motion.samples(EDGE_STAND_TIME))
        if not spans:
            continue
        span = worst_span(spans, slope)
        findings.append(
            motion.finding(
                "standing_on_edge",
                "info",
                f"{motion.foot_labels[foot]} stands on its edge, the sole tilted by {length(slope[span.worst])}, "
                f"{motion.during(span)}{others(spans)}",
                span,
                body,
                slope[span.worst],
                EDGE_HEIGHT,
                "m",
            )
        )
    return findings


def _falls(motion: CheckedMotion, span: Span) -> bool:
    """Whether the root's height over a span is a parabola with a fair share of gravity."""
    time = motion.time[span.first : span.last + 1]
    curve = np.polyfit(time - time[0], motion.root_pos[span.first : span.last + 1, 2], 2)
    return bool(-2.0 * curve[0] > FALL_SHARE * GRAVITY)


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 or share == 0.0 else f"{share:.1%}"

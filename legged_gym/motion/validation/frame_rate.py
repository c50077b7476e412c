"""Frame rate: repeated frames, falls that are too fast, steps that no one takes."""

from __future__ import annotations

import numpy as np

from legged_gym.motion.clip import Clip
from legged_gym.motion.contacts import LEAVE_HEIGHT
from legged_gym.motion.validation.feet import GRAVITY
from legged_gym.motion.validation.findings import Finding
from legged_gym.motion.validation.motion import CheckedMotion
from legged_gym.motion.validation.spans import Span, runs, spans_over
from legged_gym.motion.validation.whole_body import WholeBody

REPEATED_SHARE = 0.05
"""Share of repeated frames in moving stretches from which on they are no accident."""
FROZEN_TIME = 0.2
"""Longer repetition is a pause (or a lost recording), not upsampling, s."""
FLIGHT_TIME = 0.15
"""Shortest flight whose acceleration is worth measuring, s: a parabola of 3 cm."""
FALL_RATIO = 1.35
"""A fall this many times gravity or more hints at a wrong rate: 60 for 50 frames per second would be 1.44."""
FASTEST_STRIDE = 0.4
"""Shortest time between touchdowns of one foot, s: that of sprinters."""
_EQUAL = 1e-9


def frame_rate(motion: CheckedMotion, body: WholeBody, clip: Clip) -> list[Finding]:
    """What speaks against the clip's frames per second."""
    return [
        *_assumed(motion, clip),
        *repeated_frames(motion),
        *_fast_falls(motion, body),
        *_fast_steps(motion),
    ]


def _assumed(motion: CheckedMotion, clip: Clip) -> list[Finding]:
    told = str(clip.provenance.get("fps", ""))
    if "default" not in told:
        return []
    message = f"the file does not state its rate; {clip.fps:g} frames per second is assumed ({told})"
    return [motion.finding("frame_rate", "info", message, value=clip.fps, unit="frames per second")]


def repeated_frames(motion: CheckedMotion) -> list[Finding]:
    """Frames that are the one before again, while the robot moves: upsampling by repetition, or lost frames."""
    pose = np.concatenate((motion.dof_pos, motion.root_pos, motion.root_quat_wxyz), axis=1)
    same = (np.abs(np.diff(pose, axis=0)) < _EQUAL).all(axis=1)  # (T - 1,)
    frozen = np.zeros_like(same)
    for first, last in runs(same):
        if last - first + 1 >= motion.samples(FROZEN_TIME):
            frozen[first : last + 1] = True
    moving = ~frozen
    share = float(same[moving].mean()) if moving.any() else 0.0
    if share < REPEATED_SHARE:
        return []
    real = motion.fps * (1.0 - share)
    first = int(np.flatnonzero(same & moving)[0]) + 1
    message = (
        f"{share:.0%} of the frames repeat the one before, the first is frame {motion.frame(first)}: looks like about "
        f"{real:.0f} frames per second stretched to {motion.fps:g} by repetition"
    )
    span = Span(first, len(motion.time) - 1, first)
    return [motion.finding("frame_rate", "warning", message, span, value=share, limit=REPEATED_SHARE)]


def _fast_falls(motion: CheckedMotion, body: WholeBody) -> list[Finding]:
    """In the air the centre of mass accelerates with gravity, whatever the robot does; a wrong rate shows squared."""
    away = body.point_height.min(axis=1) - LEAVE_HEIGHT
    spans = spans_over(away, 0.0, at_least=motion.samples(FLIGHT_TIME))
    if not spans:
        return []
    span = max(spans, key=lambda each: each.samples)
    time = motion.time[span.first : span.last + 1]
    if len(time) < 4:
        return []
    curve = np.polyfit(time - time[0], body.centre_of_mass_w[span.first : span.last + 1, 2], 2)
    fall = -2.0 * curve[0]
    if fall < FALL_RATIO * GRAVITY:
        return []
    rate = motion.fps / np.sqrt(fall / GRAVITY)
    message = (
        f"in the air {motion.during(span)} the robot falls with {fall:.1f} m/s^2: with gravity of {GRAVITY} the clip "
        f"would have {rate:.0f} frames per second, not {motion.fps:g}"
    )
    return [
        motion.finding(
            "frame_rate", "info", message, span, value=fall, limit=FALL_RATIO * GRAVITY, unit="m/s^2"
        )
    ]


def _fast_steps(motion: CheckedMotion) -> list[Finding]:
    """Strides faster than a sprinter's."""
    starts = [
        np.array([first for first, _ in motion.stances(foot)]) for foot in range(motion.contacts.shape[1])
    ]
    strides = np.concatenate(
        [np.diff(motion.time[each]) for each in starts if len(each) > 1] or [np.zeros(0)]
    )
    if len(strides) < 4 or np.median(strides) >= FASTEST_STRIDE:
        return []
    stride = float(np.median(strides))
    message = (
        f"each foot touches down every {stride:.2f} s (median of {len(strides)} strides), faster than a sprinter's: "
        f"{motion.fps:g} frames per second may be too many"
    )
    return [motion.finding("frame_rate", "info", message, value=stride, limit=FASTEST_STRIDE, unit="s")]

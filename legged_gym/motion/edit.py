"""Clips cut, resampled and moved. Each function returns a new clip whose history says what was done."""

from __future__ import annotations

import dataclasses

import numpy as np

from legged_gym.motion.clip import Clip, Links
from legged_gym.motion.resample import interpolate, interpolate_rotation, resample
from legged_gym.utils.errors import MotionError

_FRAME_TOLERANCE = 1e-6
"""A time within this part of a frame is that frame: seconds as decimals are not exact."""


def crop(clip: Clip, start_s: float = 0.0, end_s: float | None = None) -> Clip:
    """The frames from one time to another, both included; no frame is computed.

    Args:
        clip: the motion.
        start_s: first second to keep.
        end_s: last second to keep; None for the clip's end.

    Raises:
        MotionError: the times lie outside the clip or leave fewer than two frames.
    """
    end = clip.duration if end_s is None else end_s
    tolerance = _FRAME_TOLERANCE / clip.fps
    if not -tolerance <= start_s < end <= clip.duration + tolerance:
        raise MotionError(f"{clip.file}: {start_s:g} to {end:g} s is not within its {clip.duration:.6g} s")
    first = int(np.ceil(start_s * clip.fps - _FRAME_TOLERANCE))
    last = int(np.floor(end * clip.fps + _FRAME_TOLERANCE))
    if last <= first:
        raise MotionError(
            f"{clip.file}: {start_s:g} to {end:g} s is less than two frames at {clip.fps:g} per second"
        )
    if (first, last) == (0, clip.num_frames - 1):
        return clip
    kept = slice(max(first, 0), last + 1)
    links = clip.links
    return dataclasses.replace(
        clip,
        dof_pos=clip.dof_pos[kept],
        root_pos=clip.root_pos[kept],
        root_quat_wxyz=clip.root_quat_wxyz[kept],
        contacts=None if clip.contacts is None else {foot: on[kept] for foot, on in clip.contacts.items()},
        links=None if links is None else Links(links.names, links.pos_w[kept], links.quat_wxyz[kept]),
        history=(
            *clip.history,
            f"cut to frames {first} to {last} of {clip.num_frames} "
            f"({first / clip.fps:.6g} to {last / clip.fps:.6g} s)",
        ),
    )


def at_fps(clip: Clip, fps: float, exact_rate: bool = False) -> Clip:
    """The same motion sampled at another rate, never played at another speed.

    Frames of a constant rate end on the clip's last pose only where its duration is a whole number of them. Elsewhere
    one of the two has to give way by part of a frame:

    - the rate, usually: the duration is exact, and the rate is the nearest to `fps` with which it is whole;
    - the duration with `exact_rate`: the rate is exact, and less than a frame at the end is left out.

    Args:
        clip: the motion.
        fps: frames per second wanted.
        exact_rate: keep the rate instead of the duration.

    Raises:
        MotionError: fps is not positive, or so low that fewer than two frames would be left.
    """
    if not (np.isfinite(fps) and fps > 0.0):
        raise MotionError(f"{clip.file}: {fps!r} frames per second; it must be a positive number")
    if fps == clip.fps:
        return clip
    steps = clip.duration * fps
    whole = int(np.floor(steps + _FRAME_TOLERANCE)) if exact_rate else int(np.rint(steps))
    if whole < 1:
        raise MotionError(f"{clip.file}: {clip.duration:g} s is less than two frames at {fps:g} per second")
    # A duration that is whole up to rounding keeps the rate as it was asked for.
    rate = fps if exact_rate or abs(steps - whole) < _FRAME_TOLERANCE else whole / clip.duration
    end = min(whole / rate, clip.duration)
    motion = resample(clip, 1.0 / rate, end_time=end)
    position = np.minimum(motion.time * clip.fps, clip.num_frames - 1)
    left_out = clip.duration - end
    note = f"resampled from {clip.fps:.6g} to {rate:.6g} frames per second"
    if left_out > _FRAME_TOLERANCE / rate:
        note += f", the last {1e3 * left_out:.1f} ms left out"
    elif rate != fps:
        note += f" ({fps:g} wanted; the duration of {clip.duration:.6g} s is kept)"
    return dataclasses.replace(
        clip,
        fps=rate,
        dof_pos=motion.dof_pos,
        root_pos=motion.root_pos,
        root_quat_wxyz=motion.root_quat_wxyz,
        contacts=motion.contacts,
        links=_resampled_links(clip.links, position),
        history=(*clip.history, note),
    )


def raised(clip: Clip, metres: float) -> Clip:
    """The clip with root and links moved up by `metres` (down if negative)."""
    up = np.array([0.0, 0.0, metres])
    links = clip.links
    return dataclasses.replace(
        clip,
        root_pos=clip.root_pos + up,
        links=None if links is None else Links(links.names, links.pos_w + up, links.quat_wxyz),
        history=(*clip.history, f"raised by {1e3 * metres:.6g} mm"),
    )


def _resampled_links(links: Links | None, position: np.ndarray) -> Links | None:
    if links is None:
        return None
    return Links(
        links.names, interpolate(links.pos_w, position), interpolate_rotation(links.quat_wxyz, position)
    )

"""From a clip's own frames to samples at the control rate, and their velocities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from legged_gym.motion.clip import Clip
from legged_gym.motion.rotations import (
    quat_conjugate,
    quat_from_rotation_vector,
    quat_mul,
    rotation_vector,
    step_rate,
)
from legged_gym.utils.errors import MotionError


@dataclass(frozen=True, eq=False)
class SampledMotion:
    """Poses of a clip at `time`, (T,) seconds, strictly increasing and equally spaced but for the last step."""

    time: np.ndarray
    dof_pos: np.ndarray
    """(T, J) rad."""
    root_pos: np.ndarray
    """(T, 3) m, world."""
    root_quat_wxyz: np.ndarray
    """(T, 4) body to world, sign-continuous."""
    contacts: dict[str, np.ndarray] | None
    """(T,) bool per foot, from the nearest source frame."""

    def take(self, indices: np.ndarray, time: np.ndarray) -> SampledMotion:
        """The samples at `indices`, said to happen at `time`; both of one length."""
        contacts = None if self.contacts is None else {foot: c[indices] for foot, c in self.contacts.items()}
        return SampledMotion(
            time, self.dof_pos[indices], self.root_pos[indices], self.root_quat_wxyz[indices], contacts
        )


def resample(clip: Clip, dt: float, start_time: float = 0.0, end_time: float | None = None) -> SampledMotion:
    """Sample a clip every `dt` seconds from `start_time`, and once at the very end.

    Between frames all follows a cubic (see `interpolate`); a sample at a frame is that frame. Where the duration is no
    multiple of `dt`, the last step is shorter, so that the last sample is the clip's exact last pose.

    Args:
        clip: the motion.
        dt: control period, s.
        start_time: first second to keep.
        end_time: last second to keep; None or beyond the clip for its end.

    Raises:
        MotionError: the window lies outside the clip or is empty.
    """
    end = clip.duration if end_time is None else min(end_time, clip.duration)
    if start_time < 0.0 or start_time >= end:
        raise MotionError(
            f"{clip.file}: nothing is left between start_time {start_time:g} s and "
            f"end_time {end:g} s of a clip of {clip.duration:g} s"
        )
    steps = int(np.floor((end - start_time) / dt + 1e-6))
    time = start_time + dt * np.arange(steps + 1)
    if end - time[-1] > 1e-6 * dt:
        time = np.append(time, end)
    time[-1] = end

    position = np.minimum(time * clip.fps, clip.num_frames - 1)  # (T',) in source frames
    nearest = np.rint(position).astype(int)
    contacts = None if clip.contacts is None else {foot: c[nearest] for foot, c in clip.contacts.items()}
    return SampledMotion(
        time=time - start_time,
        dof_pos=interpolate(clip.dof_pos, position),
        root_pos=interpolate(clip.root_pos, position),
        root_quat_wxyz=interpolate_rotation(clip.root_quat_wxyz, position),
        contacts=contacts,
    )


def interpolate(values: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Values between frames, on the Catmull-Rom cubic: through all frames, with the slope of the central difference.

    Straight lines would cut every bend of a recording at 30 frames per second: over a dance resampled to 50 and back
    they leave 7 mrad RMS of joint error, this leaves 1. A cubic stays between its frames up to an eighth of the change
    of slope; it uses two frames on either side, so a jump in a recording disturbs no more than its neighbours.

    Args:
        values: (T, ...) at the frames, T >= 2.
        position: (T',) where, in frames, within [0, T - 1].

    Returns:
        (T', ...).
    """
    left, weight = _left(position, len(values), values.ndim - 1)
    change = np.diff(values, axis=0)  # per frame
    slope = _slope(change)
    to_right, from_left, from_right = _hermite(weight)
    result = to_right * change[left]
    result += values[left]
    result += from_left * slope[left]
    result += from_right * slope[left + 1]
    return result


def interpolate_rotation(quat_wxyz: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Rotations between frames, on the same cubic in the rotation vector from the frame before.

    Turning at constant rate stays turning at constant rate.

    Args:
        quat_wxyz: (T, ..., 4) at the frames, T >= 2.
        position: (T',) where, in frames, within [0, T - 1].

    Returns:
        (T', ..., 4), of the sign of the frame before.
    """
    left, weight = _left(position, len(quat_wxyz), quat_wxyz.ndim - 1)
    step = rotation_vector(quat_mul(quat_conjugate(quat_wxyz[:-1]), quat_wxyz[1:]))  # in the frame before
    rate = _slope(step)  # in each frame's own axes: a step's vector is the same before and after it
    step, start = step[left], quat_wxyz[left]
    to_right, from_left, from_right = _hermite(weight)
    turned = to_right * step + from_left * rate[left] + from_right * step_rate(step, rate[left + 1])
    return quat_mul(start, quat_from_rotation_vector(turned))


def linear_velocity(time: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Central differences at the true sample times, one-sided at both ends. (T,), (T, D) -> (T, D) per second."""
    return _central(time, np.diff(values, axis=0))


def angular_velocity_w(time: np.ndarray, quat_wxyz: np.ndarray) -> np.ndarray:
    """Angular velocity in the world frame, rad/s. (T,), (T, 4) -> (T, 3).

    From the logarithm of each step's rotation along the shorter arc, so a sign flip between samples is no motion.
    """
    return _central(time, rotation_vector(quat_mul(quat_wxyz[1:], quat_conjugate(quat_wxyz[:-1]))))


def _central(time: np.ndarray, step_change: np.ndarray) -> np.ndarray:
    """Rates at the samples from the change over each step, second order also where steps differ."""
    step = np.diff(time)[:, None]  # (T-1, 1) s
    rate = step_change / step  # (T-1, D)
    before, after = step[:-1], step[1:]
    inner = (after * rate[:-1] + before * rate[1:]) / (before + after)
    return np.concatenate((rate[:1], inner, rate[-1:]))


def _left(position: np.ndarray, frames: int, trailing: int) -> tuple[np.ndarray, np.ndarray]:
    """Frame before each position, and how far the way to the next is done, with `trailing` axes to broadcast."""
    left = np.minimum(np.floor(position).astype(int), frames - 2)
    return left, (position - left).reshape(-1, *[1] * trailing)


def _slope(change: np.ndarray) -> np.ndarray:
    """Change per frame at the frames, from the changes between them: mean of both sides, one-sided at the ends."""
    return np.concatenate((change[:1], 0.5 * (change[1:] + change[:-1]), change[-1:]))


def _hermite(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cubic Hermite basis: factors of the step, of the slope at its start and of that at its end."""
    rest = 1.0 - weight
    return weight * weight * (3.0 - 2.0 * weight), weight * rest * rest, -weight * weight * rest

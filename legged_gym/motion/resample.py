"""From a clip's own frames to samples at the control rate, and their velocities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from legged_gym.motion.clip import Clip
from legged_gym.motion.rotations import quat_conjugate, quat_mul, rotation_vector, slerp
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

    Positions and joints are interpolated linearly, the root rotation along the shorter arc. Where the duration is no
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
    left = np.minimum(np.floor(position).astype(int), clip.num_frames - 2)
    weight = position - left
    nearest = np.rint(position).astype(int)
    contacts = None if clip.contacts is None else {foot: c[nearest] for foot, c in clip.contacts.items()}
    return SampledMotion(
        time=time - start_time,
        dof_pos=_lerp(clip.dof_pos, left, weight),
        root_pos=_lerp(clip.root_pos, left, weight),
        root_quat_wxyz=slerp(clip.root_quat_wxyz[left], clip.root_quat_wxyz[left + 1], weight),
        contacts=contacts,
    )


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


def _lerp(values: np.ndarray, left: np.ndarray, weight: np.ndarray) -> np.ndarray:
    weight = weight[:, None]
    return (1.0 - weight) * values[left] + weight * values[left + 1]

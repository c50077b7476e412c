"""Timed extras on top of what the feet ask for: a raised arm, a squat, a shift of weight."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np

from legged_gym.motion.synthesis.curves import smooth_step
from legged_gym.utils.errors import MotionError

BODY = ("crouch", "pelvis_pitch", "pelvis_yaw", "weight")
"""Channels beside the waist and arm joints: drop of the centre of mass (m), pitch of the pelvis forward and turn of it
to the left (rad), and the weight's place between the feet, -1 (right) to 1 (left)."""

Key = tuple[float, float]
"""Time (s) and value there."""
Gesture = Mapping[str, tuple[Key, ...]]
"""Keys of each channel that moves. Between two keys a channel eases in and out; it starts and ends at 0."""


def evaluate(gesture: Gesture, time: np.ndarray, moving: tuple[float, float]) -> dict[str, np.ndarray]:
    """Value of every channel, (T,) each.

    Args:
        gesture: keys.
        time: (T,) s.
        moving: first and last moment at which the body may move, s.

    Raises:
        MotionError: keys that go back in time, start or end elsewhere than at 0, or lie outside `moving`.
    """
    return {name: _curve(name, keys, time, moving) for name, keys in gesture.items()}


def _curve(name: str, keys: tuple[Key, ...], time: np.ndarray, moving: tuple[float, float]) -> np.ndarray:
    times, values = zip(*keys, strict=True)
    if any(later <= earlier for earlier, later in itertools.pairwise(times)):
        raise MotionError(f"keys of {name} are at {times} s; each must be later than the one before")
    if values[0] != 0.0 or values[-1] != 0.0:
        raise MotionError(f"{name} starts at {values[0]:g} and ends at {values[-1]:g}; both must be 0")
    if times[0] < moving[0] or times[-1] > moving[1]:
        raise MotionError(
            f"{name} moves from {times[0]:g} to {times[-1]:g} s; the clip does from {moving[0]:g} to {moving[1]:g} s"
        )
    curve = np.zeros_like(time)
    for (start, before), (end, after) in itertools.pairwise(keys):
        curve += (after - before) * smooth_step(time, start, end)
    return curve


def hold(start: float, rise_s: float, value: float, stay_s: float, fall_s: float) -> tuple[Key, ...]:
    """Keys that go to a value, stay there and come back."""
    up, leave = start + rise_s, start + rise_s + stay_s
    return ((start, 0.0), (up, value), (leave, value), (leave + fall_s, 0.0))

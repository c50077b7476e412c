"""Smooth scalar curves the plans are made of."""

from __future__ import annotations

import numpy as np


def smooth_step(time: np.ndarray, start: float, end: float) -> np.ndarray:
    """0 before `start`, 1 after `end`, in between the quintic with zero velocity and acceleration at both ends."""
    u = np.clip((time - start) / (end - start), 0.0, 1.0)
    return u**3 * (10.0 - 15.0 * u + 6.0 * u**2)


def bump(time: np.ndarray, start: float, end: float) -> np.ndarray:
    """0 outside the interval, 1 in its middle, with zero velocity and acceleration at its ends."""
    u = np.clip((time - start) / (end - start), 0.0, 1.0)
    return (4.0 * u * (1.0 - u)) ** 3


def hann_smooth(values: np.ndarray, width: int) -> np.ndarray:
    """Average over a Hann window of `width` frames (made odd), ends held. (T, ...) -> (T, ...)."""
    half = width // 2
    window = np.hanning(2 * half + 3)[1:-1]
    padded = np.concatenate((np.repeat(values[:1], half, 0), values, np.repeat(values[-1:], half, 0)))
    stacked = np.lib.stride_tricks.sliding_window_view(padded, len(window), axis=0)  # (T, ..., width)
    return stacked @ (window / window.sum())

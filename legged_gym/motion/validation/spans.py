"""Stretches of a signal beyond a limit, and words for times and lengths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Span:
    """Samples first..last, both inclusive, and the one of them with the largest value."""

    first: int
    last: int
    worst: int

    @property
    def samples(self) -> int:
        """Number of samples."""
        return self.last - self.first + 1


def spans_over(values: np.ndarray, limit: float, join: int = 0, at_least: int = 1) -> list[Span]:
    """Stretches of `values` (T,) above `limit`, in order of time.

    Args:
        values: the signal; no NaN.
        limit: which it should not exceed.
        join: stretches with at most this many samples between them are one.
        at_least: leave out stretches of fewer samples.
    """
    return [
        Span(first, last, first + int(np.argmax(values[first : last + 1])))
        for first, last in runs(values > limit, join)
        if last - first + 1 >= at_least
    ]


def runs(mask: np.ndarray, join: int = 0) -> list[tuple[int, int]]:
    """First and last index of each run of True in (T,) bool; gaps of up to `join` samples are filled."""
    index = np.flatnonzero(mask)
    if not len(index):
        return []
    cut = np.flatnonzero(np.diff(index) > 1 + join)
    first, last = index[np.concatenate(([0], cut + 1))], index[np.concatenate((cut, [len(index) - 1]))]
    return list(zip(first.tolist(), last.tolist(), strict=True))


def worst_span(spans: list[Span], values: np.ndarray) -> Span:
    """The span with the largest value."""
    return max(spans, key=lambda span: values[span.worst])


def length(metres: float) -> str:
    """A length as people say it: 3.4 mm, 34 mm, 14 cm, 1.40 m. The sign is dropped."""
    metres = abs(metres)
    if metres >= 0.995:
        return f"{metres:.2f} m"
    if metres >= 0.0995:
        return f"{100 * metres:.0f} cm"
    return f"{1000 * metres:.0f} mm" if metres >= 0.00995 else f"{1000 * metres:.1f} mm"


def height_range(low: float, high: float) -> str:
    """Two heights, to the centimetre: 0.00 to 0.41 m."""
    return (
        " to ".join(f"{round(height, 2) + 0.0:.2f}" for height in (low, high)) + " m"
    )  # + 0: no negative zero


def label(name: str) -> str:
    """A joint or body as people say it: right_wrist_pitch_joint -> right wrist pitch."""
    return name.removesuffix("_joint").removesuffix("_link").replace("_", " ")


def others(spans: list[Span]) -> str:
    """ ", and in 3 other places", where there are more than one."""
    count = len(spans) - 1
    return "" if count < 1 else f", and in {count} other place{'s' if count > 1 else ''}"

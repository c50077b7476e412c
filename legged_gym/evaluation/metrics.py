"""From episodes to figures: plain numbers, per clip and over all."""

from __future__ import annotations

from typing import Any

import numpy as np

from legged_gym.evaluation.evaluator import MEASURES, Episodes, cause_name
from legged_gym.evaluation.judging import CAUSES

HORIZON_S = 5.0
"""``success_rate_next_5s`` asks for this much of every episode."""


def summarise(episodes: Episodes) -> dict[str, Any]:
    """All figures: ``total``, and ``clips`` by name. None where there is nothing to average.

    The figures of a clip and of the total count its evenly spaced starts; ``from_start`` counts the noisy episodes
    from the clip's first frame. Rates are shares of episodes. Errors are means over all steps of these episodes, up
    to and including a failing one.
    """
    return {
        "total": _figures(episodes, np.ones(len(episodes.clip), dtype=bool)),
        "clips": {
            name: _figures(episodes, episodes.clip == clip)
            | {"seconds": _seconds(episodes, clip), "failure_frames": _failure_frames(episodes, clip)}
            for clip, name in enumerate(episodes.clip_names)
        },
    }


def _figures(episodes: Episodes, chosen: np.ndarray) -> dict[str, Any]:
    """Figures of the chosen episodes, (E,) bool."""
    spread, from_start = chosen & ~episodes.from_start, chosen & episodes.from_start
    return (
        _rates(episodes, spread)
        | _mean_measures(episodes, spread)
        | {"failures_per_clip_second": _failures_per_clip_second(episodes, spread)}
        | {"from_start": _rates(episodes, from_start) | _mean_measures(episodes, from_start)}
    )


def _rates(episodes: Episodes, chosen: np.ndarray) -> dict[str, Any]:
    start, end, cause = episodes.start[chosen], episodes.end[chosen], episodes.cause[chosen]
    last = episodes.clip_last[episodes.clip[chosen]]
    success = cause < 0
    survived = end - start - ~success  # the failing frame is not survived
    horizon = round(HORIZON_S / episodes.step_dt)
    return {
        "success_rate": _mean(success),
        "success_rate_next_5s": _mean(success | (survived >= horizon)),
        "completed_fraction": _mean(survived / (last - start)),
        "failures": {name: int((cause == index).sum()) for index, name in enumerate(CAUSES)},
        "episodes": int(chosen.sum()),
    }


def _mean_measures(episodes: Episodes, chosen: np.ndarray) -> dict[str, float | None]:
    values = episodes.measures[chosen[episodes.step_episode]]
    return {name: _mean(values[:, column]) for column, name in enumerate(MEASURES)}


def _failures_per_clip_second(episodes: Episodes, chosen: np.ndarray) -> list[int]:
    """Failures in each second of clip time; over several clips, summed at equal times."""
    clips = episodes.clip[chosen]
    length = max((_seconds(episodes, clip) for clip in np.unique(clips)), default=0.0)
    failed = chosen & (episodes.cause >= 0)
    times = (episodes.end[failed] - episodes.clip_first[episodes.clip[failed]]) * episodes.step_dt
    bins = max(1, int(np.ceil(length - 1e-9)))
    seconds = np.floor(times + 1e-9).astype(int)  # frame 50 of 0.02 s is second 1 whatever the rounding
    return np.bincount(np.minimum(seconds, bins - 1), minlength=bins).tolist()


def _failure_frames(episodes: Episodes, clip: int) -> list[dict[str, Any]]:
    """Every failure of a clip: frames within the clip, its time, its cause."""
    failed = np.flatnonzero((episodes.clip == clip) & (episodes.cause >= 0))
    first = episodes.clip_first[clip]
    return [
        {
            "start": int(episodes.start[e] - first),
            "frame": int(episodes.end[e] - first),
            "time_s": round(float((episodes.end[e] - first) * episodes.step_dt), 4),
            "cause": cause_name(episodes.cause[e]),
            "from_start": bool(episodes.from_start[e]),
        }
        for e in failed
    ]


def _seconds(episodes: Episodes, clip: int) -> float:
    """Length of a clip, s."""
    return float((episodes.clip_last[clip] - episodes.clip_first[clip]) * episodes.step_dt)


def _mean(values: np.ndarray) -> float | None:
    """Mean of what is not NaN, None of nothing."""
    known = values[~np.isnan(values)] if values.dtype.kind == "f" else values
    return float(known.mean(dtype=np.float64)) if len(known) else None

"""Figures of four made-up episodes, worked out by hand."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from legged_gym.evaluation.evaluator import MEASURES, Episodes
from legged_gym.evaluation.judging import CAUSES
from legged_gym.evaluation.metrics import summarise

FALL, LOST = CAUSES.index("fall"), CAUSES.index("lost")
REQUIRED = {
    "success_rate",
    "completed_fraction",
    "mpjpe_mm",
    "mpjpe_local_mm",
    "joint_error_rad",
    "joint_velocity_error_rad_s",
    "failures",
    "episodes",
}


def episodes() -> Episodes:
    """Clip a has frames 0 to 1000 (10 s), clip b 1001 to 1101 (1 s).

    0: a, from 0 to the end. 1: a, from 500, falls at 800 (after 3 s). 2: a, from 100, lost at 900 (after 8 s).
    3: b, noisy from its first frame, falls at once. 4: b, from 1051 to the end.
    """
    steps = np.array([[0, 1], [0, 2], [1, 501], [2, 101], [3, 1002], [4, 1052]])
    measures = np.zeros((len(steps), len(MEASURES)))
    measures[:, MEASURES.index("mpjpe_mm")] = [10.0, 30.0, 50.0, 70.0, 500.0, 90.0]
    measures[:, MEASURES.index("action_rate_rad_s")] = [np.nan, 4.0, np.nan, np.nan, np.nan, np.nan]
    return Episodes(
        clip_names=["a", "b"],
        step_dt=0.01,
        clip_first=np.array([0, 1001]),
        clip_last=np.array([1000, 1101]),
        clip=np.array([0, 0, 0, 1, 1]),
        from_start=np.array([False, False, False, True, False]),
        start=np.array([0, 500, 100, 1001, 1051]),
        end=np.array([1000, 800, 900, 1002, 1101]),
        cause=np.array([-1, FALL, LOST, FALL, -1]),
        step_episode=steps[:, 0],
        step_frame=steps[:, 1],
        measures=measures,
    )


def test_required_keys_are_there_per_clip_and_in_total() -> None:
    figures = summarise(episodes())
    assert set(figures["total"]) >= REQUIRED
    assert list(figures["clips"]) == ["a", "b"]
    assert all(set(row) >= REQUIRED for row in figures["clips"].values())
    json.dumps(figures, allow_nan=False)


def test_rates_of_spread_starts() -> None:
    a = summarise(episodes())["clips"]["a"]
    assert a["episodes"] == 3
    assert a["success_rate"] == pytest.approx(1 / 3)
    # Episode 2 fails after 8 s, so it survived the next 5; episode 1 did not, after 3 s.
    assert a["success_rate_next_5s"] == pytest.approx(2 / 3)
    # The failing step is not survived: 1, 299 of 500, 799 of 900.
    assert a["completed_fraction"] == pytest.approx((1.0 + 299 / 500 + 799 / 900) / 3)
    assert a["failures"] == {"diverged": 0, "fall": 1, "lost": 1}


def test_noisy_episodes_from_the_first_frame_are_counted_apart() -> None:
    figures = summarise(episodes())
    b = figures["clips"]["b"]
    assert (b["episodes"], b["success_rate"], b["mpjpe_mm"]) == (1, 1.0, 90.0)
    assert b["failures"]["fall"] == 0
    from_start = b["from_start"]
    assert (from_start["episodes"], from_start["success_rate"], from_start["mpjpe_mm"]) == (1, 0.0, 500.0)
    assert from_start["failures"]["fall"] == 1
    assert figures["total"]["episodes"] == 4
    assert figures["total"]["from_start"]["episodes"] == 1


def test_errors_are_means_over_steps() -> None:
    figures = summarise(episodes())
    assert figures["clips"]["a"]["mpjpe_mm"] == pytest.approx((10 + 30 + 50 + 70) / 4)
    assert figures["total"]["mpjpe_mm"] == pytest.approx((10 + 30 + 50 + 70 + 90) / 5)
    assert figures["clips"]["a"]["action_rate_rad_s"] == 4.0, "first steps have no action before them"


def test_what_cannot_be_averaged_is_none() -> None:
    a = summarise(episodes())["clips"]["a"]
    assert a["from_start"]["episodes"] == 0
    assert a["from_start"]["success_rate"] is None
    assert summarise(episodes())["clips"]["b"]["action_rate_rad_s"] is None


def test_failures_are_placed_in_clip_time() -> None:
    clips = summarise(episodes())["clips"]
    assert clips["a"]["failures_per_clip_second"] == [0, 0, 0, 0, 0, 0, 0, 0, 1, 1]  # at 8 and 9 s
    assert clips["a"]["failure_frames"] == [
        {"start": 500, "frame": 800, "time_s": 8.0, "cause": "fall", "from_start": False},
        {"start": 100, "frame": 900, "time_s": 9.0, "cause": "lost", "from_start": False},
    ]
    assert clips["b"]["failure_frames"] == [
        {"start": 0, "frame": 1, "time_s": 0.01, "cause": "fall", "from_start": True}
    ]


def test_a_failure_on_the_last_frame_is_in_the_last_second() -> None:
    late = dataclasses.replace(episodes(), end=np.array([1000, 1000, 900, 1002, 1101]))
    assert summarise(late)["clips"]["a"]["failures_per_clip_second"] == [0] * 9 + [2]

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from legged_gym.motion.clip import Clip
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.motion.validation import CheckedMotion, validate
from legged_gym.motion.validation.frame_rate import repeated_frames


def waving(standing: Callable[..., Clip], frames: np.ndarray) -> Clip:
    """A clip at 50 Hz whose elbow shows the given frames of a 30 Hz motion."""
    return standing(len(frames), 50.0, joints={"left_elbow_joint": 0.6 + 0.4 * np.sin(3.0 * frames / 30.0)})


def test_upsampling_by_repetition_gives_away_the_real_rate(
    standing: Callable[..., Clip], layout: RobotLayout
) -> None:
    """30 Hz shown at 50 Hz by nearest neighbour: 2 of 5 frames repeat the one before."""
    clip = waving(standing, np.floor(np.arange(150) * 0.6))
    (finding,) = repeated_frames(CheckedMotion.from_clip(clip, layout))
    assert finding.value == pytest.approx(0.4, abs=0.01)
    assert finding.first_frame == 1  # floor(0.6) is floor(0)
    assert "looks like about 30 frames per second stretched to 50" in finding.message


def test_pauses_are_no_repetition(standing: Callable[..., Clip], layout: RobotLayout) -> None:
    paused = np.concatenate((np.arange(60), np.full(50, 59), np.arange(60, 100)))
    assert not repeated_frames(CheckedMotion.from_clip(waving(standing, paused), layout))
    assert not repeated_frames(CheckedMotion.from_clip(standing(), layout))


def test_a_fall_that_is_too_fast_gives_away_the_real_rate(
    standing: Callable[..., Clip], root: Callable[..., np.ndarray], layout: RobotLayout
) -> None:
    """A jump at 30 frames per second said to be 50 falls with (50 / 30)^2 g = 27.3 m/s^2."""
    time = np.arange(60) / 30.0
    flight = np.clip(time - 0.5, 0.0, 0.7)
    clip = standing(60, 50.0, root_pos=root(60, z=0.5 * 9.81 * flight * (0.7 - flight)))
    (finding,) = [f for f in validate(clip, layout).findings if f.check == "frame_rate"]
    assert finding.value == pytest.approx(27.25, rel=0.01)
    assert "the clip would have 30 frames per second, not 50" in finding.message
    right = dataclasses.replace(clip, fps=30.0)
    assert not [f for f in validate(right, layout).findings if f.check == "frame_rate"]


def test_steps_faster_than_a_sprinters_are_told(standing: Callable[..., Clip], layout: RobotLayout) -> None:
    on = np.arange(101) % 15 < 8  # every 0.3 s
    clip = standing(contacts={"left_ankle_roll_link": on, "right_ankle_roll_link": ~on})
    (finding,) = [f for f in validate(clip, layout).findings if f.check == "frame_rate"]
    assert finding.value == pytest.approx(0.3)


def test_an_assumed_rate_is_told(standing: Callable[..., Clip], layout: RobotLayout) -> None:
    clip = standing(provenance={"file": "walk.csv", "fps": "default for CSV files"})
    (finding,) = validate(clip, layout).findings
    assert "50 frames per second is assumed" in finding.message

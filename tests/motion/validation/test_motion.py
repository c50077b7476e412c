import time as clock
from collections.abc import Callable

import numpy as np
import pytest

from legged_gym.motion.clip import Clip
from legged_gym.motion.contacts import flat_ground
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.motion.validation import CheckedMotion, quick_findings
from legged_gym.motion.validation.findings import Finding
from legged_gym.motion.validation.motion import height_above
from legged_gym.motion.validation.spans import height_range, label, length, runs, spans_over


def step(xy: np.ndarray) -> np.ndarray:
    """0.4 m high from x = 1 on."""
    return np.where(xy[..., 0] > 1.0, 0.4, 0.0)


def test_a_point_just_inside_a_wall_is_as_deep_as_it_is_from_the_wall() -> None:
    points = np.array(
        [[0.9, 0.0, 0.1], [1.005, 0.0, 0.1], [1.025, 0.0, 0.1], [1.2, 0.0, 0.1], [1.2, 0.0, 0.39]]
    )
    assert height_above(step, points) == pytest.approx([0.1, -0.01, -0.03, -0.3, -0.01])


def test_beyond_the_ground_everything_is_infinitely_high() -> None:
    assert height_above(lambda xy: np.full(xy.shape[:-1], -np.inf), np.zeros((3, 3))).tolist() == [np.inf] * 3
    assert height_above(flat_ground, np.array([[0.0, 0.0, -0.3]])).tolist() == [-0.3]


def test_frame_numbers_are_those_of_the_clip_whatever_rate_it_is_sampled_at(
    standing: Callable[..., Clip],
    root: Callable[..., np.ndarray],
    layout: RobotLayout,
    only: Callable[..., Finding],
) -> None:
    """Samples at 50 Hz from second 4 on of a file of 30 frames per second."""
    sunk = np.zeros(101)
    sunk[50] = -0.1
    at_50 = CheckedMotion.from_clip(standing(root_pos=root(z=sunk)), layout)
    fields = {name: getattr(at_50, name) for name in CheckedMotion.__dataclass_fields__}
    cut = CheckedMotion(**{**fields, "fps": 30.0, "time": at_50.time + 4.0})
    finding = only(
        [f for f in quick_findings(cut) if "inside" in f.message], "foot_clearance", "left_ankle_roll_link"
    )
    assert (finding.first_s, finding.first_frame) == (5.0, 150)


def test_recorded_contacts_are_taken(standing: Callable[..., Clip], layout: RobotLayout) -> None:
    on = np.arange(101) % 50 < 25
    clip = standing(contacts={"right_ankle_roll_link": on, "left_ankle_roll_link": ~on})
    assert np.array_equal(CheckedMotion.from_clip(clip, layout).contacts, np.stack((~on, on), axis=1))


def test_spans_join_over_gaps_and_leave_out_short_ones() -> None:
    values = np.array([0, 2, 3, 0, 2, 0, 0, 0, 9, 0])
    found = [(span.first, span.last, span.worst) for span in spans_over(values, 1.0)]
    assert found == [(1, 2, 2), (4, 4, 4), (8, 8, 8)]
    assert [(span.first, span.last) for span in spans_over(values, 1.0, join=1)] == [(1, 4), (8, 8)]
    assert [(span.first, span.last) for span in spans_over(values, 1.0, at_least=2)] == [(1, 2)]
    assert runs(np.zeros(5, dtype=bool)) == []


def test_words() -> None:
    assert [length(x) for x in (0.0034, 0.0344, -0.14, 1.396)] == ["3.4 mm", "34 mm", "14 cm", "1.40 m"]
    assert [length(x) for x in (0.0099, 0.00999, 0.0996, 0.996)] == ["9.9 mm", "10 mm", "10 cm", "1.00 m"]
    assert label("right_wrist_pitch_joint") == "right wrist pitch"
    assert height_range(-0.001, 0.412) == "0.00 to 0.41 m"


@pytest.mark.slow
def test_quick_findings_of_a_2_hour_library_take_seconds(
    standing: Callable[..., Clip], root: Callable[..., np.ndarray], layout: RobotLayout
) -> None:
    """A tenth of 2.5 h at 50 Hz: 45 000 frames within 3 s; 0.4 s when measured on an idle core."""
    time = np.arange(45_000) / 50.0
    walking = root(len(time), x=0.2 * np.sin(time), z=0.01 * np.sin(7.0 * time))
    motion = CheckedMotion.from_clip(standing(len(time), root_pos=walking), layout)
    start = clock.process_time()
    quick_findings(motion)
    assert clock.process_time() - start < 3.0

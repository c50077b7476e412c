from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from legged_gym.motion.clip import Clip, Links
from legged_gym.motion.edit import at_fps, crop, raised
from legged_gym.motion.formats import read_clip
from legged_gym.motion.links import robot_links
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.motion.rotations import quat_conjugate, quat_mul, rotation_vector
from legged_gym.sim.robot_model import Robot
from legged_gym.utils.errors import MotionError

MakeClip = Callable[..., Clip]


@pytest.fixture
def dance(shared_dir: Path) -> Clip:
    """131 s of dance at 30 frames per second, whose duration is no whole number of 1/50 s."""
    return read_clip(shared_dir / "data/g1/lafan1/dance1_subject2.csv")


def test_there_and_back_keeps_duration_and_joints(dance: Clip) -> None:
    there = at_fps(dance, 50.0)
    back = at_fps(there, 30.0)
    assert there.duration == pytest.approx(dance.duration, abs=1e-9)
    assert there.fps == pytest.approx(50.0, abs=0.5 / dance.duration)
    assert (back.fps, back.num_frames) == (30.0, dance.num_frames)
    assert back.duration == dance.duration
    error = back.dof_pos - dance.dof_pos
    assert np.sqrt(np.mean(error**2)) < 1.2e-3  # rad; straight lines leave 7.3e-3
    assert np.sqrt(np.mean((back.root_pos - dance.root_pos) ** 2)) < 1e-4  # m
    turn = rotation_vector(quat_mul(quat_conjugate(dance.root_quat_wxyz), back.root_quat_wxyz))
    assert np.sqrt(np.mean(turn**2)) < 3e-4  # rad


def test_a_dance_resampled_hardly_leaves_the_joints_limits(dance: Clip, g1: Robot) -> None:
    """Its retargeting clipped it to the limits; a cubic goes round the corners, by 2.6 mrad at the worst of them."""
    there = at_fps(dance, 50.0)
    columns = [dance.joint_names.index(name) for name in g1.joint_names]
    dof_pos = there.dof_pos[:, columns]
    assert np.maximum(dof_pos - g1.dof_upper, g1.dof_lower - dof_pos).max() < 0.003


def test_the_rate_is_exact_where_the_duration_allows(g1_clip: MakeClip) -> None:
    clip = at_fps(g1_clip(frames=31, fps=30.0), 50.0)
    assert (clip.fps, clip.num_frames) == (50.0, 51)
    assert clip.history == ("resampled from 30 to 50 frames per second",)


def test_elsewhere_the_duration_is_exact_or_the_rate(g1_clip: MakeClip) -> None:
    clip = g1_clip(frames=30, fps=30.0)  # 0.9667 s = 48.3 steps of 20 ms
    kept = at_fps(clip, 50.0)
    assert kept.duration == pytest.approx(29 / 30, abs=1e-12)
    assert kept.fps == pytest.approx(48 / (29 / 30))
    assert np.array_equal(kept.dof_pos[-1], clip.dof_pos[-1])
    assert "(50 wanted; the duration of 0.966667 s is kept)" in kept.history[-1]
    exact = at_fps(clip, 50.0, exact_rate=True)
    assert (exact.fps, exact.num_frames) == (50.0, 49)
    assert exact.history[-1].endswith("the last 6.7 ms left out")
    # Neither plays at another speed: the same second has the same pose.
    assert np.allclose(exact.root_pos[24], at_fps(clip, 25.0, exact_rate=True).root_pos[12], atol=1e-12)
    assert exact.root_pos[24, 0] == pytest.approx(0.7 * 0.48)


def test_the_same_rate_changes_nothing(g1_clip: MakeClip) -> None:
    clip = g1_clip()
    assert at_fps(clip, 50.0) is clip


def test_links_are_resampled_with_the_clip(g1_clip: MakeClip, g1_layout: RobotLayout) -> None:
    clip = g1_clip(frames=61, fps=60.0)
    clip = at_fps(replace(clip, links=robot_links(clip, g1_layout)), 50.0)
    expected = robot_links(clip, g1_layout)
    assert np.abs(clip.links.pos_w - expected.pos_w).max() < 1e-4
    assert np.abs(np.sum(clip.links.quat_wxyz * expected.quat_wxyz, axis=-1)).min() > 1.0 - 1e-7


@pytest.mark.parametrize("fps", [0.0, -50.0, float("nan"), 0.4])
def test_impossible_rates_are_refused(g1_clip: MakeClip, fps: float) -> None:
    with pytest.raises(MotionError, match=r"must be a positive number|less than two frames at 0.4"):
        at_fps(g1_clip(), fps)


def test_a_crop_keeps_frames_as_they_are(g1_clip: MakeClip, g1_layout: RobotLayout) -> None:
    clip = g1_clip()
    clip = replace(clip, links=robot_links(clip, g1_layout))
    part = crop(clip, 0.1, 0.5)  # frames 5 to 25 at 50 per second
    assert part.num_frames == 21
    for field in ("dof_pos", "root_pos", "root_quat_wxyz"):
        assert np.array_equal(getattr(part, field), getattr(clip, field)[5:26]), field
    assert np.array_equal(part.links.pos_w, clip.links.pos_w[5:26])
    assert np.array_equal(part.contacts["left_ankle_roll_link"], clip.contacts["left_ankle_roll_link"][5:26])
    assert part.history == ("cut to frames 5 to 25 of 41 (0.1 to 0.5 s)",)
    assert crop(clip, 0.11, 0.51).num_frames == 20  # frames 6 to 25: those within
    assert crop(clip) is clip


@pytest.mark.parametrize(
    "window", [(-0.1, 0.5), (0.5, 0.5), (0.6, 0.5), (0.0, 0.9), (0.9, None), (0.501, 0.519)]
)
def test_windows_outside_the_clip_are_refused(g1_clip: MakeClip, window: tuple[float, float | None]) -> None:
    with pytest.raises(MotionError, match=r"is not within its 0.8 s|is less than two frames at 50"):
        crop(g1_clip(), *window)


def test_raising_moves_root_and_links_and_nothing_else(g1_clip: MakeClip) -> None:
    links = Links(("pelvis",), np.ones((41, 1, 3)), np.tile([1.0, 0, 0, 0], (41, 1, 1)))
    clip = g1_clip(links=links)
    up = raised(clip, 0.012)
    assert np.allclose(up.root_pos - clip.root_pos, [0.0, 0.0, 0.012])
    assert np.allclose(up.links.pos_w, [1.0, 1.0, 1.012])
    assert np.array_equal(up.dof_pos, clip.dof_pos)
    assert up.history == ("raised by 12 mm",)

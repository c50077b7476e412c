from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial.transform import Rotation, RotationSpline

from legged_gym.motion.clip import Clip
from legged_gym.motion.resample import (
    angular_velocity_w,
    interpolate,
    interpolate_rotation,
    linear_velocity,
    resample,
)
from legged_gym.motion.rotations import quat_about_axis, quat_mul
from legged_gym.utils.errors import MotionError

MakeClip = Callable[..., Clip]


def test_the_last_sample_is_the_clips_last_frame(biped_clip: MakeClip) -> None:
    clip = biped_clip(frames=30, fps=30.0)  # 29/30 s = 48.33 control steps
    motion = resample(clip, 0.02)
    assert len(motion.time) == 50
    assert np.allclose(motion.time[:49], 0.02 * np.arange(49))
    assert motion.time[-1] == clip.duration
    assert np.allclose(motion.dof_pos[-1], clip.dof_pos[-1], atol=1e-15)
    assert np.allclose(motion.root_quat_wxyz[-1], clip.root_quat_wxyz[-1], atol=1e-15)


@pytest.mark.parametrize("fps", [25.0, 30.0, 50.0, 60.0, 120.0])
def test_a_duration_of_whole_steps_gets_no_extra_sample(biped_clip: MakeClip, fps: float) -> None:
    clip = biped_clip(frames=int(fps) * 7 + 1, fps=fps)
    motion = resample(clip, 0.02)
    assert len(motion.time) == 351
    assert np.allclose(np.diff(motion.time), 0.02)
    assert np.allclose(motion.root_pos[:, 0], 0.7 * motion.time)


def test_a_clip_at_the_control_rate_passes_unchanged(biped_clip: MakeClip) -> None:
    clip = biped_clip(frames=40, fps=50.0)
    motion = resample(clip, 0.02)
    assert np.allclose(motion.dof_pos, clip.dof_pos, atol=1e-12)
    assert np.allclose(motion.root_quat_wxyz, clip.root_quat_wxyz, atol=1e-12)


def test_the_root_turns_at_constant_rate_between_frames(biped_clip: MakeClip) -> None:
    clip = biped_clip(frames=2, fps=1.0)  # 0.8 rad in the one step
    motion = resample(clip, 0.02)
    assert np.allclose(motion.root_quat_wxyz, quat_about_axis(2, 0.8 * motion.time))


def test_a_window_starts_at_zero_and_ends_at_its_end(biped_clip: MakeClip) -> None:
    clip = biped_clip(frames=91, fps=30.0)
    motion = resample(clip, 0.02, start_time=0.51, end_time=1.5)
    assert motion.time[0] == 0.0
    assert motion.time[-1] == pytest.approx(0.99)
    assert motion.root_pos[0, 0] == pytest.approx(0.7 * 0.51)
    assert motion.root_pos[-1, 0] == pytest.approx(0.7 * 1.5)


@pytest.mark.parametrize("window", [(-0.1, None), (1.0, None), (0.6, 0.6), (5.0, 9.0)])
def test_an_empty_window_is_refused(biped_clip: MakeClip, window: tuple[float, float | None]) -> None:
    with pytest.raises(MotionError, match=r"nothing is left .* of a clip of 1 s"):
        resample(biped_clip(), 0.02, *window)


def test_an_end_beyond_the_clip_is_its_end(biped_clip: MakeClip) -> None:
    assert resample(biped_clip(), 0.02, 0.0, 99.0).time[-1] == pytest.approx(1.0)


def test_contacts_come_from_the_nearest_frame(biped_clip: MakeClip) -> None:
    on = np.zeros(31, dtype=bool)
    on[10] = True  # 1/3 s; nearest samples lie within half a frame, 0.3167 to 0.35 s
    motion = resample(biped_clip(contacts={"left_foot": on}), 0.02)
    assert motion.time[motion.contacts["left_foot"]] == pytest.approx([0.32, 0.34])


def test_differences_are_exact_for_a_parabola_also_before_a_short_last_step() -> None:
    time = np.array([0.0, 0.02, 0.04, 0.06, 0.067])
    velocity = linear_velocity(time, np.stack((3.0 * time, time**2), axis=1))
    assert np.allclose(velocity[:, 0], 3.0)
    assert np.allclose(velocity[1:-1, 1], 2.0 * time[1:-1])
    assert np.allclose(velocity[[0, -1], 1], [0.02, 0.127])  # mean rate of the first and last step


def test_central_differences_of_a_sine() -> None:
    time = 0.02 * np.arange(200)
    velocity = linear_velocity(time, np.sin(3.0 * time)[:, None])[:, 0]
    # error of a central difference is at most w^3 h^2 / 6
    assert np.abs(velocity - 3.0 * np.cos(3.0 * time))[1:-1].max() < 27 * 0.02**2 / 6 * 1.01


def test_angular_velocity_is_constant_through_sign_flips_and_full_turns() -> None:
    time = 0.02 * np.arange(300)
    tilted = quat_about_axis(0, np.full(300, 0.5))
    quat = quat_mul(quat_about_axis(2, 4.0 * time), tilted)  # turns about world z, 3.8 times
    quat[77:] *= -1.0
    quat[200] *= -1.0
    assert np.allclose(angular_velocity_w(time, quat), [0.0, 0.0, 4.0], atol=1e-9)


def test_angular_velocity_is_in_the_world_frame() -> None:
    time = 0.02 * np.arange(10)
    quat = quat_mul(quat_about_axis(2, np.full(10, np.pi / 2)), quat_about_axis(0, 1.5 * time))
    assert np.allclose(angular_velocity_w(time, quat), [0.0, 1.5, 0.0])  # body x points along world y


def test_between_frames_a_parabola_is_exact_away_from_the_ends() -> None:
    """Central differences are a parabola's true slopes, so the cubic is that parabola; a straight line would miss."""
    frames = np.arange(8.0)
    position = np.linspace(1.0, 6.0, 51)
    values = interpolate(np.stack((frames**2, -3.0 * frames), axis=1), position)
    assert np.allclose(values, np.stack((position**2, -3.0 * position), axis=1))


def test_a_jump_disturbs_no_more_than_two_frames_and_an_eighth() -> None:
    values = interpolate((np.arange(12.0) >= 6)[:, None] * 1.0, np.linspace(0.0, 11.0, 1101))[:, 0]
    assert np.array_equal(values[:401], np.zeros(401)) and np.array_equal(values[701:], np.ones(400))
    assert values.min() > -0.125 and values.max() < 1.125


def test_rotations_between_frames_follow_a_turn_that_speeds_up() -> None:
    """About a fixed axis with constant angular acceleration, the angle is a parabola."""
    tilted = quat_about_axis(0, np.array(0.7))
    frames, position = np.arange(8.0), np.linspace(1.0, 6.0, 51)
    turn = interpolate_rotation(quat_mul(quat_about_axis(2, 0.05 * frames**2), tilted), position)
    assert np.allclose(turn, quat_mul(quat_about_axis(2, 0.05 * position**2), tilted), atol=1e-12)


def test_rotations_about_a_wandering_axis_are_as_exact_as_scipys_spline() -> None:
    angles = np.stack([0.6 * np.sin(0.2 * np.arange(60.0) + phase) for phase in range(3)], axis=1)
    rotations = Rotation.from_euler("zyx", angles)
    every = np.arange(0, 60, 3)
    position = np.arange(58) / 3.0
    ours = interpolate_rotation(rotations[every].as_quat(scalar_first=True), position)
    error = (Rotation.from_quat(ours, scalar_first=True) * rotations[:58].inv()).magnitude()[3:-6]
    scipys = (RotationSpline(every, rotations[every])(np.arange(58)) * rotations[:58].inv()).magnitude()[3:-6]
    nearest = (rotations[every[np.floor(position).astype(int)]] * rotations[:58].inv()).magnitude()[3:-6]
    assert nearest.max() > 0.2  # rad; what is there to interpolate
    assert error.max() < 0.01
    assert error.max() < 6.0 * scipys.max()

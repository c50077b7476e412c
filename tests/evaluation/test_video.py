"""Recordings and the films made of them."""

from __future__ import annotations

import imageio_ffmpeg
import numpy as np
import pytest
import torch

from legged_gym.evaluation.clip_recording import record_clip
from legged_gym.evaluation.gl_renderer import GLRenderer
from legged_gym.evaluation.painter import Painter
from legged_gym.evaluation.policies import zero_policy
from legged_gym.evaluation.scene import GHOST, ROBOT, Camera, Scene
from legged_gym.evaluation.video import HEIGHT, WIDTH, camera_path, draw_frames, write_video
from legged_gym.utils.errors import DependencyError

SIZE = 320, 180
CAMERA = Camera(np.array([0.0, 0.0, 0.7]), 2.7, 140.0, -10.0)


@pytest.fixture
def recording(make_env):
    env = make_env(1)
    return record_clip(env, zero_policy(env), clip=1), env.robot


@pytest.fixture
def gl_renderer():
    """Opens the OpenGL renderer on a scene, and closes it."""
    opened = []

    def open_it(scene: Scene) -> GLRenderer:
        try:
            opened.append(GLRenderer(scene, *SIZE))
        except DependencyError as error:
            pytest.skip(str(error))
        return opened[-1]

    yield open_it
    for renderer in opened:
        renderer.close()


def centers(
    renderer: GLRenderer | Painter, scene: Scene, robot: np.ndarray, reference: np.ndarray
) -> np.ndarray:
    """Row and column of the middle of each figure, (2, 2): what changes when it leaves the stage."""
    away = np.zeros_like(robot)
    away[:4] = 0.0, 100.0, 0.8, 1.0
    pictures = []
    for poses in ((robot, reference), (away, reference), (robot, away)):
        scene.set_poses(*poses)
        pictures.append(renderer.draw(CAMERA).astype(int))
    assert pictures[0].shape == (SIZE[1], SIZE[0], 3)
    middles = []
    for without in pictures[1:]:
        changed = np.abs(pictures[0] - without).sum(-1)[: int(0.7 * SIZE[1])] > 60  # above the shadows
        assert changed.mean() > 0.005
        middles.append([np.median(indices) for indices in np.nonzero(changed)])
    return np.array(middles)


@pytest.fixture
def poses(recording) -> tuple[np.ndarray, np.ndarray]:
    """The robot, and its reference 0.8 m to its left."""
    recording, _ = recording
    reference = recording.reference[0].copy()
    reference[1] += 0.8
    return recording.robot[0], reference


def test_a_recording_holds_every_state_of_the_clip(recording) -> None:
    recording, robot = recording
    assert recording.name == "short"
    assert recording.robot.shape == recording.reference.shape == (11, 7 + len(robot.joint_names))
    assert recording.time.tolist() == pytest.approx((np.arange(11) * 0.02).tolist())
    assert recording.reference[-1, 0] == pytest.approx(0.2 * 0.2, abs=1e-5)  # 0.2 m/s for 0.2 s
    assert np.allclose(recording.robot, recording.reference, atol=1e-5)
    assert (recording.failure, recording.cause, recording.steps) == (None, None, 10)
    assert {"policy", "observation"} <= set(recording.seconds)
    assert recording.legend(0) == ("robot", "reference")
    assert recording.outcome().startswith("reached the end after 0.20 s; link position error 0 mm")


def test_a_recording_can_start_later(make_env) -> None:
    env = make_env(1)
    recording = record_clip(env, zero_policy(env), clip=0, start_s=0.5)
    assert recording.time[[0, -1]].tolist() == pytest.approx([0.5, 0.6])


def test_a_recording_notes_the_first_failure_and_goes_on(make_env) -> None:
    env = make_env(1)
    env.offsets = {3: torch.tensor([0.0, 0.0, 0.3])}
    recording = record_clip(env, zero_policy(env), clip=0)
    assert (recording.failure, recording.cause, recording.steps) == (3, "fall", 3)
    assert len(recording.time) == 31, "the clip ends before the second after the failure does"
    # Steps 1 and 2 are exact, step 3 is 0.3 m off.
    assert recording.mean_errors()["mpjpe_mm"] == pytest.approx(100.0, abs=0.1)


def test_scene_holds_robot_and_ghost_where_they_are_told(recording, poses) -> None:
    scene = Scene(recording[1], *SIZE)
    scene.set_poses(*poses)
    shift = scene.data.body(GHOST + "left_elbow_link").xpos - scene.data.body(ROBOT + "left_elbow_link").xpos
    assert shift.tolist() == pytest.approx([0.0, 0.8, 0.0], abs=1e-6)


def test_camera_follows_smoothly_and_faces_the_robot(recording) -> None:
    recording, _ = recording
    cameras = camera_path(recording)
    assert len(cameras) == len(recording.time)
    targets = np.stack([camera.target for camera in cameras])
    assert np.abs(np.diff(targets, axis=0)).max() < 0.01  # the root moves 4 mm per step
    assert cameras[0].azimuth == pytest.approx(140.0)  # the clip faces along x


# Looking along azimuth 140, 0.8 m to the robot's left are -0.8 cos(140) = 0.61 m to the right in the picture and
# 0.8 sin(140) = 0.51 m further away. With 180 / (2 tan 22.5) = 217 pixels of focal length: 217 * 0.61 / 3.21 = 41.
def test_painter_draws_both_robots_in_place(recording, poses) -> None:
    scene = Scene(recording[1], *SIZE)
    robot, ghost = centers(Painter(scene, *SIZE), scene, *poses)
    assert abs(robot[1] - SIZE[0] / 2) < 15
    assert ghost[1] - robot[1] == pytest.approx(41, abs=8)


def test_gl_renderer_draws_what_the_painter_draws(recording, poses, gl_renderer) -> None:
    scene = Scene(recording[1], *SIZE)
    painted = centers(Painter(scene, *SIZE), scene, *poses)
    rendered = centers(gl_renderer(scene), scene, *poses)
    assert np.abs(painted - rendered).max() < 8


def test_a_video_decodes_to_the_right_number_of_pictures(recording, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("MUJOCO_GL", "off")
    recording, robot = recording
    told = []
    write_video(tmp_path / "out.mp4", recording, robot, told.append)
    reader = imageio_ffmpeg.read_frames(str(tmp_path / "out.mp4"))
    meta = next(reader)
    pictures = [np.frombuffer(data, np.uint8).reshape(HEIGHT, WIDTH, 3) for data in reader]
    assert meta["fps"] == 25.0  # every second state of 50 Hz
    assert len(pictures) == 6  # states 0, 2, ... 10
    assert all(picture.std() > 20.0 for picture in pictures)
    assert not np.array_equal(pictures[0], pictures[-1])
    assert told[-1] == 1.0
    assert [f.name for f in tmp_path.iterdir()] == ["out.mp4"], "no temporary file stays"


def test_without_opengl_the_packages_are_named(recording, monkeypatch, caplog) -> None:
    monkeypatch.setattr("legged_gym.evaluation.gl_renderer._can_load", lambda library: False)
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    recording, robot = recording
    scene = Scene(robot, *SIZE)
    with pytest.raises(DependencyError, match="libegl1 libgl1-mesa-dri"):
        GLRenderer(scene, *SIZE)
    assert next(draw_frames(recording, robot, 1, *SIZE)).std() > 20.0, "a simpler picture instead"
    assert "libegl1" in caplog.text

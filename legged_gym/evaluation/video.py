"""An MP4 or GIF of a recording: the robot, its reference as a translucent ghost or a dial, and a line of figures."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from PIL import Image

from legged_gym.evaluation.gl_renderer import GLRenderer
from legged_gym.evaluation.overlay import with_overlay
from legged_gym.evaluation.painter import Painter
from legged_gym.evaluation.recording import Recording
from legged_gym.evaluation.scene import Camera, Scene
from legged_gym.sim.robot_model import Robot
from legged_gym.utils.errors import DependencyError
from legged_gym.utils.paths import write_atomically

log = logging.getLogger(__name__)

WIDTH, HEIGHT = 1280, 720
MAX_FPS = 30.0
"""Frames are left out until no more than these are shown per second."""
GIF_WIDTH, GIF_HEIGHT, GIF_MAX_FPS = 640, 360, 20.0
"""GIFs are large for what they show, so they show less."""
DISTANCE, ELEVATION = 2.7, -10.0
"""Of the camera, m and deg."""
DROP = 0.08
"""How far below the root the camera looks, m, to leave room for the caption."""
VIEW_ANGLE = 140.0
"""Direction of view against the heading at the start, deg: from the front and the side."""
SMOOTHING_S = 0.6
"""Width of the window that smooths the camera's path."""


def write_video(
    path: Path, recording: Recording, robot: Robot, progress: Callable[[float], None] = lambda done: None
) -> None:
    """Write a recording as an H.264 MP4 of 1280 x 720, or as a GIF of 640 x 360, that plays in real time.

    Rendered by OpenGL where it can be, else (said in the log) by a simple painter.

    Args:
        path: File to write; one that ends in .gif becomes a GIF.
        recording: What happened.
        robot: The robot it happened to.
        progress: Told after every frame which part is done.

    Raises:
        RunError: The file cannot be written.
        DependencyError: There is no ffmpeg.
    """
    is_gif = path.suffix.lower() == ".gif"
    size, fps = ((GIF_WIDTH, GIF_HEIGHT), GIF_MAX_FPS) if is_gif else ((WIDTH, HEIGHT), MAX_FPS)
    stride = max(1, math.ceil(1.0 / (recording.step_dt * fps) - 1e-9))
    count = math.ceil(len(recording.time) / stride)

    def frames() -> Iterator[np.ndarray]:
        for number, frame in enumerate(draw_frames(recording, robot, stride, *size), start=1):
            yield frame
            progress(number / count)

    encode = _encode_gif if is_gif else _encode
    write_atomically(path, lambda file: encode(file, frames(), 1.0 / (recording.step_dt * stride)))


def draw_frames(
    recording: Recording, robot: Robot, stride: int, width: int = WIDTH, height: int = HEIGHT
) -> Iterator[np.ndarray]:
    """Every ``stride``-th state as a picture, (height, width, 3) uint8."""
    reference = recording.reference
    scene = Scene(robot, width, height, recording.ground, ghost=reference is not None)
    renderer = _open_renderer(scene, width, height)
    cameras = camera_path(recording)
    try:
        for index in range(0, len(recording.time), stride):
            scene.set_poses(recording.robot[index], None if reference is None else reference[index])
            yield with_overlay(renderer.draw(cameras[index]), recording, index)
    finally:
        renderer.close()


def camera_path(recording: Recording) -> list[Camera]:
    """A camera that walks along: it looks at a smoothed path, of the robot or between it and its reference."""
    wanted = recording.robot if recording.reference is None else recording.reference
    middle = 0.5 * (recording.robot[:, :3] + wanted[:, :3])  # (T, 3)
    half = max(1, round(0.5 * SMOOTHING_S / recording.step_dt))
    weights = np.hanning(2 * half + 3)[1:-1]
    padded = np.pad(middle, ((half, half), (0, 0)), mode="edge")
    smooth = np.stack([np.convolve(column, weights / weights.sum(), "valid") for column in padded.T], axis=1)
    smooth[:, 2] -= DROP
    w, x, y, z = wanted[0, 3:7]
    heading = math.degrees(math.atan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z)))
    return [Camera(target, DISTANCE, heading + VIEW_ANGLE, ELEVATION) for target in smooth]


def _open_renderer(scene: Scene, width: int, height: int) -> GLRenderer | Painter:
    try:
        return GLRenderer(scene, width, height)
    except DependencyError as error:
        log.warning("%s; drawing a simpler video without it", error)
        return Painter(scene, width, height)


def _encode(path: Path, frames: Iterator[np.ndarray], fps: float) -> None:
    try:
        imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise DependencyError(f"no video without ffmpeg: {error}") from None
    first = next(frames)
    height, width = first.shape[:2]
    writer = imageio_ffmpeg.write_frames(
        str(path),
        (width, height),
        fps=fps,
        codec="libx264",
        macro_block_size=2,
        output_params=["-crf", "20", "-preset", "veryfast", "-movflags", "+faststart", "-f", "mp4"],
        quality=None,
        ffmpeg_log_level="error",
    )
    writer.send(None)
    try:
        writer.send(np.ascontiguousarray(first))
        for frame in frames:
            writer.send(np.ascontiguousarray(frame))
    finally:
        writer.close()


def _encode_gif(path: Path, frames: Iterator[np.ndarray], fps: float) -> None:
    """The first frame's colours serve all: the scene hardly changes its colours, and flicker would show."""
    palette = Image.fromarray(next(frames)).quantize(256)
    first = palette.copy()
    rest = (Image.fromarray(frame).quantize(palette=palette) for frame in frames)
    with path.open("wb") as file:
        first.save(file, "GIF", save_all=True, append_images=rest, duration=round(1e3 / fps), loop=0)

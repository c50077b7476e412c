"""All clips of a run as one set of tensors on the control-rate grid."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import torch
from torch import Tensor

from legged_gym.motion.formats import SUFFIXES, read_clip
from legged_gym.motion.reference_states import ClipOptions, ReferenceStates, reference_states
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.utils.errors import MotionError
from legged_gym.utils.paths import find_data

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class ReplayData:
    """Reference states of C clips, concatenated along F frames; float32 unless said otherwise, all on one device.

    Positions and velocities are in the world frame; a body's are those of its origin. J joints and B bodies are in the
    robot's order.
    """

    clip_names: list[str]
    """C names, unique."""
    joint_names: tuple[str, ...]
    body_names: tuple[str, ...]
    foot_names: tuple[str, ...]
    control_dt: float
    """Time between frames, s; only the step to a clip's last frame may be shorter in the recording."""
    clip_start: Tensor
    """(C,) long, first frame of each clip."""
    clip_length: Tensor
    """(C,) long, frames of each clip."""
    dof_pos: Tensor
    """(F, J) rad."""
    dof_vel: Tensor
    """(F, J) rad/s."""
    root_pos: Tensor
    """(F, 3) m."""
    root_quat_wxyz: Tensor
    """(F, 4) body to world."""
    root_lin_vel_w: Tensor
    """(F, 3) m/s."""
    root_ang_vel_w: Tensor
    """(F, 3) rad/s."""
    body_pos_w: Tensor
    """(F, B, 3) m."""
    body_quat_wxyz: Tensor
    """(F, B, 4) body to world."""
    body_lin_vel_w: Tensor
    """(F, B, 3) m/s."""
    body_ang_vel_w: Tensor
    """(F, B, 3) rad/s."""
    contacts: Tensor
    """(F, n_feet) 1 where the foot is on the ground, else 0."""
    feed_forward: Tensor | None
    """(F, J) joint torques that the motion needs, Nm; None unless asked for."""

    def __post_init__(self) -> None:
        self._clip_of_frame = torch.repeat_interleave(
            torch.arange(self.num_clips, device=self.clip_start.device), self.clip_length
        )
        self._starts: dict[int, Tensor] = {}

    @classmethod
    def load(
        cls,
        paths: str | Path | Sequence[str | Path],
        *,
        model: mujoco.MjModel,
        joint_names: Sequence[str],
        body_names: Sequence[str],
        foot_bodies: Sequence[str],
        control_dt: float,
        device: str | torch.device,
        locked_joints: Sequence[str] = (),
        **options: Any,
    ) -> ReplayData:
        """Read clips and complete them on a robot.

        Args:
            paths: a file, a folder, a glob, or a list of them.
            model: the robot.
            joint_names: its joints, in the order wanted.
            body_names: its bodies, in the order wanted.
            foot_bodies: its feet.
            control_dt: control period, s.
            device: where the tensors live.
            locked_joints: name patterns of joints that files may have though the robot has them locked.
            **options: fields of `ClipOptions`.

        Raises:
            MotionError: no file is found, or one is malformed or does not fit the robot.
        """
        choice = ClipOptions(**options)
        robot = RobotLayout(model, joint_names, body_names, foot_bodies, locked_joints)
        fps = choice.default_data_fps if choice.default_data_fps and choice.default_data_fps > 0.0 else None
        files = motion_files(paths)
        clips = [read_clip(file, fps=fps, csv_root_quat_order=choice.csv_root_quat_order) for file in files]
        states = [reference_states(clip, robot, control_dt, choice) for clip in clips]
        lengths = torch.tensor([len(state.dof_pos) for state in states], device=device)
        data = cls(
            clip_names=_unique_names(files),
            joint_names=robot.joint_names,
            body_names=robot.body_names,
            foot_names=robot.foot_bodies,
            control_dt=control_dt,
            clip_start=torch.cumsum(lengths, 0) - lengths,
            clip_length=lengths,
            **_concatenate(states, device),
        )
        logger.info(
            "%d clips, %d frames (%.1f s)", data.num_clips, data.num_frames, data.num_frames * control_dt
        )
        return data

    @property
    def num_clips(self) -> int:
        """C."""
        return len(self.clip_names)

    @property
    def num_frames(self) -> int:
        """F."""
        return len(self.dof_pos)

    def sample(self, n: int, generator: torch.Generator | None = None, min_remaining: int = 2) -> Tensor:
        """Draw frames uniformly among those that have at least `min_remaining` frames of their clip after them.

        Returns:
            (n,) long frame indices.

        Raises:
            MotionError: no clip is longer than `min_remaining` frames.
        """
        starts = self._starts.get(min_remaining)
        if starts is None:
            frames = torch.arange(self.num_frames, device=self.clip_start.device)
            starts = frames[self.clip_last_frame(self._clip_of_frame) - frames >= min_remaining]
            if len(starts) == 0:
                raise MotionError(
                    f"no clip of {', '.join(self.clip_names)} has more than {min_remaining} frames, as episodes need"
                )
            self._starts[min_remaining] = starts
        return starts[torch.randint(len(starts), (n,), generator=generator, device=starts.device)]

    def clip_of(self, frames: Tensor) -> Tensor:
        """Clip ids of frames. (...) long -> (...) long."""
        return self._clip_of_frame[frames]

    def clip_last_frame(self, clips: Tensor) -> Tensor:
        """Last frame of clips. (...) long -> (...) long."""
        return self.clip_start[clips] + self.clip_length[clips] - 1


def motion_files(paths: str | Path | Sequence[str | Path]) -> list[Path]:
    """Files that paths, globs and folders mean, each once, sorted within each.

    Raises:
        MotionError: one of them means no file; says where it was looked for.
    """
    wanted = [paths] if isinstance(paths, (str, Path)) else list(paths)
    if not wanted:
        raise MotionError("no motion file is named")
    files: dict[Path, None] = {}
    for pattern in wanted:
        for found in find_data(pattern):
            if not found.is_dir():
                files[found] = None
                continue
            inside = sorted(file for file in found.iterdir() if file.suffix.lower() in SUFFIXES)
            if not inside:
                raise MotionError(f"{found}: holds no motion file ({', '.join(SUFFIXES)})")
            files.update(dict.fromkeys(inside))
    return list(files)


def _unique_names(files: list[Path]) -> list[str]:
    """Stems of files; where two agree, as much of their folders in front as tells them apart."""
    names = [file.stem for file in files]
    depth = 1
    while len(set(names)) < len(names):
        depth += 1
        names = [
            "/".join((*file.parts[-depth:-1], file.stem)) if names.count(name) > 1 else name
            for file, name in zip(files, names, strict=True)
        ]
        if depth > max(len(file.parts) for file in files):  # same path but for the suffix
            return [str(file) for file in files]
    return names


def _concatenate(states: list[ReferenceStates], device: str | torch.device) -> dict[str, Tensor | None]:
    """Every field of the states as one float32 tensor over all frames."""
    tensors: dict[str, Tensor | None] = {}
    for name in (field.name for field in fields(ReferenceStates)):
        parts = [getattr(state, name) for state in states]
        joined = None if parts[0] is None else torch.as_tensor(np.concatenate(parts), dtype=torch.float32)
        tensors[name] = None if joined is None else joined.to(device)
    return tensors

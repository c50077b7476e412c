"""All clips of a run as one table of reference states on the control-rate grid."""

from __future__ import annotations

import dataclasses
import fnmatch
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from legged_gym.motion.cache import CachedClip, ClipCache, robot_digest, room_digest
from legged_gym.motion.clip import Clip
from legged_gym.motion.clip_list import ClipEntry, find_clips, unique_names
from legged_gym.motion.contacts import GroundHeight, flat_ground
from legged_gym.motion.formats import ReadOptions, read_clip
from legged_gym.motion.recordings import RecordingOptions, find_recordings
from legged_gym.motion.reference_states import ClipOptions, ReferenceStates, reference_states
from legged_gym.motion.reference_table import ReferenceFrame, ReferenceTable, Slots, width
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.motion.validation.checks import quick_findings
from legged_gym.motion.validation.findings import Finding, summary_line
from legged_gym.motion.validation.motion import CheckedMotion
from legged_gym.utils.array_cache import cache_folder, digest
from legged_gym.utils.errors import MotionError
from legged_gym.utils.processes import rank

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LibraryOptions:
    """How a library of clips is found, read and completed."""

    amass_data_root: str = ""
    """Folder in which relative paths are looked for first; "" for the usual places only."""
    recordings: RecordingOptions | None = None
    """Recordings to load beside the clips; None for none."""
    read: ReadOptions = field(default_factory=ReadOptions)
    """How files are read."""
    clips: ClipOptions = field(default_factory=ClipOptions)
    """How clips are cut and completed."""
    cache: bool = True
    """Keep finished clips on disk."""
    mesh_ground: Callable[[Path], GroundHeight] | None = None
    """Makes the ground of clips that play on a mesh; None takes all ground for flat."""
    share: slice = field(default_factory=lambda: slice(None))
    """Which of the clips that are found to load."""


class ReplayData(ReferenceFrame):
    """Reference states of C clips, concatenated along F frames: every field of `ReferenceFrame` is (F, ...) here.

    All tensors are float32 unless said otherwise, on one device.
    """

    clip_names: list[str]
    """C names, unique."""
    library_names: list[str]
    """Names of all clips that were found."""
    share: slice
    """Which of them are the C clips."""
    files: list[Path]
    """C files they were read from."""
    control_dt: float
    """Time between frames, s; only the step to a clip's last frame may be shorter in the recording."""
    clip_start: Tensor
    """(C,) long, first frame of each clip."""
    clip_length: Tensor
    """(C,) long, frames of each clip."""
    clip_weight: Tensor
    """(C,) how often each clip is to be drawn, against the others'."""
    terrains: list[Path | None]
    """C meshes that the clips play on; None is flat ground."""
    teachers: list[str]
    """C policies that students of several teachers ask; "" where the list of clips names none."""
    table: ReferenceTable
    """The same states as rows, for looking up frames."""
    feed_forward: Tensor | None
    """(F, J) joint torques that the motion needs, Nm; None unless asked for."""

    def __init__(
        self,
        entries: Sequence[ClipEntry],
        clips: list[CachedClip],
        robot: RobotLayout,
        control_dt: float,
        device: str | torch.device,
        share: slice,
    ) -> None:
        """Lay finished clips (`finish_clip`), a share of the entries, in a row; `load` is the way to make one.

        `clips` is empty afterwards: a long library must not be in memory twice.
        """
        self.library_names, self.share, self.control_dt = unique_names(entries), share, control_dt
        self.clip_names, entries = self.library_names[share], entries[share]
        self.files = [entry.file for entry in entries]
        self.teachers = [entry.teacher for entry in entries]
        self.joint_names, self.body_names, self.foot_names = (
            robot.joint_names, robot.body_names, robot.foot_bodies,
        )  # fmt: skip
        lengths = [len(clip.rows) for clip in clips]
        self.terrains = [
            entry.terrain or (clip.about["terrain"] and entry.file.parent / clip.about["terrain"])
            for entry, clip in zip(entries, clips, strict=True)
        ]
        slots = table_slots(robot)
        rows, extra = _concatenate(clips, sum(width(shape) for shape in slots.values()))
        self.table = ReferenceTable(rows.to(device), slots)
        self.feed_forward = None if extra is None else extra.to(device)
        super().__init__(self.table.rows, slots)
        self.clip_length = torch.tensor(lengths, device=device)
        self.clip_start = torch.cumsum(self.clip_length, 0) - self.clip_length
        self.clip_weight = torch.tensor([entry.weight for entry in entries], device=device)
        self._clip_of_frame = torch.repeat_interleave(
            torch.arange(self.num_clips, device=device), self.clip_length
        )

    @classmethod
    def load(
        cls,
        paths: str | Path | Sequence[str | Path],
        *,
        robot: RobotLayout,
        control_dt: float,
        device: str | torch.device,
        options: LibraryOptions | None = None,
    ) -> ReplayData:
        """Find clips, read them and complete them on a robot, or take what the cache has of that.

        Args:
            paths: a file, a folder, a glob, a YAML list (see `clip_list`), or a list of these; empty for none.
            robot: the robot; its order of joints, bodies and feet is that of the result.
            control_dt: control period, s.
            device: where the tensors live.
            options: see `LibraryOptions`; None for its defaults.

        Raises:
            MotionError: no file is found, or one is malformed or does not fit the robot; or there are too few to share.
        """
        options = options or LibraryOptions()
        begin = time.perf_counter()
        entries = find_clips(paths, options.amass_data_root) if paths else []
        if options.recordings is not None:
            entries += find_recordings(options.recordings)
        own, shares = entries[options.share], options.share.step or 1
        if len(entries) < shares:
            raise MotionError(
                f"{len(entries)} clip{'s' * (len(entries) > 1)} cannot be shared out to {shares} processes; with "
                "deepmimic.share_clips=all every process plays all of them"
            )
        cache = ClipCache(cache_folder("clips") if options.cache else None)
        cache.remove_old()
        base = (
            room_digest(), robot_digest(robot), control_dt, *_read_parts(options.read), options.clips,
            options.mesh_ground is not None,
        )  # fmt: skip
        clips = []
        quiet = len(own) < 5 or rank() > 0
        for entry in track(own, "clips", transient=True, disable=quiet, console=Console(stderr=True)):
            key = digest(*base, _content(entry), *_entry_parts(entry))
            clips.append(
                cache.get(
                    key,
                    lambda entry=entry: finish_clip(entry, robot, control_dt, options),
                    lambda found, entry=entry: (
                        found.about["mesh"] == _mesh_digest(found.about["terrain"], entry)
                    ),
                )
            )
        _report(unique_names(entries)[options.share], [clip.about for clip in clips])
        data = cls(entries, clips, robot, control_dt, device, options.share)
        logger.info(
            "%d clips (%d from the cache), %d frames, %.1f s of motion, %.0f MB, loaded in %.1f s",
            data.num_clips, cache.hits, data.num_frames, data.num_frames * control_dt, data.num_bytes / 2**20,
            time.perf_counter() - begin,
        )  # fmt: skip
        return data

    @property
    def num_clips(self) -> int:
        """C."""
        return len(self.clip_names)

    @property
    def num_frames(self) -> int:
        """F."""
        return len(self.dof_pos)

    @property
    def num_bytes(self) -> int:
        """Memory that the states take."""
        tensors = [self.table.rows] + ([] if self.feed_forward is None else [self.feed_forward])
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)

    def clip_of(self, frames: Tensor) -> Tensor:
        """Clip ids of frames. (...) long -> (...) long."""
        return self._clip_of_frame[frames]

    def clips_named(self, patterns: Sequence[str], option: str) -> Tensor:
        """Which clips have a name like one of some patterns, (C,) bool.

        Raises:
            MotionError: A pattern, given by ``option``, is no clip's.
        """
        chosen = [[fnmatch.fnmatchcase(name, pattern) for name in self.clip_names] for pattern in patterns]
        for pattern, hits in zip(patterns, chosen, strict=True):
            if not any(hits):
                raise MotionError(
                    f"{option}: no clip is called {pattern!r}; there are {', '.join(self.clip_names)}"
                )
        return torch.tensor(chosen, device=self.clip_start.device).any(0)

    def clip_last_frame(self, clips: Tensor) -> Tensor:
        """Last frame of clips. (...) long -> (...) long."""
        return self.clip_start[clips] + self.clip_length[clips] - 1


def table_slots(robot: RobotLayout) -> Slots:
    """Columns of the table, in their order."""
    joints, bodies = len(robot.joint_names), len(robot.body_names)
    return {
        "dof_pos": (joints,),
        "dof_vel": (joints,),
        "root_pos_w": (3,),
        "root_quat_wxyz": (4,),
        "root_lin_vel_w": (3,),
        "root_ang_vel_w": (3,),
        "body_pos_w": (bodies, 3),
        "body_quat_wxyz": (bodies, 4),
        "body_lin_vel_w": (bodies, 3),
        "body_ang_vel_w": (bodies, 3),
        "contacts": (len(robot.foot_bodies),),
    }


def finish_clip(
    entry: ClipEntry, robot: RobotLayout, control_dt: float, options: LibraryOptions
) -> CachedClip:
    """Read one clip and complete it; its feed-forward torques, where wanted, are the last columns.

    Raises:
        MotionError: the file is malformed or does not fit the robot, or the entry's frames are not in it.
    """
    clip = _read(entry, options.read)
    ground = flat_ground
    if clip.terrain is not None and options.mesh_ground is not None:
        ground = options.mesh_ground(clip.terrain_path)
    states = reference_states(clip, robot, control_dt, options.clips, ground)
    columns = [getattr(states, name) for name in table_slots(robot)]
    if states.feed_forward is not None:
        columns.append(states.feed_forward)
    rows = np.concatenate([np.asarray(c, np.float32).reshape(len(c), -1) for c in columns], axis=1)
    about = {
        "terrain": clip.terrain,
        "mesh": _mesh_digest(clip.terrain, entry),
        "notes": [*clip.history, *states.notes],
        "warnings": list(states.warnings),
        "findings": [dataclasses.asdict(finding) for finding in _quick_check(clip, states, robot, ground)],
    }
    return CachedClip(rows, about)


def _quick_check(
    clip: Clip, states: ReferenceStates, robot: RobotLayout, ground: GroundHeight
) -> list[Finding]:
    """What is wrong with a clip, as far as it shows without much work."""
    motion = CheckedMotion(
        name=clip.name,
        robot=robot,
        fps=clip.fps,
        time=states.time,
        dof_pos=states.dof_pos,
        dof_vel=states.dof_vel,
        root_pos=states.root_pos_w,
        root_quat_wxyz=states.root_quat_wxyz,
        root_lin_vel_w=states.root_lin_vel_w,
        root_ang_vel_w=states.root_ang_vel_w,
        feet=states.feet,
        recorded_contacts=None if clip.contacts is None else states.contacts,
        ground=ground,
    )
    return quick_findings(motion)


def _read(entry: ClipEntry, options: ReadOptions) -> Clip:
    clip = read_clip(entry.file, options)
    if entry.fps is not None and entry.fps != clip.fps:
        said = f"taken for {entry.fps:g} frames per second instead of {clip.fps:g}, as the list of clips says"
        clip = dataclasses.replace(clip, fps=entry.fps, history=(*clip.history, said))
    if entry.terrain is not None:
        clip = dataclasses.replace(clip, terrain=str(entry.terrain.absolute()))
    if entry.start_frame or entry.end_frame is not None:
        clip = clip.frames(entry.start_frame, entry.end_frame)
    return clip


def _report(names: Sequence[str], abouts: Sequence[dict[str, Any]]) -> None:
    """Log what was assumed about the clips and done to them, one line for all clips of which it is the same."""
    for level, key in ((logging.INFO, "notes"), (logging.WARNING, "warnings")):
        clips_of: dict[str, list[str]] = {}
        for name, about in zip(names, abouts, strict=True):
            for sentence in about[key]:
                clips_of.setdefault(sentence, []).append(name)
        for sentence, clips in clips_of.items():
            logger.log(level, "%s: %s", clips[0] if len(clips) == 1 else f"{len(clips)} clips", sentence)
    findings = {
        name: [Finding(**finding) for finding in about["findings"]]
        for name, about in zip(names, abouts, strict=True)
    }
    problems = summary_line(findings)
    if problems:
        logger.warning("%s; validate_motion.py says more", problems)


def _content(entry: ClipEntry) -> bytes:
    try:
        return entry.file.read_bytes()
    except OSError as error:
        raise MotionError(f"{entry.file}: cannot be read ({error.strerror})") from None


def _entry_parts(entry: ClipEntry) -> tuple[object, ...]:
    """What of an entry, beside the file's content, decides what its clip becomes."""
    return (
        entry.file.suffix,
        entry.start_frame,
        entry.end_frame,
        entry.fps,
        entry.terrain and str(entry.terrain),
    )


def _mesh_digest(terrain: str | None, entry: ClipEntry) -> str | None:
    """Name of the mesh that a clip plays on; None for no mesh."""
    if terrain is None:
        return None
    mesh = entry.file.parent / terrain  # an absolute path stays what it is
    try:
        return digest(mesh.read_bytes())
    except OSError as error:
        raise MotionError(f"{entry.file}: its terrain {mesh} cannot be read ({error.strerror})") from None


def _read_parts(options: ReadOptions) -> tuple[object, ...]:
    """What of the options decides what is read; a robot counts by its digest."""
    robot = None if options.robot is None else robot_digest(options.robot)
    return dataclasses.replace(options, robot=None), robot


def _concatenate(clips: list[CachedClip], main: int) -> tuple[Tensor, Tensor | None]:
    """Rows (F, main), and what columns there are beyond (F, J) or None. Empties `clips` as it goes."""
    total, columns = sum(len(clip.rows) for clip in clips), clips[0].rows.shape[1]
    rows = torch.empty(total, main)
    extra = torch.empty(total, columns - main) if columns > main else None
    start = 0
    clips.reverse()
    while clips:
        source = torch.from_numpy(clips.pop().rows)
        stop = start + len(source)
        rows[start:stop] = source[:, :main]
        if extra is not None:
            extra[start:stop] = source[:, main:]
        start = stop
    return rows, extra

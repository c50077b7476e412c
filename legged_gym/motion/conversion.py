"""Many clips read, edited and written in another format: which file goes where, and the work on one of them."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from legged_gym.motion.clip import Clip
from legged_gym.motion.clip_list import motion_files
from legged_gym.motion.edit import at_fps, crop, raised
from legged_gym.motion.formats import (
    ReadOptions,
    WriteOptions,
    named_format,
    read_clip,
    writable_format,
    write_clip,
)
from legged_gym.motion.links import LinkError, compare_links
from legged_gym.motion.mirror import mirror
from legged_gym.utils.errors import MotionError, RunError

Piece = tuple[float, float | None]
"""First and last second to keep; None for the clip's end."""


@dataclass(frozen=True)
class Conversion:
    """What is done to every clip, in the order of the fields from `pieces` on."""

    read: ReadOptions = field(default_factory=ReadOptions)
    write: WriteOptions = field(default_factory=WriteOptions)
    from_format: str | None = None
    """Name in `FORMATS`; None finds it out."""
    to_format: str | None = None
    """Name in `FORMATS`; None for what the output's suffix means, `npz` where it has none."""
    pieces: tuple[Piece, ...] = ((0.0, None),)
    """Parts of each clip to keep; with several, each becomes a file of its own."""
    fps: float | None = None
    exact_rate: bool = False
    """See `at_fps`."""
    mirror: bool = False
    raise_m: float = 0.0
    source: str | None = None
    """Replaces where the motion came from."""
    licence: str | None = None
    """Replaces the terms of use."""


@dataclass(frozen=True)
class Job:
    """One file to read and the files its pieces become."""

    file: Path
    outputs: tuple[Path, ...]


@dataclass(frozen=True)
class Result:
    """A file that was read, and the clips that were written."""

    read: Clip
    written: list[Clip]
    link_errors: list[LinkError]
    """How far the file's links are from the robot's; empty where it has none."""


def parse_pieces(text: str) -> tuple[Piece, ...]:
    """Pieces from "0:5,10:15": seconds from and to, separated by commas; ":5" is from the start, "10:" to the end.

    Raises:
        MotionError: the text is something else.
    """
    pieces: list[Piece] = []
    for part in text.split(","):
        start, colon, end = part.partition(":")
        try:
            if not colon:
                raise ValueError
            pieces.append((float(start or 0.0), float(end) if end.strip() else None))
        except ValueError:
            raise MotionError(
                f"cut: {part!r} is no piece; pieces are START:END in seconds, as in 0:5,10:15"
            ) from None
    return tuple(pieces)


def plan(inputs: Sequence[str], out: Path, conversion: Conversion, overwrite: bool) -> list[Job]:
    """Which files become which, checked before any work.

    `out` is a file if there is one input and it has a suffix, else a folder, in which files keep their names.

    Raises:
        MotionError: an input means no file, two would become one file, an output is there and `overwrite` is not set,
            or the format cannot be written.
    """
    files = list(dict.fromkeys(file for path in inputs for file in motion_files(path)))
    to_file = out.suffix != "" and not out.is_dir()
    if to_file and len(files) > 1:
        raise MotionError(f"{out}: names one file, but there are {len(files)} to convert; name a folder")
    suffix = out.suffix if to_file else named_format(conversion.to_format or "npz").suffixes[0]
    writable_format(Path(f"{out}{'' if to_file else suffix}"), conversion.to_format)
    jobs = []
    for file in files:
        whole = out if to_file else out / f"{file.stem}{suffix}"
        count = len(conversion.pieces)
        outputs = (
            [whole] if count == 1 else [whole.with_name(f"{whole.stem}_{i}{suffix}") for i in range(count)]
        )
        jobs.append(Job(file, tuple(outputs)))
    _check_outputs(jobs, overwrite)
    return jobs


def convert(job: Job, conversion: Conversion) -> Result:
    """Read, edit and write the pieces of one file.

    Raises:
        MotionError: the file cannot be read or does not take one of the edits.
        RunError: the file system refuses.
    """
    clip = read_clip(job.file, conversion.read, conversion.from_format)
    if conversion.source is not None:
        clip = dataclasses.replace(clip, source=conversion.source)
    if conversion.licence is not None:
        clip = dataclasses.replace(clip, licence=conversion.licence)
    written = []
    for piece, output in zip(conversion.pieces, job.outputs, strict=True):
        edited = _with_terrain_from(_edited(clip, piece, conversion), output.parent)
        _make_folder(output.parent)
        write_clip(edited, output, conversion.to_format, conversion.write)
        written.append(edited)
    robot = conversion.read.robot
    comparable = (
        robot is not None and clip.links is not None and set(clip.joint_names) <= set(robot.joint_names)
    )
    return Result(clip, written, compare_links(clip, robot) if comparable else [])


def _edited(clip: Clip, piece: Piece, conversion: Conversion) -> Clip:
    clip = crop(clip, *piece)
    if conversion.fps is not None:
        clip = at_fps(clip, conversion.fps, conversion.exact_rate)
    if conversion.mirror:
        clip = mirror(clip, conversion.read.robot)
    return raised(clip, conversion.raise_m) if conversion.raise_m else clip


def _with_terrain_from(clip: Clip, folder: Path) -> Clip:
    """The clip with its terrain named relative to the folder it is written to."""
    if clip.terrain_path is None:
        return clip
    return dataclasses.replace(clip, terrain=Path(os.path.relpath(clip.terrain_path, folder)).as_posix())


def _check_outputs(jobs: list[Job], overwrite: bool) -> None:
    made_from: dict[Path, Path] = {}
    for job in jobs:
        for output in job.outputs:
            if output in made_from:
                raise MotionError(f"{made_from[output]} and {job.file} would both become {output}")
            made_from[output] = job.file
    there = [output for output in made_from if output.exists()]
    if there and not overwrite:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise MotionError(f"{there[0]}{more} would be overwritten; --overwrite allows it")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder}: cannot be made a folder ({error.strerror})") from None

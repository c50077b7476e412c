"""Validation of motion files: reading, terrain, checking, mending; one bad file does not end the run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from legged_gym.motion.clip import Clip
from legged_gym.motion.clip_list import ClipEntry, unique_names
from legged_gym.motion.contacts import GroundHeight, flat_ground
from legged_gym.motion.formats import ReadOptions, read_clip
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.motion.validation.checks import judge
from legged_gym.motion.validation.findings import Report, badness
from legged_gym.motion.validation.ground_fix import put_on_ground, write_mended
from legged_gym.motion.validation.motion import CheckedMotion
from legged_gym.motion.validation.options import DEFAULT, ValidationOptions
from legged_gym.motion.validation.whole_body import WholeBody
from legged_gym.utils.errors import MotionError, TerrainError

Draw = Callable[[CheckedMotion, WholeBody, Report], bytes]
"""Makes the picture (PNG) of a clip."""


@dataclass(frozen=True, eq=False)
class Validation:
    """The outcome for a number of files."""

    robot: str
    reports: tuple[Report, ...]
    """Worst first."""
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """File -> why."""
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    """File -> PNG, where pictures were asked for."""
    terrains: Mapping[str, str] = field(default_factory=dict)
    """File -> terrain mesh, where there is one."""
    written: Mapping[str, str] = field(default_factory=dict)
    """File -> mended file."""
    options: ValidationOptions = DEFAULT

    @cached_property
    def names(self) -> dict[str, str]:
        """File -> name for tables, as short as is unique."""
        files = [report.clip.file for report in self.reports]
        names = unique_names([ClipEntry(Path(file)) for file in files]) if files else []
        return dict(zip(files, names, strict=True))

    @property
    def status(self) -> int:
        """Exit status: 2 if a file could not be judged, else 1 if there are errors, else 0."""
        if self.unreadable:
            return 2
        return 0 if all(report.ok for report in self.reports) else 1


@dataclass(frozen=True)
class Inputs:
    """How files are read and judged."""

    robot: RobotLayout
    load_ground: Callable[[Path], GroundHeight]
    """Height of a terrain mesh's surface."""
    read: ReadOptions
    terrain: Path | None = None
    """Mesh that all clips play on; None: each clip's own, flat ground where it names none."""
    options: ValidationOptions = DEFAULT
    load_surface: Callable[[Path], GroundHeight] | None = None
    """Height of what a terrain mesh becomes to collide with; None: of the mesh itself."""


def validate_files(
    files: Iterable[Path],
    inputs: Inputs,
    draw: Draw | None = None,
    mended: Mapping[Path, Path] | None = None,
) -> Validation:
    """Read and judge files, one after the other as `files` yields them.

    Args:
        files: the files.
        inputs: how to read and judge them.
        draw: makes the pictures; None for none.
        mended: put each clip on the ground first, and write it to the file named here.
    """
    reports, unreadable, pictures, terrains, written = [], {}, {}, {}, {}
    grounds: dict[Path, tuple[GroundHeight, GroundHeight]] = {}
    for file in files:
        name = str(file)
        try:
            clip = read_clip(file, inputs.read)
            terrain = inputs.terrain or clip.terrain_path
            ground, surface = _grounds(terrain, grounds, inputs)
            if mended is not None:
                clip, _ = put_on_ground(clip, inputs.robot, ground)
                write_mended(clip, mended[file], inputs.robot)
                written[name] = str(mended[file])
            report, picture = _judge(clip, ground, surface, inputs, draw)
        except (MotionError, TerrainError) as error:
            unreadable[name] = str(error)
            continue
        reports.append(report)
        if picture is not None:
            pictures[report.clip.file] = picture
        if terrain is not None:
            terrains[report.clip.file] = str(terrain)
    reports.sort(key=lambda report: badness(report.findings), reverse=True)
    return Validation(
        inputs.robot.name, tuple(reports), unreadable, pictures, terrains, written, inputs.options
    )


def _judge(
    clip: Clip, ground: GroundHeight, surface: GroundHeight | None, inputs: Inputs, draw: Draw | None
) -> tuple[Report, bytes | None]:
    body = WholeBody(CheckedMotion.from_clip(clip, inputs.robot, ground))
    report = judge(clip, body, inputs.options, surface)
    return report, None if draw is None else draw(body.motion, body, report)


def _grounds(
    terrain: Path | None, known: dict[Path, tuple[GroundHeight, GroundHeight]], inputs: Inputs
) -> tuple[GroundHeight, GroundHeight | None]:
    """Height of the ground, and of what collides where that is a terrain."""
    if terrain is None:
        return flat_ground, None
    if terrain not in known:
        known[terrain] = inputs.load_ground(terrain), (inputs.load_surface or inputs.load_ground)(terrain)
    return known[terrain]

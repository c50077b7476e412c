"""Recordings: folders that hold a motion and the mesh it was recorded on, as the original's "human videos"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from legged_gym.motion.clip_list import YAML_SUFFIXES, ClipEntry, ListLoader, item_fields
from legged_gym.utils.errors import MotionError
from legged_gym.utils.paths import find_data


@dataclass(frozen=True)
class RecordingOptions:
    """Where recordings are, and what their files are called."""

    folders: Sequence[str] = ()
    """Folders of recordings."""
    source: str = ""
    """A YAML list of recordings, or the folder of a single one."""
    roots: Sequence[str] = field(default_factory=tuple)
    """Folders in which relative paths are looked for first, in order; "" is none."""
    data_pattern: str = "retarget_poses_g1.h5"
    """Name or glob of the motion in its folder."""
    terrain_pattern: str = "background_mesh.obj"
    """Name or glob of the mesh in its folder."""
    oversample_factor: float = 1.0
    """How often each is drawn, against clips without a mesh."""


def find_recordings(options: RecordingOptions) -> list[ClipEntry]:
    """Recordings of `folders` and then of `source`, each a motion paired with its mesh.

    Items of a YAML list are folders, or mappings of `folder_path` and any of `weight`, `start_frame`, `end_frame`,
    `fps`, `teacher_checkpoint_run_name`, `human_video_data_pattern` and `human_video_terrain_pattern`.

    Raises:
        MotionError: a folder does not exist, holds no such file or several, or the list is malformed.
    """
    if not options.folders and not options.source:
        raise MotionError(
            "use_human_videos is on, but neither human_video_folders nor human_motion_source is given"
        )
    entries = [_recording(folder, {}, options) for folder in options.folders]
    if options.source.lower().endswith(YAML_SUFFIXES):
        entries += _listed(_find(options.source, options.roots), options)
    elif options.source:
        entries.append(_recording(options.source, {}, options))
    return entries


def _listed(file: Path, options: RecordingOptions) -> list[ClipEntry]:
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), ListLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise MotionError(f"{file}: cannot be read as YAML ({' '.join(str(error).split())})") from None
    if not isinstance(content, list) or not content:
        raise MotionError(
            f"{file}: must be a list of recordings, each a folder or a mapping with a `folder_path`"
        )
    entries = []
    for number, item in enumerate(content, 1):
        own, patterns = {"path": item} if isinstance(item, str) else item, {}
        if isinstance(own, Mapping):
            names = ("human_video_data_pattern", "human_video_terrain_pattern")
            patterns = {name: own[name] for name in names if own.get(name)}
            own = {key: value for key, value in own.items() if key not in names}
        fields = item_fields(f"{file}: item {number}", own)
        folder = fields.pop("path")
        beside = file.parent / folder
        entry = _recording(str(beside) if beside.is_dir() else folder, patterns, options)
        entries.append(_with(entry, fields))
    return entries


def _with(entry: ClipEntry, fields: Mapping[str, Any]) -> ClipEntry:
    weight = entry.weight * fields.get("weight", 1.0)
    rest = {key: value for key, value in fields.items() if key != "weight"}
    return replace(entry, weight=weight, **rest)


def _recording(folder: str, patterns: Mapping[str, str], options: RecordingOptions) -> ClipEntry:
    place = _find(folder, options.roots)
    if not place.is_dir():
        raise MotionError(f"{place}: is no folder; a recording is a folder with a motion and a mesh")
    data = patterns.get("human_video_data_pattern", options.data_pattern)
    mesh = patterns.get("human_video_terrain_pattern", options.terrain_pattern)
    return ClipEntry(
        _only(place, data, "human_video_data_pattern"),
        weight=float(options.oversample_factor),
        terrain=_only(place, mesh, "human_video_terrain_pattern"),
        label=place.name,
    )


def _only(folder: Path, pattern: str, option: str) -> Path:
    """The one file of a folder that matches."""
    found = sorted(folder.glob(pattern))
    if len(found) == 1:
        return found[0]
    there = ", ".join(sorted(file.name for file in folder.iterdir())) or "nothing"
    what = ", ".join(file.name for file in found) if found else "no file"
    raise MotionError(
        f"{folder}: {option} {pattern!r} must match one file and matches {what}; the folder holds {there}"
    )


def _find(path: str, roots: Sequence[str]) -> Path:
    """The file or folder that a path means."""
    for root in filter(None, roots):
        place = Path(root).expanduser() / path
        if place.exists():
            return place
    return find_data(path)[0]

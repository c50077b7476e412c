"""Which clips a run is made of: files, folders, globs, and YAML lists that say more about each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from legged_gym.motion.formats import SUFFIXES
from legged_gym.utils.errors import MotionError
from legged_gym.utils.paths import find_data

YAML_SUFFIXES = (".yaml", ".yml")
_ALIASES = {
    "default_data_fps_override": "fps",
    "folder_path": "path",
    "teacher_checkpoint_run_name": "teacher",
}
"""Names that lists of the original have -> ours."""
_NUMBERS = {"weight": (int, float), "start_frame": int, "end_frame": int, "fps": (int, float)}


@dataclass(frozen=True)
class ClipEntry:
    """One file of a library."""

    file: Path
    """Where it is."""
    weight: float = 1.0
    """How often its clip is drawn, against the others' weights."""
    start_frame: int = 0
    """First frame of the file to use."""
    end_frame: int | None = None
    """First frame of the file not to use; None for all of it."""
    fps: float | None = None
    """Its true rate, whatever the file says; None to believe the file."""
    terrain: Path | None = None
    """Mesh it plays on, whatever the file says; None to believe the file."""
    label: str = ""
    """What to call it; "" for the file's stem."""
    teacher: str = ""
    """Policy that students of several teachers ask about it; "" for none of its own."""


class ListLoader(yaml.SafeLoader):
    """Reads the run name 20250428_185201 as text, as YAML 1.2 does; in YAML 1.1 it is a number."""


_INTEGER = "tag:yaml.org,2002:int"
ListLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _INTEGER]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
ListLoader.add_implicit_resolver(_INTEGER, re.compile(r"[-+]?[0-9]+$"), list("-+0123456789"))


def find_clips(paths: str | Path | Sequence[str | Path], root: str = "") -> list[ClipEntry]:
    """Clips that paths, globs, folders and YAML lists mean, sorted within each path or glob; each file once.

    A YAML list is a sequence of items, each a path or a mapping of `path` (file, glob or folder) and any of `weight`,
    `start_frame`, `end_frame`, `fps` and `teacher_checkpoint_run_name`, which then hold for all files of the item. A
    file may stand in a list several times, with different frames.

    Args:
        paths: one of them or several.
        root: folder in which relative paths are looked for before the usual places; "" for those only.

    Raises:
        MotionError: a path means no file, or a list is malformed; says where it was looked for and what would be right.
    """
    wanted = [paths] if isinstance(paths, (str, Path)) else list(paths)
    if not wanted:
        raise MotionError("no motion file is named")
    if root and not Path(root).expanduser().is_dir():
        raise MotionError(f"amass_data_root is {root!r}, which is no folder")
    entries: dict[ClipEntry, None] = {}
    for path in wanted:
        for file in motion_files(path, root):
            found = read_list(file, root) if file.suffix.lower() in YAML_SUFFIXES else [ClipEntry(file)]
            entries.update(dict.fromkeys(found))
    return list(entries)


def motion_files(path: str | Path, root: str = "") -> list[Path]:
    """Files, YAML lists among them, that a path, glob or folder means, sorted.

    Raises:
        MotionError: none; says where it was looked for.
    """
    files: list[Path] = []
    for found in find_data(path, root):
        if not found.is_dir():
            files.append(found)
            continue
        inside = sorted(file for file in found.iterdir() if file.suffix.lower() in SUFFIXES)
        if not inside:
            raise MotionError(f"{found}: holds no motion file ({', '.join(SUFFIXES)})")
        files += inside
    return files


def read_list(file: Path, root: str = "") -> list[ClipEntry]:
    """Clips of a YAML list; relative paths are looked for beside it first.

    Raises:
        MotionError: it is no such list, an item has an unknown or missing field, or a path means no file.
    """
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), ListLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise MotionError(f"{file}: cannot be read as YAML ({' '.join(str(error).split())})") from None
    if not isinstance(content, list) or not content:
        raise MotionError(f"{file}: must be a list of clips, each a path or a mapping with a `path`")
    entries = []
    for number, item in enumerate(content, 1):
        fields = item_fields(f"{file}: item {number}", {"path": item} if isinstance(item, str) else item)
        path = fields.pop("path")
        beside = file.parent / path
        for found in motion_files(beside if beside.exists() else path, root):
            entries.append(ClipEntry(found, **fields))
    return entries


def unique_names(entries: Sequence[ClipEntry]) -> list[str]:
    """Stems of the files, with the frames of a cut: walk, dance[240:600]; where two agree, more of what differs.

    That is the folder, then the suffix, then folders further up, and at last a number.
    """
    names = [_label(entry, 0, with_suffix=False) for entry in entries]
    deepest = max(len(entry.file.parts) for entry in entries)
    for depth, with_suffix in [(1, False), *((depth, True) for depth in range(1, deepest))]:
        repeated = _repeated(names)
        names = [
            _label(entry, depth, with_suffix) if name in repeated else name
            for entry, name in zip(entries, names, strict=True)
        ]
    repeated = _repeated(names)
    return [
        f"{name}#{names[:i].count(name) + 1}" if name in repeated else name for i, name in enumerate(names)
    ]


def _label(entry: ClipEntry, depth: int, with_suffix: bool) -> str:
    """File name below `depth` folders, and the frames where it is cut."""
    name = entry.label or (entry.file.name if with_suffix else entry.file.stem)
    cut = ""
    if entry.start_frame or entry.end_frame is not None:
        cut = f"[{entry.start_frame}:{'' if entry.end_frame is None else entry.end_frame}]"
    return "/".join((*entry.file.parts[-1 - depth : -1], name + cut))


def _repeated(names: list[str]) -> set[str]:
    counts = Counter(names)
    return {name for name, count in counts.items() if count > 1}


def item_fields(where: str, item: Any) -> dict[str, Any]:
    """The checked fields of one item of a list, a mapping with a `path`.

    Raises:
        MotionError: a field is unknown, missing or of the wrong kind; starts with `where`.
    """
    if not isinstance(item, Mapping):
        raise MotionError(f"{where} is {item!r}; it must be a path or a mapping with a `path`")
    fields = {_ALIASES.get(key, key): value for key, value in item.items()}
    known = ("path", *_NUMBERS, "teacher")
    unknown = [str(key) for key in fields if key not in known]
    if unknown:
        raise MotionError(f"{where}: unknown {', '.join(unknown)}; an item has {', '.join(known)}")
    if not isinstance(fields.get("path"), str):
        raise MotionError(f"{where}: path is {fields.get('path')!r}; it must name a file, glob or folder")
    if not isinstance(fields.get("teacher", ""), str):
        raise MotionError(
            f"{where}: teacher_checkpoint_run_name is {fields['teacher']!r}; it must be the name of a run, in quotes"
        )
    for name, kind in _NUMBERS.items():
        value = fields.get(name)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            wanted = "a whole number" if kind is int else "a number"
            raise MotionError(f"{where}: {name} is {value!r}; it must be {wanted}")
    _check_ranges(where, fields)
    return {key: value for key, value in fields.items() if value is not None}


def _check_ranges(where: str, fields: Mapping[str, Any]) -> None:
    for name in ("weight", "fps"):
        value = fields.get(name)
        if value is not None and not 0.0 < value < float("inf"):
            raise MotionError(f"{where}: {name} is {value:g}; it must be positive")
    start, end = fields.get("start_frame") or 0, fields.get("end_frame")
    if start < 0 or (end is not None and end < start + 2):
        raise MotionError(
            f"{where}: frames {start} to {end}: start_frame must be 0 or more, end_frame at least start_frame + 2"
        )

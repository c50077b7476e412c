"""Readers and writers of motion files, one module per format; `read_clip` and `write_clip` pick the right one."""

from __future__ import annotations

import logging
from pathlib import Path

from legged_gym.motion.clip import Clip
from legged_gym.motion.formats.contents import PICKLE_SUFFIXES, file_keys
from legged_gym.motion.formats.csv_file import read_csv, write_csv
from legged_gym.motion.formats.gmr_pkl import read_gmr_pkl
from legged_gym.motion.formats.max_coordinate_npz import read_max_coordinate_npz, write_max_coordinate_npz
from legged_gym.motion.formats.mimickit_pkl import read_mimickit_pkl, write_mimickit_pkl
from legged_gym.motion.formats.npz_file import read_npz, write_npz
from legged_gym.motion.formats.options import Format, QuatOrder, ReadOptions, WriteOptions
from legged_gym.motion.formats.videomimic_h5 import read_videomimic_h5
from legged_gym.motion.formats.videomimic_pkl import read_videomimic_pkl, write_videomimic_pkl
from legged_gym.utils.errors import MotionError

__all__ = [
    "FORMATS",
    "SUFFIXES",
    "Format",
    "QuatOrder",
    "ReadOptions",
    "WriteOptions",
    "detect_format",
    "dropped_fields",
    "named_format",
    "read_clip",
    "writable_format",
    "write_clip",
]

logger = logging.getLogger(__name__)

_ORIGIN = ("terrain", "source", "licence", "history")

_ALL = (
    Format("npz", (".npz",), "our own schema", read_npz, write_npz, keys=("schema_version",)),
    Format(
        "videomimic_pkl",
        PICKLE_SUFFIXES,
        "VideoMimic: joints and links by name, xyzw",
        read_videomimic_pkl,
        write_videomimic_pkl,
        keys=("joint_names", "joints", "root_pos", "root_quat"),
        drops=_ORIGIN,
    ),
    Format(
        "videomimic_h5",
        (".h5", ".hdf5"),
        "VideoMimic's retargeted captures",
        read_videomimic_h5,
        None,
    ),
    Format(
        "csv",
        (".csv",),
        "Unitree, LAFAN1 and Kimodo: root and joints by position",
        read_csv,
        write_csv,
        drops=("fps", "contacts", "links", *_ORIGIN),
    ),
    Format(
        "max_coordinate_npz",
        (".npz",),
        "BeyondMimic, mjlab and holosoma: joints, and all bodies' poses and velocities",
        read_max_coordinate_npz,
        write_max_coordinate_npz,
        keys=("joint_pos", "body_pos_w", "body_quat_w"),
        drops=("contacts", *_ORIGIN),
    ),
    Format(
        "gmr_pkl",
        PICKLE_SUFFIXES,
        "GMR: root xyzw and joints by position",
        read_gmr_pkl,
        None,
        keys=("root_pos", "root_rot", "dof_pos"),
    ),
    Format(
        "mimickit_pkl",
        PICKLE_SUFFIXES,
        "MimicKit: frames of root position, exponential map and joints by position",
        read_mimickit_pkl,
        write_mimickit_pkl,
        keys=("loop_mode", "frames"),
        drops=("contacts", "links", *_ORIGIN),
    ),
)
FORMATS: dict[str, Format] = {format.name: format for format in _ALL}
"""All formats by name. Of those that share a suffix and can be written, the first is what the suffix means."""
SUFFIXES: tuple[str, ...] = tuple(dict.fromkeys(s for format in FORMATS.values() for s in format.suffixes))
"""File name endings of the formats that can be read."""


def detect_format(path: str | Path) -> Format:
    """The format of a file: by its suffix and, where formats share one, by the keys in the file.

    Raises:
        MotionError: unknown suffix or content; lists what was found and what is known.
    """
    path = Path(path)
    candidates = [format for format in FORMATS.values() if path.suffix.lower() in format.suffixes]
    if not candidates:
        raise MotionError(
            f"{path}: no reader for {path.suffix or 'a file without suffix'!r}; known: {', '.join(SUFFIXES)}"
        )
    if len(candidates) == 1:
        return candidates[0]
    found = file_keys(path)
    for format in candidates:
        if found.issuperset(format.keys):
            return format
    needs = "; ".join(f"{format.name} has {', '.join(format.keys)}" for format in candidates)
    raise MotionError(
        f"{path}: is of no known format: its keys are {', '.join(sorted(found)) or 'none'}, but {needs}"
    )


def read_clip(path: str | Path, options: ReadOptions = ReadOptions(), format: str | None = None) -> Clip:  # noqa: B008
    """Read one motion file.

    Args:
        path: the file.
        options: what the file does not say itself.
        format: name in `FORMATS`; None finds it out.

    Raises:
        MotionError: unknown suffix, content or format, or whatever the format's reader objects to.
    """
    path = Path(path)
    chosen = detect_format(path) if format is None else named_format(format)
    return chosen.read(path, options)


def write_clip(
    clip: Clip,
    path: str | Path,
    format: str | None = None,
    options: WriteOptions = WriteOptions(),  # noqa: B008
) -> None:
    """Write one motion file, whole or not at all; a file that is there is replaced.

    Args:
        clip: the motion.
        path: file to write; its folder must exist.
        format: name in `FORMATS`; None: the first with the file's suffix.
        options: what the format leaves open.

    Raises:
        MotionError: no format is written under this suffix, or the clip does not fit the format.
        RunError: the file system refuses.
    """
    path = Path(path)
    chosen = writable_format(path, format)
    dropped = dropped_fields(clip, chosen)
    if dropped:
        logger.info("%s: format %s has no place for %s", path, chosen.name, ", ".join(dropped))
    chosen.write(clip, path, options)


def dropped_fields(clip: Clip, format: Format) -> list[str]:
    """Fields of a clip that are set and that a file of a format has no place for."""
    return [field for field in format.drops if getattr(clip, field)]


def writable_format(path: Path, format: str | None = None) -> Format:
    """The format to write a file in: the one named, else the first with its suffix.

    Raises:
        MotionError: there is none, or it can only be read.
    """
    if format is not None:
        named = named_format(format)
        if named.write is None:
            raise MotionError(f"format {named.name} can only be read; written are {', '.join(_written())}")
        if path.suffix.lower() not in named.suffixes:
            raise MotionError(f"{path}: a file of format {named.name} ends in {' or '.join(named.suffixes)}")
        return named
    for name in _written():
        if path.suffix.lower() in FORMATS[name].suffixes:
            return FORMATS[name]
    raise MotionError(
        f"{path}: no writer for {path.suffix or 'a file without suffix'!r}; written are "
        + ", ".join(f"{name} ({' '.join(FORMATS[name].suffixes)})" for name in _written())
    )


def _written() -> list[str]:
    return [name for name, format in FORMATS.items() if format.write is not None]


def named_format(name: str) -> Format:
    """The format of a name in `FORMATS`.

    Raises:
        MotionError: there is none; lists those there are.
    """
    if name not in FORMATS:
        raise MotionError(f"no format {name!r}; there are {', '.join(FORMATS)}")
    return FORMATS[name]

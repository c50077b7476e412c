"""Our own clip format: a numpy archive that says everything by name; `retargeted_data/README.md` describes it.

Schema version 2, T frames, J joints, C feet, L links:

| key | shape, type | meaning |
|---|---|---|
| schema_version | int | 2 |
| fps | float | frames per second |
| joint_names | (J,) str | joints of `joints`, any order |
| joints | (T, J) float | joint angles, rad |
| root_pos | (T, 3) float | root body origin in the world, m, z up |
| root_quat_wxyz | (T, 4) float | root orientation, body to world, scalar first |
| contact_names | (C,) str | foot bodies of `contacts`; C = 0: not recorded |
| contacts | (T, C) bool | foot is on the ground |
| licence | str | terms under which the clip may be used, "" if unknown |
| source | str | where the motion came from, "" if unknown |
| terrain | str | mesh the motion plays on, relative to the clip's folder; "": flat ground |
| history | (H,) str | what was assumed or done to it, oldest first |
| link_names | (L,) str | links whose poses the source recorded; this key and the next two may be absent |
| link_pos_w | (T, L, 3) float | link origins in the world, m |
| link_quat_wxyz | (T, L, 4) float | link to world, scalar first |

Version 1 has the keys up to `source` and is read.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from legged_gym.motion.clip import Clip, Links
from legged_gym.motion.formats.contents import load_npz
from legged_gym.motion.formats.options import ReadOptions, WriteOptions
from legged_gym.utils.errors import MotionError
from legged_gym.utils.paths import write_atomically

SCHEMA_VERSION = 2
_VERSION_1_KEYS = (
    "schema_version",
    "fps",
    "joint_names",
    "joints",
    "root_pos",
    "root_quat_wxyz",
    "contact_names",
    "contacts",
    "licence",
    "source",
)
_KEYS = {1: _VERSION_1_KEYS, 2: (*_VERSION_1_KEYS, "terrain", "history")}
_LINK_KEYS = ("link_names", "link_pos_w", "link_quat_wxyz")


def read_npz(path: Path, options: ReadOptions = ReadOptions()) -> Clip:  # noqa: B008
    """Read a clip of our own schema; none of the options is needed.

    Raises:
        MotionError: the file is missing, no such archive, of another version, or a key is missing or malformed.
    """
    arrays = load_npz(path)
    _check_keys(path, arrays)
    feet, contacts = arrays["contact_names"], arrays["contacts"]
    if feet.ndim != 1 or contacts.ndim != 2 or contacts.shape[1] != len(feet):
        raise MotionError(
            f"{path}: contacts has shape {contacts.shape}; it must be (T, C) for C = {feet.size} contact_names"
        )
    if arrays["fps"].size != 1:
        raise MotionError(f"{path}: fps has shape {arrays['fps'].shape}; it must be one number")
    return Clip(
        name=path.stem,
        fps=arrays["fps"].item(),
        joint_names=tuple(np.atleast_1d(arrays["joint_names"]).tolist()),
        dof_pos=np.atleast_1d(arrays["joints"]),
        root_pos=arrays["root_pos"],
        root_quat_wxyz=arrays["root_quat_wxyz"],
        contacts={str(foot): contacts[:, i] for i, foot in enumerate(feet)} if len(feet) else None,
        links=_links(arrays),
        terrain=str(arrays.get("terrain", "")) or None,
        source=str(arrays["source"]),
        licence=str(arrays["licence"]),
        history=tuple(np.atleast_1d(arrays["history"]).tolist()) if "history" in arrays else (),
        provenance={"file": str(path), "format": "npz", "fps": "in the file"},
    )


def write_npz(clip: Clip, path: Path, options: WriteOptions = WriteOptions()) -> None:  # noqa: B008
    """Write a clip in our own schema, whole or not at all. One clip always gives the same bytes.

    Args:
        clip: the motion.
        path: file to write, suffix .npz; its folder must exist.
        options: nothing of it is needed.

    Raises:
        RunError: the file cannot be written.
    """
    contacts = clip.contacts or {}
    columns = [contacts[foot] for foot in contacts]
    arrays = {
        "schema_version": np.int64(SCHEMA_VERSION),
        "fps": np.float64(clip.fps),
        "joint_names": np.array(clip.joint_names, dtype=np.str_),
        "joints": clip.dof_pos,
        "root_pos": clip.root_pos,
        "root_quat_wxyz": clip.root_quat_wxyz,
        "contact_names": np.array(list(contacts), dtype=np.str_),
        "contacts": np.stack(columns, axis=1) if columns else np.zeros((clip.num_frames, 0), dtype=bool),
        "licence": np.str_(clip.licence),
        "source": np.str_(clip.source),
        "terrain": np.str_(clip.terrain or ""),
        "history": np.array(clip.history, dtype=np.str_),
    }
    if clip.links is not None:
        values = (np.array(clip.links.names, dtype=np.str_), clip.links.pos_w, clip.links.quat_wxyz)
        arrays.update(zip(_LINK_KEYS, values, strict=True))

    def save(partial: Path) -> None:
        with open(partial, "wb") as stream:  # given a name, numpy would append a suffix to it
            np.savez_compressed(stream, **arrays)

    write_atomically(path, save)


def _check_keys(path: Path, arrays: dict[str, np.ndarray]) -> None:
    if "schema_version" not in arrays:
        raise MotionError(
            f"{path}: has no schema_version, so it is not a clip of ours; its keys are {', '.join(sorted(arrays))}"
        )
    version = arrays["schema_version"]
    if version.size != 1 or version.item() not in _KEYS:
        raise MotionError(
            f"{path}: schema_version is {version.tolist()}; this release reads {' and '.join(map(str, _KEYS))}"
        )
    missing = [key for key in _KEYS[version.item()] if key not in arrays]
    if missing:
        raise MotionError(f"{path}: lacks {', '.join(missing)}")
    links = [key for key in _LINK_KEYS if key in arrays]
    if links and len(links) < len(_LINK_KEYS):
        raise MotionError(f"{path}: has {', '.join(links)}; of {', '.join(_LINK_KEYS)} it needs all or none")


def _links(arrays: dict[str, np.ndarray]) -> Links | None:
    if "link_names" not in arrays:
        return None
    names = tuple(np.atleast_1d(arrays["link_names"]).tolist())
    return Links(names, arrays["link_pos_w"], arrays["link_quat_wxyz"])

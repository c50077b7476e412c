"""Our own clip format: a numpy archive that says everything by name.

Schema version 1, T frames, J joints, C feet:

| key | shape, type | meaning |
|---|---|---|
| schema_version | int | 1 |
| fps | float | frames per second |
| joint_names | (J,) str | joints of `joints`, any order |
| joints | (T, J) float | joint angles, rad |
| root_pos | (T, 3) float | root body origin in the world, m, z up |
| root_quat_wxyz | (T, 4) float | root orientation, body to world, scalar first |
| contact_names | (C,) str | foot bodies of `contacts`; C = 0: not recorded |
| contacts | (T, C) bool | foot is on the ground |
| licence | str | terms under which the clip may be used, "" if unknown |
| source | str | where the motion came from, "" if unknown |
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from legged_gym.motion.clip import Clip
from legged_gym.utils.errors import MotionError
from legged_gym.utils.paths import write_atomically

SCHEMA_VERSION = 1
_KEYS = (
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


def read_npz(path: Path) -> Clip:
    """Read a clip of our own schema.

    Raises:
        MotionError: the file is missing, no such archive, of another version, or a key is missing or malformed.
    """
    arrays = _load(path)
    if "schema_version" not in arrays:
        raise MotionError(
            f"{path}: has no schema_version, so it is not a clip of ours; its keys are {', '.join(sorted(arrays))}"
        )
    version = arrays["schema_version"]
    if version.size != 1 or version.item() != SCHEMA_VERSION:
        raise MotionError(
            f"{path}: schema_version is {version.tolist()}; this release reads {SCHEMA_VERSION}"
        )
    missing = [key for key in _KEYS if key not in arrays]
    if missing:
        raise MotionError(f"{path}: lacks {', '.join(missing)}")

    feet, contacts = arrays["contact_names"], arrays["contacts"]
    if feet.ndim != 1 or contacts.ndim != 2 or contacts.shape[1] != len(feet):
        raise MotionError(
            f"{path}: contacts has shape {contacts.shape}; it must be (T, C) for C = {feet.size} contact_names"
        )
    if arrays["fps"].size != 1:
        raise MotionError(f"{path}: fps has shape {arrays['fps'].shape}; it must be one number")
    provenance = {key: str(arrays[key]) for key in ("source", "licence")}
    return Clip(
        name=path.stem,
        fps=arrays["fps"].item(),
        joint_names=tuple(np.atleast_1d(arrays["joint_names"]).tolist()),
        dof_pos=np.atleast_1d(arrays["joints"]),
        root_pos=arrays["root_pos"],
        root_quat_wxyz=arrays["root_quat_wxyz"],
        contacts={str(foot): contacts[:, i] for i, foot in enumerate(feet)} if len(feet) else None,
        provenance={"file": str(path), "format": "npz", "fps": "in the file", **provenance},
    )


def write_npz(clip: Clip, path: Path, *, source: str = "", licence: str = "") -> None:
    """Write a clip in our own schema; the file appears whole or not at all.

    Args:
        clip: the motion.
        path: file to write, suffix .npz; its folder must exist.
        source: where the motion came from; "" takes the clip's own provenance.
        licence: terms of use; "" takes the clip's own provenance.

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
        "licence": np.str_(licence or clip.provenance.get("licence", "")),
        "source": np.str_(source or clip.provenance.get("source", "")),
    }

    def save(partial: Path) -> None:
        with open(partial, "wb") as stream:  # given a name, numpy would append a suffix to it
            np.savez_compressed(stream, **arrays)

    write_atomically(path, save)


def _load(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        reason = getattr(error, "strerror", None) or "not an archive of plain numpy arrays"
        raise MotionError(f"{path}: cannot be read ({reason})") from None

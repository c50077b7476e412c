"""What VideoMimic's two formats, pickle and HDF5, have in common: the same fields, quaternions xyzw."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from legged_gym.motion.clip import Clip, Links
from legged_gym.motion.formats.contents import numbers, one_number, strings
from legged_gym.motion.formats.link_frames import noted, with_compared_links, with_links_in_world
from legged_gym.motion.formats.options import ReadOptions, stated_rate
from legged_gym.motion.joint_orders import G1_JOINT_NAMES, full_joint_name
from legged_gym.utils.errors import MotionError

WXYZ_FROM_XYZW, XYZW_FROM_WXYZ = [3, 0, 1, 2], [1, 2, 3, 0]
FOOT_BODIES = {"left_foot": "left_ankle_roll_link", "right_foot": "right_ankle_roll_link"}
"""VideoMimic's name of a foot -> the G1's body."""
_NEEDED = ("joint_names", "joints", "root_pos", "root_quat")
_LINKS = ("link_names", "link_pos", "link_quat")
_KNOWN = (*_NEEDED, *_LINKS, "contacts", "fps")


def clip_from_fields(path: Path, format: str, fields: Mapping[str, Any], options: ReadOptions) -> Clip:
    """The clip that a file's fields describe.

    Args:
        path: the file.
        format: its format, for the provenance.
        fields: the file's entries by VideoMimic's names.
        options: fps where the file has none; a robot to compare the links with.

    Raises:
        MotionError: a field is missing or malformed, or the rate is unknown.
    """
    missing = [key for key in _NEEDED if key not in fields]
    if missing:
        raise MotionError(f"{path}: lacks {', '.join(missing)}; it has {', '.join(sorted(map(str, fields)))}")
    stated = None if fields.get("fps") is None else one_number(path, "fps", fields["fps"])
    fps, fps_from = stated_rate(path, stated, options)
    clip = Clip(
        name=path.stem,
        fps=fps,
        joint_names=tuple(full_joint_name(name) for name in strings(fields["joint_names"])),
        dof_pos=numbers(path, "joints", fields["joints"]),
        root_pos=numbers(path, "root_pos", fields["root_pos"]),
        root_quat_wxyz=_wxyz(path, "root_quat", fields["root_quat"]),
        contacts=_contacts(path, fields.get("contacts")),
        links=_links(path, fields),
        history=() if stated is not None else (f"no rate in the file: taken as {fps:g} frames per second",),
        provenance={"file": str(path), "format": format, "fps": fps_from},
    )
    ignored = sorted(str(key) for key in fields if key not in _KNOWN)
    if ignored:
        clip = noted(clip, f"not used: {', '.join(ignored)}")
    if clip.links is None:
        return clip
    return with_compared_links(with_links_in_world(clip, options.robot), options.robot)


def with_waist(clip_fields: dict[str, Any], path: Path) -> tuple[dict[str, Any], list[str]]:
    """The fields with zero columns for waist joints that a G1's file lacks, and the names of those added."""
    names = [full_joint_name(name) for name in strings(clip_fields["joint_names"])]
    added = [name for name in G1_JOINT_NAMES if name.startswith("waist") and name not in names]
    if not added or any(name not in G1_JOINT_NAMES for name in names):
        return clip_fields, []
    joints = numbers(path, "joints", clip_fields["joints"])
    if joints.ndim != 2:
        raise MotionError(f"{path}: joints has shape {joints.shape}; it must be (T, {len(names)})")
    padded = np.concatenate((joints, np.zeros((len(joints), len(added)))), axis=1)
    return {**clip_fields, "joint_names": [*names, *added], "joints": padded}, added


def note_added(clip: Clip, added: list[str]) -> Clip:
    """The clip with a note on joints that were added."""
    if not added:
        return clip
    return noted(clip, f"its file lacks {', '.join(added)}: added, held at 0", logging.WARNING)


def _wxyz(path: Path, key: str, value: Any) -> np.ndarray:
    quat = numbers(path, key, value)
    if quat.shape[-1:] != (4,):
        raise MotionError(f"{path}: {key} has shape {quat.shape}; its last axis must hold x, y, z and w")
    return quat[..., WXYZ_FROM_XYZW]


def _links(path: Path, fields: Mapping[str, Any]) -> Links | None:
    present = [key for key in _LINKS if fields.get(key) is not None]
    if not present:
        return None
    if len(present) < len(_LINKS):
        raise MotionError(f"{path}: has {', '.join(present)}; of {', '.join(_LINKS)} it needs all or none")
    names = tuple(name.removesuffix(".STL") for name in strings(fields["link_names"]))
    return Links(
        names, numbers(path, "link_pos", fields["link_pos"]), _wxyz(path, "link_quat", fields["link_quat"])
    )


def _contacts(path: Path, contacts: Any) -> dict[str, np.ndarray] | None:
    if contacts is None:
        return None
    if not isinstance(contacts, Mapping):
        raise MotionError(f"{path}: contacts is a {type(contacts).__name__}; it must be a dict by foot")
    named = {}
    for foot, values in contacts.items():
        array = numbers(path, f"contacts[{foot!r}]", values)
        if array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        if not np.isin(array, (0.0, 1.0)).all():
            raise MotionError(f"{path}: contacts[{foot!r}] has values other than 0 and 1")
        named[FOOT_BODIES.get(str(foot), str(foot))] = array.astype(bool)
    return named or None

"""Checkpoints: one file with all that is needed to go on training as if it had never stopped, or to use the
policy.

A checkpoint is a dictionary of tensors and plain values, so that it loads without executing code from the
file. It is written to a temporary file first and then renamed: a file named ``model_<iteration>.pt`` is
always complete.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from legged_gym.utils.errors import RunError
from legged_gym.utils.paths import write_atomically
from legged_gym.utils.processes import gather_to_first, joined

VERSION = 1
"""Format of the dictionary."""
YOUNGER_KEYS = {"scale": 1.0, "clip": None}
"""What the terms of a layout are where a checkpoint is older than these keys."""

OTHERS = "other_processes"
"""Key of the states of all processes but the first, in the order of their numbers."""

Layout = Mapping[str, Sequence[Mapping[str, Any]]]
"""Observation group -> its terms in order, each with "name", "start", "stop" and whatever else defines it."""


def save_checkpoint(path: Path, content: Mapping[str, Any]) -> None:
    """Write a checkpoint so that no reader ever sees part of it.

    Args:
        path: File to write; its folder must exist.
        content: Tensors, numbers, strings, None, and lists, tuples and dictionaries of these.

    Raises:
        RunError: The file cannot be written; what was there before is still whole.
    """
    data = {"version": VERSION, **content}
    write_atomically(Path(path), lambda file: torch.save(data, file))


def read_checkpoint(path: Path, device: str = "cpu") -> dict[str, Any]:
    """Read a checkpoint.

    Args:
        path: A file written by :func:`save_checkpoint`.
        device: Where its tensors go.

    Raises:
        RunError: The file is missing, cut off, no checkpoint of ours, or of a newer format.
    """
    path = Path(path)
    if not path.is_file():
        raise RunError(f"no checkpoint {path}")
    if not zipfile.is_zipfile(path):
        raise RunError(f"checkpoint {path} is cut off, or no checkpoint at all")
    try:
        content = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:
        raise RunError(f"cannot read checkpoint {path}: {str(error).splitlines()[0]}") from error
    if not isinstance(content, dict) or "version" not in content:
        raise RunError(f"{path} is not a checkpoint of this package")
    if content["version"] > VERSION:
        raise RunError(
            f"checkpoint {path} has format {content['version']}; this package reads up to {VERSION}"
        )
    return content


def gather_states(state: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the states (tensors and plain values) of all processes in the first one, nothing in the others."""
    if not joined():
        return [dict(state)]
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    parts = gather_to_first(buffer.getvalue())
    return [torch.load(io.BytesIO(part), map_location="cpu", weights_only=True) for part in parts]


def part_of_process(content: Mapping[str, Any], rank: int) -> dict[str, Any]:
    """Return a checkpoint as a process sees it: with its own states, where it had any, in place of the first one's."""
    others = content.get(OTHERS, ())
    return {**content, **(others[rank - 1] if 0 < rank <= len(others) else {})}


def is_of_same_run(
    content: Mapping[str, Any],
    env_cfg: Mapping[str, Any] | None,
    seed: int,
    num_envs: int,
    num_processes: int,
) -> bool:
    """Return whether a checkpoint was taken in the same env, with the same seed, by as many processes and envs."""
    same_env = plain(content["config"].get("env")) == plain(env_cfg)
    same_seed = content["config"].get("train", {}).get("seed") == seed
    size = content["num_envs"], 1 + len(content.get(OTHERS, ()))
    return same_env and same_seed and size == (num_envs, num_processes)


def read_config(path: Path) -> dict[str, Any]:
    """Return the resolved configuration a checkpoint was trained with, as nested dictionaries.

    Raises:
        RunError: As :func:`read_checkpoint`.
    """
    return read_checkpoint(path)["config"]


def layout_of(env: Any) -> dict[str, list[dict[str, Any]]] | None:
    """Return an env's observation layout as plain data, None where it has none."""
    if not hasattr(env, "observation_layout"):
        return None
    return {group: layout.to_dict() for group, layout in env.observation_layout().items()}


def check_compatible(
    content: Mapping[str, Any],
    joint_names: Sequence[str] | None,
    layout: Layout | None,
    path: Path,
    hint: str = "",
) -> None:
    """Refuse a checkpoint whose policy would misread this env's observations or drive other joints.

    Args:
        content: What :func:`read_checkpoint` returned.
        joint_names: Actuated joints of the env's robot, in order; None skips the check.
        layout: Observation layout of the env; None skips the check.
        path: For the message.
        hint: Ends the message where only observations differ.

    Raises:
        RunError: Names the joints or observation terms that differ.
    """
    joints, observations = [], []
    if joint_names is not None and content["joint_names"] is not None:
        joints = _joint_differences(list(content["joint_names"]), list(joint_names))
    if layout is not None and content["observation_layout"] is not None:
        observations = layout_differences(content["observation_layout"], layout)
    if joints or observations:
        text = "; ".join(joints + observations)
        raise RunError(f"checkpoint {path} does not fit this env: {text}{hint if not joints else ''}")


def _joint_differences(theirs: list[str], ours: list[str]) -> list[str]:
    """Describe how the joints of a checkpoint differ from those of the env."""
    if theirs == ours:
        return []
    only_theirs, only_ours = sorted(set(theirs) - set(ours)), sorted(set(ours) - set(theirs))
    if not only_theirs and not only_ours:
        return ["the robot's joints are in another order"]
    parts = [f"{len(theirs)} joints against {len(ours)}"]
    if only_theirs:
        parts.append(f"only in the checkpoint: {', '.join(only_theirs)}")
    if only_ours:
        parts.append(f"only in the env: {', '.join(only_ours)}")
    return [f"another robot ({', '.join(parts)})"]


def layout_differences(theirs: Layout, ours: Layout) -> list[str]:
    """List the terms in which the observation layout of a checkpoint differs from that of the env."""
    differences = []
    for group in dict.fromkeys([*theirs, *ours]):
        a, b = terms_by_name(theirs.get(group, ())), terms_by_name(ours.get(group, ()))
        found = [f"'{name}' is only in the checkpoint" for name in a if name not in b]
        found += [f"'{name}' is only in the env" for name in b if name not in a]
        if not found and list(a) != list(b):
            found = [f"order is {', '.join(a)} in the checkpoint and {', '.join(b)} in the env"]
        for name in (name for name in a if name in b):
            found += [
                f"'{name}' has {key} {a[name].get(key)} in the checkpoint and {b[name].get(key)} in the env"
                for key in dict.fromkeys([*a[name], *b[name]])
                if a[name].get(key) != b[name].get(key)
            ]
        differences += [f"{group} observation {text}" for text in found]
    return differences


def terms_by_name(group: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the terms of a group by name, with their width in place of where they stand."""
    terms = {}
    for term in plain(group):
        start, stop = term.pop("start", 0), term.pop("stop", 0)
        terms[term.pop("name")] = {"width": stop - start, **YOUNGER_KEYS, **term}
    return terms


def plain(value: Any) -> Any:
    """Return a copy with tuples made lists, which equals itself after a round trip through YAML."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value

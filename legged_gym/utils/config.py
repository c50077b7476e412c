"""The configuration of a task: a tree of dataclasses, its YAML form, and how partial trees are laid over it.

Every field has a default and one docstring line, which is its ``--help`` text. A field is a bool, int, float,
str, Literal, Enum, Optional, list, tuple, dict or another dataclass.
"""

from __future__ import annotations

import copy
import dataclasses
import difflib
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

from legged_gym.utils.config_values import Plain, ValueMismatch, convert, to_plain
from legged_gym.utils.errors import ConfigError

Tree = TypeVar("Tree")


@dataclass
class TaskCfg:
    """Everything that decides what a run does."""

    env: Any
    """The world: robot, motions, observations, rewards."""
    train: Any
    """The learner: seed, runner, policy, algorithm."""


def leaf_types(tree: object, prefix: str = "") -> dict[str, Any]:
    """Dotted path -> annotated type of every field of the tree that is not itself a dataclass, in order."""
    hints = typing.get_type_hints(type(tree))
    leaves: dict[str, Any] = {}
    for field in dataclasses.fields(tree):
        value = getattr(tree, field.name)
        if dataclasses.is_dataclass(value):
            leaves |= leaf_types(value, f"{prefix}{field.name}.")
        else:
            leaves[prefix + field.name] = hints[field.name]
    return leaves


def get_value(tree: object, path: str) -> Any:
    """Value of the field at a dotted path. The path must exist (see :func:`leaf_types`)."""
    for name in path.split("."):
        tree = getattr(tree, name)
    return tree


def flat(tree: object) -> dict[str, Any]:
    """Dotted path -> value of every field, as plain data; :func:`nest` the other way round."""
    return {path: to_plain(get_value(tree, path)) for path in leaf_types(tree)}


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """``{"a.b": 1}`` -> ``{"a": {"b": 1}}``."""
    nested: dict[str, Any] = {}
    for path, value in flat.items():
        *groups, name = path.split(".")
        level = nested
        for group in groups:
            level = level.setdefault(group, {})
        level[name] = value
    return nested


def merge(tree: Tree, data: Mapping[str, Any], source: str) -> Tree:
    """A copy of ``tree`` with the fields that ``data`` names replaced.

    :param data: nested mapping, any part of the tree. Lists and dicts replace the value they meet, whole.
    :param source: where the data is from, opens every error message.
    :raises ConfigError: a name the tree lacks, or a value of the wrong type; gives the path and what is right.
    """
    return _merge(copy.deepcopy(tree), data, source, "")


def _merge(tree: Any, data: Mapping[str, Any], source: str, prefix: str) -> Any:
    if not isinstance(data, Mapping):
        what = f"{prefix.rstrip('.')} is a group of fields" if prefix else "it must be a mapping of fields"
        raise ConfigError(f"{source}: {what}, not {data!r}")
    names = [field.name for field in dataclasses.fields(tree)]
    hints = typing.get_type_hints(type(tree))
    changes: dict[str, Any] = {}
    for name, value in data.items():
        path = f"{prefix}{name}"
        if name not in names:
            raise ConfigError(f"{source}: unknown field {path}; {suggest(str(name), names, prefix)}")
        current = getattr(tree, name)
        if dataclasses.is_dataclass(current):
            changes[name] = _merge(current, value, source, path + ".")
            continue
        try:
            changes[name] = convert(value, hints[name])
        except ValueMismatch as error:
            raise ConfigError(f"{source}: {path}: {error}") from None
    return dataclasses.replace(tree, **changes)


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Up to three of the known names that look like a misspelt one, best first."""
    return difflib.get_close_matches(name, list(known), n=3, cutoff=0.6)


def suggest(name: str, known: Iterable[str], prefix: str = "") -> str:
    """``did you mean a, b?`` with the nearest of the known names, or all of them when none is near."""
    known = list(known)
    near = nearest(name, known)
    if near:
        return f"did you mean {', '.join(prefix + match for match in near)}?"
    return f"known: {', '.join(prefix + option for option in known)}"


def to_dict(tree: object) -> dict[str, Any]:
    """The tree as nested plain data (None, bool, int, float, str, list, dict) for YAML and checkpoints."""
    return to_plain(tree)


def from_dict(data: Mapping[str, Any], like: type[Tree] | Tree, source: str = "config") -> Tree:
    """A tree of the type of ``like`` with the values of ``data``; what ``data`` lacks is as in ``like``.

    :param like: a dataclass type or an instance; :class:`TaskCfg` needs an instance, which tells the types below.
    :raises ConfigError: as :func:`merge`.
    """
    return merge(like() if isinstance(like, type) else like, data, source)


class _Dumper(yaml.SafeDumper):
    """Lists on one line, groups on lines of their own, and no text that reads back as None."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _represent_list(dumper: _Dumper, data: list) -> yaml.Node:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True)


def _represent_text(dumper: _Dumper, data: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", data, style="'" if data == "None" else None)


_Dumper.add_representer(list, _represent_list)
_Dumper.add_representer(str, _represent_text)


def to_yaml(tree: object) -> str:
    """The tree as YAML text, fields in declared order. ``from_yaml`` gives an equal tree back."""
    options: dict[str, Any] = {"sort_keys": False, "default_flow_style": False, "allow_unicode": True}
    return yaml.dump(to_dict(tree), Dumper=_Dumper, width=110, **options)


def from_yaml(text: str, like: type[Tree] | Tree, source: str = "config") -> Tree:
    """The tree that YAML text describes; see :func:`from_dict` for ``like``.

    :raises ConfigError: the text is not YAML, or does not fit the tree.
    """
    return from_dict(parse_yaml(text, source), like, source)


def load_yaml(path: Path) -> dict[str, Any]:
    """Nested mapping in a YAML file, unquoted scalars as :class:`Plain` text, to be read by :func:`merge`.

    :raises ConfigError: no such file, or no YAML mapping in it.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigError(f"cannot read config file {path}: {reason}") from None
    return parse_yaml(text, str(path))


def parse_yaml(text: str, source: str) -> dict[str, Any]:
    """As :func:`load_yaml`, from text. An empty document is an empty mapping."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{source}{line}: not YAML: {getattr(error, 'problem', None) or error}") from None
    data = {} if node is None else _plain_data(node, source)
    if not isinstance(data, dict):
        raise ConfigError(f"{source}: must hold a mapping of fields such as 'env:', not a single value")
    return data


def _plain_data(node: yaml.Node, source: str) -> Any:
    if isinstance(node, yaml.ScalarNode):
        if node.tag == "tag:yaml.org,2002:null":
            return None
        return Plain(node.value) if node.style is None else node.value
    if isinstance(node, yaml.SequenceNode):
        return [_plain_data(item, source) for item in node.value]
    data: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = key_node.value
        if not isinstance(key, str) or key in data:
            problem = "appears twice" if isinstance(key, str) else "is not a name"
            raise ConfigError(f"{source} line {key_node.start_mark.line + 1}: key {key} {problem}")
        data[key] = _plain_data(value_node, source)
    return data

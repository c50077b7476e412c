"""Between the schema's dataclasses and the plain data of a YAML file. Strict: every field, no other, right types."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal

from legged_gym.bundle.check import check_spec
from legged_gym.bundle.schema import BundleSpec
from legged_gym.bundle.upgrade import upgraded
from legged_gym.utils.errors import RunError


def spec_from_plain(data: Any, source: str) -> BundleSpec:
    """Read and check the content of a ``bundle.yaml``; an older one is read as if it were of the present version.

    Args:
        data: Nested mappings, lists and scalars.
        source: Opens the message of every error.

    Raises:
        RunError: An unknown schema version, a field unknown, missing or of the wrong type, or fields that contradict
            each other.
    """
    if not isinstance(data, Mapping) or "schema_version" not in data:
        raise RunError(f"{source}: not a bundle description; it has no schema_version")
    spec = _convert(BundleSpec, upgraded(data, source), "", source)
    check_spec(spec, source)
    return spec


def spec_to_plain(spec: BundleSpec) -> dict[str, Any]:
    """The description as nested dictionaries, lists and scalars, in the order of the schema."""
    return _plain(dataclasses.asdict(spec))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _convert(kind: Any, value: Any, path: str, source: str) -> Any:
    """A value of an annotated type from plain data; ``path`` is its place in the file."""
    if dataclasses.is_dataclass(kind):
        return _convert_fields(kind, value, path, source)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:  # X | None
        return None if value is None else _convert(arguments[0], value, path, source)
    if origin is Literal:
        if value not in arguments:
            raise RunError(f"{source}: {path} is {value!r}; it must be {' or '.join(map(str, arguments))}")
        return value
    if origin is tuple and isinstance(value, list):
        return tuple(_convert(arguments[0], item, f"{path}[{i}]", source) for i, item in enumerate(value))
    if origin is dict and isinstance(value, Mapping):
        return {
            _convert(str, key, path, source): _convert(arguments[1], item, f"{path}.{key}", source)
            for key, item in value.items()
        }
    if kind is Any:
        return value
    if (
        kind is float
        and isinstance(value, (int, float))
        and not isinstance(value, bool)
        and math.isfinite(value)
    ):
        return float(value)
    if kind in (int, str, bool) and type(value) is kind:
        return value
    wanted = {float: "a finite number", int: "a whole number", str: "text", bool: "true or false"}
    what = wanted.get(kind, "a list" if origin is tuple else "a mapping")
    raise RunError(f"{source}: {path} is {value!r}; it must be {what}")


def _convert_fields(kind: type, value: Any, path: str, source: str) -> Any:
    if not isinstance(value, Mapping):
        raise RunError(f"{source}: {path} is {value!r}; it must be a mapping")
    hints = typing.get_type_hints(kind)
    prefix = f"{path}." if path else ""
    unknown = [str(key) for key in value if key not in hints]
    if unknown:
        raise RunError(f"{source}: unknown field {prefix}{unknown[0]}; known there: {', '.join(hints)}")
    missing = [name for name in hints if name not in value]
    if missing:
        raise RunError(f"{source}: field {prefix}{missing[0]} is missing")
    return kind(**{name: _convert(hint, value[name], prefix + name, source) for name, hint in hints.items()})

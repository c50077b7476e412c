"""Values of configuration fields: from text or plain data to the annotated type, and back.

One conversion serves the command line and YAML files. Both hand over unquoted text as :class:`Plain`, and the
type of the field decides what it means: ``20250410_063030`` stays text where text is wanted, ``3e-4`` is a number.
"""

from __future__ import annotations

import dataclasses
import enum
import re
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Union

from legged_gym.utils.errors import ConfigError

_INTEGER = re.compile(r"[+-]?\d+")
_NUMBER = re.compile(r"[+-]?((\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|\.?inf)")
_BOOLS = {"True": True, "true": True, "False": False, "false": False}
_NONES = ("None", "null")
_BRACKETS = {"[": "]", "(": ")", "{": "}"}


class Plain(str):
    """Text that somebody typed without quotes: its meaning depends on the type it is read as."""


class ValueMismatch(ConfigError):
    """A value cannot be read as the type of its field; says what would be right."""

    def __init__(self, value: object, expected: str) -> None:
        super().__init__(f"{_shown(value)} is not {expected}")
        self.value = value
        self.expected = expected


def convert(value: object, kind: Any) -> Any:
    """Read ``value`` as the type ``kind``.

    :param value: :class:`Plain` text, or plain data (None, bool, int, float, str, list, tuple, dict).
    :param kind: bool, int, float, str, Path, Literal, Enum, dataclass, or unions, list, tuple, dict of those.
    :raises ValueMismatch: the value is no such thing. Nothing is rounded, truncated or guessed.
    """
    origin = typing.get_origin(kind)
    if origin in (Union, types.UnionType):
        return _convert_union(value, typing.get_args(kind), describe(kind))
    if origin is Literal:
        return _convert_literal(value, typing.get_args(kind), describe(kind))
    if origin in (list, tuple) or kind in (list, tuple):
        return _convert_sequence(value, kind)
    if origin is dict or kind is dict:
        return _convert_dict(value, kind)
    if kind is None or kind is type(None):
        if value is None or (isinstance(value, Plain) and value in _NONES):
            return None
        raise ValueMismatch(value, "None")
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _convert_enum(value, kind)
    if dataclasses.is_dataclass(kind):
        return _convert_dataclass(value, kind)
    if kind is Path:
        return value if isinstance(value, Path) else Path(_convert_scalar(value, str))
    if kind in (bool, int, float, str):
        return _convert_scalar(value, kind)
    raise TypeError(f"configuration fields cannot be of type {kind}")


def describe(kind: Any) -> str:
    """What a value of this type is, to end a sentence: "an integer", "one of none, pd", "a number or None"."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        return " or ".join(describe(argument) for argument in arguments)
    if origin is Literal:
        return "one of " + ", ".join(str(argument) for argument in arguments)
    if origin is list or kind is list:
        return "a list [a, b] with each item " + describe(arguments[0]) if arguments else "a list [a, b]"
    if origin is tuple or kind is tuple:
        if not arguments or arguments[-1] is Ellipsis:
            return "a list [a, b]" + (" with each item " + describe(arguments[0]) if arguments else "")
        return f"a list of {len(arguments)}: [" + ", ".join(map(describe, arguments)) + "]"
    if origin is dict or kind is dict:
        return "a mapping {name: value}" + (" with each value " + describe(arguments[1]) if arguments else "")
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return "one of " + ", ".join(kind.__members__)
    words = {bool: "True or False", int: "an integer", float: "a number", str: "a text", Path: "a path"}
    words[type(None)] = "None"
    return words.get(kind, f"a mapping of the fields of {getattr(kind, '__name__', kind)}")


def to_plain(value: Any) -> Any:
    """The value as None, bool, int, float, str, list, dict only: dataclasses by field, enums by member name."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    return value


def to_text(value: Any) -> str:
    """The value as one would type it on the command line. ``convert(Plain(text), kind)`` gives it back."""
    plain = to_plain(value)
    if isinstance(plain, list):
        return "[" + ", ".join(map(_quoted, plain)) + "]"
    if isinstance(plain, dict):
        return "{" + ", ".join(f"{key}: {_quoted(item)}" for key, item in plain.items()) + "}"
    return str(plain)


def _quoted(item: Any) -> str:
    text = to_text(item)
    if isinstance(item, str) and (text == "" or text in _NONES or re.search(r"[\[\](){},:'\"\s]", text)):
        return f'"{text}"' if "'" in text else f"'{text}'"
    return text


def _shown(value: object) -> str:
    text = to_text(value)
    return repr(text) if isinstance(value, str) and (not text or text != text.strip()) else text


def _convert_scalar(value: object, kind: type) -> bool | int | float | str:
    """bool, int, float or str; from the other's type only where nothing is lost (an int is a number)."""
    expected = describe(kind)
    if isinstance(value, Plain):
        if kind is bool and value in _BOOLS:
            return _BOOLS[value]
        if kind is int and _INTEGER.fullmatch(value):
            return int(value)
        if kind is float and _NUMBER.fullmatch(value):
            return float(value.replace(".inf", "inf"))
        if kind is str and value not in _NONES:
            return str(value)
    elif kind is float and isinstance(value, (int, float)) and not isinstance(value, bool) and value == value:
        return float(value)
    elif type(value) is kind and kind is not float:
        return value
    raise ValueMismatch(value, expected)


def _convert_union(value: object, kinds: tuple[Any, ...], expected: str) -> Any:
    """The first member that can read the value; text last, because text can read anything."""
    for kind in sorted(kinds, key=lambda kind: kind is str):
        try:
            return convert(value, kind)
        except ValueMismatch:
            continue
    raise ValueMismatch(value, expected)


def _convert_literal(value: object, options: tuple[Any, ...], expected: str) -> Any:
    for option in options:
        same = type(value) is type(option) and value == option
        if same or (isinstance(value, Plain) and value == str(option)):
            return option
    raise ValueMismatch(value, expected)


def _convert_enum(value: object, kind: type[enum.Enum]) -> enum.Enum:
    if isinstance(value, kind):
        return value
    if isinstance(value, str) and value in kind.__members__:
        return kind[value]
    raise ValueMismatch(value, describe(kind))


def _convert_sequence(value: object, kind: Any) -> list | tuple:
    """``[a, b]``, ``(a, b)``, ``a,b`` or a single ``a``; nothing in it is ``[]``."""
    container = typing.get_origin(kind) or kind
    kinds = typing.get_args(kind) or (Any,)
    items = _split_items(value) if isinstance(value, Plain) else value
    if not isinstance(items, (list, tuple)):
        raise ValueMismatch(value, describe(kind))
    if container is list or kinds[-1] is Ellipsis or kinds == (Any,):
        kinds = (kinds[0],) * len(items)
    elif len(items) != len(kinds):
        raise ValueMismatch(value, describe(kind))
    try:
        pairs = zip(items, kinds, strict=True)
        return container(item if want is Any else convert(item, want) for item, want in pairs)
    except ValueMismatch as error:
        raise ValueMismatch(value, f"{describe(kind)}: {error}") from None


def _convert_dict(value: object, kind: Any) -> dict:
    """``{hip: 75, knee: 100}`` or ``hip:75,knee:100``; nothing in it is ``{}``."""
    key_kind, item_kind = typing.get_args(kind) or (str, Any)
    pairs: Any = value
    if isinstance(value, Plain):
        parts = [_split_outside(item, ":", 1) for item in _split_items(value, "{")]
        if any(len(part) != 2 for part in parts):
            raise ValueMismatch(value, describe(kind))
        pairs = {_unquoted(key): _unquoted(item) for key, item in parts}
    if not isinstance(pairs, Mapping):
        raise ValueMismatch(value, describe(kind))
    try:
        return {
            convert(Plain(key) if isinstance(key, str) else key, key_kind): (
                item if item_kind is Any else convert(item, item_kind)
            )
            for key, item in pairs.items()
        }
    except ValueMismatch as error:
        raise ValueMismatch(value, f"{describe(kind)}: {error}") from None


def _convert_dataclass(value: object, kind: type) -> Any:
    if isinstance(value, kind):
        return value
    hints = typing.get_type_hints(kind)
    names = {field.name for field in dataclasses.fields(kind)}
    if not isinstance(value, Mapping) or not names.issuperset(value):
        raise ValueMismatch(value, f"a mapping of the fields {', '.join(sorted(names))}")
    return kind(**{name: convert(item, hints[name]) for name, item in value.items()})


def _split_items(text: Plain, opening: str = "[(") -> list[str]:
    """Items of a bracketed or bare comma list, quotes and brackets inside an item respected."""
    inner = text.strip()
    if inner[:1] and inner[0] in opening and inner.endswith(_BRACKETS[inner[0]]):
        inner = inner[1:-1].strip()
        if not inner:
            return []
    items = _split_outside(inner, ",")
    if len(items) > 1 and not items[-1].strip():  # a trailing comma, as in (1,)
        items.pop()
    if not all(item.strip() for item in items):
        raise ValueMismatch(text, "a list: an item is empty")
    return [_unquoted(item) for item in items]


def _split_outside(text: str, separator: str, limit: int = -1) -> list[str]:
    """Split at separators that are outside brackets and quotes."""
    parts, start, closing = [], 0, []
    for index, char in enumerate(text):
        if closing and char == closing[-1]:
            closing.pop()
        elif closing and closing[-1] in "'\"":
            continue
        elif char in _BRACKETS or char in "'\"":
            closing.append(_BRACKETS.get(char, char))
        elif char == separator and not closing and limit != len(parts):
            parts.append(text[start:index])
            start = index + 1
    return [*parts, text[start:]]


def _unquoted(item: str) -> str:
    """Text inside matching quotes as ``str`` (never None or a number), anything else as :class:`Plain`."""
    item = item.strip()
    if len(item) > 1 and item[0] == item[-1] and item[0] in "'\"":
        return item[1:-1]
    return Plain(item)

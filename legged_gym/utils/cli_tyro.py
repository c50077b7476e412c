"""What tyro does for the command line: fill dataclasses from named values, and print their help."""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import tyro
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from legged_gym.utils.config import TaskCfg
from legged_gym.utils.config_values import Plain, convert, describe, to_text

Filled = TypeVar("Filled")

_CONFIG = (tyro.conf.FlagConversionOff,)


def parse_dataclass(kind: type[Filled], values: Mapping[str, str], default: Filled | None = None) -> Filled:
    """A dataclass (tree) with the fields at the given dotted paths read from text, the others as in ``default``.

    The names and texts must have been checked: tyro ends the process on those it cannot use.
    """
    arguments = [f"--{path}={text}" for path, text in values.items()]
    options = {} if default is None else {"default": default}
    return tyro.cli(
        kind, args=arguments, registry=_registry(), use_underscores=True, config=_CONFIG, **options
    )


def print_help(args_type: type, args: Any = None, cfg: TaskCfg | None = None, description: str = "") -> None:
    """Print the flags and, when there is a configuration, its fields: grouped, with defaults and docstrings."""
    root: Any = args_type
    options = {}
    if cfg is not None:
        flags = tyro.conf.OmitArgPrefixes[args_type]
        groups = [("common", flags), ("env", type(cfg.env)), ("train", type(cfg.train))]
        root = dataclasses.make_dataclass("Help", groups)
        options = {"default": root(args, cfg.env, cfg.train)}
    try:
        tyro.cli(
            root,
            args=["--help"],
            description=description,
            registry=_registry(),
            use_underscores=True,
            config=_CONFIG,
            **options,
        )
    except SystemExit:
        return


def _registry() -> ConstructorRegistry:
    """Every field that is not a dataclass takes one argument, read by :func:`config_values.convert`."""
    registry = ConstructorRegistry()

    @registry.primitive_rule
    def _(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec | None:
        kind = info.type
        if dataclasses.is_dataclass(kind):
            return None
        return PrimitiveConstructorSpec(
            nargs=1,
            metavar=_metavar(kind),
            instance_from_str=lambda arguments: convert(Plain(arguments[0]), kind),
            is_instance=lambda value: True,
            str_from_instance=lambda value: [to_text(value)],
        )

    return registry


def _metavar(kind: Any) -> str:
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return "|".join(map(_metavar, typing.get_args(kind)))
    if typing.get_origin(kind) is typing.Literal or isinstance(kind, enum.EnumType):
        return describe(kind).removeprefix("one of ").replace(", ", "|")
    words = {bool: "True|False", int: "INT", float: "FLOAT", str: "TEXT", Path: "PATH", type(None): "None"}
    return words.get(kind) or ("{NAME: VALUE}" if typing.get_origin(kind) is dict else "[A, B]")

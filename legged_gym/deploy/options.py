"""The controller's command line, made of dataclasses: a field is an option, the line under it its help."""

from __future__ import annotations

import argparse
import ast
import dataclasses
import inspect
import textwrap
import types
import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from legged_gym.deploy.deploy_config import DeployCfg
from legged_gym.deploy.pilot import Drive
from legged_gym.deploy.policy import Runtime
from legged_gym.deploy.reference import AtEnd
from legged_gym.deploy.transport import REAL_DOMAIN, TransportKind
from legged_gym.utils.errors import ConfigError


@dataclass
class RunOptions:
    """Drive a G1, simulated unless told otherwise, with the policy of a bundle."""

    bundle: Path = Path("policy")
    """Folder of the bundle."""
    interface: str = "lo"
    """Network interface that reaches the robot; lo: this computer."""
    domain: int = 1
    """DDS domain of the robot; real robots are in 0."""
    transport: TransportKind = "cyclonedds"
    """Way to the bus: cyclonedds; far on ARM; unitree with Unitree's own SDK."""
    real: bool = False
    """Move a real robot; needed for domain 0, and asks for a word on the terminal."""
    dry_run: bool = False
    """Do everything but send commands."""
    shadow: bool = False
    """Run the policy all the time and send nothing, while somebody else moves the robot."""
    drive: Drive = "auto"
    """Who leads the policy: its clip or the joystick; auto: the joystick wherever the policy can do without a clip."""
    clip: str | None = None
    """Clip to follow; by default the bundle's first."""
    at_end: AtEnd = "stay"
    """At the clip's end: hold its last frame, or start again."""
    odometry: str | None = None
    """Where odometry arrives, udp:HOST:PORT, unix:PATH or dds:TOPIC."""
    height_map: str | None = None
    """Where height maps arrive; may be the same address."""
    runtime: Runtime = "onnx"
    """Runtime of the policy's network."""
    motion_switcher: Literal["release", "ignore"] = "release"
    """The robot's own controller: switch it off before the start, or take it for off."""
    realtime: bool = True
    """Run before ordinary programs, where the system allows it."""
    log_dir: Path | None = Path("ticks")
    """Folder of the tick logs, one file per run; none: no log."""

    def check(self) -> None:
        """Refuse options that do not go together.

        Raises:
            ConfigError: Names them and what is right.
        """
        if self.real != (self.domain == REAL_DOMAIN):
            raise ConfigError(
                f"--domain is {self.domain} {'with' if self.real else 'without'} --real; "
                f"real robots, and only they, are in domain {REAL_DOMAIN}"
            )
        if self.dry_run and self.shadow:
            raise ConfigError("--dry_run and --shadow: either one sends nothing; give one of them")


def parse_options(argv: Sequence[str], doc: str) -> tuple[RunOptions, DeployCfg]:
    """Options of the run, and limits, gains and times as ``--group.name``.

    Raises:
        ConfigError: An option has a value it cannot take.
    """
    options, cfg = RunOptions(), DeployCfg()
    wants_help = any(word in ("-h", "--help") for word in argv)
    parser = argparse.ArgumentParser(description=doc, allow_abbrev=False)
    fields = {name: (owner, field) for name, owner, field in _all_fields(options, cfg)}
    for name, (owner, field) in fields.items():
        text = _help_of(type(owner), field.name) if wants_help else None
        default = getattr(owner, field.name)
        kind = typing.get_type_hints(type(owner))[field.name]
        if kind is bool:
            parser.add_argument(f"--{name}", action=argparse.BooleanOptionalAction, help=text)
        else:
            text = f"{text} ({_shown(default)})".replace("%", "%%") if text else None
            parser.add_argument(f"--{name}", metavar=_metavar(kind), help=text)
    for name, value in vars(parser.parse_args(argv)).items():
        owner, field = fields[name]
        if value is not None:
            kind = typing.get_type_hints(type(owner))[field.name]
            setattr(owner, field.name, _converted(name, kind, value, getattr(owner, field.name)))
    options.check()
    cfg.check()
    return options, cfg


def _all_fields(options: RunOptions, cfg: DeployCfg) -> Iterator[tuple[str, Any, dataclasses.Field]]:
    for field in dataclasses.fields(options):
        yield field.name, options, field
    for group in dataclasses.fields(cfg):
        owner = getattr(cfg, group.name)
        for field in dataclasses.fields(owner):
            yield f"{group.name}.{field.name}", owner, field


def _converted(name: str, kind: Any, text: Any, before: Any) -> Any:
    """A word of the command line as a field's type wants it."""
    if isinstance(text, bool):
        return text
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:  # X | None
        return None if text.lower() == "none" else _converted(name, arguments[0], text, before)
    if origin is Literal:
        if text not in arguments:
            raise ConfigError(f"--{name} is {text!r}; it must be {' or '.join(arguments)}")
        return text
    if origin is dict:
        pairs = [entry.partition("=") for entry in text.split(",")]
        return before | {key: _number(name, value) for key, _, value in pairs}
    if kind is float:
        return _number(name, text)
    if kind is int and not text.lstrip("-").isdigit():
        raise ConfigError(f"--{name} is {text!r}; it must be a whole number")
    return kind(text)


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"--{name} is {text!r}; it must be a number") from None


def _metavar(kind: Any) -> str:
    if typing.get_origin(kind) is Literal:
        return "|".join(typing.get_args(kind))
    if typing.get_origin(kind) is dict:
        return "NAME=NUMBER,..."
    inner = typing.get_args(kind)[0] if typing.get_origin(kind) is types.UnionType else kind
    return {float: "NUMBER", int: "INT", Path: "PATH"}.get(inner, "TEXT")


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{key}={number:g}" for key, number in value.items())
    return str(value)


def _help_of(owner: type, field: str) -> str:
    """The docstring line under a field."""
    body = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0].body
    for line, following in pairwise(body):
        if isinstance(line, ast.AnnAssign) and line.target.id == field:
            return following.value.value
    raise AssertionError(f"{owner.__name__}.{field} has no docstring")

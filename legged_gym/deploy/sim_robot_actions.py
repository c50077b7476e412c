"""What people, schedules and tests can ask of the simulated robot, in words; see ``sim_robot_options.ACTIONS``."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass

from legged_gym.deploy.remote import NO_BUTTON, Button
from legged_gym.deploy.sim_robot_faults import FAULTS, READ_FIELDS, FaultOrder
from legged_gym.deploy.transport import NUM_SLOTS
from legged_gym.utils.errors import ConfigError

_PRESS_S = 0.2


@dataclass(frozen=True)
class Press:
    """Hold keys of the remote for a while."""

    buttons: Button
    seconds: float


@dataclass(frozen=True)
class Stick:
    """Move the sticks that are named."""

    places: dict[str, float]


@dataclass(frozen=True)
class Gantry:
    """hang at a clearance, m; lower by a distance, m; release."""

    what: str
    metres: float = 0.0


@dataclass(frozen=True)
class Plain:
    """An action without options: clear, reset, report."""

    what: str


Action = Press | Stick | Gantry | FaultOrder | Plain


def parse_action(text: str) -> Action:
    """What a line of words asks for.

    Raises:
        ConfigError: Nothing, or with a wrong option; lists what there is.
    """
    name, *words = shlex.split(text) or [""]
    if name in _PLAIN:
        _no_more(words, name)
        return Plain(name)
    if name not in _PARSERS:
        raise ConfigError(f"no action {name!r}; known: {', '.join((*_PARSERS, *_PLAIN))}")
    return _PARSERS[name](words)


def parse_schedule(entries: list[str]) -> list[tuple[float, str]]:
    """``SECONDS ACTION`` each -> seconds after the start and action, in order of time.

    Raises:
        ConfigError: An entry has no time, or no action.
    """
    pairs = [entry.strip().partition(" ")[::2] for entry in entries]
    for _, action in pairs:
        parse_action(action)
    return sorted((_number(seconds, "the time of an action"), action) for seconds, action in pairs)


def _press(words: list[str]) -> Press:
    options = _options(words[1:], ("for",))
    names = words[0].upper().split("+") if words else [""]
    held = NO_BUTTON
    for name in names:
        if name not in Button.__members__:
            raise ConfigError(f"press: no button {name!r}; known: {', '.join(Button.__members__)}")
        held |= Button[name]
    return Press(held, _number(options.get("for", str(_PRESS_S)), "for"))


def _stick(words: list[str]) -> Stick:
    options = _options(words, ("lx", "ly", "rx", "ry"))
    places = {key: _number(text, key) for key, text in options.items()}
    for key, value in places.items():
        if not -1.0 <= value <= 1.0:
            raise ConfigError(f"stick: {key} is {value:g}; it must be within -1 and 1")
    return Stick(places)


def _hang(words: list[str]) -> Gantry:
    _no_more(words[1:], "hang")
    return Gantry("hang", _number(words[0], "clearance") if words else 0.0)


def _lower(words: list[str]) -> Gantry:
    _no_more(words[1:], "lower")
    return Gantry("lower", _number("".join(words), "the distance to lower"))


def _release(words: list[str]) -> Gantry:
    _no_more(words, "release")
    return Gantry("release")


def _fault(words: list[str]) -> FaultOrder:
    name, *rest = words or [""]
    if name not in FAULTS:
        raise ConfigError(f"no fault {name!r}; known: {', '.join(FAULTS)}")
    options = _options(rest, ("size", "for", "slot", "field"))
    slot = _number(options.get("slot", "0"), "slot")
    if slot not in range(NUM_SLOTS):
        raise ConfigError(f"fault {name}: slot is {slot:g}; it must be 0 to {NUM_SLOTS - 1}")
    field = options.get("field", "")
    if name == "reads" and field not in READ_FIELDS:
        raise ConfigError(f"fault reads: no field {field!r}; known: {', '.join(READ_FIELDS)}")
    size = _number(options.get("size", str(FAULTS[name].size)), "size")
    return FaultOrder(name, size, int(slot), field, _number(options.get("for", "inf"), "for"))


_PARSERS: dict[str, Callable[[list[str]], Action]] = {
    "press": _press,
    "stick": _stick,
    "hang": _hang,
    "lower": _lower,
    "release": _release,
    "fault": _fault,
}
_PLAIN = ("clear", "reset", "report")


def _options(words: list[str], known: tuple[str, ...]) -> dict[str, str]:
    """``key=value`` words."""
    options = dict(word.partition("=")[::2] for word in words)
    for key in options:
        if key not in known:
            raise ConfigError(f"unknown option {key!r}; known: {', '.join(f'{name}=' for name in known)}")
    return options


def _number(text: str, what: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"{what} is {text!r}; it must be a number") from None


def _no_more(words: list[str], name: str) -> None:
    if words:
        raise ConfigError(f"{name}: unexpected {' '.join(words)!r}")

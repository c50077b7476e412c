"""The keys of a terminal as the remote and the gantry of a simulated robot."""

from __future__ import annotations

import os
import select
import sys

from legged_gym.utils.errors import ConfigError

HELP = """keys: w s  forward, back    a d  left, right    q e  turn    space  sticks to the middle
      1 START  2 SELECT  3 A  4 B  5 X  6 Y  0 L2+B (damp)
      r rope off    h rope on    j rope 2 cm down    p push    R reset"""
_STICKS = {
    "w": ("ly", 0.1),
    "s": ("ly", -0.1),
    "a": ("lx", -0.1),
    "d": ("lx", 0.1),
    "q": ("rx", -0.1),
    "e": ("rx", 0.1),
}
_ACTIONS = {
    "1": "press START",
    "2": "press SELECT",
    "3": "press A",
    "4": "press B",
    "5": "press X",
    "6": "press Y",
    "0": "press L2+B",
    "r": "release",
    "h": "hang",
    "j": "lower 0.02",
    "p": "fault push",
    "R": "reset",
}


class Keyboard:
    """Reads single keys without waiting for a line; ``close`` gives the terminal back as it was."""

    def __init__(self) -> None:
        """Take over standard input.

        Raises:
            ConfigError: It is no terminal.
        """
        import termios
        import tty

        if not sys.stdin.isatty():
            raise ConfigError("--keyboard: standard input is no terminal")
        self._file = sys.stdin.fileno()
        self._before = termios.tcgetattr(self._file)
        tty.setcbreak(self._file)
        self._sticks = {"lx": 0.0, "ly": 0.0, "rx": 0.0}
        print(HELP, file=sys.stderr)

    def actions(self) -> list[str]:
        """What the keys since the last look ask for; never blocks."""
        keys = ""
        while select.select([self._file], [], [], 0.0)[0]:
            keys += os.read(self._file, 64).decode(errors="ignore")
        return [action for key in keys if (action := self._action(key))]

    def close(self) -> None:
        """Give the terminal back."""
        import termios

        termios.tcsetattr(self._file, termios.TCSADRAIN, self._before)

    def _action(self, key: str) -> str | None:
        if key == " ":
            self._sticks = dict.fromkeys(self._sticks, 0.0)
        elif key in _STICKS:
            stick, change = _STICKS[key]
            self._sticks[stick] = round(min(1.0, max(-1.0, self._sticks[stick] + change)), 1)
        else:
            return _ACTIONS.get(key)
        return "stick " + " ".join(f"{stick}={value}" for stick, value in self._sticks.items())

"""Rewards, observations and terminations: one plain function of the environment per term, found by its name."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Sequence
from types import ModuleType

from legged_gym.utils.errors import ConfigError


def known_terms(module: ModuleType) -> dict[str, Callable]:
    """Every public function a terms module defines, by name."""
    return {
        name: function
        for name, function in vars(module).items()
        if inspect.isfunction(function)
        and function.__module__ == module.__name__
        and not name.startswith("_")
    }


def find_terms(module: ModuleType, names: Sequence[str], field: str) -> dict[str, Callable]:
    """The named functions of a terms module.

    Raises:
        ConfigError: A name does not exist; the message has the nearest one and the list of all.
    """
    known = known_terms(module)
    for name in names:
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
            raise ConfigError(f"{field}: no term {name!r}{hint} Known: {', '.join(sorted(known))}")
    return {name: known[name] for name in names}

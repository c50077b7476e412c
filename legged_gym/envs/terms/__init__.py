"""Rewards, observations and terminations: one plain function of the environment per term, found by its name.

`rewards`, `observations` and `terminations` hold what any legged robot has; `tracking_rewards`,
`reference_observations` and `tracking_terminations` what following a reference adds; `velocity_rewards` and
`velocity_observations` what following a commanded velocity adds.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TypeVar

from legged_gym.utils.errors import ConfigError

Term = TypeVar("Term", bound=Callable)


def cost(term: Term) -> Term:
    """Declare that a reward term measures something unwanted, so that a positive weight is told as an oversight."""
    term.is_cost = True
    return term


def known_terms(modules: Sequence[ModuleType]) -> dict[str, Callable]:
    """Every public function that terms modules define, by name."""
    return {
        name: function
        for module in modules
        for name, function in vars(module).items()
        if inspect.isfunction(function)
        and function.__module__ == module.__name__
        and not name.startswith("_")
    }


def find_terms(modules: Sequence[ModuleType], names: Sequence[str], field: str) -> dict[str, Callable]:
    """The named functions of terms modules.

    Raises:
        ConfigError: A name does not exist; the message has the nearest one and the list of all.
    """
    known = known_terms(modules)
    for name in names:
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
            raise ConfigError(f"{field}: no term {name!r}{hint} Known: {', '.join(sorted(known))}")
    return {name: known[name] for name in names}

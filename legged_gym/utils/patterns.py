"""Names that a configuration asks for by patterns."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatch

from legged_gym.utils.errors import ConfigError


def match_names(patterns: Sequence[str], names: Sequence[str], field: str, kind: str) -> list[str]:
    """The names that contain one of the patterns (``*`` and ``?`` are wildcards), in their own order.

    Args:
        patterns: What a field of the configuration says.
        names: What there is.
        field: The field, for the message.
        kind: What the names are of, for the message.

    Raises:
        ConfigError: A pattern matches nothing.
    """
    for pattern in patterns:
        if not any(fnmatch(name, f"*{pattern}*") for name in names):
            raise ConfigError(f"{field}: no {kind} matches {pattern!r}; the robot has {', '.join(names)}")
    return [name for name in names if any(fnmatch(name, f"*{pattern}*") for pattern in patterns)]

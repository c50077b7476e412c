"""Rewrites bundle descriptions of older schema versions into the present one. Standard library only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from legged_gym.bundle.schema import SCHEMA_VERSION
from legged_gym.utils.errors import RunError

Plain = dict[str, Any]


def upgraded(data: Mapping[str, Any], source: str) -> Mapping[str, Any]:
    """The same description in the present schema version.

    Args:
        data: Content of a ``bundle.yaml``, unchecked but for its having a ``schema_version``.
        source: Opens the message.

    Raises:
        RunError: The version is unknown.
    """
    while (version := data["schema_version"]) != SCHEMA_VERSION:
        if version not in UPGRADES:
            known = ", ".join(map(str, (*UPGRADES, SCHEMA_VERSION)))
            raise RunError(f"{source}: schema version {version!r}; this package reads {known}")
        data = UPGRADES[version](data)
    return data


def _from_1(data: Mapping[str, Any]) -> Plain:
    """Version 1 had neither scale nor clip of single terms. What is not as it should be is left to the parser."""
    data = dict(data, schema_version=2)
    observation = data.get("observation")
    if isinstance(observation, Mapping) and isinstance(observation.get("terms"), list):
        terms = [_with_shape(term) for term in observation["terms"]]
        data["observation"] = dict(observation, terms=terms)
    return data


def _from_2(data: Mapping[str, Any]) -> Plain:
    """Version 2 said neither where the anchor is nor what commands and maps were like."""
    data = dict(data, schema_version=3)
    tracking = data.get("tracking")
    if isinstance(tracking, Mapping) and "anchor_chain" not in tracking:
        data["tracking"] = dict(tracking, anchor_chain=None)
    if not {"velocity", "height_map"} & set(data):
        data |= {"velocity": None, "height_map": None}
    return data


def _with_shape(term: Any) -> Any:
    if not isinstance(term, Mapping) or {"scale", "clip"} & set(term):
        return term  # refused by the parser: one of the two is missing, or it is no term
    return dict(term, scale=1.0, clip=None)


UPGRADES: dict[Any, Callable[[Mapping[str, Any]], Plain]] = {1: _from_1, 2: _from_2}
"""Version -> what makes the next version of it."""

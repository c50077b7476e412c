"""Feet of other shapes, which envs may have in place of the model's own.

A simulation with variants holds the shapes of all of them, and in each env only those of one touch anything. They weigh
nothing: mass and inertia are the foot link's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import mujoco
import numpy as np

from legged_gym.utils.errors import RobotError

if TYPE_CHECKING:
    from mujoco import batch

OWN = "own"
"""The variant that is the model's own shapes."""
Shapes = Sequence[Mapping[str, Any]]
"""``type``, ``size`` and ``pos`` or ``fromto`` of each, as in MJCF, in the frame of a foot link."""

_PREFIX = "foot_variant"


def choose_variants(table: Mapping[str, Shapes], names: Sequence[str], robot: str) -> dict[str, Shapes]:
    """The named variants of a robot's feet in the order of the names; ``OWN`` has no shapes of its own.

    Raises:
        RobotError: No name, one twice, or one that the robot's table lacks.
    """
    known = {OWN: (), **table}
    if not names or len(set(names)) != len(names):
        raise RobotError(
            f"asset.foot_variants is {list(names)}; it must name one or more of {', '.join(known)}, each once"
        )
    for name in names:
        if name not in known:
            raise RobotError(
                f"asset.foot_variants: {robot!r} has no feet {name!r}; known: {', '.join(known)}"
            )
    return {name: known[name] for name in names}


def add_variants(spec: mujoco.MjSpec, feet: Sequence[str], variants: Mapping[str, Shapes]) -> None:
    """Give every foot the shapes of all variants; what is not said of them is as of the foot's own."""
    for foot in feet:
        body = spec.body(foot)
        own = next(geom for geom in body.geoms if geom.conaffinity)
        for name, shapes in variants.items():
            for number, shape in enumerate(shapes):
                geom = body.add_geom(
                    own.classname,
                    name=f"{_PREFIX}:{name}:{foot}:{number}",
                    contype=own.contype,
                    conaffinity=own.conaffinity,
                    type=getattr(mujoco.mjtGeom, f"mjGEOM_{shape['type'].upper()}"),
                    size=(*shape["size"], 0.0, 0.0)[:3],
                )
                for key in ("pos", "fromto"):
                    if key in shape:
                        setattr(geom, key, shape[key])


class FootSwitch:
    """Which variant of its feet each simulation of a batch has."""

    def __init__(self, model: mujoco.MjModel, feet: Sequence[str], variants: Sequence[str]) -> None:
        """Find the shapes of every variant in a model that holds all of them."""
        bodies = [model.body(foot).id for foot in feet]
        touching = np.isin(model.geom_bodyid, bodies) & (model.geom_conaffinity != 0)
        self.geoms = np.flatnonzero(touching)
        """Shapes of all variants."""
        self.variant = np.array([_variant_of(model.geom(geom).name, variants) for geom in self.geoms])
        self._bits = {
            field: getattr(model, field)[self.geoms] for field in ("geom_contype", "geom_conaffinity")
        }

    def read(self, conaffinity: np.ndarray) -> np.ndarray:
        """Index of the variant of each simulation, (N,), from the bits of all shapes (N, geoms)."""
        return self.variant[np.argmax(conaffinity[:, self.geoms] != 0, axis=1)]

    def write(self, sims: batch.Batch, rows: np.ndarray, chosen: np.ndarray) -> None:
        """Let simulations (n,) have the variants with indices (n,)."""
        shown = self.variant == chosen[:, None]  # (n, shapes)
        for field, bits in self._bits.items():
            sims.expand(field)[np.ix_(rows, self.geoms)] = np.where(shown, bits, 0)


def _variant_of(geom: str, variants: Sequence[str]) -> int:
    """Index of the variant a foot's shape belongs to; -1: none that is drawn."""
    name = geom.split(":")[1] if geom.startswith(f"{_PREFIX}:") else OWN
    return variants.index(name) if name in variants else -1

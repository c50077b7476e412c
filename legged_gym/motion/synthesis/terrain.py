"""Ground made of blocks: its height, its tilt, and its mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_GROUND_BOTTOM, _BLOCK_BOTTOM = -0.2, -0.05
"""Height of the undersides of the level ground and of the first block, m: a block is sunk into the ground."""
_APART = 0.001
"""Each further block reaches so much deeper, m. Solids that share no vertex stay closed when vertices are merged."""
_REACH = 1e-3
"""Distance over which the tilt is measured, m."""


@dataclass(frozen=True)
class Block:
    """A solid on a rectangle of the ground, with vertical sides and a top that is level or rises along x."""

    name: str
    x: tuple[float, float]
    """First and last, m."""
    y: tuple[float, float]
    top: tuple[float, float]
    """Height at the first and at the last x, m."""

    def height(self, xy: np.ndarray) -> np.ndarray:
        """Height of the top; minus infinity beside the block. (..., 2) -> (...)."""
        x, y = xy[..., 0], xy[..., 1]
        inside = (x >= self.x[0]) & (x <= self.x[1]) & (y >= self.y[0]) & (y <= self.y[1])
        top = self.top[0] + (x - self.x[0]) / (self.x[1] - self.x[0]) * (self.top[1] - self.top[0])
        return np.where(inside, top, -np.inf)

    def corners(self, bottom: float) -> np.ndarray:
        """(8, 3) vertices: the underside, at height `bottom`, counter-clockwise seen from above, then the top."""
        (x0, x1), (y0, y1), (z0, z1) = self.x, self.y, self.top
        rectangle = ((x0, y0, z0), (x1, y0, z1), (x1, y1, z1), (x0, y1, z0))
        return np.array([(x, y, bottom) for x, y, _ in rectangle] + list(rectangle))


_FACES = np.array(
    [(0, 2, 1), (0, 3, 2), (4, 5, 6), (4, 6, 7)]  # underside, top
    + [
        triangle
        for a, b in ((0, 1), (1, 2), (2, 3), (3, 0))
        for triangle in ((a, b, b + 4), (a, b + 4, a + 4))
    ]
)
"""(12, 3) triangles of a block, counter-clockwise seen from outside."""


@dataclass(frozen=True)
class Terrain:
    """Ground at height 0 as far as the eye sees, with blocks on it."""

    blocks: tuple[Block, ...] = ()

    def height(self, xy: np.ndarray) -> np.ndarray:
        """Height of the ground, m. (..., 2) -> (...)."""
        return np.max([np.zeros(xy.shape[:-1]), *(block.height(xy) for block in self.blocks)], axis=0)

    def normal(self, xy: np.ndarray) -> np.ndarray:
        """(3,) unit normal at xy (2,), away from edges."""
        ahead, left = (
            (self.height(xy + shift) - self.height(xy - shift)) / (2.0 * _REACH)
            for shift in _REACH * np.eye(2)
        )
        normal = np.array([-ahead, -left, 1.0])
        return normal / np.linalg.norm(normal)


LEVEL = Terrain()


def obj_text(terrain: Terrain, around: float = 3.0) -> str:
    """Wavefront OBJ of the blocks and of a slab of level ground that reaches `around` metres past them and the origin.

    Every solid is closed and convex and an object of its own, so that physics engines can take them as they are.
    """
    corners = np.array([(x, y) for block in terrain.blocks for x in block.x for y in block.y] + [(0.0, 0.0)])
    (x0, y0), (x1, y1) = corners.min(axis=0) - around, corners.max(axis=0) + around
    slab = Block("ground", (float(x0), float(x1)), (float(y0), float(y1)), (0.0, 0.0))
    lines = ["# metres, z up"]
    bottoms = [_GROUND_BOTTOM, *(_BLOCK_BOTTOM - _APART * number for number in range(len(terrain.blocks)))]
    for number, (block, bottom) in enumerate(zip((slab, *terrain.blocks), bottoms, strict=True)):
        lines.append(f"o {block.name}")
        lines += [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in block.corners(bottom)]
        lines += [f"f {a} {b} {c}" for a, b, c in _FACES + 8 * number + 1]
    return "\n".join(lines) + "\n"

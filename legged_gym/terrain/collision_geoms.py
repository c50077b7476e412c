"""Tiles as static geometry of a MuJoCo model."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from legged_gym.terrain.boxes import Box
from legged_gym.terrain.geometry import TileGeometry
from legged_gym.terrain.raster import HeightRaster

APRON_THICKNESS_M = 0.5
_HFIELD_BASE_M = 0.5
"""Height fields are solid down to so far below their lowest point."""
_FLEX_BIT = 2
"""MuJoCo refuses contacts between a static flex and other static geometry, so meshes have a collision bit that only
moving bodies answer to."""
_GEOM = mujoco.mjtGeom


@dataclass(frozen=True, eq=False)
class PlacedTile:
    """A tile and where it is."""

    name: str
    """Short and unique; its geoms are named after it."""
    geometry: TileGeometry
    offset: np.ndarray
    """(3,) clip frame to world, m."""
    rectangle: np.ndarray
    """(2, 2) lowest and highest x and y of its ground with the apron, in the clip's frame, m."""


class TerrainGeoms:
    """Adds tiles to a model, all with the same friction."""

    def __init__(self, spec: mujoco.MjSpec, friction: float | None) -> None:
        """`friction` None leaves it to the robot's geoms."""
        self._spec = spec
        self._surface = {} if friction is None else {"friction": [friction, 0.005, 0.0001], "priority": 2}
        self._assets: dict[int, str] = {}
        self._meets_flexes = False
        self.num_geoms = 0
        """Geoms added so far."""

    def add_plane(self, name: str, height: float) -> None:
        """Ground without end."""
        self._spec.worldbody.add_geom(
            name=name, type=_GEOM.mjGEOM_PLANE, size=[0.0, 0.0, 1.0], pos=[0.0, 0.0, height], **self._surface
        )

    def add(self, tile: PlacedTile) -> None:
        """A tile with its apron."""
        for index, box in enumerate(_boxes(tile)):
            self.num_geoms += 1
            self._spec.worldbody.add_geom(
                name=f"{tile.name}_{index}",
                type=_GEOM.mjGEOM_BOX,
                pos=box.pos + tile.offset,
                quat=box.quat_wxyz,
                size=box.half_size,
                **self._surface,
            )
        self.num_geoms += tile.geometry.kind in ("heightfield", "mesh")
        if tile.geometry.heightfield is not None:
            self._add_heightfield(tile, tile.geometry.heightfield)
        if tile.geometry.mesh is not None:
            self._add_mesh(tile, *tile.geometry.mesh)

    def _add_heightfield(self, tile: PlacedTile, raster: HeightRaster) -> None:
        heights = raster.heights
        lowest, highest = float(heights.min()), float(heights.max())
        half = (raster.high - raster.low) / 2.0
        if id(tile.geometry) not in self._assets:  # copies share it
            self._assets[id(tile.geometry)] = tile.name
            asset = self._spec.add_hfield(
                name=tile.name,
                nrow=heights.shape[0],
                ncol=heights.shape[1],
                size=[*half, max(highest - lowest, 1e-3), _HFIELD_BASE_M],
            )
            asset.userdata = heights.ravel()
        self._spec.worldbody.add_geom(
            name=tile.name,
            type=_GEOM.mjGEOM_HFIELD,
            hfieldname=self._assets[id(tile.geometry)],
            pos=np.append(raster.low + half, lowest) + tile.offset,
            **self._surface,
        )

    def _add_mesh(self, tile: PlacedTile, vertices: np.ndarray, faces: np.ndarray) -> None:
        """A rigid flex, which collides as it is, and a mesh for rays and pictures, which do not see a flex."""
        self._let_robot_meet_flexes()
        self._spec.add_flex(
            name=tile.name,
            dim=2,
            vertbody=["world"],
            vert=(vertices + tile.offset).ravel().tolist(),
            elem=faces.ravel().tolist(),
            radius=0.0,  # the default would raise the ground by 5 mm
            contype=_FLEX_BIT,
            conaffinity=0,
            **self._surface,
        )
        if id(tile.geometry) not in self._assets:
            self._assets[id(tile.geometry)] = tile.name
            self._spec.add_mesh(
                name=tile.name,
                uservert=vertices.ravel().tolist(),
                userface=faces.ravel().tolist(),
                inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL,
            )
        self._spec.worldbody.add_geom(
            name=f"{tile.name}_seen",
            type=_GEOM.mjGEOM_MESH,
            meshname=self._assets[id(tile.geometry)],
            pos=tile.offset,
            contype=0,
            conaffinity=0,
        )

    def _let_robot_meet_flexes(self) -> None:
        if self._meets_flexes:
            return
        self._meets_flexes = True
        for geom in self._spec.geoms:
            if geom.parent.name != "world" and (geom.contype or geom.conaffinity):
                geom.conaffinity |= _FLEX_BIT


def _boxes(tile: PlacedTile) -> list[Box]:
    """A tile's boxes and its apron.

    Every static geom costs time in every step (13 ns), so a box that is all of the ground is made larger instead of
    putting four others around it.
    """
    boxes = list(tile.geometry.boxes)
    for index, box in enumerate(boxes):
        if _is_whole_ground(box, tile.geometry):
            low, high = tile.rectangle
            bottom, top = box.pos[2] - box.half_size[2], box.pos[2] + box.half_size[2]
            boxes[index] = Box.upright((*low, bottom), (*high, top))
            return boxes
    return boxes + _apron(tile)


def _is_whole_ground(box: Box, geometry: TileGeometry) -> bool:
    """Whether a box is upright, lies under all of a tile, and its top is the ground level."""
    (low, high), half = geometry.bounds, box.half_size
    return (
        abs(box.quat_wxyz[0]) > 1.0 - 1e-9
        and bool((np.abs(box.pos[:2] - half[:2] - low[:2]) < 1e-3).all())
        and bool((np.abs(box.pos[:2] + half[:2] - high[:2]) < 1e-3).all())
        and abs(box.pos[2] + half[2] - geometry.ground_level) < 1e-4
    )


def _apron(tile: PlacedTile) -> list[Box]:
    """Level boxes around a tile, or under all of it where it has no ground of its own everywhere.

    A height field has its apron in itself: a hundred more boxes would make every step slower.
    """
    geometry = tile.geometry
    low, high = tile.rectangle
    top = geometry.ground_level
    bottom = top - APRON_THICKNESS_M
    if geometry.kind == "heightfield":
        return []
    if geometry.kind == "flat" or not geometry.covered:
        return [Box.upright((*low, bottom), (*high, top))]
    a, b = geometry.bounds[:, :2]
    strips = (
        ((low[0], low[1]), (high[0], a[1])),
        ((low[0], b[1]), (high[0], high[1])),
        ((low[0], a[1]), (a[0], b[1])),
        ((b[0], a[1]), (high[0], b[1])),
    )
    return [
        Box.upright((*start, bottom), (*stop, top))
        for start, stop in strips
        if stop[0] - start[0] > 1e-6 and stop[1] - start[1] > 1e-6
    ]

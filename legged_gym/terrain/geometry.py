"""What a robot collides with on one terrain, in the frame of its mesh, and how exact it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from scipy.ndimage import distance_transform_edt

from legged_gym.terrain.boxes import Box, boxes_as_triangles, connected_boxes
from legged_gym.terrain.overhang import has_overhang
from legged_gym.terrain.raster import MOST_POINTS, HeightRaster, grid_shape, rasterise
from legged_gym.terrain.steps import step_boxes
from legged_gym.utils.errors import ConfigError, TerrainError

if TYPE_CHECKING:
    import trimesh

Collision = Literal["auto", "heightfield", "boxes", "mesh"]

MOST_MESH_FACES = 1000
"""All triangles of a flex are refreshed in every physics substep: 700 cost 40 % of a step on a plane, 7 000 280 %."""
MOST_AUTO_MESH_FACES = 500
MEAN_ERROR_M, P95_ERROR_M = 0.005, 0.02
"""A height field takes the largest cells of 8, 6 or 4 cm whose error stays below these; the last if none does."""
SCAN_CELL_M = 0.04
"""Cells of the raster that stands for boxes and meshes in height scans."""
_FINE_CELL_M = 0.02
_MOST_FINE_POINTS = 4_000_000
_STEEP_NORMAL_Z = 0.2
_STEEP_SHARE = 0.03
"""A mesh with so much of its surface upright has risers that a height field would turn into ramps."""


@dataclass(frozen=True, eq=False)
class TileGeometry:
    """One terrain in its clip's frame."""

    kind: Literal["flat", "boxes", "heightfield", "mesh"]
    """What collides; flat: nothing but the ground level around it."""
    raster: HeightRaster
    """Heights of the surface, without NaN: what scans see, and what collides if `kind` is heightfield."""
    bounds: np.ndarray
    """(2, 3) lowest and highest corner, m."""
    ground_level: float
    """Height of the ground around it, and within it where there is no surface, m."""
    covered: bool
    """Whether there is a surface everywhere within the bounds."""
    max_error_m: float
    """Largest vertical distance between the collision surface and the mesh where measured (between grid points)."""
    mean_error_m: float
    """Mean of the same."""
    boxes: tuple[Box, ...] = ()
    """The boxes if `kind` is boxes."""
    mesh: tuple[np.ndarray, np.ndarray] | None = None
    """Vertices (V, 3) and triangles (F, 3) if `kind` is mesh."""

    @property
    def heightfield(self) -> HeightRaster | None:
        """The raster if it is what collides."""
        return self.raster if self.kind == "heightfield" else None

    def surface(self) -> tuple[np.ndarray, np.ndarray]:
        """Vertices (V, 3) and triangles (F, 3) of what collides, for pictures."""
        if self.boxes:
            return boxes_as_triangles(list(self.boxes))
        if self.mesh is not None:
            return self.mesh
        xy = self.raster.points()
        vertices = np.concatenate((xy, self.raster.heights[..., None]), axis=-1).reshape(-1, 3)
        ny, nx = self.raster.heights.shape
        corner = (np.arange(ny - 1)[:, None] * nx + np.arange(nx - 1)).ravel()
        lower = np.stack((corner, corner + 1, corner + nx + 1), axis=1)
        upper = np.stack((corner, corner + nx + 1, corner + nx), axis=1)
        return vertices, np.concatenate((lower, upper))

    def summary(self) -> str:
        """One line: what it became and how exact that is."""
        size = self.bounds[1] - self.bounds[0]
        what = {
            "flat": "flat",
            "boxes": f"{len(self.boxes)} boxes",
            "heightfield": f"height field of {100 * self.raster.cell:.3g} cm cells",
            "mesh": f"mesh of {0 if self.mesh is None else len(self.mesh[1])} triangles",
        }[self.kind]
        return (
            f"{size[0]:.1f} x {size[1]:.1f} m, {what}, off by {1000 * self.mean_error_m:.3g} mm in the mean, "
            f"{1000 * self.max_error_m:.3g} mm at most"
        )


def make_geometry(
    mesh: trimesh.Trimesh, collision: Collision = "auto", cell: float | None = None
) -> TileGeometry:
    """Collision geometry for a mesh.

    `auto` takes boxes where the mesh is made of boxes or level steps, the mesh itself where it is small and has
    overhangs or risers, and a height field otherwise.

    Args:
        mesh: as from `load_mesh`.
        collision: what to make.
        cell: of height field and raster, m; None: 4 to 8 cm by the error for a height field, 4 cm for the raster.

    Raises:
        TerrainError: the mesh is not made of boxes, or has too many triangles for a mesh.
        ConfigError: an option has a value it cannot have.
    """
    if collision not in get_args(Collision):
        raise ConfigError(f"terrain.collision: is {collision!r}; known: {', '.join(get_args(Collision))}")
    if cell is not None and not 0.0 < cell <= 1.0:
        raise ConfigError(f"terrain.horizontal_scale: is {cell}; cells are above 0 and up to 1 m")
    if collision in ("auto", "boxes"):
        found = _boxes(mesh, collision)
        if found is not None:
            return replace(_exact_tile(mesh, cell, "boxes", found[1]), boxes=tuple(found[0]))
        if collision == "boxes":
            raise TerrainError("is not made of boxes or level steps; collision = auto takes what fits")
    if collision == "mesh" or (collision == "auto" and _needs_mesh(mesh)):
        if len(mesh.faces) > MOST_MESH_FACES:
            raise TerrainError(
                f"has {len(mesh.faces)} triangles, too slow to collide with as a mesh (most {MOST_MESH_FACES}); "
                "simplify it, or use collision = heightfield"
            )
        triangles = np.array(mesh.vertices), np.array(mesh.faces)
        return replace(_exact_tile(mesh, cell, "mesh", 0.0), mesh=triangles)
    return _heightfield_tile(mesh, cell)


def box_tile(boxes: list[Box], cell: float) -> TileGeometry:
    """A tile of given boxes; the ground goes on at the height of its rim."""
    import trimesh

    mesh = trimesh.Trimesh(*boxes_as_triangles(boxes), process=False)
    tile = _exact_tile(mesh, cell, "boxes", 0.0)
    return replace(tile, boxes=tuple(boxes), ground_level=_rim_level(tile.raster.heights))


def raster_tile(raster: HeightRaster) -> TileGeometry:
    """A tile of given heights, without NaN; the ground goes on at the height of its rim."""
    heights = raster.heights
    bounds = np.array([[*raster.low, heights.min()], [*raster.high, heights.max()]])
    return TileGeometry("heightfield", raster, bounds, _rim_level(heights), True, 0.0, 0.0)


def padded(tile: TileGeometry, low: np.ndarray, high: np.ndarray) -> TileGeometry:
    """A height field that reaches at least from low to high (2,) m, by its ground level."""
    raster = tile.raster
    before = np.maximum(np.ceil((raster.low - low) / raster.cell - 1e-6), 0).astype(int)
    after = np.maximum(np.ceil((high - raster.high) / raster.cell - 1e-6), 0).astype(int)
    x0, y0 = raster.low - before * raster.cell
    width = ((before[1], after[1]), (before[0], after[0]))
    heights = np.pad(raster.heights, width, constant_values=tile.ground_level)
    return replace(tile, raster=HeightRaster(heights, float(x0), float(y0), raster.cell))


def flat_tile(low: np.ndarray, high: np.ndarray) -> TileGeometry:
    """Ground at z = 0 that reaches from low to high (2,)."""
    raster = HeightRaster(np.zeros((2, 2), np.float32), float(low[0]), float(low[1]), 1.0)
    bounds = np.array([[*low, 0.0], [*high, 0.0]])
    return TileGeometry("flat", raster, bounds, 0.0, False, 0.0, 0.0)


def _boxes(mesh: trimesh.Trimesh, collision: Collision) -> tuple[list[Box], float] | None:
    """Boxes and their largest error, m; steps with overhangs only if boxes are asked for."""
    found = connected_boxes(mesh)
    if found is not None:
        return found
    if collision == "auto" and has_overhang(mesh):
        return None
    steps = step_boxes(mesh)
    return None if steps is None else (steps, 0.0)


def _needs_mesh(mesh: trimesh.Trimesh) -> bool:
    if len(mesh.faces) > MOST_AUTO_MESH_FACES:
        return False
    corners = mesh.vertices[mesh.faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(normal, axis=1)
    # What stands at the rim of the whole is the tile's end, not a riser in it.
    low, high = mesh.bounds[:, :2]
    at_rim = (
        (np.abs(corners[..., :2, None] - np.stack((low, high), axis=-1)) < 1e-3).all(axis=1).any(axis=(1, 2))
    )
    steep = (np.abs(normal[:, 2]) < _STEEP_NORMAL_Z * area) & ~at_rim
    return bool(area[steep].sum() > _STEEP_SHARE * area.sum()) or has_overhang(mesh)


def _exact_tile(
    mesh: trimesh.Trimesh, cell: float | None, kind: Literal["boxes", "mesh"], error: float
) -> TileGeometry:
    """Boxes and triangles collide as they are; their raster is for scans only."""
    cell = cell or max(SCAN_CELL_M, _coarsest(mesh))
    raster, level, covered = _filled(mesh, rasterise(mesh, cell))
    return TileGeometry(kind, raster, np.array(mesh.bounds), level, covered, error, error)


def _heightfield_tile(mesh: trimesh.Trimesh, cell: float | None) -> TileGeometry:
    """One fine raster serves for all sizes of cells: what lies between the points taken measures the error."""
    if cell is None:
        fine_cell, strides = max(_FINE_CELL_M, _coarsest(mesh)), (4, 3, 2)
    else:
        fine_cell, strides = cell / 2.0, (2,)
        ny, nx = grid_shape(*mesh.bounds[:, :2], fine_cell)
        if nx * ny > MOST_POINTS:  # too fine for that: as asked for, and an error of its own points
            fine_cell, strides = cell, (1,)
    fine, level, covered = _filled(mesh, rasterise(mesh, fine_cell))
    for stride in strides:
        raster = _every(fine, stride)
        error = _errors(fine, raster, stride)
        if error.mean() <= MEAN_ERROR_M and np.quantile(error, 0.95) <= P95_ERROR_M:
            break
    return TileGeometry(
        "heightfield",
        raster,
        np.array(mesh.bounds),
        level,
        covered,
        float(error.max()),
        float(error.mean()),
    )


def _coarsest(mesh: trimesh.Trimesh) -> float:
    """Cell at which the mesh's ground plan has the most points that a fine raster may have, m."""
    return float(np.sqrt(np.prod(mesh.bounds[1, :2] - mesh.bounds[0, :2]) / _MOST_FINE_POINTS))


def _every(fine: HeightRaster, stride: int) -> HeightRaster:
    """Each stride-th row and column, and where they do not come out even one more, which goes on as the last ones."""
    heights = _every_row(fine.heights, stride, fine.cell)
    heights = _every_row(heights.T, stride, fine.cell).T
    return HeightRaster(np.ascontiguousarray(heights), fine.x0, fine.y0, fine.cell * stride)


def _every_row(heights: np.ndarray, stride: int, cell: float) -> np.ndarray:
    taken = heights[::stride]
    rest = (len(heights) - 1) % stride
    if rest == 0:
        return taken
    last = heights[-1]
    steepest = (stride - rest) * cell  # 45 degrees: a riser must not become a spike
    further = np.clip((last - taken[-1]) * (stride - rest) / rest, -steepest, steepest)
    return np.concatenate((taken, (last + further)[None]))


def _errors(fine: HeightRaster, raster: HeightRaster, stride: int) -> np.ndarray:
    """Vertical distances at the fine points that the raster has not, m."""
    ny, nx = fine.heights.shape
    between = (np.arange(ny)[:, None] % stride != 0) | (np.arange(nx) % stride != 0)
    if not between.any():
        return np.zeros(1)
    return np.abs(raster.at(fine.points()[between]) - fine.heights[between])


def _filled(mesh: trimesh.Trimesh, raster: HeightRaster) -> tuple[HeightRaster, float, bool]:
    """The raster without NaN, the ground level, and whether there was a surface everywhere.

    Solids stand on the ground at z = 0 if that is within their height: there the ground is between them. A surface
    goes on at the height of its rim, and holes in it are closed with the nearest height.
    """
    heights = raster.heights.copy()
    low, high = mesh.bounds
    missing = np.isnan(heights)
    if missing.all():
        raise TerrainError("has no face that is not upright: there is nothing to stand on")
    solid = len(mesh.faces) <= 300_000 and mesh.is_watertight
    if solid and low[2] - 1e-3 <= 0.0 <= high[2] + 1e-3:
        level = 0.0
        heights[missing] = level
    else:
        level = _rim_level(heights)
        if missing.any():
            nearest = distance_transform_edt(missing, return_distances=False, return_indices=True)
            heights = heights[tuple(nearest)]
    return HeightRaster(heights, raster.x0, raster.y0, raster.cell), level, not missing.any()


def _rim_level(heights: np.ndarray) -> float:
    """Median height along the rim of a raster, or of all of it where the rim has none, m."""
    rim = np.concatenate((heights[0], heights[-1], heights[:, 0], heights[:, -1]))
    return float(np.nanmedian(rim if np.isfinite(rim).any() else heights))

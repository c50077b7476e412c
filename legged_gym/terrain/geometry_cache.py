"""Finished collision geometry on disk, so that hundreds of meshes load in seconds after the first time.

An entry depends on the mesh file's bytes, the options, the code that makes it and the versions of its libraries.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np
import scipy

from legged_gym.terrain.boxes import Box
from legged_gym.terrain.geometry import Collision, TileGeometry, make_geometry
from legged_gym.terrain.mesh_file import load_mesh
from legged_gym.terrain.raster import HeightRaster
from legged_gym.utils.array_cache import ArrayCache, Arrays, code_digest, digest
from legged_gym.utils.errors import TerrainError

_MODULES = "boxes geometry geometry_cache mesh_file mesh_ground overhang raster steps topology"  # what makes an entry
_IN_SEVERAL_FILES = (".gltf",)  # their bytes do not say what they hold


def mesh_geometry(path: Path, collision: Collision, cell: float | None, cache: ArrayCache) -> TileGeometry:
    """Collision geometry of a mesh file, made now if the cache lacks it.

    Args:
        path: the mesh.
        collision: what to make of it.
        cell: of height fields, m; None: chosen.
        cache: where entries are kept.

    Raises:
        TerrainError: the file is no terrain, or cannot become what is asked for.
    """
    if path.suffix.lower() in _IN_SEVERAL_FILES or not path.is_file():
        return _made(path, collision, cell)
    key = digest(_code_digest(), collision, cell, path.suffix, path.read_bytes())
    return _tile(cache.get(key, lambda: _arrays(_made(path, collision, cell))))


def _made(path: Path, collision: Collision, cell: float | None) -> TileGeometry:
    mesh = load_mesh(path)
    try:
        return make_geometry(mesh, collision, cell)
    except TerrainError as error:
        raise TerrainError(f"{path}: {error}") from None


@functools.cache
def _code_digest() -> str:
    import trimesh

    room = Path(__file__).resolve().parent
    files = [room / f"{module}.py" for module in _MODULES.split()]
    return code_digest(files, np.__version__, scipy.__version__, trimesh.__version__)


def _tile(entry: Arrays) -> TileGeometry:
    about = json.loads(str(entry["about"]))
    raster = HeightRaster(entry["heights"], *about.pop("grid"))
    boxes = tuple(Box(row[:3], row[3:7], row[7:]) for row in entry["boxes"])
    mesh = (entry["vertices"], entry["faces"]) if about["kind"] == "mesh" else None
    return TileGeometry(raster=raster, bounds=entry["bounds"], boxes=boxes, mesh=mesh, **about)


def _arrays(tile: TileGeometry) -> Arrays:
    names = ("kind", "ground_level", "covered", "max_error_m", "mean_error_m")
    about = {name: getattr(tile, name) for name in names}
    about["grid"] = (tile.raster.x0, tile.raster.y0, tile.raster.cell)
    boxes = [np.concatenate((box.pos, box.quat_wxyz, box.half_size)) for box in tile.boxes]
    vertices, faces = tile.mesh if tile.mesh is not None else (np.zeros((0, 3)), np.zeros((0, 3), int))
    return {
        "about": np.array(json.dumps(about)),
        "heights": tile.raster.heights,
        "bounds": np.asarray(tile.bounds),
        "boxes": np.array(boxes).reshape(-1, 10),
        "vertices": vertices,
        "faces": faces,
    }

"""Finished collision geometry on disk, so that hundreds of meshes load in seconds after the first time.

An entry is a numpy archive named by a digest of all it depends on: the mesh file's bytes, the options, the code of
this room and the versions of its libraries. Nothing can be stale; entries not used in a month are removed.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import logging
import os
import time
import zipfile
import zlib
from pathlib import Path

import numpy as np
import scipy

from legged_gym.terrain.boxes import Box
from legged_gym.terrain.geometry import Collision, TileGeometry, make_geometry
from legged_gym.terrain.mesh_file import load_mesh
from legged_gym.terrain.raster import HeightRaster
from legged_gym.utils.errors import RunError, TerrainError
from legged_gym.utils.paths import write_atomically

logger = logging.getLogger(__name__)

KEEP_S = 30 * 24 * 3600.0
"""Entries that were not used for so long are removed, s."""
_MODULES = "boxes geometry geometry_cache mesh_file mesh_ground overhang raster steps topology"  # what makes an entry
_IN_SEVERAL_FILES = (".gltf",)  # their bytes do not say what they hold


def default_folder() -> Path:
    """Where entries are unless told otherwise: below XDG_CACHE_HOME, or ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "videomimic_gym" / "terrain"


def mesh_geometry(
    path: Path, collision: Collision, cell: float | None, folder: Path | None
) -> tuple[TileGeometry, bool]:
    """Collision geometry of a mesh file, and whether it was found in the cache.

    Args:
        path: the mesh.
        collision: what to make of it.
        cell: of height fields, m; None: chosen.
        folder: of the cache; None: nothing is kept.

    Raises:
        TerrainError: the file is no terrain, or cannot become what is asked for.
    """
    if folder is None or path.suffix.lower() in _IN_SEVERAL_FILES or not path.is_file():
        return _made(path, collision, cell), False
    entry = folder / f"{_digest(path, collision, cell)}.npz"
    found = _read(entry)
    if found is not None:
        return found, True
    made = _made(path, collision, cell)
    _write(entry, made)
    return made, False


def remove_old(folder: Path) -> None:
    """Remove what was not used for KEEP_S."""
    oldest = time.time() - KEEP_S
    for entry in folder.glob("*"):
        with contextlib.suppress(OSError):  # another process was faster
            if entry.stat().st_mtime < oldest:
                entry.unlink()


def _made(path: Path, collision: Collision, cell: float | None) -> TileGeometry:
    mesh = load_mesh(path)
    try:
        return make_geometry(mesh, collision, cell)
    except TerrainError as error:
        raise TerrainError(f"{path}: {error}") from None


def _digest(path: Path, collision: Collision, cell: float | None) -> str:
    sha = hashlib.sha256(f"{_code_digest()} {collision} {cell} {path.suffix}".encode())
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            sha.update(block)
    return sha.hexdigest()[:32]


@functools.cache
def _code_digest() -> str:
    import trimesh

    room = Path(__file__).resolve().parent
    sha = hashlib.sha256(f"{np.__version__} {scipy.__version__} {trimesh.__version__}".encode())
    for module in _MODULES.split():
        sha.update((room / f"{module}.py").read_bytes())
    return sha.hexdigest()


def _read(entry: Path) -> TileGeometry | None:
    """An entry, marked as used now; None where there is none or it is damaged."""
    try:
        with np.load(entry, allow_pickle=False) as archive:
            about = json.loads(str(archive["about"]))
            raster = HeightRaster(archive["heights"], *about.pop("grid"))
            boxes = tuple(Box(row[:3], row[3:7], row[7:]) for row in archive["boxes"])
            mesh = (archive["vertices"], archive["faces"]) if about["kind"] == "mesh" else None
            tile = TileGeometry(raster=raster, bounds=archive["bounds"], boxes=boxes, mesh=mesh, **about)
        os.utime(entry)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
    return tile


def _write(entry: Path, tile: TileGeometry) -> None:
    names = ("kind", "ground_level", "covered", "max_error_m", "mean_error_m")
    about = {name: getattr(tile, name) for name in names}
    about["grid"] = (tile.raster.x0, tile.raster.y0, tile.raster.cell)
    boxes = [np.concatenate((box.pos, box.quat_wxyz, box.half_size)) for box in tile.boxes]
    vertices, faces = tile.mesh if tile.mesh is not None else (np.zeros((0, 3)), np.zeros((0, 3), int))

    def save(partial: Path) -> None:
        with open(partial, "wb") as stream:
            np.savez(
                stream,
                about=np.str_(json.dumps(about)),
                heights=tile.raster.heights,
                bounds=tile.bounds,
                boxes=np.array(boxes).reshape(-1, 10),
                vertices=vertices,
                faces=faces,
            )

    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(entry, save)
    except (OSError, RunError) as error:
        logger.warning("terrain is not cached: %s", error)

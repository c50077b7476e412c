"""Terrain meshes from files: checked, mended and in metres."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from legged_gym.terrain.topology import components, edges_of, inconsistent_faces
from legged_gym.utils.errors import TerrainError

if TYPE_CHECKING:
    import trimesh

logger = logging.getLogger(__name__)

LARGEST_M, SMALLEST_M = 300.0, 0.1
"""Meshes larger or smaller than this across are not in metres: a scan of 10 m in millimetres is 10 000 wide."""
MOST_MENDED_FACES = 300_000
"""Larger meshes become height fields, to which neither doubled vertices nor winding matter."""
_MERGE_M = 1e-7
"""Vertices closer than this are one; files give 6 to 8 digits."""
_DOWN_SHARE = 0.9
"""An open surface of which so much looks down is upside down; reconstructions scatter by a few per cent."""


def load_mesh(path: str | Path) -> trimesh.Trimesh:
    """One mesh from any file that trimesh reads, z up, in metres; a scene's parts are put together.

    Vertices that coincide are merged, empty and repeated triangles dropped, and winding mended so that neighbours
    agree, closed parts look outward and open ones up.

    Raises:
        TerrainError: the file is missing, cannot be read, holds no triangle, a position that is not finite, is not
            in metres, is upside down, or stands on edge.
    """
    path = Path(path)
    vertices, faces = _read(path)
    _check_numbers(path, vertices, faces)
    kept = _has_area(vertices, faces)
    faces = faces if kept.all() else faces[kept]
    if not len(faces):
        raise TerrainError(f"{path}: all triangles are empty; a terrain needs a surface")
    vertices, faces = _without_unused(vertices, faces)
    _check_size(path, vertices)
    if len(faces) <= MOST_MENDED_FACES:
        vertices, faces = _merged(vertices, faces)
        faces = _wound(path, vertices, faces)
    _check_upright(path, vertices, faces)

    import trimesh

    return trimesh.Trimesh(vertices, faces, process=False, validate=False)


def check_overlap(
    mesh_bounds: np.ndarray, clip_bounds: np.ndarray, mesh: str | Path = "terrain", clip: str = "clip"
) -> None:
    """See that a mesh lies under a clip, both in the same frame.

    Args:
        mesh_bounds: (2, 3) lowest and highest corner of the mesh, m.
        clip_bounds: (2, 3) the same of the clip's root positions, m.
        mesh: its name in messages.
        clip: its name in messages.

    Raises:
        TerrainError: they do not overlap seen from above, or the root moves below all of the mesh or far above it.
    """
    mesh_bounds, clip_bounds = np.asarray(mesh_bounds, float), np.asarray(clip_bounds, float)
    for axis, name in enumerate("xy"):
        if clip_bounds[1, axis] < mesh_bounds[0, axis] or clip_bounds[0, axis] > mesh_bounds[1, axis]:
            raise TerrainError(
                f"{mesh}: is not under {clip}: in {name} the mesh spans {_span(mesh_bounds, axis)}, "
                f"the clip's root {_span(clip_bounds, axis)}; both must be in the same frame and in metres"
            )
    if clip_bounds[1, 2] < mesh_bounds[0, 2]:
        raise TerrainError(
            f"{mesh}: lies above {clip}: z of the mesh spans {_span(mesh_bounds, 2)}, "
            f"of the clip's root {_span(clip_bounds, 2)}; is the mesh upside down or z not up?"
        )
    if clip_bounds[0, 2] > mesh_bounds[1, 2] + 3.0:  # nobody's pelvis is 3 m above the ground all the time
        raise TerrainError(
            f"{mesh}: lies far below {clip}: z of the mesh spans {_span(mesh_bounds, 2)}, "
            f"of the clip's root {_span(clip_bounds, 2)}; both must be in the same frame and in metres"
        )


def _span(bounds: np.ndarray, axis: int) -> str:
    return f"{bounds[0, axis]:.2f} to {bounds[1, axis]:.2f} m"


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3) and triangles (F, 3) as they are in the file."""
    if not path.is_file():
        raise TerrainError(f"{path}: no such terrain mesh")
    soup = _binary_stl(path)
    if soup is not None:
        return soup.reshape(-1, 3), np.arange(3 * len(soup)).reshape(-1, 3)

    import trimesh

    try:
        mesh = trimesh.load(path, force="mesh", process=False, maintain_order=True, skip_materials=True)
    except Exception as error:  # every format of trimesh has errors of its own
        reason = " ".join(str(error).split()) or type(error).__name__
        raise TerrainError(f"{path}: cannot be read as a mesh ({reason})") from None
    vertices = np.asarray(getattr(mesh, "vertices", ()), dtype=np.float64)
    faces = np.asarray(getattr(mesh, "faces", ()), dtype=np.int64)
    if vertices.ndim != 2 or not len(faces):
        raise TerrainError(f"{path}: has no triangles; a terrain needs a surface")
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise TerrainError(f"{path}: a triangle names vertex {faces.max()}, but there are {len(vertices)}")
    return vertices, faces


def _binary_stl(path: Path) -> np.ndarray | None:
    """(F, 3, 3) corners from a binary STL file, None from others; trimesh needs 2.3 GB for 5 million triangles."""
    size = path.stat().st_size
    if path.suffix.lower() != ".stl" or size < 84 + 50:
        return None
    with open(path, "rb") as file:
        num = int(np.fromfile(file, "<u4", count=1, offset=80)[0])
        if size != 84 + 50 * num:
            return None
        return np.fromfile(file, np.dtype([("", "<f4", 3), ("corners", "<f4", (3, 3)), ("", "<u2")]))[
            "corners"
        ].astype(np.float64)


def _check_numbers(path: Path, vertices: np.ndarray, faces: np.ndarray) -> None:
    bad = ~np.isfinite(vertices).all(axis=1)
    if bad.any():
        bad &= np.bincount(faces.ravel(), minlength=len(vertices)) > 0
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        raise TerrainError(
            f"{path}: vertex {first} (from 0) is at {vertices[first]}, which is no position; there are "
            f"{int(bad.sum())} such among {len(vertices)} vertices"
        )


def _has_area(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(F,) bool: three different corners that are not on one line. In chunks, for the sake of memory."""
    keep = np.empty(len(faces), bool)
    for start in range(0, len(faces), 500_000):
        corners = vertices[faces[start : start + 500_000]]
        edges = corners[:, 1:] - corners[:, :1]
        doubled_area = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1)
        size = np.abs(edges).max(axis=(1, 2))
        keep[start : start + 500_000] = doubled_area > 1e-12 * np.maximum(size**2, 1e-300)
    return keep


def _without_unused(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    used = np.zeros(len(vertices), bool)
    used[faces] = True
    if used.all():
        return vertices, faces
    return vertices[used], (np.cumsum(used) - 1)[faces]


def _check_size(path: Path, vertices: np.ndarray) -> None:
    size = np.ptp(vertices, axis=0)
    across = size[:2].max()
    if across > LARGEST_M:
        raise TerrainError(
            f"{path}: is {across:.0f} m across, more than {LARGEST_M:.0f}: in millimetres or centimetres? "
            f"Terrain is in metres (scaled by 0.001 it would be {across / 1000:.2f} m)"
        )
    if size.max() < SMALLEST_M:
        raise TerrainError(
            f"{path}: is {size.max():.4g} m across, less than {SMALLEST_M}; terrain is in metres "
            f"(scaled by 1000 it would be {size.max() * 1000:.2f} m)"
        )


def _merged(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Without doubled vertices, and without triangles that vanish or are repeated thereby.

    Triangles on the same corners that look opposite ways stay: they are the touching faces of two solids.
    """
    grid = np.round((vertices - vertices.min(axis=0)) / _MERGE_M).astype(np.int64)
    _, first, inverse = np.unique(grid, axis=0, return_index=True, return_inverse=True)
    faces = inverse.reshape(-1)[faces]
    corners = np.sort(faces, axis=1)
    faces = faces[(corners[:, 0] != corners[:, 1]) & (corners[:, 1] != corners[:, 2])]
    lowest = np.argmin(faces, axis=1)[:, None]
    turned = np.take_along_axis(faces, (lowest + np.arange(3)) % 3, axis=1)  # starts at its lowest vertex
    kept = np.sort(np.unique(turned, axis=0, return_index=True)[1])
    return vertices[first], faces[kept]


def _wound(path: Path, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Faces wound so that neighbours agree, closed parts look outward and open ones up."""
    edges = edges_of(faces)
    wrong = inconsistent_faces(len(faces), edges.pairs, edges.same_direction)
    part = components(len(faces), edges.pairs)
    mended = np.where(wrong[:, None], faces[:, ::-1], faces)
    corners = vertices[mended] - vertices.mean(axis=0)
    doubled_area_up = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2]
    volume = np.bincount(part, np.linalg.det(corners))
    up = np.bincount(part, doubled_area_up)
    shared = np.bincount(edges.pairs.ravel(), minlength=len(faces)) == 3
    closed = np.bincount(part, ~shared) == 0
    sheet = np.bincount(part, edges.border) > 0
    agreed = np.bincount(part, wrong) == 0
    _check_not_upside_down(path, part, doubled_area_up, sheet & agreed)
    inward = np.where(
        closed, volume < 0.0, sheet & (up < 0.0)
    )  # neither: where solids touch; as the file has it
    turned = inward[part] ^ wrong
    if turned.any():
        logger.info("%s: %d of %d triangles were wound the other way: turned", path, turned.sum(), len(faces))
    return np.where(inward[part][:, None], mended[:, ::-1], mended)


def _check_not_upside_down(path: Path, part: np.ndarray, area_up: np.ndarray, judged: np.ndarray) -> None:
    """Winding says which side of an open surface is its top, if it is consistent."""
    area = np.bincount(part, np.abs(area_up)).sum()
    down = np.where(judged[part], np.maximum(-area_up, 0.0), 0.0).sum()
    if area > 0.0 and down > _DOWN_SHARE * area:
        raise TerrainError(
            f"{path}: is upside down: {down / area:.0%} of its surface looks down. Turn it over (z is up); if only "
            "its triangles are wound backwards, trimesh's mesh.invert() mends it"
        )


def _check_upright(path: Path, vertices: np.ndarray, faces: np.ndarray) -> None:
    size = np.ptp(vertices, axis=0)
    if size[:2].min() < 0.01 * size.max():
        raise TerrainError(
            f"{path}: is {size[0]:.3g} x {size[1]:.3g} x {size[2]:.3g} m, a wall: there is nothing to stand on. "
            "z must be up; files of other programs often have y up"
        )

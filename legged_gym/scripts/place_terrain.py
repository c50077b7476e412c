"""Put a clip and its terrain together: convert the mesh, measure how contacts fit, correct them, write both."""

from __future__ import annotations

import dataclasses
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro

from legged_gym.utils.cli import run_main
from legged_gym.utils.errors import TerrainError

if TYPE_CHECKING:
    import numpy as np

    from legged_gym.motion.clip import Clip
    from legged_gym.motion.contacts import GroundHeight


FIT_M = 0.02
"""Contacts of a clip that plays on a mesh are this close to it."""
_MISFIT = (
    f"most contacts are more than {1e3 * FIT_M:.0f} mm off: is the mesh upside down, in another place or unit, or "
    "another clip's? --align mends heights and small turns"
)


@dataclass
class PlaceArgs:
    """Put a clip and its terrain together: convert the mesh, measure how contacts fit, correct them, write both."""

    clip: tyro.conf.Positional[Path]
    """Motion file."""
    terrain: Path | None = None
    """Mesh in the clip's frame (obj, ply, stl, glb), m, z up; None: the one that the clip names."""
    robot: str = "g1"
    """Folder under resources/robots that holds the robot."""
    align: Literal["none", "z", "z_yaw"] = "none"
    """Correct the clip so that its contacts lie on the mesh (least squares): its height, or height and heading."""
    collision: Literal["auto", "heightfield", "boxes", "mesh"] = "auto"
    """What the mesh becomes, as terrain.collision in training."""
    horizontal_scale: float | None = None
    """Cells of height fields, m, as terrain.horizontal_scale in training."""
    out: Path | None = None
    """Folder to write the clip (npz) and a copy of its mesh to; the clip names the mesh."""
    picture: Path | None = None
    """PNG to draw: terrain, path of the root, and distance of every contact from the ground."""
    overwrite: bool = False
    """Replace files that exist."""
    fps: float | None = None
    """Frames per second of files that do not state theirs; None: 30 for CSV."""
    csv_root_quat_order: Literal["auto", "xyzw", "wxyz"] = "auto"
    """Root quaternion order of CSV files."""


def place_terrain(argv: list[str]) -> None:
    """Read, convert, measure, correct, write."""
    args = tyro.cli(PlaceArgs, args=argv, use_underscores=True)

    import numpy as np
    from rich.console import Console

    from legged_gym.motion.formats import ReadOptions, read_clip
    from legged_gym.scripts._motion import load_robot
    from legged_gym.scripts._placement import contact_points, moved, picture
    from legged_gym.terrain.alignment import align
    from legged_gym.terrain.collision_ground import collision_ground
    from legged_gym.terrain.geometry_cache import mesh_geometry
    from legged_gym.terrain.mesh_file import check_overlap
    from legged_gym.terrain.mesh_ground import mesh_ground
    from legged_gym.utils.array_cache import ArrayCache, cache_folder

    console = Console(soft_wrap=True, highlight=False)
    _, robot = load_robot(args.robot)
    options = ReadOptions(fps=args.fps, csv_root_quat_order=args.csv_root_quat_order, robot=robot)
    clip = read_clip(args.clip, options)
    mesh = args.terrain or clip.terrain_path
    if mesh is None:
        raise TerrainError(f"{clip.file}: names no terrain; give one with --terrain")
    clip = dataclasses.replace(clip, terrain=str(mesh.resolve()))
    cache = ArrayCache(cache_folder("terrains"))
    tile = mesh_geometry(mesh, args.collision, args.horizontal_scale, cache)
    console.print(f"{mesh}: {tile.summary()}", markup=False)
    check_overlap(tile.bounds, np.stack((clip.root_pos.min(0), clip.root_pos.max(0))), mesh, clip.file)

    surface, collides = mesh_ground(mesh), collision_ground(tile)
    limbs = contact_points(clip, robot, surface)
    points = np.concatenate([*limbs.values(), np.zeros((0, 3))])
    console.print("contacts: " + ", ".join(f"{len(own)} frames of the {limb}" for limb, own in limbs.items()))
    console.print(f"contacts on the mesh as they are: {_fit(points, surface)}")
    if args.align != "none":
        by = align(points, surface, yaw=args.align == "z_yaw")
        clip, points = moved(clip, by), by.points(points)
        console.print(f"raised by {1e3 * by.dz:.1f} mm, turned by {np.rad2deg(by.dyaw):.2f} degrees")
        console.print(f"contacts on the mesh after that: {_fit(points, surface)}")
    console.print(f"contacts on what collides: {_fit(points, collides)}")
    if (np.abs(points[:, 2] - collides(points[:, :2])) > FIT_M).sum() > len(points) / 2:
        console.print(f"[yellow]warning:[/] {_MISFIT}")
    if args.picture is not None:
        args.picture.parent.mkdir(parents=True, exist_ok=True)
        args.picture.write_bytes(picture(tile, clip, points, points[:, 2] - collides(points[:, :2])))
        console.print(f"wrote {args.picture}", markup=False)
    if args.out is not None:
        for path in _write(clip, mesh, args.out, args.overwrite):
            console.print(f"wrote {path}", markup=False)


def _fit(points: np.ndarray, surface: GroundHeight) -> str:
    """How far contacts are from a surface."""
    import numpy as np

    gap = points[:, 2] - surface(points[:, :2])
    on = np.isfinite(gap)
    if not on.any():
        return "none is above or below it"
    size = 1e3 * np.abs(gap[on])
    return (
        f"{on.sum()} of {len(gap)} over it, {np.median(1e3 * gap[on]):+.1f} mm high in the median, off by "
        f"{size.mean():.1f} mm in the mean, {np.quantile(size, 0.95):.1f} mm at 95 %, {size.max():.1f} mm at most"
    )


def _write(clip: Clip, mesh: Path, out: Path, overwrite: bool) -> tuple[Path, Path]:
    """The clip and its mesh in one folder."""
    from legged_gym.motion.formats import write_clip

    files = out / f"{Path(clip.file).stem}.npz", out / mesh.name
    existing = [str(path) for path in files if path.exists() and path.resolve() != mesh.resolve()]
    if existing and not overwrite:
        raise TerrainError(f"{', '.join(existing)} exists already; --overwrite replaces it")
    try:
        out.mkdir(parents=True, exist_ok=True)
        if files[1].resolve() != mesh.resolve():
            shutil.copyfile(mesh, files[1])
    except OSError as error:
        raise TerrainError(f"{out}: cannot be written to ({error.strerror})") from None
    write_clip(dataclasses.replace(clip, terrain=mesh.name), files[0])
    return files


def main() -> None:
    """Entry of the script."""
    run_main(place_terrain)


if __name__ == "__main__":
    main()

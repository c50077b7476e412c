"""Change the ground of a clip a little, once or many times: to train for it, or to see what a policy makes of it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from legged_gym.utils.cli import run_main
from legged_gym.utils.errors import ConfigError, TerrainError

if TYPE_CHECKING:
    import numpy as np


@dataclass
class VaryArgs:
    """Change the ground of a clip a little, once or many times; the motion stays as it is.

    Examples:
      vary_terrain.py stairs.npz --out higher --raise_by 0.03
      vary_terrain.py stairs.npz --out varied --count 16 --raise_by 0.05 --shift 0.08 0.03
    """

    clip: tyro.conf.Positional[Path]
    """Motion file that names its mesh."""
    out: Path
    """Folder to write the clips (npz), each with its mesh (obj), to."""
    raise_by: float = 0.0
    """How much higher everything above the ground level becomes, m; with --count the most, up or down."""
    shift: tuple[float, float] = (0.0, 0.0)
    """How far the ground is moved along x and y, m; with --count the most, either way."""
    count: int | None = None
    """Number of random changes to write, drawn evenly; None: the one change, exactly."""
    seed: int = 1
    """Of the random changes."""
    overwrite: bool = False
    """Replace files that exist."""


def vary_terrain(argv: list[str]) -> None:
    """Read, change, write."""
    args = tyro.cli(VaryArgs, args=argv, use_underscores=True)
    if args.count is not None and args.count < 1:
        raise ConfigError(f"--count={args.count}: must be at least 1")

    from rich.console import Console

    from legged_gym.motion.formats import ReadOptions, read_clip, write_clip
    from legged_gym.scripts._motion import load_robot
    from legged_gym.terrain.mesh_file import load_mesh
    from legged_gym.terrain.variation import changed

    console = Console(soft_wrap=True, highlight=False)
    clip = read_clip(args.clip, ReadOptions(robot=load_robot("g1")[1]))
    if clip.terrain_path is None:
        raise TerrainError(f"{clip.file}: names no terrain, so there is none to change")
    mesh = load_mesh(clip.terrain_path)
    stem = Path(clip.file).stem
    changes = _changes(args)
    names = [stem if args.count is None else f"{stem}_{number:02d}" for number in range(len(changes))]
    files = [(args.out / f"{name}.npz", args.out / f"{name}.obj") for name in names]
    existing = [str(path) for pair in files for path in pair if path.exists()]
    if existing and not args.overwrite:
        raise TerrainError(f"{', '.join(existing)} exists already; --overwrite replaces it")
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TerrainError(f"{args.out}: cannot be written to ({error.strerror})") from None
    for name, (motion, ground), (dz, dx, dy) in zip(names, files, changes, strict=True):
        what = f"ground {100 * dz:+.1f} cm in height, moved by {100 * dx:+.1f} and {100 * dy:+.1f} cm"
        changed(mesh, dz, (dx, dy)).export(ground)
        history = (*clip.history, what)
        write_clip(dataclasses.replace(clip, name=name, terrain=ground.name, history=history), motion)
        console.print(f"wrote {motion} and {ground.name}: {what}", markup=False)


def _changes(args: VaryArgs) -> np.ndarray:
    """(count, 3) height, x and y of each change, m."""
    import numpy as np

    most = np.array([args.raise_by, *args.shift])
    if args.count is None:
        return most[None]
    return np.random.default_rng(args.seed).uniform(-1.0, 1.0, (args.count, 3)) * most


def main() -> None:
    """Entry of the script."""
    run_main(vary_terrain)


if __name__ == "__main__":
    main()

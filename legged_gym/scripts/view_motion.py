"""Look at clips on their terrain, on a web page, without physics and without a policy."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro

from legged_gym import envs  # noqa: F401  (registers the tasks)
from legged_gym.envs.base.viser_config import PageCfg
from legged_gym.utils.cli import run_main
from legged_gym.utils.threads import use_passive_threads

if TYPE_CHECKING:
    import viser

    from legged_gym.viewer.app import Viewer


@dataclass
class ViewArgs:
    """Look at clips on their terrain, on a web page, without physics and without a policy.

    Examples:
      view_motion.py g1/terrain/stairs.npz
      view_motion.py capture.npz --terrain scan.obj --viser.port 8090
    """

    clips: tyro.conf.Positional[tuple[str, ...]]
    """Files, globs, folders and YAML lists; looked for as given, then in retargeted_data/ or a folder beside it."""
    terrain: Path | None = None
    """Mesh (obj, stl, ply, glb) that the clips play on; None: what each clip names, else flat ground."""
    fps: float | None = None
    """Frames per second of files that do not state theirs; None: 30 for CSV."""
    csv_root_quat_order: Literal["auto", "xyzw", "wxyz"] = "auto"
    """Root quaternion order of CSV files."""
    meshes: bool = False
    """Show the meshes of the package mujoco-menagerie, once fetched, instead of our primitive shapes."""
    viser: PageCfg = field(default_factory=PageCfg)
    """Where the page is."""


def view_motion(argv: list[str]) -> None:
    """Parse, build, show."""
    args = tyro.cli(ViewArgs, args=argv, use_underscores=True)
    args.viser.check()
    use_passive_threads()

    from rich.console import Console

    from legged_gym.scripts._page import show_page

    show_page(args.viser, "motion", Console(), "loading the clips", partial(_fill, args))


def _fill(args: ViewArgs, server: viser.ViserServer) -> Viewer:
    from legged_gym.scripts import _viewing

    return _viewing.make_motion_viewer(args, server)


def main() -> None:
    """Entry of the console script."""
    run_main(view_motion)


if __name__ == "__main__":
    main()

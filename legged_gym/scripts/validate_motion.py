"""Check motion clips before training on them: can the robot do this, and are the data sound?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro

from legged_gym.utils.cli import run_main
from legged_gym.utils.errors import MotionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from legged_gym.motion.validation.files import Draw, Inputs, Validation

REPORT_SUFFIXES = (".html", ".json")


@dataclass
class ValidateArgs:
    """Check motion clips before training on them: can the robot do this, and are the data sound?

    Exit status: 0 no errors (there may be warnings), 1 errors were found, 2 a clip could not be read.
    """

    clips: tyro.conf.Positional[tuple[str, ...]]
    """Files, globs and folders."""
    terrain: Path | None = None
    """Mesh (obj, stl, ply) that the clips play on; None: what each clip names, else flat ground."""
    report: Path | None = None
    """File to write everything to: .html with plots, or .json."""
    robot: str = "g1"
    """Folder under resources/robots that holds the robot."""
    strict: bool = False
    """The tolerances of computed clips, such as those that ship: feet stand within 5 mm and slide by less."""
    fix: Literal["ground"] | None = None
    """ground: put the standing feet of each clip on the ground, write it to --out, and judge the result."""
    out: Path | None = None
    """Where --fix writes to: a folder, or a file for one clip."""
    overwrite: bool = False
    """Let --fix replace files that exist."""
    fps: float | None = None
    """Frames per second of files that do not state theirs; None: 30 for CSV."""
    csv_root_quat_order: Literal["auto", "xyzw", "wxyz"] = "auto"
    """Root quaternion order of CSV files."""


def validate_motion(argv: list[str]) -> int:
    """Read, judge, report."""
    args = tyro.cli(ValidateArgs, args=argv, use_underscores=True)
    _check(args)

    from rich.console import Console

    from legged_gym.motion.clip_list import motion_files
    from legged_gym.motion.formats import ReadOptions
    from legged_gym.motion.validation.files import Inputs
    from legged_gym.motion.validation.ground_fix import output_files
    from legged_gym.motion.validation.options import DEFAULT, STRICT
    from legged_gym.scripts._motion import load_robot
    from legged_gym.terrain.collision_ground import mesh_collision_ground
    from legged_gym.terrain.mesh_ground import mesh_ground

    console = Console()
    files = list(dict.fromkeys(file for clips in args.clips for file in motion_files(clips)))
    mended = None if args.fix is None else output_files(files, args.out, args.overwrite)
    inputs = Inputs(
        robot=load_robot(args.robot)[1],
        load_ground=mesh_ground,
        read=ReadOptions(fps=args.fps, csv_root_quat_order=args.csv_root_quat_order),
        terrain=args.terrain,
        options=STRICT if args.strict else DEFAULT,
        load_surface=mesh_collision_ground,
    )
    validation = _run(console, files, inputs, _picture(args.report), mended)
    _print(console, validation)
    _write(console, args.report, validation)
    return validation.status


def _check(args: ValidateArgs) -> None:
    if not args.clips:
        raise MotionError("no clips: name files, globs or folders, as in validate_motion.py my_clips/*.npz")
    if args.report is not None and args.report.suffix.lower() not in REPORT_SUFFIXES:
        raise MotionError(f"--report {args.report}: must end in {' or '.join(REPORT_SUFFIXES)}")
    if (args.fix is None) != (args.out is None):
        raise MotionError("--fix and --out belong together: what to mend, and where to write it")


def _picture(report: Path | None) -> Draw | None:
    if report is None or report.suffix.lower() != ".html":
        return None
    from legged_gym.motion.validation.plot import draw

    return draw


def _run(
    console: Console,
    files: Sequence[Path],
    inputs: Inputs,
    draw: Draw | None,
    mended: dict[Path, Path] | None,
) -> Validation:
    from rich.progress import track

    from legged_gym.motion.validation.files import validate_files

    progress = track(files, "validating", console=console, transient=True, disable=not console.is_terminal)
    return validate_files(progress, inputs, draw, mended)


def _print(console: Console, validation: Validation) -> None:
    from rich.markup import escape

    from legged_gym.motion.validation import report as paper

    for each in reversed(validation.reports):  # the worst is nearest to the prompt
        if each.findings:
            console.print(paper.findings_text(each), soft_wrap=True)
    on_terrain = [each for each in reversed(validation.reports) if each.contacts]
    for each in on_terrain:
        console.print(paper.contacts_table(each))
    if on_terrain:
        console.print(paper.contacts_legend(validation.options), style="dim")
    for why in validation.unreadable.values():
        console.print(f"[bold red]error[/] {escape(why)}", soft_wrap=True)
    console.print(paper.summary_table(validation))
    console.print(paper.LEGEND, style="dim")
    for source, target in validation.written.items():
        console.print(f"{source}: put on the ground, written to {target}", soft_wrap=True)


def _write(console: Console, path: Path | None, validation: Validation) -> None:
    if path is None:
        return
    from legged_gym.motion.validation.html import write_html
    from legged_gym.motion.validation.report import write_json

    path.parent.mkdir(parents=True, exist_ok=True)
    (write_html if path.suffix.lower() == ".html" else write_json)(path, validation)
    console.print(f"wrote {path}", soft_wrap=True)


def main() -> None:
    """Entry of the console script."""
    run_main(validate_motion)


if __name__ == "__main__":
    main()

"""Convert motion files between formats, and cut, resample, mirror or raise them on the way."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from rich.console import Console

from legged_gym.utils.cli import run_main
from legged_gym.utils.errors import LeggedGymError, MotionError

if TYPE_CHECKING:
    from legged_gym.motion.conversion import Conversion, Job, Result

FormatName = Literal[
    "npz", "videomimic_pkl", "videomimic_h5", "csv", "max_coordinate_npz", "gmr_pkl", "mimickit_pkl"
]
JointOrder = Literal["g1", "g1_23dof", "g1_isaaclab"]


@dataclass
class ConvertArgs:
    """Convert motion files between formats, and cut, resample, mirror or raise them on the way.

    IN is a file, glob or folder. OUT is a file if there is one IN and OUT has a suffix, else a folder. A file that
    cannot be converted is reported and left out; the exit status is then 1.
    """

    paths: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="IN... OUT")] = ()
    """What to convert, and last, where to."""
    from_format: Annotated[FormatName | None, tyro.conf.arg(name="from")] = None
    """Format of IN; None: told by suffix and content."""
    to_format: Annotated[FormatName | None, tyro.conf.arg(name="to")] = None
    """Format of OUT; None: what OUT's suffix means, npz for a folder. videomimic_h5 and gmr_pkl are only read."""
    robot: str = "g1"
    """Robot whose kinematics the files' links are compared with and written by."""
    fps: float | None = None
    """Frames per second of OUT, by resampling; None: those of IN."""
    exact_fps: bool = False
    """Keep --fps to the digit and leave out part of a frame at the end, where the duration is no multiple of it."""
    source_fps: float | None = None
    """Frames per second of files that do not say theirs; None: 30 for CSV, others are refused."""
    start: float = 0.0
    """First second to keep."""
    end: float | None = None
    """Last second to keep; None: the clip's end."""
    cut: str | None = None
    """Pieces to keep, START:END,START:END in seconds; each becomes a file of its own, NAME_0, NAME_1, ..."""
    mirror: bool = False
    """Swap left and right."""
    raise_m: Annotated[float, tyro.conf.arg(name="raise")] = 0.0
    """Metres to move the clip up."""
    joint_order: JointOrder | None = None
    """Order of joints that IN does not name; None: g1, and found out for max_coordinate_npz."""
    out_joint_order: JointOrder = "g1"
    """Order of joints that OUT does not name; g1_isaaclab for BeyondMimic."""
    csv_root_quat_order: Literal["auto", "xyzw", "wxyz"] = "auto"
    """Root quaternion order of CSV and GMR files."""
    out_csv_root_quat_order: Literal["xyzw", "wxyz"] = "xyzw"
    """Root quaternion order of CSV files that are written."""
    csv_joints_only: bool = False
    """CSV files hold joints alone; the robot is put upright on the ground."""
    licence: str | None = None
    """Terms of use to store; None: those in IN."""
    source: str | None = None
    """Origin to store; None: that in IN."""
    overwrite: bool = False
    """Replace files that are there."""


def convert_motion(argv: list[str]) -> int:
    """Convert every file; the exit status is 1 if one failed."""
    args = tyro.cli(ConvertArgs, args=argv, use_underscores=True)
    if len(args.paths) < 2:
        raise MotionError("name what to convert and where to: convert_motion.py IN... OUT")

    from legged_gym.motion.conversion import plan

    conversion = _conversion(args)
    jobs = plan(args.paths[:-1], Path(args.paths[-1]), conversion, args.overwrite)
    # What is assumed is printed with each file; the log would say it again.
    logger = logging.getLogger("legged_gym.motion")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        failed = _convert_all(jobs, conversion, Console())
    finally:
        logger.setLevel(level)
    return 1 if failed else 0


def _conversion(args: ConvertArgs) -> Conversion:
    """The flags as what is done to each clip."""
    from legged_gym.motion.conversion import Conversion, parse_pieces
    from legged_gym.motion.formats import ReadOptions, WriteOptions
    from legged_gym.scripts._motion import load_robot

    if args.cut is not None and (args.start or args.end is not None):
        raise MotionError("--cut already says start and end; leave --start and --end out")
    _, robot = load_robot(args.robot)
    return Conversion(
        read=ReadOptions(
            args.source_fps, args.csv_root_quat_order, args.joint_order, args.csv_joints_only, robot
        ),
        write=WriteOptions(robot, args.out_csv_root_quat_order, args.out_joint_order),
        from_format=args.from_format,
        to_format=args.to_format,
        pieces=((args.start, args.end),) if args.cut is None else parse_pieces(args.cut),
        fps=args.fps,
        exact_rate=args.exact_fps,
        mirror=args.mirror,
        raise_m=args.raise_m,
        source=args.source,
        licence=args.licence,
    )


def _convert_all(jobs: list[Job], conversion: Conversion, console: Console) -> int:
    """Convert and report each file; the number of those that failed."""
    from rich.progress import track

    from legged_gym.motion.conversion import convert

    failed: list[LeggedGymError] = []
    for job in track(jobs, "converting", console=console, transient=True):
        try:
            _report(job, convert(job, conversion), conversion, console)
        except LeggedGymError as error:
            failed.append(error)
            console.print(f"{job.file}: failed", markup=False, soft_wrap=True)
    if failed:
        console.print(f"{len(failed)} of {len(jobs)} files failed:")
        for error in failed:
            console.print(f"  {error}", markup=False, soft_wrap=True)
    return len(failed)


def _report(job: Job, result: Result, conversion: Conversion, console: Console) -> None:
    """What became of one file."""
    from legged_gym.motion.formats import dropped_fields, writable_format
    from legged_gym.motion.links import NOTABLE_MM

    for output, clip in zip(job.outputs, result.written, strict=True):
        lines = [
            f"{job.file} -> {output}: {clip.num_frames} frames, {clip.duration:.6g} s, "
            f"{result.read.fps:.6g} -> {clip.fps:.6g} frames per second"
        ]
        lines += [f"  {entry}" for entry in clip.history]
        dropped = dropped_fields(clip, writable_format(output, conversion.to_format))
        lines += [f"  not kept, the format has no place for it: {', '.join(dropped)}"] if dropped else []
        lines += [
            f"  {error.name}: {error.mean_mm:.1f} mm from {conversion.read.robot.name} (most {error.max_mm:.1f})"
            for error in result.link_errors
            if error.max_mm > NOTABLE_MM
        ]
        console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def main() -> None:
    """Entry of the script."""
    run_main(convert_motion)


if __name__ == "__main__":
    main()

"""Putting a clip on the ground."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

from legged_gym.motion.clip import Clip
from legged_gym.motion.contacts import GroundHeight, flat_ground
from legged_gym.motion.edit import raised
from legged_gym.motion.formats import WriteOptions, write_clip
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.motion.validation.motion import CheckedMotion
from legged_gym.motion.validation.spans import height_range, length
from legged_gym.utils.errors import MotionError

SMALLEST_SHIFT = 1e-4
"""Shifts below this are left alone, m: a file in millimetres is no more exact."""


def put_on_ground(clip: Clip, robot: RobotLayout, ground: GroundHeight = flat_ground) -> tuple[Clip, float]:
    """Raise (or lower) a clip so that its standing feet are on the ground, and how far, m.

    The median over the frames in which a foot stands, so that single deep or high steps do not count.

    Raises:
        MotionError: no foot ever stands, or feet stand at several heights above the ground, which no shift mends.
    """
    motion = CheckedMotion.from_clip(clip, robot, ground)
    if not len(motion.standing_heights):
        raise MotionError(f"{clip.file}: cannot be put on the ground, for no foot ever stands still")
    if not motion.on_one_level:
        heights = height_range(*motion.standing_range)
        raise MotionError(
            f"{clip.file}: cannot be put on the ground by one shift, for its feet stand at {heights} above it; "
            "a clip on terrain needs its mesh, --terrain"
        )
    shift = -motion.ground_offset
    if abs(shift) < SMALLEST_SHIFT:
        return clip, 0.0
    was = "inside" if shift > 0.0 else "above"
    moved = raised(clip, shift)
    reason = f"because standing feet were {length(shift)} {was} the ground (median)"
    return dataclasses.replace(moved, history=(*moved.history[:-1], f"{moved.history[-1]} {reason}")), shift


def output_files(files: Sequence[Path], out: Path, overwrite: bool) -> dict[Path, Path]:
    """Where the mended clip of each file goes.

    Args:
        files: the inputs.
        out: a file with a suffix for a single input, else a folder, in which clips get our own format, because the
            others have no place for a history.
        overwrite: whether files that exist may be replaced.

    Raises:
        MotionError: several inputs for one file, two inputs of one name, or a file exists.
    """
    if out.suffix and not out.is_dir():
        if len(files) > 1:
            raise MotionError(f"--out {out} is one file for {len(files)} clips; name a folder")
        targets = {files[0]: out}
    else:
        targets = {file: out / f"{file.stem}.npz" for file in files}
    repeated = sorted(
        {str(target) for target in targets.values() if list(targets.values()).count(target) > 1}
    )
    if repeated:
        raise MotionError(f"several clips would be written to {', '.join(repeated)}; mend them one by one")
    existing = [str(target) for target in targets.values() if target.exists()]
    if existing and not overwrite:
        raise MotionError(f"{', '.join(existing)} exists already; --overwrite replaces it")
    return targets


def write_mended(clip: Clip, target: Path, robot: RobotLayout) -> None:
    """Write a clip somewhere else than it came from, with its terrain's path as seen from there.

    Raises:
        MotionError: the format of the target cannot be written.
        RunError: the file system refuses.
    """
    if clip.terrain_path is not None:
        terrain = os.path.relpath(clip.terrain_path.resolve(), target.parent.resolve())
        clip = dataclasses.replace(clip, terrain=Path(terrain).as_posix())
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MotionError(f"{target.parent}: cannot be made a folder ({error.strerror})") from None
    write_clip(clip, target, options=WriteOptions(robot=robot))

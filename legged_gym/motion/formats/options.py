"""How motion files are read and written, and what describes a format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from legged_gym.motion.clip import Clip
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.utils.errors import MotionError

QuatOrder = Literal["auto", "xyzw", "wxyz"]
"""Order of four quaternion columns; "auto" decides from the data."""


@dataclass(frozen=True)
class ReadOptions:
    """What files do not say themselves. What a file does say wins over it."""

    fps: float | None = None
    """Frames per second of files that do not state theirs; None: 30 for CSV, the others are refused."""
    csv_root_quat_order: QuatOrder = "auto"
    """Root quaternion order of CSV files. Given, it also ends the check that a GMR file is xyzw."""
    joint_order: str | None = None
    """Name in `joint_orders.JOINT_ORDERS` of the order of joints that are not named; None: `g1` for CSV, GMR and
    MimicKit, and for max-coordinate files whichever order the file's own bodies prove."""
    csv_joints_only: bool = False
    """CSV rows hold joints alone: the root is put upright over the origin, its lower sole on the ground."""
    robot: RobotLayout | None = None
    """Where given, link poses in a file are compared with its forward kinematics and the difference is told in mm."""


@dataclass(frozen=True)
class WriteOptions:
    """Choices that a format leaves open."""

    robot: RobotLayout | None = None
    """Computes the links; formats that hold links need it."""
    csv_root_quat_order: Literal["xyzw", "wxyz"] = "xyzw"
    """Root quaternion order of CSV files; Unitree's public files use xyzw."""
    joint_order: str = "g1"
    """Name of the order of joints that are not named."""


@dataclass(frozen=True)
class Format:
    """A file format of motion clips."""

    name: str
    suffixes: tuple[str, ...]
    """File name endings, lower case, with the dot."""
    description: str
    read: Callable[[Path, ReadOptions], Clip]
    write: Callable[[Clip, Path, WriteOptions], None] | None
    keys: tuple[str, ...] = ()
    """Entries that a file has if it is of this format, among formats that share a suffix."""
    drops: tuple[str, ...] = ()
    """Fields of `Clip` that a file of this format has no place for."""


def stated_rate(path: Path, stated: float | None, options: ReadOptions) -> tuple[float, str]:
    """Frames per second of a file, and where the number comes from.

    Args:
        path: named in the error.
        stated: what the file says; None if it says nothing.
        options: their `fps` counts where the file says nothing.

    Raises:
        MotionError: neither says it.
    """
    if stated is not None:
        return stated, "in the file"
    if options.fps is None:
        raise MotionError(
            f"{path}: does not say its frames per second, and its format has no usual rate; give it as fps "
            "(exports of a VideoMimic environment have its control rate, 50)"
        )
    return options.fps, "given as an option"

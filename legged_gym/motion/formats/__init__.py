"""Readers of motion files, one module per format; `read_clip` picks one by the file's suffix."""

from __future__ import annotations

from pathlib import Path

from legged_gym.motion.clip import Clip
from legged_gym.motion.formats.csv_file import QuatOrder, read_csv
from legged_gym.motion.formats.npz_file import read_npz
from legged_gym.utils.errors import MotionError

SUFFIXES: tuple[str, ...] = (".csv", ".npz")
"""File name endings of the formats that can be read."""


def read_clip(path: str | Path, fps: float | None = None, csv_root_quat_order: QuatOrder = "auto") -> Clip:
    """Read one motion file.

    Args:
        path: the file; its suffix says the format.
        fps: frames per second of files that do not state theirs; None for the format's usual rate.
        csv_root_quat_order: order of the root quaternion in CSV files, "auto" to decide from the data.

    Raises:
        MotionError: unknown suffix, or whatever the format's reader objects to.
    """
    path = Path(path)
    if path.suffix.lower() == ".csv":
        return read_csv(path, fps=fps, csv_root_quat_order=csv_root_quat_order)
    if path.suffix.lower() == ".npz":
        return read_npz(path)
    raise MotionError(
        f"{path}: no reader for {path.suffix or 'a file without suffix'!r}; known: {', '.join(SUFFIXES)}"
    )

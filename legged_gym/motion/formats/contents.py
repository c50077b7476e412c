"""Archives as plain arrays and mappings, and which entries they have."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from legged_gym.motion.formats.safe_pickle import load_pickle
from legged_gym.utils.errors import MotionError

PICKLE_SUFFIXES = (".pkl", ".pickle")


def file_keys(path: Path) -> frozenset[str]:
    """Names of the entries of a NumPy archive or of a pickled dict.

    Raises:
        MotionError: the file is neither.
    """
    if path.suffix.lower() in PICKLE_SUFFIXES:
        return frozenset(map(str, load_pickle(path)))
    try:
        with zipfile.ZipFile(path) as archive:
            return frozenset(name.removesuffix(".npy") for name in archive.namelist())
    except (OSError, zipfile.BadZipFile) as error:
        raise _unreadable(path, error) from None


def load_npz(path: Path) -> dict[str, np.ndarray]:
    """All arrays of a NumPy archive.

    Raises:
        MotionError: the file is missing or no archive of plain arrays.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise _unreadable(path, error) from None


def one_number(path: Path, key: str, value: object) -> float:
    """A scalar or an array of one element as a float.

    Raises:
        MotionError: it is something else.
    """
    array = np.asarray(value)
    if array.size != 1:
        raise MotionError(f"{path}: {key} has shape {array.shape}; it must be one number")
    try:
        return float(array.item())
    except (TypeError, ValueError):
        raise MotionError(f"{path}: {key} is {array.item()!r}; it must be a number") from None


def numbers(path: Path, key: str, value: object) -> np.ndarray:
    """A float64 array.

    Raises:
        MotionError: it is not an array of numbers.
    """
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        array = None
    if array is None or array.ndim == 0:
        raise MotionError(f"{path}: {key} is not an array of numbers")
    return array


def strings(value: object) -> tuple[str, ...]:
    """A list or array of names, stored as str or bytes."""
    items = np.atleast_1d(np.asarray(value, dtype=object)).tolist()
    return tuple(item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item) for item in items)


def _unreadable(path: Path, error: Exception) -> MotionError:
    reason = getattr(error, "strerror", None) or "not an archive of plain numpy arrays"
    return MotionError(f"{path}: cannot be read ({reason})")

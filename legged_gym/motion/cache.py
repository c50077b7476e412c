"""Finished clips on disk, so that a library of hours loads in seconds after the first time.

An entry is a numpy archive named by a digest of everything it depends on: the file's bytes, the robot, the control
rate, all options, the terrain's mesh, the code of this room and the versions of its libraries. Nothing can be stale,
because what changed has another name; entries that no one has asked for in a month are removed.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import logging
import os
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import scipy

from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.utils.errors import RunError
from legged_gym.utils.paths import write_atomically

logger = logging.getLogger(__name__)

KEEP_S = 30 * 24 * 3600.0
"""Entries that were not used for so long are removed, s."""
_ROOM = Path(__file__).resolve().parent
_NOT_PART = (
    "synthesis",
    "validation/report",
    "validation/plot",
    "validation/html",
    "validation/files",
)  # cannot change what a cached clip holds


@dataclass(frozen=True, eq=False)
class CachedClip:
    """One clip, completed on a robot."""

    rows: np.ndarray
    """(T, D) float32."""
    about: dict[str, Any]
    """Whatever else is to be kept; must survive JSON."""


class ClipCache:
    """A folder of finished clips that several processes may use at once."""

    def __init__(self, folder: Path | None) -> None:
        """`folder` is made if it can be; without one, or where it cannot be written, nothing is kept."""
        self._folder = folder if folder is not None and _usable(folder) else None
        self.hits = 0
        """Clips that were found, so far."""

    def get(
        self,
        key: str,
        make: Callable[[], CachedClip],
        valid: Callable[[CachedClip], bool] = lambda entry: True,
    ) -> CachedClip:
        """The entry of a key, made now if missing, damaged or not `valid`; a second process waits for the first."""
        if self._folder is None:
            return make()
        path = self._folder / f"{key}.npz"
        found = _read(path)
        if found is None or not valid(found):
            with _lock(self._folder / f"{key}.lock"):
                found = _read(path)  # another process may have made it meanwhile
                if found is None or not valid(found):
                    made = make()
                    _write(path, made)
                    return made
        self.hits += 1
        return found

    def remove_old(self) -> None:
        """Remove what was not used for KEEP_S."""
        if self._folder is None:
            return
        oldest = time.time() - KEEP_S
        for entry in self._folder.iterdir():
            with contextlib.suppress(OSError):  # another process was faster
                if entry.stat().st_mtime < oldest:
                    entry.unlink()


def default_folder() -> Path:
    """Where the cache is unless told otherwise: below XDG_CACHE_HOME, or ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "videomimic_gym" / "clips"


def digest(*parts: object) -> str:
    """Name for what parts say, bytes as they are and others by their repr; 32 hexadecimal digits."""
    sha = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else repr(part).encode()
        sha.update(len(data).to_bytes(8, "little"))
        sha.update(data)
    return sha.hexdigest()[:32]


def robot_digest(robot: RobotLayout) -> str:
    """Name of a robot: its compiled model and what is taken from it."""
    model = robot.model
    buffer = np.empty(mujoco.mj_sizeModel(model), np.uint8)
    mujoco.mj_saveModel(model, None, buffer)
    names = (robot.joint_names, robot.body_names, robot.foot_bodies, robot.locked_joints)
    return digest(buffer.tobytes(), names)


@functools.cache
def code_digest() -> str:
    """Name of the code and the libraries that make a clip."""
    files = sorted(_ROOM.rglob("*.py"))
    sources = [
        file.read_bytes() for file in files if not file.relative_to(_ROOM).as_posix().startswith(_NOT_PART)
    ]
    return digest(mujoco.__version__, np.__version__, scipy.__version__, *sources)


def _usable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError as error:
        logger.warning("clips are not cached: cannot write to %s (%s)", folder, error.strerror)
        return False


def _read(path: Path) -> CachedClip | None:
    """An entry, marked as used now; None where there is none or it is damaged."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            found = CachedClip(archive["rows"], json.loads(str(archive["about"])))
        os.utime(path)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
    return found


def _write(path: Path, entry: CachedClip) -> None:
    def save(partial: Path) -> None:
        with open(partial, "wb") as stream:
            np.savez(stream, rows=entry.rows, about=np.str_(json.dumps(entry.about)))

    try:
        write_atomically(path, save)
    except RunError as error:
        logger.warning("clip is not cached: %s", error)


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold a lock among processes, where the system has one; without, two of them may do the same work."""
    try:
        import fcntl
    except ImportError:  # not a Unix
        yield
        return
    with open(path, "w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)

"""Finished work on disk, as numpy archives named by a digest of all they depend on.

Nothing can be stale: what changed has another name. A damaged archive fails its checksum and is made again, several
processes may use a folder at once, and what no one has asked for in a month is removed.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from legged_gym.utils.errors import RunError
from legged_gym.utils.paths import write_atomically

logger = logging.getLogger(__name__)

KEEP_S = 30 * 24 * 3600.0
"""Entries that were not used for so long are removed, s."""

Arrays = Mapping[str, np.ndarray]
"""An entry: arrays by name; text as an array of str."""


class ArrayCache:
    """A folder of entries."""

    def __init__(self, folder: Path | None) -> None:
        """`folder` is made if it can be; without one, or where it cannot be written, nothing is kept."""
        self._folder = folder if folder is not None and _usable(folder) else None
        self.hits = 0
        """Entries that were found, so far."""

    def get(
        self, key: str, make: Callable[[], Arrays], valid: Callable[[Arrays], bool] = lambda entry: True
    ) -> Arrays:
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


def cache_folder(kind: str) -> Path:
    """Where entries of a kind are unless told otherwise: below XDG_CACHE_HOME, or ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "videomimic_gym" / kind


def digest(*parts: object) -> str:
    """Name for what parts say, bytes as they are and others by their repr; 32 hexadecimal digits."""
    sha = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else repr(part).encode()
        sha.update(len(data).to_bytes(8, "little"))
        sha.update(data)
    return sha.hexdigest()[:32]


def code_digest(files: Iterable[Path], *versions: str) -> str:
    """Name of the code and the libraries that make entries."""
    return digest(*versions, *(file.read_bytes() for file in files))


def _usable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError as error:
        logger.warning("%s are not cached: cannot write to %s (%s)", folder.name, folder, error.strerror)
        return False


def _read(path: Path) -> Arrays | None:
    """An entry, marked as used now; None where there is none or it is damaged."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            found = {name: archive[name] for name in archive.files}
        os.utime(path)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
    return found


def _write(path: Path, entry: Arrays) -> None:
    def save(partial: Path) -> None:
        with open(partial, "wb") as stream:  # given a name, numpy would append a suffix to it
            np.savez(stream, **entry)

    try:
        write_atomically(path, save)
    except RunError as error:
        logger.warning("%s are not cached: %s", path.parent.name, error)


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

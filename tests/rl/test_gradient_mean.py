"""Where processes of one machine keep the gradients that they share. The mean itself: test_many_processes.py."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import pytest

from legged_gym.rl import gradient_mean
from legged_gym.utils.errors import RunError

SIZE = 4096


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Stand-ins for shared memory and for the folder of temporary files."""
    memory, disk = tmp_path / "memory", tmp_path / "disk"
    memory.mkdir()
    disk.mkdir()
    monkeypatch.setattr(gradient_mean, "SHARED_MEMORY", memory)
    monkeypatch.setattr(tempfile, "tempdir", str(disk))
    return memory, disk


def test_gradients_lie_in_memory(folders: tuple[Path, Path]) -> None:
    path = Path(gradient_mean._new_file(SIZE))
    assert path.parent == folders[0] and path.stat().st_size == SIZE


def test_without_shared_memory_they_lie_on_disk(folders: tuple[Path, Path]) -> None:
    folders[0].rmdir()
    path = Path(gradient_mean._new_file(SIZE))
    assert path.parent == folders[1] and path.stat().st_size == SIZE


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="the system cannot tell whether there is room")
def test_memory_without_room_is_noticed_before_it_is_written_to(folders, monkeypatch) -> None:
    full, allocate = [True, False], os.posix_fallocate

    def allocate_or_fail(handle: int, start: int, size: int) -> None:
        if full.pop(0):
            raise OSError(errno.ENOSPC, "no space left on device")
        allocate(handle, start, size)

    monkeypatch.setattr(os, "posix_fallocate", allocate_or_fail)
    path = Path(gradient_mean._new_file(SIZE))
    assert path.parent == folders[1] and path.stat().st_size == SIZE
    assert list(folders[0].iterdir()) == []
    full[:] = [True, True]
    with pytest.raises(RunError, match=r"no room for 0 MB of gradients in .*memory and .*disk"):
        gradient_mean._new_file(SIZE)

"""The cache of finished work: what makes an entry another one, and what happens to bad ones."""

from __future__ import annotations

import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
import pytest

from legged_gym.utils.array_cache import KEEP_S, ArrayCache, Arrays, digest


def _entry(value: float = 1.0) -> Arrays:
    return {"rows": np.full((3, 2), value, np.float32), "about": np.array("raised")}


def _never() -> Arrays:
    raise AssertionError("was made again")


def test_an_entry_comes_back_as_it_was_and_is_not_made_twice(tmp_path: Path) -> None:
    ArrayCache(tmp_path).get("key", _entry)
    cache = ArrayCache(tmp_path)
    found = cache.get("key", _never)
    np.testing.assert_array_equal(found["rows"], _entry()["rows"])
    assert found["rows"].dtype == np.float32 and str(found["about"]) == "raised"
    assert cache.hits == 1


def test_an_entry_that_is_no_longer_valid_is_made_again(tmp_path: Path) -> None:
    ArrayCache(tmp_path).get("key", _entry)
    made = ArrayCache(tmp_path).get("key", lambda: _entry(2.0), lambda entry: entry["rows"][0, 0] > 1.5)
    assert made["rows"][0, 0] == 2.0
    assert ArrayCache(tmp_path).get("key", _never)["rows"][0, 0] == 2.0


def test_a_damaged_entry_is_made_again(tmp_path: Path) -> None:
    ArrayCache(tmp_path).get("key", _entry)
    file = tmp_path / "key.npz"
    content = bytearray(file.read_bytes())
    content[100] ^= 0xFF  # within the rows: the archive's checksum tells
    file.write_bytes(content)
    made = ArrayCache(tmp_path).get("key", lambda: _entry(2.0))
    assert made["rows"][0, 0] == 2.0
    file.write_bytes(content[:50])
    assert ArrayCache(tmp_path).get("key", lambda: _entry(3.0))["rows"][0, 0] == 3.0
    assert ArrayCache(tmp_path).get("key", _never)["rows"][0, 0] == 3.0


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        ArrayCache(tmp_path).get("key", _never)
    assert list(tmp_path.iterdir()) == []


def test_without_a_folder_that_can_be_written_clips_are_made_each_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    cache = ArrayCache(tmp_path / "file" / "below")
    assert "below are not cached: cannot write to" in caplog.text
    assert cache.get("key", _entry).keys() == cache.get("key", _entry).keys()
    assert cache.hits == 0


def _slow_entry(folder: str, log: str) -> None:
    def make() -> Arrays:
        with open(log, "a") as stream:
            stream.write("made\n")
        time.sleep(0.3)
        return _entry()

    ArrayCache(Path(folder)).get("key", make)


def test_of_two_processes_at_once_one_makes_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    context = multiprocessing.get_context("fork")
    args = (str(tmp_path / "shared"), str(log))
    processes = [context.Process(target=_slow_entry, args=args) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert log.read_text() == "made\n"


def test_entries_out_of_use_are_removed(tmp_path: Path) -> None:
    cache = ArrayCache(tmp_path)
    for key in ("old", "new"):
        cache.get(key, _entry)
    past = time.time() - KEEP_S - 1.0
    os.utime(tmp_path / "old.npz", (past, past))
    cache.remove_old()
    assert [file.name for file in tmp_path.iterdir()] == ["new.npz"]


def test_parts_of_a_key_do_not_run_into_each_other() -> None:
    assert digest("ab", "c") != digest("a", "bc")
    assert digest(1, None) != digest(1, "None")

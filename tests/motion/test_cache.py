"""The cache of finished clips: what makes an entry another one, and what happens to bad ones."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable
from pathlib import Path

import mujoco
import numpy as np
import pytest

from legged_gym.motion import cache as cache_module
from legged_gym.motion.cache import CachedClip, ClipCache, default_folder, digest, robot_digest
from legged_gym.motion.clip import Clip
from legged_gym.motion.formats.npz_file import write_npz
from legged_gym.motion.reference_states import ClipOptions
from legged_gym.motion.replay_data import LibraryOptions, ReplayData
from legged_gym.motion.robot_layout import RobotLayout

MakeClip = Callable[..., Clip]
JOINTS, BODIES, FEET = ("left_hip", "right_hip"), ("pelvis",), ("left_foot", "right_foot")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def robot(biped: mujoco.MjModel) -> RobotLayout:
    return RobotLayout(biped, JOINTS, BODIES, FEET)


def _entry(value: float = 1.0) -> CachedClip:
    return CachedClip(np.full((3, 2), value, np.float32), {"history": ["raised"], "terrain": None})


def _never() -> CachedClip:
    raise AssertionError("was made again")


def test_an_entry_comes_back_as_it_was_and_is_not_made_twice(tmp_path: Path) -> None:
    ClipCache(tmp_path).get("key", _entry)
    cache = ClipCache(tmp_path)
    found = cache.get("key", _never)
    np.testing.assert_array_equal(found.rows, _entry().rows)
    assert found.rows.dtype == np.float32
    assert found.about == _entry().about
    assert cache.hits == 1


def test_a_damaged_entry_is_made_again(tmp_path: Path) -> None:
    ClipCache(tmp_path).get("key", _entry)
    file = tmp_path / "key.npz"
    content = bytearray(file.read_bytes())
    content[100] ^= 0xFF  # within the rows: the archive's checksum tells
    file.write_bytes(content)
    made = ClipCache(tmp_path).get("key", lambda: _entry(2.0))
    assert made.rows[0, 0] == 2.0
    file.write_bytes(content[:50])
    assert ClipCache(tmp_path).get("key", lambda: _entry(3.0)).rows[0, 0] == 3.0
    assert ClipCache(tmp_path).get("key", _never).rows[0, 0] == 3.0


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        ClipCache(tmp_path).get("key", _never)
    assert list(tmp_path.iterdir()) == []


def test_without_a_folder_that_can_be_written_clips_are_made_each_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    cache = ClipCache(tmp_path / "file" / "below")
    assert "clips are not cached: cannot write to" in caplog.text
    assert cache.get("key", _entry).rows.shape == cache.get("key", _entry).rows.shape
    assert cache.hits == 0


def _slow_entry(folder: str, log: str) -> None:
    def make() -> CachedClip:
        with open(log, "a") as stream:
            stream.write("made\n")
        time.sleep(0.3)
        return _entry()

    ClipCache(Path(folder)).get("key", make)


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
    cache = ClipCache(tmp_path)
    for key in ("old", "new"):
        cache.get(key, _entry)
    past = time.time() - cache_module.KEEP_S - 1.0
    os.utime(tmp_path / "old.npz", (past, past))
    cache.remove_old()
    assert [file.name for file in tmp_path.iterdir()] == ["new.npz"]


def test_parts_of_a_key_do_not_run_into_each_other() -> None:
    assert digest("ab", "c") != digest("a", "bc")
    assert digest(1, None) != digest(1, "None")


def test_a_robot_is_named_by_its_model_and_order(biped: mujoco.MjModel, robot: RobotLayout) -> None:
    same = RobotLayout(mujoco.MjModel.from_xml_string(_xml(0.05)), JOINTS, BODIES, FEET)
    again = RobotLayout(mujoco.MjModel.from_xml_string(_xml(0.05)), JOINTS, BODIES, FEET)
    other = RobotLayout(mujoco.MjModel.from_xml_string(_xml(0.051)), JOINTS, BODIES, FEET)
    assert robot_digest(same) == robot_digest(again) != robot_digest(other)
    assert robot_digest(robot) != robot_digest(RobotLayout(biped, JOINTS[::-1], BODIES, FEET))


def _xml(radius: float) -> str:
    legs = "".join(
        f'<body name="{side}_foot" pos="0 {y} -.2"><joint name="{side}_hip" axis="0 1 0"/>'
        f'<geom type="sphere" size="{radius}" pos="0 0 -.25" mass="1"/></body>'
        for side, y in (("left", 0.1), ("right", -0.1))
    )
    return f'<mujoco><worldbody><body name="pelvis"><freejoint/><geom size=".1"/>{legs}</body></worldbody></mujoco>'


def test_a_library_is_the_same_from_the_cache_and_follows_every_change(
    tmp_path: Path, robot: RobotLayout, biped_clip: MakeClip
) -> None:
    file = tmp_path / "a.npz"
    write_npz(biped_clip(), file)

    def load(control_dt: float = 0.02, **options: object) -> ReplayData:
        choice = LibraryOptions(clips=ClipOptions(**options))
        return ReplayData.load(file, robot=robot, control_dt=control_dt, device="cpu", options=choice)

    def entries() -> int:
        return len(list(default_folder().glob("*.npz")))

    first, second = load(), load()
    assert entries() == 1
    assert (first.table.rows == second.table.rows).all()
    load(control_dt=0.01)
    load(height_direct_offset=0.1)
    assert entries() == 3
    assert load(height_direct_offset=0.1).root_pos_w[0, 2] == pytest.approx(0.6)
    write_npz(biped_clip(frames=40), file)
    assert load().num_frames > first.num_frames
    assert entries() == 4


def test_switched_off_it_writes_nothing(tmp_path: Path, robot: RobotLayout, biped_clip: MakeClip) -> None:
    write_npz(biped_clip(), tmp_path / "a.npz")
    options = LibraryOptions(cache=False)
    ReplayData.load(tmp_path / "a.npz", robot=robot, control_dt=0.02, device="cpu", options=options)
    assert not default_folder().exists()

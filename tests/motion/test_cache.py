"""The cache of finished clips: what makes an entry another one, and what happens to bad ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import mujoco
import numpy as np
import pytest

from legged_gym.motion.cache import CachedClip, ClipCache, robot_digest
from legged_gym.motion.clip import Clip
from legged_gym.motion.contacts import GroundHeight
from legged_gym.motion.formats.npz_file import write_npz
from legged_gym.motion.recordings import RecordingOptions
from legged_gym.motion.reference_states import ClipOptions
from legged_gym.motion.replay_data import LibraryOptions, ReplayData
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.utils.array_cache import cache_folder

MakeClip = Callable[..., Clip]
JOINTS, BODIES, FEET = ("left_hip", "right_hip"), ("pelvis",), ("left_foot", "right_foot")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def robot(biped: mujoco.MjModel) -> RobotLayout:
    return RobotLayout(biped, JOINTS, BODIES, FEET)


def test_an_entry_comes_back_as_it_was_and_is_not_made_twice(tmp_path: Path) -> None:
    clip = CachedClip(np.full((3, 2), 1.5, np.float32), {"notes": ["raised"], "terrain": None})

    def never() -> CachedClip:
        raise AssertionError("was made again")

    ClipCache(tmp_path).get("key", lambda: clip)
    cache = ClipCache(tmp_path)
    found = cache.get("key", never)
    np.testing.assert_array_equal(found.rows, clip.rows)
    assert found.rows.dtype == np.float32
    assert found.about == clip.about
    assert cache.hits == 1


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
        return len(list(cache_folder("clips").glob("*.npz")))

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
    assert not cache_folder("clips").exists()


def test_the_same_motion_on_another_ground_is_another_entry(
    tmp_path: Path, robot: RobotLayout, biped_clip: MakeClip
) -> None:
    """A clip hovers at 0.2 m: its feet are down on a mesh of that height only, whatever was cached before."""
    still = np.zeros((31, 2))
    root_pos = np.tile([0.0, 0.0, 0.7], (31, 1))
    upright = np.tile([1.0, 0.0, 0.0, 0.0], (31, 1))
    clip = biped_clip(dof_pos=still, root_pos=root_pos, root_quat_wxyz=upright)
    (tmp_path / "a").mkdir()
    write_npz(clip, tmp_path / "a" / "clip.npz")

    def contacts(height: float | None) -> float:
        recordings = None
        if height is not None:
            (tmp_path / "a" / "ground.obj").write_text(str(height))
            recordings = RecordingOptions(
                [str(tmp_path / "a")], data_pattern="*.npz", terrain_pattern="*.obj"
            )
        options = LibraryOptions(recordings=recordings, mesh_ground=_level)
        paths = [] if recordings else [str(tmp_path / "a" / "clip.npz")]
        data = ReplayData.load(paths, robot=robot, control_dt=0.02, device="cpu", options=options)
        return float(data.contacts.mean())

    assert [contacts(height) for height in (None, 0.2, 0.1, 0.2, None)] == [0.0, 1.0, 0.0, 1.0, 0.0]


def _level(mesh: Path) -> GroundHeight:
    """Level ground at the height that the file says."""
    height = float(mesh.read_text())
    return lambda xy: np.full(xy.shape[:-1], height)

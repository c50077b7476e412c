"""The script that makes the shipped clips."""

from __future__ import annotations

from pathlib import Path

import pytest

from legged_gym.motion.formats.npz_file import read_npz
from legged_gym.scripts.synthesize_motion import synthesize_motion
from legged_gym.utils.errors import MotionError


def test_writes_the_clips_asked_for(tmp_path: Path) -> None:
    pytest.importorskip("mink")
    synthesize_motion(["squat", "--out", str(tmp_path / "new")])
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["squat.npz"]
    clip = read_npz(tmp_path / "new" / "squat.npz")
    assert (clip.duration, clip.num_frames) == (8.0, 401)


def test_clip_on_terrain_finds_its_mesh_beside_it(tmp_path: Path) -> None:
    pytest.importorskip("mink")
    synthesize_motion(["slope", "--out", str(tmp_path)])
    path = read_npz(tmp_path / "terrain" / "slope.npz").terrain_path
    assert path == tmp_path / "terrain" / "slope.obj"
    assert path.is_file()


def test_walks_by_command_have_a_folder_of_their_own(tmp_path: Path) -> None:
    pytest.importorskip("mink")
    synthesize_motion(["command_walk_10", "--out", str(tmp_path)])
    assert [path.name for path in (tmp_path / "commands").iterdir()] == ["command_walk_10.npz"]


def test_unknown_clip_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(MotionError, match="no gait sit; there are stand, walk_slow, walk_forward"):
        synthesize_motion(["sit", "--out", str(tmp_path)])
    assert not list(tmp_path.iterdir())

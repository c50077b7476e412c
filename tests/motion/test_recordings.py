"""Folders of a motion and its mesh."""

from __future__ import annotations

from pathlib import Path

import pytest

from legged_gym.motion.clip_list import ClipEntry, unique_names
from legged_gym.motion.recordings import RecordingOptions, find_recordings
from legged_gym.utils.errors import MotionError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Empty files: a/ and b/ with a motion and a mesh each, c/ with two meshes; finding does not open them."""
    for folder, names in (
        ("a", ("m.h5", "g.obj")),
        ("b", ("walk.npz", "g.obj")),
        ("c", ("m.h5", "g.obj", "h.obj")),
    ):
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / name).touch()
    return tmp_path


def options(root: Path, **fields: object) -> RecordingOptions:
    defaults = {"roots": ("", str(root)), "data_pattern": "m.h5", "terrain_pattern": "*.obj"}
    return RecordingOptions(**{**defaults, **fields})


def test_a_folder_is_a_motion_with_its_mesh_and_called_like_it(root: Path) -> None:
    (entry,) = find_recordings(options(root, folders=["a"], oversample_factor=10))
    assert entry == ClipEntry(root / "a/m.h5", weight=10.0, terrain=root / "a/g.obj", label="a")
    assert unique_names([entry]) == ["a"]


def test_a_list_gives_each_recording_its_own_patterns_frames_and_rate(root: Path) -> None:
    (root / "list.yaml").write_text(
        "- a\n"
        "- {folder_path: b, human_video_data_pattern: '*.npz', start_frame: 5, end_frame: 50,\n"
        "   default_data_fps_override: 60, weight: 2, teacher_checkpoint_run_name: 20250428_185201}\n"
    )
    found = find_recordings(options(root, source=str(root / "list.yaml"), oversample_factor=3))
    assert found == [
        ClipEntry(root / "a/m.h5", weight=3.0, terrain=root / "a/g.obj", label="a"),
        ClipEntry(root / "b/walk.npz", 6.0, 5, 50, 60, root / "b/g.obj", "b", "20250428_185201"),
    ]


def test_the_source_may_be_a_single_folder(root: Path) -> None:
    assert find_recordings(options(root, source="a"))[0].file == root / "a/m.h5"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "neither human_video_folders nor human_motion_source"),
        ({"folders": ["gone"]}, "no file matches gone"),
        ({"folders": ["a/m.h5"]}, "is no folder; a recording is a folder"),
        (
            {"folders": ["b"]},
            "human_video_data_pattern 'm.h5' must match one file and matches no file; .*walk.npz",
        ),
        (
            {"folders": ["c"]},
            r"human_video_terrain_pattern '\*.obj' must match one file and matches g.obj, h.obj",
        ),
    ],
)
def test_what_is_missing_or_double_is_named(root: Path, fields: dict, message: str) -> None:
    with pytest.raises(MotionError, match=message):
        find_recordings(options(root, **fields))

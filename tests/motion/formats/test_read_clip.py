import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from legged_gym.motion.clip import Clip
from legged_gym.motion.formats import FORMATS, ReadOptions, WriteOptions, detect_format, read_clip, write_clip
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.utils.errors import MotionError

MakeClip = Callable[..., Clip]


def test_the_suffix_says_the_format(
    tmp_path: Path, biped_clip: MakeClip, g1_table: Callable[..., np.ndarray]
) -> None:
    write_clip(biped_clip(), tmp_path / "a.npz")
    np.savetxt(tmp_path / "b.CSV", g1_table(heading=1.0), delimiter=",")
    assert read_clip(tmp_path / "a.npz").joint_names == ("right_hip", "left_hip")
    assert read_clip(str(tmp_path / "b.CSV")).num_frames == 20


def test_formats_of_one_suffix_are_told_apart_by_what_is_in_the_file(
    tmp_path: Path, g1_clip: MakeClip, g1_layout: RobotLayout
) -> None:
    options = WriteOptions(robot=g1_layout)
    for format in ("npz", "max_coordinate_npz", "videomimic_pkl", "mimickit_pkl"):
        path = tmp_path / f"clip{FORMATS[format].suffixes[0]}"
        write_clip(g1_clip(), path, format, options)
        assert detect_format(path).name == format
    gmr = {
        "fps": 30,
        "root_pos": 0,
        "root_rot": 0,
        "dof_pos": 0,
        "local_body_pos": None,
        "link_body_list": None,
    }
    (tmp_path / "gmr.pkl").write_bytes(pickle.dumps(gmr))
    assert detect_format(tmp_path / "gmr.pkl").name == "gmr_pkl"


def test_an_unknown_content_lists_the_keys_found_and_needed(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", poses=np.zeros(3), trans=np.zeros(3))
    message = (
        r"a.npz: is of no known format: its keys are poses, trans, but npz has schema_version; "
        r"max_coordinate_npz has joint_pos, body_pos_w, body_quat_w$"
    )
    with pytest.raises(MotionError, match=message):
        read_clip(tmp_path / "a.npz")
    (tmp_path / "b.pkl").write_bytes(pickle.dumps({"walk": {"dof": 1}}))
    with pytest.raises(
        MotionError, match=r"its keys are walk, but videomimic_pkl has joint_names, joints, .*; gmr_pkl"
    ):
        read_clip(tmp_path / "b.pkl")
    (tmp_path / "c.npz").write_text("text")
    with pytest.raises(MotionError, match=r"c.npz: cannot be read \(not an archive"):
        read_clip(tmp_path / "c.npz")


def test_a_stated_rate_wins_over_the_option(tmp_path: Path, biped_clip: MakeClip) -> None:
    write_clip(biped_clip(fps=60.0), tmp_path / "a.npz")
    assert read_clip(tmp_path / "a.npz", ReadOptions(fps=30.0)).fps == 60.0


@pytest.mark.parametrize("name", ["clip.bvh", "clip"])
def test_an_unknown_suffix_lists_the_known_ones(name: str) -> None:
    with pytest.raises(MotionError, match=rf"{name}: no reader for .*; known: \.npz, \.pkl, \.pickle, \.h5"):
        read_clip(name)


def test_what_cannot_be_written_is_refused_before_anything_is(
    tmp_path: Path, biped_clip: MakeClip, g1_clip: MakeClip
) -> None:
    clip = biped_clip()
    for name, format, message in [
        ("a.h5", None, r"no writer for '.h5'; written are npz \(.npz\), videomimic_pkl"),
        ("a.h5", "videomimic_h5", "format videomimic_h5 can only be read; written are npz"),
        ("a.pkl", "npz", r"a file of format npz ends in .npz"),
        ("a.npz", "bvh", "no format 'bvh'; there are npz, videomimic_pkl"),
        ("a.csv", None, "lacks left_hip_pitch_joint, .* which joint order g1 has"),
        ("a.pkl", None, "format videomimic_pkl holds links, so writing it needs the robot"),
        ("a.npz", "max_coordinate_npz", "holds bodies, so writing it needs the robot"),
    ]:
        with pytest.raises(MotionError, match=message):
            write_clip(clip, tmp_path / name, format)
    assert list(tmp_path.iterdir()) == []

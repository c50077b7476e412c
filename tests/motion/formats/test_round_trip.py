"""What every format that is written keeps, on every clip there is."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from legged_gym.motion.clip import Clip
from legged_gym.motion.formats import FORMATS, ReadOptions, WriteOptions, read_clip, write_clip
from legged_gym.motion.robot_layout import RobotLayout

WRITTEN = [name for name, format in FORMATS.items() if format.write is not None]


def _turned_through(clip: Clip) -> np.ndarray:
    """(T, 4) a root that turns about its x axis by more than a full turn, tilted."""
    turn = Rotation.from_rotvec(np.outer(np.linspace(0.0, 9.0, clip.num_frames), [1.0, 0.0, 0.0]))
    return (Rotation.from_euler("zy", [2.0, 0.4]) * turn).as_quat(scalar_first=True)


def _check(clip: Clip, folder: Path, format: str, robot: RobotLayout, joint_order: str = "g1") -> Clip:
    path = folder / f"{clip.name}{FORMATS[format].suffixes[0]}"
    write_clip(clip, path, format, WriteOptions(robot=robot, joint_order=joint_order))
    options = ReadOptions(
        fps=clip.fps,
        csv_root_quat_order="xyzw",
        robot=robot,
        joint_order=joint_order if format != "npz" else None,
    )
    again = read_clip(path, options)
    assert again.provenance["format"] == format
    assert again.name == clip.name
    assert again.fps == clip.fps
    columns = [again.joint_names.index(name) for name in clip.joint_names]
    assert len(again.joint_names) == len(columns)
    assert np.abs(again.dof_pos[:, columns] - clip.dof_pos).max() < 1e-12
    assert np.abs(again.root_pos - clip.root_pos).max() < 1e-12
    dot = np.sum(again.root_quat_wxyz * clip.root_quat_wxyz, axis=1)
    assert np.abs(np.abs(dot) - 1.0).max() < 1e-12
    if "contacts" not in FORMATS[format].drops:
        assert (again.contacts is None) == (clip.contacts is None)
        for foot in clip.contacts or {}:
            assert np.array_equal(again.contacts[foot], clip.contacts[foot])
    return again


@pytest.mark.parametrize("joint_order", ["g1", "g1_isaaclab"])
@pytest.mark.parametrize("format", WRITTEN)
def test_joints_root_rate_contacts_and_names_come_back(
    tmp_path: Path, g1_clip: Callable[..., Clip], g1_layout: RobotLayout, format: str, joint_order: str
) -> None:
    clip = g1_clip(fps=29.97)
    _check(clip, tmp_path, format, g1_layout, joint_order)
    tumbling = g1_clip(root_quat_wxyz=_turned_through(clip), contacts=None)
    _check(tumbling, tmp_path, format, g1_layout, joint_order)


@pytest.mark.parametrize("format", WRITTEN)
@pytest.mark.parametrize("file", ["kimodo/walk.csv", "crawl_slope/motion.npz"])
def test_real_clips_come_back(
    shared_dir: Path, tmp_path: Path, g1_layout: RobotLayout, file: str, format: str
) -> None:
    _check(read_clip(shared_dir / "data/g1" / file), tmp_path, format, g1_layout)


@pytest.mark.parametrize("format", ["videomimic_pkl", "max_coordinate_npz"])
def test_links_that_were_written_agree_with_the_robot(
    tmp_path: Path, g1_clip: Callable[..., Clip], g1_layout: RobotLayout, format: str
) -> None:
    again = _check(g1_clip(), tmp_path, format, g1_layout)
    assert again.links is not None
    assert any("its 30 links agree with the kinematics of g1 within" in entry for entry in again.history)

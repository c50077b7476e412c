"""VideoMimic's pickle and HDF5 file."""

import pickle
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from legged_gym.motion.clip import Clip
from legged_gym.motion.formats import ReadOptions, WriteOptions, read_clip, write_clip
from legged_gym.motion.links import robot_links
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.motion.rotations import quat_conjugate, quat_mul, quat_rotate
from legged_gym.utils.errors import DependencyError, MotionError

MakeClip = Callable[..., Clip]
XYZW = [1, 2, 3, 0]


def _fields(clip: Clip, robot: RobotLayout) -> dict[str, Any]:
    """A capture as VideoMimic has it, from a clip."""
    links = robot_links(clip, robot)
    return {
        "joint_names": [name.removesuffix("_joint") for name in clip.joint_names],
        "joints": clip.dof_pos.astype(np.float32),
        "root_pos": clip.root_pos.astype(np.float32),
        "root_quat": clip.root_quat_wxyz[:, XYZW].astype(np.float32),
        "link_names": [f"{name}.STL" for name in links.names],
        "link_pos": links.pos_w,
        "link_quat": links.quat_wxyz[..., XYZW],
        "contacts": {
            "left_foot": np.arange(clip.num_frames)[:, None] % 2 == 0,
            "right_foot": [0.0] * clip.num_frames,
        },
        "fps": 25,
    }


def _read(folder: Path, fields: dict[str, Any], **options: Any) -> Clip:
    path = folder / "capture.pkl"
    path.write_bytes(pickle.dumps(fields))
    return read_clip(path, ReadOptions(**options))


def test_names_are_completed_and_quaternions_are_xyzw(
    tmp_path: Path, g1_clip: MakeClip, g1_layout: RobotLayout
) -> None:
    clip = _read(tmp_path, _fields(g1_clip(), g1_layout))
    assert (clip.fps, clip.joint_names) == (25.0, g1_clip().joint_names)
    assert np.allclose(clip.root_quat_wxyz, g1_clip().root_quat_wxyz, atol=1e-6)
    assert clip.links.names == g1_layout.body_names
    assert list(clip.contacts) == ["left_ankle_roll_link", "right_ankle_roll_link"]
    assert clip.contacts["left_ankle_roll_link"][:4].tolist() == [True, False, True, False]
    assert not clip.contacts["right_ankle_roll_link"].any()


def test_a_rate_that_is_not_in_the_file_is_not_guessed(
    tmp_path: Path, g1_clip: MakeClip, g1_layout: RobotLayout
) -> None:
    fields = _fields(g1_clip(), g1_layout)
    del fields["fps"]
    with pytest.raises(MotionError, match=r"does not say its frames per second.* give it as fps"):
        _read(tmp_path, fields)
    clip = _read(tmp_path, fields, fps=50.0)
    assert clip.fps == 50.0
    assert clip.history[0] == "no rate in the file: taken as 50 frames per second"


@pytest.mark.parametrize("with_robot", [True, False])
@pytest.mark.parametrize("relative", [True, False])
def test_links_come_out_in_the_world_whichever_frame_they_are_in(
    tmp_path: Path, g1_clip: MakeClip, g1_layout: RobotLayout, relative: bool, with_robot: bool
) -> None:
    fields = _fields(g1_clip(), g1_layout)
    expected = robot_links(g1_clip(), g1_layout)
    if relative:
        back = np.broadcast_to(quat_conjugate(g1_clip().root_quat_wxyz)[:, None], expected.quat_wxyz.shape)
        fields["link_pos"] = quat_rotate(back, expected.pos_w - g1_clip().root_pos[:, None])
        fields["link_quat"] = quat_mul(back, expected.quat_wxyz)[..., XYZW]
    clip = _read(tmp_path, fields, robot=g1_layout if with_robot else None)
    assert np.abs(clip.links.pos_w - expected.pos_w).max() < 1e-5
    same = np.abs(np.sum(clip.links.quat_wxyz * expected.quat_wxyz, axis=-1))
    assert same.min() > 1.0 - 1e-6
    said = "relative to the root and moved into the world" if relative else "links read as poses in the world"
    assert any(said in entry for entry in clip.history)


def test_links_whose_frame_nothing_tells_are_said_to_be_assumed(
    tmp_path: Path, g1_clip: MakeClip, g1_layout: RobotLayout
) -> None:
    fields = _fields(g1_clip(), g1_layout)
    fields |= {
        "link_names": ["hand"],
        "link_pos": fields["link_pos"][:, :1],
        "link_quat": fields["link_quat"][:, :1],
    }
    clip = _read(tmp_path, fields)
    assert clip.history == ("links assumed to be in the world: nothing in the file tells",)


def test_links_frozen_at_one_pose_are_found_and_measured(
    tmp_path: Path, g1_clip: MakeClip, g1_layout: RobotLayout
) -> None:
    """As the released retargeter exports them: one configuration, moved by the root."""
    clip = g1_clip()
    fields = _fields(clip, g1_layout)
    frozen = robot_links(replace(clip, dof_pos=0.0 * clip.dof_pos), g1_layout)
    fields |= {"link_pos": frozen.pos_w, "link_quat": frozen.quat_wxyz[..., XYZW]}
    read = _read(tmp_path, fields, robot=g1_layout)
    assert any(entry.startswith("its links are frozen") for entry in read.history)
    assert any(
        "of its 30 links are further than 2 mm from the kinematics of g1, in mm" in e for e in read.history
    )


def test_keys_that_are_not_used_are_named(tmp_path: Path, g1_clip: MakeClip, g1_layout: RobotLayout) -> None:
    fields = {**_fields(g1_clip(), g1_layout), "actions": np.zeros(3), "obs": {}}
    assert "not used: actions, obs" in _read(tmp_path, fields).history


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"joints": None}, "joints is not an array of numbers"),
        (
            {"root_quat": np.zeros((41, 3))},
            r"root_quat has shape \(41, 3\); its last axis must hold x, y, z and w",
        ),
        (
            {"link_pos": None},
            "has link_names, link_quat; of link_names, link_pos, link_quat it needs all or none",
        ),
        ({"link_pos": np.zeros((41, 3, 3))}, r"links.pos_w has shape \(41, 3, 3\)"),
        ({"contacts": np.zeros((41, 2))}, "contacts is a ndarray; it must be a dict by foot"),
        (
            {"contacts": {"left_foot": np.full(41, 0.4)}},
            r"contacts\['left_foot'\] has values other than 0 and 1",
        ),
        ({"fps": "fast"}, "fps is 'fast'; it must be a number"),
        ({"joints": np.zeros((41, 28))}, r"dof_pos has shape \(41, 28\); \(41, 29\)"),
    ],
)
def test_malformed_fields_are_refused(
    tmp_path: Path, g1_clip: MakeClip, g1_layout: RobotLayout, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(MotionError, match=message) as caught:
        _read(tmp_path, {**_fields(g1_clip(), g1_layout), **change})
    assert str(caught.value).startswith(str(tmp_path / "capture.pkl"))


def test_the_pickle_is_what_videomimic_reads(
    tmp_path: Path, g1_clip: MakeClip, g1_layout: RobotLayout
) -> None:
    write_clip(g1_clip(), tmp_path / "a.pkl", options=WriteOptions(robot=g1_layout))
    content = pickle.loads((tmp_path / "a.pkl").read_bytes())
    assert set(content) == {
        *("joint_names", "joints", "root_pos", "root_quat"),
        *("link_names", "link_pos", "link_quat", "contacts", "fps"),
    }
    assert set(content["contacts"]) == {"left_foot", "right_foot"}
    assert np.array_equal(content["root_quat"][:, 3], g1_clip().root_quat_wxyz[:, 0])
    pelvis = content["link_names"].index("pelvis")
    assert np.allclose(content["link_pos"][:, pelvis], content["root_pos"])  # in the world


def _write_h5(path: Path, fields: dict[str, Any], slash: str) -> Path:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        for key in ("joints", "root_pos", "root_quat", "link_pos", "link_quat"):
            file[key] = fields[key]
        for foot, values in fields["contacts"].items():
            file[f"contacts/{foot}"] = values
        for name in ("joint_names", "link_names", "fps"):
            if name in fields:
                file.attrs[f"{slash}{name}"] = fields[name]
    return path


@pytest.mark.parametrize("slash", ["/", ""])
def test_both_spellings_of_the_attributes_are_read(
    tmp_path: Path, g1_clip: MakeClip, g1_layout: RobotLayout, slash: str
) -> None:
    path = _write_h5(tmp_path / "retarget_poses_g1.h5", _fields(g1_clip(), g1_layout), slash)
    clip = read_clip(path, ReadOptions(robot=g1_layout))
    assert (clip.fps, clip.joint_names) == (25.0, g1_clip().joint_names)
    assert np.allclose(clip.dof_pos, g1_clip().dof_pos, atol=1e-6)
    assert np.allclose(clip.root_quat_wxyz, g1_clip().root_quat_wxyz, atol=1e-6)
    assert clip.links.names == g1_layout.body_names
    assert clip.contacts["left_ankle_roll_link"][0]
    assert not any("added" in entry for entry in clip.history)


def test_waist_joints_that_are_missing_are_added_and_said(
    tmp_path: Path, g1_clip: MakeClip, g1_layout: RobotLayout
) -> None:
    fields = _fields(g1_clip(), g1_layout)
    keep = [i for i, name in enumerate(fields["joint_names"]) if "waist" not in name]
    fields |= {"joint_names": [fields["joint_names"][i] for i in keep], "joints": fields["joints"][:, keep]}
    clip = read_clip(_write_h5(tmp_path / "a.h5", fields, "/"))
    assert set(clip.joint_names) == set(g1_layout.joint_names)
    waist = [i for i, name in enumerate(clip.joint_names) if "waist" in name]
    assert len(waist) == 3 and not clip.dof_pos[:, waist].any()
    knee = clip.joint_names.index("left_knee_joint")
    assert np.allclose(clip.dof_pos[:, knee], g1_clip().dof_pos[:, 3], atol=1e-6)
    assert any(
        entry == "its file lacks waist_yaw_joint, waist_roll_joint, waist_pitch_joint: added, held at 0"
        for entry in clip.history
    )


def test_an_h5_file_without_a_rate_needs_one(
    tmp_path: Path, g1_clip: MakeClip, g1_layout: RobotLayout
) -> None:
    fields = _fields(g1_clip(), g1_layout)
    del fields["fps"]
    path = _write_h5(tmp_path / "a.h5", fields, "")
    with pytest.raises(MotionError, match="does not say its frames per second"):
        read_clip(path)
    assert read_clip(path, ReadOptions(fps=30.0)).fps == 30.0


def test_other_h5_files_are_refused(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "many.h5", "w") as file:
        file["persons/0/joints"] = np.zeros(3)
        file["persons/1/joints"] = np.zeros(3)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["joints"] = np.zeros((3, 2))
        file.attrs["names"] = ["a"]
    (tmp_path / "text.h5").write_text("text")
    for name, message in [
        ("many.h5", r"holds several persons \(0, 1\)"),
        ("other.h5", "lacks joint_names; it has joints, attribute names"),
        ("text.h5", "cannot be read as HDF5"),
        ("none.h5", "No such file"),
    ]:
        with pytest.raises(MotionError, match=message):
            read_clip(tmp_path / name)


def test_without_h5py_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(DependencyError, match=r"needs h5py; pip install 'videomimic-gym\[h5\]'"):
        read_clip(tmp_path / "a.h5")

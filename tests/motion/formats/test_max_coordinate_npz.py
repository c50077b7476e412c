from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from legged_gym.motion.clip import Clip
from legged_gym.motion.formats import ReadOptions, WriteOptions, read_clip, write_clip
from legged_gym.motion.formats.max_coordinate_npz import breadth_first_bodies
from legged_gym.motion.joint_orders import joint_order
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.utils.errors import MotionError

MakeClip = Callable[..., Clip]


def _arrays(
    clip: Clip, robot: RobotLayout, folder: Path, order: str, names: bool = False
) -> dict[str, np.ndarray]:
    """A file's content as the tools that train on such files write it: without names, unless asked for."""
    path = folder / "written.npz"
    write_clip(clip, path, "max_coordinate_npz", WriteOptions(robot=robot, joint_order=order))
    with np.load(path) as archive:
        return {key: archive[key] for key in archive.files if names or not key.endswith("_names")}


def _read(folder: Path, arrays: dict[str, Any], **options: Any) -> Clip:
    path = folder / "clip.npz"
    np.savez(path, **arrays)
    return read_clip(path, ReadOptions(**options))


@pytest.mark.parametrize("order", ["g1", "g1_isaaclab"])
@pytest.mark.parametrize("shuffled", [False, True])
def test_the_bodies_tell_the_order_of_joints_without_names(
    tmp_path: Path, g1_clip: MakeClip, g1_layout: RobotLayout, order: str, shuffled: bool
) -> None:
    arrays = _arrays(g1_clip(), g1_layout, tmp_path, order)
    if shuffled:  # no order of the bodies is trusted, but that the root comes first
        bodies = np.concatenate(([0], 1 + np.random.default_rng(3).permutation(29)))
        arrays |= {key: values[:, bodies] for key, values in arrays.items() if key.startswith("body")}
    clip = _read(tmp_path, arrays, robot=g1_layout)
    assert clip.joint_names == joint_order(order)
    columns = [clip.joint_names.index(name) for name in g1_clip().joint_names]
    assert np.allclose(clip.dof_pos[:, columns], g1_clip().dof_pos)
    assert np.allclose(clip.root_pos, g1_clip().root_pos)
    assert f"joints are in order {order}: its bodies are 0.0 mm as {order}" in clip.history[0]
    assert "its 30 links agree with the kinematics of g1" in clip.history[1]


def test_without_a_robot_the_order_must_be_said(
    tmp_path: Path, g1_clip: MakeClip, g1_layout: RobotLayout
) -> None:
    arrays = _arrays(g1_clip(), g1_layout, tmp_path, "g1_isaaclab")
    with pytest.raises(
        MotionError, match="no joint_names; set joint_order to g1 or g1_isaaclab, or give the robot"
    ):
        _read(tmp_path, arrays)
    clip = _read(tmp_path, arrays, joint_order="g1_isaaclab")
    assert clip.joint_names == joint_order("g1_isaaclab")
    assert clip.history == ("root is body 0 and joints are in order g1_isaaclab, as given",)


def test_an_order_that_the_bodies_contradict_is_refused(
    tmp_path: Path, g1_clip: MakeClip, g1_layout: RobotLayout
) -> None:
    arrays = _arrays(g1_clip(), g1_layout, tmp_path, "g1_isaaclab")
    with pytest.raises(MotionError, match=r"its bodies are not where g1 has them: mean distance .* mm as g1"):
        _read(tmp_path, arrays, joint_order="g1", robot=g1_layout)


def test_a_quaternion_of_another_order_is_refused(
    tmp_path: Path, g1_clip: MakeClip, g1_layout: RobotLayout
) -> None:
    arrays = _arrays(g1_clip(), g1_layout, tmp_path, "g1")
    arrays["body_quat_w"] = arrays["body_quat_w"][..., [1, 2, 3, 0]]
    with pytest.raises(MotionError, match=r"its bodies are not where .* root quaternion \(must be wxyz\)"):
        _read(tmp_path, arrays, robot=g1_layout)


def test_a_clip_that_stands_still_at_zero_tells_no_order(
    tmp_path: Path, g1_clip: MakeClip, g1_layout: RobotLayout
) -> None:
    still = g1_clip(dof_pos=np.zeros((41, 29)))
    with pytest.raises(
        MotionError, match=r"bodies do not tell its joint order .* set joint_order to g1 or g1_isaaclab"
    ):
        _read(tmp_path, _arrays(still, g1_layout, tmp_path, "g1"), robot=g1_layout)


def test_named_joints_need_no_robot_and_the_root_is_the_pelvis_wherever_it_is(
    tmp_path: Path, g1_clip: MakeClip, g1_layout: RobotLayout
) -> None:
    arrays = _arrays(g1_clip(), g1_layout, tmp_path, "g1_isaaclab", names=True)
    reverse = {
        key: values[:, ::-1] for key, values in arrays.items() if key.startswith("body") and values.ndim == 3
    }
    arrays |= {**reverse, "body_names": arrays["body_names"][::-1]}
    clip = _read(tmp_path, arrays)
    assert np.allclose(clip.root_pos, g1_clip().root_pos)
    assert clip.joint_names == joint_order("g1_isaaclab")
    assert clip.links.names[-1] == "pelvis"


def test_the_layout_is_that_of_beyondmimic_and_mjlab(
    tmp_path: Path, g1_clip: MakeClip, g1_layout: RobotLayout
) -> None:
    arrays = _arrays(g1_clip(fps=400.0), g1_layout, tmp_path, "g1_isaaclab", names=True)
    shapes = {"fps": (1,), "joint_pos": (41, 29), "joint_vel": (41, 29), "body_pos_w": (41, 30, 3)}
    shapes |= {"body_quat_w": (41, 30, 4), "body_lin_vel_w": (41, 30, 3), "body_ang_vel_w": (41, 30, 3)}
    assert {key: arrays[key].shape for key in shapes} == shapes
    assert tuple(arrays["joint_names"]) == joint_order("g1_isaaclab")
    assert arrays["body_names"][:4].tolist() == [
        *("pelvis", "left_hip_pitch_link", "right_hip_pitch_link", "waist_yaw_link")
    ]
    assert tuple(arrays["body_names"]) == breadth_first_bodies(g1_layout)
    for position, velocity in (("joint_pos", "joint_vel"), ("body_pos_w", "body_lin_vel_w")):
        numeric = np.gradient(arrays[position], 1.0 / 400.0, axis=0)
        assert np.abs(arrays[velocity] - numeric)[2:-2].max() < 1e-3


def test_a_file_of_holosoma_has_its_root_before_the_joints(shared_dir: Path, g1_layout: RobotLayout) -> None:
    path = shared_dir / "data/g1/crawl_slope/motion.npz"
    clip = read_clip(path, ReadOptions(robot=g1_layout))
    with np.load(path) as archive:
        assert np.array_equal(clip.dof_pos, archive["joint_pos"][:, 7:])
        assert np.allclose(
            clip.root_pos, archive["body_pos_w"][:, list(archive["body_names"]).index("pelvis")]
        )
    assert (clip.fps, clip.duration) == (50.0, pytest.approx(19.16))
    assert "world" not in clip.links.names
    assert clip.history[0].startswith(
        "16 of its 30 links are further than 2 mm from the kinematics of g1, in mm: torso_link"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fps": None}, "does not say its frames per second"),
        ({"fps": np.array([50, 60])}, r"fps has shape \(2,\)"),
        (
            {"body_pos_w": np.zeros((41, 30, 2))},
            r"joint_pos, body_pos_w and body_quat_w have shapes \(41, 29\), ",
        ),
        ({"body_quat_w": np.zeros((41, 29, 4))}, r"\(T, J\), \(T, B, 3\) and \(T, B, 4\) would fit"),
        ({"joint_pos": np.zeros((41, 36))}, r"its 36 columns fit no joint order: g1 \(29\), g1_23dof \(23\)"),
        (
            {"joint_names": np.array(["a", "b"])},
            r"joint_pos has 29 columns for 2 joint_names; 2 joints alone",
        ),
        ({"body_names": np.array(["a"]), "joint_names": np.array(["b"])}, "has 1 body_names for 30 bodies"),
    ],
)
def test_malformed_files_are_refused(
    tmp_path: Path, g1_clip: MakeClip, g1_layout: RobotLayout, change: dict[str, Any], message: str
) -> None:
    arrays = {**_arrays(g1_clip(), g1_layout, tmp_path, "g1"), **change}
    with pytest.raises(MotionError, match=message):
        _read(tmp_path, {key: value for key, value in arrays.items() if value is not None}, robot=g1_layout)

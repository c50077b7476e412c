import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from legged_gym.motion.clip import Clip
from legged_gym.motion.formats import ReadOptions, read_clip
from legged_gym.motion.joint_orders import G1_JOINT_NAMES
from legged_gym.utils.errors import MotionError

XYZW = [1, 2, 3, 0]


@pytest.fixture
def content(g1_table: Callable[..., np.ndarray]) -> dict[str, Any]:
    """What GMR stores of a G1 that stands leaning at a heading."""
    table = g1_table(heading=1.0)
    return {
        "fps": 30,
        "root_pos": table[:, :3],
        "root_rot": table[:, 3:7][:, XYZW],
        "dof_pos": table[:, 7:],
        "local_body_pos": None,
        "link_body_list": None,
    }


def _read(folder: Path, content: dict[str, Any], **options: Any) -> Clip:
    path = folder / "gmr.pkl"
    path.write_bytes(pickle.dumps(content))
    return read_clip(path, ReadOptions(**options))


def test_root_and_joints_are_read_and_the_assumptions_said(
    tmp_path: Path, content: dict[str, Any], g1_table: Callable[..., np.ndarray]
) -> None:
    clip = _read(tmp_path, content)
    assert (clip.fps, clip.joint_names) == (30.0, G1_JOINT_NAMES)
    assert np.allclose(clip.root_quat_wxyz, g1_table(heading=1.0)[:, 3:7])
    assert np.array_equal(clip.dof_pos, content["dof_pos"])
    assert clip.history[0].startswith("root_rot read as xyzw (as GMR writes; decided: mean tilt")
    assert clip.history[0].endswith("joints taken as order g1")


def test_a_quaternion_that_is_clearly_wxyz_is_refused(tmp_path: Path, content: dict[str, Any]) -> None:
    xyzw = content["root_rot"]
    content["root_rot"] = xyzw[:, [3, 0, 1, 2]]
    with pytest.raises(
        MotionError, match=r"root_rot looks like wxyz, where GMR writes xyzw .* set csv_root_quat_order"
    ):
        _read(tmp_path, content)
    clip = _read(tmp_path, content, csv_root_quat_order="wxyz")
    assert np.allclose(clip.root_quat_wxyz, xyzw[:, [3, 0, 1, 2]])


def test_a_crawl_in_which_no_sole_is_flat_is_read_as_gmr_writes(
    tmp_path: Path, content: dict[str, Any], g1_table: Callable[..., np.ndarray]
) -> None:
    content["root_rot"] = g1_table(heading=0.0, pitch=0.0)[:, 3:7][:, XYZW]
    clip = _read(tmp_path, content)
    assert "as GMR writes; the soles do not contradict" in clip.history[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fps": None}, "does not say its frames per second"),
        ({"root_rot": np.zeros((20, 3))}, r"root_rot has shape \(20, 3\); it must be \(T, 4\), xyzw"),
        ({"dof_pos": np.zeros((20, 23))}, "dof_pos has 23 joints; joint order g1 has 29; g1_23dof would fit"),
        ({"dof_pos": np.zeros((20, 27))}, "dof_pos has 27 joints; joint order g1 has 29$"),
        ({"root_pos": np.zeros((19, 3))}, r"root_pos has shape \(19, 3\); \(20, 3\)"),
    ],
)
def test_malformed_files_are_refused(
    tmp_path: Path, content: dict[str, Any], change: dict[str, Any], message: str
) -> None:
    with pytest.raises(MotionError, match=message):
        _read(tmp_path, {**content, **change})

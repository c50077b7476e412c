import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from legged_gym.motion.clip import Clip
from legged_gym.motion.formats import ReadOptions, read_clip, write_clip
from legged_gym.motion.joint_orders import joint_order
from legged_gym.utils.errors import MotionError


def _read(folder: Path, content: dict[str, Any], **options: Any) -> Clip:
    path = folder / "mimickit.pkl"
    path.write_bytes(pickle.dumps(content))
    return read_clip(path, ReadOptions(**options))


def _frames(count: int = 40) -> np.ndarray:
    """Root turning once and a half about a slanted axis, exponential map as scipy has it: it jumps at half turns."""
    turn = np.linspace(0.0, 3.0 * np.pi, count)[:, None] * np.array([0.48, 0.6, 0.64])
    joints = 0.01 * np.arange(29) + 0.1 * np.arange(count)[:, None]
    return np.concatenate((np.ones((count, 3)), Rotation.from_rotvec(turn).as_rotvec(), joints), axis=1)


@pytest.mark.parametrize("as_list", [True, False])
def test_the_root_is_an_exponential_map(tmp_path: Path, as_list: bool) -> None:
    frames = _frames()
    clip = _read(tmp_path, {"loop_mode": 1, "fps": 60, "frames": frames.tolist() if as_list else frames})
    expected = Rotation.from_rotvec(frames[:, 3:6]).as_quat(scalar_first=True)
    assert np.allclose(np.abs(np.sum(clip.root_quat_wxyz * expected, axis=1)), 1.0)
    assert np.sum(clip.root_quat_wxyz[1:] * clip.root_quat_wxyz[:-1], axis=1).min() > 0.9  # no jump
    assert np.array_equal(clip.dof_pos, frames[:, 6:])
    assert clip.history == ("joints taken as order g1", "MimicKit loop_mode 1 (wrap)")


@pytest.mark.parametrize("mode", [0, 1])
def test_the_loop_mode_survives_our_own_format(tmp_path: Path, mode: int) -> None:
    clip = _read(tmp_path, {"loop_mode": mode, "fps": 60, "frames": _frames()})
    write_clip(clip, tmp_path / "ours.npz")
    write_clip(read_clip(tmp_path / "ours.npz"), tmp_path / "again.pkl", "mimickit_pkl")
    content = pickle.loads((tmp_path / "again.pkl").read_bytes())
    assert (content["loop_mode"], content["fps"]) == (mode, 60.0)
    assert np.allclose(content["frames"][:, :3], _frames()[:, :3])
    assert np.allclose(content["frames"][:, 6:], _frames()[:, 6:])
    theirs, ours = (Rotation.from_rotvec(frames[:, 3:6]) for frames in (_frames(), content["frames"]))
    assert (theirs * ours.inv()).magnitude().max() < 1e-9


def test_a_clip_from_elsewhere_does_not_loop(tmp_path: Path, g1_clip: Callable[..., Clip]) -> None:
    write_clip(g1_clip(), tmp_path / "a.pkl", "mimickit_pkl")
    assert pickle.loads((tmp_path / "a.pkl").read_bytes())["loop_mode"] == 0


def test_joints_are_of_the_order_named(tmp_path: Path) -> None:
    content = {"loop_mode": 0, "fps": 60, "frames": _frames()[:, :29]}
    with pytest.raises(MotionError, match=r"frames has 23 joints after 6 of the root; .* g1_23dof would fit"):
        _read(tmp_path, content)
    assert _read(tmp_path, content, joint_order="g1_23dof").joint_names == joint_order("g1_23dof")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frames": np.zeros(9)}, r"frames has shape \(9,\); it must be \(T, 6 \+ J\)"),
        ({"frames": [[1.0, 2.0], [3.0]]}, "frames is not an array of numbers"),
        ({"loop_mode": 7}, "loop_mode is 7; known are"),
        ({"fps": None}, "does not say its frames per second"),
    ],
)
def test_malformed_files_are_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(MotionError, match=message):
        _read(tmp_path, {"loop_mode": 0, "fps": 60, "frames": _frames(), **change})

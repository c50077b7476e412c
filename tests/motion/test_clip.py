from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from legged_gym.motion.clip import Clip
from legged_gym.utils.errors import MotionError

MakeClip = Callable[..., Clip]


def _frames(width: int, count: int = 31) -> np.ndarray:
    return np.zeros((count, width))


def test_quaternions_are_normalised_and_made_continuous(biped_clip: MakeClip) -> None:
    quat = biped_clip().root_quat_wxyz
    rough = np.round(quat, 3) * np.where(np.arange(31) % 3, 1.0, -1.0)[:, None]
    clip = biped_clip(root_quat_wxyz=rough)
    assert np.allclose(np.linalg.norm(clip.root_quat_wxyz, axis=1), 1.0, atol=1e-15)
    assert np.all(np.sum(clip.root_quat_wxyz[1:] * clip.root_quat_wxyz[:-1], axis=1) > 0.9)
    assert np.allclose(np.abs(clip.root_quat_wxyz), np.abs(quat), atol=1e-3)


def test_duration_counts_intervals_not_frames(biped_clip: MakeClip) -> None:
    assert biped_clip(frames=31, fps=30.0).duration == pytest.approx(1.0)


def test_arrays_are_read_only_copies(biped_clip: MakeClip) -> None:
    root_pos = _frames(3)
    clip = biped_clip(root_pos=root_pos)
    root_pos[0, 0] = 7.0
    assert clip.root_pos[0, 0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        clip.dof_pos[0, 0] = 1.0


def test_the_first_bad_number_is_named(biped_clip: MakeClip) -> None:
    dof_pos = _frames(2)
    dof_pos[4, 1] = np.nan
    with pytest.raises(MotionError, match=r"^a/b\.npz: dof_pos is nan at frame 4, column 1 \(left_hip\)$"):
        biped_clip(dof_pos=dof_pos, provenance={"file": "a/b.npz"})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"joint_names": ("left_hip", "left_hip")}, "joint_names lists left_hip more than once"),
        ({"dof_pos": np.zeros((1, 2))}, r"dof_pos has 1 frame\(s\); a clip needs at least two"),
        ({"dof_pos": _frames(3)}, r"dof_pos has shape \(31, 3\); \(31, 2\)"),
        ({"root_pos": _frames(3, 30)}, r"root_pos has shape \(30, 3\); \(31, 3\)"),
        ({"root_pos": [["x"] * 3] * 31}, "root_pos is not an array of numbers"),
        ({"root_quat_wxyz": _frames(4) + 0.4}, "root_quat_wxyz has length 0.8 at frame 0"),
        ({"contacts": {"left_foot": np.zeros(30)}}, r"contacts\['left_foot'\] has shape \(30,\)"),
    ],
)
def test_malformed_fields_are_refused(biped_clip: MakeClip, fields: dict[str, object], message: str) -> None:
    with pytest.raises(MotionError, match=message):
        biped_clip(**fields)


@pytest.mark.parametrize("fps", [0.0, -30.0, float("nan"), float("inf"), "30", None])
def test_a_rate_is_a_positive_number(biped_clip: MakeClip, fps: object) -> None:
    with pytest.raises(MotionError, match=f"fps is {fps!r}; it must be a positive number"):
        replace(biped_clip(), fps=fps)

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from legged_gym.motion.clip import Clip
from legged_gym.motion.formats import read_clip
from legged_gym.motion.formats.npz_file import write_npz
from legged_gym.utils.errors import MotionError


def test_the_suffix_says_the_format(
    tmp_path: Path, biped_clip: Callable[..., Clip], g1_table: Callable[..., np.ndarray]
) -> None:
    write_npz(biped_clip(), tmp_path / "a.npz")
    np.savetxt(tmp_path / "b.CSV", g1_table(heading=1.0), delimiter=",")
    assert read_clip(tmp_path / "a.npz").joint_names == ("right_hip", "left_hip")
    assert read_clip(str(tmp_path / "b.CSV")).num_frames == 20


def test_a_stated_rate_wins_over_the_default_one(tmp_path: Path, biped_clip: Callable[..., Clip]) -> None:
    write_npz(biped_clip(fps=60.0), tmp_path / "a.npz")
    assert read_clip(tmp_path / "a.npz", fps=30.0).fps == 60.0


@pytest.mark.parametrize("name", ["clip.bvh", "clip"])
def test_an_unknown_suffix_lists_the_known_ones(name: str) -> None:
    with pytest.raises(MotionError, match=rf"{name}: no reader for .*; known: \.csv, \.npz"):
        read_clip(name)

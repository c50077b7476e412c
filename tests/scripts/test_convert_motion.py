"""The script that converts motion files."""

from __future__ import annotations

import shlex
import typing
from pathlib import Path

import numpy as np
import pytest
import tyro

from legged_gym.motion.formats import FORMATS, read_clip
from legged_gym.motion.joint_orders import JOINT_ORDERS
from legged_gym.scripts import convert_motion as script
from legged_gym.scripts.convert_motion import convert_motion
from legged_gym.utils.errors import MotionError

REPO = Path(__file__).resolve().parents[2]


def test_the_choices_are_the_formats_and_orders_there_are() -> None:
    assert typing.get_args(script.FormatName) == tuple(FORMATS)
    assert typing.get_args(script.JointOrder) == tuple(JOINT_ORDERS)


def test_a_file_becomes_another_and_says_what_was_done(
    workdir: Path, clip_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert_motion([str(clip_file), "out.pkl", "--fps", "25", "--mirror", "--raise", "0.5"]) == 0
    clip = read_clip("out.pkl")
    assert (clip.provenance["format"], clip.fps, clip.num_frames) == ("videomimic_pkl", 25.0, 26)
    right = clip.joint_names.index("right_elbow_joint")
    assert np.ptp(clip.dof_pos[:, right]) > 0.5  # the left one waved
    out = capsys.readouterr().out
    assert "out.pkl: 26 frames, 1 s, 50 -> 25 frames per second" in out
    assert "mirrored left to right" in out and "raised by 500 mm" in out
    assert "not kept, the format has no place for it: history" in out


def _documented() -> list[str]:
    """Command lines in the page on formats, continued lines joined."""
    page = (REPO / "doc" / "motion_formats.md").read_text().replace("\\\n", " ")
    return [
        line.partition("convert_motion.py")[2]
        for line in page.splitlines()
        if "scripts/convert_motion.py" in line
    ]


@pytest.mark.parametrize("command", _documented())
def test_a_documented_command_parses(command: str) -> None:
    args = tyro.cli(script.ConvertArgs, args=shlex.split(command), use_underscores=True)
    assert len(args.paths) >= 2


def test_nothing_is_overwritten_unless_it_is_said(workdir: Path, clip_file: Path) -> None:
    (workdir / "out.npz").write_text("mine")
    with pytest.raises(MotionError, match=r"out.npz would be overwritten; --overwrite allows it"):
        convert_motion([str(clip_file), "out.npz"])
    assert (workdir / "out.npz").read_text() == "mine"
    assert convert_motion([str(clip_file), "out.npz", "--overwrite"]) == 0
    assert read_clip("out.npz").num_frames == 51


def test_a_bad_file_does_not_stop_the_others(
    workdir: Path, clip_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workdir / "in").mkdir()
    for name in ("a.npz", "z.npz"):
        (workdir / "in" / name).write_bytes(clip_file.read_bytes())
    (workdir / "in" / "m.npz").write_bytes(clip_file.read_bytes()[:500])
    assert convert_motion(["in", "out", "--to", "csv", "--cut", "0:0.4,0.6:1"]) == 1
    assert sorted(path.name for path in (workdir / "out").iterdir()) == [
        *("a_0.csv", "a_1.csv", "z_0.csv", "z_1.csv")
    ]
    lines = capsys.readouterr().out.splitlines()
    assert "1 of 3 files failed:" in lines
    assert any("m.npz: cannot be read (not an archive of plain numpy arrays)" in line for line in lines)


def test_the_flags_for_cutting_exclude_one_another(workdir: Path, clip_file: Path) -> None:
    with pytest.raises(MotionError, match="--cut already says start and end"):
        convert_motion([str(clip_file), "out.npz", "--cut", "0:1", "--start", "0.5"])
    with pytest.raises(
        MotionError, match=r"name what to convert and where to: convert_motion.py IN\.\.\. OUT"
    ):
        convert_motion(["out.npz"])

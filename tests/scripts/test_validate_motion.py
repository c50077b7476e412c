"""The script that checks motion files."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
from pathlib import Path

import pytest
import tyro

from legged_gym.motion.edit import raised
from legged_gym.motion.formats import read_clip, write_clip
from legged_gym.scripts.validate_motion import ValidateArgs, validate_motion
from legged_gym.utils.errors import MotionError

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture
def sunk(clip_file: Path, tmp_path: Path) -> Path:
    """The waving clip, 14 cm inside the ground."""
    path = tmp_path / "sunk.npz"
    write_clip(raised(read_clip(clip_file), -0.14), path)
    return path


def test_a_good_clip_exits_with_0(clip_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert validate_motion([str(clip_file)]) == 0
    assert "wave" in capsys.readouterr().out


def test_errors_exit_with_1_and_are_told(
    clip_file: Path, sunk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "reports" / "out.json"
    assert validate_motion([str(clip_file), str(sunk), "--report", str(report)]) == 1
    assert "left foot is 14 cm inside the ground" in capsys.readouterr().out
    assert [clip["errors"] for clip in json.loads(report.read_text())["clips"]] == [4, 0]  # feet and shins


def test_an_unreadable_clip_exits_with_2_after_the_others(
    sunk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "torn.npz").write_bytes(b"PK")
    assert validate_motion([str(tmp_path)]) == 2  # a folder
    out = capsys.readouterr().out
    assert "torn.npz: cannot be read" in out and "left foot is 14 cm inside the ground" in out


def test_the_page_is_written(clip_file: Path, tmp_path: Path) -> None:
    assert validate_motion([str(clip_file), "--report", str(tmp_path / "out.html")]) == 0
    assert "data:image/png" in (tmp_path / "out.html").read_text()


def test_fixing_writes_a_clip_that_is_good_and_says_so(sunk: Path, tmp_path: Path) -> None:
    fixed = tmp_path / "fixed.npz"
    assert validate_motion([str(sunk), "--fix", "ground", "--out", str(fixed)]) == 0
    assert "because standing feet were 14 cm inside the ground" in read_clip(fixed).history[-1]
    with pytest.raises(MotionError, match="exists already"):
        validate_motion([str(sunk), "--fix", "ground", "--out", str(fixed)])
    before = sunk.read_bytes()
    with pytest.raises(MotionError, match="exists already"):
        validate_motion([str(sunk), "--fix", "ground", "--out", str(tmp_path)])  # the input itself
    assert sunk.read_bytes() == before


def test_the_terrain_is_the_one_given(clip_file: Path, tmp_path: Path) -> None:
    mesh = tmp_path / "floor.obj"
    mesh.write_text("v -9 -9 -0.1\nv 9 -9 -0.1\nv 0 9 -0.1\nf 1 2 3\n")
    assert validate_motion([str(clip_file), "--terrain", str(mesh)]) == 1  # 10 cm above it
    assert validate_motion([str(clip_file), "--terrain", str(tmp_path / "none.obj")]) == 2


def test_a_clip_names_its_own_terrain(clip_file: Path, tmp_path: Path) -> None:
    (tmp_path / "floor.obj").write_text("v -9 -9 -0.1\nv 9 -9 -0.1\nv 0 9 -0.1\nf 1 2 3\n")
    lowered = dataclasses.replace(raised(read_clip(clip_file), -0.1), terrain="floor.obj")
    write_clip(lowered, tmp_path / "low.npz")
    assert validate_motion([str(tmp_path / "low.npz")]) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--report", "out.pdf"], r"--report out.pdf: must end in .html or .json"),
        (["--fix", "ground"], "--fix and --out belong together"),
        (["--out", "there"], "--fix and --out belong together"),
    ],
)
def test_options_that_make_no_sense_are_refused(clip_file: Path, options: list[str], message: str) -> None:
    with pytest.raises(MotionError, match=message):
        validate_motion([str(clip_file), *options])


def test_no_clips_at_all_is_an_error() -> None:
    with pytest.raises(MotionError, match="no clips: name files"):
        validate_motion([])


def test_no_such_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MotionError, match="no file matches"):
        validate_motion([str(tmp_path / "none.npz")])


def test_every_documented_command_is_understood() -> None:
    text = (REPO / "doc/motion_validation.md").read_text()
    commands = re.findall(r"validate_motion\.py (.+)", text)
    assert len(commands) >= 4
    for command in commands:
        assert tyro.cli(ValidateArgs, args=shlex.split(command), use_underscores=True).clips


CLIMB = REPO / "retargeted_data/g1/terrain/stairs.npz"


def test_contacts_with_the_terrain_are_shown_and_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "out.json"
    assert validate_motion([str(CLIMB), "--report", str(report)]) == 0
    out = capsys.readouterr().out
    assert re.search(r"left foot +9 +8\.6( +0\.0){3} +0 +0\.0 +0", out) and "any part" in out
    (clip,) = json.loads(report.read_text())["clips"]
    left = clip["contacts"][0]
    assert left["label"] == "left foot" and left["contacts"] == 9 and abs(left["worst_m"]) < 1e-3
    higher = raised(read_clip(CLIMB), 0.05)
    write_clip(dataclasses.replace(higher, terrain=str(CLIMB.with_suffix(".obj"))), tmp_path / "high.npz")
    assert validate_motion([str(tmp_path / "high.npz"), "--report", str(tmp_path / "out.html")]) == 1
    assert "right foot: 8 of 8 contacts are more than 20 mm off the terrain, the worst 50 mm above" in (
        capsys.readouterr().out
    )
    assert "<td>right foot</td><td>8</td>" in (tmp_path / "out.html").read_text()


def test_a_mesh_that_training_refuses_is_refused_with_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = CLIMB.with_suffix(".obj").read_text()
    (tmp_path / "nan.obj").write_text(re.sub(r"v \S+ ", "v nan ", text, count=1))
    large = re.sub(
        r"v (\S+) (\S+) (\S+)", lambda v: "v " + " ".join(str(1e3 * float(x)) for x in v.groups()), text
    )
    (tmp_path / "mm.obj").write_text(large)
    for name, reason in (("nan", "[ nan -3.6 -0.2], which is no position"), ("mm", "in millimetres or")):
        assert validate_motion([str(CLIMB), "--terrain", str(tmp_path / f"{name}.obj")]) == 2
        assert reason in capsys.readouterr().out

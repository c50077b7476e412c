import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from legged_gym.motion.clip import Clip
from legged_gym.motion.formats import ReadOptions, write_clip
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.motion.validation.files import Inputs, Validation, validate_files
from legged_gym.motion.validation.html import render
from legged_gym.motion.validation.plot import draw
from legged_gym.motion.validation.report import LEGEND, as_json, findings_text, summary_table, write_json


@pytest.fixture
def inputs(layout: RobotLayout) -> Inputs:
    def no_terrain(path: Path) -> Callable[[np.ndarray], np.ndarray]:
        height = float(path.stem)
        return lambda xy: np.full(xy.shape[:-1], height)

    return Inputs(layout, no_terrain, ReadOptions())


@pytest.fixture
def folder(standing: Callable[..., Clip], root: Callable[..., np.ndarray], tmp_path: Path) -> Path:
    """A good clip, one 14 cm inside the ground, one that cannot be read."""
    write_clip(standing(source="made <here>", licence="MIT"), tmp_path / "good.npz")
    write_clip(standing(root_pos=root(z=-0.14)), tmp_path / "sunk.npz")
    (tmp_path / "torn.npz").write_bytes(b"PK")
    return tmp_path


def run(folder: Path, inputs: Inputs, names: str = "good sunk torn", **options: object) -> Validation:
    return validate_files([folder / f"{name}.npz" for name in names.split()], inputs, **options)


def test_a_bad_file_is_listed_and_the_others_are_judged(folder: Path, inputs: Inputs) -> None:
    validation = run(folder, inputs)
    assert [report.clip.name for report in validation.reports] == ["sunk", "good"]  # worst first
    assert list(validation.unreadable) == [str(folder / "torn.npz")]
    assert "torn.npz" in validation.unreadable[str(folder / "torn.npz")]


def test_the_status_tells_unreadable_from_bad_from_good(folder: Path, inputs: Inputs) -> None:
    assert [run(folder, inputs, names).status for names in ("good", "good sunk", "good torn sunk")] == [
        0,
        1,
        2,
    ]


def test_each_clip_is_judged_on_its_own_terrain_unless_another_is_given(
    standing: Callable[..., Clip], root: Callable[..., np.ndarray], inputs: Inputs, tmp_path: Path
) -> None:
    write_clip(standing(root_pos=root(z=-0.14), terrain="-0.14.obj"), tmp_path / "good.npz")
    validation = run(tmp_path, inputs, "good")
    assert validation.status == 0
    assert validation.terrains == {str(tmp_path / "good.npz"): str(tmp_path / "-0.14.obj")}
    other = Inputs(inputs.robot, inputs.load_ground, inputs.read, terrain=Path("0.2.obj"))
    assert run(tmp_path, other, "good").reports[0].measures["standing_height_m"] == pytest.approx(-0.34)


def test_mending_judges_what_is_written(folder: Path, inputs: Inputs) -> None:
    target = folder / "new" / "sunk.npz"
    validation = run(folder, inputs, "sunk", mended={folder / "sunk.npz": target})
    assert validation.status == 0
    assert validation.written == {str(folder / "sunk.npz"): str(target)}
    assert run(folder / "new", inputs, "sunk").status == 0


def test_json_says_everything_and_has_no_nan(
    folder: Path, inputs: Inputs, standing: Callable[..., Clip], root: Callable[..., np.ndarray]
) -> None:
    gliding = standing(
        root_pos=root(x=3.0 * np.arange(101) / 50.0)
    )  # never stands: some figures do not exist
    write_clip(gliding, folder / "glide.npz")
    write_json(folder / "out.json", run(folder, inputs, "good sunk torn glide"))
    content = json.loads((folder / "out.json").read_text(), parse_constant=pytest.fail)
    assert content["schema_version"] == 1
    assert content["robot"] == "g1"
    assert set(content["unreadable"]) == {str(folder / "torn.npz")}
    clips = {clip["name"]: clip for clip in content["clips"]}
    assert clips["glide"]["measures"]["standing_height_m"] is None
    assert clips["sunk"]["errors"] == 4  # feet and shins
    assert set(clips["sunk"]["measures"]) == set(content["measures"])
    first = clips["sunk"]["findings"][0]
    assert (first["check"], first["severity"], first["unit"]) == ("foot_clearance", "error", "m")
    assert first["value"] == pytest.approx(0.14, abs=1e-6)


def test_the_page_needs_nothing_else_and_escapes_what_files_say(folder: Path, inputs: Inputs) -> None:
    validation = run(folder, inputs, draw=draw)
    page = render(validation)
    assert "http" not in page and "<script" not in page
    assert page.count('src="data:image/png;base64,') == 2
    assert "made &lt;here&gt;" in page and "made <here>" not in page
    assert "left foot is 14 cm inside the ground" in page
    assert "torn.npz" in page
    assert page.index('id="clip0">sunk') < page.index('id="clip1">good')


def test_the_table_fits_80_columns_and_shows_the_worst_first(folder: Path, inputs: Inputs) -> None:
    validation = run(folder, inputs)
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(summary_table(validation))
    lines = [line for line in console.export_text().splitlines() if line.strip()]
    assert max(map(len, lines)) <= 80
    assert "mm" in lines[1].split()[-1]  # the last column is there
    rows = [line.split()[:3] for line in lines[3:]]
    assert rows == [["sunk", "2.0", "4"], ["good", "2.0", "0"], ["torn.npz", "-", "none"]]
    assert LEGEND


def test_long_lists_are_cut_for_the_terminal(folder: Path, inputs: Inputs) -> None:
    (report,) = run(folder, inputs, "sunk").reports
    text = findings_text(report, most=1).plain
    assert text.count("\n") == 3
    assert f"and {len(report.findings) - 1} more, which --report lists" in text


def test_clips_of_one_file_name_keep_apart(
    standing: Callable[..., Clip], inputs: Inputs, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_clip(standing(), tmp_path / name / "motion.npz")
    validation = validate_files([tmp_path / name / "motion.npz" for name in ("a", "b")], inputs)
    assert sorted(validation.names.values()) == ["a/motion", "b/motion"]
    assert [clip["file"] for clip in as_json(validation)["clips"]]


@pytest.mark.parametrize("frames", [2, 3, 5, 2000])
def test_the_shortest_and_long_clips_are_judged_and_drawn(
    folder: Path, inputs: Inputs, standing: Callable[..., Clip], frames: int
) -> None:
    write_clip(standing(frames), folder / "clip.npz")
    validation = run(folder, inputs, "clip", draw=draw)
    assert validation.status == 0
    (picture,) = validation.pictures.values()
    assert picture.startswith(b"\x89PNG")

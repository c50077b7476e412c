"""What paths, globs, folders and YAML lists mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from legged_gym.motion.clip_list import ClipEntry, find_clips, unique_names
from legged_gym.utils.errors import MotionError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Empty files a.npz, b.csv, c.npz: finding does not open them."""
    for name in ("a.npz", "b.csv", "c.npz", "notes.txt"):
        (tmp_path / name).touch()
    return tmp_path


def _files(*args: object, **kwargs: object) -> list[str]:
    return [entry.file.name for entry in find_clips(*args, **kwargs)]


def test_files_globs_folders_and_lists_are_found_once_each(folder: Path) -> None:
    assert _files(str(folder / "b.csv")) == ["b.csv"]
    assert _files(folder) == ["a.npz", "b.csv", "c.npz"]
    assert _files(f"{folder}/[bc].*") == ["b.csv", "c.npz"]
    assert _files([str(folder / "c.npz"), str(folder)]) == ["c.npz", "a.npz", "b.csv"]


def test_nothing_found_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(MotionError, match=r"no file matches none\*\.csv; looked in .*retargeted_data"):
        find_clips("none*.csv")
    with pytest.raises(MotionError, match=r"holds no motion file \(.*\.npz"):
        find_clips(tmp_path)
    with pytest.raises(MotionError, match="no motion file is named"):
        find_clips([])


def test_the_data_root_comes_before_every_other_place(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = folder / "here"
    here.mkdir()
    (here / "a.npz").touch()
    monkeypatch.chdir(here)
    assert find_clips("a.npz")[0].file == here / "a.npz"
    assert find_clips("a.npz", root=str(folder))[0].file == folder / "a.npz"
    with pytest.raises(MotionError, match="amass_data_root is '/no/such', which is no folder"):
        find_clips("a.npz", root="/no/such")


def test_a_yaml_list_gives_weights_frames_and_rates(folder: Path) -> None:
    (folder / "list.yaml").write_text(
        "- a.npz\n"
        "- {path: b.csv, weight: 2.5, start_frame: 10, end_frame: 40, fps: 60}\n"
        "- {path: '*.npz', weight: 3}\n"
        "- {folder_path: c.npz, default_data_fps_override: 25}\n"
    )
    assert find_clips(folder / "list.yaml", root=str(folder)) == [
        ClipEntry(folder / "a.npz"),
        ClipEntry(folder / "b.csv", weight=2.5, start_frame=10, end_frame=40, fps=60),
        ClipEntry(folder / "a.npz", weight=3),
        ClipEntry(folder / "c.npz", weight=3),
        ClipEntry(folder / "c.npz", fps=25),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clips: [a.npz]", r"must be a list of clips"),
        ("[]", r"must be a list of clips"),
        ("- 3", r"item 1 is 3; it must be a path or a mapping"),
        ("- a.npz\n- {weight: 2}", r"item 2: path is None"),
        ("- {path: a.npz, wieght: 2}", r"item 1: unknown wieght; an item has path, weight, start_frame"),
        ("- {path: a.npz, weight: -1}", r"item 1: weight is -1; it must be positive"),
        ("- {path: a.npz, fps: fast}", r"item 1: fps is 'fast'; it must be a number"),
        ("- {path: a.npz, start_frame: 1.5}", r"item 1: start_frame is 1.5; it must be a whole number"),
        (
            "- {path: a.npz, start_frame: 8, end_frame: 9}",
            r"item 1: frames 8 to 9: .* at least start_frame \+ 2",
        ),
        ("- [", r"cannot be read as YAML"),
        ("- gone.npz", r"no file matches gone.npz"),
    ],
)
def test_a_wrong_list_is_refused_by_item_and_field(folder: Path, text: str, message: str) -> None:
    (folder / "list.yaml").write_text(text)
    with pytest.raises(MotionError, match=message):
        find_clips(folder / "list.yaml", root=str(folder))


def test_names_show_no_more_than_tells_clips_apart() -> None:
    def names(*entries: ClipEntry) -> list[str]:
        return unique_names(entries)

    x, y = Path("/data/x"), Path("/data/y")
    assert names(ClipEntry(x / "walk.npz"), ClipEntry(y / "run.npz")) == ["walk", "run"]
    assert names(ClipEntry(x / "walk.npz"), ClipEntry(y / "walk.npz")) == ["x/walk", "y/walk"]
    assert names(ClipEntry(x / "walk.npz"), ClipEntry(x / "walk.csv")) == ["x/walk.npz", "x/walk.csv"]
    cuts = ClipEntry(x / "walk.npz", end_frame=50), ClipEntry(x / "walk.npz", start_frame=50)
    assert names(*cuts) == ["walk[0:50]", "walk[50:]"]
    twice = ClipEntry(x / "walk.npz", fps=30), ClipEntry(x / "walk.npz", fps=60)
    assert len(set(names(*twice))) == 2

"""Data files, run folders and checkpoints are found where they should be, and nowhere else."""

from __future__ import annotations

import os
import zipfile
from datetime import datetime
from pathlib import Path

import pytest

from legged_gym.utils import paths
from legged_gym.utils.errors import ConfigError, MotionError, RunError

NOW = datetime(2025, 4, 10, 6, 30, 30)


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make_checkpoint(run: Path, iteration: int) -> Path:
    run.mkdir(parents=True, exist_ok=True)
    path = paths.checkpoint_path(run, iteration)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data", b"weights" * 100)
    return path


def test_resources_of_the_checkout() -> None:
    assert (paths.resources_dir() / "robots" / "g1").is_dir()


def test_run_folder_name() -> None:
    run = paths.make_run_dir("walks", "first", NOW)
    assert run == Path("logs/walks/20250410_063030_first").resolve()
    assert run.is_dir()
    assert paths.make_run_dir("walks", now=NOW).name == "20250410_063030_walks"


def test_two_runs_in_one_second_get_two_folders() -> None:
    paths.make_run_dir("walks", "a", NOW)
    assert paths.make_run_dir("walks", "a", NOW).name == "20250410_063031_a"


@pytest.mark.parametrize("name", ["a/b", "..", "a\\b"])
def test_run_names_cannot_leave_the_folder(name: str) -> None:
    with pytest.raises(ConfigError, match="run_name must be a plain folder name"):
        paths.make_run_dir("walks", name)


def test_unwritable_log_folder(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where the folder should be")
    with pytest.raises(RunError, match="cannot write to log folder"):
        paths.make_run_dir("walks")


def test_newest_run_is_by_the_time_in_its_name_and_has_a_checkpoint() -> None:
    old, new = Path("logs/walks/20250410_063030_z"), Path("logs/walks/20250502_124756_a")
    make_checkpoint(new, 1)
    make_checkpoint(old, 1)
    os.utime(old, (4e9, 4e9))  # touched later, but older by its name
    Path("logs/walks/20260101_000000_empty").mkdir()
    assert paths.find_run("walks").name == new.name


def test_run_by_name_and_by_path_and_from_another_experiment() -> None:
    run = Path("logs/walks/20250410_063030")  # a name that float() would read as a number
    make_checkpoint(run, 1)
    assert paths.find_run("walks", "20250410_063030").resolve() == run.resolve()
    assert paths.find_run("walks", str(run)).resolve() == run.resolve()
    assert paths.find_run("walks", f"{run}/").resolve() == run.resolve()
    assert paths.find_run("dances", "20250410_063030").resolve() == run.resolve()


def test_missing_run_lists_what_exists() -> None:
    make_checkpoint(Path("logs/walks/20250410_063030_a"), 1)
    with pytest.raises(RunError, match=r"no run b; runs in .*walks: 20250410_063030_a"):
        paths.find_run("walks", "b")
    with pytest.raises(RunError, match="there are no runs"):
        paths.find_run("dances")


def test_newest_checkpoint_is_by_number_and_complete() -> None:
    run = Path("run")
    make_checkpoint(run, 900)
    newest = make_checkpoint(run, 1000)  # sorts before model_900.pt as text
    broken = make_checkpoint(run, 1050)
    broken.write_bytes(broken.read_bytes()[:-30])
    make_checkpoint(run, 1100).rename(run / "model_1100.pt.123.tmp")
    assert list(paths.list_checkpoints(run)) == [900, 1000]
    assert paths.find_checkpoint(run) == newest
    assert paths.find_checkpoint(run, -1) == newest
    assert paths.find_checkpoint(run, 900).name == "model_900.pt"


def test_missing_checkpoint_lists_what_exists() -> None:
    run = Path("run")
    make_checkpoint(run, 50)
    (run / "model_60.pt").write_bytes(b"half")
    with pytest.raises(RunError, match=r"no checkpoint 55; iterations: 50"):
        paths.find_checkpoint(run, 55)
    with pytest.raises(RunError, match="incomplete"):
        paths.find_checkpoint(run, 60)


def test_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "model_1.pt"
    path.write_text("old")

    def die_half_way(file: Path) -> None:
        file.write_text("ne")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        paths.write_atomically(path, die_half_way)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["model_1.pt"]
    paths.write_atomically(path, lambda file: file.write_text("new"))
    assert path.read_text() == "new"


def test_write_into_a_missing_folder_is_a_run_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot write"):
        paths.write_atomically(tmp_path / "absent" / "file", lambda file: file.write_text("x"))


def test_data_is_looked_for_as_given_then_in_the_checkout_then_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "data_root", lambda: tmp_path / "checkout")
    places = [tmp_path, tmp_path / "checkout" / "retargeted_data", tmp_path / "retargeted_data"]
    for place in reversed(places):
        place.mkdir(parents=True, exist_ok=True)
        (place / "walk.csv").touch()
        assert paths.find_data("walk.csv") == [place / "walk.csv"]


def test_globs_are_sorted_and_literal_brackets_win(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", "c[1].csv"):
        (tmp_path / name).touch()
    assert [path.name for path in paths.find_data("?.csv")] == ["a.csv", "b.csv"]
    assert [path.name for path in paths.find_data("c[1].csv")] == ["c[1].csv"]


def test_empty_glob_names_the_places() -> None:
    with pytest.raises(MotionError, match=r"no file matches \*\.absent; looked in .*retargeted_data"):
        paths.find_data("*.absent")

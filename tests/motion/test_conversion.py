from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from legged_gym.motion.clip import Clip
from legged_gym.motion.conversion import Conversion, Job, convert, parse_pieces, plan
from legged_gym.motion.formats import ReadOptions, WriteOptions, read_clip, write_clip
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.utils.errors import MotionError

MakeClip = Callable[..., Clip]


@pytest.fixture
def folder(tmp_path: Path, g1_clip: MakeClip) -> Path:
    """A folder with two clips, and one below it that has the name of one of them."""
    (tmp_path / "in" / "below").mkdir(parents=True)
    for name in ("a.npz", "b.npz", "below/a.npz"):
        write_clip(g1_clip(), tmp_path / "in" / name)
    return tmp_path / "in"


def test_pieces_are_start_and_end_in_seconds() -> None:
    assert parse_pieces("0:5,10:15.5") == ((0.0, 5.0), (10.0, 15.5))
    assert parse_pieces(":5,10:") == ((0.0, 5.0), (10.0, None))
    for text in ("5", "a:b", "", "0:5;6:7"):
        with pytest.raises(MotionError, match="pieces are START:END in seconds"):
            parse_pieces(text)


def test_one_file_to_a_name_with_a_suffix_is_that_file(folder: Path) -> None:
    job = Job(folder / "a.npz", (folder / "out.csv",))
    assert plan([str(folder / "a.npz")], folder / "out.csv", Conversion(), False) == [job]


def test_folders_and_globs_keep_their_names_in_the_output_folder(folder: Path) -> None:
    out = folder / "out"
    for inputs in ([str(folder)], [str(folder / "*.npz")], [str(folder / "a.npz"), str(folder)]):
        jobs = plan(inputs, out, Conversion(to_format="csv"), False)
        assert [(job.file.name, job.outputs) for job in jobs] == [
            ("a.npz", (out / "a.csv",)),
            ("b.npz", (out / "b.csv",)),
        ]
    assert not out.exists()


def test_pieces_are_numbered(folder: Path) -> None:
    conversion = Conversion(pieces=((0.0, 0.2), (0.4, None)))
    (job,) = plan([str(folder / "a.npz")], folder / "cut.npz", conversion, False)
    assert job.outputs == (folder / "cut_0.npz", folder / "cut_1.npz")
    convert(job, conversion)
    first, second = (read_clip(path) for path in job.outputs)
    assert (first.num_frames, second.num_frames) == (11, 21)
    assert np.array_equal(second.dof_pos, read_clip(folder / "a.npz").dof_pos[20:])


def test_plans_that_would_lose_a_file_are_refused_before_any_work(folder: Path) -> None:
    both = [str(folder / "a.npz"), str(folder / "below" / "a.npz")]
    with pytest.raises(MotionError, match=r"in/a.npz and .*below/a.npz would both become .*out/a.npz"):
        plan(both, folder / "out", Conversion(), True)
    with pytest.raises(MotionError, match=r"out.npz: names one file, but there are 2 to convert"):
        plan(both, folder / "out.npz", Conversion(), True)
    with pytest.raises(MotionError, match=r"in/a.npz and 1 more would be overwritten"):
        plan([str(folder)], folder, Conversion(), False)
    assert len(plan([str(folder)], folder, Conversion(), True)) == 2
    with pytest.raises(MotionError, match="format gmr_pkl can only be read"):
        plan(both[:1], folder / "out", Conversion(to_format="gmr_pkl"), False)
    with pytest.raises(MotionError, match=r"a file of format npz ends in \.npz"):
        plan(both[:1], folder / "out.csv", Conversion(to_format="npz"), False)


def test_edits_follow_one_another_and_are_told(folder: Path, g1_layout: RobotLayout) -> None:
    conversion = Conversion(
        read=ReadOptions(robot=g1_layout),
        write=WriteOptions(robot=g1_layout),
        pieces=((0.2, 0.8),),
        fps=25.0,
        mirror=True,
        raise_m=0.1,
        source="a test",
        licence="MIT",
    )
    result = convert(Job(folder / "a.npz", (folder / "new" / "out.npz",)), conversion)
    clip = read_clip(folder / "new" / "out.npz")
    assert (
        clip.history
        == result.written[0].history
        == (
            "cut to frames 10 to 40 of 41 (0.2 to 0.8 s)",
            "resampled from 50 to 25 frames per second",
            "mirrored left to right",
            "raised by 100 mm",
        )
    )
    assert (clip.source, clip.licence, clip.num_frames) == ("a test", "MIT", 16)
    whole = read_clip(folder / "a.npz")
    assert clip.root_pos[0] == pytest.approx(whole.root_pos[10] * [1.0, -1.0, 1.0] + [0.0, 0.0, 0.1])


def test_a_terrain_is_found_from_the_new_folder(folder: Path, g1_clip: MakeClip) -> None:
    write_clip(g1_clip(terrain="meshes/box.obj"), folder / "box.npz")
    convert(Job(folder / "box.npz", (folder / "new" / "box.npz",)), Conversion())
    clip = read_clip(folder / "new" / "box.npz")
    assert clip.terrain == "../meshes/box.obj"
    assert clip.terrain_path.resolve() == (folder / "meshes" / "box.obj").resolve()


def test_links_are_compared_where_there_are_any(
    folder: Path, g1_clip: MakeClip, g1_layout: RobotLayout
) -> None:
    conversion = Conversion(read=ReadOptions(robot=g1_layout), write=WriteOptions(robot=g1_layout))
    assert convert(Job(folder / "a.npz", (folder / "c.pkl",)), conversion).link_errors == []
    moved = read_clip(folder / "c.pkl")
    pos_w = np.array(moved.links.pos_w)
    pos_w[:, 3] += [0.0, 0.0, 0.004]
    write_clip(replace(moved, links=replace(moved.links, pos_w=pos_w)), folder / "d.npz")
    errors = convert(Job(folder / "d.npz", (folder / "e.npz",)), conversion).link_errors
    assert [(e.name, round(e.mean_mm, 6)) for e in errors if e.mean_mm > 1e-6] == [
        (moved.links.names[3], 4.0)
    ]

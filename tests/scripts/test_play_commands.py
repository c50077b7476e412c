"""play.py on tasks that follow commands."""

from __future__ import annotations

import imageio_ffmpeg
import pytest

from legged_gym.scripts.play import play
from legged_gym.utils.errors import ConfigError

ZERO = ["--task=g1", "--policy=zero", "--headless", "--env.sim.num_threads=1", "--train.runner.num_threads=1"]


def test_play_prints_how_a_walk_went_and_films_it(workdir, monkeypatch, capsys):
    monkeypatch.setenv("MUJOCO_GL", "off")
    play([*ZERO, "--seconds=0.3", "--command=0.5,0,-0.2", "--video=film/out.mp4"])
    printed = capsys.readouterr().out
    assert "zero on flat: walked 0.30 s; velocity error " in printed
    assert "physics" in printed and "env steps/s" in printed
    count, seconds = imageio_ffmpeg.count_frames_and_secs(str(workdir / "film" / "out.mp4"))
    assert count == 8  # states 0, 2, ... 14 of 50 Hz
    assert seconds == pytest.approx(0.32)


def test_a_robot_told_nothing_but_zeros_stands_for_a_while_and_falls(workdir, capsys):
    play([*ZERO, "--seconds=10", "--command=0.5,0,0"])
    assert "zero on flat: fall after " in capsys.readouterr().out


def test_the_ground_is_the_hardest_unless_a_level_is_named(workdir, capsys):
    stairs = [*ZERO, "--seconds=0.04", "--env.terrain.kinds=[stairs]", "--env.terrain.num_levels=3"]
    play(stairs)
    play([*stairs, "--level=1"])
    printed = capsys.readouterr().out
    assert "zero on stairs 2: " in printed and "zero on stairs 1: " in printed
    with pytest.raises(ConfigError, match=r"--level=3.*0 to 2"):
        play([*stairs, "--level=3"])


def test_a_student_walks_by_command_on_level_ground_or_on_a_clips(workdir, capsys):
    student = ["--task=g1_deepmimic_dagger", *ZERO[1:], "--seconds=0.2"]
    play([*student, "--command=0.5,0,0.2"])
    play([*student, "--joystick", "--clip=walk_slow", "--env.deepmimic.amass_replay_data_path=g1/walk_*.npz"])
    printed = capsys.readouterr().out
    assert printed.count("zero on flat: walked 0.20 s; velocity error ") == 2


@pytest.mark.parametrize(
    ("task", "option", "told"),
    [
        ("g1", "--clip=walk", "follows commands; it takes --seconds, --command, --level"),
        ("g1", "--start=0", "follows commands"),
        ("g1", "--joystick", "follows commands"),
        ("g1_deepmimic", "--seconds=20", "follows clips; it takes --clip, --start, --joystick, --command"),
        ("g1_deepmimic", "--level=1", "follows clips"),
        ("g1_deepmimic", "--command=0.5,0,0", "no joystick can drive"),
        ("g1", "--seconds=0", "must be positive"),
        ("g1", "--command=inf,0,0", "finite"),
        ("g1", "--command=0.5,0", "a list of 3"),
    ],
)
def test_an_option_that_does_not_fit_is_one_error_before_anything_is_built(workdir, task, option, told):
    with pytest.raises(ConfigError, match=told):
        play([f"--task={task}", "--policy=zero", option])

"""How the page is asked for on the command line."""

from __future__ import annotations

import pytest

from legged_gym.scripts import play, train
from legged_gym.utils.cli import parse_command
from legged_gym.utils.errors import ConfigError


def test_the_pages_options_have_the_originals_name_and_a_short_one(options: list[str]) -> None:
    command = parse_command(
        [*options, "--env.viser.enable=True", "--viser.port=9000", "--env.viser.host=::1"]
    )
    viser = command.cfg.env.viser
    assert (viser.enable, viser.port, viser.host) == (True, 9000, "::1")


def test_the_page_is_off_and_on_this_machine_alone_by_default(options: list[str]) -> None:
    viser = parse_command(options).cfg.env.viser
    assert (viser.enable, viser.host, viser.share) == (False, "127.0.0.1", False)


def test_training_with_a_page_is_refused_and_the_way_is_named(options: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"play\.py"):
        train.train([*options, "--env.viser.enable=True"])


@pytest.mark.parametrize("option", ["--video=a.mp4", "--seconds=3"])
def test_options_of_playing_without_a_page_are_refused_with_one(options: list[str], option: str) -> None:
    arguments = [*options, "--policy=zero", "--env.viser.enable=True", option]
    if "seconds" in option:
        arguments = ["--task=g1", "--policy=zero", "--env.viser.enable=True", option]
    with pytest.raises(ConfigError, match="without a page"):
        play.play(arguments)


def test_the_page_begins_with_the_clip_and_the_second_that_are_asked_for(make_viewer) -> None:
    viewer = make_viewer("--policy=zero", "--clip=short", "--start=0.2")
    assert viewer.session.stage.chosen == 1 and viewer.session.clips.frame(0) == 10


def test_a_clip_that_is_not_there_is_refused(make_viewer) -> None:
    with pytest.raises(ConfigError, match="shrt"):
        make_viewer("--policy=zero", "--clip=shrt")


def test_terrain_is_shown_once_however_many_copies_training_had(make_command) -> None:
    from legged_gym.scripts._viewing import viewing_cfg

    command = make_command("--policy=zero")
    command.cfg.env.terrain.n_rows = 10
    assert viewing_cfg(command).terrain.n_rows == 1
    assert viewing_cfg(make_command("--policy=zero", "--env.terrain.n_rows=3")).terrain.n_rows == 3

"""The controller's command line."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from legged_gym.deploy.deploy_config import DeployCfg, SafetyCfg
from legged_gym.deploy.options import RunOptions, parse_options
from legged_gym.utils.errors import ConfigError


def test_a_simulated_robot_on_this_computer_is_the_default():
    options, cfg = parse_options([], "doc")
    assert (options.interface, options.domain, options.real) == ("lo", 1, False)
    assert options == RunOptions()
    assert cfg == DeployCfg()


def test_words_become_what_their_fields_are():
    words = "--bundle b --domain 7 --dry_run --no-realtime --log_dir none --clip walk --safety.tilt_rad 0.5"
    words += " --safety.limit_torque --stand.stiffness ankle=80,wrist=5"
    options, cfg = parse_options(words.split(), "doc")
    assert (options.bundle, options.domain, options.dry_run, options.realtime) == (Path("b"), 7, True, False)
    assert (options.log_dir, options.clip) == (None, "walk")
    assert (cfg.safety.tilt_rad, cfg.safety.limit_torque) == (0.5, True)
    gains = cfg.stand.stiffness
    assert (gains["ankle"], gains["wrist"], gains["knee"]) == (80.0, 5.0, DeployCfg().stand.stiffness["knee"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--domain 0", r"--domain is 0 without --real"),
        ("--real", r"--domain is 1 with --real; real robots, and only they, are in domain 0"),
        ("--dry_run --shadow", "give one of them"),
        ("--safety.tilt_rad wide", r"--safety.tilt_rad is 'wide'; it must be a number"),
        ("--safety.tilt_rad nan", r"--safety.tilt_rad is nan"),
        ("--domain x", r"--domain is 'x'; it must be a whole number"),
        ("--drive robot", r"--drive is 'robot'; it must be auto or clip or joystick"),
        ("--stand.ramp_s 0", r"--stand.ramp_s is 0.0; it must be positive"),
    ],
)
def test_wrong_words_are_refused_by_name(words, message):
    with pytest.raises(ConfigError, match=message):
        parse_options(words.split(), "doc")


def test_unknown_options_are_not_guessed(capsys):
    with pytest.raises(SystemExit):
        parse_options(["--safety.tilt", "0.5"], "doc")
    assert "--safety.tilt" in capsys.readouterr().err


def test_help_says_what_every_option_does_and_its_default(capsys):
    with pytest.raises(SystemExit):
        parse_options(["--help"], RunOptions.__doc__)
    shown = " ".join(capsys.readouterr().out.split())
    for name in [field.name for field in fields(RunOptions)] + [
        f"safety.{f.name}" for f in fields(SafetyCfg)
    ]:
        assert f"--{name} " in shown
    assert "Largest angle of the root from upright, rad. Unitree's own value. (1.0)" in shown

"""Every command of the page is one that the programs understand, and its tables are those of the code."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from legged_gym.deploy.options import parse_options
from legged_gym.deploy.sim_robot_cli import _parser as sim_robot_parser
from legged_gym.deploy.state_machine import BUTTONS
from legged_gym.deploy.trials import _parser as trials_parser
from legged_gym.evaluation.simulations import SIMULATIONS

PAGE = (Path(__file__).resolve().parents[2] / "doc" / "deploy.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"^python -m legged_gym\.deploy\.(\w+)(.*)$", re.MULTILINE)


@pytest.mark.parametrize(("program", "words"), COMMAND.findall(PAGE))
def test_a_documented_command_parses(program, words):
    options = shlex.split(words)
    if program == "run":
        parse_options(options, "")
    elif program == "sim_robot":
        sim_robot_parser().parse_args(options)
    elif program == "trials":
        trials_parser().parse_args(options)
    else:
        assert program == "replay"
        assert {word for word in options if word.startswith("--")} <= {"--plots", "--against", "--bundle"}


def test_all_programs_are_shown():
    assert {program for program, _ in COMMAND.findall(PAGE)} == {"run", "sim_robot", "replay", "trials"}


def test_every_button_is_on_the_page():
    for buttons in BUTTONS:
        names = "+".join(button.name for button in sorted(buttons, reverse=True))
        assert names in PAGE or "+".join(reversed(names.split("+"))) in PAGE, names


def test_every_simulation_is_on_the_page():
    for name, simulation in SIMULATIONS.items():
        assert f"| `{name}` | {simulation.what} |" in PAGE

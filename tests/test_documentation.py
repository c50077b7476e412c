"""Every command in the documentation is one that the scripts understand, and every link leads somewhere."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import pytest
import tyro

import legged_gym.envs  # noqa: F401  (registers the tasks)
from legged_gym.utils.cli import CommonArgs, parse_command

REPO = Path(__file__).resolve().parents[1]
PAGES = [REPO / "README.md", *sorted(REPO.glob("doc/*.md")), REPO / "retargeted_data/README.md"]
SCRIPT = re.compile(r"(?<![\w/])(?:legged_gym/scripts/)?(\w+)\.py((?: [^`\n#|]*)?)", re.MULTILINE)


def commands() -> list[tuple[str, str, str]]:
    """(page, script, options) of every command line in the pages' code, continued lines joined."""
    found = []
    for page in PAGES:
        text = page.read_text().replace("\\\n", " ")
        code = re.findall(r"```[a-z]*\n(.*?)```", text, re.DOTALL) + re.findall(
            r"`([^`\n]+\.py [^`\n]*)`", text
        )
        for block in code:
            for script, options in SCRIPT.findall(block):
                if (REPO / f"legged_gym/scripts/{script}.py").is_file():
                    found.append((page.name, script, options.strip()))
    return found


def args_type(script: str) -> type | None:
    """The script's own flags: the one class of it whose name ends in Args."""
    module = importlib.import_module(f"legged_gym.scripts.{script}")
    own = [v for v in vars(module).values() if isinstance(v, type) and v.__module__ == module.__name__]
    flags = [v for v in own if v.__name__.endswith("Args")]
    return flags[0] if flags else None


def test_there_are_commands_to_check():
    scripts = {script for _, script, _ in commands()}
    assert scripts >= {
        "train",
        "evaluate",
        "play",
        "export",
        "benchmark",
        "convert_motion",
        "validate_motion",
    }


@pytest.mark.parametrize(("page", "script", "options"), commands())
def test_a_documented_command_parses(page, script, options):
    flags, words = args_type(script), shlex.split(options)
    if flags is None:
        assert not words
    elif not issubclass(flags, CommonArgs):
        tyro.cli(flags, args=words, use_underscores=True)
    elif words:  # the name alone is the script, not a command
        task = re.search(r"--task[= ](\S+)", options)
        assert parse_command(words, flags).task.name == (task[1] if task else flags.task)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"

"""The controller's own package, deploy/pyproject.toml: what is in it, and that it runs where nothing else is."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
MOST_MB = 200
UNREACHABLE = (
    "No matching distribution",
    "connection",
    "Connection",
    "Temporary failure",
    "Timeout",
    "timed out",
)


def project(folder: Path) -> dict:
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def requirements(items: list[str]) -> set[str]:
    """Without the conditions, which differ: the whole package has an extra for each kind of computer."""
    return {item.partition(";")[0].strip() for item in items}


def test_it_asks_for_what_the_extras_of_the_whole_package_ask_for():
    whole, alone = project(REPO), project(REPO / "deploy")
    extras = whole["optional-dependencies"]
    assert requirements(alone["dependencies"]) == requirements(extras["deploy"] + extras["deploy-arm"])
    assert (alone["version"], alone["requires-python"]) == (whole["version"], whole["requires-python"])


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The package, built from a copy, since building leaves files behind."""
    pytest.importorskip("setuptools")
    source = tmp_path_factory.mktemp("alone")
    for room in ("bundle", "deploy", "utils"):
        shutil.copytree(REPO / "legged_gym" / room, source / "legged_gym" / room)
    shutil.copy(REPO / "legged_gym" / "__init__.py", source / "legged_gym")
    shutil.copytree(REPO / "deploy", source / "deploy")
    build = ("wheel", "--no-deps", "--no-build-isolation", "-w", str(source), str(source / "deploy"))
    subprocess.run([sys.executable, "-m", "pip", *build], check=True, capture_output=True)
    return next(source.glob("*.whl"))


@pytest.fixture(scope="module")
def bare_python(wheel, tmp_path_factory) -> Path:
    """Interpreter of a new virtual environment with this package and what it asks for."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    pip = ("--python", str(python), "install", "--retries", "1", "--timeout", "15", str(wheel))
    result = subprocess.run([sys.executable, "-m", "pip", *pip], capture_output=True, text=True)
    if result.returncode and any(word in result.stderr for word in UNREACHABLE):
        pytest.skip(f"no package index can be reached: {result.stderr.strip().splitlines()[-1]}")
    assert result.returncode == 0, result.stderr
    return python


@pytest.mark.slow
def test_it_is_small_and_brings_neither_torch_nor_mujoco(bare_python):
    (site,) = (bare_python.parents[1] / "lib").glob("python*/site-packages")
    size = sum(file.stat().st_size for file in site.rglob("*") if file.is_file())
    assert size < MOST_MB * 1e6
    names = {entry.name for entry in site.iterdir()}
    assert {"legged_gym", "onnxruntime", "numpy"} <= names
    assert not names & {"torch", "mujoco", "scipy", "rsl_rl", "matplotlib"}


@pytest.mark.slow
def test_it_drives_a_robot_from_there(bare_python, robot_process, program, tracker_bundle, tmp_path):
    address = f"unix:{tmp_path / 'around'}"
    robot = robot_process("--bundle", str(tracker_bundle.folder), "--surroundings", address)
    running = program(tracker_bundle, "--odometry", address, python=bare_python)
    running.until_said("WAIT ->")
    assert "ok    states" in running.said()
    assert robot.do("report")["drive"] == "damping"

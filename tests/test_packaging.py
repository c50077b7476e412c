"""What gets installed: commands that exist, help that answers fast, data that is found."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]
COMMANDS = PROJECT["scripts"]
HEAVY = ("torch", "mujoco", "viser")
OF_A_TASK = [f"vmg-{name}" for name in ("train", "play", "evaluate", "export", "benchmark")]
"""Commands that take --task."""


def run_python(code: str, cwd: Path = REPO, **env: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(cwd), "COLUMNS": "100", **env}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_command_is_the_main_function_of_a_script_of_that_name(command: str) -> None:
    module, _, function = COMMANDS[command].partition(":")
    assert module == f"legged_gym.scripts.{command.removeprefix('vmg-').replace('-', '_')}"
    spec = importlib.util.find_spec(module)
    assert spec is not None and spec.origin is not None, f"{module} does not exist"
    assert re.search(rf"^def {function}\(\) -> ", Path(spec.origin).read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize(
    ("command", "options"),
    [(command, ["--help"]) for command in COMMANDS]
    + [(command, ["--task=g1_deepmimic", "--help"]) for command in COMMANDS if command in OF_A_TASK],
)
def test_help_answers_without_importing_the_engine(command: str, options: list[str]) -> None:
    module = COMMANDS[command].partition(":")[0]
    code = (
        f"import sys; sys.argv = ['x', *{options!r}]\n"
        f"from {module} import main\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n"
        f"print('HEAVY', *[name for name in {HEAVY!r} if name in sys.modules])"
    )
    result = run_python(code)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "HEAVY"
    assert len(result.stdout.splitlines()) > 1


def test_list_of_tasks() -> None:
    result = run_python("from legged_gym.scripts.list_tasks import main; main()")
    assert result.returncode == 0, result.stderr
    assert "g1_deepmimic" in result.stdout


def test_wrong_option_is_one_line_and_status_2() -> None:
    result = run_python(
        "import sys; sys.argv = ['list_tasks', '--all']; from legged_gym.scripts.list_tasks import main; main()"
    )
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "error: list_tasks takes no arguments, not --all\n"


def test_every_pinned_package_is_one_we_ask_for_or_need_exactly() -> None:
    asked = [
        *PROJECT["dependencies"],
        *(item for extra in PROJECT["optional-dependencies"].values() for item in extra),
    ]
    names = {re.match(r"[\w-]+", item)[0].lower() for item in asked}
    lines = (REPO / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.partition("==")[0].lower() for line in lines if line and not line.startswith("#")}
    assert pinned - names == {"onnx-ir"}  # the exporter's own format, which must fit onnxscript
    assert {"mujoco", "torch", "rsl-rl-lib", "numpy"} <= pinned


def test_make_lists_its_targets_by_default() -> None:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    result = subprocess.run(["make"], cwd=REPO, capture_output=True, text=True, check=True)
    assert all(f"  {target} " in result.stdout for target in ("demo", "test", "test-fast", "lint", "clean"))


@pytest.mark.slow
def test_wheel_carries_its_data_and_finds_it(tmp_path: Path) -> None:
    pytest.importorskip("setuptools")
    source, site = tmp_path / "source", tmp_path / "site"
    for name in ("legged_gym", "resources", "retargeted_data"):
        shutil.copytree(REPO / name, source / name)
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "LICENSE", "README.md"):
        shutil.copy(REPO / name, source)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(tmp_path),
        str(source),
    ]
    subprocess.run(pip, check=True, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        wheel.extractall(site)
    code = (
        "from legged_gym.utils import paths\n"
        "print(paths.resources_dir(), *paths.resources_dir().glob('robots/*/*.xml'), sep='\\n')"
    )
    result = run_python(code, cwd=site)
    folder, *models = result.stdout.splitlines()
    assert Path(folder) == site / "legged_gym" / "_data" / "resources", result.stderr
    assert models[0].endswith(".xml")
    assert (site / "legged_gym" / "_data" / "retargeted_data").is_dir()

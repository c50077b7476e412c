"""Who may import whom, and that nothing heavy is imported before it is needed."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]
PACKAGE = REPO / "legged_gym"
HEAVY = ("torch", "mujoco", "viser", "tensordict", "rsl_rl")

# Room -> rooms or modules of ours that it may import, beside its own. Scripts may import everything.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "utils": (),
    "sim": ("utils",),
    "motion": ("utils",),
    "terrain": ("utils",),
    "sensors": ("utils", "sim.simulator"),
    # A task is the configuration of a world and of its learner: rl.rl_config is plain dataclasses.
    "envs": ("sim", "motion", "terrain", "sensors", "utils", "rl.rl_config"),
    "rl": ("utils", "bundle"),
    "bundle": ("utils.errors",),
    "evaluation": ("envs", "sim.robot_model", "motion", "utils"),
    "viewer": ("envs", "evaluation", "motion", "sensors", "sim", "terrain", "utils"),
    "deploy": ("bundle", "utils.errors"),
}
# Libraries that a room must do without; deploy and the bundle's schema install alone on a robot's computer.
MUST_NOT_IMPORT = dict.fromkeys(("deploy", "bundle"), ("torch", "tensordict", "rsl_rl", "mujoco"))
# The simulated robot runs where the package is installed whole: it is the robot and the ground of training.
EXCEPT = {("deploy/sim_robot_body.py", "mujoco"), ("deploy/sim_robot_ground.py", "mujoco")}
MAY_ALSO_IMPORT = {
    "deploy/sim_robot_body.py": ("sim.robot_model", "sim.sim_config"),
    "deploy/sim_robot_ground.py": ("terrain",),
}

MODULES = sorted(PACKAGE.rglob("*.py"))
LIGHT_MODULES = ["legged_gym.envs", "legged_gym.scripts.list_tasks"] + [
    ".".join(path.relative_to(REPO).with_suffix("").parts)
    for path in MODULES
    if path.name.endswith("_config.py")
    or path.name in ("cli.py", "config.py", "task_registry.py", "paths.py")
]


def imported_names(path: Path) -> set[str]:
    """Dotted names of everything that a module imports anywhere in it, ``from a import b`` as ``a.b``."""
    package = path.relative_to(REPO).parent.parts
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) + "." if node.level else ""
            names |= {f"{base}{node.module or ''}.{alias.name}".replace("..", ".") for alias in node.names}
    return names


def is_within(name: str, module: str) -> bool:
    return name == module or name.startswith(module + ".")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_module_imports_only_what_its_room_may(path: Path) -> None:
    names = imported_names(path)
    room, *below = path.relative_to(PACKAGE).parts
    if not below:  # the package's own __init__
        assert not {name for name in names if is_within(name, "legged_gym")}
        return
    assert room == "scripts" or room in MAY_IMPORT, f"{room} is no room of the house"
    inside = "/".join((room, *below))
    rooms = (room, *MAY_IMPORT.get(room, ()), *MAY_ALSO_IMPORT.get(inside, ()))
    allowed = ["legged_gym"] if room == "scripts" else [f"legged_gym.{part}" for part in rooms]
    ours = {name for name in names if is_within(name, "legged_gym")}
    assert not {name for name in ours if not any(is_within(name, module) for module in allowed)}
    banned = [lib for lib in MUST_NOT_IMPORT.get(room, ()) if (inside, lib) not in EXCEPT]
    assert not {name for name in names if any(is_within(name, lib) for lib in banned)}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_star_imports(path: Path) -> None:
    assert not {name for name in imported_names(path) if name.endswith(".*")}


@pytest.mark.parametrize("module", LIGHT_MODULES)
def test_configurations_and_help_import_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == []

"""The page of all fields: it is current, every field on it is explained, and what differs stands where it belongs."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import pytest

from legged_gym.scripts.document_config import INTRODUCTION, document_config
from legged_gym.utils import task_registry
from legged_gym.utils.config import TaskCfg, leaf_types
from legged_gym.utils.config_reference import describe_fields, field_docstrings, parts_of, reference_page
from legged_gym.utils.task_registry import TaskSpec

SPECS = task_registry.all_tasks()
TASKS = [spec.name for spec in SPECS]


@dataclass
class Inner:
    """What is inside."""

    size: int = 3
    """How large, m."""
    bare: float = 0.5


@dataclass
class Base:
    """What all have."""

    inner: Inner = field(default_factory=Inner)
    """A group."""
    mode: str | None = None
    """One | other,
    in two lines."""


@dataclass
class Walking(Base):
    """One that walks."""

    speed: float = 1.0
    """How fast, m/s."""


@dataclass
class Standing(Base):
    """One that stands."""

    mode: str | None = "still"


def spec(name, env):
    return TaskSpec(name, "", "", lambda: TaskCfg(env=env(), train=Inner()))


TOYS = [spec("walk_a", Walking), spec("walk_b", lambda: Walking(mode="x")), spec("stand", Standing)]


def test_the_page_in_the_repository_is_current():
    assert document_config(["--check"]) == 0


def test_a_page_that_is_not_current_is_refused_with_the_command_that_mends_it(tmp_path, capsys):
    page = tmp_path / "config.md"
    assert document_config(["--check", "--out", str(page)]) == 1
    assert "document_config.py" in capsys.readouterr().out
    assert document_config(["--out", str(page)]) == 0
    assert document_config(["--check", "--out", str(page)]) == 0
    page.write_text(page.read_text() + "\n")
    assert document_config(["--check", "--out", str(page)]) == 1


def all_groups(tree):
    yield tree
    for each in dataclasses.fields(tree):
        if dataclasses.is_dataclass(getattr(tree, each.name)):
            yield from all_groups(getattr(tree, each.name))


@pytest.mark.parametrize("task", TASKS)
def test_every_field_and_group_has_a_docstring_that_ends_with_a_full_stop(task):
    cfg = task_registry.get(task).make_cfg()
    bad = []
    for tree in (cfg.env, cfg.train):
        bad += [f.path for f in describe_fields(tree) if not f.meaning.endswith(".")]
        for group in all_groups(tree):
            docs = field_docstrings(type(group))
            bad += [f"{type(group).__name__}.{n}" for n in vars(group) if not docs[n].endswith(".")]
    assert not bad


def test_every_field_of_every_task_is_on_the_page_once():
    """Or once for each of the families of tasks that declare it, each for itself."""
    page = reference_page(SPECS, INTRODUCTION)
    cfgs = {spec.name: spec.make_cfg() for spec in SPECS}
    for prefix in ("env", "train"):
        parts = parts_of(prefix, {name: getattr(cfg, prefix) for name, cfg in cfgs.items()})
        for path in {path for cfg in cfgs.values() for path in leaf_types(getattr(cfg, prefix))}:
            homes = sum(path in part.fields for part in parts)
            assert homes >= 1 and page.count(f"\n| `{prefix}.{path}` |") == homes, path


def test_shared_fields_come_once_and_those_of_a_family_in_its_own_table():
    page = reference_page(TOYS, "# Toys")
    assert page.startswith("# Toys\n") and page.count("`env.inner.size`") == 1
    shared, walking, learner = page.split("\n## ")[1:]
    assert shared.startswith("`env` of all tasks\n\nWhat all have.")
    assert walking.startswith("`env` of tasks `walk_a`, `walk_b`\n") and "`env.speed`" in walking
    assert learner.startswith("`train` of all tasks")


def test_a_row_tells_type_default_meaning_and_who_differs():
    rows = reference_page(TOYS, "").splitlines()
    assert "| `env.inner.size` | an integer | `3` | How large, m. |  |" in rows
    assert (
        "| `env.mode` | a text or None | `None` | One \\| other, in two lines. | `x`: `walk_b`; `still`: `stand` |"
        in rows
    )


def test_a_field_without_docstring_reads_as_empty_and_one_declared_anew_loses_what_it_had():
    assert field_docstrings(Inner) == {"size": "How large, m.", "bare": ""}
    assert field_docstrings(Standing)["mode"] == "" and field_docstrings(Walking)["mode"].startswith("One")

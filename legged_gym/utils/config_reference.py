"""The page that lists every field of every task's configuration, made from the dataclasses."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import os
import textwrap
import typing
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from legged_gym.utils.config import get_value
from legged_gym.utils.config_values import describe, to_text
from legged_gym.utils.task_registry import TaskSpec


@dataclass(frozen=True)
class FieldDoc:
    """One field of a configuration."""

    path: str
    """Dotted path in the tree, such as ``sim.dt``."""
    kind: Any
    """Its annotated type."""
    default: Any
    meaning: str
    """Its docstring on one line; empty where there is none."""


@dataclass(frozen=True)
class Part:
    """The fields that tasks share because their configurations inherit from one class."""

    prefix: str
    """``env`` or ``train``."""
    base: type
    fields: dict[str, FieldDoc]
    """By path."""
    tasks: dict[str, Any]
    """Name of each task that has these fields -> its configuration below the prefix, with the task's defaults."""


@cache
def field_docstrings(kind: type) -> dict[str, str]:
    """Field -> the text below it in the source of the dataclass or of the class it is inherited from, on one line."""
    docs: dict[str, str] = {}
    for owner in reversed(kind.__mro__):
        if dataclasses.is_dataclass(owner):
            docs |= _own_docstrings(owner)
    return docs


def _own_docstrings(kind: type) -> dict[str, str]:
    """Only fields that the class itself declares; one without a text has an empty one."""
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0].body
    docs: dict[str, str] = {}
    for statement, below in zip(body, [*body[1:], None], strict=True):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            text = below.value if isinstance(below, ast.Expr) else None
            found = text.value if isinstance(text, ast.Constant) and isinstance(text.value, str) else ""
            docs[statement.target.id] = " ".join(found.split())
    return docs


def describe_fields(tree: object, prefix: str = "") -> Iterator[FieldDoc]:
    """Every field of a tree of dataclasses that is not itself one, in declared order."""
    hints, docs = typing.get_type_hints(type(tree)), field_docstrings(type(tree))
    for field in dataclasses.fields(tree):
        path, value = prefix + field.name, getattr(tree, field.name)
        if dataclasses.is_dataclass(value):
            yield from describe_fields(value, path + ".")
        else:
            yield FieldDoc(path, hints[field.name], value, docs.get(field.name, ""))


def reference_page(specs: Sequence[TaskSpec], introduction: str) -> str:
    """The whole page as Markdown.

    Args:
        specs: The tasks.
        introduction: What comes first, Markdown.
    """
    cfgs = {spec.name: spec.make_cfg() for spec in specs}
    parts = [
        part
        for prefix in ("env", "train")
        for part in parts_of(prefix, {name: getattr(cfg, prefix) for name, cfg in cfgs.items()})
    ]
    return (
        "\n".join([introduction.rstrip(), *(line for part in parts for line in _section(part, list(cfgs)))])
        + "\n"
    )


def parts_of(prefix: str, trees: dict[str, Any]) -> list[Part]:
    """What all tasks share, then what each family of tasks has beside it.

    A family is the tasks that inherit from one direct child of the class that all of them inherit from.

    Args:
        prefix: ``env`` or ``train``.
        trees: Task -> configuration below the prefix.
    """
    lineages = {
        name: [c for c in type(tree).__mro__ if dataclasses.is_dataclass(c)] for name, tree in trees.items()
    }
    common = next(c for c in next(iter(lineages.values())) if all(c in line for line in lineages.values()))
    shared = Part(prefix, common, {f.path: f for f in describe_fields(common())}, trees)
    families: dict[type, dict[str, Any]] = {}
    for name, tree in trees.items():
        child = next(
            (c for c in reversed(lineages[name]) if c is not common and issubclass(c, common)), common
        )
        families.setdefault(child, {})[name] = tree
    own = [
        Part(
            prefix,
            child,
            {f.path: f for f in describe_fields(child()) if f.path not in shared.fields},
            members,
        )
        for child, members in families.items()
    ]
    return [shared, *(part for part in own if part.fields)]


def _section(part: Part, all_tasks: Iterable[str]) -> list[str]:
    """Heading and tables of a part."""
    which = (
        "all tasks"
        if len(part.tasks) == len(list(all_tasks))
        else "tasks " + ", ".join(map(_code, part.tasks))
    )
    lines = ["", f"## `{part.prefix}` of {which}", "", " ".join((part.base.__doc__ or "").split())]
    groups: dict[str, list[FieldDoc]] = {}
    for field in part.fields.values():
        groups.setdefault(field.path.rpartition(".")[0], []).append(field)
    for group, fields in groups.items():
        name = f"{part.prefix}.{group}" if group else part.prefix
        lines += ["", f"### `{name}`", "", _group_meaning(part.base(), group), ""]
        lines += [
            "| field | value | default | meaning | tasks with another default |",
            "|---|---|---|---|---|",
        ]
        lines += [_row(part, field) for field in fields]
    return lines


def _group_meaning(tree: Any, group: str) -> str:
    """The docstring of the class whose fields a group holds."""
    return " ".join((type(get_value(tree, group) if group else tree).__doc__ or "").split())


def _row(part: Part, field: FieldDoc) -> str:
    cells = (
        _code(f"{part.prefix}.{field.path}"),
        describe(field.kind),
        _code(to_text(field.default)),
        field.meaning,
        _overrides(part, field),
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _overrides(part: Part, field: FieldDoc) -> str:
    """``0.01: all; 0.5: g1``."""
    by_value: dict[str, list[str]] = {}
    for name, tree in part.tasks.items():
        value = get_value(tree, field.path)
        if value != field.default:
            by_value.setdefault(to_text(value), []).append(name)
    return "; ".join(f"{_code(value)}: {_names(names, part.tasks)}" for value, names in by_value.items())


def _names(names: list[str], among: Iterable[str]) -> str:
    """Task names, shortened to ``prefix*`` where that means exactly them."""
    if names == list(among):
        return "all"
    prefix = os.path.commonprefix(names)  # noqa: RUF071  (characters are what is wanted)
    if len(names) > 1 and prefix and [name for name in among if name.startswith(prefix)] == names:
        return _code(prefix + "*")
    return ", ".join(map(_code, names))


def _code(text: str) -> str:
    """Markdown for text as one types it; nothing at all is shown as empty quotes."""
    return f"`{text}`" if text else '`""`'

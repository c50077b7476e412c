"""An evaluation on paper: a JSON file, and a table to read."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from legged_gym.evaluation.judging import FALL_HEIGHT, FALL_TILT, LOST_DISTANCE
from legged_gym.utils.paths import write_atomically

RULES = {
    "fall_root_height_error_m": FALL_HEIGHT,
    "fall_gravity_direction_error": FALL_TILT,
    "lost_link_distance_m": LOST_DISTANCE,
}

_COLUMNS = (
    ("success", "success_rate", "{:.0%}"),
    ("next\n5 s", "success_rate_next_5s", "{:.0%}"),
    ("done", "completed_fraction", "{:.0%}"),
    ("local\nmm", "mpjpe_local_mm", "{:.0f}"),
    ("global\nmm", "mpjpe_mm", "{:.0f}"),
    ("joints\nrad", "joint_error_rad", "{:.3f}"),
)
_SWEEP_COLUMNS = (
    ("success", "success_rate", "{:.0%}"),
    ("done", "completed_fraction", "{:.0%}"),
    ("from\nstart", "from_start", "{:.0%}"),
    ("local\nmm", "mpjpe_local_mm", "{:.0f}"),
)
_COMMAND_COLUMNS = (
    ("success", "success_rate", "{:.0%}"),
    ("falls\nper min", "falls_per_minute", "{:.2f}"),
    ("velocity\nerror m/s", "lin_vel_error_m_s", "{:.3f}"),
    ("settled\nm/s", "settled_lin_vel_error_m_s", "{:.3f}"),
    ("yaw rate\nerror rad/s", "yaw_rate_error_rad_s", "{:.3f}"),
    ("settled\nrad/s", "settled_yaw_rate_error_rad_s", "{:.3f}"),
    ("trials", "trials", "{}"),
)


def write_report(
    path: Path, figures: dict[str, Any], provenance: dict[str, Any], rules: dict[str, float], table: Table
) -> None:
    """Write ``path`` (JSON) and the table as text beside it (``.txt``), each whole or not at all.

    Args:
        path: The JSON file, in a folder that exists.
        figures: From :func:`metrics.summarise`, :func:`command_following.summarise` or :func:`sweep.summarise`.
        provenance: What was judged and how.
        rules: What counted as a failure.
        table: The same figures to read.

    Raises:
        RunError: A file cannot be written.
    """
    content = {"provenance": provenance, "rules": rules, **figures}
    text = json.dumps(content, indent=2, allow_nan=False) + "\n"
    write_atomically(path, lambda file: file.write_text(text, encoding="utf-8"))
    console = Console(file=io.StringIO(), width=100, record=True)
    console.print(table_title(provenance), soft_wrap=True)
    console.print(table)
    printed = console.export_text()
    write_atomically(path.with_suffix(".txt"), lambda file: file.write_text(printed, encoding="utf-8"))


def table_title(provenance: dict[str, Any]) -> str:
    """One line that says what was judged."""
    physics = provenance["physics"]
    who = provenance["policy"]
    if provenance["run"]:
        who = f"{provenance['run']}, {Path(provenance['checkpoint']).name}"
    return f"{provenance['task']}, {who}: physics {1e3 * physics['dt_s']:g} ms x {physics['decimation']}"


def evaluation_table(figures: dict[str, Any]) -> Table:
    """One row per clip and, for several, one for all; narrow enough for 80 columns."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("clip", overflow="fold")
    for heading, _, _ in _COLUMNS:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("from\nstart", justify="right", no_wrap=True)
    table.add_column("failures")
    rows = dict(figures["clips"])
    if len(rows) > 1:
        rows["all clips"] = figures["total"]
    for number, (name, row) in enumerate(rows.items(), start=1):
        cells = [_cell(row[key], form) for _, key, form in _COLUMNS]
        cells += [_cell(row["from_start"]["success_rate"], "{:.0%}"), _failures(row)]
        table.add_row(name, *cells, end_section=number == len(rows) - 1)
    return table


def command_table(figures: dict[str, Any]) -> Table:
    """One row per kind and level of ground and, for several, one for all; below it, of what robots fell."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, caption_justify="left")
    table.add_column("ground", overflow="fold")
    for heading, _, _ in _COMMAND_COLUMNS:
        table.add_column(heading, justify="right", no_wrap=True)
    table.caption = f"falls: {', '.join(_counted(figures['total']['falls'])) or 'none'}"
    rows = dict(figures["grounds"])
    if len(rows) > 1:
        rows["all"] = figures["total"]
    for number, (name, row) in enumerate(rows.items(), start=1):
        cells = [_cell(row[key], form) for _, key, form in _COMMAND_COLUMNS]
        table.add_row(name, *cells, end_section=number == len(rows) - 1)
    return table


def sweep_table(figures: dict[str, Any]) -> Table:
    """One row per condition, and one for the mean over all but the nominal one; below, what was skipped and why."""
    rows = {name: condition["total"] for name, condition in figures["conditions"].items()}
    rows["mean but nominal"] = figures["mean"]
    tracking = "from_start" in figures["mean"]
    columns = _SWEEP_COLUMNS if tracking else _COMMAND_COLUMNS[:-1]
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("condition", no_wrap=True)
    for heading, _, _ in columns:
        table.add_column(heading, justify="right", no_wrap=True)
    for number, (name, row) in enumerate(rows.items(), start=1):
        flat = row | ({"from_start": row["from_start"]["success_rate"]} if tracking else {})
        cells = [_cell(flat[key], form) for _, key, form in columns]
        table.add_row(name, *cells, end_section=number == len(rows) - 1)
    reasons: dict[str, list[str]] = {}
    for name, reason in figures["skipped"].items():
        reasons.setdefault(reason, []).append(name)
    table.caption = "\n".join(f"skipped {'; '.join(names)}: {reason}" for reason, names in reasons.items())
    table.caption_justify = "left"
    return table


def _cell(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def _failures(row: dict[str, Any]) -> str:
    """Failures from spread starts, as ``2 fall, 1 lost of 32``."""
    return f"{', '.join(_counted(row['failures'])) or 'none'} of {row['episodes']}"


def _counted(causes: dict[str, int]) -> list[str]:
    """The causes that there are, the most frequent first, as ``2 fall``."""
    counts = sorted(causes.items(), key=lambda item: -item[1])
    return [f"{count} {cause}" for cause, count in counts if count]

"""A validation on paper: tables to read, and JSON."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from legged_gym.motion.validation.files import Validation
from legged_gym.motion.validation.findings import Report
from legged_gym.motion.validation.measures import MEASURES
from legged_gym.motion.validation.options import ValidationOptions
from legged_gym.motion.validation.spans import length
from legged_gym.utils.paths import write_atomically

SCHEMA_VERSION = 1
SHOWN_FINDINGS = 8
"""Most findings of one clip that the terminal shows."""
STYLES = {"error": "bold red", "warning": "yellow", "info": "dim"}

_COLUMNS = (
    ("stand\nmm", "standing_height_m", 1e3),
    ("low\nmm", "lowest_point_m", 1e3),
    ("slide\nmm", "slide_m", 1e3),
    ("speed\n%", "joint_speed_share", 1e2),
    ("torq.\n%", "torque_share", 1e2),
    ("loose\n%", "unsupported_time_share", 1e2),
    ("tips\n%", "tipping_time_share", 1e2),
    ("self\nmm", "self_penetration_m", 1e3),
)
LEGEND = (
    "stand: median height of standing feet; low: lowest point of the body, both above the ground. slide: longest in "
    "one stance. speed, torque: largest share of a motor's limit. loose, tips: share of the time. self: deepest "
    "self-penetration."
)


def summary_table(validation: Validation) -> Table:
    """One row per clip, the worst first; narrow enough for 80 columns."""
    table = Table(box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    table.add_column("clip", overflow="fold", min_width=10)
    for heading in ("s", "err-\nors", "warn-\nings", *(column[0] for column in _COLUMNS)):
        table.add_column(heading, justify="right", no_wrap=True)
    for report in validation.reports:
        errors, warnings = report.count("error"), report.count("warning")
        table.add_row(
            validation.names[report.clip.file],
            f"{report.clip.duration:.1f}",
            Text(str(errors), STYLES["error"] if errors else ""),
            Text(str(warnings), STYLES["warning"] if warnings else ""),
            *cells(report),
        )
    for file in validation.unreadable:
        table.add_row(Text(Path(file).name, STYLES["error"]), "-", Text("none", STYLES["error"]))
    return table


def cells(report: Report) -> list[str]:
    """The figures of a clip as the tables show them."""
    values = [report.measures[key] * scale for _, key, scale in _COLUMNS]
    return [str(round(value)) if math.isfinite(value) else "-" for value in values]


def _millimetres(metres: float) -> str:
    """Of a length in m, to 0.1 mm and without a negative zero."""
    return f"{round(1e3 * metres, 1) + 0.0:.1f}" if math.isfinite(metres) else "-"


def headings() -> list[str]:
    """Names of `cells`, on one line each."""
    return [heading.replace("-\n", "").replace("\n", " ") for heading, *_ in _COLUMNS]


CONTACT_HEADINGS = (
    "con-\ntacts",
    "s",
    "mean\nmm",
    "low\nmm",
    "high\nmm",
    "off\n%",
    "worst\nmm",
    "beyond",
    "hover\ns",
)


def contacts_legend(options: ValidationOptions) -> str:
    """What the columns of `contacts_table` are."""
    return (
        "Distance of feet and hands from what collides, below 0 inside. mean, low, high: of the samples in contact; "
        f"off: share of them off by more than {length(options.contact_tolerance)}. worst: of whole contacts, each its "
        "deepest sample if that is inside, else its median; beyond: how many are off by more than that. hover: time at "
        "rest 20 to 50 mm above it. any part: height of the body's lowest point, at all times."
    )


def contacts_table(report: Report) -> Table:
    """One row per limb that touches the terrain."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    table.add_column(report.clip.name, overflow="fold", min_width=10)
    for heading in CONTACT_HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for name, *values in contact_cells(report):
        table.add_row(name, *values)
    return table


def contact_cells(report: Report) -> list[list[str]]:
    """Rows of `contacts_table`."""
    rows = []
    for fit in report.contacts:
        lengths = [_millimetres(value) for value in (fit.mean_m, fit.lowest_m, fit.highest_m)]
        off = str(round(1e2 * fit.beyond_time_share))
        rows.append(
            [
                fit.label,
                str(fit.contacts),
                f"{fit.seconds:.1f}",
                *lengths,
                off,
                _millimetres(fit.worst_m),
                str(fit.beyond),
                f"{fit.hover_s:.1f}",
            ]
        )
    ends = [_millimetres(report.measures[key]) for key in ("lowest_point_m", "clearance_m")]
    rows.append(["any part", "", f"{report.clip.duration:.1f}", "", *ends, "", "", "", ""])
    return rows


def findings_text(report: Report, most: int | None = SHOWN_FINDINGS) -> Text:
    """The clip's name and a line for each of its findings."""
    text = Text(f"{report.clip.file}\n", "bold")
    shown = report.findings[:most]
    for finding in shown:
        text.append(f"  {finding.severity:7} ", STYLES[finding.severity])
        text.append(f"{finding.message}\n")
    hidden = len(report.findings) - len(shown)
    if hidden:
        text.append(f"  and {hidden} more, which --report lists\n", "dim")
    return text


def as_json(validation: Validation) -> dict[str, Any]:
    """Everything but the pictures, as plain data; doc/motion_validation.md describes it."""
    return {
        "schema_version": SCHEMA_VERSION,
        "robot": validation.robot,
        "options": dataclasses.asdict(validation.options),
        "measures": MEASURES,
        "clips": [_clip_json(report, validation) for report in validation.reports],
        "unreadable": dict(validation.unreadable),
    }


def write_json(path: Path, validation: Validation) -> None:
    """Write `as_json`, whole or not at all.

    Raises:
        RunError: the file cannot be written.
    """
    text = json.dumps(as_json(validation), indent=2, allow_nan=False) + "\n"
    write_atomically(path, lambda file: file.write_text(text, encoding="utf-8"))


def _clip_json(report: Report, validation: Validation) -> dict[str, Any]:
    clip = report.clip
    return {
        "name": clip.name,
        "file": clip.file,
        "frames": clip.num_frames,
        "fps": clip.fps,
        "duration_s": clip.duration,
        "terrain": validation.terrains.get(clip.file),
        "source": clip.source,
        "licence": clip.licence,
        "history": list(clip.history),
        "errors": report.count("error"),
        "warnings": report.count("warning"),
        "measures": {key: value if math.isfinite(value) else None for key, value in report.measures.items()},
        "contacts": [dataclasses.asdict(fit) for fit in report.contacts],
        "findings": [_finite(dataclasses.asdict(finding)) for finding in report.findings],
    }


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    """JSON has no infinity."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in values.items()
    }

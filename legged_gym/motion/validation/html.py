"""A validation as one HTML file that needs nothing else."""

from __future__ import annotations

import base64
from html import escape
from pathlib import Path

from legged_gym.motion.validation.files import Validation
from legged_gym.motion.validation.findings import Finding, Report
from legged_gym.motion.validation.report import (
    CONTACT_HEADINGS,
    LEGEND,
    cells,
    contact_cells,
    contacts_legend,
    headings,
)
from legged_gym.utils.paths import write_atomically

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #2b2d42; margin: 2em auto; max-width: 1180px; padding: 0 1em; }
h1 { font-size: 1.5em; } h2 { font-size: 1.2em; margin-top: 2.5em; border-top: 1px solid #e5e7eb; padding-top: 1em; }
table { border-collapse: collapse; margin: 1em 0; }
th, td { padding: .25em .7em; text-align: right; border-bottom: 1px solid #e5e7eb; vertical-align: top; }
th { font-weight: 600; color: #6b7280; } td:first-child, th:first-child, td.text { text-align: left; }
.error { color: #c1121f; font-weight: 600; } .warning { color: #b45309; } .info, .note { color: #6b7280; }
img { max-width: 100%; } a { color: inherit; }
"""


def write_html(path: Path, validation: Validation) -> None:
    """Write the page, whole or not at all.

    Raises:
        RunError: the file cannot be written.
    """
    page = render(validation)
    write_atomically(path, lambda file: file.write_text(page, encoding="utf-8"))


def render(validation: Validation) -> str:
    """The page."""
    errors = sum(not report.ok for report in validation.reports)
    count = len(validation.reports)
    title = f"{count} clip{'s' if count != 1 else ''} on {validation.robot}: {errors} with errors"
    if validation.unreadable:
        title += f", {len(validation.unreadable)} not judged"
    sections = [_clip(number, report, validation) for number, report in enumerate(validation.reports)]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>"
        f'{_summary(validation)}<p class="note">{escape(LEGEND)}</p>{_unreadable(validation)}'
        f"{''.join(sections)}</body></html>\n"
    )


def _summary(validation: Validation) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in ("clip", "s", "errors", "warnings", *headings()))
    rows = []
    for number, report in enumerate(validation.reports):
        errors, warnings = report.count("error"), report.count("warning")
        values = "".join(f"<td>{escape(cell)}</td>" for cell in cells(report))
        name = escape(validation.names[report.clip.file])
        rows.append(
            f'<tr><td><a href="#clip{number}">{name}</a></td><td>{report.clip.duration:.1f}</td>'
            f'<td class="{"error" if errors else ""}">{errors}</td>'
            f'<td class="{"warning" if warnings else ""}">{warnings}</td>{values}</tr>'
        )
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


def _unreadable(validation: Validation) -> str:
    if not validation.unreadable:
        return ""
    items = "".join(f'<li class="error">{escape(why)}</li>' for why in validation.unreadable.values())
    return f"<h2>Not judged</h2><ul>{items}</ul>"


def _clip(number: int, report: Report, validation: Validation) -> str:
    clip = report.clip
    facts = [f"{clip.num_frames} frames at {clip.fps:g} per second, {clip.duration:.2f} s"]
    for name, value in (
        ("terrain", validation.terrains.get(clip.file)),
        ("source", clip.source),
        ("licence", clip.licence),
        ("history", "; ".join(clip.history)),
    ):
        if value:
            facts.append(f"{name}: {value}")
    picture = validation.pictures.get(clip.file)
    image = ""
    if picture is not None:
        data = base64.b64encode(picture).decode("ascii")
        image = f'<img alt="plots of {escape(clip.name)}" src="data:image/png;base64,{data}">'
    return (
        f'<h2 id="clip{number}">{escape(validation.names[clip.file])}</h2><p class="note">{escape(clip.file)}<br>'
        f"{'<br>'.join(escape(fact) for fact in facts)}</p>{_findings(report.findings)}"
        f"{_contacts(report, validation)}{image}"
    )


def _contacts(report: Report, validation: Validation) -> str:
    if not report.contacts:
        return ""
    names = (
        "contacts with the terrain",
        *(name.replace("-\n", "").replace("\n", " ") for name in CONTACT_HEADINGS),
    )
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in contact_cells(report)
    )
    legend = escape(contacts_legend(validation.options))
    return f'<table><tr>{head}</tr>{rows}</table><p class="note">{legend}</p>'


def _findings(findings: tuple[Finding, ...]) -> str:
    if not findings:
        return "<p>Nothing found.</p>"
    rows = "".join(
        f'<tr><td class="{finding.severity}">{finding.severity}</td><td class="text">{escape(finding.check)}</td>'
        f'<td class="text">{escape(finding.message)}</td></tr>'
        for finding in findings
    )
    return f"<table>{rows}</table>"

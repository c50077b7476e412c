"""What a check has to say about a clip, and how the findings of many clips are ranked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from legged_gym.motion.clip import Clip

Severity = Literal["error", "warning", "info"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
"""Worst first. error: the robot cannot do this, or the data are broken; warning: it will cost tracking."""


@dataclass(frozen=True)
class Finding:
    """One thing a check found, in a sentence and in numbers."""

    check: str
    """Name of the check."""
    severity: Severity
    message: str
    """A sentence without a full stop that names what, how much, and when."""
    first_frame: int
    last_frame: int
    """Frames of the clip, both inclusive, of the worst place."""
    first_s: float
    last_s: float
    """The same in seconds of the clip."""
    subject: str = ""
    """Joint, body, or pair of bodies; "" for the whole robot."""
    value: float = 0.0
    """The worst value, in `unit`."""
    limit: float = 0.0
    """What it should have stayed within, in `unit`."""
    unit: str = ""


@dataclass(frozen=True)
class ContactFit:
    """How well the contacts of a limb fit a terrain; lengths in m, signed, negative inside."""

    body: str
    label: str
    """As people call it."""
    contacts: int
    """How many."""
    seconds: float
    """How long in all."""
    mean_m: float
    """Mean distance over the samples in contact."""
    lowest_m: float
    highest_m: float
    """Extremes of single samples in contact."""
    worst_m: float
    """Distance of the contact that is off most."""
    beyond: int
    """Contacts that are off by more than the tolerance."""
    beyond_time_share: float
    """The same of single samples, as a share of those in contact."""
    hover_s: float
    """How long it is at rest close above the terrain without touching it."""


@dataclass(frozen=True, eq=False)
class Report:
    """Everything that was found about one clip."""

    clip: Clip
    findings: tuple[Finding, ...]
    """Worst first."""
    measures: Mapping[str, float] = field(default_factory=dict)
    """Figures of the clip whether good or bad, see `measures.py`."""
    contacts: tuple[ContactFit, ...] = ()
    """How the contacts of each limb fit the terrain, if the clip has one."""

    def count(self, severity: Severity) -> int:
        """Findings of one severity."""
        return sum(finding.severity == severity for finding in self.findings)

    @property
    def ok(self) -> bool:
        """No errors; there may be warnings."""
        return self.count("error") == 0


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """Errors, then warnings, then the rest; within one severity the furthest beyond its limit first."""
    return sorted(findings, key=lambda finding: (SEVERITIES.index(finding.severity), -_excess(finding)))


def badness(findings: Sequence[Finding]) -> tuple[float, ...]:
    """Sort key of a clip: more errors, then more warnings, then the larger excess is worse."""
    bad = [finding for finding in findings if finding.severity != "info"]
    count = [sum(finding.severity == severity for finding in bad) for severity in SEVERITIES[:2]]
    return (*count, max(map(_excess, bad), default=0.0))


def worst_clips(findings_by_clip: Mapping[str, Sequence[Finding]], n: int = 3) -> list[tuple[str, Finding]]:
    """Up to n clips with errors or warnings, worst first, each with its worst finding."""
    bad = {
        name: findings
        for name, findings in findings_by_clip.items()
        if any(finding.severity != "info" for finding in findings)
    }
    ranked = sorted(bad, key=lambda name: badness(bad[name]), reverse=True)
    return [(name, worst_first(bad[name])[0]) for name in ranked[:n]]


def summary_line(findings_by_clip: Mapping[str, Sequence[Finding]], n: int = 3) -> str:
    """One sentence for a log: how many clips have errors or warnings, and the worst of them; "" if none has."""
    bad = sum(
        any(finding.severity != "info" for finding in findings) for findings in findings_by_clip.values()
    )
    if not bad:
        return ""
    total = len(findings_by_clip)
    verb = "has" if bad == 1 else "have"
    worst = "; ".join(f"{name} ({finding.message})" for name, finding in worst_clips(findings_by_clip, n))
    return f"{bad} of {total} clips {verb} problems; worst: {worst}"


def _excess(finding: Finding) -> float:
    """How many times its limit the value is; 0 where there is no limit."""
    return abs(finding.value / finding.limit) if finding.limit else 0.0

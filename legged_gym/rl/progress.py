"""The live display of a training run."""

from __future__ import annotations

import time
from collections.abc import Mapping

from rich.console import Console, Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

REFRESH_S = 0.2
"""Shortest time between two frames on a terminal."""

PLAIN_INTERVAL_S = 5.0
"""Time between two lines where the output is no terminal."""

MEASURES = {
    "mean_reward": ("reward", "{:.2f}"),
    "mean_episode_length": ("episode", "{:.0f} steps"),
    "kl": ("KL", "{:.3f}"),
    "learning_rate": ("lr", "{:.1e}"),
    "action_std": ("std", "{:.2f}"),
    "Episode/success": ("success", "{:.0%}"),
    "samples_per_s": ("speed", "{:,.0f} samples/s"),
}
"""Column of a progress row -> its label and format."""


class ProgressDisplay:
    """A progress bar and the newest measures on a terminal; elsewhere one line every few seconds."""

    def __init__(self, title: str, start: int, total: int, console: Console | None = None) -> None:
        """Prepare the display; it appears on entering the context.

        Args:
            title: Shown in front of the bar.
            start: Iterations completed before this call.
            total: Iterations completed when this call is done.
            console: Where to draw; standard output by default.
        """
        self._console = console or Console()
        self._total, self._start = total, start
        self._started = self._shown = time.monotonic()
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("elapsed"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(elapsed_when_finished=False),
            console=self._console,
        )
        self._task = self._bar.add_task(title, total=total, completed=start)
        self._live = Live(self._bar, console=self._console, auto_refresh=False)

    def __enter__(self) -> ProgressDisplay:
        """Show the display."""
        if self._console.is_terminal:
            self._live.start(refresh=True)
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the last frame on the screen."""
        if self._console.is_terminal:
            self._live.stop()

    def update(self, row: Mapping[str, float]) -> None:
        """Show an iteration, unless the last one was shown a moment ago.

        Args:
            row: A row of progress.csv.
        """
        now, last = time.monotonic(), row["iteration"] >= self._total
        if self._console.is_terminal:
            self._bar.update(self._task, completed=row["iteration"])
            if last or now - self._shown >= REFRESH_S:
                self._shown = now
                self._live.update(Group(self._bar, _table(row)), refresh=True)
        elif last or now - self._shown >= PLAIN_INTERVAL_S:
            self._shown = now
            self._console.print(self._line(row, now), highlight=False, soft_wrap=True)

    def note(self, text: str) -> None:
        """Write a line above the display."""
        self._console.print(text, highlight=False, soft_wrap=True)

    def _line(self, row: Mapping[str, float], now: float) -> str:
        """Return one iteration as a line of text."""
        done = row["iteration"] - self._start
        left = (now - self._started) / done * (self._total - row["iteration"])
        parts = [f"iteration {row['iteration']}/{self._total}", f"{row['samples']:,} samples"]
        parts += [f"{label} {text}" for label, text in _measures(row)]
        return "  ".join([*parts, f"left {left / 60:.1f} min"])


def _measures(row: Mapping[str, float]) -> list[tuple[str, str]]:
    """Return label and formatted value of what a row has to show."""
    return [(label, form.format(row[key])) for key, (label, form) in MEASURES.items() if key in row]


def _table(row: Mapping[str, float]) -> Table:
    """Return the measures of a row, labels above values, and below them where its time went."""
    measures = _measures(row)
    table = Table.grid(padding=(0, 3))
    table.add_row(*(f"[dim]{label}[/dim]" for label, _ in measures))
    table.add_row(*(f"[bold]{text}[/bold]" for _, text in measures))
    times = {key.removeprefix("time_ms/"): value for key, value in row.items() if key.startswith("time_ms/")}
    whole = sum(times.values()) or 1.0
    split = " · ".join(f"{key.replace('_', ' ')} {value / whole:.0%}" for key, value in times.items())
    outer = Table.grid()
    outer.add_row(table)
    outer.add_row(f"[dim]time: {split}[/dim]")
    return outer

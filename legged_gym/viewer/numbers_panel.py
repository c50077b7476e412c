"""Numbers: those of now in a table, those of the last seconds in charts, and the log of episodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from legged_gym.viewer.measures import WINDOW_S, History, figures
from legged_gym.viewer.page import Page
from legged_gym.viewer.session import Session

if TYPE_CHECKING:
    import viser

FIRST, FIRST_BY_COMMAND = ("rewards", "link errors"), ("rewards", "velocity")
"""Charts that are open on a new page."""
COLORS = (
    "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf",
)  # fmt: skip
CHART_HEIGHT = 200
"""Pixels."""
MOST_IN_LEGEND = 12
"""A chart with more columns has no legend: it would be all legend."""
EPISODES_LISTED = 12


class NumbersPanel:
    """Shows how the robot that is looked at is doing. Charts that are not open cost nothing."""

    def __init__(self, page: Page, session: Session) -> None:
        """Put it where the page is building now."""
        self._page, self._session = page, session
        gui = page.server.gui
        self._figures = gui.add_markdown("")
        self._charts: dict[str, viser.GuiUplotHandle] = {}
        self._watch()
        first = FIRST if session.stage.lead == "clip" else FIRST_BY_COMMAND
        for name in self.history.measures:
            box = gui.add_checkbox(name, name in first, hint=f"Chart of the last {WINDOW_S:g} s")
            page.on_update(box, lambda wanted, name=name: self.open_chart(name, wanted))
            self._charts[name] = self._add_chart(name)
            self.open_chart(name, name in first)
        with gui.add_folder("Episodes"):
            self._episodes = gui.add_markdown("")
            page.on_click(gui.add_button("Clear"), session.episodes.clear)
        self._listed = -1

    def note(self) -> None:
        """A control step has passed."""
        if self._built != self._session.built or self._of != self._session.selected:
            self._watch()
        self.history.note(self._session.selected)

    def open_chart(self, name: str, wanted: bool) -> None:
        """Show a chart, or close it."""
        self.history.watch(name, wanted)
        self._charts[name].visible = wanted

    def refresh(self) -> None:
        """Bring numbers, charts and episodes up to date."""
        rows = figures(self._session.env, self._session.selected).items()
        self._figures.content = "| | |\n|---|---|\n" + "\n".join(f"| {k} | {v} |" for k, v in rows)
        for name in self.history.watched:
            series = self.history.series(name)
            if len(series[0]) > 1:
                self._charts[name].data = series
        count = len(self._session.episodes.episodes)
        newest = self._session.episodes.episodes[0].number if count else 0
        if newest != self._listed:
            self._listed = newest
            self._episodes.content = self._episode_table()

    # ------------------------------------------------------------------ inside

    def _watch(self) -> None:
        """Begin with the robot that is looked at now; what was open stays open."""
        session = self._session
        watched = self.history.watched if hasattr(self, "history") else ()
        self.history = History(session.env)
        for name in watched:
            self.history.watch(name, True)
        self._built, self._of = session.built, session.selected

    def _add_chart(self, name: str) -> viser.GuiUplotHandle:
        measure = self.history.measures[name]
        series = [{"label": "s"}] + [
            {"label": column, "stroke": COLORS[i % len(COLORS)], "width": 1.5, "points": {"show": False}}
            for i, column in enumerate(measure.columns)
        ]
        empty = tuple(np.zeros(2) for _ in series)
        return self._page.server.gui.add_uplot(
            (np.array([-WINDOW_S, 0.0]), *empty[1:]), tuple(series), title=measure.title, height=CHART_HEIGHT,
            scales={"x": {"time": False, "auto": False, "range": (-WINDOW_S, 0.0)}, "y": {"auto": True}},
            legend={"show": len(measure.columns) <= MOST_IN_LEGEND}, visible=False,
        )  # fmt: skip

    def _episode_table(self) -> str:
        log = self._session.episodes
        if not log.episodes:
            return "none has ended yet"
        causes = ", ".join(f"{count} {cause}" for cause, count in log.causes().most_common())
        head = "| | robot | on | from | lasted | |\n|---|---|---|---|---|---|\n"
        rows = [
            f"| {e.number} | {e.robot} | {e.on} | {e.start_s:.2f} s | {e.seconds:.2f} s | {e.outcome} |"
            for e in list(log.episodes)[:EPISODES_LISTED]
        ]
        return f"{causes}\n\n{head}" + "\n".join(rows)

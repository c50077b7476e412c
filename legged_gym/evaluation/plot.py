"""The picture of an evaluation: error over clip time, and where episodes failed; success under each condition."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from legged_gym.evaluation.evaluator import MEASURES, Episodes
from legged_gym.evaluation.judging import CAUSES
from legged_gym.utils.paths import write_atomically

INK, GRID = "#2b2d42", "#e5e7eb"
STYLE = {"font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": INK}
CURVES = (("mpjpe_mm", "global", "#2a6f97"), ("mpjpe_local_mm", "root-relative", "#e07a5f"))
CAUSE_COLORS = dict(zip(CAUSES, ("#111111", "#c1121f", "#f4a261"), strict=True))
MAX_CLIPS = 8
"""Most clips drawn: those with the most failures, then the largest error."""


def plot_errors(path: Path, episodes: Episodes, title: str = "") -> None:
    """Draw mean and 95th percentile over episodes of the link position errors against clip time.

    Args:
        path: PNG file to write.
        episodes: An evaluation.
        title: Put above the picture.

    Raises:
        RunError: The file cannot be written.
    """
    clips = _worst_clips(episodes)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(11, 0.9 + 3.1 * len(clips)), dpi=110, layout="constrained")
        for axes, clip in zip(figure.subplots(len(clips), 1, squeeze=False).flat, clips, strict=True):
            _draw_clip(axes, episodes, clip)
        hidden = len(episodes.clip_names) - len(clips)
        figure.suptitle(
            title + (f" ({hidden} better clips not shown)" if hidden else ""), color=INK, fontsize=11
        )
        write_atomically(path, lambda file: FigureCanvasAgg(figure).print_png(file))


def plot_commands(path: Path, asked: np.ndarray, done: np.ndarray, title: str = "") -> None:
    """Draw what was done against what was asked for, a point per command.

    Args:
        path: PNG file to write.
        asked: (M, 3) forwards and left, m/s, turning left, rad/s.
        done: (M, 3) the same of the robot, averaged over the command's time.
        title: Put above the picture.

    Raises:
        RunError: The file cannot be written.
    """
    labels = ("forwards (m/s)", "to the left (m/s)", "turning left (rad/s)")
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(11, 3.9), dpi=110, layout="constrained")
        for k, (axes, label) in enumerate(zip(figure.subplots(1, 3), labels, strict=True)):
            # A list, so that there may be no point at all.
            reach = 1.15 * max([0.1, *np.abs(asked[:, k]), *np.abs(done[:, k])])
            axes.plot([-reach, reach], [-reach, reach], color=GRID, lw=1.5)
            axes.plot(asked[:, k], done[:, k], "o", color=CURVES[0][2], ms=4, alpha=0.6)
            axes.set(xlabel=f"asked: {label}", ylabel="done", xlim=(-reach, reach), ylim=(-reach, reach))
            axes.set_aspect("equal")
            axes.grid(color=GRID)
            axes.set_axisbelow(True)
        figure.suptitle(title, color=INK, fontsize=11)
        write_atomically(path, lambda file: FigureCanvasAgg(figure).print_png(file))


def plot_sweep(path: Path, figures: dict[str, Any], title: str = "") -> None:
    """Draw the success under each condition as bars, and their mean as a line.

    Args:
        path: PNG file to write.
        figures: From :func:`sweep.summarise`.
        title: Put above the picture.

    Raises:
        RunError: The file cannot be written.
    """
    names = list(figures["conditions"])
    totals = [figures["conditions"][name]["total"] for name in names]
    rates = {"success": [total["success_rate"] for total in totals]}
    if figures["mean"].get("from_start", {}).get("success_rate") is not None:
        rates["from the first frame, with noise"] = [total["from_start"]["success_rate"] for total in totals]
    height = 0.8 / len(rates)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8, 1.6 + 0.32 * len(names)), dpi=110, layout="constrained")
        axes = figure.subplots()
        for k, (label, values) in enumerate(rates.items()):
            middles = np.arange(len(names)) + height * (k + 0.5) - 0.4
            axes.barh(middles, 100.0 * np.array(values), height, color=CURVES[k][2], label=label)
        mean = 100.0 * figures["mean"]["success_rate"]
        axes.axvline(mean, color=INK, lw=1.2, ls="--", label=f"mean success but nominal: {mean:.0f} %")
        axes.set(yticks=np.arange(len(names)), yticklabels=names, xlim=(0, 100), xlabel="success (%)")
        axes.invert_yaxis()
        axes.grid(color=GRID, axis="x")
        axes.set_axisbelow(True)
        figure.legend(frameon=False, fontsize=9, loc="outside lower center", ncols=len(rates) + 1)
        figure.suptitle(title, color=INK, fontsize=11)
        write_atomically(path, lambda file: FigureCanvasAgg(figure).print_png(file))


def curve(episodes: Episodes, clip: int, measure: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and 95th percentile over episodes at each frame of a clip that any reached.

    Returns:
        Clip times in s, means and percentiles, (T,) each.
    """
    chosen = episodes.clip[episodes.step_episode] == clip
    frames = episodes.step_frame[chosen]
    values = episodes.measures[chosen, MEASURES.index(measure)]
    order = np.argsort(frames, kind="stable")
    known, first = np.unique(frames[order], return_index=True)
    groups = np.split(values[order], first[1:]) if len(known) else []
    times = (known - episodes.clip_first[clip]) * episodes.step_dt
    means = np.array([group.mean() for group in groups])
    return times, means, np.array([np.percentile(group, 95) for group in groups])


def _draw_clip(axes: Axes, episodes: Episodes, clip: int) -> None:
    seconds = (episodes.clip_last[clip] - episodes.clip_first[clip]) * episodes.step_dt
    highest = 1.0
    for measure, label, color in CURVES:
        times, mean, high = curve(episodes, clip, measure)
        axes.fill_between(times, mean, high, color=color, alpha=0.15, lw=0)
        axes.plot(times, high, color=color, lw=0.8, alpha=0.5)
        axes.plot(times, mean, color=color, lw=1.8, label=label)
        highest = max(highest, high.max(initial=0.0))
    causes = _draw_failures(axes, episodes, clip)
    axes.set_xlim(0, seconds)
    axes.set_ylim(-0.09 * highest, 1.08 * highest)
    axes.grid(color=GRID)
    axes.set_axisbelow(True)
    axes.set_xlabel("clip time (s)")
    axes.set_ylabel("link position error (mm)")
    axes.set_title(_caption(episodes, clip), loc="left", fontsize=10, color=INK)
    handles = axes.get_legend_handles_labels()[0] + causes
    axes.legend(
        handles=handles,
        frameon=False,
        fontsize=9,
        ncols=len(handles),
        loc="lower right",
        bbox_to_anchor=(1, 1),
    )


def _draw_failures(axes: Axes, episodes: Episodes, clip: int) -> list[Line2D]:
    """Ticks below zero where episodes failed; returns their legend."""
    handles = []
    for index, cause in enumerate(CAUSES):
        failed = (episodes.clip == clip) & (episodes.cause == index)
        if not failed.any():
            continue
        times = (episodes.end[failed] - episodes.clip_first[clip]) * episodes.step_dt
        axes.plot(
            times, np.full(len(times), 0.035), "|", color=CAUSE_COLORS[cause], ms=11, mew=1.6, alpha=0.75,
            transform=axes.get_xaxis_transform(), clip_on=False,
        )  # fmt: skip
        handles.append(
            Line2D([], [], color=CAUSE_COLORS[cause], marker="|", ls="", ms=9, mew=1.6, label=cause)
        )
    return handles


def _caption(episodes: Episodes, clip: int) -> str:
    chosen = episodes.clip == clip
    failures = int((episodes.cause[chosen] >= 0).sum())
    return (
        f"{episodes.clip_names[clip]}: mean and 95th percentile, {chosen.sum()} episodes, {failures} failures"
    )


def _worst_clips(episodes: Episodes) -> list[int]:
    """Up to ``MAX_CLIPS`` clips, in their own order."""
    clips = range(len(episodes.clip_names))
    failures = [int((episodes.cause[episodes.clip == clip] >= 0).sum()) for clip in clips]
    local = episodes.measures[:, MEASURES.index("mpjpe_local_mm")]
    of_step = episodes.clip[episodes.step_episode]
    errors = [float(local[of_step == clip].mean()) if (of_step == clip).any() else 0.0 for clip in clips]
    return sorted(sorted(clips, key=lambda clip: (-failures[clip], -errors[clip]))[:MAX_CLIPS])

"""The picture of a run: learning_curve.png from progress.csv."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from legged_gym.rl.run_log import read_progress

INK, GRID, ACCENT = "#2b2d42", "#e5e7eb", "#2a6f97"
CYCLE = ("#2a6f97", "#e07a5f", "#81b29a", "#f2cc8f", "#6d597a", "#9c6644", "#adb5bd", "#3d405b", "#b5838d")
MAX_LEGEND = 9
"""Most curves one panel shows: those largest at the end."""

Columns = dict[str, np.ndarray]


def plot_learning_curve(progress: Path, picture: Path) -> None:
    """Draw a run.

    Args:
        progress: Its progress.csv.
        picture: PNG file to write; nothing is written for a run without iterations.
    """
    columns = load_columns(progress)
    if not columns:
        return
    style = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": INK}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(13, 7), dpi=100, layout="constrained")
        panels: list[Callable[[Axes, Columns], None]] = [_reward, _length, _success, _rewards, _step, _time]
        for axes, panel in zip(figure.subplots(2, 3).flat, panels, strict=True):
            panel(axes, columns)
            axes.grid(color=GRID)
            axes.set_axisbelow(True)
            axes.set_xlabel("minutes")
            axes.margins(x=0)
        samples, minutes = columns["samples"][-1], columns["minutes"][-1]
        figure.suptitle(
            f"{progress.parent.name}: {samples / 1e6:.2f} M samples, {minutes:.1f} min",
            color=INK,
            fontsize=11,
        )
        temporary = picture.with_name(f".{picture.name}.tmp")
        FigureCanvasAgg(figure).print_png(temporary)
        temporary.replace(picture)


def load_columns(progress: Path) -> Columns:
    """Return the columns of a progress.csv as arrays, NaN where a row has no value."""
    rows = read_progress(progress)
    keys = list(rows[0]) if rows else []
    return {key: np.array([float(row[key]) if row[key] else np.nan for row in rows]) for key in keys}


def _reward(axes: Axes, columns: Columns) -> None:
    axes.set_title("reward per episode")
    _curve(axes, columns, "mean_reward")


def _length(axes: Axes, columns: Columns) -> None:
    axes.set_title("episode length (steps)")
    _curve(axes, columns, "mean_episode_length")


def _success(axes: Axes, columns: Columns) -> None:
    axes.set_title("success and ends of episodes")
    _curves(axes, columns, ("Episode/success", "Termination/"))


def _rewards(axes: Axes, columns: Columns) -> None:
    axes.set_title("reward terms (per second)")
    _curves(axes, columns, ("Reward/",))


def _step(axes: Axes, columns: Columns) -> None:
    axes.set_title("KL per update, learning rate, action noise")
    for key, color in zip(("kl", "learning_rate", "action_std"), CYCLE, strict=False):
        axes.plot(columns["minutes"], columns[key], color=color, lw=1.2, label=key.replace("_", " "))
    axes.set_yscale("log")
    _legend(axes)


def _time(axes: Axes, columns: Columns) -> None:
    axes.set_title("time per iteration (ms)")
    parts = [key for key in columns if key.startswith("time_ms/")]
    values = [np.nan_to_num(_smooth(columns[key])) for key in parts]
    labels = [key.split("/")[1].replace("_", " ") for key in parts]
    axes.stackplot(columns["minutes"], values, labels=labels, colors=CYCLE, alpha=0.9)
    axes.set_ylim(top=1.35 * np.median(np.sum(values, axis=0)))
    _legend(axes, loc="upper right", ncols=3)


def _curve(axes: Axes, columns: Columns, key: str) -> None:
    """Draw one column, faint as it is and clear as a running mean."""
    if key in columns:
        axes.plot(columns["minutes"], columns[key], color=ACCENT, alpha=0.25, lw=1)
        axes.plot(columns["minutes"], _smooth(columns[key]), color=ACCENT, lw=1.8)


def _curves(axes: Axes, columns: Columns, prefixes: tuple[str, ...]) -> None:
    """Draw the running means of all columns with one of the prefixes."""
    keys = [key for key in columns if key.startswith(prefixes)]
    keys = sorted(keys, key=lambda key: -abs(np.nan_to_num(_smooth(columns[key])[-1])))[:MAX_LEGEND]
    for key, color in zip(keys, CYCLE, strict=False):
        label = key.split("/", 1)[1].replace("_", " ")
        axes.plot(columns["minutes"], _smooth(columns[key]), color=color, lw=1.3, label=label)
    if keys:
        _legend(axes)
    else:
        axes.text(
            0.5, 0.5, "nothing logged", ha="center", va="center", transform=axes.transAxes, color="#999999"
        )


def _legend(axes: Axes, **options: Any) -> None:
    """Name the curves in a box that lets them shine through."""
    axes.legend(fontsize=8, framealpha=0.7, edgecolor="none", **options)


def _smooth(values: np.ndarray) -> np.ndarray:
    """Return the mean over the last fiftieth of the run (at least one row), ignoring NaN. (T,) -> (T,)"""
    width = max(1, len(values) // 50)
    total = np.cumsum(np.nan_to_num(values))
    count = np.cumsum(np.isfinite(values))
    total[width:], count[width:] = total[width:] - total[:-width], count[width:] - count[:-width]
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)

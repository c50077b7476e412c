"""The picture of a clip's validation: clearance, contacts and findings, balance, and shares of the motors' limits."""

from __future__ import annotations

import io

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from legged_gym.motion.feed_forward import effort_limits
from legged_gym.motion.validation.dynamics import pressure_outside, unsupported_share
from legged_gym.motion.validation.findings import Report
from legged_gym.motion.validation.motion import CheckedMotion
from legged_gym.motion.validation.spans import label, runs
from legged_gym.motion.validation.whole_body import WholeBody

INK, GRID = "#2b2d42", "#e5e7eb"
FOOT_COLORS = ("#2a6f97", "#e07a5f", "#81b29a", "#6d597a")
SEVERITY_COLORS = {"error": "#c1121f", "warning": "#f4a261", "info": "#adb5bd"}
SHARES = LinearSegmentedColormap.from_list(
    "shares", [(0.0, "white"), (0.49, "#5a8fb3"), (0.5, "#f4a261"), (0.75, "#c1121f"), (1.0, "#5a0b12")]
)
"""Blue within a limit, orange to dark red from the limit to twice it."""
_HIGHEST_MM = 200.0  # of clearance that is drawn: what matters is near the ground
_MAX_COLUMNS = 1500  # of a heat map; a picture has no more pixels


def draw(motion: CheckedMotion, body: WholeBody, report: Report) -> bytes:
    """PNG of one clip."""
    style = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": INK}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(13, 12), dpi=90, layout="constrained")
        heights = (2.2, 0.9, 1.3, 3.6, 3.6)
        axes = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
        _draw_clearance(axes[0], motion, body)
        _draw_timeline(axes[1], motion, report)
        _draw_balance(axes[2], motion, body)
        torque = np.abs(body.dynamics.torque) / effort_limits(motion.robot.index)
        _draw_shares(figure, axes[3], motion, torque, "torque by inverse dynamics / limit")
        limit = motion.robot.velocity_limit
        speed = np.zeros_like(torque) if limit is None else np.abs(motion.dof_vel) / limit
        _draw_shares(figure, axes[4], motion, speed, "joint speed / top speed")
        axes[-1].set_xlabel("clip time (s)")
        axes[0].set_xlim(motion.time[0], motion.time[-1])
        stream = io.BytesIO()
        FigureCanvasAgg(figure).print_png(stream)
    return stream.getvalue()


def _draw_clearance(axes: Axes, motion: CheckedMotion, body: WholeBody) -> None:
    lowest = 1e3 * body.point_height.min(axis=1)
    feet = 1e3 * motion.foot_height
    axes.axhspan(-1e4, 0.0, color="#f3e9dc", lw=0)
    axes.plot(
        motion.time,
        np.minimum(lowest, _HIGHEST_MM),
        color="#c3c8d1",
        lw=3.0,
        label="lowest point of the body",
    )
    for foot, name in enumerate(motion.foot_labels):
        height = np.minimum(feet[:, foot], 1.5 * _HIGHEST_MM)
        axes.plot(motion.time, height, color=FOOT_COLORS[foot % len(FOOT_COLORS)], lw=1.2, label=name)
    deepest = min(float(lowest.min()), -5.0)
    axes.set_ylim(1.15 * max(deepest, -_HIGHEST_MM), _HIGHEST_MM)
    axes.set_ylabel("above the ground (mm)")
    _finish(axes, "clearance")


def _draw_timeline(axes: Axes, motion: CheckedMotion, report: Report) -> None:
    """Contacts of each foot as bars, findings below them."""
    rows = [*motion.foot_labels, *SEVERITY_COLORS]
    for foot in range(motion.contacts.shape[1]):
        _bars(axes, motion, motion.stances(foot), foot, FOOT_COLORS[foot % len(FOOT_COLORS)])
    for row, severity in enumerate(SEVERITY_COLORS, start=len(motion.foot_labels)):
        beyond = np.zeros(len(motion.time), dtype=bool)
        for finding in report.findings:
            whole_clip = finding.last_s - finding.first_s >= motion.time[-1] - motion.time[0]
            if finding.severity == severity and not whole_clip:
                beyond |= (motion.time >= finding.first_s) & (motion.time <= finding.last_s)
        _bars(axes, motion, runs(beyond), row, SEVERITY_COLORS[severity])
    axes.set_yticks(range(len(rows)), rows)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    _finish(axes, "contacts " + ("as recorded" if motion.recorded_contacts is not None else "from height and speed")
            + ", and where the findings are worst", legend=False)  # fmt: skip


def _bars(axes: Axes, motion: CheckedMotion, spans: list[tuple[int, int]], row: int, color: str) -> None:
    narrowest = 0.002 * (motion.time[-1] - motion.time[0])
    bars = [(motion.time[a], max(motion.time[b] - motion.time[a], narrowest)) for a, b in spans]
    axes.broken_barh(bars, (row - 0.35, 0.7), color=color, lw=0)


def _draw_balance(axes: Axes, motion: CheckedMotion, body: WholeBody) -> None:
    axes.plot(
        motion.time,
        100 * unsupported_share(body),
        color="#6d597a",
        lw=1.0,
        label="weight that nothing carries (%)",
    )
    outside = 100 * pressure_outside(body)
    axes.plot(
        motion.time, outside, color="#9c6644", lw=1.0, label="centre of pressure outside the support (cm)"
    )
    axes.set_ylim(0, 100)
    _finish(axes, "support and balance")


def _draw_shares(figure: Figure, axes: Axes, motion: CheckedMotion, shares: np.ndarray, title: str) -> None:
    """Heat map over joints and time; of frames that share a pixel the largest is shown."""
    group = int(np.ceil(len(shares) / _MAX_COLUMNS))
    starts = np.arange(0, len(shares), group)
    largest = np.maximum.reduceat(shares, starts, axis=0).T  # (J, columns)
    extent = (motion.time[0], motion.time[-1], shares.shape[1] - 0.5, -0.5)
    image = axes.imshow(
        largest, aspect="auto", extent=extent, cmap=SHARES, vmin=0.0, vmax=2.0, interpolation="nearest"
    )
    axes.set_yticks(range(shares.shape[1]), [label(name) for name in motion.robot.joint_names], fontsize=7)
    bar = figure.colorbar(image, ax=axes, pad=0.01, fraction=0.03, ticks=(0, 0.5, 1, 1.5, 2))
    bar.ax.set_yticklabels(("0", "50 %", "limit", "150 %", "200 %"), fontsize=7)
    _finish(axes, title, legend=False, grid=False)


def _finish(axes: Axes, title: str, legend: bool = True, grid: bool = True) -> None:
    axes.set_title(title, loc="left", fontsize=10, color=INK)
    if grid:
        axes.grid(color=GRID)
        axes.set_axisbelow(True)
    if legend:
        handles, _ = axes.get_legend_handles_labels()
        axes.legend(
            frameon=False, fontsize=8, ncols=len(handles), loc="lower right", bbox_to_anchor=(1, 0.98)
        )

"""How good a policy is on one clip, by the rules of evaluate.py."""

from __future__ import annotations

from typing import Any

from legged_gym.envs.base.robot_deepmimic import RobotDeepMimic
from legged_gym.evaluation.evaluator import Starts, plan_starts, run_episodes
from legged_gym.evaluation.metrics import summarise
from legged_gym.evaluation.policies import Policy
from legged_gym.evaluation.protocol import ProtocolArgs

ROBOTS = 32
"""Episodes that are simulated side by side."""
ROWS = {
    "success_rate": ("success", "{:.0%}"),
    "completed_fraction": ("completed", "{:.0%}"),
    "mpjpe_mm": ("link error, global", "{:.0f} mm"),
    "mpjpe_local_mm": ("link error, root-relative", "{:.0f} mm"),
    "joint_error_rad": ("joint error", "{:.3f} rad"),
    "link_velocity_error_m_s": ("link velocity error", "{:.2f} m/s"),
}
"""Figures that the page shows -> what it calls them, and how it writes them."""


def judge_clip(env: RobotDeepMimic, policy: Policy, clip: int) -> dict[str, Any]:
    """Figures of a clip as evaluate.py has them; ``env`` is built from an evaluation's configuration."""
    starts = plan_starts(env.data, ProtocolArgs())
    of_clip = env.data.clip_of(starts.frames) == clip
    episodes = run_episodes(env, policy, Starts(starts.frames[of_clip], starts.from_start[of_clip]))
    return summarise(episodes)["clips"][env.data.clip_names[clip]]


def as_table(figures: dict[str, Any], clip: str, policy: str) -> str:
    """Markdown of those figures, from everywhere in the clip and from its start."""
    head = f"**{policy}** on **{clip}**\n\n| | anywhere | from the start |\n|---|---|---|\n"
    rows = [
        f"| {label} | {_written(form, figures[name])} | {_written(form, figures['from_start'][name])} |"
        for name, (label, form) in ROWS.items()
    ]
    for cause in figures["failures"]:
        rows.append(
            f"| {cause} | {figures['failures'][cause]} | {figures['from_start']['failures'][cause]} |"
        )
    rows.append(f"| episodes | {figures['episodes']} | {figures['from_start']['episodes']} |")
    return head + "\n".join(rows)


def _written(form: str, value: float | None) -> str:
    return "" if value is None else form.format(value)

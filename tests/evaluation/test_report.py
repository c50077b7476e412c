"""What an evaluation leaves on disk."""

from __future__ import annotations

import io
import json

import matplotlib.image
import numpy as np
import pytest
from rich.console import Console

from legged_gym.evaluation.evaluator import evaluate
from legged_gym.evaluation.metrics import summarise
from legged_gym.evaluation.plot import curve, plot_errors
from legged_gym.evaluation.policies import zero_policy
from legged_gym.evaluation.protocol import ProtocolArgs
from legged_gym.evaluation.report import RULES, command_table, evaluation_table, write_report
from legged_gym.utils.errors import RunError

PROVENANCE = {
    "task": "g1_deepmimic",
    "policy": "zero",
    "run": None,
    "checkpoint": None,
    "physics": {"dt_s": 0.005, "decimation": 4},
}


@pytest.fixture
def episodes(make_env):
    env = make_env(4)
    return evaluate(env, zero_policy(env), ProtocolArgs(num_starts=3, num_from_start=1))


def test_json_and_text_table(episodes, tmp_path) -> None:
    out, figures = tmp_path / "eval.json", summarise(episodes)
    write_report(out, figures, PROVENANCE, RULES, evaluation_table(figures))
    content = json.loads(out.read_text())
    assert content["provenance"] == PROVENANCE
    assert content["rules"] == {
        "fall_root_height_error_m": 0.25,
        "fall_gravity_direction_error": 0.8,
        "lost_link_distance_m": 0.5,
    }
    assert content["clips"]["short"]["success_rate"] == content["total"]["success_rate"] == 1.0
    table = (tmp_path / "eval.txt").read_text()
    assert "physics 5 ms x 4" in table
    assert all(name in table for name in ("long", "short", "all clips"))
    assert sorted(f.name for f in tmp_path.iterdir()) == ["eval.json", "eval.txt"], "no temporary file stays"


def test_a_report_that_cannot_be_written_is_one_clear_error(episodes, tmp_path) -> None:
    figures = summarise(episodes)
    out = tmp_path / "no_such_folder" / "eval.json"
    with pytest.raises(RunError, match="no_such_folder"):
        write_report(out, figures, PROVENANCE, RULES, evaluation_table(figures))


def test_the_table_fits_80_columns(episodes) -> None:
    console = Console(file=io.StringIO(), width=80)
    console.print(evaluation_table(summarise(episodes)))
    lines = console.file.getvalue().splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert any("long" in line and "none of 3" in line for line in lines), "a row must not wrap"


def test_the_table_of_commands_has_a_row_per_ground_and_one_for_all_of_several() -> None:
    row = {
        "success_rate": 0.984,
        "falls_per_minute": 12.346,
        "lin_vel_error_m_s": 0.1,
        "settled_lin_vel_error_m_s": None,
        "yaw_rate_error_rad_s": 0.1,
        "settled_yaw_rate_error_rad_s": 0.0456,
        "falls": {"diverged": 0, "low": 1, "tilted": 3},
        "trials": 64,
    }
    console = Console(file=io.StringIO(), width=100)  # of the text file
    console.print(command_table({"grounds": {"stepping_boxes 5": row, "flat": row}, "total": row}))
    lines = [line.split() for line in console.file.getvalue().splitlines()]
    figures = ["98%", "12.35", "0.100", "-", "0.100", "0.046", "64"]
    assert [line for line in lines if line and line[-1] == "64"] == [
        ["stepping_boxes", "5", *figures],
        ["flat", *figures],
        ["all", *figures],
    ]
    alone = Console(file=io.StringIO(), width=80)
    alone.print(command_table({"grounds": {"flat": row}, "total": row}))
    assert "all" not in alone.file.getvalue().split()
    assert alone.file.getvalue().splitlines()[-1].strip() == "falls: 3 tilted, 1 low"


def test_curve_groups_steps_by_frame(episodes) -> None:
    times, mean, high = curve(episodes, 1, "mpjpe_mm")
    assert times.tolist() == pytest.approx((np.arange(1, 11) * 0.02).tolist()), (
        "clip time counts from its start"
    )
    assert mean.shape == high.shape == times.shape


def test_plot_is_a_picture(episodes, tmp_path) -> None:
    plot_errors(tmp_path / "eval.png", episodes, "title")
    picture = matplotlib.image.imread(tmp_path / "eval.png")
    assert picture.shape[0] > 500
    assert picture[..., :3].std() > 0.05

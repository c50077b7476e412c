"""What the display writes on a terminal and elsewhere."""

from __future__ import annotations

import io

from rich.console import Console

from legged_gym.rl.progress import ProgressDisplay

ROW = {
    "iteration": 150,
    "samples": 614400,
    "mean_reward": 12.345,
    "kl": 0.2,
    "learning_rate": 8.3e-4,
    "Episode/success": 0.43,
    "samples_per_s": 9402.0,
    "time_ms/physics": 120.0,
    "time_ms/update": 120.0,
}


def shown(terminal: bool, *rows: dict[str, float]) -> str:
    """Return what a run from iteration 100 to 200 shows of some rows."""
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100, color_system=None)
    with ProgressDisplay("walk", 100, 200, console) as display:
        for row in rows:
            display.update(row)
    return console.file.getvalue()


def test_plain_output_is_one_line_for_many_iterations() -> None:
    rows = [ROW | {"iteration": i} for i in range(101, 201)]
    text = shown(False, *rows)
    assert text.count("\n") == 1
    for part in (
        "iteration 200/200",
        "614,400 samples",
        "reward 12.35",
        "lr 8.3e-04",
        "success 43%",
        "left 0.0 min",
    ):
        assert part in text


def test_terminal_shows_bar_measures_and_time_split() -> None:
    text = shown(True, ROW | {"iteration": 200})
    for part in ("200/200", "9,402 samples/s", "physics 50% · update 50%"):
        assert part in text

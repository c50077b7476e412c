"""doc/rewards.md lists every reward and every failure rule, with the weights that the tasks have."""

from __future__ import annotations

import re
from pathlib import Path

from legged_gym.envs.base.robot_deepmimic import RobotDeepMimic
from legged_gym.envs.base.robot_velocity import RobotVelocity
from legged_gym.envs.terms import known_terms, terminations, tracking_terminations
from legged_gym.utils import task_registry

PAGE = (Path(__file__).resolve().parents[2] / "doc/rewards.md").read_text()
VARIANTS = (("g1_deepmimic", None), ("g1_deepmimic", "videomimic"), ("g1", None))


def rows(columns: int) -> dict[str, list[str]]:
    """Cells of all table rows with so many columns that begin with a name, by that name."""
    found = {}
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        name = re.match(r"`(\w+)`", cells[0])
        if name and len(cells) == columns:
            assert name[1] not in found, f"{name[1]} is listed twice"
            found[name[1]] = cells
    return found


def test_the_page_has_every_term_with_its_weights_and_marks_costs():
    listed = rows(6)
    known = known_terms([*RobotDeepMimic.reward_modules, *RobotVelocity.reward_modules])
    assert set(listed) == set(known)
    weights = [vars(task_registry.get(t).configure(p).env.rewards.scales) for t, p in VARIANTS]
    for name, cells in listed.items():
        for cell, scales in zip(cells[3:], weights, strict=True):
            assert (None if cell == "-" else float(cell)) == scales.get(name), name
        assert cells[0].endswith(" c") == getattr(known[name], "is_cost", False), name


def test_the_page_has_every_failure_rule_with_its_threshold():
    listed = rows(5)
    rules = {rule.__name__ for rule in tracking_terminations.RULES}
    rules |= {
        name
        for name, function in known_terms([terminations]).items()
        if function not in (terminations.thresholds, terminations.active_rules)
    }
    assert set(listed) == rules | {"diverged"}
    for cells, task in ((3, "g1_deepmimic"), (4, "g1")):
        cfg = task_registry.get(task).configure().env
        for name, row in listed.items():
            if hasattr(cfg.terminations, name):
                threshold = getattr(cfg.terminations, name)
                assert row[cells] == ("off" if threshold is None else f"{threshold:g}"), (task, name)

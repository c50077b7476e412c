"""A sweep: each condition does to the physics what it says, and what is made of the figures."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable
from pathlib import Path

import matplotlib.image
import pytest
import torch
from rich.console import Console

from legged_gym.envs.base.robot_deepmimic import RobotDeepMimic
from legged_gym.envs.base.robot_deepmimic_config import RobotDeepMimicCfg
from legged_gym.evaluation import sweep
from legged_gym.evaluation.judgement import Judgement, judge, judge_sweep
from legged_gym.evaluation.plot import plot_sweep
from legged_gym.evaluation.policies import zero_policy
from legged_gym.evaluation.protocol import ProtocolArgs, evaluation_config
from legged_gym.evaluation.report import sweep_table
from legged_gym.evaluation.sweep import (
    CONDITIONS,
    NOMINAL,
    Condition,
    applicable,
    mean_figures,
    summarise,
    under,
)
from legged_gym.utils import task_registry
from legged_gym.utils.errors import ConfigError

BY_NAME = {condition.name: condition for condition in CONDITIONS}
EVERYTHING = CONDITIONS[-1]
FEW = ProtocolArgs(num_starts=3, num_from_start=1)


@pytest.fixture
def cfg(clip_folder: Path) -> RobotDeepMimicCfg:
    """Configuration of a normal evaluation of four robots on two clips."""
    cfg = task_registry.get("g1_deepmimic").configure().env
    cfg.env.num_envs, cfg.sim.num_threads = 4, 1
    cfg.deepmimic.amass_replay_data_path = [str(clip_folder)]
    return evaluation_config(cfg, "fine")


@pytest.fixture
def build(cfg) -> Callable[..., RobotDeepMimic]:
    """Builds the env of a condition."""

    def make(condition: Condition, seed: int = 1) -> RobotDeepMimic:
        return RobotDeepMimic(under(condition, cfg), seed)

    return make


def judge_zero(env: RobotDeepMimic) -> Judgement:
    return judge(env, zero_policy(env), FEW, {})


# ---------------------------------------------------------------------- conditions


def test_the_sweep_covers_what_it_says_one_change_at_a_time_and_all_together(cfg):
    assert CONDITIONS[0] is NOMINAL and len(BY_NAME) == len(CONDITIONS)
    values = {name: set() for name in ("friction", "added_mass_kg", "gain", "delay_s")}
    for condition in CONDITIONS[1:-1]:
        changed = {k: v for k, v in vars(condition).items() if k != "name" and v is not None}
        assert len(changed) == 1, condition.name
        for name, value in changed.items():
            if name != "push_m_s":
                assert value[0] == value[1]
                values[name].add(value[0])
    assert values == {
        "friction": {0.3, 0.6, 0.9, 1.2},
        "added_mass_kg": {-3.0, 3.0},
        "gain": {0.8, 1.2},
        "delay_s": {0.005, 0.01, 0.015, 0.02},
    }
    assert BY_NAME["pushes 0.5 m/s"].push_m_s == EVERYTHING.push_m_s == 0.5
    for name, tried in values.items():
        low, high = getattr(EVERYTHING, name)
        assert low == (0.0 if name == "delay_s" else min(tried)) and high == max(tried)


def test_the_nominal_condition_changes_nothing_and_no_condition_changes_the_original(cfg):
    before = dataclasses.replace(cfg.domain_rand)
    assert under(NOMINAL, cfg) == cfg
    assert under(EVERYTHING, cfg) != cfg and cfg.domain_rand == before


@pytest.mark.parametrize("mu", [0.3, 1.2])
def test_friction_is_that_of_all_contacts(build, mu):
    friction = build(BY_NAME[f"friction {mu}"]).sim.parameter("friction")
    torch.testing.assert_close(friction, torch.full_like(friction, mu))


def test_mass_comes_and_goes_at_the_torso(build):
    plain = build(NOMINAL)
    mass, torso = plain.sim.parameter("body_mass"), plain.robot.body_names.index("torso_link")
    for kg in (-3.0, 3.0):
        change = build(BY_NAME[f"mass {kg:+g} kg"]).sim.parameter("body_mass") - mass
        expected = torch.zeros_like(mass)
        expected[:, torso] = kg
        torch.testing.assert_close(change, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("name", "factor"), [("gains -20%", 0.8), ("gains +20%", 1.2)])
def test_both_gains_change_and_the_torque_limits_do_not(build, name, factor):
    env = build(BY_NAME[name])
    assert judge_zero(env).figures["total"]["episodes"] > 0  # episodes begin anew and change nothing of it
    for parameter, expected in (
        ("stiffness", factor * env.stiffness),
        ("damping", factor * env.damping),
        ("effort_limit", env.effort_limit),
    ):
        torch.testing.assert_close(env.sim.parameter(parameter), expected.expand(4, -1))


@pytest.mark.parametrize("milliseconds", [5, 10, 15, 20])
def test_targets_reach_the_motors_so_much_later(build, monkeypatch, milliseconds):
    env = build(BY_NAME[f"delay {milliseconds} ms"])
    everyone = torch.arange(4)
    env.reset_to(everyone, torch.zeros(4, dtype=torch.long), noisy=False)
    pose, told = env.sim.dof_pos.clone(), []
    step_through = env.sim.step_through
    monkeypatch.setattr(
        env.sim, "step_through", lambda targets: (told.append(targets), step_through(targets))
    )
    for _ in range(2):
        env.advance(torch.full((4, env.num_actions), 0.5))
    late = [torch.equal(targets, pose) for targets in torch.cat(told)]  # of each substep
    assert env.sim.dt == 0.005 and len(late) == 8
    assert late == [True] * (milliseconds // 5) + [False] * (8 - milliseconds // 5)


def test_pushes_have_their_size_along_x_and_y_alone_and_come_at_their_interval(build, monkeypatch):
    env = build(BY_NAME["pushes 0.5 m/s"])
    pushes, steps = [], 4000
    monkeypatch.setattr(
        env.sim, "add_root_velocity", lambda ids, lin, ang: pushes.append(torch.cat((lin, ang), dim=1))
    )
    for _ in range(steps):
        env.randomizer.disturb()
    velocity = torch.cat(pushes)
    assert 0.48 < velocity[:, 0].abs().max() <= 0.5 and 0.48 < velocity[:, 1].abs().max() <= 0.5
    assert not velocity[:, 2:].any()
    for columns in velocity[:, :2].T:
        assert abs(columns.mean()) < 0.06 and columns.std() == pytest.approx(0.5 / 3**0.5, rel=0.1)
    apart = 4 * steps * env.step_dt / len(velocity)
    assert apart == pytest.approx(0.5 * sweep.PUSH_INTERVAL_S, rel=0.15)


def test_all_at_once_draws_for_each_robot(build):
    env = build(EVERYTHING)
    draws = env.randomizer.draws
    assert (
        set(draws) == {"friction", "base_mass", "gains", "control_delay"} and env.cfg.domain_rand.push_robots
    )
    for name, (low, high) in {"friction": (0.3, 1.2), "base_mass": (-3, 3), "gains": (0.8, 1.2)}.items():
        assert low <= draws[name].min() < draws[name].max() <= high and draws[name].unique().numel() == 4
    delays = torch.cat([env.randomizer.draws["control_delay"].clone() for _ in range(20) if env.reset()])
    assert delays.unique().tolist() == [0, 1, 2, 3, 4]


def test_a_delay_counts_substeps_of_the_physics_at_hand():
    fields = BY_NAME["delay 15 ms"].domain_rand(dt=0.0025)
    assert (fields["control_delay_min"], fields["control_delay_max"]) == (6, 6)


def test_a_delay_that_the_physics_cannot_have_is_refused_before_anything_is_judged(cfg):
    cfg.sim.dt, cfg.control.decimation = 0.01, 2
    with pytest.raises(ConfigError, match=r"delay 5 ms: .*no multiple of the physics step of 10 ms"):
        judge_sweep(cfg, lambda changed: pytest.fail("judged"))


# ---------------------------------------------------------------------- judging


def test_the_nominal_condition_is_the_normal_evaluation_bit_for_bit_and_the_seed_decides(
    cfg, build, monkeypatch
):
    monkeypatch.setattr(sweep, "CONDITIONS", (NOMINAL, EVERYTHING))
    told = []

    def run(seed: int) -> dict:
        judged = judge_sweep(
            cfg,
            lambda changed: judge_zero(RobotDeepMimic(changed, seed)),
            lambda done, name: told.append((done, name)),
        )
        return judged.figures["conditions"]

    first, again, other = run(1), run(1), run(2)
    normal = judge_zero(build(NOMINAL)).figures
    assert first["nominal"] == {"domain_rand": {}, **normal}
    assert first == again
    assert first[EVERYTHING.name] != other[EVERYTHING.name]
    assert first[EVERYTHING.name]["total"]["mpjpe_mm"] != normal["total"]["mpjpe_mm"]
    assert first[EVERYTHING.name]["domain_rand"] == EVERYTHING.domain_rand(0.005)
    assert told[:2] == [(0, "nominal"), (1, EVERYTHING.name)]


WITHOUT_GAINS = ("gains -20%", "gains +20%", EVERYTHING.name)


def test_servos_without_gains_are_spared_the_conditions_about_them_and_it_is_said(cfg):
    assert applicable(cfg) == (list(CONDITIONS), {})
    cfg.control.control_type = "V"  # has a velocity gain
    assert applicable(cfg) == (list(CONDITIONS), {})
    cfg.control.control_type = "T"
    conditions, skipped = applicable(cfg)
    assert tuple(skipped) == WITHOUT_GAINS and not skipped.keys() & {one.name for one in conditions}
    assert len(conditions) + len(skipped) == len(CONDITIONS)
    assert set(skipped.values()) == {"servos of control.control_type T lack the gains of randomize_gains"}


def test_a_sweep_of_torques_judges_what_there_is(cfg, monkeypatch):
    monkeypatch.setattr(sweep, "CONDITIONS", (NOMINAL, BY_NAME["friction 0.3"], BY_NAME["gains -20%"]))
    cfg.control.control_type = "T"
    figures = judge_sweep(cfg, lambda changed: judge_zero(RobotDeepMimic(changed, 1))).figures
    assert list(figures["conditions"]) == ["nominal", "friction 0.3"]
    assert list(figures["skipped"]) == ["gains -20%"]
    assert figures["mean"]["success_rate"] == figures["conditions"]["friction 0.3"]["total"]["success_rate"]


# ---------------------------------------------------------------------- figures


def tracking(success: float, from_start: float | None, error: float) -> dict:
    return {
        "total": {
            "success_rate": success,
            "completed_fraction": 1.0,
            "mpjpe_local_mm": error,
            "failures": {"fall": 3},
            "episodes": 32,
            "failures_per_clip_second": [1, 2],
            "from_start": {"success_rate": from_start, "episodes": 32},
        }
    }


def following(success: float, settled: float | None) -> dict:
    return {
        "total": {
            "success_rate": success,
            "falls_per_minute": 0.5,
            "lin_vel_error_m_s": 0.1,
            "settled_lin_vel_error_m_s": settled,
            "yaw_rate_error_rad_s": 0.1,
            "settled_yaw_rate_error_rad_s": 0.1,
            "trials": 64,
        }
    }


def test_the_mean_is_over_all_conditions_but_the_nominal_one_and_each_counts_the_same():
    judged = {
        "nominal": tracking(1.0, 1.0, 10.0),
        "friction 0.3": tracking(0.5, 0.25, 20.0),
        "delay 5 ms": tracking(0.75, 0.5, 40.0),
        "all, drawn": tracking(0.1, 0.0, 60.0),
    }
    figures = summarise(judged, {})
    assert figures["conditions"] == judged
    mean = figures["mean"]
    assert mean["success_rate"] == pytest.approx(1.35 / 3)
    assert mean["mpjpe_local_mm"] == pytest.approx(40.0)
    assert mean["from_start"] == {"success_rate": pytest.approx(0.25)}
    assert set(mean) == {"success_rate", "completed_fraction", "mpjpe_local_mm", "from_start"}, "no counts"


def test_what_one_condition_does_not_have_has_no_mean():
    assert mean_figures([{"a": 1.0, "b": None}, {"a": 0.0, "b": 2.0}]) == {"a": 0.5, "b": None}
    assert mean_figures([{"b": 2.0}, {"b": None}]) == {"b": None}


def printed(figures: dict) -> list[str]:
    console = Console(file=io.StringIO(), width=100)  # of the text file
    console.print(sweep_table(figures))
    return console.file.getvalue().splitlines()


def test_the_table_has_a_row_per_condition_and_the_mean(tmp_path):
    judged = {name: tracking(0.5, 0.25, 20.4) for name in BY_NAME} | {"nominal": tracking(1.0, None, 10.0)}
    lines = printed(summarise(judged, {}))
    assert max(len(line.rstrip()) for line in lines) <= 80
    rows = [line.split() for line in lines]
    assert ["nominal", "100%", "100%", "-", "10"] in rows
    assert ["gains", "-20%", "50%", "100%", "25%", "20"] in rows
    assert ["mean", "but", "nominal", "50%", "100%", "25%", "20"] in rows
    assert sum("50%" in row for row in rows) == len(CONDITIONS)


def test_what_was_skipped_stands_below_the_table_once_per_reason():
    judged = {"nominal": following(1.0, 0.1), "x": following(0.5, 0.1)}
    lines = printed(summarise(judged, {"y": "too wet", "z": "too wet"}))
    assert [line.strip() for line in lines if "skipped" in line] == ["skipped y; z: too wet"]
    assert not any("skipped" in line for line in printed(summarise(judged, {})))


def test_the_table_of_a_task_that_follows_commands_has_its_errors():
    rows = [
        line.split()
        for line in printed(summarise({"nominal": following(1.0, 0.1), "x": following(0.5, None)}, {}))
    ]
    assert ["x", "50%", "0.50", "0.100", "-", "0.100", "0.100"] in rows
    assert ["mean", "but", "nominal", "50%", "0.50", "0.100", "-", "0.100", "0.100"] in rows


@pytest.mark.parametrize("kind", [lambda rate: tracking(rate, rate, 9.0), lambda rate: following(rate, None)])
def test_the_plot_is_a_picture_whatever_the_task(tmp_path, kind):
    figures = summarise({name: kind(k / 15) for k, name in enumerate(BY_NAME)}, {})
    plot_sweep(tmp_path / "sweep.png", figures, "title")
    picture = matplotlib.image.imread(tmp_path / "sweep.png")
    assert picture.shape[0] > 500 and picture[..., :3].std() > 0.05
    json.dumps(figures, allow_nan=False)


def test_without_episodes_from_the_start_there_is_a_picture_and_a_table(tmp_path):
    figures = summarise({name: tracking(0.5, None, 9.0) for name in BY_NAME}, {})
    plot_sweep(tmp_path / "sweep.png", figures)
    assert any(line.split() == ["nominal", "50%", "100%", "-", "9"] for line in printed(figures))

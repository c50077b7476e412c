"""The program that holds the controller against the bars: its table, its verdicts, and one real trial."""

from __future__ import annotations

import signal

import numpy as np
import pytest

from legged_gym.bundle.schema import VelocitySpec
from legged_gym.deploy.deploy_config import SteeringCfg
from legged_gym.deploy.remote import Remote
from legged_gym.deploy.safety import RULES
from legged_gym.deploy.sim_robot_actions import parse_action
from legged_gym.deploy.trial_faults import FAULTS, Fault, Outcome, line_of
from legged_gym.deploy.trial_spoiler import SPOILS
from legged_gym.deploy.trial_walks import STICKS, _commanded
from legged_gym.deploy.trials import Row, table_of, trials
from legged_gym.utils.errors import ConfigError


def test_every_guard_that_damps_is_tried_but_two():
    tried = {guard for fault in FAULTS for guard in fault.guards}
    # Late ticks are the watchdog's first, and no socket lets an odometry through that is not finite.
    assert {rule.fact for rule in RULES if rule.action == "damp"} - tried == {
        "tick_late_s",
        "observations_bad",
    }


def test_every_cause_and_every_stick_is_one_that_exists():
    for fault in FAULTS:
        kind, _, what = fault.cause.partition(" ")
        if kind == "fault":
            parse_action(fault.cause)
        elif kind == "spoil":
            assert what in SPOILS
        elif kind == "signal":
            assert what in signal.Signals.__members__
        else:
            assert kind in ("intruder", "watchdog")
    for _, action in STICKS:
        parse_action(action)


@pytest.mark.parametrize(
    ("times", "others", "passed"),
    [
        ([0.05, 0.099], [], True),
        ([0.05, 0.101], [], False),  # too late
        ([0.05, None], [], False),  # never
        ([0.05, 0.05], ["damping, from RUN: tick_late_s is 0.1 s, above 0.06"], False),  # by another guard
    ],
)
def test_a_fault_is_passed_when_all_trials_were_damped_in_time_by_the_right_guard(times, others, passed):
    outcome = Outcome(FAULTS[0], times, others)
    assert outcome.passed == passed
    assert ("MISSED" in line_of(outcome)) == (not passed)


def test_what_a_guard_waits_for_is_not_held_against_it():
    assert Outcome(Fault("torque", "fault x", ("torque_share",), 0.5), [0.59], []).passed
    assert not Outcome(Fault("torque", "fault x", ("torque_share",), 0.5), [0.61], []).passed


def test_the_table_says_which_bars_are_missed():
    rows = [Row("missed ticks", "0 of 3000", "0", True), Row("start-up", "1.30 s", "1 s", False)]
    lines = table_of(rows).splitlines()
    assert lines[1].split() == ["missed", "ticks", "0", "of", "3000", "0", "ok"]
    assert lines[2].endswith("MISSED")


def test_the_way_asked_for_is_that_of_the_policys_own_steering(student_bundle):
    cfg, spec = SteeringCfg(), student_bundle.spec
    assert _commanded(Remote(ly=0.5, lx=1.0), spec, cfg) == (0.5 * cfg.lin_vel_x, -cfg.lin_vel_y)
    ranges = VelocitySpec((-0.4, 0.8), (-0.6, 0.6), (-0.5, 0.5), 0.8, 0.1, 0.8)
    walker = type(spec)(**{**vars(spec), "velocity": ranges})
    np.testing.assert_allclose(_commanded(Remote(ly=-1.0), walker, cfg), (-0.4, 0.0))


def test_unknown_bars_and_faults_are_refused_by_name():
    with pytest.raises(ConfigError, match=r"nothing is called 'speed'; known: walk, latency"):
        trials(["--only", "walk,speed"])
    with pytest.raises(ConfigError, match="nothing is called 'fire'"):
        trials(["--faults", "fire"])


@pytest.mark.slow
def test_a_trial_runs_from_start_to_table(domain, tracker_bundle, capsys):
    words = ["--bundle", str(tracker_bundle.folder), "--domain", str(domain)]
    status = trials([*words, "--only", "faults", "--faults", "a position is NaN", "--trials", "2"])
    said = capsys.readouterr().out
    assert "a position is NaN" in said
    assert "2 of   2 damped" in said
    # How soon depends on what else this computer does; the verdict and the status agree.
    assert status == ("MISSED" in said)

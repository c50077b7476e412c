"""The table of guards, line by line."""

from __future__ import annotations

import math
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from legged_gym.deploy.deploy_config import DeployCfg, SafetyCfg
from legged_gym.deploy.safety import RULES, Facts, Guards
from legged_gym.deploy.state_machine import ACTIVE, State
from legged_gym.utils.errors import ConfigError

ELSEWHERE = {
    *(
        "clip_margin",
        "target_margin_rad",
        "target_speed_rad_s",
        "limit_torque",
        "pose_error_rad",
        "rest_rad_s",
    ),
    *("damp_s", "damping"),
}
"""Options that are no limits of guards."""


@pytest.mark.parametrize("index", range(len(RULES)), ids=[rule.name for rule in RULES])
def test_every_guard_trips_beyond_its_limit_in_its_states_and_only_there(index):
    rule, guards = RULES[index], Guards(SafetyCfg(), None)
    limit = guards.limits[index]
    nudge = -1e-3 if rule.below else 1e-3
    lasts = 0.0 if rule.lasts is None else getattr(SafetyCfg(), rule.lasts)
    for state in State:
        for value, beyond in ((limit, False), (limit + nudge, True), (math.nan, False)):
            facts = Facts(**{rule.fact: value})
            guards = Guards(SafetyCfg(), None)
            early, late = (
                [
                    trip.rule
                    for check in (guards.check, guards.check_output)
                    for trip in check(facts, state, now)
                ]
                for now in (10.0, 10.001 + lasts)
            )
            assert (rule in late) == (beyond and state in rule.states)
            assert (rule in early) == (rule in late and lasts == 0.0)


def test_a_guard_that_waits_starts_anew_when_the_number_comes_back():
    guards = Guards(SafetyCfg(torque_s=0.5), None)
    for now, share, tripped in ((0.0, 1.2, 0), (0.4, 1.2, 0), (0.45, 0.9, 0), (0.5, 1.2, 0), (1.01, 1.2, 1)):
        assert len(guards.check(Facts(torque_share=share), State.STAND, now)) == tripped


def test_every_fact_and_every_limit_has_a_guard():
    assert {rule.fact for rule in RULES} == {field.name for field in fields(Facts)}
    used = {rule.limit for rule in RULES if isinstance(rule.limit, str)} | {
        rule.lasts for rule in RULES if rule.lasts
    }
    assert used | ELSEWHERE == {field.name for field in fields(SafetyCfg)}
    assert all(set(rule.states) <= set(ACTIVE) for rule in RULES)


def test_fast_clips_may_be_followed_fast():
    reference = {"root_ang_vel_w": np.array([[0.0, 3.0, 4.0]]), "dof_vel": np.array([[-18.0, 2.0]])}
    guards = Guards(SafetyCfg(clip_margin=1.5), reference)
    limits = {rule.fact: limit for rule, limit in zip(RULES, guards.limits, strict=True)}
    assert limits["gyro_rad_s"] == pytest.approx(7.5)  # 1.5 x 5, more than 6
    assert limits["joint_speed_rad_s"] == pytest.approx(27.0)  # 1.5 x 18, more than 20


def test_a_trip_says_what_is_how_large_and_what_is_allowed():
    guards = Guards(SafetyCfg(), None)
    (warning, trip) = guards.check(Facts(battery_soc=15.0), State.RUN, 0.0)
    assert str(trip) == "battery_soc is 15 %, below 20"
    assert warning.rule.action == "warn"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tilt_rad": math.nan}, "--safety.tilt_rad is nan"),
        ({"state_stale_s": -1.0}, "--safety.state_stale_s is -1.0"),
        ({"gyro_rad_s": math.inf}, "--safety.gyro_rad_s is inf"),
        ({"damp_s": 0.1}, "--safety.damp_s is 0.1; it must be 0.5 or more"),
    ],
)
def test_limits_that_would_switch_a_guard_off_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        DeployCfg(safety=SafetyCfg(**options)).check()


def test_the_page_lists_the_guards_as_they_are():
    page = (Path(__file__).resolve().parents[2] / "doc" / "deploy.md").read_text(encoding="utf-8")
    guards = Guards(SafetyCfg(), None)
    for rule, limit in zip(RULES, guards.limits, strict=True):
        shown = "0" if limit == 0.0 else f"{limit:g}"
        assert f"| `{rule.fact}` | {shown} {rule.unit}".rstrip() in page, rule.name

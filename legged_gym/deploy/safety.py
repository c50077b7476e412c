"""The guards: one table of what is watched, in which states, against which limit, and what follows.

Each looks at one number of :class:`Facts`. A number nobody knows is NaN and trips nothing; what must be known is asked
for before the start (:mod:`preflight`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from legged_gym.bundle.arrays import Arrays
from legged_gym.deploy.deploy_config import SafetyCfg
from legged_gym.deploy.state_machine import ACTIVE, MOVING, State

Action = Literal["warn", "damp"]
RUNNING = (State.RUN,)
UNKNOWN = float("nan")


@dataclass(slots=True)
class Facts:
    """What the guards look at in one tick."""

    state_age_s: float = UNKNOWN
    """Since a state arrived whose tick was not that of the one before."""
    bad_checksums: float = 0.0
    """Newest states in a row that were dropped."""
    bad_values: float = 0.0
    """Angles, velocities and IMU readings of the state that are not finite."""
    model_changes: float = 0.0
    """1: the state's mode_machine or mode_pr is not that of the pre-flight."""
    motor_errors: float = 0.0
    """Motors that report an error."""
    motors_off_s: float = 0.0
    """For how long a motor has been off that was told to be on."""
    tilt_rad: float = UNKNOWN
    gyro_rad_s: float = UNKNOWN
    joint_speed_rad_s: float = UNKNOWN
    joint_excess_rad: float = UNKNOWN
    """How far the worst joint is beyond its range; negative within it."""
    torque_share: float = UNKNOWN
    """Largest estimated torque over the joint's limit."""
    torque_gap_share: float = UNKNOWN
    """Largest difference of estimated and commanded torque over the joint's limit."""
    winding_c: float = UNKNOWN
    casing_c: float = UNKNOWN
    battery_soc: float = UNKNOWN
    """%."""
    motor_voltage_v: float = UNKNOWN
    """Lowest voltage that a motor reports."""
    remote_silence_s: float = 0.0
    other_publishers: float = 0.0
    """Other programs that write commands."""
    watchdog_lost: float = 0.0
    """1: the watchdog process has ended, or has taken over."""
    tick_late_s: float = 0.0
    """How much later the step began than planned."""
    odometry_age_s: float = UNKNOWN
    map_age_s: float = UNKNOWN
    observations_bad: float = 0.0
    """Values of the observation that are not finite."""
    actions_bad: float = 0.0
    """Actions that are not finite, or of the wrong number."""
    action_size: float = 0.0
    """Largest action, as a share of the bundle's limit."""
    target_cut: float = 0.0
    """The most that was cut off a target; see :class:`action.TargetLimiter`."""
    target_cut_ticks: float = 0.0
    """Steps in a row in which something was cut off."""


@dataclass(frozen=True)
class Rule:
    """A line of the table: trips while ``fact`` is above its limit, or below it, for long enough."""

    fact: str
    """A field of :class:`Facts`."""
    limit: str | float
    """A field of :class:`SafetyCfg`, or a number that is no matter of taste."""
    unit: str
    action: Action
    states: tuple[State, ...]
    """Where it holds."""
    lasts: str | None = None
    """Field of :class:`SafetyCfg`: seconds the number must stay beyond its limit; None: none."""
    below: bool = False

    @property
    def name(self) -> str:
        """How logs call it."""
        return f"{self.fact} ({self.action})" if self.action == "warn" else self.fact


RULES: tuple[Rule, ...] = (
    Rule("state_age_s", "state_late_s", "s", "warn", ACTIVE),
    Rule("state_age_s", "state_stale_s", "s", "damp", MOVING),
    Rule("bad_checksums", "bad_checksums", "states", "damp", MOVING),
    Rule("bad_values", 0.0, "values", "damp", MOVING),
    Rule("model_changes", 0.0, "", "damp", MOVING),
    Rule("motor_errors", 0.0, "motors", "damp", MOVING),
    Rule("motors_off_s", "motors_off_s", "s", "damp", MOVING),
    Rule("tilt_rad", "tilt_rad", "rad", "damp", MOVING),
    Rule("gyro_rad_s", "gyro_rad_s", "rad/s", "damp", MOVING),
    Rule("joint_speed_rad_s", "joint_speed_rad_s", "rad/s", "damp", MOVING),
    Rule("joint_excess_rad", "joint_excess_rad", "rad", "damp", MOVING),
    Rule("torque_share", "torque_share", "of limit", "damp", MOVING, lasts="torque_s"),
    Rule("torque_gap_share", "torque_gap_share", "of limit", "warn", MOVING, lasts="torque_gap_s"),
    Rule("winding_c", "winding_warm_c", "°C", "warn", ACTIVE),
    Rule("winding_c", "winding_c", "°C", "damp", MOVING),
    Rule("casing_c", "casing_warm_c", "°C", "warn", ACTIVE),
    Rule("casing_c", "casing_c", "°C", "damp", MOVING),
    Rule("battery_soc", "battery_low_soc", "%", "warn", ACTIVE, below=True),
    Rule("battery_soc", "battery_soc", "%", "damp", MOVING, below=True),
    Rule("motor_voltage_v", "motor_voltage_v", "V", "damp", MOVING, lasts="motor_voltage_s", below=True),
    Rule("remote_silence_s", "remote_silence_s", "s", "damp", MOVING),
    Rule("other_publishers", 0.0, "programs", "damp", MOVING),
    Rule("watchdog_lost", 0.0, "", "damp", MOVING),
    Rule("tick_late_s", "tick_late_s", "s", "warn", ACTIVE),
    Rule("tick_late_s", "tick_overdue_s", "s", "damp", MOVING),
    Rule("odometry_age_s", "odometry_age_s", "s", "damp", RUNNING),
    Rule("map_age_s", "map_flat_s", "s", "warn", RUNNING),
    Rule("map_age_s", "map_age_s", "s", "damp", RUNNING),
    Rule("observations_bad", 0.0, "values", "damp", RUNNING),
    Rule("actions_bad", 0.0, "values", "damp", RUNNING),
    Rule("action_size", 1.0 + 1e-5, "of limit", "damp", RUNNING),
    Rule("target_cut", "target_cut", "rad", "damp", RUNNING),
    Rule("target_cut_ticks", "target_cut_ticks", "steps", "damp", RUNNING),
)


OUTPUT_FACTS = ("observations_bad", "actions_bad", "action_size", "target_cut", "target_cut_ticks")
"""Known only once the policy has answered."""


@dataclass(frozen=True, slots=True)
class Trip:
    """A rule that trips now."""

    rule: Rule
    value: float
    limit: float

    def __str__(self) -> str:
        """For people: what is how large, and what is allowed."""
        side = "below" if self.rule.below else "above"
        return f"{self.rule.fact} is {self.value:.4g} {self.rule.unit}, {side} {self.limit:g}"


class Guards:
    """Evaluates the table, tick by tick."""

    def __init__(self, safety: SafetyCfg, reference: Arrays | None) -> None:
        """Take the limits; those of velocities grow with what the clips ask for."""
        fastest = {}
        if reference is not None:
            spin = float(np.linalg.norm(reference["root_ang_vel_w"], axis=-1).max())
            fastest = {"gyro_rad_s": spin, "joint_speed_rad_s": float(np.abs(reference["dof_vel"]).max())}
        self.limits = [_limit(rule, safety, fastest) for rule in RULES]
        """One per rule, in the rule's unit."""
        self._lasts = [0.0 if rule.lasts is None else getattr(safety, rule.lasts) for rule in RULES]
        self._plans = {
            (state, of_output): [
                index
                for index, rule in enumerate(RULES)
                if state in rule.states and (rule.fact in OUTPUT_FACTS) == of_output
            ]
            for state in State
            for of_output in (False, True)
        }
        self._state: State | None = None
        self._since: list[float | None] = [None] * len(RULES)

    def check(self, facts: Facts, state: State, now: float) -> list[Trip]:
        """Rules that trip at ``now`` (s) in a state, but for those of the policy's output."""
        if state is not self._state:  # how long a number lasted elsewhere does not count
            self._state, self._since = state, [None] * len(RULES)
        return self._check(self._plans[state, False], facts, now)

    def check_output(self, facts: Facts, state: State, now: float) -> list[Trip]:
        """Those of the policy's output."""
        return self._check(self._plans[state, True], facts, now)

    def would_trip(self, facts: Facts, state: State) -> list[Trip]:
        """Rules that would end a state at once, however long their numbers have to last elsewhere."""
        rules = zip(RULES, self.limits, strict=True)
        return [
            Trip(rule, getattr(facts, rule.fact), limit)
            for rule, limit in rules
            if rule.action == "damp" and state in rule.states and _beyond(rule, facts, limit)
        ]

    def _check(self, plan: list[int], facts: Facts, now: float) -> list[Trip]:
        trips, since = [], self._since
        for index in plan:
            rule, limit = RULES[index], self.limits[index]
            if not _beyond(rule, facts, limit):
                since[index] = None
                continue
            if since[index] is None:
                since[index] = now
            if now - since[index] >= self._lasts[index]:
                trips.append(Trip(rule, getattr(facts, rule.fact), limit))
        return trips


def _beyond(rule: Rule, facts: Facts, limit: float) -> bool:
    value = getattr(facts, rule.fact)
    return value < limit if rule.below else value > limit


def _limit(rule: Rule, safety: SafetyCfg, fastest: dict[str, float]) -> float:
    if isinstance(rule.limit, float):
        return rule.limit
    limit = getattr(safety, rule.limit)
    return max(limit, safety.clip_margin * fastest.get(rule.fact, 0.0))

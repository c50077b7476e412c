"""Faults of the robot, the bus, the policy and the controller itself, and how soon the robot is damped after them."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from legged_gym.deploy.state_machine import State
from legged_gym.deploy.transport import open_transport
from legged_gym.deploy.trial_rig import PROGRAM, Rig, Setup
from legged_gym.utils.errors import RunError

DAMPED_WITHIN_S = 0.1
"""Of the project's own bar, on top of what a guard waits by its purpose."""
_BEFORE_S, _MORE_S = 0.25, 1.5
"""Its state has lasted for so long before; and so much longer than allowed is waited for damping."""


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong."""

    name: str
    cause: str
    """An action of the simulated robot; or ``spoil KIND``, ``signal NAME``, ``intruder``, ``watchdog``."""
    guards: tuple[str, ...] = ()
    """Those that may trip, facts of :data:`safety.RULES`; empty: the watchdog process brakes instead."""
    waits_s: float = 0.0
    """What the guard waits for before it takes the number for a fault, or for how long damping is on its way."""
    state: State = State.RUN
    """Where it happens."""

    @property
    def fresh(self) -> bool:
        """Whether it leaves a dead process on the bus, so that the next trial needs a bus of its own."""
        return self.cause.split()[0] in ("signal", "watchdog")


FAULTS: tuple[Fault, ...] = (
    Fault("states freeze", "fault freeze", ("state_age_s",)),
    Fault("states stop", "fault silence", ("state_age_s",)),
    Fault("states come 0.1 s late", "fault latency size=0.1", ("state_age_s",), 0.1),
    Fault("checksums wrong", "fault bad_crc", ("bad_checksums",)),
    Fault("a position is NaN", "fault nan slot=3", ("bad_values",)),
    Fault("another model", "fault reads field=mode_machine size=4", ("model_changes",)),
    Fault("a motor reports an error", "fault motor_error slot=7", ("motor_errors",)),
    Fault("a motor is off", "fault reads field=mode slot=4 size=0", ("motors_off_s",)),
    Fault("the robot tilts", "fault tilt size=1.2", ("tilt_rad",)),
    Fault("pelvis turns fast", "fault reads field=gyro_b size=30", ("gyro_rad_s",)),
    Fault("a joint is fast", "fault reads field=dq slot=27 size=60", ("joint_speed_rad_s",)),
    Fault("a joint is beyond its range", "fault reads field=q slot=3 size=3.2", ("joint_excess_rad",)),
    Fault("torque above the limit", "fault reads field=tau_est slot=0 size=200", ("torque_share",), 0.5),
    Fault("windings hot", "fault hot_motors", ("winding_c",)),
    Fault("a casing hot", "fault reads field=temperature slot=9 size=90", ("casing_c",)),
    Fault("battery weak", "fault weak_battery", ("motor_voltage_v", "battery_soc")),
    Fault("odometry and map stop", "fault blind", ("odometry_age_s",)),
    Fault("the map stops", "fault blind", ("map_age_s",), 1.0),
    Fault("remote lost", "fault remote_lost", ("remote_silence_s",), 3.0, State.STAND),
    Fault("somebody else commands", "intruder", ("other_publishers",), 0.6, State.STAND),
    Fault("policy: NaN", "spoil nan", ("actions_bad",)),
    Fault("policy: wrong number", "spoil shape", ("actions_bad",)),
    Fault("policy: beyond its limit", "spoil huge", ("action_size",)),
    Fault("policy: far targets", "spoil far", ("target_cut", "target_cut_ticks")),
    Fault("policy hangs", "spoil hang"),
    Fault("controller: SIGKILL", "signal SIGKILL"),
    Fault("controller: SIGSTOP", "signal SIGSTOP"),
    Fault("watchdog: SIGKILL", "watchdog", ("watchdog_lost",)),
)


@dataclass(frozen=True)
class Outcome:
    """What came of the trials of one fault."""

    fault: Fault
    times_s: list[float | None]
    """From the fault to damping, as the robot saw it; None: it never came."""
    others: list[str]
    """What the controller said where another guard tripped than the one meant."""

    @property
    def passed(self) -> bool:
        """Whether every trial ended in damping in time, and by the guard that was meant."""
        limit = self.fault.waits_s + DAMPED_WITHIN_S
        return not self.others and all(t is not None and t <= limit for t in self.times_s)


def try_faults(setup: Setup, trials: int, names: list[str]) -> list[Outcome]:
    """Every fault, or those named, so many times each. What the policy does not need cannot fail it."""
    outcomes, turns = [], itertools.count()
    for fault in FAULTS:
        if names and fault.name not in names:
            continue
        try:
            rounds = (
                _fresh_rounds(fault, setup, trials, turns) if fault.fresh else _rounds(fault, setup, trials)
            )
        except RunError as error:  # it did not come to that; the other faults go on
            rounds = [(None, str(error))]
        if rounds:
            others = [text for _, text in rounds if text]
            outcomes.append(Outcome(fault, [took for took, _ in rounds], others))
            print(line_of(outcomes[-1]), flush=True)
    return outcomes


def line_of(outcome: Outcome) -> str:
    """One line for people."""
    times = sorted(t for t in outcome.times_s if t is not None)
    fault, count = outcome.fault, len(outcome.times_s)
    middle = f"{1e3 * times[len(times) // 2]:5.0f} {1e3 * times[-1]:5.0f}" if times else "    -     -"
    limit = 1e3 * (fault.waits_s + DAMPED_WITHIN_S)
    line = f"  {fault.name:36} {len(times):3} of {count:3} damped   p50, max {middle} ms, at most {limit:.0f}"
    return (
        line
        + ("" if outcome.passed else "   MISSED")
        + "".join(f"\n    {text}" for text in outcome.others[:3])
    )


Round = tuple[float | None, str]
"""How long it took, and what the controller said if it was not the guard that was meant."""


def _rounds(fault: Fault, setup: Setup, trials: int) -> list[Round]:
    """All trials with one controller; none where the policy does not need what fails."""
    spoils = fault.cause.partition("spoil ")[2]
    program = ("legged_gym.deploy.trial_spoiler", spoils) if spoils else (PROGRAM,)
    with Rig(setup, setup.domain, program) as rig:
        needs = {need: f"ok    {need}" in rig.said() for need in ("odometry", "height map")}
        if "odometry_age_s" in fault.guards and not needs["odometry"]:
            return []
        if "map_age_s" in fault.guards and (not needs["height map"] or needs["odometry"]):
            return []
        return [_round(fault, rig) for _ in range(trials)]


def _fresh_rounds(fault: Fault, setup: Setup, trials: int, turns: Iterator[int]) -> list[Round]:
    """Each trial on a bus of its own, and not on that of the fault before: DDS speaks of the dead for 10 s."""
    rounds = []
    for _ in range(trials):
        with Rig(setup, setup.domain + 1 + next(turns) % 100) as rig:
            rounds.append(_round(fault, rig))
    return rounds


def _round(fault: Fault, rig: Rig) -> Round:
    rig.up(fault.state)
    time.sleep(_BEFORE_S)
    said = len(rig.said())
    since, undo = _caused(fault, rig)
    took = rig.damped_after(since, fault.waits_s + _MORE_S)
    time.sleep(0.1)
    undo()
    words = rig.said()[said:]
    rig.robot.do("clear")
    if not fault.fresh:
        rig.robot.do("reset")
    expected = not fault.guards or any(f"{guard} is" in words for guard in fault.guards)
    return took, "" if expected or took is None else words.strip().splitlines()[-1]


def _caused(fault: Fault, rig: Rig) -> tuple[float, Callable[[], object]]:
    """When the fault began, s, and what ends it."""
    kind, _, what = fault.cause.partition(" ")
    since, undo = time.monotonic(), lambda: None
    if kind == "fault":
        report = rig.robot.do(fault.cause)
        since = [e["time"] for e in report["events"] if e["what"] == fault.cause][-1]
    elif kind == "intruder":
        other = open_transport("cyclonedds", "lo", rig.domain, "intruder")
        since, undo = time.monotonic(), other.close
    elif kind == "watchdog":
        for process in rig.children():
            os.kill(process, signal.SIGKILL)
    else:
        rig.controller.send_signal(signal.SIGUSR1 if kind == "spoil" else signal.Signals[what])
        undo = (lambda: rig.controller.send_signal(signal.SIGUSR1)) if kind == "spoil" else undo
    return since, undo

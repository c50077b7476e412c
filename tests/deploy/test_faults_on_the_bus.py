"""Every guard, tripped over the real bus: what the simulated robot sees of it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from legged_gym.deploy.safety import RULES
from legged_gym.deploy.state_machine import State
from legged_gym.deploy.surroundings import Odometry
from legged_gym.deploy.transport import LowCommand, open_transport
from legged_gym.utils.errors import TransportError
from tests.deploy.flights import Flight, until

pytestmark = pytest.mark.slow

SLACK_S = 0.15
"""On top of what a guard waits for: a computer that is busy with other tests."""
TOO_SLOW = ("tick_late_s", "watchdog_lost")
"""Guards that trip first, and rightly, where other work keeps the controller from its time."""

ROBOT_FAULTS: dict[str, tuple[str, float]] = {
    "state_age_s": ("freeze", 0.06),
    "state_age_s, silence": ("silence", 0.06),
    "bad_checksums": ("bad_crc", 0.03),
    "bad_values": ("nan slot=3", 0.03),
    "model_changes": ("reads field=mode_machine size=4", 0.03),
    "motor_errors": ("motor_error slot=7", 0.03),
    "motors_off_s": ("reads field=mode slot=4 size=0", 0.09),
    "tilt_rad": ("tilt size=1.2", 0.03),
    "gyro_rad_s": ("reads field=gyro_b size=7", 0.03),
    "joint_speed_rad_s": ("reads field=dq slot=27 size=25", 0.03),
    "joint_excess_rad": ("reads field=q slot=3 size=3.2", 0.03),
    "torque_share": ("reads field=tau_est slot=0 size=200", 0.53),
    "winding_c": ("hot_motors", 0.03),
    "casing_c": ("reads field=temperature slot=9 size=90", 0.03),
    "motor_voltage_v": ("reads field=voltage slot=4 size=20", 0.07),
    "odometry_age_s": ("blind", 0.09),
    "remote_silence_s": ("remote_lost", 3.03),
}
"""Guard -> the simulated robot's fault that trips it, and how long that may take, s."""
BY_HAND = {
    *("battery_soc", "other_publishers", "watchdog_lost", "tick_late_s", "map_age_s", "observations_bad"),
    *("actions_bad", "action_size", "target_cut", "target_cut_ticks"),
}
"""Guards with tests of their own below."""


def test_every_guard_is_tripped_here():
    damping = {rule.fact for rule in RULES if rule.action == "damp"}
    assert damping == {name.partition(",")[0] for name in ROBOT_FAULTS} | BY_HAND


def trip(flight: Flight, cause: Callable[[], object], fact: str, within_s: float) -> None:
    """From the running policy into damping, for the right reason and in time, and out of it again."""
    flight.up(State.RUN)
    began = time.monotonic()
    cause()
    took = flight.until_damped(began)
    until(lambda: flight.state is State.DAMP, "the latch")
    if fact not in flight.controller.fault and any(slow in flight.controller.fault for slow in TOO_SLOW):
        pytest.skip(f"this machine is too busy for real time: {flight.controller.fault}")
    assert fact in flight.controller.fault
    assert took < within_s + SLACK_S, f"{fact}: {took:.3f} s"


def test_every_fault_of_the_robot_ends_in_damping(fly, tracker_bundle):
    flight = fly(tracker_bundle, "--bundle", str(tracker_bundle.folder))
    for name, (fault, within_s) in ROBOT_FAULTS.items():
        fact = name.partition(",")[0]
        trip(flight, lambda fault=fault: flight.robot.do(f"fault {fault}"), fact, within_s)
        time.sleep(0.1)
        assert flight.state is State.DAMP  # latched, though nothing repeats the fault
        flight.robot.do("clear")
        until(lambda: not flight.robot.do("report")["faults"], "no faults")
        time.sleep(0.1)


def test_a_battery_that_says_it_is_empty_ends_in_damping(fly, tracker_bundle):
    flight = fly(tracker_bundle, "--bundle", str(tracker_bundle.folder))
    flight.controller._guards.limits = [
        0.0 if rule.fact == "motor_voltage_v" else limit
        for rule, limit in zip(RULES, flight.controller._guards.limits, strict=True)
    ]  # the voltage, which is quicker, says nothing
    trip(flight, lambda: flight.robot.do("fault weak_battery"), "battery_soc", 0.6)


ANSWERS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "actions_bad": lambda action: np.full_like(action, np.nan),
    "action_size": lambda action: action + 20.0,
    "target_cut": lambda action: action + 9.9,
}


@pytest.mark.parametrize("fact", ANSWERS)
def test_bad_answers_of_the_policy_end_in_damping(fly, tracker_bundle, fact):
    flight = fly(tracker_bundle, "--bundle", str(tracker_bundle.folder))
    trip(flight, lambda: setattr(flight, "spoil", ANSWERS[fact]), fact, 0.03)


def test_targets_that_are_cut_again_and_again_end_in_damping(fly, tracker_bundle):
    flight = fly(tracker_bundle, "--bundle", str(tracker_bundle.folder))
    ankle = tracker_bundle.spec.joint_names.index("left_ankle_roll_joint")
    joint = tracker_bundle.spec.joints[ankle]
    push = (joint.upper + 0.3 + 0.1) / joint.action_scale  # 0.1 rad beyond range and margin

    def lean(action):
        action = action.copy()
        action[0, ankle] = push
        return action

    trip(flight, lambda: setattr(flight, "spoil", lean), "target_cut_ticks", 0.15)


def test_an_observation_that_is_no_number_ends_in_damping(fly, tracker_bundle):
    flight = fly(tracker_bundle, "--bundle", str(tracker_bundle.folder))
    nowhere = np.full(3, np.nan)  # no socket lets this through, so it is put behind them

    def confuse():
        lost = Odometry(time.monotonic() + 1.0, nowhere, np.array([1.0, 0.0, 0.0, 0.0]), nowhere)
        flight.sources.poll = lambda: setattr(flight.sources, "odometry", lost)

    trip(flight, confuse, "observations_bad", 0.03)


def test_somebody_else_who_commands_ends_in_damping(fly, tracker_bundle, domain):
    flight = fly(tracker_bundle, "--bundle", str(tracker_bundle.folder))
    others = []
    trip(
        flight,
        lambda: others.append(open_transport("cyclonedds", "lo", domain, "intruder")),
        "other_publishers",
        1.5,
    )
    others[0].send(LowCommand())
    others[0].close()


def test_a_policy_that_hangs_is_braked_by_the_watchdog(fly, tracker_bundle):
    flight = fly(tracker_bundle, "--bundle", str(tracker_bundle.folder))

    def hang(action):
        time.sleep(1.0)
        return action

    flight.up(State.RUN)
    before = flight.robot.do("report")["last_accepted"]
    flight.spoil = hang
    took = flight.until_damped(before)
    assert took < 0.1 + SLACK_S
    assert flight.state is State.RUN  # it still hangs
    flight.spoil = lambda action: action
    until(lambda: flight.state is State.DAMP, "the latch, once it is back")
    assert "tick_late_s" in flight.controller.fault
    until(lambda: not flight.watchdog.took_over, "the watchdog to stand down")
    trip(flight, lambda: setattr(flight, "spoil", ANSWERS["actions_bad"]), "actions_bad", 0.03)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_controller_that_cannot_send_any_more_is_braked_by_the_watchdog(fly, tracker_bundle):
    flight = fly(tracker_bundle, "--bundle", str(tracker_bundle.folder))
    flight.up(State.RUN)

    def refuse(command):
        raise TransportError("the bus is gone")

    began = time.monotonic()
    flight.transport.send = refuse
    assert flight.until_damped(began) < 0.1 + SLACK_S
    flight.watchdog.dismiss()
    until(lambda: not flight._thread.is_alive(), "the loop's end")
    # It would look at a bus that is closed.
    assert "lookout" not in {thread.name for thread in threading.enumerate()}


def test_without_its_watchdog_the_controller_damps(fly, tracker_bundle):
    flight = fly(tracker_bundle, "--bundle", str(tracker_bundle.folder))
    pid = flight.watchdog._process.pid
    trip(flight, lambda: os.kill(pid, signal.SIGKILL), "watchdog_lost", 0.03)


def test_an_old_height_map_becomes_flat_ground_and_then_damping(fly, student_bundle):
    flight = fly(student_bundle)
    flight.up(State.RUN)
    began = time.monotonic()
    flight.robot.do("fault blind")
    took = flight.until_damped(began)
    assert 0.9 < took < 1.05 + SLACK_S  # a map is sent every 20 ms
    assert "map_age_s" in flight.controller.fault

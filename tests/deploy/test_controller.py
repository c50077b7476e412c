"""Ticks of the controller with made-up states and a clock of its own. The toy robot has three motors."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from legged_gym.deploy.bundle import read_bundle
from legged_gym.deploy.controller import Controller, TickInput
from legged_gym.deploy.deploy_config import DeployCfg, SafetyCfg
from legged_gym.deploy.pilot import Pilot
from legged_gym.deploy.remote import Button, Remote, encode_remote
from legged_gym.deploy.state_machine import Event, State
from tests.deploy.robots import make_low_state

DT = 0.02


class Bench:
    """A controller, and a robot whose joints are where they were told to be."""

    def __init__(self, folder, policy=lambda _: np.zeros((1, 2), np.float32), safety=None, **options) -> None:
        self.bundle = read_bundle(folder)
        self.cfg = DeployCfg(safety=SafetyCfg(**(safety or {})))
        pilot = Pilot(self.bundle, policy, self.cfg.steering)
        self.controller = Controller(self.bundle, pilot, self.cfg, **options)
        self.time, self.ticks = 100.0, 0
        self.q = {"hip": 0.0, "knee": 0.5, "wrist": 0.3}
        self.state = {}
        self.buttons = Button(0)

    def tick(self, *events: Event, finished: float = 0.001, frozen: bool = False, **inputs):
        """One control period; the command, as sent."""
        self.time += DT
        self.ticks += not frozen
        received = self.time - 0.001
        remote = encode_remote(Remote(self.buttons))
        low = make_low_state(
            self.bundle,
            **{"q": self.q, "tick": self.ticks, "received": received, "remote": remote} | self.state,
        )
        given = TickInput(**{"now": self.time, "scheduled": self.time, "low": low, "events": events} | inputs)
        self.result = self.controller.step(given)
        command = self.controller.finish(given, self.result, given.now + finished)
        if command is not None and command.kp.any():
            order = self.bundle.spec.motor_order
            self.q = {name: float(command.q[i]) for i, name in enumerate(order)}
        return command

    def press(self, buttons: Button):
        self.buttons = buttons
        command = self.tick()
        self.buttons = Button(0)
        return command

    def stand(self) -> None:
        """Up to the pose, as an operator would."""
        self.tick(Event.CONNECTED)
        self.press(Button.START)
        for _ in range(101):
            self.tick()
        assert self.controller.state is State.STAND

    def run(self) -> None:
        """Up to the policy."""
        self.stand()
        self.press(Button.A)
        assert self.controller.state is State.RUN


def calm(_spec, recorded, reference) -> None:
    """Clips of a tenth of the size, whose joints stay within their ranges; the recording stays true."""
    rows = [2, 2, 4, 5]  # of the recorded steps
    recorded["joint_targets"] -= (0.9 * reference["target_offset"][rows]).astype(np.float32)
    for name in ("target_offset", "dof_pos", "dof_vel"):
        reference[name] *= 0.1


@pytest.fixture
def bench(make_bundle):
    return lambda *args, **options: Bench(make_bundle(calm), *args, **options)


def is_damping(command) -> bool:
    return not command.kp.any() and (command.kd[:3] == 8.0).all() and (command.mode[:3] == 1).all()


def test_nothing_is_sent_before_the_checks_have_passed_and_damping_after(bench):
    robot = bench()
    assert robot.tick() is None
    assert is_damping(robot.tick(Event.CONNECTED))
    assert is_damping(robot.tick())
    assert robot.controller.state is State.PASSIVE


def test_the_ramp_begins_where_the_joints_are_with_no_force_and_ends_in_the_pose_with_all(bench):
    robot = bench()
    robot.tick(Event.CONNECTED)
    start = dict(robot.q)
    command = robot.press(Button.START)
    np.testing.assert_allclose(command.q[:3], [start["hip"], start["wrist"], start["knee"]], atol=1e-6)
    assert not command.kp.any()
    commands = [robot.tick() for _ in range(100)]
    steps = np.abs(np.diff([c.q[:3] for c in commands], axis=0))
    span = np.abs(commands[-1].q[:3] - commands[0].q[:3]).max()
    assert steps.max() < 1.6 * span / 100  # eased: never faster than 1.5 times the mean
    assert commands[50].kp[0] == commands[-1].kp[0] == 150.0  # full gain from half of the way on
    pose = robot.bundle.reference["dof_pos"][0]  # where the clip begins
    np.testing.assert_allclose(robot.tick().q[:3], [pose[0], 0.0, pose[1]], atol=1e-6)


def test_the_policys_commands_follow_from_its_actions_and_its_clip(bench):
    answers = iter(np.full((20, 1, 2), 0.4, np.float32))
    robot = bench(lambda _: next(answers))
    robot.stand()
    command = robot.press(Button.A)
    # A residual policy begins with action 0; the moving average's weight is 0.5: 0.2, of scales 0.5 and 0.25
    offset = robot.bundle.reference["target_offset"]
    applied = np.array([0.2, 0.2]) * [0.5, 0.25]
    np.testing.assert_allclose(robot.result.step.targets, offset[1] + applied, atol=1e-6)
    np.testing.assert_allclose(command.q[[0, 2]], robot.result.step.targets, atol=1e-6)
    assert command.kp[[0, 2]].tolist() == [40.0, 40.0]


def test_the_policy_does_not_start_far_from_its_pose(bench, caplog):
    robot = bench()
    robot.stand()
    robot.state = {"q": robot.q | {"knee": robot.q["knee"] + 0.25}}
    robot.press(Button.A)
    assert robot.controller.state is State.STAND
    assert "a joint is 0.25 rad from the pose, above 0.2" in caplog.text


def test_a_moving_robot_keeps_its_policy(bench, caplog):
    robot = bench()
    robot.run()
    robot.state = {"q": dict(zip(("hip", "knee"), robot.bundle.reference["dof_pos"][0], strict=True))}
    robot.state["dq"] = {"hip": 3.0}
    robot.press(Button.X)
    assert robot.controller.state is State.RUN
    assert "a joint moves at 3.0 rad/s, above 1" in caplog.text
    robot.state.pop("dq")
    robot.tick()
    robot.press(Button.X)
    assert robot.controller.state is State.RAMP


def test_the_way_back_begins_with_the_policys_torques(bench):
    robot = bench(lambda _: np.full((1, 2), 0.2, np.float32))
    robot.run()
    before = robot.tick()
    pose = dict(zip(("hip", "knee"), robot.bundle.reference["dof_pos"][0], strict=True))
    robot.state = {"q": pose | {"wrist": 0.01}}
    after = robot.press(Button.X)
    assert robot.controller.state is State.RAMP
    q = np.array([pose["hip"], 0.01, pose["knee"]])
    torques = [(c.kp[:3] * (c.q[:3] - q)) for c in (before, after)]
    np.testing.assert_allclose(torques[1], torques[0], atol=1e-3)
    assert after.kp[0] == 150.0  # standing on its feet needs all of it


def test_the_operator_damps_and_lifts_the_latch(bench):
    robot = bench()
    robot.stand()
    assert is_damping(robot.press(Button.L2 | Button.B))
    assert robot.controller.fault == "stopped by the operator"
    for button in (Button.START, Button.A, Button.X):
        assert is_damping(robot.press(button))
        robot.tick()
        assert robot.controller.state is State.DAMP
    robot.press(Button.R1 | Button.START)
    assert robot.controller.state is State.PASSIVE
    assert robot.controller.fault is None


def test_the_robot_is_not_raised_while_the_fault_lasts(bench, caplog):
    robot = bench()
    robot.stand()
    robot.state = {"error": 1}
    assert is_damping(robot.tick())
    robot.press(Button.R1 | Button.START)
    robot.tick()
    robot.press(Button.START)
    assert robot.controller.state is State.PASSIVE
    assert "refused, the operator wants the pose: motor_errors is 3 motors, above 0" in caplog.text
    robot.state = {}
    robot.tick()
    robot.press(Button.START)
    assert robot.controller.state is State.RAMP


def test_a_fault_while_damping_is_not_latched(bench):
    robot = bench()
    robot.tick(Event.CONNECTED)
    for _ in range(5):
        assert is_damping(robot.tick(frozen=True, watchdog_lost=True))
    assert robot.controller.state is State.PASSIVE


def test_the_end_is_half_a_second_of_damping_from_anywhere(bench):
    robot = bench()
    robot.run()
    sent = [robot.tick(Event.QUIT)]
    while robot.controller.state is not State.EXIT:
        sent.append(robot.tick())
    assert sent[-1] is None
    assert all(is_damping(command) for command in sent[:-1])
    assert len(sent) - 1 >= 25  # 0.5 s of ticks


def nan(_):
    return np.full((1, 2), np.nan, np.float32)


@pytest.mark.parametrize(
    ("policy", "fact"),
    [
        (nan, "actions_bad is 2"),
        (lambda _: np.zeros((1, 3), np.float32), "actions_bad is 1"),
        (lambda _: np.full((1, 2), 2.1, np.float32), "action_size is 1.05"),
    ],
)
def test_bad_answers_of_the_policy_damp_in_the_same_tick(bench, policy, fact):
    robot = bench(policy)
    robot.stand()
    assert is_damping(robot.press(Button.A))
    assert robot.controller.state is State.DAMP
    assert fact in robot.controller.fault


def test_targets_that_are_cut_for_too_long_damp(bench):
    # Actions of +-2 become, smoothed by half, +-0.67 and targets of +-0.33 rad; 0.1 rad a step is allowed.
    turns = iter([0.0, *(20 * [2.0, -2.0])])
    robot = bench(
        lambda _: np.full((1, 2), next(turns), np.float32),
        safety={"target_speed_rad_s": 5.0, "target_cut": 10.0},
    )
    robot.run()
    for count in range(1, 6):
        robot.tick()
        assert robot.result.facts.target_cut_ticks == count
    assert is_damping(robot.tick())
    assert "target_cut_ticks is 6 steps, above 5" in robot.controller.fault


STATE_FAULTS = {
    "tilt_rad": {"quat_wxyz": (math.cos(0.55), math.sin(0.55), 0.0, 0.0)},
    "gyro_rad_s": {"gyro_b": (0.0, 7.0, 0.0)},
    "joint_speed_rad_s": {"dq": {"wrist": 21.0}},  # a motor the policy does not drive
    "joint_excess_rad": {"q": {"hip": 1.2}},
    "motor_errors": {"error": 4},
    "bad_values": {"q": {"wrist": math.nan}},
    "winding_c": {"temperature": (60, 125)},
    "casing_c": {"temperature": (90, 95)},
}


@pytest.mark.parametrize("fact", STATE_FAULTS)
@pytest.mark.parametrize("running", [False, True], ids=["standing", "running"])
def test_what_the_robot_says_damps_in_the_same_tick(bench, fact, running):
    robot = bench()
    (robot.run if running else robot.stand)()
    robot.state = STATE_FAULTS[fact]
    assert is_damping(robot.tick())
    assert fact in robot.controller.fault


def test_a_quaternion_of_zeros_is_no_reading(bench):
    robot = bench()
    robot.stand()
    robot.state = {"quat_wxyz": (0.0, 0.0, 0.0, 0.0)}
    assert is_damping(robot.tick())


@pytest.mark.parametrize(
    ("inputs", "fact"),
    [
        ({"bad_checksums": 5}, "bad_checksums"),
        ({"battery_soc": 19.0}, "battery_soc"),
        ({"other_publishers": 1}, "other_publishers"),
        ({"watchdog_lost": True}, "watchdog_lost"),
    ],
)
def test_what_the_wire_says_damps_in_the_same_tick(bench, inputs, fact):
    robot = bench()
    robot.run()
    assert is_damping(robot.tick(**inputs))
    assert fact in robot.controller.fault


def test_a_state_whose_tick_stands_still_is_old_however_new_it_is(bench):
    robot = bench()
    robot.run()
    robot.tick(frozen=True)
    robot.tick(frozen=True)
    assert robot.controller.state is State.RUN  # 41 ms
    assert is_damping(robot.tick(frozen=True))  # 61 ms
    assert "state_age_s" in robot.controller.fault


def test_another_model_on_the_wire_damps(bench):
    robot = bench()
    robot.run()
    low = make_low_state(robot.bundle, q=robot.q, tick=10**6, received=robot.time + DT)
    other = dataclasses.replace(low, mode_machine=4)
    command = robot.tick(low=other)
    assert is_damping(command)
    assert command.mode_machine == 5  # the robot that was checked still listens to this
    assert "model_changes" in robot.controller.fault


def test_motors_that_stay_off_damp_but_not_in_a_dry_run(bench, make_bundle):
    robot = bench()
    robot.run()
    robot.state = {"mode": 0}
    for _ in range(3):
        robot.tick()
    assert robot.controller.state is State.RUN  # 60 ms is the limit
    assert is_damping(robot.tick())
    assert "motors_off_s" in robot.controller.fault


def test_in_a_dry_run_nobody_wonders_why_motors_are_off(bench):
    robot = bench(sends=False)
    robot.state = {"mode": 0}
    robot.run()
    for _ in range(10):
        robot.tick()
    assert robot.controller.state is State.RUN


def test_a_remote_that_falls_silent_damps_after_three_seconds(bench):
    robot = bench()
    robot.stand()
    robot.state = {"remote": bytes(40)}
    for _ in range(149):
        robot.tick()
    assert robot.controller.state is State.STAND
    for _ in range(3):
        command = robot.tick()
    assert is_damping(command)
    assert "remote_silence_s" in robot.controller.fault


def test_a_step_that_took_too_long_sends_damping_in_place_of_its_old_target(bench):
    robot = bench()
    robot.run()
    assert not is_damping(robot.tick(finished=0.059))
    assert is_damping(robot.tick(finished=0.061))
    assert robot.controller.state is State.DAMP
    assert "tick_late_s" in robot.controller.fault


def test_shadow_runs_the_policy_and_acts_on_nothing(bench):
    robot = bench(shadow=True)
    robot.tick(Event.CONNECTED)
    robot.state = STATE_FAULTS["tilt_rad"]
    robot.press(Button.L2 | Button.B)
    assert robot.controller.state is State.RUN
    assert robot.result.step is not None
    assert "tilt_rad" in [trip.rule.fact for trip in robot.result.trips]
    robot.tick(Event.QUIT)
    assert robot.controller.state is State.EXIT


def test_the_same_inputs_give_the_same_outputs(bench, make_bundle):
    def play(robot):
        robot.run()
        return [robot.tick().q.tobytes() for _ in range(5)]

    robot = bench(lambda x: np.tanh(x[:, :2]))
    again = Bench(robot.bundle.folder, lambda x: np.tanh(x[:, :2]))
    assert play(robot) == play(again)

"""The simulated robot as others meet it: on the bus, over its sockets, as a process."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from legged_gym.deploy.remote import Button, decode_remote
from legged_gym.deploy.sim_control import SimControl
from legged_gym.deploy.sim_robot import PERIOD_S, SimRobot, main
from legged_gym.deploy.sim_robot_cli import parse_arguments
from legged_gym.deploy.sim_robot_commands import COMMAND_TIMEOUT_S
from legged_gym.deploy.sim_robot_options import BodyOptions
from legged_gym.deploy.surroundings import SurroundingsReceiver
from legged_gym.deploy.transport import LowCommand, LowState, Transport
from legged_gym.utils.errors import ConfigError
from tests.deploy.buses import stand, tick_until

REPO = Path(__file__).resolve().parents[2]
MakeRobot = Callable[..., SimRobot]


class Pair:
    """A robot on a clock of the test's own, and who listens to it."""

    def __init__(self, robot: SimRobot, transport: Transport) -> None:
        tick_until(robot, transport.latest)
        self.robot, self.transport = robot, transport
        self.now = time.monotonic()
        self.live(0.01)

    def live(self, seconds: float) -> list[LowState]:
        """Ticks for so long on the clock; returns the states that were sent meanwhile."""
        for _ in range(round(seconds / PERIOD_S)):
            self.now += PERIOD_S
            self.robot.tick(self.now)
            time.sleep(0.0005)  # for the receiving thread
        time.sleep(0.05)
        return self.transport.take()


@pytest.fixture
def pair(sim_robot: MakeRobot, transport: Transport) -> Pair:
    return Pair(sim_robot(), transport)


def whats(robot: SimRobot) -> list[str]:
    return [event["what"] for event in robot.report()["events"]]


def test_remote_says_what_is_pressed_for_as_long_as_it_is(pair: Pair) -> None:
    pair.robot.do("press L2+B for=0.05")
    pair.robot.do("stick ly=0.5")
    first, *_, last = (decode_remote(state.remote) for state in pair.live(0.1))
    assert first.buttons == Button.L2 | Button.B
    assert last.buttons == Button(0)
    assert first.ly == last.ly == 0.5


def test_schedule_runs_on_the_robots_clock(sim_robot: MakeRobot, transport: Transport) -> None:
    pair = Pair(sim_robot(schedule=["0.2 press X", "0.1 release"]), transport)
    pair.live(0.4)
    assert whats(pair.robot)[:2] == ["release", "press X"]


@pytest.mark.parametrize("fault", ["silence", "loss size=1", "bad_crc"])
def test_no_state_arrives_with_the_fault_and_they_do_after_it(pair: Pair, fault: str) -> None:
    pair.robot.do(f"fault {fault} for=0.1")
    assert pair.live(0.08) == []
    assert pair.live(0.1) != []
    assert whats(pair.robot)[-2:] == [f"fault {fault} for=0.1", f"end of {fault.split()[0]}"]


def test_freeze_repeats_one_state(pair: Pair) -> None:
    pair.robot.do("fault freeze for=0.1")
    frozen = pair.live(0.08)
    assert len(frozen) > 30
    assert len({state.raw for state in frozen}) == 1
    assert pair.live(0.1)[-1].tick > frozen[0].tick + 80


def test_latency_holds_states_back(pair: Pair) -> None:
    newest = pair.live(0.02)[-1].tick
    pair.robot.do("fault latency size=0.05 for=1")
    late = pair.live(0.2)[-1].tick
    assert late - newest == pytest.approx(2 * (0.2 - 0.05) / PERIOD_S, abs=4)  # two per state


def test_remote_that_is_lost_is_all_zero(pair: Pair) -> None:
    pair.robot.do("fault remote_lost")
    assert not decode_remote(pair.live(0.02)[-1].remote).heard


def test_reading_faults_leave_nothing_behind(pair: Pair) -> None:
    for text in ("nan slot=30", "reads field=mode_machine size=9", "motor_error slot=34"):
        pair.robot.do(f"fault {text}")
    spoiled = pair.live(0.02)[-1]
    assert (math.isnan(spoiled.q[30]), spoiled.mode_machine, spoiled.motor_error[34]) == (True, 9, 1)
    pair.robot.do("clear")
    clean = pair.live(0.02)[-1]
    assert (clean.q[30], clean.mode_machine, clean.motor_error[34]) == (0.0, 5, 0)


def test_commands_that_stop_or_do_not_arrive_end_in_damping(pair: Pair) -> None:
    command = stand(pair.transport.latest().q)
    for _ in range(10):
        pair.transport.send(command)
        pair.live(0.02)
    assert pair.robot.report()["drive"] == "driven"
    pair.robot.do("fault deaf")
    deaf_at = pair.now
    for _ in range(10):
        pair.transport.send(command)
        pair.live(0.02)
    events = {event["what"]: event["time"] for event in pair.robot.report()["events"]}
    assert events["lost"] - deaf_at <= COMMAND_TIMEOUT_S + 2 * PERIOD_S
    torque = pair.transport.latest().tau_est[:29]
    np.testing.assert_allclose(torque, -8.0 * pair.transport.latest().dq[:29], atol=0.5)
    pair.robot.do("clear")
    pair.transport.send(command)
    pair.live(0.02)
    assert pair.robot.report()["drive"] == "driven"


def test_damping_commands_are_noted_when_they_arrive(pair: Pair) -> None:
    pair.transport.send(stand(pair.transport.latest().q))
    pair.live(0.02)
    damping = LowCommand(mode_machine=5)
    damping.mode[:29], damping.kd[:29] = 1, 8.0
    pair.transport.send(damping)
    pair.live(0.02)
    assert whats(pair.robot)[-2:] == ["driven", "damping"]


def test_a_fall_is_noted_once_and_reset_hangs_the_robot_up_again(pair: Pair) -> None:
    pair.robot.do("release")
    pair.live(1.5)
    assert whats(pair.robot).count("fell") == 1
    assert pair.robot.report()["fallen"]
    report = pair.robot.do("reset")
    assert (report["fallen"], report["hanging"], report["drive"]) == (False, True, "limp")
    pair.live(0.5)
    assert not pair.robot.report()["fallen"]


def test_truth_about_place_and_ground_is_sent(
    sim_robot: MakeRobot, transport: Transport, tmp_path: Path
) -> None:
    address = f"unix:{tmp_path / 'truth'}"
    receiver = SurroundingsReceiver(address)
    body = BodyOptions(ground="slope:0.6:0", start=(1.5, 0.0, 0.5))
    robot = sim_robot(body=body, surroundings=[address])
    pair = Pair(robot, transport)
    receiver.poll()  # the socket holds ten messages, no more
    pair.live(0.02)
    receiver.poll()
    odometry, ground = receiver.odometry, receiver.height_map
    assert odometry is not None
    assert ground is not None
    truth = robot.report()
    np.testing.assert_allclose(odometry.root_pos_w, truth["root_pos_w"], atol=2e-3)
    np.testing.assert_allclose(odometry.root_quat_wxyz, truth["root_quat_wxyz"], atol=2e-3)
    np.testing.assert_allclose(odometry.root_lin_vel_w, truth["root_lin_vel_w"], atol=0.1)
    # a corner of the grid, 1 m ahead and 1 m to the left of the torso
    assert ground.heights.shape == (21, 21)
    cos, sin = math.cos(ground.body_yaw), math.sin(ground.body_yaw)
    corner = ground.body_pos_w[:2] + np.array([cos - sin, sin + cos])
    expected = float(robot.body.ground.heights(corner)) - ground.body_pos_w[2]
    assert ground.heights[-1, -1] == pytest.approx(expected, abs=1e-5)
    assert ground.body_yaw == pytest.approx(0.5, abs=0.05)
    assert len(np.unique(ground.heights.round(3))) > 1  # the slope is in sight
    robot.do("fault blind")
    pair.live(0.02)
    receiver.poll()
    seen = receiver.odometry
    pair.live(0.05)
    receiver.poll()
    assert receiver.odometry is seen
    receiver.close()


# ---------------------------------------------------------------------- as a process


@pytest.mark.slow
def test_process_keeps_500_hz_and_reports_at_its_end(
    domain: int, transport: Transport, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "legged_gym.deploy.sim_robot", "--domain", str(domain)]
    process = subprocess.Popen([*command, "--at", "0.5 fault push size=0.5", "--report", str(report)])
    assert transport.wait(60.0) is not None
    start, before = time.monotonic(), transport.counts().received
    time.sleep(2.0)
    # late by at most what a busy computer makes of it: what is missed is caught up or reported
    rate = (transport.counts().received - before) / (time.monotonic() - start)
    process.terminate()
    assert process.wait(20.0) == 0
    content = json.loads(report.read_text())
    assert rate == pytest.approx(500.0, rel=0.1) or content["skipped"] > 0
    assert [event["what"] for event in content["events"]] == ["fault push size=0.5"]


@pytest.mark.slow
def test_actions_reach_a_process(robot_process: Callable[..., SimControl], transport: Transport) -> None:
    control = robot_process()
    assert transport.wait(20.0) is not None
    assert not control.do("release")["hanging"]
    with pytest.raises(ConfigError, match="no action 'jump'"):
        control.do("jump")
    deadline = time.monotonic() + 20.0
    while not control.do("report")["fallen"]:
        assert time.monotonic() < deadline


def test_help_lists_actions_and_faults_without_the_engine() -> None:
    code = (
        "import sys\nfrom legged_gym.deploy.sim_robot_cli import parse_arguments\n"
        "try:\n    parse_arguments(['--help'])\nexcept SystemExit:\n    print('mujoco' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=True
    )
    assert "press BUTTON" in result.stdout
    assert "weak_battery" in result.stdout
    assert result.stdout.splitlines()[-1] == "False"


@pytest.mark.parametrize("options", [["--ground", "moon"], ["--domain", "0"], ["--at", "1 jump"]])
def test_wrong_options_are_one_line_and_status_2(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(options) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert len(error.splitlines()) == 1


def test_a_bundle_gives_the_robot_and_the_place_where_its_clip_begins(
    make_bundle: Callable[..., Path],
) -> None:
    def change(_: object, __: object, reference: dict[str, np.ndarray]) -> None:
        half = 0.5 * 0.8
        reference["root_pos_w"][3] = 1.0, 2.0, 0.7  # the second clip's first frame
        reference["root_quat_wxyz"][3] = math.cos(half), 0.0, 0.0, math.sin(half)

    options, duration, report = parse_arguments(["--bundle", str(make_bundle(change)), "--clip", "wave"])
    assert options.body.robot == "toy"
    assert options.body.start == pytest.approx((1.0, 2.0, 0.8))
    assert (duration, report) == (math.inf, None)
    assert options.realtime

"""Two ends of the real bus on loopback."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from legged_gym.deploy.sim_robot import PERIOD_S, SimRobot
from legged_gym.deploy.transport import LowCommand, Transport, open_transport
from legged_gym.utils.errors import DependencyError, TransportError
from tests.deploy.buses import DISCOVERY_S, stand, tick_until

MakeRobot = Callable[..., SimRobot]


def until(done: Callable[[], object], timeout_s: float = DISCOVERY_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not done():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def test_states_arrive_whole_and_in_order(transport: Transport, sim_robot: MakeRobot) -> None:
    robot = sim_robot()
    assert transport.latest() is None
    tick_until(robot, transport.latest)
    transport.take()
    for _ in range(100):
        robot.tick(time.monotonic())
        time.sleep(PERIOD_S)
    until(lambda: transport.latest().tick == 2 * robot.report()["states"])
    states = transport.take()
    assert np.diff([state.tick for state in states]).tolist() == [2] * 99
    assert (np.diff([state.received for state in states]) >= 0.0).all()
    assert transport.latest().mode_machine == 5
    assert abs(transport.latest().received - time.monotonic()) < 5.0
    counts = transport.counts()
    assert (counts.bad_crc, counts.sent) == (0, 0)
    assert counts.received > 100  # those before `take` as well


def test_states_with_wrong_checksums_are_dropped_and_counted(
    transport: Transport, sim_robot: MakeRobot
) -> None:
    robot = sim_robot()
    tick_until(robot, transport.latest)
    robot.do("fault bad_crc")
    until(lambda: transport.latest().tick == 2 * robot.report()["states"])
    before = transport.counts()
    for _ in range(7):
        robot.tick(time.monotonic())
    until(lambda: transport.counts().bad_crc == before.bad_crc + 7)
    assert transport.counts().received == before.received
    assert transport.counts().bad_crc_in_row == 7
    robot.do("clear")
    tick_until(robot, lambda: transport.counts().bad_crc_in_row == 0)


def test_commands_reach_the_motors(transport: Transport, sim_robot: MakeRobot) -> None:
    robot = sim_robot()
    tick_until(robot, transport.latest)
    assert transport.listeners() == 1
    command = stand(transport.latest().q)
    transport.send(command)
    tick_until(robot, lambda: robot.report()["accepted"] == 1)
    assert robot.report()["drive"] == "driven"
    # as soon as the state after it is in, the motors say so themselves
    tick = transport.latest().tick
    tick_until(robot, lambda: transport.latest().tick > tick + 4)
    assert transport.latest().motor_mode[:29].tolist() == [1] * 29
    assert transport.counts().sent == 1


def test_a_command_that_is_not_finite_never_leaves(transport: Transport, sim_robot: MakeRobot) -> None:
    robot = sim_robot()
    tick_until(robot, transport.latest)
    command = stand(transport.latest().q)
    command.q[3] = np.nan
    with pytest.raises(TransportError, match="q of motor 3 is not finite"):
        transport.send(command)
    assert transport.counts().sent == 0


def test_others_who_command_are_seen_and_gone_again(domain: int, transport: Transport) -> None:
    assert transport.other_publishers() == []
    other = open_transport("cyclonedds", "lo", domain, group="somebody")
    until(transport.other_publishers)
    (found,) = transport.other_publishers()
    assert "legged_gym somebody" in found
    other.close()
    until(lambda: transport.other_publishers() == [])


def test_one_group_does_not_count_itself(domain: int, transport: Transport) -> None:
    ours = [open_transport("cyclonedds", "lo", domain, group="pair") for _ in range(2)]
    until(lambda: len(transport.other_publishers()) == 2)  # so discovery has come so far
    assert [len(one.other_publishers()) for one in ours] == [1, 1]  # each sees `transport` alone
    for one in ours:
        one.close()


def test_battery_is_heard(transport: Transport, sim_robot: MakeRobot) -> None:
    robot = sim_robot()
    assert transport.battery() is None
    tick_until(robot, transport.battery)
    assert transport.battery().soc == 80
    robot.do("fault weak_battery")
    tick_until(robot, lambda: transport.battery().soc == 10)


class InThread:
    """A robot that lives in real time in a thread, for calls that wait for its answer."""

    def __init__(self, robot: SimRobot) -> None:
        import threading

        self.robot = robot
        self._thread = threading.Thread(target=robot.run, args=(60.0,))

    def __enter__(self) -> SimRobot:
        self._thread.start()
        return self.robot

    def __exit__(self, *_: object) -> None:
        self.robot.stop()
        self._thread.join()


def test_built_in_controller_is_seen_released_and_selected(
    transport: Transport, sim_robot: MakeRobot
) -> None:
    with InThread(sim_robot(motion_mode="ai")) as robot:
        assert transport.motion_mode(DISCOVERY_S) == "ai"
        transport.send(LowCommand(mode_machine=5))
        until(lambda: robot.report()["refused"])
        assert robot.report()["refused"] == {"the built-in controller is on": 1}
        transport.release_motion_mode(DISCOVERY_S)
        assert transport.motion_mode(DISCOVERY_S) == ""
        assert robot.report()["motion_mode"] == ""
        transport.select_motion_mode("ai", DISCOVERY_S)
        assert transport.motion_mode(DISCOVERY_S) == "ai"


def test_a_controller_that_will_not_go_is_an_error_in_time(
    transport: Transport, sim_robot: MakeRobot, monkeypatch: pytest.MonkeyPatch
) -> None:
    from legged_gym.deploy.motion_switcher import RELEASE_MODE, Message, MotionSwitcherService

    serve = MotionSwitcherService._serve

    def stubborn(self: MotionSwitcherService, request: Message) -> tuple[int, str]:
        return (0, "") if request.function == RELEASE_MODE else serve(self, request)

    monkeypatch.setattr(MotionSwitcherService, "_serve", stubborn)
    with InThread(sim_robot(motion_mode="ai")):
        transport.motion_mode(DISCOVERY_S)
        start = time.monotonic()
        with pytest.raises(TransportError, match="'ai' is still on after 2 s"):
            transport.release_motion_mode(2.0)
        assert time.monotonic() - start < 5.0


def test_nobody_who_answers_is_an_error_in_time(transport: Transport) -> None:
    start = time.monotonic()
    with pytest.raises(TransportError, match="nobody on the bus serves motion_switcher"):
        transport.motion_mode(0.2)
    assert time.monotonic() - start < 2.0


def test_a_closed_transport_has_left_the_bus(domain: int, sim_robot: MakeRobot) -> None:
    robot = sim_robot()
    first = open_transport("cyclonedds", "lo", domain, group="first")
    second = open_transport("cyclonedds", "lo", domain, group="second")
    until(lambda: second.other_publishers())
    first.close()
    until(lambda: second.other_publishers() == [])
    tick_until(robot, second.latest)
    second.close()


# ---------------------------------------------------------------------- what is refused


def test_the_domain_of_real_robots_is_not_on_loopback(domain: int) -> None:
    with pytest.raises(TransportError, match="domain 0 is that of real robots and lo reaches none"):
        open_transport("cyclonedds", "lo", 0)


def test_a_simulated_robot_is_never_in_the_domain_of_real_ones(domain: int) -> None:
    from legged_gym.deploy.sim_robot_options import BodyOptions, SimRobotOptions

    with pytest.raises(TransportError, match="simulate in another"):
        SimRobot(SimRobotOptions(BodyOptions(), "lo", 0))


def test_an_unknown_interface_is_refused_with_those_there_are(domain: int) -> None:
    with pytest.raises(TransportError, match=r"no network interface 'moon0'; this computer has .*lo"):
        open_transport("cyclonedds", "moon0", domain)


@pytest.mark.parametrize("number", [-1, 201])
def test_a_domain_without_ports_is_refused(domain: int, number: int) -> None:
    with pytest.raises(TransportError, match="it must be 0 to 200"):
        open_transport("cyclonedds", "lo", number)


def test_an_unknown_transport_is_refused_with_those_there_are() -> None:
    with pytest.raises(TransportError, match="no transport 'ros'; known: cyclonedds, far, unitree"):
        open_transport("ros", "lo", 1)


def test_unitrees_own_types_are_refused_with_cyclonedds_11(domain: int) -> None:
    with pytest.raises(DependencyError, match="the robot's own among them; use --transport cyclonedds"):
        open_transport("unitree", "lo", domain)


@pytest.mark.parametrize("version", ["0.10.2", "12.0.0"])
def test_our_own_types_are_refused_with_other_versions(
    domain: int, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setattr("legged_gym.deploy.dds.cyclonedds_version", lambda: version)
    with pytest.raises(
        DependencyError, match=f"cyclonedds is {version}; --transport cyclonedds needs 11.0.1"
    ):
        open_transport("cyclonedds", "lo", domain)


def test_without_cyclonedds_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("legged_gym.deploy.bus.cyclonedds_version", lambda: None)
    with pytest.raises(DependencyError, match=r"pip install 'videomimic-gym\[deploy\]'"):
        open_transport("cyclonedds", "lo", 1)

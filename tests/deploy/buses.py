"""The real bus on loopback: a domain for every test worker, robots on it, and reasons to skip."""

from __future__ import annotations

import contextlib
import fcntl
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from legged_gym.deploy.sim_control import SimControl
from legged_gym.deploy.sim_robot import PERIOD_S, SimRobot
from legged_gym.deploy.sim_robot_options import BodyOptions, SimRobotOptions
from legged_gym.deploy.transport import LowCommand, Transport, open_transport

DOMAINS = range(20, 200)
DISCOVERY_S = 10.0
"""On a busy computer it takes a second."""


def _udp_on_loopback() -> str | None:
    """Why it does not work; None: it does."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
            here.bind(("127.0.0.1", 0))
            here.settimeout(1.0)
            here.sendto(b"x", here.getsockname())
            here.recv(1)
    except OSError as error:
        return str(error)
    return None


_used: set[int] = set()
"""By earlier modules of this worker: of processes they killed, DDS still speaks for 10 s."""


@pytest.fixture(scope="module")
def domain() -> Iterator[int]:
    """A DDS domain that no other test module on this computer uses."""
    pytest.importorskip("cyclonedds", reason="cyclonedds is not installed (extra deploy)")
    problem = _udp_on_loopback()
    if problem is not None:
        pytest.skip(f"UDP on loopback is not permitted here: {problem}")
    for number in sorted(set(DOMAINS) - _used):
        with contextlib.ExitStack() as held:
            try:
                lock = held.enter_context(
                    Path(tempfile.gettempdir(), f"legged_gym_domain_{number}").open("w")
                )
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError):
                continue
            _used.add(number)
            yield number
            return
    pytest.skip("all DDS domains for tests are taken")


@pytest.fixture
def transport(domain: int) -> Iterator[Transport]:
    """A controller's end of the bus."""
    opened = open_transport("cyclonedds", "lo", domain)
    yield opened
    opened.close()


@pytest.fixture
def sim_robot(domain: int) -> Iterator[Callable[..., SimRobot]]:
    """Makes robots in this process, for tests to ``tick``; options are those of ``SimRobotOptions``."""
    robots = []

    def make(body: BodyOptions | None = None, motion_mode: str = "", **options: object) -> SimRobot:
        # Ordinary scheduling: the test's process is the robot's, and it does more than tick.
        options = {"realtime": False} | options
        chosen = SimRobotOptions(body or BodyOptions(), "lo", domain, motion_mode, **options)
        robots.append(SimRobot(chosen))
        return robots[-1]

    yield make
    for robot in robots:
        robot.close()


@pytest.fixture
def robot_process(domain: int, tmp_path: Path) -> Iterator[Callable[..., SimControl]]:
    """Starts robots in processes of their own, with command-line options; they end with the test."""
    started: list[tuple[subprocess.Popen[bytes], SimControl]] = []

    def start(*arguments: str) -> SimControl:
        path = tmp_path / f"control{len(started)}"
        command = [sys.executable, "-m", "legged_gym.deploy.sim_robot", "--domain", str(domain)]
        process = subprocess.Popen([*command, "--control", str(path), "--duration", "120", *arguments])
        control = SimControl(path, timeout_s=60.0)
        started.append((process, control))
        control.do("report")
        return control

    yield start
    for process, control in started:
        process.terminate()
        process.wait(20.0)
        control.close()


def tick_until(robot: SimRobot, done: Callable[[], object], timeout_s: float = DISCOVERY_S) -> None:
    """Let a robot of this process live in real time until something has happened."""
    deadline = time.monotonic() + timeout_s
    while not done():
        assert time.monotonic() < deadline, "it did not happen in time"
        robot.tick(time.monotonic())
        time.sleep(PERIOD_S)


def stand(state_q: np.ndarray, kp: float = 100.0) -> LowCommand:
    """A command that holds the joints where they are."""
    command = LowCommand(mode_machine=5)
    command.mode[:29], command.q[:], command.kp[:29], command.kd[:29] = 1, state_q, kp, 3.0
    return command

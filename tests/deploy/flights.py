"""Controllers on the real bus: in a thread of the test, or as the process that users start."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from legged_gym.deploy.bundle import Bundle
from legged_gym.deploy.controller import Controller
from legged_gym.deploy.deploy_config import DeployCfg, SafetyCfg, StandCfg
from legged_gym.deploy.loop import Loop, Sources
from legged_gym.deploy.pilot import Drive, Pilot
from legged_gym.deploy.policy import load_policy
from legged_gym.deploy.realtime import use_realtime_scheduling
from legged_gym.deploy.sim_control import SimControl
from legged_gym.deploy.state_machine import Event, State
from legged_gym.deploy.surroundings import SurroundingsReceiver
from legged_gym.deploy.tick_log import TickLog
from legged_gym.deploy.transport import open_transport
from legged_gym.deploy.watchdog import Watchdog
from tests.deploy.robots import build_env, exported

TIMEOUT_S = 20.0
STUDENT = ["history_torso_real", "torso_xy_rel", "torso_yaw_rel", "terrain_height_noisy"]


def until(happened: Callable[[], Any], what: str, timeout_s: float = TIMEOUT_S) -> None:
    """Wait for something."""
    deadline = time.monotonic() + timeout_s
    while not happened():
        assert time.monotonic() < deadline, f"{what}: not within {timeout_s} s"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def tracker_bundle(tmp_path_factory) -> Bundle:
    """A policy that follows the walk clip by doing nothing: its actions are about the clip's joints."""
    env = build_env("g1_deepmimic")
    return exported(env, "g1_deepmimic", tmp_path_factory.mktemp("bundles") / "tracker")


@pytest.fixture(scope="session")
def student_bundle(tmp_path_factory) -> Bundle:
    """A policy with eyes that is led by a joystick, and stands still."""
    task = "g1_deepmimic_root_heightfield"
    return exported(build_env(task, STUDENT), task, tmp_path_factory.mktemp("bundles") / "student")


class Flight:
    """A controller in a thread, its watchdog process, and the robot it drives, who hangs in the gantry."""

    def __init__(
        self,
        bundle: Bundle,
        robot: SimControl,
        domain: int,
        address: str,
        log: Path | None,
        drive: Drive = "auto",
    ) -> None:
        self.robot, self.spoil = robot, lambda action: action
        """``spoil`` changes the policy's answers."""
        policy = load_policy(bundle)
        cfg = DeployCfg(SafetyCfg(), StandCfg(ramp_s=0.8))
        pilot = Pilot(bundle, lambda x: self.spoil(policy(x)), cfg.steering, drive)
        group = f"flight {os.getpid()}"
        self.watchdog = Watchdog("cyclonedds", "lo", domain, group, cfg.safety.tick_overdue_s, 8.0)
        self.transport = open_transport("cyclonedds", "lo", domain, group)
        self.controller = Controller(bundle, pilot, cfg)
        self.sources = Sources([SurroundingsReceiver(address)], bundle.spec.height_map)
        self.log = None if log is None else TickLog(log, bundle.spec, {})
        dt = bundle.spec.rates.control_dt
        self.watchdog.wait_until_ready()
        until(self.transport.latest, "a state")
        self.loop = Loop(self.transport, self.controller, self.sources, dt, self.watchdog, self.log)
        self._thread = threading.Thread(target=self.loop.run)
        self._thread.start()
        self.loop.request(Event.CONNECTED)

    @property
    def state(self) -> State:
        return self.controller.state

    def press(self, buttons: str) -> None:
        """Press on the robot's remote, long enough for two ticks, and let go."""
        self.robot.do(f"press {buttons} for=0.06")
        time.sleep(0.2)

    def up(self, state: State) -> None:
        """To a state, as an operator would go about it: again, where a busy computer has tripped a guard."""
        ways = {State.DAMP: "R1+START", State.PASSIVE: "START", State.STAND: "A"}
        deadline = time.monotonic() + TIMEOUT_S
        while not (self.state is state and self.robot.do("report")["drive"] == "driven"):
            assert time.monotonic() < deadline, f"{state} not reached, but {self.state}"
            if self.state is State.STAND:
                time.sleep(0.5)  # what swung while it was damped hangs still
            if self.state in ways:
                self.press(ways[self.state])
            time.sleep(0.02)

    def until_damped(self, since: float) -> float:
        """Wait until the robot's motors are damped by a command that came after ``since``; how long it took, s."""
        until(lambda: self._damped_at(since) is not None, "damping on the robot's side")
        return self._damped_at(since) - since

    def _damped_at(self, since: float) -> float | None:
        events = self.robot.do("report")["events"]
        return next((e["time"] for e in events if e["time"] >= since and e["what"] == "damping"), None)

    def close(self) -> None:
        """End the controller as Ctrl-C would."""
        self.loop.request(Event.QUIT)
        self._thread.join(TIMEOUT_S)
        assert not self._thread.is_alive()
        self.sources.close()
        if self.log is not None:
            self.log.close()
        self.transport.close()


@pytest.fixture
def fly(domain: int, robot_process, tmp_path: Path) -> Iterator[Callable[..., Flight]]:
    """Starts a robot and a controller that drives it."""
    flights: list[Flight] = []

    def start(bundle: Bundle, *arguments: str, log: Path | None = None, drive: Drive = "auto") -> Flight:
        address = f"unix:{tmp_path / 'around'}"
        robot = robot_process("--motion-mode", "", "--surroundings", address, *arguments)
        use_realtime_scheduling()
        flights.append(Flight(bundle, robot, domain, address, log, drive))
        return flights[-1]

    yield start
    for flight in flights:
        flight.close()
    if hasattr(os, "sched_setscheduler"):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


class Program:
    """``python -m legged_gym.deploy.run`` as users start it."""

    def __init__(
        self, bundle: Bundle, domain: int, folder: Path, arguments: tuple[str, ...], python: str | Path
    ) -> None:
        self.logs = folder / "ticks"
        command = [str(python), "-m", "legged_gym.deploy.run", "--bundle", str(bundle.folder)]
        command += ["--domain", str(domain), "--log_dir", str(self.logs), "--stand.ramp_s", "0.8", *arguments]
        self.output = (folder / "output").open("w+")
        self.watchdogs: list[int] = []
        # Another interpreter must not find the package here, where the tests run.
        cwd = None if python == sys.executable else folder
        self.process = subprocess.Popen(command, cwd=cwd, stdout=self.output, stderr=subprocess.STDOUT)

    def said(self) -> str:
        """All it has said."""
        self.output.flush()
        return Path(self.output.name).read_text()

    def until_said(self, text: str) -> None:
        until(lambda: text in self.said() or self.process.poll() is not None, text)
        assert text in self.said(), self.said()
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        if children.exists():
            self.watchdogs = [int(pid) for pid in children.read_text().split()]

    def wait(self) -> int:
        return self.process.wait(TIMEOUT_S)


@pytest.fixture
def program(domain: int, tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Starts the controller's program with command-line options."""
    started: list[Program] = []

    def start(bundle: Bundle, *arguments: str, python: str | Path = sys.executable) -> Program:
        started.append(Program(bundle, domain, tmp_path, arguments, python))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.send_signal(signal.SIGINT)
            one.process.wait(TIMEOUT_S)
        for pid in one.watchdogs:  # of a killed controller, it would brake the next test's robot
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        one.output.close()

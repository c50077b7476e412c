"""The C++ SDK as the other end of the bus: as a controller of our robot, and as a robot that our controller drives.

It brings its own DDS, of the version inside Unitree's robots, so it runs in processes of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from legged_gym.deploy.sim_control import SimControl
from legged_gym.deploy.transport import LowCommand, Transport, open_transport
from legged_gym.utils.errors import DependencyError, TransportError
from tests.deploy.buses import DISCOVERY_S

REPO = Path(__file__).resolve().parents[2]

needs_sdk = pytest.mark.skipif(
    find_spec("unitree_interface") is None, reason="far-unitree-sdk is not installed (extra deploy-arm)"
)

CONTROLLER = """
import json, sys, time
from legged_gym.deploy.remote import decode_remote
from legged_gym.deploy.transport import LowCommand, open_transport

transport = open_transport("far", "lo", int(sys.argv[1]))
assert "cyclonedds" not in sys.modules  # two versions of one C library in a process would not go well
state = transport.wait(30.0)
command = LowCommand(mode_machine=state.mode_machine)
command.mode[:29], command.q[:], command.kp[:29], command.kd[:29] = 1, state.q, 50.0, 2.0
for _ in range(50):
    transport.send(command)
    time.sleep(0.02)
newest = transport.latest()
remote = decode_remote(newest.remote)
print(json.dumps({
    "machine": newest.mode_machine, "q": newest.q.tolist(), "quat": newest.quat_wxyz.tolist(),
    "temperature": newest.temperature[0].tolist(), "received": transport.counts().received,
    "ticks": newest.tick - state.tick, "buttons": int(remote.buttons), "ly": remote.ly,
}), flush=True)
time.sleep(1.0)  # nothing renews the command now
transport.close()
time.sleep(0.5)
"""

ROBOT = """
import sys, time
import unitree_interface as sdk
from legged_gym.deploy.bus import dds_config

config = dds_config("lo", f"<ExternalDomainId>{sys.argv[1]}</ExternalDomainId>")
robot = sdk.UnitreeInterface.create_g1("lo", dds_config=config)
robot.enable_motion_switcher_responder()
state = sdk.LowState(29)
state.mode_machine = 5
motor, imu = state.motor, state.imu
motor.q, imu.quat, imu.omega = [0.01 * slot for slot in range(29)], [1.0, 0.0, 0.0, 0.0], [0.1, 0.2, 0.3]
state.motor, state.imu = motor, imu
print("ready", flush=True)
while True:
    robot.publish_low_state(state)
    command = robot.read_incoming_command()
    if command.kp[3] == 50.0:
        print("command", command.q_target[3], command.kd[3], flush=True)
    time.sleep(0.002)
"""


@pytest.fixture
def sdk_process(domain: int) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Starts Python code with the domain as its argument; killed with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(code: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", code, str(domain)]
        started.append(subprocess.Popen(command, cwd=REPO, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


@needs_sdk
@pytest.mark.slow
def test_cpp_sdk_drives_our_robot_and_is_damped_when_it_hangs(
    robot_process: Callable[..., SimControl], sdk_process: Callable[[str], subprocess.Popen[str]]
) -> None:
    schedule = ("--at", "0 press L1+A for=60", "--at", "0 stick ly=0.5")
    control = robot_process("--motion-mode", "", *schedule)
    process = sdk_process(CONTROLLER)
    out, _ = process.communicate(timeout=60.0)
    assert process.returncode == 0
    heard = json.loads(next(line for line in out.splitlines() if line.startswith("{")))
    assert heard["machine"] == 5
    assert len(heard["q"]) == 35
    assert heard["q"][29:] == [0.0] * 6
    assert heard["quat"][0] > 0.9
    assert heard["temperature"] == [35, 35]  # of the two, the SDK hands out the casing's
    assert heard["received"] > 100
    assert heard["ticks"] > 100
    assert (heard["buttons"], heard["ly"]) == (2 | 256, 0.5)
    report = control.do("report")
    assert report["refused"] == {}
    assert report["accepted"] > 300  # the SDK repeats at 500 Hz what it is given at 50
    order = [event["what"] for event in report["events"] if event["what"] in ("driven", "damping", "lost")]
    assert order[0] == "driven"
    assert "damping" in order  # by the thread that watches for commands that are not renewed
    assert report["drive"] == "lost"  # closed: the SDK's own repeating ended too


@needs_sdk
@pytest.mark.slow
def test_cpp_sdk_as_a_robot_lives_through_our_controller(
    domain: int, transport: Transport, sdk_process: Callable[[str], subprocess.Popen[str]]
) -> None:
    # A subscriber that announces uint8 kills this process as soon as it is discovered.
    robot = sdk_process(ROBOT)
    assert robot.stdout is not None
    state = transport.wait(30.0)
    assert state is not None
    assert state.mode_machine == 5
    np.testing.assert_allclose(state.q[:29], 0.01 * np.arange(29), rtol=1e-6)
    np.testing.assert_allclose(state.gyro_b, [0.1, 0.2, 0.3], rtol=1e-6)
    transport.release_motion_mode(DISCOVERY_S)
    assert transport.motion_mode(DISCOVERY_S) == ""
    # Only then is it discovered in every direction.
    command = LowCommand(mode_machine=5)
    command.mode[:29], command.q[3], command.kp[:29], command.kd[:29] = 1, 0.25, 50.0, 2.0
    deadline = time.monotonic() + 30.0
    second = open_transport("cyclonedds", "lo", domain, group="second")  # another reader while it publishes
    while True:
        transport.send(command)
        time.sleep(0.02)
        assert time.monotonic() < deadline
        assert robot.poll() is None, "the C++ process died"
        if second.counts().received > 200 and transport.counts().sent > 100:
            break
    second.close()
    before = transport.counts()
    time.sleep(0.5)
    assert robot.poll() is None, "the C++ process died"
    assert transport.counts().received > before.received
    assert before.bad_crc == 0
    robot.kill()
    lines = robot.stdout.read().splitlines()
    assert "command 0.25 2.0" in lines


def test_without_the_sdk_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "unitree_interface", None)
    with pytest.raises(DependencyError, match=r"pip install 'videomimic-gym\[deploy-arm\]'"):
        open_transport("far", "lo", 1)


def test_the_package_of_the_same_name_is_not_taken_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "unitree_interface", json)
    with pytest.raises(DependencyError, match="uninstall it"):
        open_transport("far", "lo", 1)


@needs_sdk
def test_the_domain_of_real_robots_is_not_on_loopback_either() -> None:
    code = "from legged_gym.deploy.transport import open_transport; open_transport('far', 'lo', 0)"
    result = subprocess.run([sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True)
    assert result.returncode == 1
    assert f"{TransportError.__name__}: domain 0 is that of real robots" in result.stderr

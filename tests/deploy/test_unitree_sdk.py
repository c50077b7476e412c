"""Unitree's Python SDK with the cyclonedds it was made for, as a controller of our robot.

It cannot be installed beside cyclonedds 11, so the test needs another Python: the environment variable UNITREE_PYTHON
names one that has unitree_sdk2py, cyclonedds 0.10 and numpy.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from legged_gym.deploy import unitree_sdk
from legged_gym.deploy.sim_control import SimControl
from legged_gym.deploy.unitree_sdk import UnitreeTransport
from legged_gym.utils.errors import DependencyError

REPO = Path(__file__).resolve().parents[2]
OTHER_PYTHON = os.environ.get("UNITREE_PYTHON")

CONTROLLER = """
import json, sys, time
from legged_gym.deploy.transport import LowCommand, open_transport

transport = open_transport("unitree", "lo", int(sys.argv[1]))
state = transport.wait(30.0)
before = transport.motion_mode(20.0)
transport.release_motion_mode(20.0)
command = LowCommand(mode_machine=state.mode_machine)
command.mode[:29], command.q[:], command.kp[:29], command.kd[:29] = 1, state.q, 50.0, 2.0
for _ in range(50):
    transport.send(command)
    time.sleep(0.02)
counts = transport.counts()
print(json.dumps({
    "machine": state.mode_machine, "before": before, "after": transport.motion_mode(20.0),
    "received": counts.received, "bad": counts.bad_crc, "soc": transport.battery().soc,
    "listeners": transport.listeners(), "others": transport.other_publishers(),
}))
transport.close()
"""


@pytest.mark.slow
@pytest.mark.skipif(OTHER_PYTHON is None, reason="UNITREE_PYTHON names no Python with unitree_sdk2py")
def test_cyclonedds_0_10_drives_our_robot(domain: int, robot_process: Callable[..., SimControl]) -> None:
    control = robot_process()
    result = subprocess.run(
        [OTHER_PYTHON, "-c", CONTROLLER, str(domain)],
        env={**os.environ, "PYTHONPATH": str(REPO)},
        capture_output=True,
        text=True,
        timeout=60.0,
    )
    assert result.returncode == 0, result.stderr
    heard = json.loads(result.stdout)
    assert heard["received"] > 100
    assert (heard["machine"], heard["bad"], heard["soc"], heard["listeners"]) == (5, 0, 80, 1)
    assert (heard["before"], heard["after"], heard["others"]) == ("ai", "", [])
    report = control.do("report")
    assert report["refused"] == {}
    assert 40 <= report["accepted"] <= 50  # nobody repeats them
    assert "driven" in [event["what"] for event in report["events"]]


def test_without_the_sdk_its_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unitree_sdk, "cyclonedds_version", lambda: "0.10.2")
    monkeypatch.setitem(sys.modules, "unitree_sdk2py", None)
    with pytest.raises(DependencyError, match=r"needs unitree_sdk2py .*unitree-sdk2py-dimos==1\.0\.3"):
        UnitreeTransport.message_types()

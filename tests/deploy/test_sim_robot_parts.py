"""What the simulated robot is made of: actions, faults, the gate for commands, the control socket, the keyboard."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from legged_gym.deploy.messages import (
    LOW_COMMAND,
    LOW_STATE,
    crc_is_right,
    encode_command,
    with_crc,
)
from legged_gym.deploy.remote import Button
from legged_gym.deploy.sim_control import ControlServer, SimControl
from legged_gym.deploy.sim_keyboard import Keyboard
from legged_gym.deploy.sim_robot_actions import Gantry, Plain, Press, Stick, parse_action, parse_schedule
from legged_gym.deploy.sim_robot_commands import COMMAND_TIMEOUT_S, CommandGate
from legged_gym.deploy.sim_robot_faults import FAULTS, DelayLine, FaultOrder, Faults
from legged_gym.deploy.transport import LowCommand
from legged_gym.utils.errors import ConfigError, TransportError

INF = float("inf")

# ---------------------------------------------------------------------- actions


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("press A", Press(Button.A, 0.2)),
        ("press l2+b for=1.5", Press(Button.L2 | Button.B, 1.5)),
        ("stick ly=0.5 rx=-1", Stick({"ly": 0.5, "rx": -1.0})),
        ("hang", Gantry("hang", 0.0)),
        ("hang 0.1", Gantry("hang", 0.1)),
        ("lower 0.02", Gantry("lower", 0.02)),
        ("release", Gantry("release")),
        ("fault latency", FaultOrder("latency", FAULTS["latency"].size, 0, "", INF)),
        ("fault reads field=dq slot=3 size=40 for=2", FaultOrder("reads", 40.0, 3, "dq", 2.0)),
        ("clear", Plain("clear")),
    ],
)
def test_actions_are_read(text: str, action: object) -> None:
    assert parse_action(text) == action


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no action ''; known: press"),
        ("jump", "no action 'jump'"),
        ("press", "no button ''; known: R1"),
        ("press Q", "no button 'Q'"),
        ("press A for=long", "for is 'long'; it must be a number"),
        ("stick ly=2", "ly is 2; it must be within -1 and 1"),
        ("stick up=1", "unknown option 'up'; known: lx="),
        ("lower", "the distance to lower is ''"),
        ("release now", "unexpected 'now'"),
        ("reset all", "unexpected 'all'"),
        ("fault", "no fault ''; known: latency"),
        ("fault nan slot=35", "slot is 35; it must be 0 to 34"),
        ("fault nan slot=1.5", "slot is 1.5; it must be"),
        ("fault reads size=1", "no field ''; known: version"),
    ],
)
def test_wrong_actions_are_refused_with_what_there_is(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_action(text)
    assert message in str(error.value)


def test_a_schedule_is_checked_before_it_begins_and_ordered_by_time() -> None:
    assert parse_schedule(["2.5 release", "1 press A"]) == [(1.0, "press A"), (2.5, "release")]
    with pytest.raises(ConfigError, match="no fault 'typo'"):
        parse_schedule(["1 release", "60 fault typo"])
    with pytest.raises(ConfigError, match="the time of an action is 'soon'"):
        parse_schedule(["soon release"])


# ---------------------------------------------------------------------- faults


def ordered(text: str) -> FaultOrder:
    order = parse_action(f"fault {text}")
    assert isinstance(order, FaultOrder)
    return order


def spoiled(text: str) -> np.ndarray:
    """A state in which everything was 1, with a fault."""
    faults = Faults(seed=0)
    faults.add(ordered(text), now=0.0)
    state = np.zeros((), LOW_STATE)
    state["motor"]["q"], state["motor"]["voltage"] = 1.0, 50.0
    faults.spoil(state)
    return state


def test_faults_change_what_sensors_read() -> None:
    assert np.flatnonzero(np.isnan(spoiled("nan slot=7")["motor"]["q"])).tolist() == [7]
    assert spoiled("motor_error slot=3 size=5")["motor"]["error"].tolist() == [0] * 3 + [5] + [0] * 31
    assert spoiled("hot_motors size=125")["motor"]["temperature"][11].tolist() == [85, 125]
    np.testing.assert_allclose(spoiled("weak_battery")["motor"]["voltage"], 40.0)
    np.testing.assert_allclose(
        spoiled("tilt size=1.2")["quat_wxyz"], [np.cos(0.6), np.sin(0.6), 0, 0], rtol=1e-6
    )
    assert spoiled("reads field=dq slot=4 size=40")["motor"]["dq"][4] == 40.0
    assert spoiled("reads field=mode_machine size=9")["mode_machine"] == 9


def test_faults_end_when_their_time_is_over() -> None:
    faults = Faults(seed=0)
    faults.add(ordered("silence for=2"), now=10.0)
    faults.add(ordered("deaf"), now=10.0)
    assert (faults.expire(11.9), faults.names()) == ([], ["deaf", "silence"])
    assert (faults.expire(12.0), faults.names()) == (["silence"], ["deaf"])
    faults.clear()
    assert not faults


def test_loss_and_jitter_are_as_large_as_they_say() -> None:
    faults = Faults(seed=1)
    assert not faults.lost()
    assert faults.delay() == 0.0
    for text in ("loss size=0.25", "jitter size=0.01", "latency size=0.02"):
        faults.add(ordered(text), now=0.0)
    share = np.mean([faults.lost() for _ in range(4000)])
    assert share == pytest.approx(0.25, abs=0.03)  # 4 standard deviations
    delays = np.array([faults.delay() for _ in range(1000)])
    assert delays.min() >= 0.02
    assert delays.max() < 0.03
    assert delays.mean() == pytest.approx(0.025, abs=0.001)


def test_delayed_messages_keep_their_order() -> None:
    line = DelayLine()
    line.put(b"first", due=1.0)
    line.put(b"second", due=0.5)
    assert line.take(0.9) == []
    assert line.take(1.0) == [b"first", b"second"]


# ---------------------------------------------------------------------- commands


def gate() -> CommandGate:
    slots = np.arange(29)
    return CommandGate(5, slots, np.full(29, -1.0), np.full(29, 1.0), np.full(29, 50.0))


def command(**values: tuple[int, float]) -> bytes:
    """A valid command but for ``name=(slot, value)``."""
    good = LowCommand(mode_machine=5)
    good.mode[:29], good.kp[:29], good.kd[:29] = 1, 40.0, 2.0
    for name, (slot, value) in values.items():
        getattr(good, name)[slot] = value
    return encode_command(good)


def nan_command() -> bytes:
    """What our own encoder refuses to make."""
    row = np.frombuffer(bytearray(command()), LOW_COMMAND).reshape(())
    row["motor"]["q"][3] = np.nan
    return with_crc(row)


def other_machine() -> bytes:
    row = np.frombuffer(bytearray(command()), LOW_COMMAND).reshape(())
    row["mode_machine"] = 4
    return with_crc(row)


@pytest.mark.parametrize(
    ("struct", "reason"),
    [
        (None, "no command"),
        (command()[:-1] + b"\x00", "wrong checksum"),
        (nan_command(), "not finite"),
        (other_machine(), "wrong mode_machine"),
        (command(q=(28, 7.5)), "target far outside the joint limits"),
        (command(q=(0, -7.5)), "target far outside the joint limits"),
        (command(tau=(2, 101.0)), "torque far above the motor's"),
        (command(kp=(2, -1.0)), "gain out of range"),
        (command(kd=(2, 101.0)), "gain out of range"),
    ],
)
def test_wrong_commands_are_refused_with_the_reason(struct: bytes | None, reason: str) -> None:
    judge = gate()
    assert judge.take([struct], built_in_controller=False, now=0.0) is None
    assert judge.refused == {reason: 1}
    assert (judge.accepted, judge.drive) == (0, "limp")


def test_good_commands_pass_unless_the_built_in_controller_is_on() -> None:
    judge = gate()
    # a target beyond the joint's range is a policy's right, and slots without a motor are nobody's business
    newest = command(q=(28, 2.0), tau=(34, 1e6))
    taken = judge.take([command(), newest], built_in_controller=False, now=1.0)
    assert taken is not None
    assert taken.q[28] == 2.0
    assert (judge.accepted, judge.drive, judge.last_accepted) == (2, "driven", 1.0)
    assert judge.take([newest], built_in_controller=True, now=1.0) is None
    assert judge.refused == {"the built-in controller is on": 1}


def test_commands_that_stop_are_lost_once_until_they_come_again() -> None:
    judge = gate()
    assert not judge.stopped(100.0)  # none has come yet
    judge.take([command()], False, now=1.0)
    assert not judge.stopped(0.999 + COMMAND_TIMEOUT_S)
    assert judge.stopped(1.001 + COMMAND_TIMEOUT_S)
    assert judge.drive == "lost"
    assert not judge.stopped(2.0)
    judge.take([command()], False, now=3.0)
    assert judge.drive == "driven"


def test_a_command_without_stiffness_and_torque_is_damping() -> None:
    judge = gate()
    damping = LowCommand(mode_machine=5)
    damping.mode[:29], damping.kd[:29] = 1, 8.0
    judge.take([encode_command(damping)], False, now=0.0)
    assert judge.drive == "damping"


# ---------------------------------------------------------------------- control socket and keyboard


def test_actions_cross_the_control_socket_and_errors_come_back(tmp_path: Path) -> None:
    done: list[str] = []

    def do(action: str) -> dict[str, Any]:
        parse_action(action)
        done.append(action)
        return {"number": len(done)}

    path = tmp_path / "control"
    server = ControlServer(path, do)
    stop = threading.Event()

    def serve() -> None:
        while not stop.wait(0.001):
            server.poll()

    thread = threading.Thread(target=serve)
    thread.start()
    control = SimControl(path)
    try:
        assert control.do("press A") == {"number": 1}
        with pytest.raises(ConfigError, match="no action 'jump'"):
            control.do("jump")
        assert control.do("release") == {"number": 2}
        assert done == ["press A", "release"]
    finally:
        stop.set()
        thread.join()
        control.close()
        server.close()
    assert not path.exists()


def test_a_robot_that_is_not_there_is_named(tmp_path: Path) -> None:
    control = SimControl(tmp_path / "nobody", timeout_s=0.1)
    with pytest.raises(TransportError, match=r"no simulated robot listens at .*nobody"):
        control.do("report")
    control.close()


def test_keys_are_sticks_buttons_and_the_gantry(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, terminal = os.openpty()
    with open(terminal, encoding="utf-8") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        keyboard = Keyboard()
        assert keyboard.actions() == []
        os.write(ours, b"wwd1?r ")
        keys = keyboard.actions()
        keyboard.close()
    os.close(ours)
    assert keys == [
        "stick lx=0.0 ly=0.1 rx=0.0",
        "stick lx=0.0 ly=0.2 rx=0.0",
        "stick lx=0.1 ly=0.2 rx=0.0",
        "press START",
        "release",
        "stick lx=0.0 ly=0.0 rx=0.0",
    ]
    for key in keys:
        parse_action(key)


def test_checksum_of_the_bad_command_above_is_what_is_wrong_with_it() -> None:
    assert crc_is_right(command())
    assert crc_is_right(nan_command())

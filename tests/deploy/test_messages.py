"""Bytes on the wire, against the SDK's own struct formats, cyclonedds' own encoder, and a checksum done bit by bit."""

from __future__ import annotations

import struct
import typing

import numpy as np
import pytest

from legged_gym.deploy import messages
from legged_gym.deploy.crc import crc32_words
from legged_gym.deploy.motion_switcher import (
    Message,
    decode_request,
    decode_response,
    encode_request,
    encode_response,
)
from legged_gym.deploy.transport import LowCommand
from legged_gym.utils.errors import TransportError

# Formats of Unitree's own C structs, as its Python SDK lists them.
SDK_COMMAND = "<2B2x" + "B3x5fI" * 35 + "5I"
SDK_STATE = "<2I2B2xI" + "13fh2x" + "B3x4f2hf7I" * 35 + "40B5I"


def random_state(seed: int) -> np.ndarray:
    """A record of a low state with numbers everywhere but in the padding."""
    rng = np.random.default_rng(seed)
    state = np.zeros((), messages.LOW_STATE)
    fill(state, rng)
    fill(state["motor"], rng)
    return state


def fill(record: np.ndarray, rng: np.random.Generator) -> None:
    for name in record.dtype.names:
        field = record.dtype[name].base
        if field.names is not None or name in ("pad", "imu_pad"):
            continue
        shape = record[name].shape
        is_float = field.kind == "f"
        record[name] = rng.normal(size=shape) if is_float else rng.integers(0, 100, shape)


def plain(state: np.ndarray) -> list[float]:
    """All numbers of a low state in the order of the SDK's format."""
    flat: list[float] = []
    for name in ("version", "mode_pr", "mode_machine", "tick", "quat_wxyz", "gyro_b", "accel_b", "rpy"):
        flat += np.atleast_1d(state[name]).tolist()
    flat.append(int(state["imu_temperature"]))
    for motor in state["motor"]:
        for name in messages.MOTOR_STATE.names:
            if name != "pad":
                flat += np.atleast_1d(motor[name]).tolist()
    for name in ("remote", "reserve", "crc"):
        flat += np.atleast_1d(state[name]).tolist()
    return flat


def bitwise_crc(words: list[int]) -> int:
    crc = 0xFFFFFFFF
    for word in words:
        for bit in range(31, -1, -1):
            carry = (crc >> 31) ^ (word >> bit & 1)
            crc = (crc << 1 & 0xFFFFFFFF) ^ (0x04C11DB7 if carry else 0)
    return crc


def test_checksums_of_empty_messages_are_those_of_the_sdk() -> None:
    state = messages.with_crc(np.zeros((), messages.LOW_STATE))
    command = messages.with_crc(np.zeros((), messages.LOW_COMMAND))
    assert state[-4:] == (0xD64BB04A).to_bytes(4, "little")
    assert command[-4:] == (0xFE172F9F).to_bytes(4, "little")


def test_checksum_is_that_of_a_shift_register() -> None:
    words = np.random.default_rng(0).integers(0, 2**32, 50, dtype=np.uint64).tolist()
    assert crc32_words(struct.pack("<50I", *words)) == bitwise_crc(words)


def test_structs_are_laid_out_as_the_sdk_packs_them() -> None:
    state = random_state(1)
    assert struct.pack(SDK_STATE, *plain(state)) == state.tobytes()
    assert struct.calcsize(SDK_COMMAND) == messages.LOW_COMMAND_BYTES
    command = LowCommand(mode_pr=1, mode_machine=5)
    command.mode[34], command.q[0], command.dq[1], command.tau[2], command.kp[3], command.kd[4] = range(1, 7)
    numbers = struct.unpack(SDK_COMMAND, messages.encode_command(command))
    motors = np.array(numbers[2:-5]).reshape(35, 7)
    assert numbers[:2] == (1, 5)
    assert [motors[34, 0], *(motors[slot, slot + 1] for slot in range(5))] == [1, 2, 3, 4, 5, 6]


def test_a_flipped_bit_is_seen() -> None:
    good = messages.with_crc(random_state(2))
    assert messages.crc_is_right(good)
    for place in (0, 71, 1000, 2087, 2091):
        bad = bytearray(good)
        bad[place] ^= 1
        assert not messages.crc_is_right(bytes(bad))


def test_a_copied_record_has_the_same_checksum() -> None:
    # numpy copies fields, not the bytes between them; the checksum sees those as well
    state = random_state(3)
    garbage = np.full(messages.LOW_STATE_BYTES, 255, np.uint8).tobytes()
    copy = np.frombuffer(bytearray(garbage), messages.LOW_STATE).reshape(()).copy()
    copy[...] = state
    assert messages.with_crc(copy) == messages.with_crc(state)


def test_decoded_state_has_every_field() -> None:
    record = random_state(4)
    struct_bytes = messages.with_crc(record)
    state = messages.decode_state(struct_bytes, 12.5)
    assert (state.raw, state.received) == (struct_bytes, 12.5)
    assert (state.mode_pr, state.mode_machine, state.tick) == tuple(
        int(record[name]) for name in ("mode_pr", "mode_machine", "tick")
    )
    assert state.imu_temperature == record["imu_temperature"]
    assert state.remote == record["remote"].tobytes()
    for name in ("version", "quat_wxyz", "gyro_b", "accel_b", "rpy"):
        np.testing.assert_array_equal(getattr(state, name), record[name])
    motor = record["motor"]
    for name in ("q", "dq", "ddq", "tau_est", "temperature", "voltage"):
        np.testing.assert_array_equal(getattr(state, name), motor[name])
    np.testing.assert_array_equal(state.motor_mode, motor["mode"])
    np.testing.assert_array_equal(state.motor_error, motor["error"])
    with pytest.raises(ValueError, match="read-only"):
        state.q[0] = 1.0


def test_command_survives_the_wire() -> None:
    rng = np.random.default_rng(5)
    command = LowCommand(mode_pr=0, mode_machine=5)
    for name in messages.COMMAND_ARRAYS:
        getattr(command, name)[:] = rng.integers(0, 2, 35) if name == "mode" else rng.normal(size=35)
    cdr = messages.command_cdr(messages.encode_command(command))
    read = messages.decode_command(messages.command_struct(cdr))
    assert (read.mode_pr, read.mode_machine) == (0, 5)
    for name in messages.COMMAND_ARRAYS:
        np.testing.assert_array_equal(getattr(read, name), getattr(command, name))


@pytest.mark.parametrize("name", ["q", "dq", "tau", "kp", "kd"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_command_that_is_not_finite_is_refused_by_name(name: str, value: float) -> None:
    command = LowCommand()
    getattr(command, name)[17] = value
    with pytest.raises(TransportError, match=rf"command not sent: {name} of motor 17 is not finite"):
        messages.encode_command(command)


def test_bytes_that_are_no_message_are_none() -> None:
    cdr = messages.state_cdr(messages.with_crc(random_state(6)))
    big_endian = b"\x00\x00" + cdr[2:]
    for wrong in (b"", cdr[:-1], big_endian):
        assert messages.state_struct(wrong) is None
        assert messages.command_struct(wrong[:500]) is None
        assert messages.decode_battery(wrong[:100], 0.0) is None
    assert decode_request(b"\x00\x01\x00\x00" + bytes(20)) is None
    cut = encode_request(Message(1, 1001, 0, "a long text"))[:-12]
    assert decode_request(cut) is None


# ---------------------------------------------------------------------- against cyclonedds' own encoder


def test_state_on_the_wire_is_what_cyclonedds_writes() -> None:
    idl = _idl()
    state = random_state(7)
    messages.with_crc(state)
    numbers = {name: state[name].tolist() for name in state.dtype.names}
    imu = idl.ImuState(
        *(numbers[name] for name in ("quat_wxyz", "gyro_b", "accel_b", "rpy", "imu_temperature"))
    )
    names = [name for name in messages.MOTOR_STATE.names if name != "pad"]
    motors = [idl.MotorState(*(motor[name].tolist() for name in names)) for motor in state["motor"]]
    head = (numbers[name] for name in ("version", "mode_pr", "mode_machine", "tick"))
    tail = (numbers[name] for name in ("remote", "reserve", "crc"))
    written = idl.LowStateMessage(*head, imu, motors, *tail).serialize()
    assert messages.state_cdr(state.tobytes()) == written
    assert messages.state_struct(written) == state.tobytes()


def test_command_on_the_wire_is_what_cyclonedds_writes() -> None:
    idl = _idl()
    command = LowCommand(mode_pr=0, mode_machine=5)
    command.q[:], command.mode[:] = np.arange(35), 1
    data = messages.encode_command(command)
    motors = [idl.MotorCmd(1, float(slot), 0.0, 0.0, 0.0, 0.0, 0) for slot in range(35)]
    written = idl.LowCmdMessage(0, 5, motors, [0] * 4, int.from_bytes(data[-4:], "little")).serialize()
    assert messages.command_cdr(data) == written
    assert messages.command_struct(written) == data


def test_charge_is_read_from_where_cyclonedds_puts_it() -> None:
    idl = _idl()
    battery = idl.BmsStateMessage(
        1, 2, 3, [4] * 40, [5] * 3, -6, 77, 8, [9] * 12, 10, 11, [12] * 5, [13] * 3
    ).serialize()
    read = messages.decode_battery(battery, 1.5)
    assert read is not None
    assert (read.received, read.soc) == (1.5, 77)


@pytest.mark.parametrize("text", ["", "{}", '{"name":"ai"}', "abcd"])
def test_calls_of_a_service_are_what_cyclonedds_writes(text: str) -> None:
    idl = _idl()
    identity = idl.RequestIdentity(2**40, 1002)
    header = idl.RequestHeader(identity, idl.RequestLease(0), idl.RequestPolicy(0, False))
    request = idl.Request(header, text, []).serialize()
    response = idl.Response(idl.ResponseHeader(identity, idl.ResponseStatus(-5)), text, []).serialize()
    assert encode_request(Message(2**40, 1002, 0, text)) == request
    assert decode_request(request) == Message(2**40, 1002, 0, text)
    assert encode_response(Message(2**40, 1002, -5, text)) == response
    assert decode_response(response) == Message(2**40, 1002, -5, text)


def test_no_message_type_announces_uint8() -> None:
    # a cyclonedds 0.10 that publishes such a topic crashes: Unitree's own programs, the robot's among them
    idl = _idl()
    from cyclonedds.idl import IdlStruct, types

    kinds = [kind for kind in vars(idl).values() if isinstance(kind, type) and issubclass(kind, IdlStruct)]
    assert len(kinds) > 10
    for kind in kinds:
        for field in typing.get_type_hints(kind, include_extras=True).values():
            assert repr(types.uint8) not in repr(field), f"{kind.__name__} has a uint8"


def _idl() -> typing.Any:
    pytest.importorskip("cyclonedds", reason="cyclonedds is not installed (extra deploy)")
    from legged_gym.deploy import idl

    return idl

"""Unitree's ``hg`` messages as numpy records, and their two byte layouts.

On the wire they are CDR, where the first motor's ``mode`` is followed by less padding than in the SDK's C struct. The
checksum is defined over the struct, so the struct is what this package works with and logs.
"""

from __future__ import annotations

import numpy as np

from legged_gym.deploy.crc import crc32_words
from legged_gym.deploy.transport import NUM_SLOTS, Battery, LowCommand, LowState
from legged_gym.utils.errors import TransportError

CDR_HEADER = b"\x00\x01\x00\x00"
"""Plain CDR version 1, little-endian."""
LOW_STATE_BYTES = 2092
LOW_COMMAND_BYTES = 1004
_CRC_BYTES = 4


def _record(size: int, **fields: tuple[object, int]) -> np.dtype:
    """A record of fields (type, offset). Padding is a field as well: numpy's copies leave out what is none, and the
    checksum sees it."""
    names = list(fields)
    formats, offsets = zip(*fields.values(), strict=True)
    return np.dtype({"names": names, "formats": list(formats), "offsets": list(offsets), "itemsize": size})


MOTOR_STATE = _record(
    56,
    mode=("u1", 0),
    pad=(("u1", 3), 1),
    q=("<f4", 4),
    dq=("<f4", 8),
    ddq=("<f4", 12),
    tau_est=("<f4", 16),
    temperature=(("<i2", 2), 20),
    voltage=("<f4", 24),
    sensor=(("<u4", 2), 28),
    error=("<u4", 36),
    reserve=(("<u4", 4), 40),
)
LOW_STATE = _record(
    LOW_STATE_BYTES,
    version=(("<u4", 2), 0),
    mode_pr=("u1", 8),
    mode_machine=("u1", 9),
    pad=(("u1", 2), 10),
    tick=("<u4", 12),
    quat_wxyz=(("<f4", 4), 16),
    gyro_b=(("<f4", 3), 32),
    accel_b=(("<f4", 3), 44),
    rpy=(("<f4", 3), 56),
    imu_temperature=("<i2", 68),
    imu_pad=(("u1", 2), 70),
    motor=((MOTOR_STATE, NUM_SLOTS), 72),
    remote=(("u1", 40), 2032),
    reserve=(("<u4", 4), 2072),
    crc=("<u4", 2088),
)
MOTOR_COMMAND = _record(
    28,
    mode=("u1", 0),
    pad=(("u1", 3), 1),
    q=("<f4", 4),
    dq=("<f4", 8),
    tau=("<f4", 12),
    kp=("<f4", 16),
    kd=("<f4", 20),
    reserve=("<u4", 24),
)
LOW_COMMAND = _record(
    LOW_COMMAND_BYTES,
    mode_pr=("u1", 0),
    mode_machine=("u1", 1),
    pad=(("u1", 2), 2),
    motor=((MOTOR_COMMAND, NUM_SLOTS), 4),
    reserve=(("<u4", 4), 984),
    crc=("<u4", 1000),
)
BATTERY = _record(  # as in CDR; nothing sums it up
    164,
    version=(("u1", 2), 0),
    fn=("u1", 2),
    cell_voltage=(("<u2", 40), 4),
    voltage=(("<u4", 3), 84),
    current=("<i4", 96),
    soc=("u1", 100),
    soh=("u1", 101),
    temperature=(("<i2", 12), 102),
    cycles=("<u2", 126),
    made=("<u2", 128),
    state=(("<u4", 5), 132),
    reserve=(("<u4", 3), 152),
)
COMMAND_ARRAYS = ("mode", "q", "dq", "tau", "kp", "kd")


def state_struct(cdr: bytes) -> bytes | None:
    """The struct (2092 bytes) of a low state from the wire; None: these bytes are none."""
    if len(cdr) < 4 + LOW_STATE_BYTES - 4 or cdr[:4] != CDR_HEADER:
        return None
    return b"".join((cdr[4:74], b"\0\0", cdr[74:75], b"\0\0\0", cdr[76:2092]))


def state_cdr(struct: bytes) -> bytes:
    """What goes on the wire for a low state's struct."""
    return b"".join((CDR_HEADER, struct[:70], struct[72:73], b"\0", struct[76:]))


def command_struct(cdr: bytes) -> bytes | None:
    """The struct (1004 bytes) of a command from the wire; None: these bytes are none."""
    if len(cdr) < 4 + LOW_COMMAND_BYTES - 4 or cdr[:4] != CDR_HEADER:
        return None
    return b"".join((cdr[4:6], b"\0\0", cdr[6:7], b"\0\0\0", cdr[8:1004]))


def command_cdr(struct: bytes) -> bytes:
    """What goes on the wire for a command's struct."""
    return b"".join((CDR_HEADER, struct[:2], struct[4:5], b"\0", struct[8:]))


def with_crc(struct: np.ndarray) -> bytes:
    """The bytes of a record (LOW_STATE or LOW_COMMAND) whose checksum is set to what it must be."""
    struct["crc"] = crc32_words(struct.tobytes()[:-_CRC_BYTES])
    return struct.tobytes()


def crc_is_right(struct: bytes) -> bool:
    """Whether a struct's checksum, its last word, is that of the rest."""
    return crc32_words(struct[:-_CRC_BYTES]) == int.from_bytes(struct[-_CRC_BYTES:], "little")


def decode_state(struct: bytes, received: float) -> LowState:
    """The low state of a struct (2092 bytes, ``LowState.raw``) that arrived at ``received``."""
    row = np.frombuffer(struct, LOW_STATE)[0]
    motor = row["motor"]
    return LowState(
        raw=struct,
        received=received,
        version=row["version"],
        mode_pr=int(row["mode_pr"]),
        mode_machine=int(row["mode_machine"]),
        tick=int(row["tick"]),
        quat_wxyz=row["quat_wxyz"],
        gyro_b=row["gyro_b"],
        accel_b=row["accel_b"],
        rpy=row["rpy"],
        imu_temperature=int(row["imu_temperature"]),
        motor_mode=motor["mode"],
        q=motor["q"],
        dq=motor["dq"],
        ddq=motor["ddq"],
        tau_est=motor["tau_est"],
        temperature=motor["temperature"],
        voltage=motor["voltage"],
        motor_error=motor["error"],
        remote=struct[2032:2072],
    )


def encode_command(command: LowCommand) -> bytes:
    """The struct (1004 bytes) of a command, checksum included.

    Raises:
        TransportError: A value is not finite; names it.
    """
    struct = np.zeros((), LOW_COMMAND)
    struct["mode_pr"], struct["mode_machine"] = command.mode_pr, command.mode_machine
    motor = struct["motor"]
    for name in COMMAND_ARRAYS:
        motor[name] = getattr(command, name)
    finite = np.isfinite(command_numbers(struct.tobytes()))
    if not finite.all():
        slot, column = np.argwhere(~finite)[0]
        raise TransportError(f"command not sent: {COMMAND_ARRAYS[1:][column]} of motor {slot} is not finite")
    return with_crc(struct)


def command_numbers(struct: bytes) -> np.ndarray:
    """(35, 5) q, dq, tau, kp and kd of a command's struct."""
    words = np.frombuffer(struct, "<f4", 7 * NUM_SLOTS, offset=4)
    return words.reshape(NUM_SLOTS, 7)[:, 1:6]


def decode_command(struct: bytes) -> LowCommand:
    """The command of a struct (1004 bytes), whatever its checksum."""
    row = np.frombuffer(struct, LOW_COMMAND)[0]
    motor = row["motor"]
    arrays = {name: motor[name] for name in COMMAND_ARRAYS}
    return LowCommand(int(row["mode_pr"]), int(row["mode_machine"]), **arrays)


def decode_battery(cdr: bytes, received: float) -> Battery | None:
    """The battery's word from the wire; None: these bytes are none."""
    if len(cdr) < 4 + BATTERY.itemsize or cdr[:4] != CDR_HEADER:
        return None
    row = np.frombuffer(cdr, BATTERY, 1, offset=4)[0]
    return Battery(received, int(row["soc"]))

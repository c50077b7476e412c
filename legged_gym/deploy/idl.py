"""Unitree's message types for cyclonedds.

Bytes are declared ``byte``, never ``uint8``: cyclonedds 11 announces ``uint8`` as a type that the 0.10.2 inside
Unitree's own software does not know, and a 0.10.2 process that writes the same topic then crashes. On the wire both are
the same.
"""

from dataclasses import dataclass  # no postponed annotations: cyclonedds reads these

from cyclonedds.idl import IdlStruct
from cyclonedds.idl.annotations import autoid, final
from cyclonedds.idl.types import array, byte, float32, int16, int32, int64, sequence, uint16, uint32


@dataclass
@final
@autoid("sequential")
class ImuState(IdlStruct, typename="unitree_hg.msg.dds_.IMUState_"):
    """Orientation (wxyz), rad/s, m/s^2, rad, degrees Celsius."""

    quaternion: array[float32, 4]
    gyroscope: array[float32, 3]
    accelerometer: array[float32, 3]
    rpy: array[float32, 3]
    temperature: int16


@dataclass
@final
@autoid("sequential")
class MotorState(IdlStruct, typename="unitree_hg.msg.dds_.MotorState_"):
    """One motor of a low state."""

    mode: byte
    q: float32
    dq: float32
    ddq: float32
    tau_est: float32
    temperature: array[int16, 2]
    vol: float32
    sensor: array[uint32, 2]
    motorstate: uint32
    reserve: array[uint32, 4]


@dataclass
@final
@autoid("sequential")
class LowStateMessage(IdlStruct, typename="unitree_hg.msg.dds_.LowState_"):
    """``rt/lowstate``."""

    version: array[uint32, 2]
    mode_pr: byte
    mode_machine: byte
    tick: uint32
    imu_state: ImuState
    motor_state: array[MotorState, 35]
    wireless_remote: array[byte, 40]
    reserve: array[uint32, 4]
    crc: uint32


@dataclass
@final
@autoid("sequential")
class MotorCmd(IdlStruct, typename="unitree_hg.msg.dds_.MotorCmd_"):
    """One motor of a command."""

    mode: byte
    q: float32
    dq: float32
    tau: float32
    kp: float32
    kd: float32
    reserve: uint32


@dataclass
@final
@autoid("sequential")
class LowCmdMessage(IdlStruct, typename="unitree_hg.msg.dds_.LowCmd_"):
    """``rt/lowcmd``."""

    mode_pr: byte
    mode_machine: byte
    motor_cmd: array[MotorCmd, 35]
    reserve: array[uint32, 4]
    crc: uint32


@dataclass
@final
@autoid("sequential")
class BmsStateMessage(IdlStruct, typename="unitree_hg.msg.dds_.BmsState_"):
    """``rt/lf/bmsstate``."""

    version_high: byte
    version_low: byte
    fn: byte
    cell_vol: array[uint16, 40]
    bmsvoltage: array[uint32, 3]
    current: int32
    soc: byte
    soh: byte
    temperature: array[int16, 12]
    cycle: uint16
    manufacturer_date: uint16
    bmsstate: array[uint32, 5]
    reserve: array[uint32, 3]


@dataclass
@final
@autoid("sequential")
class WirelessMessage(IdlStruct, typename="unitree_go.msg.dds_.WirelessController_"):
    """``rt/wirelesscontroller``: what the C++ SDK hears of the remote."""

    lx: float32
    ly: float32
    rx: float32
    ry: float32
    keys: uint16


@dataclass
@final
@autoid("sequential")
class RequestIdentity(IdlStruct, typename="unitree_api.msg.dds_.RequestIdentity_"):
    """Number of a call, repeated by its answer, and of the function called."""

    id: int64
    api_id: int64


@dataclass
@final
@autoid("sequential")
class RequestLease(IdlStruct, typename="unitree_api.msg.dds_.RequestLease_"):
    """Exclusive use of a service; 0: none."""

    id: int64


@dataclass
@final
@autoid("sequential")
class RequestPolicy(IdlStruct, typename="unitree_api.msg.dds_.RequestPolicy_"):
    """How a call is served."""

    priority: int32
    noreply: bool


@dataclass
@final
@autoid("sequential")
class RequestHeader(IdlStruct, typename="unitree_api.msg.dds_.RequestHeader_"):
    """Head of a call."""

    identity: RequestIdentity
    lease: RequestLease
    policy: RequestPolicy


@dataclass
@final
@autoid("sequential")
class Request(IdlStruct, typename="unitree_api.msg.dds_.Request_"):
    """``rt/api/<service>/request``."""

    header: RequestHeader
    parameter: str
    binary: sequence[byte]


@dataclass
@final
@autoid("sequential")
class ResponseStatus(IdlStruct, typename="unitree_api.msg.dds_.ResponseStatus_"):
    """0: done."""

    code: int32


@dataclass
@final
@autoid("sequential")
class ResponseHeader(IdlStruct, typename="unitree_api.msg.dds_.ResponseHeader_"):
    """Head of an answer."""

    identity: RequestIdentity
    status: ResponseStatus


@dataclass
@final
@autoid("sequential")
class Response(IdlStruct, typename="unitree_api.msg.dds_.Response_"):
    """``rt/api/<service>/response``."""

    header: ResponseHeader
    data: str
    binary: sequence[byte]


@dataclass
@final
@autoid("sequential")
class SurroundingsMessage(IdlStruct, typename="legged_gym.msg.Surroundings_"):
    """A datagram of :mod:`surroundings`, on a topic of the user's choice."""

    data: sequence[byte]

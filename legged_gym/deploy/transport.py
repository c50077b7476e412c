"""What a controller knows of the wire: states in, commands out, and who else is there.

Three backends speak it, see :func:`open_transport`. All arrays are in the order of the robot's motor slots: 35, of
which a G1 uses the first 29 (``BundleSpec.motor_order``). Times are ``time.monotonic()`` seconds of this process.
"""

from __future__ import annotations

import contextlib
import importlib
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from legged_gym.utils.errors import TransportError

NUM_SLOTS = 35
"""Motor slots of a G1's messages."""
REAL_DOMAIN = 0
"""The DDS domain of real robots; nothing simulated may live there."""

TransportKind = Literal["cyclonedds", "far", "unitree"]


@dataclass(frozen=True, slots=True, eq=False)
class LowState:
    """One message of ``rt/lowstate`` whose checksum was right. Arrays are read-only views of ``raw``."""

    raw: bytes
    """The message as the SDK's C struct, 2092 bytes: what a log keeps, and ``messages.decode_state`` reads again."""
    received: float
    """When it arrived, s."""
    version: np.ndarray
    """(2,) uint32."""
    mode_pr: int
    """0: ankles and waist are driven as serial pitch and roll; 1: as their two motors."""
    mode_machine: int
    """The robot's model; commands must repeat it."""
    tick: int
    """Counter of the robot's state publisher, uint32."""
    quat_wxyz: np.ndarray
    """(4,) float32, pelvis IMU, body to world."""
    gyro_b: np.ndarray
    """(3,) float32, rad/s."""
    accel_b: np.ndarray
    """(3,) float32, specific force, m/s^2: (0, 0, 9.81) upright at rest."""
    rpy: np.ndarray
    """(3,) float32, roll, pitch and yaw of the IMU, rad."""
    imu_temperature: int
    """Degrees Celsius."""
    motor_mode: np.ndarray
    """(35,) uint8, 1: enabled."""
    q: np.ndarray
    """(35,) float32, rad."""
    dq: np.ndarray
    """(35,) float32, rad/s."""
    ddq: np.ndarray
    """(35,) float32, rad/s^2."""
    tau_est: np.ndarray
    """(35,) float32, N m."""
    temperature: np.ndarray
    """(35, 2) int16, casing and winding, degrees Celsius."""
    voltage: np.ndarray
    """(35,) float32, V."""
    motor_error: np.ndarray
    """(35,) uint32, error bits, 0: none."""
    remote: bytes
    """40 bytes of the wireless remote, see :mod:`remote`; all zero: it is not heard."""


def _zeros() -> np.ndarray:
    return np.zeros(NUM_SLOTS, np.float32)


@dataclass(slots=True, eq=False)
class LowCommand:
    """One message of ``rt/lowcmd``: torque = kp (q - measured q) + kd (dq - measured dq) + tau. Starts as all zero.

    Meant to be kept and filled again: ``send`` copies it.
    """

    mode_pr: int = 0
    mode_machine: int = 0
    """Repeats the state's, or the robot ignores the command."""
    mode: np.ndarray = field(default_factory=lambda: np.zeros(NUM_SLOTS, np.uint8))
    """(35,) uint8, 1: enabled, 0: off."""
    q: np.ndarray = field(default_factory=_zeros)
    """(35,) float32, rad."""
    dq: np.ndarray = field(default_factory=_zeros)
    """(35,) float32, rad/s."""
    tau: np.ndarray = field(default_factory=_zeros)
    """(35,) float32, N m."""
    kp: np.ndarray = field(default_factory=_zeros)
    """(35,) float32, N m/rad."""
    kd: np.ndarray = field(default_factory=_zeros)
    """(35,) float32, N m s/rad."""


@dataclass(frozen=True, slots=True)
class Battery:
    """One message of ``rt/lf/bmsstate``."""

    received: float
    """When it arrived, s."""
    soc: int
    """State of charge, %."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What came over the wire since the transport was opened."""

    received: int
    """Valid states."""
    bad_crc: int
    """States dropped for a wrong checksum."""
    bad_crc_in_row: int
    """Of those, the newest that came without a valid state between them."""
    sent: int
    """Commands written."""


class Transport(Protocol):
    """A robot's low-level interface. Every call may come from any thread; none but ``wait`` and those with a
    ``timeout_s`` blocks."""

    def latest(self) -> LowState | None:
        """The newest valid state; None before the first one."""

    def wait(self, timeout_s: float) -> LowState | None:
        """The newest valid state as soon as there is one that no ``wait`` has returned; None: none came in time."""

    def take(self) -> list[LowState]:
        """Every valid state since the last ``take``, oldest first; of more than 256, the newest 256."""

    def battery(self) -> Battery | None:
        """The newest word of the battery; None before the first one, and where a backend does not hear it."""

    def send(self, command: LowCommand) -> None:
        """Write one command; nothing is repeated.

        Raises:
            TransportError: A value is not finite. Nothing was sent.
        """

    def listeners(self) -> int | None:
        """How many hear the commands; 0: no robot does. None: the backend cannot tell."""

    def other_publishers(self) -> list[str]:
        """Who else writes ``rt/lowcmd``, one text for each, empty: nobody known. Complete about 1 s after opening.

        Transports of the same ``group`` are not others. A program that was killed is still named for 10 s.

        Raises:
            TransportError: The backend cannot tell.
        """

    def motion_mode(self, timeout_s: float) -> str:
        """Name of the robot's built-in controller that is active, "" for none.

        Raises:
            TransportError: The robot's motion switcher did not answer in time, or refused.
        """

    def release_motion_mode(self, timeout_s: float) -> None:
        """Switch the robot's built-in controller off and see that it is off. The robot goes limp.

        Raises:
            TransportError: It is still on, or the motion switcher did not answer in time.
        """

    def select_motion_mode(self, name: str, timeout_s: float) -> None:
        """Switch a built-in controller on, such as "ai".

        Raises:
            TransportError: The motion switcher refused or did not answer in time.
        """

    def counts(self) -> Counts:
        """What came and went so far; cheap enough for every tick."""

    def close(self) -> None:
        """Leave the bus. Further calls are errors."""


def import_backend(kind: TransportKind) -> None:
    """Import what :func:`open_transport` will need: a fifth of a second of work that nobody should wait for later.

    What is missing is left for :func:`open_transport` to name.
    """
    modules = {
        "cyclonedds": ("legged_gym.deploy.dds", "legged_gym.deploy.idl", "cyclonedds.builtin"),
        "far": ("legged_gym.deploy.far_sdk", "unitree_interface"),
        "unitree": ("legged_gym.deploy.unitree_sdk",),
    }
    for module in modules.get(kind, ()):
        with contextlib.suppress(ImportError):
            importlib.import_module(module)


def open_transport(kind: TransportKind, interface: str, domain: int, group: str = "") -> Transport:
    """Join the bus of a robot.

    Args:
        kind: ``cyclonedds``: our own layer, for x86-64 and macOS (extra ``deploy``). ``far``: the C++ SDK, for ARM
            (extra ``deploy-arm``). ``unitree``: Unitree's Python SDK where it is installed with cyclonedds 0.10.
        interface: Network interface, such as ``lo`` or ``enp2s0``.
        domain: DDS domain; 0 is that of real robots.
        group: Name that processes share which send commands in turns, such as a controller and its watchdog; by
            default this process alone.

    Raises:
        TransportError: The interface does not exist, the bus cannot be joined, or domain 0 is asked for on loopback.
        DependencyError: The backend's package is missing, or its version is one that harms robots.
    """
    if kind == "cyclonedds":
        from legged_gym.deploy.dds import DdsTransport as Backend
    elif kind == "far":
        from legged_gym.deploy.far_sdk import FarTransport as Backend
    elif kind == "unitree":
        from legged_gym.deploy.unitree_sdk import UnitreeTransport as Backend
    else:
        raise TransportError(f"no transport {kind!r}; known: cyclonedds, far, unitree")
    return Backend(interface, domain, group)

"""Transport over far-unitree-sdk, a binding of Unitree's C++ SDK with builds for ARM computers.

It knows less than the others: one temperature per motor, no error bits, no battery, no checksum counts, nobody else on
the bus, no motion switcher, not whether the remote is still heard. And it repeats the last command for ever at 500 Hz,
whatever becomes of who gave it; a thread here turns what has not been renewed into damping, as long as this process
lives.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

import numpy as np

from legged_gym.deploy.bus import check_interface, dds_config, is_loopback
from legged_gym.deploy.inbox import Inbox
from legged_gym.deploy.messages import LOW_STATE, encode_command, with_crc
from legged_gym.deploy.remote import Button, Remote, encode_remote
from legged_gym.deploy.transport import REAL_DOMAIN, Battery, Counts, LowCommand
from legged_gym.utils.errors import DependencyError, TransportError

if TYPE_CHECKING:
    from unitree_interface import LowState as SdkState

log = logging.getLogger(__name__)

STALE_S = 0.06
"""A command older than this is replaced by damping: three ticks of a 50 Hz policy."""
_DAMPING = 8.0
"""N m s/rad, of Unitree's examples."""
_POLL_S = 0.001
_MOTORS = 29
_NO_SWITCHER = (
    "far-unitree-sdk cannot talk to the robot's motion switcher; "
    "switch the built-in controller off by hand: robot hoisted, zero torque, then L2+R2 on the remote"
)


class FarTransport:
    """See :class:`transport.Transport`. One per process."""

    def __init__(self, interface: str, domain: int, group: str = "") -> None:
        """Join the bus; see :func:`transport.open_transport`. ``group`` has no use here."""
        try:
            import unitree_interface as sdk
        except ImportError as error:
            raise DependencyError(
                f"--transport far needs far-unitree-sdk: pip install 'videomimic-gym[deploy-arm]' ({error})"
            ) from None
        if not hasattr(sdk, "DDS_CONFIG_API_VERSION"):
            raise DependencyError(
                "the installed unitree_interface is not far-unitree-sdk 0.1.8; the package unitree-interface has the "
                "same module name: uninstall it, and install 'videomimic-gym[deploy-arm]'"
            )
        if domain == REAL_DOMAIN and is_loopback(interface):
            raise TransportError(f"domain {REAL_DOMAIN} is that of real robots and {interface} reaches none")
        check_interface(interface)
        # The SDK itself always is in domain 0; this is what it says on the wire.
        wire_domain = f"<ExternalDomainId>{domain}</ExternalDomainId>"
        try:
            self._robot = sdk.UnitreeInterface.create_g1(
                interface, dds_config=dds_config(interface, wire_domain)
            )
        except Exception as error:  # the SDK's C++ exceptions have no common class
            raise TransportError(f"the C++ SDK cannot join domain {domain} on {interface}: {error}") from None
        self._command = sdk.MotorCommand(_MOTORS)
        self._modes = sdk.ControlMode.PR, sdk.ControlMode.AB
        self._inbox = Inbox()
        self.latest, self.wait, self.take = self._inbox.latest, self._inbox.wait, self._inbox.take
        self._sent, self._sent_at = 0, float("inf")
        self._writing = threading.Lock()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="far poll", daemon=True)
        self._thread.start()

    def battery(self) -> Battery | None:
        """None: this SDK does not hear the battery."""
        return None

    def send(self, command: LowCommand) -> None:
        """See :meth:`Transport.send`."""
        encode_command(command)  # refuses what is not finite
        on = command.mode == 1
        with self._writing:
            self._robot.set_control_mode(self._modes[command.mode_pr])
            self._write(command.q, command.dq, command.tau * on, command.kp * on, command.kd * on)
            self._sent += 1
            self._sent_at = time.monotonic()

    def listeners(self) -> int | None:
        """None: this SDK cannot tell."""
        return None

    def other_publishers(self) -> list[str]:
        """This SDK cannot tell.

        Raises:
            TransportError: Always.
        """
        raise TransportError("far-unitree-sdk cannot see who else commands the robot")

    def motion_mode(self, timeout_s: float) -> str:
        """This SDK cannot tell.

        Raises:
            TransportError: Always.
        """
        raise TransportError(_NO_SWITCHER)

    def release_motion_mode(self, timeout_s: float) -> None:
        """This SDK cannot.

        Raises:
            TransportError: Always.
        """
        raise TransportError(_NO_SWITCHER)

    def select_motion_mode(self, name: str, timeout_s: float) -> None:
        """This SDK cannot.

        Raises:
            TransportError: Always.
        """
        raise TransportError(_NO_SWITCHER)

    def counts(self) -> Counts:
        """See :meth:`Transport.counts`; the SDK drops bad states silently."""
        return Counts(self._inbox.received, 0, 0, self._sent)

    def close(self) -> None:
        """See :meth:`Transport.close`."""
        self._closing = True
        self._thread.join()
        del self._robot

    def _run(self) -> None:
        """Take in states, which the SDK keeps without saying when they came; damp what is not renewed."""
        last = None
        while not self._closing:
            state = self._robot.read_low_state()
            mark = (state.imu.omega, state.imu.accel, state.motor.dq)
            now = time.monotonic()
            # The SDK starts with zeros. A sensor never reads the same twice: what does not change has not come.
            if mark != last and any(state.imu.quat):
                last = mark
                self._inbox.put(self._struct(state), now)
            with self._writing:
                if now - self._sent_at > STALE_S:
                    zero = np.zeros(_MOTORS)
                    self._write(zero, zero, zero, zero, np.full(_MOTORS, _DAMPING))
                    self._sent_at = float("inf")
                    log.warning("no command for %.0f ms: damping", 1000.0 * STALE_S)
            time.sleep(_POLL_S)

    def _write(self, q: np.ndarray, dq: np.ndarray, tau: np.ndarray, kp: np.ndarray, kd: np.ndarray) -> None:
        command = self._command
        command.q_target, command.dq_target = q[:_MOTORS].tolist(), dq[:_MOTORS].tolist()
        command.tau_ff = tau[:_MOTORS].tolist()
        command.kp, command.kd = kp[:_MOTORS].tolist(), kd[:_MOTORS].tolist()
        self._robot.write_low_command(command)

    def _struct(self, state: SdkState) -> bytes:
        """The low state's struct as far as the SDK hands it out."""
        row = np.zeros((), LOW_STATE)
        row["mode_machine"] = state.mode_machine
        row["tick"] = (self._inbox.received + 1) & 0xFFFFFFFF  # the SDK's own stays 0
        imu, motor = state.imu, row["motor"]
        row["quat_wxyz"], row["gyro_b"], row["accel_b"], row["rpy"] = imu.quat, imu.omega, imu.accel, imu.rpy
        motor["mode"][:_MOTORS] = 1
        for name in ("q", "dq", "ddq", "tau_est", "voltage"):
            motor[name][:_MOTORS] = getattr(state.motor, name)
        motor["temperature"][:_MOTORS] = np.array(state.motor.temperature)[:, None]
        row["remote"] = np.frombuffer(encode_remote(self._remote()), np.uint8)
        return with_crc(row)

    def _remote(self) -> Remote:
        remote = self._robot.read_wireless_controller()
        return Remote(Button(remote.keys), remote.lx, remote.ly, remote.rx, remote.ry)

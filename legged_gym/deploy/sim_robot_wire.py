"""The simulated robot's end of the wire: it writes what a robot writes and reads what a robot reads."""

from __future__ import annotations

import struct

import numpy as np

from legged_gym.deploy.bus import Bus, RawReader, RawWriter
from legged_gym.deploy.dds import BATTERY_TOPIC, COMMAND_TOPIC, STATE_TOPIC
from legged_gym.deploy.messages import BATTERY, CDR_HEADER, command_struct, state_cdr, with_crc
from legged_gym.deploy.motion_switcher import MotionSwitcherService
from legged_gym.deploy.remote import Remote
from legged_gym.deploy.sim_robot_faults import DelayLine, Faults
from legged_gym.deploy.transport import REAL_DOMAIN
from legged_gym.utils.errors import TransportError

_REMOTE_TOPIC = "rt/wirelesscontroller"
_REMOTE = struct.Struct("<4fH2x")
CHARGE, LOW_CHARGE = 80, 10
"""What the battery says it has, %."""


class RobotWire:
    """Messages in and out, with whatever is wrong with the wire."""

    def __init__(self, interface: str, domain: int, motion_mode: str, faults: Faults) -> None:
        """Join the bus; ``motion_mode`` is the built-in controller that is on, "" for none.

        Raises:
            TransportError: The bus cannot be joined, or the domain is that of real robots.
            DependencyError: cyclonedds is missing.
        """
        if domain == REAL_DOMAIN:
            raise TransportError(
                f"domain {REAL_DOMAIN} is that of real robots; simulate in another, such as 1"
            )
        bus = Bus(interface, domain)
        from legged_gym.deploy import idl

        self._remotes = RawWriter(bus, _REMOTE_TOPIC, idl.WirelessMessage)
        self._states = RawWriter(bus, STATE_TOPIC, idl.LowStateMessage)
        self._batteries = RawWriter(bus, BATTERY_TOPIC, idl.BmsStateMessage)
        self._commands = RawReader(bus, COMMAND_TOPIC, idl.LowCmdMessage)
        self.switcher = MotionSwitcherService(bus, motion_mode, idl.Request, idl.Response)
        self._faults = faults
        self._incoming, self._outgoing = DelayLine(), DelayLine()
        self._frozen: bytes | None = None

    def commands(self, now: float) -> list[bytes | None]:
        """Structs that have arrived, oldest first; None for what is no command."""
        faults = self._faults
        for cdr in self._commands.take():
            if "deaf" not in faults and not faults.lost():
                self._incoming.put(cdr, now + faults.delay())
        return [command_struct(cdr) for cdr in self._incoming.take(now)]

    def publish(self, state: np.ndarray, now: float) -> None:
        """Send a record of ``messages.LOW_STATE``, as the faults leave it."""
        faults = self._faults
        if not faults:
            self._frozen = None
            self._outgoing.put(state_cdr(with_crc(state)), now)
        elif "silence" not in faults and not faults.lost():
            self._outgoing.put(self._spoiled(state), now + faults.delay())
        for cdr in self._outgoing.take(now):
            self._states.write(cdr)

    def publish_battery(self) -> None:
        """Send what the battery says."""
        row = np.zeros((), BATTERY)
        row["soc"] = LOW_CHARGE if "weak_battery" in self._faults else CHARGE
        row["soh"] = 100
        self._batteries.write(CDR_HEADER + row.tobytes())

    def publish_remote(self, remote: Remote) -> None:
        """Send what the remote does, if it is heard, for those who do not take it from the state."""
        if remote.heard:
            sticks = remote.lx, remote.ly, remote.rx, remote.ry
            self._remotes.write(CDR_HEADER + _REMOTE.pack(*sticks, remote.buttons))

    def _spoiled(self, state: np.ndarray) -> bytes:
        """The state's CDR with what the faults do to its content."""
        faults = self._faults
        if "freeze" in faults and self._frozen is not None:
            return self._frozen
        faults.spoil(state)
        data = with_crc(state)
        if "bad_crc" in faults:
            data = data[:-1] + bytes([data[-1] ^ 0xFF])
        self._frozen = state_cdr(data)
        return self._frozen

"""The default transport: our own layer on cyclonedds 11, see :mod:`bus`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from legged_gym.deploy.bus import (
    Bus,
    Endpoints,
    RawReader,
    RawWriter,
    Receiver,
    cyclonedds_version,
    is_loopback,
)
from legged_gym.deploy.inbox import Inbox
from legged_gym.deploy.messages import command_cdr, decode_battery, encode_command, state_struct
from legged_gym.deploy.motion_switcher import MotionSwitcherClient
from legged_gym.deploy.transport import REAL_DOMAIN, Battery, Counts, LowCommand
from legged_gym.utils.errors import DependencyError, TransportError

if TYPE_CHECKING:
    from cyclonedds.idl import IdlStruct

STATE_TOPIC, COMMAND_TOPIC, BATTERY_TOPIC = "rt/lowstate", "rt/lowcmd", "rt/lf/bmsstate"


class MessageTypes(NamedTuple):
    """What the topics are announced as."""

    state: type[IdlStruct]
    command: type[IdlStruct]
    battery: type[IdlStruct]
    request: type[IdlStruct]
    response: type[IdlStruct]


class DdsTransport:
    """See :class:`transport.Transport`."""

    def __init__(self, interface: str, domain: int, group: str = "") -> None:
        """Join the bus; see :func:`transport.open_transport`."""
        if domain == REAL_DOMAIN and is_loopback(interface):
            raise TransportError(
                f"domain {REAL_DOMAIN} is that of real robots and {interface} reaches none; "
                "give the robot's interface, or another domain for a simulated robot"
            )
        bus = Bus(interface, domain)
        types = self.message_types()
        self._tag = f"legged_gym {group or os.getpid()}".encode()
        self._inbox = Inbox()
        self.latest, self.wait, self.take = self._inbox.latest, self._inbox.wait, self._inbox.take
        self._battery: Battery | None = None
        self._sent = 0
        self._endpoints = Endpoints(bus)
        self._commands = RawWriter(bus, COMMAND_TOPIC, types.command, self._tag)
        self._states = RawReader(bus, STATE_TOPIC, types.state)
        batteries = RawReader(bus, BATTERY_TOPIC, types.battery)
        self._switcher = MotionSwitcherClient(bus, self._endpoints, types.request, types.response)
        self._receiver = Receiver(bus, {self._states: self._on_state, batteries: self._on_battery})

    @staticmethod
    def message_types() -> MessageTypes:
        """Our own message types.

        Raises:
            DependencyError: cyclonedds is there, but not the version they were made for.
        """
        version = cyclonedds_version()
        if version is None or not version.startswith("11."):
            raise DependencyError(
                f"cyclonedds is {version}; --transport cyclonedds needs 11.0.1: pip install 'videomimic-gym[deploy]'. "
                "With 0.10 and unitree_sdk2py, use --transport unitree"
            )
        from legged_gym.deploy import idl

        return MessageTypes(
            idl.LowStateMessage, idl.LowCmdMessage, idl.BmsStateMessage, idl.Request, idl.Response
        )

    def battery(self) -> Battery | None:
        """See :meth:`Transport.battery`."""
        return self._battery

    def send(self, command: LowCommand) -> None:
        """See :meth:`Transport.send`."""
        self._commands.write(command_cdr(encode_command(command)))
        self._sent += 1

    def listeners(self) -> int | None:
        """See :meth:`Transport.listeners`."""
        return self._endpoints.count("readers", COMMAND_TOPIC)

    def other_publishers(self) -> list[str]:
        """See :meth:`Transport.other_publishers`."""
        return self._endpoints.other_writers(COMMAND_TOPIC, self._tag)

    def motion_mode(self, timeout_s: float) -> str:
        """See :meth:`Transport.motion_mode`."""
        return self._switcher.mode(timeout_s)

    def release_motion_mode(self, timeout_s: float) -> None:
        """See :meth:`Transport.release_motion_mode`."""
        self._switcher.release(timeout_s)

    def select_motion_mode(self, name: str, timeout_s: float) -> None:
        """See :meth:`Transport.select_motion_mode`."""
        self._switcher.select(name, timeout_s)

    def counts(self) -> Counts:
        """See :meth:`Transport.counts`."""
        box = self._inbox
        return Counts(box.received, box.bad_crc, box.bad_crc_in_row, self._sent)

    def close(self) -> None:
        """See :meth:`Transport.close`."""
        self._receiver.close()
        # cyclonedds leaves the bus when the last reference to an entity goes.
        del self._receiver, self._switcher, self._states, self._commands, self._endpoints

    def _on_state(self, cdr: bytes, received: float) -> None:
        self._inbox.put(state_struct(cdr), received)

    def _on_battery(self, cdr: bytes, received: float) -> None:
        self._battery = decode_battery(cdr, received) or self._battery

"""The datagrams of :mod:`surroundings` as messages of the robot's bus, for sources that are on it anyway."""

from __future__ import annotations

import time

from legged_gym.deploy.bus import Bus, RawReader, RawWriter
from legged_gym.deploy.messages import CDR_HEADER
from legged_gym.deploy.surroundings import (
    HeightMap,
    Odometry,
    Surroundings,
    SurroundingsReceiver,
    SurroundingsSender,
    encode,
)

_PREFIX = "dds:"
_BODY = len(CDR_HEADER) + 4
"""Where a datagram begins, behind its length."""


def open_receiver(address: str, interface: str, domain: int) -> Surroundings:
    """Listen on an address; ``interface`` and ``domain`` are those of the bus, for ``dds:TOPIC``.

    Raises:
        TransportError: It is no address, is taken, or the bus cannot be joined.
        DependencyError: It is a topic, and cyclonedds is not installed.
    """
    if address.startswith(_PREFIX):
        return DdsReceiver(Bus(interface, domain), address.removeprefix(_PREFIX))
    return SurroundingsReceiver(address)


def open_sender(address: str, interface: str, domain: int) -> SurroundingsSender | DdsSender:
    """What sends to :func:`open_receiver`; arguments and errors are the same."""
    if address.startswith(_PREFIX):
        return DdsSender(Bus(interface, domain), address.removeprefix(_PREFIX))
    return SurroundingsSender(address)


class DdsReceiver(Surroundings):
    """Those that arrive on a topic. They count as arrived when they are looked at, up to a control period late."""

    def __init__(self, bus: Bus, topic: str) -> None:
        """Subscribe."""
        super().__init__()
        from legged_gym.deploy import idl

        self._reader: RawReader | None = RawReader(bus, topic, idl.SurroundingsMessage)

    def poll(self) -> None:
        """See :class:`Surroundings`."""
        now = time.monotonic()
        for cdr in self._reader.take():
            head, body = cdr[len(CDR_HEADER) : _BODY], cdr[_BODY:]
            self._take_in(body[: int.from_bytes(head, "little")], now)

    def close(self) -> None:
        """See :class:`Surroundings`."""
        self._reader = None  # cyclonedds leaves the bus when the last reference to an entity goes


class DdsSender:
    """See :class:`surroundings.SurroundingsSender`."""

    def __init__(self, bus: Bus, topic: str) -> None:
        """Announce it."""
        from legged_gym.deploy import idl

        self._writer: RawWriter | None = RawWriter(bus, topic, idl.SurroundingsMessage)

    def send(self, message: Odometry | HeightMap) -> None:
        """Send one message."""
        data = encode(message)
        padding = bytes(-len(data) % 4)
        self._writer.write(CDR_HEADER + len(data).to_bytes(4, "little") + data + padding)

    def close(self) -> None:
        """Leave the bus."""
        self._writer = None

"""Raw bytes over DDS with the cyclonedds package: no message is turned into Python objects on the way."""

from __future__ import annotations

import functools
import socket
import threading
import time
from collections.abc import Callable
from importlib import metadata
from typing import TYPE_CHECKING, Literal

from legged_gym.utils.errors import DependencyError, TransportError

if TYPE_CHECKING:
    from cyclonedds.builtin import DcpsEndpoint
    from cyclonedds.domain import Domain
    from cyclonedds.idl import IdlStruct

LAST_DOMAIN = 200
"""Ports are 7400 + 250 per domain; above this, those of many participants leave the 16 bits."""
_SAMPLES = 64
"""Most messages that a reader keeps between two looks, and takes in one."""

_MOST_ENDPOINTS = 1000
_NAMELESS = "a program without a name, such as the robot's own controller"

# Multicast off on loopback: the way that also reaches programs with cyclonedds 0.10, Unitree's own among them.
_LOOPBACK = """<CycloneDDS><Domain Id="any"><General><Interfaces>
<NetworkInterface name="{name}" multicast="false"/></Interfaces><AllowMulticast>false</AllowMulticast></General>
<Discovery>{discovery}<ParticipantIndex>auto</ParticipantIndex>
<MaxAutoParticipantIndex>30</MaxAutoParticipantIndex><Peers><Peer address="127.0.0.1"/></Peers></Discovery>
</Domain></CycloneDDS>"""
_NETWORK = """<CycloneDDS><Domain Id="any"><General><Interfaces>
<NetworkInterface name="{name}" priority="default" multicast="default"/></Interfaces></General>
<Discovery>{discovery}</Discovery></Domain></CycloneDDS>"""

_domains: dict[int, tuple[str, Domain]] = {}
"""A domain can be configured once in a process; this keeps it for the next transport."""


def is_loopback(interface: str) -> bool:
    """Whether an interface reaches this computer only."""
    return interface in ("lo", "lo0")


def check_interface(interface: str) -> None:
    """Refuse an interface this computer does not have.

    Raises:
        TransportError: Lists those it has.
    """
    names = [name for _, name in socket.if_nameindex()]
    if interface not in names:
        raise TransportError(f"no network interface {interface!r}; this computer has {', '.join(names)}")


def dds_config(interface: str, discovery: str = "") -> str:
    """Configuration of Cyclone DDS (XML) for one interface; ``discovery`` is put into its part Discovery."""
    text = _LOOPBACK if is_loopback(interface) else _NETWORK
    return text.format(name=interface, discovery=discovery)


def cyclonedds_version() -> str | None:
    """Version of the cyclonedds package; None: it is not installed."""
    try:
        return metadata.version("cyclonedds")
    except metadata.PackageNotFoundError:
        return None


class Bus:
    """One participant of a domain."""

    def __init__(self, interface: str, domain: int) -> None:
        """Join.

        Raises:
            TransportError: The interface does not exist or is in use otherwise, or the domain cannot be joined.
            DependencyError: cyclonedds is not installed.
        """
        check_interface(interface)
        if not 0 <= domain <= LAST_DOMAIN:
            raise TransportError(f"no DDS domain {domain}; it must be 0 to {LAST_DOMAIN}")
        if cyclonedds_version() is None:
            raise DependencyError(
                "the robot's bus needs cyclonedds: pip install 'videomimic-gym[deploy]'; "
                "there are no builds of it for ARM computers, use --transport far there (extra deploy-arm)"
            )
        from cyclonedds.core import DDSException
        from cyclonedds.domain import Domain, DomainParticipant

        try:
            if domain not in _domains:
                _domains[domain] = interface, Domain(domain, dds_config(interface))
            if _domains[domain][0] != interface:
                raise TransportError(
                    f"DDS domain {domain} is on {_domains[domain][0]} in this process; it cannot be on {interface} too"
                )
            self.participant = DomainParticipant(domain)
        except DDSException as error:
            raise TransportError(
                f"cannot join DDS domain {domain} on {interface}: {error.msg}; "
                "does the interface have an address, and may this process use UDP there?"
            ) from None


class RawReader:
    """Takes the CDR bytes of a topic. Best effort, as Unitree's own readers."""

    def __init__(self, bus: Bus, topic: str, kind: type[IdlStruct]) -> None:
        """Subscribe."""
        from cyclonedds._clayer import ddspy_take
        from cyclonedds.core import Policy, Qos
        from cyclonedds.sub import DataReader
        from cyclonedds.topic import Topic

        qos = Qos(Policy.History.KeepLast(_SAMPLES))
        self.reader = DataReader(bus.participant, Topic(bus.participant, topic, kind), qos)
        # 0.10 takes everything; later versions want to be told that this is meant.
        mask = () if _is_old() else (_any_state("Any"),)
        self._take = functools.partial(ddspy_take, self.reader._ref, *mask, _SAMPLES)

    def take(self) -> list[bytes]:
        """Messages since the last look, oldest first; never blocks."""
        samples = self._take()
        if isinstance(samples, int):  # the package's own error code
            raise TransportError(f"reading {self.reader.topic.name} failed with DDS error {samples}")
        return [data for data, info in samples if info.valid_data]


class RawWriter:
    """Writes CDR bytes to a topic. Reliable, as Unitree's own writers: readers may ask for it."""

    def __init__(self, bus: Bus, topic: str, kind: type[IdlStruct], tag: bytes = b"") -> None:
        """Announce it; ``tag`` tells others whose writer this is."""
        from cyclonedds._clayer import ddspy_write
        from cyclonedds.core import Policy, Qos
        from cyclonedds.pub import DataWriter
        from cyclonedds.topic import Topic

        self.writer = DataWriter(
            bus.participant, Topic(bus.participant, topic, kind), Qos(Policy.Userdata(tag))
        )
        self._write = ddspy_write

    def write(self, cdr: bytes) -> None:
        """Write one message.

        Raises:
            TransportError: DDS refused.
        """
        code = self._write(self.writer._ref, cdr)
        if code < 0:
            raise TransportError(f"writing {self.writer.topic.name} failed with DDS error {code}")


class Endpoints:
    """Who writes and who reads what on the bus, this participant included, as far as discovery has come."""

    def __init__(self, bus: Bus) -> None:
        """Listen to DDS's own announcements."""
        from cyclonedds.builtin import (
            BuiltinDataReader,
            BuiltinTopicDcpsPublication,
            BuiltinTopicDcpsSubscription,
        )
        from cyclonedds.core import ReadCondition

        self._readers = {}
        for what, topic in (
            ("writers", BuiltinTopicDcpsPublication),
            ("readers", BuiltinTopicDcpsSubscription),
        ):
            reader = BuiltinDataReader(bus.participant, topic)
            self._readers[what] = reader, ReadCondition(reader, _any_state("Alive"))

    def count(self, what: Literal["writers", "readers"], topic: str) -> int:
        """Writers or readers of a topic."""
        return len(self._of(what, topic))

    def other_writers(self, topic: str, tag: bytes) -> list[str]:
        """Writers of a topic whose tag is not this one, a text for each."""
        from cyclonedds.core import Policy

        found = []
        for endpoint in self._of("writers", topic):
            data = endpoint.qos[Policy.Userdata]
            own = b"" if data is None else bytes(data.data)
            if own != tag:
                name = own.decode(errors="replace") or _NAMELESS
                found.append(f"{name} (DDS participant {endpoint.participant_key})")
        return found

    def _of(self, what: str, topic: str) -> list[DcpsEndpoint]:
        reader, alive = self._readers[what]
        return [endpoint for endpoint in reader.read(_MOST_ENDPOINTS, alive) if endpoint.topic_name == topic]


class Receiver:
    """A thread that hands messages to functions as they arrive."""

    def __init__(self, bus: Bus, handlers: dict[RawReader, Callable[[bytes, float], None]]) -> None:
        """Start; a handler is given the bytes and ``time.monotonic()``."""
        from cyclonedds.core import GuardCondition, ReadCondition, SampleState, WaitSet

        self._handlers = handlers
        self._stop = GuardCondition(bus.participant)
        self._wait = WaitSet(bus.participant)
        self._wait.attach(self._stop)
        for reader in handlers:
            self._wait.attach(ReadCondition(reader.reader, _any_state("Any", SampleState.NotRead)))
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="dds receiver", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the thread."""
        self._closing = True
        self._stop.set(True)
        self._thread.join()

    def _run(self) -> None:
        second = 1_000_000_000
        while not self._closing:
            self._wait.wait(second)
            now = time.monotonic()
            for reader, handle in self._handlers.items():
                for data in reader.take():
                    handle(data, now)


def _is_old() -> bool:
    return (cyclonedds_version() or "").startswith("0.10.")


def _any_state(instances: Literal["Any", "Alive"], samples: int | None = None) -> int:
    """Mask of DDS's reading functions for any samples, or those of a kind."""
    from cyclonedds.core import InstanceState, SampleState, ViewState

    return (
        (SampleState.Any if samples is None else samples) | ViewState.Any | getattr(InstanceState, instances)
    )

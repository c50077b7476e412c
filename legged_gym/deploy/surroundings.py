"""What a robot's own sensors do not tell a policy: where it is, and the ground around it. One datagram per message.

An odometry or mapping program of the user's, or the simulated robot, sends them to a UDP port (``udp:HOST:PORT``), a
Unix socket (``unix:PATH``) or a topic of the robot's bus (``dds:TOPIC``, :mod:`surroundings_dds`). Little-endian: 4
letters of kind, a uint32 version, then what :data:`ODOMETRY` or :data:`MAP_HEADER` list; a map's heights follow as
float32, row by row. World frame z up, quaternions wxyz.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
import time
from dataclasses import dataclass

import numpy as np

from legged_gym.utils.errors import TransportError

VERSION = 1
ODOMETRY = np.dtype(
    [
        ("kind", "S4"),
        ("version", "<u4"),
        ("age", "<f8"),
        ("root_pos_w", "<f8", 3),
        ("root_quat_wxyz", "<f8", 4),
        ("root_lin_vel_w", "<f8", 3),
    ]
)
MAP_HEADER = np.dtype(
    [
        ("kind", "S4"),
        ("version", "<u4"),
        ("age", "<f8"),
        ("body_pos_w", "<f8", 3),
        ("body_yaw", "<f8"),
        ("cell", "<f8"),
        ("rows", "<u4"),
        ("columns", "<u4"),
    ]
)
_MAX_BYTES = 65507
"""Largest UDP datagram: a map of 127 x 127 points."""
_SO_TIMESTAMPNS = 35
"""Linux: note when a datagram arrived. Python has no name for it."""
_NOTE_BYTES = 64


@dataclass(frozen=True, slots=True, eq=False)
class Odometry:
    """Where the root is and how fast it moves."""

    stamp: float
    """When it was measured, ``time.monotonic()`` of this computer, s; sent as an age."""
    root_pos_w: np.ndarray
    """(3,) m."""
    root_quat_wxyz: np.ndarray
    """(4,) body to world. Its heading and ``root_pos_w`` share a world; the IMU's heading is another one."""
    root_lin_vel_w: np.ndarray
    """(3,) m/s."""


@dataclass(frozen=True, slots=True, eq=False)
class HeightMap:
    """The ground on a grid around a body, that of the policy's map: the torso for those trained here."""

    stamp: float
    """When it was measured, ``time.monotonic()`` of this computer, s; sent as an age."""
    body_pos_w: np.ndarray
    """(3,) where the body was, m; zeros where nobody knows."""
    body_yaw: float
    """Its heading, rad; 0 where nobody knows."""
    cell: float
    """Distance of neighbouring points, m."""
    heights: np.ndarray
    """(ny, nx) float32 ground height above the body (below: negative), m, at [y][x] of the body's heading frame; the
    middle of the grid is under the body, x forward, y left. NaN: not known."""


class SurroundingsSender:
    """Sends odometry and height maps; what nobody listens to is lost."""

    def __init__(self, address: str) -> None:
        """``address`` is where a :class:`SurroundingsReceiver` listens.

        Raises:
            TransportError: It is no address.
        """
        self._socket, self._target = _open(address)
        self._socket.setblocking(False)

    def send(self, message: Odometry | HeightMap) -> None:
        """Send one message.

        Raises:
            TransportError: A map is too large for a datagram.
        """
        data = encode(message)
        if len(data) > _MAX_BYTES:
            raise TransportError(f"a height map of {len(data)} bytes; a datagram holds {_MAX_BYTES}")
        # Nobody listens yet, or no more, or does not keep up: the next message is as good.
        with contextlib.suppress(ConnectionRefusedError, FileNotFoundError, BlockingIOError):
            self._socket.sendto(data, self._target)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


class Surroundings:
    """The newest odometry and the newest height map of those that arrived."""

    def __init__(self) -> None:
        """Nothing has."""
        self.odometry: Odometry | None = None
        self.height_map: HeightMap | None = None
        self.refused = 0
        """Datagrams that were no message of this version."""

    def poll(self) -> None:
        """Take in everything that has arrived; never blocks."""

    def close(self) -> None:
        """Stop listening."""

    def _take_in(self, data: bytes, received: float) -> None:
        """A datagram that arrived at ``received``, s."""
        message = decode(data, received)
        if isinstance(message, Odometry):
            self.odometry = message
        elif isinstance(message, HeightMap):
            self.height_map = message
        else:
            self.refused += 1


class SurroundingsReceiver(Surroundings):
    """Those that arrive at a socket."""

    def __init__(self, address: str) -> None:
        """Listen on ``address``.

        Raises:
            TransportError: It is no address, or is taken.
        """
        super().__init__()
        self._socket, target = _open(address)
        self._path = target if isinstance(target, str) else None
        if self._path is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path)
        try:
            self._socket.bind(target)
        except OSError as error:
            raise TransportError(f"cannot listen on {address}: {error.strerror}") from None
        self._socket.setblocking(False)
        if sys.platform == "linux":
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)

    def poll(self) -> None:
        """See :class:`Surroundings`."""
        while True:
            try:
                data, notes, _, _ = self._socket.recvmsg(_MAX_BYTES, _NOTE_BYTES)
            except BlockingIOError:
                return
            self._take_in(data, time.monotonic() - _time_in_queue(notes))

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
        if self._path is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path)


def encode(message: Odometry | HeightMap) -> bytes:
    """The datagram of a message, with its age now."""
    age = time.monotonic() - message.stamp
    if isinstance(message, Odometry):
        fields = (message.root_pos_w, message.root_quat_wxyz, message.root_lin_vel_w)
        return np.array((b"ODOM", VERSION, age, *fields), ODOMETRY).tobytes()
    rows, columns = message.heights.shape
    head = (b"HMAP", VERSION, age, message.body_pos_w, message.body_yaw, message.cell, rows, columns)
    return np.array(head, MAP_HEADER).tobytes() + np.asarray(message.heights, "<f4").tobytes()


def decode(data: bytes, received: float) -> Odometry | HeightMap | None:
    """The message of a datagram that arrived at ``received``; None: it is none of this version, or not finite."""
    kind, version = data[:4], int.from_bytes(data[4:8], "little")
    if version != VERSION:
        return None
    if kind == b"ODOM" and len(data) == ODOMETRY.itemsize:
        if not np.isfinite(np.frombuffer(data, "<f8", offset=8)).all():
            return None
        row = np.frombuffer(data, ODOMETRY)[0]
        return Odometry(
            received - float(row["age"]), row["root_pos_w"], row["root_quat_wxyz"], row["root_lin_vel_w"]
        )
    if kind == b"HMAP" and len(data) >= MAP_HEADER.itemsize:
        row = np.frombuffer(data, MAP_HEADER, 1)[0]
        shape = int(row["rows"]), int(row["columns"])
        if len(data) == MAP_HEADER.itemsize + 4 * shape[0] * shape[1]:
            heights = np.frombuffer(data, "<f4", offset=MAP_HEADER.itemsize).reshape(shape)
            stamp = received - float(row["age"])
            return HeightMap(stamp, row["body_pos_w"], float(row["body_yaw"]), float(row["cell"]), heights)
    return None


def _time_in_queue(notes: list[tuple[int, int, bytes]]) -> float:
    """For how long a datagram has lain in the socket, s; 0 where the system does not note it."""
    for level, kind, data in notes:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
            seconds, nanoseconds = struct.unpack("qq", data)
            return max(0.0, time.time() - seconds - 1e-9 * nanoseconds)
    return 0.0


def _open(address: str) -> tuple[socket.socket, tuple[str, int] | str]:
    kind, _, place = address.partition(":")
    host, _, port = place.rpartition(":")
    if kind == "unix" and place:
        return socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), place
    if kind == "udp" and host and port.isdigit():
        return socket.socket(socket.AF_INET, socket.SOCK_DGRAM), (host, int(port))
    raise TransportError(f"{address!r} is no address; give udp:HOST:PORT, unix:PATH or dds:TOPIC")

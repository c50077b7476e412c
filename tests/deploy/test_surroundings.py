"""Odometry and height maps over real sockets."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from legged_gym.deploy.surroundings import (
    HeightMap,
    Odometry,
    SurroundingsReceiver,
    SurroundingsSender,
    decode,
    encode,
)
from legged_gym.utils.errors import TransportError


def odometry(x: float = 1.0, age: float = 0.0) -> Odometry:
    return Odometry(
        time.monotonic() - age, np.array([x, 2.0, 3.0]), np.array([1.0, 0, 0, 0]), np.array([0.1, 0.2, 0.3])
    )


def height_map() -> HeightMap:
    heights = np.arange(6, dtype=np.float32).reshape(2, 3)
    heights[1, 1] = np.nan
    return HeightMap(time.monotonic(), np.array([1.0, 2.0, 3.0]), 0.5, 0.1, heights)


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(params=["unix", "udp"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"unix:{tmp_path / 'socket'}" if request.param == "unix" else f"udp:127.0.0.1:{free_port()}"


@pytest.fixture
def ends(address: str) -> Iterator[tuple[SurroundingsSender, SurroundingsReceiver]]:
    receiver, sender = SurroundingsReceiver(address), SurroundingsSender(address)
    yield sender, receiver
    sender.close()
    receiver.close()


def poll_until(receiver: SurroundingsReceiver, x: float) -> None:
    deadline = time.monotonic() + 2.0
    while receiver.odometry is None or receiver.odometry.root_pos_w[0] != x:
        assert time.monotonic() < deadline
        receiver.poll()


def test_messages_arrive_as_they_were_sent(ends: tuple[SurroundingsSender, SurroundingsReceiver]) -> None:
    sender, receiver = ends
    sent, sent_map = odometry(age=0.25), height_map()
    sender.send(sent_map)
    sender.send(sent)
    poll_until(receiver, 1.0)
    read, read_map = receiver.odometry, receiver.height_map
    assert read is not None
    assert read_map is not None
    for name in ("root_pos_w", "root_quat_wxyz", "root_lin_vel_w"):
        np.testing.assert_array_equal(getattr(read, name), getattr(sent, name))
    assert time.monotonic() - read.stamp == pytest.approx(0.25, abs=0.2)  # its age, not the time of arrival
    assert (read_map.body_yaw, read_map.cell) == (0.5, 0.1)
    np.testing.assert_array_equal(read_map.heights, sent_map.heights)
    np.testing.assert_array_equal(read_map.body_pos_w, sent_map.body_pos_w)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux notes when a datagram arrived")
def test_time_in_the_socket_counts_as_age(ends: tuple[SurroundingsSender, SurroundingsReceiver]) -> None:
    sender, receiver = ends
    time.sleep(0.2)  # Linux begins a moment after it is asked to
    sent = odometry()
    sender.send(sent)
    time.sleep(0.3)
    poll_until(receiver, 1.0)
    assert receiver.odometry is not None
    assert receiver.odometry.stamp == pytest.approx(sent.stamp, abs=0.1)


def test_the_newest_message_wins(ends: tuple[SurroundingsSender, SurroundingsReceiver]) -> None:
    sender, receiver = ends
    for x in range(5):
        sender.send(odometry(float(x)))
    poll_until(receiver, 4.0)


def test_sender_does_not_mind_that_nobody_listens(address: str) -> None:
    sender = SurroundingsSender(address)
    for _ in range(3):
        sender.send(odometry())
    sender.close()


def test_a_receiver_takes_the_place_of_one_that_died(tmp_path: Path) -> None:
    address = f"unix:{tmp_path / 'socket'}"
    SurroundingsReceiver(address)._socket.close()  # died without removing its path
    receiver, sender = SurroundingsReceiver(address), SurroundingsSender(address)
    sender.send(odometry())
    poll_until(receiver, 1.0)
    sender.close()
    receiver.close()


def test_what_is_no_message_is_refused() -> None:
    good = encode(odometry())
    later_version = good[:4] + b"\x02" + good[5:]
    bad_pose = encode(odometry(np.nan))
    for wrong in (b"", good[:-1], later_version, b"LIDR" + good[4:], encode(height_map())[:-4], bad_pose):
        assert decode(wrong, 0.0) is None
    assert decode(good, 0.0) is not None


def test_a_map_that_fits_no_datagram_is_refused(tmp_path: Path) -> None:
    sender = SurroundingsSender(f"unix:{tmp_path / 'socket'}")
    large = HeightMap(0.0, np.zeros(3), 0.0, 0.1, np.zeros((200, 200), np.float32))
    with pytest.raises(TransportError, match="a datagram holds"):
        sender.send(large)
    sender.close()


@pytest.mark.parametrize("address", ["", "udp:9000", "udp:host:port", "unix:", "tcp:localhost:1"])
def test_wrong_addresses_are_refused_with_the_right_form(address: str) -> None:
    with pytest.raises(TransportError, match=r"udp:HOST:PORT, unix:PATH or dds:TOPIC"):
        SurroundingsReceiver(address)

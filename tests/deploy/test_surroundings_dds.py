"""Odometry and height maps over the real bus."""

from __future__ import annotations

import time

import numpy as np
import pytest

from legged_gym.deploy.bus import Bus, RawWriter
from legged_gym.deploy.messages import CDR_HEADER
from legged_gym.deploy.surroundings_dds import open_receiver, open_sender
from tests.deploy.buses import DISCOVERY_S
from tests.deploy.flights import until
from tests.deploy.test_surroundings import height_map, odometry

ADDRESS = "dds:rt/surroundings"


def test_messages_arrive_as_they_were_sent_with_their_age(domain):
    receiver, sender = open_receiver(ADDRESS, "lo", domain), open_sender(ADDRESS, "lo", domain)
    sent_map = height_map()

    def arrived() -> bool:
        sender.send(odometry(age=0.25))
        sender.send(sent_map)
        receiver.poll()
        return receiver.odometry is not None and receiver.height_map is not None

    until(arrived, "both", DISCOVERY_S)
    assert time.monotonic() - receiver.odometry.stamp == pytest.approx(0.25, abs=0.2)
    np.testing.assert_array_equal(receiver.odometry.root_pos_w, [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(receiver.height_map.heights, sent_map.heights)
    assert receiver.refused == 0
    sender.close()
    receiver.close()


def test_what_is_no_datagram_is_counted_and_does_no_harm(domain):
    from legged_gym.deploy import idl

    receiver = open_receiver(ADDRESS, "lo", domain)
    writer = RawWriter(Bus("lo", domain), "rt/surroundings", idl.SurroundingsMessage)

    def refused() -> bool:
        writer.write(CDR_HEADER + (3).to_bytes(4, "little") + b"abc\0")
        receiver.poll()
        return receiver.refused > 0

    until(refused, "a refusal", DISCOVERY_S)
    assert receiver.odometry is None
    receiver.close()


@pytest.mark.slow
def test_a_robot_and_a_controller_find_each_other_by_a_topic(robot_process, program, tracker_bundle):
    robot_process("--bundle", str(tracker_bundle.folder), "--surroundings", ADDRESS)
    running = program(tracker_bundle, "--odometry", ADDRESS)
    running.until_said("ok    odometry")

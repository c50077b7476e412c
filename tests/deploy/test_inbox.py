"""What arrives is checked, counted and handed out once."""

from __future__ import annotations

import threading
import time

import numpy as np

from legged_gym.deploy.inbox import Inbox
from legged_gym.deploy.messages import LOW_STATE, with_crc


def struct(tick: int) -> bytes:
    state = np.zeros((), LOW_STATE)
    state["tick"] = tick
    return with_crc(state)


def test_bad_states_are_counted_and_change_nothing() -> None:
    inbox = Inbox()
    inbox.put(struct(1), 0.0)
    bad = struct(2)[:-1] + b"\x00"
    for data in (bad, None, bad):
        inbox.put(data, 1.0)
    assert (inbox.received, inbox.bad_crc, inbox.bad_crc_in_row) == (1, 3, 3)
    assert inbox.latest().tick == 1
    inbox.put(struct(3), 2.0)
    assert (inbox.received, inbox.bad_crc, inbox.bad_crc_in_row) == (2, 3, 0)


def test_take_hands_out_every_state_once_in_order() -> None:
    inbox = Inbox()
    for tick in range(300):
        inbox.put(struct(tick), float(tick))
    taken = inbox.take()
    assert [state.tick for state in taken] == list(range(44, 300))  # the newest 256
    assert [state.received for state in taken] == [float(tick) for tick in range(44, 300)]
    assert inbox.take() == []
    assert inbox.latest().tick == 299


def test_wait_returns_each_state_once_and_gives_up_in_time() -> None:
    inbox = Inbox()
    assert inbox.wait(0.0) is None
    inbox.put(struct(1), 0.0)
    inbox.put(struct(2), 0.0)
    assert inbox.wait(0.0).tick == 2
    start = time.monotonic()
    assert inbox.wait(0.05) is None
    assert time.monotonic() - start >= 0.05


def test_wait_wakes_when_a_state_arrives() -> None:
    inbox = Inbox()
    timer = threading.Timer(0.05, lambda: inbox.put(struct(7), 0.0))
    timer.start()
    assert inbox.wait(10.0).tick == 7
    timer.join()

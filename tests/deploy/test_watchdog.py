"""The watchdog's decisions, with a transport that only notes what it is told. Its process is tested on the bus."""

from __future__ import annotations

import os
import sys
import threading
import time

import pytest

from legged_gym.deploy.transport import LowCommand
from legged_gym.deploy.watchdog import Page, watch


class Notes:
    """Stands in for the bus: commands with the times they came."""

    def __init__(self) -> None:
        self.sent: list[tuple[float, LowCommand]] = []

    def send(self, command: LowCommand) -> None:
        self.sent.append((time.monotonic(), command))


@pytest.fixture(params=[False])
def kennel(request, tmp_path, monkeypatch):
    """A page, what was sent, and how to end the controller's life."""
    with (tmp_path / "page").open("w+b") as file:
        file.truncate(16)
        page, notes = Page(file.fileno()), Notes()
        theirs, ours = os.pipe()
        monkeypatch.setattr(sys, "stdin", os.fdopen(theirs))
        monkeypatch.setattr("legged_gym.deploy.watchdog.HOLD_S", 0.3)
        notes.stopped = []
        stop = (lambda: notes.stopped.append(len(notes.sent))) if request.param else None
        thread = threading.Thread(target=watch, args=(page, notes, 0.05, 6.0, stop))
        thread.start()
        ends = [ours]

        def die() -> None:
            while ends:
                os.close(ends.pop())

        yield page, notes, die
        page.armed = False
        die()
        thread.join(5.0)
        assert not thread.is_alive()


def feed(page: Page, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        page.beat, page.armed, page.model = time.monotonic(), True, (5, 0)
        time.sleep(0.01)


def test_it_is_silent_while_it_is_fed_and_before_it_is_armed(kennel):
    page, notes, _ = kennel
    time.sleep(0.15)  # never fed: not armed
    feed(page, 0.3)
    assert notes.sent == []
    assert not page.took_over


def test_it_brakes_when_it_is_not_fed_until_it_is_told_to_stop(kennel):
    page, notes, _ = kennel
    feed(page, 0.1)
    last = page.beat
    time.sleep(0.3)
    assert page.took_over
    first, command = notes.sent[0]
    assert 0.05 < first - last < 0.2
    assert (command.mode_machine, command.mode_pr) == (5, 0)
    assert (command.kd == 6.0).all()
    assert not command.kp.any()
    assert (command.mode == 1).all()
    assert len(notes.sent) > 10  # again and again
    feed(page, 0.05)
    page.took_over = False
    feed(page, 0.05)
    count = len(notes.sent)
    feed(page, 0.1)
    assert len(notes.sent) == count


def test_it_brakes_at_once_when_the_controller_is_gone_and_for_a_while(kennel):
    page, notes, die = kennel
    feed(page, 0.1)
    died = time.monotonic()
    die()
    time.sleep(0.6)
    times = [when for when, _ in notes.sent]
    assert times[0] - died < 0.1
    assert 0.25 < times[-1] - died < 0.5  # HOLD_S


def test_a_controller_that_ends_in_good_order_is_not_mourned(kennel):
    page, notes, die = kennel
    feed(page, 0.1)
    page.armed = False
    die()
    time.sleep(0.2)
    assert notes.sent == []


@pytest.mark.parametrize("kennel", [True], indirect=True)
def test_a_controller_whose_thread_would_go_on_sending_is_stopped_before_the_first_command(kennel):
    page, notes, _ = kennel
    feed(page, 0.1)
    time.sleep(0.2)
    assert notes.stopped == [0]  # once, with nothing sent yet
    assert notes.sent

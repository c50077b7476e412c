"""Who fails tells the others, who is told ends, and who falls silent is missed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
import torch.distributed

from legged_gym.utils import process_watch
from legged_gym.utils.errors import MotionError, RunError
from legged_gym.utils.process_watch import FAILED, ProcessWatch

SOON_S = 10.0


class Ends:
    """Notes how this process would have ended."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.statuses: list[int] = []

    def wait(self) -> None:
        deadline = time.monotonic() + SOON_S
        while not self.statuses and time.monotonic() < deadline:
            time.sleep(0.01)


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Ends:
    ends = Ends()
    monkeypatch.setattr(process_watch.os, "write", lambda _, text: ends.texts.append(text.decode()))
    monkeypatch.setattr(process_watch.os, "_exit", ends.statuses.append)
    monkeypatch.setattr(process_watch, "BEAT_S", 0.01)
    monkeypatch.setattr(process_watch, "GRACE_S", 0.05)
    return ends


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[torch.distributed.TCPStore]:
    """A launcher's store, as the environment names it."""
    server = torch.distributed.TCPStore("127.0.0.1", 0, is_master=True, timeout=timedelta(seconds=SOON_S))
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", str(server.port))
    monkeypatch.delenv("TORCHELASTIC_ERROR_FILE", raising=False)
    yield server
    del server


def test_the_cause_of_the_first_failure_reaches_the_store_and_the_error_stays_what_it_is(store, ends):
    with pytest.raises(MotionError, match="no clip"), ProcessWatch(0, 1):
        raise MotionError("no clip")
    text = store.get(FAILED).decode()
    assert text.startswith("process 0 on ") and text.endswith(" failed: no clip")


def test_who_fails_later_names_the_first_cause(store, ends):
    store.set(FAILED, "process 3 on far failed: ValueError: x")
    with pytest.raises(RunError, match="stopped: process 3 on far failed: ValueError: x"), ProcessWatch(0, 1):
        raise KeyError("a consequence")


def test_who_is_busy_is_ended_with_the_cause(store, ends):
    with ProcessWatch(0, 1):
        store.set(FAILED, "process 3 on far failed: ValueError: x")
        ends.wait()
    assert ends.statuses == [2]
    assert ends.texts == ["error: stopped: process 3 on far failed: ValueError: x\n"]


def test_a_silent_neighbour_is_missed_and_one_that_is_heard_of_is_not(store, ends, monkeypatch):
    monkeypatch.setattr(process_watch, "SILENCE_S", 0.3)
    with ProcessWatch(0, 2):
        for _ in range(50):
            store.add("beats of 1", 1)
            time.sleep(0.02)
        assert not ends.statuses
        ends.wait()
    assert ends.texts == ["error: stopped: process 1 has not been heard of for 0 s\n"]


def test_without_the_launcher_there_is_no_going_on(store, ends):
    watch = ProcessWatch(0, 1)

    def gone(*_: object) -> int:
        raise torch.distributed.DistNetworkError("connection closed")

    class Gone:
        add = staticmethod(gone)

    watch._store = Gone()
    with watch:
        ends.wait()
    assert ends.texts[0].startswith("error: stopped: torchrun cannot be reached any more")


def test_a_sound_run_ends_without_a_word(store, ends):
    with ProcessWatch(0, 1):
        time.sleep(0.1)
    assert not ends.texts and not store.check([FAILED])

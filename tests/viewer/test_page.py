"""The server, wishes, jobs: what goes wrong is said, and the player goes on."""

from __future__ import annotations

import importlib.util
import logging
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from legged_gym.utils.errors import DependencyError, RunError
from legged_gym.viewer.jobs import Jobs
from legged_gym.viewer.page import Page
from legged_gym.viewer.server import address, open_server
from tests.viewer.servers import free_server


@pytest.fixture
def page() -> Iterator[Page]:
    server = free_server()
    yield Page(server)
    server.stop()


def test_a_taken_port_is_said_and_the_next_one_used(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with caplog.at_level(logging.WARNING, "legged_gym"):
            server = open_server("127.0.0.1", port, "test", share=False)
        try:
            assert server.get_port() > port
            assert f"port {port} is taken" in caplog.text and str(server.get_port()) in caplog.text
            assert address(server) == f"http://127.0.0.1:{server.get_port()}"
        finally:
            server.stop()


def test_nobody_outside_this_machine_reaches_the_page(page: Page) -> None:
    port = page.server.get_port()
    with socket.create_connection(("127.0.0.1", port), timeout=5.0):
        pass
    outside = socket.gethostbyname(socket.gethostname())
    if outside.startswith("127."):
        pytest.skip("this machine has no other address")
    with pytest.raises(OSError), socket.create_connection((outside, port), timeout=1.0):
        pass


def test_a_connection_that_a_browser_did_not_use_is_no_error(
    page: Page, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_connection(("127.0.0.1", page.server.get_port()), timeout=5.0):
        pass
    logging.getLogger("websockets.server").error("opening handshake failed", exc_info=True)
    logging.getLogger("websockets.server").error("something else")
    assert "something else" in caplog.text and "handshake" not in caplog.text


def test_a_page_for_everybody_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "legged_gym"):
        server = open_server("0.0.0.0", 0, "test", share=False)
    try:
        assert "open to the network" in caplog.text
        assert address(server).startswith("http://localhost:")
    finally:
        server.stop()


def test_without_viser_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "viser" else find(name, *rest)
    )
    with pytest.raises(DependencyError, match=r"\[viewer\]"):
        free_server()


@pytest.mark.parametrize("share", [False, True])
def test_a_public_link_is_offered_only_when_it_is_asked_for(share: bool) -> None:
    server = open_server("127.0.0.1", 0, "test", share)
    try:
        sent = server.gui._websock_interface.get_message_buffer().message_from_id.values()
        themes = [message for message in sent if type(message).__name__ == "ThemeConfigurationMessage"]
        assert [theme.show_share_button for theme in themes] == [share]
    finally:
        server.stop()


# ---------------------------------------------------------------------- wishes and jobs


def test_wishes_are_done_in_order_by_whoever_fulfils_them(page: Page) -> None:
    done: list[tuple[int, int]] = []
    threads = [
        threading.Thread(target=page.post, args=(lambda i=i: done.append((i, threading.get_ident())),))
        for i in range(3)
    ]
    for thread in threads:
        thread.start()
        thread.join()
    assert not done
    assert page.fulfil() and not page.fulfil()
    assert done == [(i, threading.get_ident()) for i in range(3)]


def test_a_wish_that_cannot_be_granted_is_said_and_the_next_is_done(
    page: Page, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse() -> None:
        raise RunError("run x is gone")

    done = []
    page.post(refuse)
    page.post(lambda: 1 / 0)
    page.post(lambda: done.append(1))
    with caplog.at_level(logging.INFO, "legged_gym"):
        page.fulfil()
    assert done == [1]
    assert "run x is gone" in caplog.text and "ZeroDivisionError" in caplog.text


def wait_for(jobs: Jobs) -> None:
    end = time.monotonic() + 10.0
    while jobs.running and time.monotonic() < end:
        time.sleep(0.01)
    assert not jobs.running


def test_a_jobs_result_comes_back_as_a_wish(page: Page) -> None:
    jobs, results = Jobs(page), []
    jobs.start("sum", lambda: 2 + 3, results.append)
    wait_for(jobs)
    assert results == []
    page.fulfil()
    assert results == [5]


def test_a_job_that_fails_is_said(page: Page, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise RunError("no space left")

    jobs = Jobs(page)
    with caplog.at_level(logging.INFO, "legged_gym"):
        jobs.start("export", fail, lambda _: None)
        wait_for(jobs)
        jobs.start("video", lambda: 1 / 0, lambda _: None)
        wait_for(jobs)
    assert "export: no space left" in caplog.text and "video failed" in caplog.text


def test_a_job_that_is_under_way_is_not_begun_again(page: Page, caplog: pytest.LogCaptureFixture) -> None:
    jobs, go, runs = Jobs(page), threading.Event(), []

    def work() -> None:
        runs.append(1)
        go.wait(10.0)

    with caplog.at_level(logging.INFO, "legged_gym"):
        jobs.start("video", work, lambda _: None)
        jobs.start("video", work, lambda _: None)
    go.set()
    wait_for(jobs)
    assert len(runs) == 1 and "still under way" in caplog.text

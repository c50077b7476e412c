"""A page that is open before there is anything to be seen."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from io import StringIO
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from legged_gym.envs.base.viser_config import PageCfg
from legged_gym.scripts._page import COMING, show_page
from legged_gym.utils.errors import RunError
from legged_gym.viewer.server import address
from tests.viewer.browser import Page, open_browser, wait_until


def test_a_page_says_where_it_is_first_and_is_gone_when_nothing_can_be_shown() -> None:
    said = StringIO()

    def make(server: Any) -> Any:
        assert f"the page is at {address(server)}" in said.getvalue()
        ports.append(server.get_port())
        raise RunError("no such run")

    ports: list[int] = []
    with pytest.raises(RunError, match="no such run"):
        show_page(PageCfg(port=0), "test", Console(file=said, width=200), "working", make)
    with socket.socket() as again, pytest.raises(ConnectionRefusedError):
        again.connect(("127.0.0.1", ports[0]))


@pytest.mark.slow
def test_whoever_opened_the_page_early_sees_the_robot_from_where_all_others_do(
    make_command: Callable[..., Any], workdir: Any
) -> None:
    from legged_gym.scripts import play

    command, browser, made = make_command("--policy=zero"), open_browser(), []

    def fill(server: Any) -> Any:
        browser.get(address(server))
        wait_until(lambda: server.get_clients(), "the page")
        wait_until(lambda: COMING in browser.find_element("xpath", "//body").text, "what the page says")
        made.append(play.fill_page(command, server))
        return made[0]

    thread = threading.Thread(
        target=show_page,
        args=(command.cfg.env.viser, "test", Console(file=StringIO()), "working", fill),
        daemon=True,
    )
    thread.start()
    try:
        wait_until(lambda: made, "the viewer")
        assert COMING not in Page(browser, None).text()
        (early,) = made[0].server.get_clients().values()
        front = made[0].server.initial_camera
        wait_until(lambda: np.allclose(early.camera.position, front.position, atol=1e-3), "the camera")
        np.testing.assert_allclose(early.camera.look_at, front.look_at, atol=1e-3)
    finally:
        for viewer in made:
            viewer.stop()
        thread.join(30.0)
        browser.quit()

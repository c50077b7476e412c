"""Opens the viewer's page before anything slow is imported or built, so that a browser can load it meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.console import Console

from legged_gym.envs.base.viser_config import PageCfg
from legged_gym.viewer.server import address, open_server

if TYPE_CHECKING:
    import viser

    from legged_gym.viewer.app import Viewer

COMING = "What is to be seen here is being made."
"""What the page says until then."""


def show_page(
    cfg: PageCfg, title: str, console: Console, work: str, make: Callable[[viser.ViserServer], Viewer]
) -> None:
    """Open a page, say where it is, fill it, and play until Ctrl-C.

    Args:
        cfg: Where the page is.
        title: What stands over the panels.
        console: Told what happens.
        work: What filling the page takes, in words.
        make: Fills it.

    Raises:
        LeggedGymError: viser is not installed, or ``make`` failed; the page is gone then.
    """
    server = open_server(cfg.host, cfg.port, title, cfg.share)
    try:
        server.gui.add_markdown(COMING)
        console.print(f"the page is at {address(server)} (Ctrl-C ends it)", soft_wrap=True)
        with console.status(work):
            viewer = make(server)
    except BaseException:
        server.stop()
        raise
    viewer.clock.start()
    viewer.run()

"""The web server that carries the page."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
from typing import TYPE_CHECKING

from legged_gym.utils.errors import DependencyError

if TYPE_CHECKING:
    import viser

log = logging.getLogger(__name__)

EVERYWHERE = ("0.0.0.0", "::")
UNUSED = "opening handshake failed"
"""What the server's library calls an error, with a traceback: browsers open connections ahead and may not use them."""
SKY_RGB, BELOW_RGB, AMBIENT = (250, 250, 255), (200, 195, 190), 3.2
"""Light from everywhere, beside viser's lamps."""


def require_viser() -> None:
    """Say what is missing before anything is built.

    Raises:
        DependencyError: viser is not installed.
    """
    if importlib.util.find_spec("viser") is None:
        raise DependencyError(
            "the viewer needs viser, which the extra `viewer` brings: pip install -e '.[viewer]'"
        )


def open_server(host: str, port: int, title: str, share: bool) -> viser.ViserServer:
    """Serve an empty page, and say where.

    Args:
        host: Address to bind to.
        port: Port to bind to; where it is taken, the next one that is free.
        title: What stands over the panels.
        share: Whether the page offers a public link.

    Raises:
        DependencyError: viser is not installed.
    """
    require_viser()
    import viser

    logging.getLogger("websockets.server").addFilter(_worth_saying)
    with contextlib.redirect_stdout(io.StringIO()):  # a banner of its own
        server = viser.ViserServer(host=host, port=port, label=title, verbose=False)
    server.gui.configure_theme(
        control_width="large", show_logo=False, show_share_button=share, brand_color=(31, 95, 168)
    )
    # The default, light from a photograph of a city, keeps browsers without a GPU busy for three seconds.
    server.scene.configure_environment_map(None)
    server.scene.add_light_hemisphere(
        "/sky", sky_color=SKY_RGB, ground_color=BELOW_RGB, intensity=AMBIENT, position=(0.0, 0.0, 1.0)
    )
    bound = server.get_port()
    if port not in (0, bound):
        log.warning("port %d is taken; the page is at port %d instead", port, bound)
    if host in EVERYWHERE:
        log.warning("the page is open to the network: whoever reaches port %d can use it", bound)
    return server


def address(server: viser.ViserServer) -> str:
    """URL of the page on this machine."""
    host = server.get_host()
    return f"http://{'localhost' if host in EVERYWHERE else host}:{server.get_port()}"


def _worth_saying(record: logging.LogRecord) -> bool:
    return record.getMessage() != UNUSED

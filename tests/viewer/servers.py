"""Pages for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from legged_gym.viewer.server import open_server

if TYPE_CHECKING:
    import viser


def free_server() -> viser.ViserServer:
    """An empty page at any free port of this machine."""
    return open_server("127.0.0.1", 0, "test", share=False)

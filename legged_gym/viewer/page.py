"""What panels share: the server, a mailbox to the player's thread, and a voice."""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from legged_gym.utils.errors import LeggedGymError

if TYPE_CHECKING:
    import viser

log = logging.getLogger(__name__)

NOTICE_S = 8.0
"""How long a notice stays on the page; errors stay until they are closed."""
_COLORS = {"info": "blue", "good": "green", "bad": "red"}


@dataclass
class Page:
    """The server with all pages that are open. People's wishes are carried out one by one in the player's thread."""

    server: viser.ViserServer
    _wishes: queue.SimpleQueue[Callable[[], None]] = field(default_factory=queue.SimpleQueue)

    def post(self, wish: Callable[[], None]) -> None:
        """Have something done in the player's thread, between two steps. Any thread may call this."""
        self._wishes.put(wish)

    def fulfil(self) -> bool:
        """Do what was posted; returns whether there was anything. An error is said, and the player goes on."""
        any_done = False
        while True:
            try:
                wish = self._wishes.get_nowait()
            except queue.Empty:
                return any_done
            any_done = True
            try:
                wish()
            except LeggedGymError as error:
                self.say(str(error), "bad")
            except Exception:
                log.exception("a wish of the page failed; going on")
                self.say("This failed; the log says more. The player goes on.", "bad")

    def say(self, text: str, tone: Literal["info", "good", "bad"] = "info") -> None:
        """Tell the log and every page."""
        log.log(logging.WARNING if tone == "bad" else logging.INFO, "%s", text)
        for client in self.server.get_clients().values():
            client.add_notification(
                "", text, color=_COLORS[tone], auto_close_seconds=None if tone == "bad" else NOTICE_S
            )

    def on_update(self, handle: Any, wish: Callable[[Any], None]) -> Any:
        """Do something with the value of an input whenever a person changes it; returns the input."""

        @handle.on_update
        def _(event: viser.GuiEvent) -> None:
            if event.client is not None:  # else the program did, which knows
                value = handle.value
                self.post(lambda: wish(value))

        return handle

    def on_click(self, handle: Any, wish: Callable[[], None]) -> Any:
        """Do something when a button is pressed; returns the button."""

        @handle.on_click
        def _(_: viser.GuiEvent) -> None:
            self.post(wish)

        return handle

    def on_key(self, label: str, key: str, wish: Callable[[], None]) -> None:
        """Do something when a key is pressed on the page; the command palette has it too, under this label."""
        self.server.gui.add_command(label, hotkey=key).on_trigger(lambda _: self.post(wish))

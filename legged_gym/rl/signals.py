"""Ending a run when it suits the run: Ctrl-C and SIGTERM finish the current iteration first."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any


class StopRequest:
    """Context in which the first SIGINT or SIGTERM sets :attr:`requested` instead of ending the process.

    The second one does what it did before: someone who insists gets their way. Outside the main thread, where
    python does not deliver signals, nothing is caught.
    """

    requested: bool
    """Whether a signal has arrived."""

    def __init__(self) -> None:
        """Start with no request."""
        self.requested = False
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> StopRequest:
        """Take over the two signals."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._request)
        return self

    def __exit__(self, *_: object) -> None:
        """Give the signals back."""
        while self._previous:
            number, handler = self._previous.popitem()
            signal.signal(number, handler)

    def _request(self, _number: int, _frame: FrameType | None) -> None:
        """Note the request and restore the former handlers."""
        self.requested = True
        self.__exit__()

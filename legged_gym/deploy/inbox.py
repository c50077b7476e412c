"""Low states as they arrive, handed to whoever asks; what all transports share."""

from __future__ import annotations

import threading
import time
from collections import deque

from legged_gym.deploy.messages import crc_is_right, decode_state
from legged_gym.deploy.transport import LowState

_KEPT = 256
"""Half a second of states for :meth:`Inbox.take`."""


class Inbox:
    """Checks, decodes and keeps states; one thread puts, any threads ask."""

    def __init__(self) -> None:
        """Nothing has arrived."""
        self.received = self.bad_crc = self.bad_crc_in_row = 0
        self._latest: LowState | None = None
        self._waited: LowState | None = None
        self._untaken: deque[LowState] = deque(maxlen=_KEPT)
        self._arrival = threading.Condition()

    def put(self, struct: bytes | None, received: float) -> None:
        """Take in a state's struct that arrived at ``received``; None and a wrong checksum count as bad."""
        if struct is None or not crc_is_right(struct):
            self.bad_crc += 1
            self.bad_crc_in_row += 1
            return
        state = decode_state(struct, received)
        with self._arrival:
            self.received += 1
            self.bad_crc_in_row = 0
            self._latest = state
            self._untaken.append(state)
            self._arrival.notify_all()

    def latest(self) -> LowState | None:
        """See :meth:`Transport.latest`."""
        return self._latest

    def wait(self, timeout_s: float) -> LowState | None:
        """See :meth:`Transport.wait`."""
        deadline = time.monotonic() + timeout_s
        with self._arrival:
            while self._latest is self._waited:
                left = deadline - time.monotonic()
                if left <= 0.0:
                    return None
                self._arrival.wait(left)
            self._waited = self._latest
            return self._waited

    def take(self) -> list[LowState]:
        """See :meth:`Transport.take`."""
        with self._arrival:
            states = list(self._untaken)
            self._untaken.clear()
            return states

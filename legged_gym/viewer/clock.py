"""How fast time goes on the page, and how fast it was meant to."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

SPEEDS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0)
"""Target speeds on offer, times real time."""
LARGEST_DEBT_S = 0.25
"""Time that may be caught up with; what is lost beyond it stays lost, so that a stall is not followed by a rush."""
WINDOW_S = 1.0
"""Achieved speed is over so much time."""


class Clock:
    """Says how many control steps are due. Time stands still until it is started."""

    def __init__(self, step_dt: float, now: Callable[[], float] = time.perf_counter) -> None:
        """A stopped clock at real time.

        Args:
            step_dt: Control period, s.
            now: Seconds from any zero; tests have their own.
        """
        self.step_dt, self.target = step_dt, 1.0
        self._now, self._running = now, False
        self._last = now()
        self._debt = 0.0  # simulated seconds that are due
        self._made: deque[tuple[float, int]] = deque([(self._last, 0)])

    @property
    def running(self) -> bool:
        """Whether time goes on."""
        return self._running

    def start(self) -> None:
        """Time goes on."""
        if not self._running:
            self._running, self._debt, self._last = True, 0.0, self._now()
            self._made = deque([(self._last, 0)])

    def stop(self) -> None:
        """Time stands still."""
        self._running = False

    def due(self) -> int:
        """Control steps that are to be made now. Count them with :meth:`made`."""
        if not self._running:
            return 0
        now = self._now()
        self._debt += (now - self._last) * self.target
        self._last = now
        self._debt = min(self._debt, max(LARGEST_DEBT_S * self.target, self.step_dt))
        # A quarter of a millisecond early is on time: sleeping is no more exact.
        return int((self._debt + 2.5e-4 * self.target) / self.step_dt)

    def made(self, steps: int) -> None:
        """So many control steps have been made."""
        if not self._running:
            return
        self._debt -= steps * self.step_dt
        self._made.append((self._now(), steps))
        while len(self._made) > 2 and self._made[-1][0] - self._made[1][0] > WINDOW_S:
            self._made.popleft()

    def wait_s(self) -> float:
        """Seconds until the next step is due; a standing clock says a fiftieth of a second, for whoever polls."""
        if not self._running:
            return 0.02
        return max(0.0, (self.step_dt - self._debt) / self.target - (self._now() - self._last))

    @property
    def achieved(self) -> float:
        """Speed of the last second, times real time; 0 while time stands still."""
        if not self._running or len(self._made) < 2:
            return 0.0
        first, last = self._made[0][0], self._made[-1][0]
        steps = sum(count for _, count in list(self._made)[1:])
        return steps * self.step_dt / (last - first) if last > first else 0.0

"""Keeping time in a loop that has to run every few milliseconds."""

from __future__ import annotations

import contextlib
import os
import time

FIFO_PRIORITY = 50
"""Above ordinary programs, below the kernel's own real-time threads (up to 99)."""


def use_realtime_scheduling() -> bool:
    """Let this process, and every thread started from now on, run before all ordinary programs.

    All threads of a Python program that must not wait have to be among them: one that does not may be put aside while
    it holds the interpreter's lock.

    Returns:
        Whether the system allows it: on Linux, to root or with a limit ``rtprio`` of 50 or more.
    """
    if not hasattr(os, "sched_setscheduler"):
        return False
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(FIFO_PRIORITY))
        return True
    return False


class Pacer:
    """Deadlines a fixed time apart. Being late moves none of them: a loop that was held up catches up."""

    def __init__(self, period_s: float, most_behind_s: float) -> None:
        """The first deadline is one period from now.

        Args:
            period_s: Time between deadlines.
            most_behind_s: A loop that is later than this gives up the deadlines it has missed.
        """
        self._period, self._most_behind = period_s, most_behind_s
        self._next = time.monotonic() + period_s
        self.num_late = 0
        """Deadlines that were missed by more than a period."""
        self.num_skipped = 0
        """Deadlines given up."""
        self.worst_s = 0.0
        """Largest lateness so far."""

    def wait(self) -> float:
        """Sleep until the next deadline, if it is not past.

        Returns:
            How late it is now, s.
        """
        left = self._next - time.monotonic()
        if left > 0.0:
            time.sleep(left)
        late = time.monotonic() - self._next
        self._next += self._period
        self.worst_s = max(self.worst_s, late)
        self.num_late += late > self._period
        if late > self._most_behind:
            skipped = int(late / self._period)
            self.num_skipped += skipped
            self._next += skipped * self._period
        return late

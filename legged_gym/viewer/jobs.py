"""Work that takes long and goes on beside the player: evaluation, export, video."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from legged_gym.utils.errors import LeggedGymError
from legged_gym.viewer.page import Page

log = logging.getLogger(__name__)

Result = TypeVar("Result")


class Jobs:
    """One thread for each job, one job of each name at a time."""

    def __init__(self, page: Page) -> None:
        """Nothing is under way."""
        self._page = page
        self._running: set[str] = set()

    def start(self, name: str, work: Callable[[], Result], then: Callable[[Result], None]) -> None:
        """Begin a job, or say that one of this name is under way.

        Args:
            name: What the page calls it.
            work: Done in a thread of its own, so it shares nothing with the player.
            then: Gets the result, in the player's thread.
        """
        if name in self._running:
            self._page.say(f"{name} is still under way")
            return
        self._running.add(name)
        self._page.say(f"{name} begins")
        threading.Thread(target=self._run, args=(name, work, then), name=name, daemon=True).start()

    @property
    def running(self) -> frozenset[str]:
        """Names of the jobs under way."""
        return frozenset(self._running)

    def _run(self, name: str, work: Callable[[], Result], then: Callable[[Result], None]) -> None:
        try:
            result = work()
        except LeggedGymError as error:
            self._page.say(f"{name}: {error}", "bad")
        except Exception:
            log.exception("%s failed", name)
            self._page.say(f"{name} failed; the log says more", "bad")
        else:
            self._page.post(lambda: then(result))
        finally:
            self._running.discard(name)

"""How the last episodes went."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass

KEPT = 200
"""Episodes that are remembered."""
SUCCESS = "reached the end"


@dataclass(frozen=True)
class Episode:
    """An episode that is over."""

    number: int
    """Counted from 1 over all robots."""
    robot: int
    on: str
    """The clip or ground it was played on."""
    policy: str
    start_s: float
    """Clip time it started at, s; 0 for tasks without clips."""
    seconds: float
    """How long it lasted."""
    outcome: str
    """What ended it: SUCCESS or the rule that it failed by."""


class EpisodeLog:
    """The last episodes, newest first."""

    def __init__(self) -> None:
        """Nothing has happened yet."""
        self._count = 0
        self.episodes: deque[Episode] = deque(maxlen=KEPT)

    def add(self, robot: int, on: str, policy: str, start_s: float, seconds: float, outcome: str) -> None:
        """Note an episode that has ended; see :class:`Episode`."""
        self._count += 1
        self.episodes.appendleft(Episode(self._count, robot, on, policy, start_s, seconds, outcome))

    def causes(self) -> Counter[str]:
        """How often each outcome is among the episodes that are remembered."""
        return Counter(episode.outcome for episode in self.episodes)

    def clear(self) -> None:
        """Forget everything."""
        self.episodes.clear()

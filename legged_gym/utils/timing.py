"""How long the parts of something take."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class PartTimer:
    """Adds up seconds by name: ``with timer("physics"): ...``."""

    def __init__(self) -> None:
        """Nothing has taken any time."""
        self._seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        """Add the time of a block."""
        start = time.perf_counter()
        yield
        self._seconds[part] += time.perf_counter() - start

    def collect(self) -> dict[str, float]:
        """Seconds of each part since the last call."""
        result = dict(self._seconds)
        self._seconds.clear()
        return result

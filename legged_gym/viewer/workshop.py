"""What the page needs that it cannot know: it has neither a command line nor a learner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.viewer.shelf import Shelf


@dataclass(frozen=True)
class Workshop:
    """What scripts lend to the page."""

    shelf: Shelf
    """The policies there are."""
    make_judge: Callable[[int], LeggedRobot]
    """Builds an environment to judge policies in, with so many robots."""
    export: Callable[[Path, Path], None]
    """Writes the policy of a checkpoint as a bundle into a folder, as export.py does."""
    success_rates: Callable[[Path], Mapping[str, float]]
    """What is known of how often a checkpoint succeeds on clips, by name."""

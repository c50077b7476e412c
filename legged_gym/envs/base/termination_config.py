"""Configuration of when an episode has failed, and of what becomes stricter with success. No heavy import."""

from __future__ import annotations

from dataclasses import dataclass, field

from legged_gym.utils.errors import ConfigError


@dataclass
class BaseTerminationsCfg:
    """When any legged robot's episode has failed, beside the contact rules in asset. None switches a rule off."""

    base_height: float | None = None
    """Root lower than this over the ground, m."""
    tilt: float | None = None
    """Angle between the root's vertical and the world's, rad."""
    dof_pos_limits: float | None = None
    """Any joint beyond its range by more than this, rad."""
    dof_vel_limits: float | None = None
    """Any joint faster than this times its motor's no-load speed."""


@dataclass
class CurriculumCfg:
    """What becomes stricter, in equal moves, while episodes succeed. Nothing does where both lists are empty."""

    thresholds: list[str] = field(default_factory=list)
    """Failure rules that begin loose, such as link_pos_error, anchor_height."""
    first_slack: float = 2.0
    """Factor of their thresholds at the beginning; 1 at the end."""
    penalties: list[str] = field(default_factory=list)
    """Reward terms whose weight begins small, such as action_rate, torques."""
    first_share: float = 0.1
    """Factor of their weights at the beginning; 1 at the end."""
    success_bound: float = 0.8
    """A move needs a larger share than this of episodes that end without failing."""
    episodes_per_move: int = 256
    """Episodes that are judged for each move, at least."""
    num_moves: int = 20
    """Moves from the beginning to the end."""

    def check(self) -> None:
        """Refuse values that make nothing stricter.

        Raises:
            ConfigError: Names the field, its value and what is right.
        """
        for name, fine, right in (
            ("first_slack", self.first_slack >= 1.0, "1 or more"),
            ("first_share", 0.0 <= self.first_share <= 1.0, "between 0 and 1"),
            ("success_bound", 0.0 <= self.success_bound < 1.0, "0 or more and below 1"),
            ("episodes_per_move", self.episodes_per_move >= 1, "1 or more"),
            ("num_moves", self.num_moves >= 1, "1 or more"),
        ):
            if not fine:
                raise ConfigError(f"curriculum.{name} is {getattr(self, name)}; it must be {right}")

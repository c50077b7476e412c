"""When a robot that should walk has fallen. Each rule tells (num_envs,) bool."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from torch import Tensor

from legged_gym.envs.terms.observations import projected_gravity

if TYPE_CHECKING:
    from legged_gym.envs.base.robot_velocity import RobotVelocity


def base_height(env: RobotVelocity) -> Tensor:
    """Root too low over the ground."""
    return env.base_height < env.cfg.terminations.base_height


def tilt(env: RobotVelocity) -> Tensor:
    """Root too far from upright."""
    return projected_gravity(env)[:, 2] > -math.cos(env.cfg.terminations.tilt)


def active_rules() -> list[tuple[str, Callable[[RobotVelocity], Tensor]]]:
    """Name and function of every one of these rules; all are always on."""
    return [(rule.__name__, rule) for rule in (base_height, tilt)]

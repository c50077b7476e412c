"""When an episode has failed. Each rule tells (num_envs,) bool; a rule whose threshold is None is not used."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from legged_gym.envs.terms.observations import projected_gravity

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot
    from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg


def base_height(env: LeggedRobot) -> Tensor:
    """Root too low over the ground."""
    return env.base_height < env.cfg.terminations.base_height


def tilt(env: LeggedRobot) -> Tensor:
    """Root too far from upright."""
    limit = env.cfg.terminations.tilt * env.curriculum.slack("tilt")
    return projected_gravity(env)[:, 2] > -math.cos(min(limit, math.pi))


def forbidden_contact(env: LeggedRobot) -> Tensor:
    """A body of asset.terminate_after_contacts_on pushed with more than 1 N."""
    force = torch.linalg.vector_norm(env.sim.contact_force_w[:, env.forbidden], dim=-1)
    return (force > 1.0).any(-1)


def large_foot_contact_force(env: LeggedRobot) -> Tensor:
    """A foot hits the ground with more than asset.large_feet_contact_force_threshold."""
    force = torch.linalg.vector_norm(env.sim.contact_force_w[:, env.feet], dim=-1)
    return (force > env.cfg.asset.large_feet_contact_force_threshold).any(-1)


def dof_pos_limits(env: LeggedRobot) -> Tensor:
    """A joint too far beyond its range."""
    q, beyond = env.sim.dof_pos, env.cfg.terminations.dof_pos_limits
    return ((q < env.dof_lower - beyond) | (q > env.dof_upper + beyond)).any(-1)


def dof_vel_limits(env: LeggedRobot) -> Tensor:
    """A joint faster than its motor could turn it, times a factor."""
    limit = env.cfg.terminations.dof_vel_limits * env.velocity_limit
    return (env.sim.dof_vel.abs() > limit).any(-1)


def thresholds(cfg: LeggedRobotCfg) -> dict[str, float | None]:
    """Threshold of each of these rules that a curriculum may let begin loose; None where it is off."""
    return {"tilt": cfg.terminations.tilt}


def active_rules(cfg: LeggedRobotCfg) -> list[tuple[str, Callable[[LeggedRobot], Tensor]]]:
    """Name and function of every one of these rules that the configuration switches on."""
    rules = [
        (base_height, cfg.terminations.base_height is not None),
        (tilt, cfg.terminations.tilt is not None),
        (forbidden_contact, bool(cfg.asset.terminate_after_contacts_on)),
        (large_foot_contact_force, cfg.asset.terminate_after_large_feet_contact_forces),
        (dof_pos_limits, cfg.terminations.dof_pos_limits is not None),
        (dof_vel_limits, cfg.terminations.dof_vel_limits is not None),
    ]
    return [(rule.__name__, rule) for rule, active in rules if active]

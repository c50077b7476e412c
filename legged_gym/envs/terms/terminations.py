"""When an episode has failed. Each rule tells (num_envs,) bool; a rule whose threshold is None is not used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot
    from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg


def forbidden_contact(env: LeggedRobot) -> Tensor:
    """A body of asset.terminate_after_contacts_on pushed with more than 1 N."""
    force = torch.linalg.vector_norm(env.sim.contact_force_w[:, env.forbidden], dim=-1)
    return (force > 1.0).any(-1)


def large_foot_contact_force(env: LeggedRobot) -> Tensor:
    """A foot hits the ground with more than asset.large_feet_contact_force_threshold."""
    force = torch.linalg.vector_norm(env.sim.contact_force_w[:, env.feet], dim=-1)
    return (force > env.cfg.asset.large_feet_contact_force_threshold).any(-1)


def active_rules(cfg: LeggedRobotCfg) -> list[tuple[str, Callable[[LeggedRobot], Tensor]]]:
    """Name and function of every one of these rules that the configuration switches on."""
    rules = [
        (forbidden_contact, bool(cfg.asset.terminate_after_contacts_on)),
        (large_foot_contact_force, cfg.asset.terminate_after_large_feet_contact_forces),
    ]
    return [(rule.__name__, rule) for rule, active in rules if active]

"""When a robot has lost its reference. Each rule tells (num_envs,) bool; a rule whose threshold is None is not used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from torch import Tensor

from legged_gym.utils import math

if TYPE_CHECKING:
    from legged_gym.envs.base.robot_deepmimic import RobotDeepMimic
    from legged_gym.envs.base.robot_deepmimic_config import RobotDeepMimicCfg

Rule = Callable[["RobotDeepMimic"], Tensor]


def link_pos_error(env: RobotDeepMimic) -> Tensor:
    """Any tracked link too far from the reference, world frame."""
    error = env.of_tracked(env.sim.body_pos_w) - env.of_tracked(env.reference.body_pos_w)
    limit = env.cfg.deepmimic.link_pos_error_threshold * env.curriculum.slack("link_pos_error")
    return (error.square().sum(-1) > limit**2).any(-1)


def anchor_height(env: RobotDeepMimic) -> Tensor:
    """Anchor too high or too low."""
    error = (env.anchor_pos_w[:, 2] - env.ref_anchor_pos_w[:, 2]).abs()
    return error > env.cfg.terminations.anchor_height * env.curriculum.slack("anchor_height")


def anchor_distance(env: RobotDeepMimic) -> Tensor:
    """Anchor too far away in the horizontal plane."""
    error = (env.anchor_pos_w - env.ref_anchor_pos_w)[:, :2].square().sum(-1)
    limit = env.cfg.terminations.anchor_distance * env.curriculum.slack("anchor_distance")
    return error > limit**2


def anchor_tilt(env: RobotDeepMimic) -> Tensor:
    """Gravity direction in the anchor frame too different from the reference's, vertical component."""
    down = math.quat_rotate_inverse(env.anchor_quat, env.gravity_dir_w)[:, 2]
    down_ref = math.quat_rotate_inverse(env.ref_anchor_quat, env.gravity_dir_w)[:, 2]
    limit = env.cfg.terminations.anchor_tilt * env.curriculum.slack("anchor_tilt")
    return (down - down_ref).abs() > limit


def end_effector_height(env: RobotDeepMimic) -> Tensor:
    """Any end effector too high or too low."""
    error = env.sim.body_pos_w[..., 2] - env.reference.body_pos_w[..., 2]  # [N, bodies]
    ends = error.index_select(1, env.end_effectors)
    limit = env.cfg.terminations.end_effector_height * env.curriculum.slack("end_effector_height")
    return (ends.abs() > limit).any(-1)


RULES = (link_pos_error, anchor_height, anchor_tilt, anchor_distance, end_effector_height)
DRIVEN_RULES = (anchor_height, anchor_tilt)


def thresholds(cfg: RobotDeepMimicCfg) -> dict[str, float | None]:
    """Threshold of each of these rules; None where it is off. A curriculum may let each begin loose."""
    of_anchor = {rule.__name__: getattr(cfg.terminations, rule.__name__) for rule in RULES[1:]}
    return {"link_pos_error": cfg.deepmimic.link_pos_error_threshold} | of_anchor


def active_rules(cfg: RobotDeepMimicCfg, driven: int, num_envs: int) -> list[tuple[str, Rule]]:
    """Name and function of every one of these rules that the configuration switches on.

    For the first ``driven`` envs only those for a reference that is not to be reached, and stands while robots walk.
    """
    known = thresholds(cfg)
    rules = DRIVEN_RULES if driven == num_envs else RULES
    return [
        (rule.__name__, rule if rule in DRIVEN_RULES or not driven else _except_first(driven, rule))
        for rule in rules
        if known[rule.__name__] is not None
    ]


def _except_first(driven: int, rule: Rule) -> Rule:
    def rule_of_the_others(env: RobotDeepMimic) -> Tensor:
        broken = rule(env)
        broken[:driven] = False
        return broken

    return rule_of_the_others

"""What an env offers to policies that were trained in another one: what they would see, and what they would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from typing import Any

from legged_gym.envs.base.action_pipeline import ActionPipeline
from legged_gym.envs.base.action_space import ActionTranslator
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.envs.terms.layout import HISTORY_PREFIX, Observations
from legged_gym.utils.config import from_dict, get_value
from legged_gym.utils.config_values import to_plain
from legged_gym.utils.errors import ConfigError

_SCALED = ("torso", "torso_real")
_ANCHORED = (
    "body_pos_b", "body_rot6d_b", "anchor_pos_error_b", "anchor_rot6d_error", "future_anchor", "torso_xy_rel",
    "torso_yaw_rel", "torso_xy", "torso_yaw",
)  # fmt: skip
SETTINGS: dict[str, Sequence[str]] = {
    "normalization.clip_observations": (),
    "normalization.lin_vel": ("torso",),
    "normalization.ang_vel": _SCALED,
    "normalization.dof_pos": _SCALED,
    "normalization.dof_vel": _SCALED,
    "deepmimic.anchor_body_name": _ANCHORED,
    "deepmimic.tracked_body_names": ("body_pos_b", "body_rot6d_b", "deepmimic", "link_heights"),
    "deepmimic.upper_body_joints": ("upper_body_joint_targets",),
    "sensors.root_height": ("root_height", "torso"),
    "sensors.link_heights": ("link_heights", "deepmimic"),
    "sensors.terrain_height": ("terrain_height",),
    "sensors.terrain_height_noisy": ("terrain_height_noisy",),
    "sensors.depth": ("depth",),
}
"""What terms mean by their numbers: field of the configuration -> the terms that read it, () for all."""


class GuestPolicies:
    """Part of every :class:`LeggedRobot`."""

    cfg: LeggedRobotCfg
    pipeline: ActionPipeline
    _observations: Observations

    def action_translator(self, space: Mapping[str, Any]) -> ActionTranslator:
        """What says a guest's actions (N, J) in this env's: they ask of the servos in the coming step the same.

        Args:
            space: The guest's actions, see :func:`action_space.space_from`. The same ``space`` has one translator.

        Raises:
            LeggedGymError: The guest could not ask these servos for what it asked its own; names what differs.
        """
        translators = self.pipeline.translators
        for translator in translators:
            if translator.described is space:
                return translator
        translators.append(ActionTranslator(self, space))
        return translators[-1]

    def add_observation_group(
        self, name: str, layout: Sequence[Mapping[str, Any]], space: Mapping[str, Any] | None = None
    ) -> None:
        """From now on, observations hold one more group, free of errors; it is no part of ``observation_layout``.

        Args:
            name: Name of the group. One of that name is replaced.
            layout: Its terms as checkpoints hold them: name, start, stop, history, scale and clip.
            space: The actions of the policy that sees them, if they are not this env's: see :meth:`action_translator`.

        Raises:
            ConfigError: The env lacks a term, or has it in another size, or means something else by it; lists all.
        """
        _check_settings(name, layout, (space or {}).get("env", {}), self.cfg)
        self._observations.add(name, layout, self.action_translator(space) if space else None)


def _check_settings(
    group: str, layout: Sequence[Mapping[str, Any]], theirs: Mapping[str, Any], ours: LeggedRobotCfg
) -> None:
    """Refuse terms that had another meaning under another configuration; what it does not hold is as here."""
    terms = {term["name"].removeprefix(HISTORY_PREFIX) for term in layout}
    problems = []
    for path, readers in SETTINGS.items():
        section, _, name = path.partition(".")
        read = sorted(terms.intersection(readers or terms))
        if read and name in theirs.get(section, {}):
            there, here = _fields(theirs[section][name], get_value(ours, path), path)
            problems += [
                f"{field} is {value} there and {here[field]} here ({', '.join(read)})"
                for field, value in there.items()
                if value != here[field]
            ]
    if problems:
        raise ConfigError(f"observation group {group}: {'; '.join(problems)}")


def _fields(there: Any, here: Any, path: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two values at a path as plain data by full path; of sensors, what they measure and not how well."""
    if not is_dataclass(here):
        return {path: to_plain(there)}, {path: to_plain(here)}
    both = (from_dict(there, here, path), here)
    plain = [to_plain(cfg.clean() if hasattr(cfg, "clean") else cfg) for cfg in both]
    theirs, ours = ({f"{path}.{name}": value for name, value in fields.items()} for fields in plain)
    return theirs, ours

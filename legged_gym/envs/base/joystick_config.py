"""Whom a joystick can drive, and how far: light enough to be asked before anything is built."""

from __future__ import annotations

from dataclasses import replace

from legged_gym.envs.base.robot_deepmimic_config import RobotDeepMimicCfg
from legged_gym.envs.base.robot_velocity_config import CommandRangesCfg, CommandsCfg
from legged_gym.utils.errors import ConfigError

LEASH_M = 0.5
"""The target is never further than this ahead of or behind the robot, nor to either side of it, m (the original's)."""
LEASH_RAD = 0.3
"""Nor turned by more than this against it, rad (the original's)."""
RAMP = (0.6, 0.4, 0.8)
"""By how much a target's velocity changes in a second on its way to the command, m/s^2 and rad/s^2: about that of the
walks by command that ship, where it takes two to three steps."""
BY_HAND = CommandsCfg(resampling_time=1e6, dead_band=0.0)
"""Commands that stay until they are set anew."""
DRAWN = CommandsCfg(
    ranges=CommandRangesCfg(lin_vel_x=(-0.5, 0.5), lin_vel_y=(-0.3, 0.3), ang_vel_yaw=(-0.3, 0.3))
)
"""Commands of an evaluation: a new one every 5 s, some of them to stand."""
CLIP_TERMS = (
    "ref_dof_pos", "ref_dof_vel", "target_joints", "future_ref_dof_pos", "future_anchor", "phase", "deepmimic",
)  # fmt: skip
"""Observations that only a clip can give."""


def scaled(commands: CommandsCfg, by: float) -> CommandsCfg:
    """The same commands, but ``by`` times as far."""
    ranges = {name: (by * low, by * high) for name, (low, high) in vars(commands.ranges).items()}
    return replace(commands, ranges=CommandRangesCfg(**ranges), max_speed=by * commands.max_speed)


def check_drivable(cfg: RobotDeepMimicCfg) -> None:
    """Refuse policies that see, or whose actions are about, what only a clip has.

    Raises:
        ConfigError: The policy is such a one; says why.
    """
    control = cfg.control
    if control.action_type == "residual" or control.feed_forward != "none":
        raise ConfigError(
            f"env.control: actions of type {control.action_type} with feed_forward={control.feed_forward} are about a "
            "clip's joints, so no joystick can drive this policy; students act about the default pose"
        )
    seen = [name for name in cfg.observations.actor if name.removeprefix("history_") in CLIP_TERMS]
    if seen:
        raise ConfigError(
            f"env.observations.actor: {', '.join(seen)} can only come from a clip, not from a joystick"
        )

"""How policies are judged: where episodes start and which physics they run in. Imports nothing heavy."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from legged_gym.envs.base.legged_robot_config import InitNoiseCfg, LeggedRobotCfg
from legged_gym.envs.base.robot_deepmimic_config import RobotDeepMimicCfg
from legged_gym.envs.base.robot_velocity_config import RobotVelocityCfg
from legged_gym.utils.errors import ConfigError

Physics = Literal["fine", "as_trained"]
EnvConfig = TypeVar("EnvConfig", bound=LeggedRobotCfg)

FINE_DT = 0.005
"""Longest physics step of a fine evaluation, s."""
START_NOISE = InitNoiseCfg(
    root_xy=0.015, root_z=0.003, root_rot=0.03, root_lin_vel=0.15, root_ang_vel=0.2, dof_pos=0.03
)
"""Noise of the episodes from the first frame, whatever the policy was trained with, so that results compare."""


@dataclass
class ProtocolArgs:
    """Options of an evaluation."""

    num_starts: int = 32
    """Episodes per clip that start at evenly spaced frames, exactly on the reference. The rates count these."""
    num_from_start: int = 32
    """Episodes per clip that start at its first frame, with small noise on the state; reported apart."""
    start_noise: float = 1.0
    """Scale of that noise: times 15 mm and 3 mm of position, 0.03 rad, 0.15 m/s, 0.2 rad/s, 0.03 rad of the joints."""
    num_trials: int = 64
    """Tasks that follow commands: number of trials, spread over the kinds and levels of ground."""
    trial_seconds: float = 20.0
    """Tasks that follow commands: length of a trial, s; the command changes as in training."""
    physics: Physics = "fine"
    """fine: physics steps of at most 5 ms at the same control rate. as_trained: the steps it was trained with."""


def check_protocol(protocol: ProtocolArgs) -> None:
    """Refuse numbers of episodes that leave nothing to judge.

    Raises:
        ConfigError: An option is out of range.
    """
    if protocol.num_starts < 1:
        raise ConfigError(f"--num_starts={protocol.num_starts}: must be at least 1")
    if protocol.num_from_start < 0:
        raise ConfigError(f"--num_from_start={protocol.num_from_start}: must be 0 or more")
    if protocol.num_trials < 1:
        raise ConfigError(f"--num_trials={protocol.num_trials}: must be at least 1")
    if not protocol.trial_seconds > 0.0:
        raise ConfigError(f"--trial_seconds={protocol.trial_seconds}: must be positive")
    if protocol.start_noise < 0.0:
        raise ConfigError(f"--start_noise={protocol.start_noise}: must be 0 or more")


def evaluation_config(cfg: EnvConfig, physics: Physics, start_noise: float = 1.0) -> EnvConfig:
    """The configuration of an environment to judge a policy in.

    Args:
        cfg: What it was trained in; left as it is.
        physics: See :class:`ProtocolArgs`.
        start_noise: See :class:`ProtocolArgs`.

    Raises:
        ConfigError: The control period is no multiple of the fine physics step.
    """
    cfg = copy.deepcopy(cfg)
    start = {name: start_noise * scale for name, scale in vars(START_NOISE).items()}
    cfg.noise = cfg.noise.only_at_start(replace(START_NOISE, **start))
    cfg.domain_rand = cfg.domain_rand.off()
    if isinstance(cfg, RobotDeepMimicCfg):
        cfg.deepmimic.init_default_frac = cfg.deepmimic.respawn_z_offset = 0.0
        cfg.deepmimic.init_velocities, cfg.deepmimic.randomize_terrain_offset = True, False
    if isinstance(cfg, RobotVelocityCfg):
        cfg.terrain.curriculum = False
    for name, sensor in vars(cfg.sensors).items():
        if hasattr(sensor, "clean"):
            setattr(cfg.sensors, name, sensor.clean())
    if physics == "fine" and cfg.sim.dt > FINE_DT:
        period = cfg.sim.dt * cfg.control.decimation
        decimation = round(period / FINE_DT)
        if abs(decimation * FINE_DT - period) > 1e-9:
            raise ConfigError(
                f"--physics=fine: the control period of {period:g} s is no multiple of {FINE_DT} s; "
                "use --physics=as_trained"
            )
        cfg.sim.dt, cfg.control.decimation = FINE_DT, decimation
    return cfg

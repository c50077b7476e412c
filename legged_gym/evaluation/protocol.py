"""How policies are judged: where episodes start and which physics they run in. Imports nothing heavy."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from legged_gym.envs.base.joystick_config import check_drivable
from legged_gym.envs.base.legged_robot_config import InitNoiseCfg, LeggedRobotCfg
from legged_gym.envs.base.robot_deepmimic_config import RobotDeepMimicCfg
from legged_gym.envs.base.robot_velocity_config import RobotVelocityCfg
from legged_gym.utils.errors import ConfigError

Physics = Literal["fine", "as_trained"]
Ground = Literal["flat", "terrain"]
EnvConfig = TypeVar("EnvConfig", bound=LeggedRobotCfg)

FINE_DT = 0.005
"""Longest physics step of a fine evaluation, s."""
START_NOISE = InitNoiseCfg(
    root_xy=0.015, root_z=0.003, root_rot=0.03, root_lin_vel=0.15, root_ang_vel=0.2, dof_pos=0.03
)
"""Noise of the episodes from the first frame, whatever the policy was trained with, so that results compare."""
TRIAL_S, DRIVEN_TRIAL_S = 20.0, 60.0
"""Length of a trial of walking by command, and of one by joystick, s."""
DRIVEN_STARTS: dict[Ground, str] = {"flat": "stand.npz", "terrain": "terrain/*.npz"}
"""Clips of the robot at whose first frame trials by joystick begin."""


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
    """Walking by command: number of trials, spread over the grounds."""
    trial_seconds: float | None = None
    """Walking by command: length of a trial, s; None: 20, and 60 with --joystick. The command changes every 5 s."""
    joystick: bool = False
    """Tasks that follow clips: judge how a student walks by command, see doc/distillation.md."""
    on: Ground = "flat"
    """With --joystick: level ground, or the terrains that ship; typed clips win."""
    physics: Physics = "fine"
    """fine: physics steps of at most 5 ms at the same control rate. as_trained: the steps it was trained with."""

    @property
    def seconds_per_trial(self) -> float:
        """Length of a trial, s."""
        return self.trial_seconds or (DRIVEN_TRIAL_S if self.joystick else TRIAL_S)


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
    if protocol.trial_seconds is not None and not protocol.trial_seconds > 0.0:
        raise ConfigError(f"--trial_seconds={protocol.trial_seconds}: must be positive")
    if protocol.on != "flat" and not protocol.joystick:
        raise ConfigError(f"--on={protocol.on}: goes with --joystick")
    if protocol.start_noise < 0.0:
        raise ConfigError(f"--start_noise={protocol.start_noise}: must be 0 or more")


def driven_config(cfg: RobotDeepMimicCfg, ground: Ground) -> RobotDeepMimicCfg:
    """A configuration to drive robots by joystick in, on the ground of :class:`ProtocolArgs`; ``cfg`` is left alone.

    Raises:
        ConfigError: It is of a task that has no clips to do without, or of a policy that cannot do without them.
    """
    if not isinstance(cfg, RobotDeepMimicCfg):
        raise ConfigError("--joystick: this task follows commands already; leave it out")
    check_drivable(cfg)
    cfg = copy.deepcopy(cfg)
    cfg.deepmimic.amass_replay_data_path = [f"{cfg.asset.robot}/{DRIVEN_STARTS[ground]}"]
    cfg.deepmimic.use_amass, cfg.deepmimic.use_human_videos = True, False
    cfg.deepmimic.amass_terrain_difficulty = 1
    return cfg


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
    cfg.domain_rand, cfg.asset.use_alt_files = cfg.domain_rand.off(), False
    if isinstance(cfg, RobotDeepMimicCfg):
        cfg.deepmimic.init_default_frac = cfg.deepmimic.respawn_z_offset = 0.0
        cfg.deepmimic.init_velocities, cfg.deepmimic.randomize_terrain_offset = True, False
        cfg.deepmimic.joystick_share = 0.0
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

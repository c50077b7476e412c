"""Configuration of a legged robot in simulation, without any task. Plain dataclasses; no heavy import."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from legged_gym.sim.sim_config import ActuatorCfg, AssetCfg, SimCfg


@dataclass
class EnvCfg:
    """How many environments, and how long an episode may last."""

    num_envs: int = 256
    """Number of robots simulated together."""
    episode_length_s: float = 20.0
    """Longest episode, s. Ends as a time-out, so its return is bootstrapped."""


@dataclass
class LeggedAssetCfg(AssetCfg):
    """Robot model, and which of its bodies matter to rewards and terminations."""

    penalize_contacts_on: list[str] = field(default_factory=lambda: ["wrist_yaw"])
    """Bodies (name patterns) whose contact the reward `collision` counts."""
    terminate_after_contacts_on: list[str] = field(default_factory=list)
    """Bodies (name patterns) whose contact above 1 N ends the episode."""


@dataclass
class ControlCfg(ActuatorCfg):
    """From policy output to joint targets."""

    control_type: Literal["P", "residual"] = "residual"
    """P: target = default pose + scale * action. residual: target = reference joints + scale * action."""
    feed_forward: Literal["none", "pd", "inverse_dynamics"] = "none"
    """Added to the target. pd: kd/kp * reference velocity; inverse_dynamics: that and the clip's torque / kp."""
    decimation: int = 2
    """Physics substeps per policy step; control period = decimation * sim.dt."""
    beta: float = 1.0
    """Weight of the newest action in the moving average over actions; 1 = no smoothing."""


@dataclass
class NormalizationCfg:
    """Limits on what enters and leaves the policy, and the fixed scales of the original's observations."""

    clip_observations: float = 100.0
    """Observations are clipped to +- this."""
    clip_actions: float = 10.0
    """Actions are clipped to +- this before they are scaled."""
    lin_vel: float = 2.0
    """Scale of linear velocities inside the terms `torso` and `torso_real`."""
    ang_vel: float = 0.25
    """Scale of angular velocities inside the terms `torso` and `torso_real`."""
    dof_pos: float = 1.0
    """Scale of joint positions inside the terms `torso` and `torso_real`."""
    dof_vel: float = 0.05
    """Scale of joint velocities inside the terms `torso` and `torso_real`."""


@dataclass
class ObservationsCfg:
    """Named observation terms. `history_X` is the last `history_length` values of X, newest first."""

    actor: list[str] = field(default_factory=list)
    """Terms the policy sees, in order."""
    critic: list[str] = field(default_factory=list)
    """Terms the value function sees, in order."""
    history_length: int = 5
    """Number of steps, the present one included, in every `history_` term."""
    num_next_obs: int = 1
    """Number K of future reference frames in the terms that look ahead."""


@dataclass
class LeggedRobotCfg:
    """A robot in simulation."""

    env: EnvCfg = field(default_factory=EnvCfg)
    """Environments and episodes."""
    sim: SimCfg = field(default_factory=SimCfg)
    """Physics engine."""
    asset: LeggedAssetCfg = field(default_factory=LeggedAssetCfg)
    """Robot model."""
    control: ControlCfg = field(default_factory=ControlCfg)
    """Actions and actuators."""
    observations: ObservationsCfg = field(default_factory=ObservationsCfg)
    """What actor and critic see."""
    normalization: NormalizationCfg = field(default_factory=NormalizationCfg)
    """Limits and scales."""

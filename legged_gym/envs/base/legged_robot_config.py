"""Configuration of a legged robot in simulation, without any task. Plain dataclasses; no heavy import."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, is_dataclass, replace
from typing import Any, ClassVar, Self

from legged_gym.envs.base.control_config import ControlCfg
from legged_gym.envs.base.domain_rand_config import DomainRandCfg
from legged_gym.envs.base.reward_config import BaseRewardsCfg
from legged_gym.envs.base.termination_config import BaseTerminationsCfg, CurriculumCfg
from legged_gym.envs.base.viser_config import ViserCfg
from legged_gym.sensors.sensor_config import SensorsCfg
from legged_gym.sim.sim_config import AssetCfg, SimCfg
from legged_gym.utils.errors import ConfigError


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
    terminate_after_large_feet_contact_forces: bool = False
    """End the episode when a foot hits the ground too hard."""
    large_feet_contact_force_threshold: float = 1000.0
    """Contact force of one foot, in the last substep of a step, that is too hard, N. The G1 weighs 340 N."""


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
    history_lengths: dict[str, int] = field(default_factory=dict)
    """The same for single terms, by the name of X."""
    scales: dict[str, float] = field(default_factory=dict)
    """Factors of single terms, by name, of actor and critic alike; noise comes before."""
    clips: dict[str, float] = field(default_factory=dict)
    """Single terms, by name, are clipped to +- this, in their own unit, before they are scaled."""

    def check(self) -> None:
        """Refuse numbers that leave nothing to see.

        Raises:
            ConfigError: Names the field, its value and what is right.
        """
        _require(self.history_length >= 1, "observations.history_length", self.history_length, "1 or more")
        for name, steps in self.history_lengths.items():
            _require(steps >= 1, f"observations.history_lengths: {name}", steps, "1 or more")
        for name, scale in self.scales.items():
            fine = math.isfinite(scale) and scale != 0.0
            _require(fine, f"observations.scales: {name}", scale, "finite and not 0")
        for name, limit in self.clips.items():
            _require(0.0 < limit < math.inf, f"observations.clips: {name}", limit, "finite and above 0")


@dataclass
class InitNoiseCfg:
    """Half-widths of the uniform noise on the state an episode starts in."""

    root_xy: float = 0.0
    """Horizontal root position, m."""
    root_z: float = 0.0
    """Root height, m."""
    root_rot: float = 0.0
    """Roll and pitch of the root, rad; heading has twice this."""
    root_lin_vel: float = 0.0
    """Root velocity, m/s."""
    root_ang_vel: float = 0.0
    """Root angular velocity, rad/s."""
    dof_pos: float = 0.0
    """Joint positions, rad; clipped to the joints' ranges."""
    dof_vel: float = 0.0
    """Joint velocities, rad/s."""


@dataclass
class NoiseScalesCfg:
    """Half-widths of the uniform noise on what the policy observes, drawn anew in every control step."""

    dof_pos: float = 0.0
    """Joint positions, rad."""
    dof_vel: float = 0.0
    """Joint velocities, rad/s."""
    lin_vel: float = 0.0
    """Linear velocity of the root, m/s."""
    ang_vel: float = 0.0
    """Angular velocity of the root, rad/s."""
    gravity: float = 0.0
    """Components of gravity's direction in the root frame."""


@dataclass
class OffsetScalesCfg:
    """Standard deviations of the normal errors that are drawn at a reset and stay for the episode."""

    action: float = 0.0
    """Added to the policy's actions before they are clipped, units of action."""
    dof_pos: float = 0.0
    """Joint positions as the policy observes them, rad; encoders that also mislead servos: randomize_joint_zero."""
    gravity: float = 0.0
    """Components of gravity's direction as the policy observes it."""


@dataclass
class NoiseCfg:
    """Randomness that makes a policy robust. Value functions see everything without it."""

    add_noise: bool = True
    """One switch for all noise in this group; sensors of the ground have their own."""
    noise_level: float = 1.0
    """Factor of all noise_scales."""
    noise_scales: NoiseScalesCfg = field(default_factory=NoiseScalesCfg)
    """Noise on what the policy observes, by what is measured."""
    offset_scales: OffsetScalesCfg = field(default_factory=OffsetScalesCfg)
    """Errors of an episode."""
    init_noise_scales: InitNoiseCfg = field(default_factory=InitNoiseCfg)
    """Noise on the start state."""

    def only_at_start(self, scales: InitNoiseCfg) -> Self:
        """The same with no noise but this on the start state: every other number in every group is 0."""
        groups = {name: group for name, group in vars(self).items() if is_dataclass(group)}
        quiet = {name: replace(group, **dict.fromkeys(vars(group), 0.0)) for name, group in groups.items()}
        return replace(self, **(quiet | {"add_noise": True, "init_noise_scales": scales}))

    def check(self) -> None:
        """Refuse scales that are no scales.

        Raises:
            ConfigError: Names the field, its value and what is right.
        """
        flat = {"noise_level": self.noise_level}
        for group, scales in vars(self).items():
            if is_dataclass(scales):
                flat |= {f"{group}.{name}": scale for name, scale in vars(scales).items()}
        for name, scale in flat.items():
            _require(0.0 <= scale < math.inf, f"noise.{name}", scale, "finite and 0 or more")


@dataclass
class LeggedRobotCfg:
    """A robot in simulation."""

    ALIASES: ClassVar[dict[str, str]] = {
        "rewards.collision": "rewards.scales.collision",
        "domain_rand.max_push_vel_interval": "domain_rand.push_interval_s",
    }
    """Names that users of the original know -> where the field is."""
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
    rewards: BaseRewardsCfg = field(default_factory=BaseRewardsCfg)
    """Rewards."""
    terminations: BaseTerminationsCfg = field(default_factory=BaseTerminationsCfg)
    """Failure rules of training."""
    curriculum: CurriculumCfg = field(default_factory=CurriculumCfg)
    """What becomes stricter with success."""
    sensors: SensorsCfg = field(default_factory=SensorsCfg)
    """What the robot sees of its ground."""
    noise: NoiseCfg = field(default_factory=NoiseCfg)
    """Noise."""
    domain_rand: DomainRandCfg = field(default_factory=DomainRandCfg)
    """Domain randomisation: physics, delays, pushes."""
    viser: ViserCfg = field(default_factory=ViserCfg)
    """The viewer's page."""

    def check_common(self, follows_reference: bool) -> None:
        """Refuse what no task can have; ``follows_reference`` says whether this one has a reference.

        Raises:
            ConfigError: Names the field, its value and what is right.
        """
        self.noise.check()
        self.domain_rand.check()
        self.control.check(follows_reference, self.domain_rand)
        self.observations.check()
        self.curriculum.check()
        self.viser.check()
        for name in ("clip_observations", "clip_actions"):
            limit = getattr(self.normalization, name)
            _require(limit > 0.0, f"normalization.{name}", limit, "above 0")


def _require(fine: bool, name: str, value: Any, right: str) -> None:
    if not fine:
        raise ConfigError(f"{name} is {value}; it must be {right}")

"""Configuration of walking by velocity commands. Plain dataclasses; no heavy import."""

from __future__ import annotations

from dataclasses import dataclass, field

from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.envs.base.reward_config import BaseRewardsCfg, RegularizerScalesCfg
from legged_gym.envs.base.termination_config import BaseTerminationsCfg
from legged_gym.utils.errors import ConfigError


@dataclass
class CommandRangesCfg:
    """Lowest and highest value of each command."""

    lin_vel_x: tuple[float, float] = (-0.8, 0.8)
    """Forwards, m/s."""
    lin_vel_y: tuple[float, float] = (-0.8, 0.8)
    """To the left, m/s."""
    ang_vel_yaw: tuple[float, float] = (-0.5, 0.5)
    """Turning to the left, rad/s."""


@dataclass
class CommandsCfg:
    """The velocity that a robot is asked for, in the frame of its heading."""

    ranges: CommandRangesCfg = field(default_factory=CommandRangesCfg)
    """Where commands are drawn, uniformly."""
    max_speed: float = 0.8
    """Horizontal commands that are longer are shortened to this, m/s."""
    resampling_time: float = 5.0
    """A new command is drawn this often, s."""
    standing_share: float = 0.15
    """Share of the commands that ask the robot to stand; its clock stops a stride later."""
    dead_band: float = 0.1
    """Commands slower than this, m/s and rad/s, count as standing and become 0."""


@dataclass
class GaitCfg:
    """A clock tells when each foot should be on the ground; without it a policy takes long to find a gait."""

    period: float = 0.8
    """Of a stride (two steps), s."""
    stance_share: float = 0.55
    """Part of the stride that each foot is on the ground; above 0.5, both are for a while."""
    swing_height: float = 0.08
    """Highest clearance of a foot in its swing, m."""


@dataclass
class MadeTerrainCfg:
    """Made ground: kinds side by side, each in levels of difficulty."""

    kinds: list[str] = field(default_factory=lambda: ["flat"])
    """Which grounds: flat, slope, stairs, stepping_boxes, gaps, rough, waves. Robots are spread evenly over them."""
    num_levels: int = 6
    """Levels of every kind, from nearly flat to its hardest."""
    curriculum: bool = True
    """Robots begin on the lowest level, go up with success, down when they fall; False = spread over all levels."""
    promotion_error: float = 0.4
    """Mean error of the horizontal velocity in an episode that still counts as success, m/s."""
    size: float = 9.0
    """Side of each square of ground, m; whoever leaves it begins anew, without having failed."""
    horizontal_scale: float | None = None
    """Cells of height fields and height scans, m; None = 8 cm."""

    def check(self) -> None:
        """Refuse what cannot be made.

        Raises:
            ConfigError: Names the field, its value and what is right.
        """
        if not self.kinds:
            raise ConfigError("terrain.kinds is empty; it must name a ground, for example flat")
        if self.num_levels < 1:
            raise ConfigError(f"terrain.num_levels is {self.num_levels}; it must be 1 or more")


@dataclass
class VelocityTerminationsCfg(BaseTerminationsCfg):
    """When a robot has fallen. None switches a rule off."""

    base_height: float | None = 0.45
    """Root lower than this over the ground, m."""
    tilt: float | None = 0.9
    """Angle between the root's vertical and the world's, rad."""


@dataclass
class VelocityRewardScalesCfg(RegularizerScalesCfg):
    """Weight per second of every reward term; 0 = not computed."""

    tracking_lin_vel: float = 2.0
    """Horizontal velocity in the heading frame: exp(-|error|^2 / tracking_sigma)."""
    tracking_ang_vel: float = 1.0
    """Yaw rate: exp(-error^2 / tracking_sigma)."""
    lin_vel_z: float = -0.5
    """Squared vertical velocity, (m/s)^2."""
    ang_vel_xy: float = -0.05
    """Squared roll and pitch rate, (rad/s)^2."""
    orientation: float = -2.0
    """Squared horizontal part of gravity in the root frame."""
    base_height: float = -10.0
    """Squared error of the root's height over the ground, m^2."""
    contact: float = 1.0
    """Number of feet whose contact is what the gait's clock asks for."""
    feet_swing_height: float = -100.0
    """Squared error of the height of swinging feet against the clock's, m^2."""
    hip_pos: float = -1.0
    """Squared deviation of rewards.hip_joints from the default pose, rad^2."""
    stand_still: float = -0.5
    """Sum of |joint deviation from the default pose| while the command is to stand, rad."""


@dataclass
class VelocityRewardsCfg(BaseRewardsCfg):
    """Reward weights and what they aim at."""

    scales: VelocityRewardScalesCfg = field(default_factory=VelocityRewardScalesCfg)
    """Weight of each term, per second (multiplied by the control period)."""
    tracking_sigma: float = 0.25
    """Sharpness of the velocity terms, (m/s)^2 and (rad/s)^2."""
    base_height_target: float | None = None
    """Height of the root over the ground, m; None = that of the default pose."""
    hip_joints: list[str] = field(default_factory=lambda: ["hip_roll", "hip_yaw"])
    """Joints (name patterns) that `hip_pos` keeps near the default pose."""


@dataclass
class RobotVelocityCfg(LeggedRobotCfg):
    """A robot that walks as it is told."""

    commands: CommandsCfg = field(default_factory=CommandsCfg)
    """What the robot is told."""
    gait: GaitCfg = field(default_factory=GaitCfg)
    """The clock of its steps."""
    terrain: MadeTerrainCfg = field(default_factory=MadeTerrainCfg)
    """Ground."""
    rewards: VelocityRewardsCfg = field(default_factory=VelocityRewardsCfg)
    """Rewards."""
    terminations: VelocityTerminationsCfg = field(default_factory=VelocityTerminationsCfg)
    """Failure rules of training."""

    def check(self) -> None:
        """Refuse values that no robot can be trained with.

        Raises:
            ConfigError: Names the field, its value and what is right.
        """
        self.terrain.check()
        for name, (low, high) in vars(self.commands.ranges).items():
            if not low <= high:  # NaN neither
                raise ConfigError(f"commands.ranges.{name} is ({low}, {high}); the lower end comes first")
        for name in ("max_speed", "resampling_time"):
            if not getattr(self.commands, name) > 0.0:
                raise ConfigError(f"commands.{name} is {getattr(self.commands, name)}; it must be positive")
        for path in ("commands.dead_band", "gait.swing_height"):
            group, name = path.split(".")
            if not getattr(getattr(self, group), name) >= 0.0:
                raise ConfigError(f"{path} is {getattr(getattr(self, group), name)}; it must be 0 or more")
        if not self.rewards.tracking_sigma > 0.0:
            raise ConfigError(f"rewards.tracking_sigma is {self.rewards.tracking_sigma}; it must be positive")
        if not 0.0 <= self.commands.standing_share <= 1.0:
            raise ConfigError(
                f"commands.standing_share is {self.commands.standing_share}; it must lie between 0 and 1"
            )
        if not self.gait.period > 0.0:
            raise ConfigError(f"gait.period is {self.gait.period}; it must be positive")
        if not 0.0 < self.gait.stance_share < 1.0:
            raise ConfigError(f"gait.stance_share is {self.gait.stance_share}; it must lie between 0 and 1")

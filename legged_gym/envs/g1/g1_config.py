"""The G1 walking by command, with its legs only: the task the original registers as ``g1``."""

from __future__ import annotations

from dataclasses import dataclass, field

from legged_gym.envs.base.legged_robot_config import (
    ControlCfg,
    InitNoiseCfg,
    LeggedAssetCfg,
    NoiseCfg,
    ObservationsCfg,
)
from legged_gym.envs.base.robot_velocity_config import (
    RobotVelocityCfg,
    VelocityRewardScalesCfg,
    VelocityRewardsCfg,
)
from legged_gym.rl.rl_config import PPOCfg, RunnerCfg, TrainCfg
from legged_gym.sim.sim_config import SimCfg

ACTOR_TERMS = [
    "base_ang_vel",
    "projected_gravity",
    "velocity_commands",
    "dof_pos",
    "dof_vel",
    "actions",
    "gait_phase",
]
CRITIC_TERMS = [*ACTOR_TERMS, "lin_vel_h", "root_height", "foot_contact", "foot_clearance"]


@dataclass
class G1LegsAssetCfg(LeggedAssetCfg):
    """The G1 with waist and arms fixed: 12 joints."""

    locked_joints: list[str] = field(default_factory=lambda: ["waist", "shoulder", "elbow", "wrist"])
    """Joints (name patterns) welded at 0; [] = all 29 joints move."""
    penalize_contacts_on: list[str] = field(default_factory=lambda: ["hip", "knee"])
    """Bodies (name patterns) whose contact the reward `collision` counts."""
    terminate_after_contacts_on: list[str] = field(default_factory=lambda: ["pelvis"])
    """Bodies (name patterns) whose contact above 1 N ends the episode."""


@dataclass
class G1VelocityObservationsCfg(ObservationsCfg):
    """What a robot's own sensors give; the value function also sees what they do not."""

    actor: list[str] = field(default_factory=lambda: list(ACTOR_TERMS))
    """Terms the policy sees, in order."""
    critic: list[str] = field(default_factory=lambda: list(CRITIC_TERMS))
    """Terms the value function sees, in order."""


@dataclass
class G1Cfg(RobotVelocityCfg):
    """A G1 walks as it is told."""

    sim: SimCfg = field(default_factory=lambda: SimCfg(dt=0.01))
    """Physics engine: steps of 10 ms learn twice as fast per minute as 5 ms, and the policies transfer."""
    asset: LeggedAssetCfg = field(default_factory=G1LegsAssetCfg)
    """Robot model."""
    control: ControlCfg = field(default_factory=lambda: ControlCfg(control_type="P"))
    """Actions are about the default pose."""
    observations: ObservationsCfg = field(default_factory=G1VelocityObservationsCfg)
    """What actor and critic see."""
    rewards: VelocityRewardsCfg = field(
        default_factory=lambda: VelocityRewardsCfg(
            scales=VelocityRewardScalesCfg(
                action_rate=-0.01, dof_pos_limits=-5.0, contact_no_vel=-0.2, torques=-1e-5, collision=-1.0,
                alive=0.5, termination=-10.0,
            )
        )
    )  # fmt: skip
    """Rewards."""
    noise: NoiseCfg = field(
        default_factory=lambda: NoiseCfg(
            init_noise_scales=InitNoiseCfg(root_rot=0.05, root_lin_vel=0.3, root_ang_vel=0.3, dof_pos=0.1)
        )
    )
    """Noise."""


@dataclass
class G1TrainCfg(TrainCfg):
    """Learning settings of walking by command: it looks further ahead than tracking, whose rewards come at once."""

    runner: RunnerCfg = field(
        default_factory=lambda: RunnerCfg(max_iterations=2000, num_steps_per_env=24, experiment_name="g1")
    )
    """Length, saving and logging of a run: 12.3 M samples, 20 to 25 minutes on two cores."""
    algorithm: PPOCfg = field(
        default_factory=lambda: PPOCfg(gamma=0.985, lam=0.95, entropy_coef=0.002, desired_kl_half_life=2000)
    )
    """Proximal policy optimisation."""

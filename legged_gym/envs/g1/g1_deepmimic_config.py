"""The G1's tracking tasks. Defaults are what learns best on two CPU cores; doc/training.md has the measurements."""

from __future__ import annotations

from dataclasses import dataclass, field

from legged_gym.envs.base.legged_robot_config import InitNoiseCfg, LeggedAssetCfg
from legged_gym.envs.base.robot_deepmimic_config import (
    DeepMimicCfg,
    RewardScalesCfg,
    RewardsCfg,
    RobotDeepMimicCfg,
    TerminationsCfg,
    TrackingNoiseCfg,
    TrackingObservationsCfg,
)
from legged_gym.rl.rl_config import PPOCfg, RunnerCfg, TrainCfg
from legged_gym.sim.sim_config import SimCfg

SIDES = ("left", "right")
TRACKED_BODIES = [
    "pelvis",
    *(f"{side}_{link}_link" for side in SIDES for link in ("hip_roll", "knee", "ankle_roll")),
    "torso_link",
    *(f"{side}_{link}_link" for side in SIDES for link in ("shoulder_roll", "elbow", "wrist_yaw")),
]
END_EFFECTORS = [f"{side}_{link}_link" for link in ("ankle_roll", "wrist_yaw") for side in SIDES]
ORIGINAL_TRACKED_BODIES = [
    "pelvis",
    *(
        f"{side}_{link}_link"
        for side in SIDES
        for link in ("hip_pitch", "knee", "ankle_roll", "shoulder_pitch", "elbow", "wrist_yaw")
    ),
]

ACTOR_TERMS = [
    "ref_dof_pos",
    "ref_dof_vel",
    "anchor_pos_error_b",
    "anchor_rot6d_error",
    "base_lin_vel",
    "base_ang_vel",
    "dof_pos",
    "dof_vel",
    "actions",
]
CRITIC_TERMS = [*ACTOR_TERMS, "body_pos_b", "body_rot6d_b"]
ORIGINAL_ACTOR_TERMS = [
    "history_torso_real",
    "history_torso_xy_rel",
    "history_torso_yaw_rel",
    "target_joints",
    "target_root_roll",
    "target_root_pitch",
]
ORIGINAL_CRITIC_TERMS = ["torso", "deepmimic", *ORIGINAL_ACTOR_TERMS]


@dataclass
class G1AssetCfg(LeggedAssetCfg):
    """The 29-DoF G1 with its wrists fixed, as the original trains it: 23 joints."""

    locked_joints: list[str] = field(default_factory=lambda: ["wrist"])
    """Joints (name patterns) welded at 0; [] = all 29 joints move."""


@dataclass
class G1DeepMimicMotionCfg(DeepMimicCfg):
    """Reference motion on the G1's bodies."""

    tracked_body_names: list[str] = field(default_factory=lambda: list(TRACKED_BODIES))
    """Bodies that rewards, terminations and the critic compare with the reference."""
    end_effector_names: list[str] = field(default_factory=lambda: list(END_EFFECTORS))
    """Bodies watched by terminations.end_effector_height."""


@dataclass
class G1DeepMimicObservationsCfg(TrackingObservationsCfg):
    """State-estimate observations of modern trackers."""

    actor: list[str] = field(default_factory=lambda: list(ACTOR_TERMS))
    """Terms the policy sees, in order."""
    critic: list[str] = field(default_factory=lambda: list(CRITIC_TERMS))
    """Terms the value function sees, in order."""


@dataclass
class G1DeepMimicCfg(RobotDeepMimicCfg):
    """A G1 follows recorded motions."""

    sim: SimCfg = field(default_factory=lambda: SimCfg(dt=0.01))
    """Physics engine: steps of 10 ms learn twice as fast per minute as 5 ms, and the policies transfer."""
    asset: LeggedAssetCfg = field(default_factory=G1AssetCfg)
    """Robot model."""
    deepmimic: DeepMimicCfg = field(default_factory=G1DeepMimicMotionCfg)
    """Reference motion."""
    observations: TrackingObservationsCfg = field(default_factory=G1DeepMimicObservationsCfg)
    """What actor and critic see."""
    terminations: TerminationsCfg = field(default_factory=lambda: TerminationsCfg(anchor_distance=0.4))
    """Failure rules of training."""
    rewards: RewardsCfg = field(
        default_factory=lambda: RewardsCfg(scales=RewardScalesCfg(action_rate=-0.05, dof_pos_limits=-10.0))
    )
    """Rewards."""
    noise: TrackingNoiseCfg = field(
        default_factory=lambda: TrackingNoiseCfg(
            init_noise_scales=InitNoiseCfg(
                root_xy=0.015, root_z=0.003, root_rot=0.03, root_lin_vel=0.15, root_ang_vel=0.2, dof_pos=0.03
            )
        )
    )
    """Noise: 0.3 times mjlab's start noise."""


@dataclass
class G1DeepMimicTrainCfg(TrainCfg):
    """Learning settings of the tracking tasks."""

    runner: RunnerCfg = field(default_factory=lambda: RunnerCfg(max_iterations=800))
    """Length, saving and logging of a run: 3.3 M samples, five minutes on two cores."""
    algorithm: PPOCfg = field(default_factory=lambda: PPOCfg(entropy_coef=0.002, desired_kl_half_life=2000))
    """Proximal policy optimisation."""

"""Students of the G1's tracking policies: they see what a robot has, and of the motion only where its torso goes."""

from __future__ import annotations

from dataclasses import dataclass, field

from legged_gym.envs.base.legged_robot_config import ControlCfg
from legged_gym.envs.base.robot_deepmimic_config import DeepMimicCfg, TrackingObservationsCfg
from legged_gym.envs.g1.g1_deepmimic_config import (
    CRITIC_TERMS,
    G1DeepMimicCfg,
    G1DeepMimicMotionCfg,
    G1DeepMimicTrainCfg,
)
from legged_gym.envs.g1.g1_heightfield_config import (
    MAP_TERM,
    ROOT_TERMS,
    G1DeepMimicRootHeightfieldCfg,
    G1HeightfieldObservationsCfg,
)
from legged_gym.rl.rl_config import DaggerCfg, PolicyCfg, RunnerCfg, TrainCfg

BLIND_STUDENT_TERMS = [*ROOT_TERMS, "upper_body_joint_targets"]
NOISY_MAP_TERM = "terrain_height_noisy"
NO_HISTORY_TERMS = ["history_torso_real", "torso_xy_rel", "torso_yaw_rel", NOISY_MAP_TERM]
"""What the robot's own sensors give over five steps, three numbers that a joystick can give, and a map as robots
measure it."""
FLAT_CLIPS = [
    "g1/stand.npz",
    "g1/walk_*.npz",
    "g1/side_step.npz",
    "g1/turn_in_place.npz",
    "g1/commands/*.npz",
]
"""Whole motions that follow from where the torso goes; a squat or a wave does not."""


@dataclass
class G1BlindStudentMotionCfg(G1DeepMimicMotionCfg):
    """Walks of all kinds on flat ground."""

    amass_replay_data_path: list[str] = field(default_factory=lambda: list(FLAT_CLIPS))
    """Clips: files, globs, folders, YAML lists; all of them on flat ground."""


@dataclass
class G1StudentMotionCfg(G1DeepMimicMotionCfg):
    """Walks of all kinds, on flat ground and on something."""

    amass_replay_data_path: list[str] = field(default_factory=lambda: [*FLAT_CLIPS, "g1/terrain/*.npz"])
    """Clips: files, globs, folders, YAML lists; each on the mesh it names, or on flat ground."""


@dataclass
class G1BlindStudentObservationsCfg(TrackingObservationsCfg):
    """Of the reference, the policy sees the way and the turn of the torso and the upper body's joints."""

    actor: list[str] = field(default_factory=lambda: list(BLIND_STUDENT_TERMS))
    """Terms the policy sees, in order."""
    critic: list[str] = field(default_factory=lambda: list(CRITIC_TERMS))
    """Terms the value function sees, in order."""


@dataclass
class G1NoHistoryObservationsCfg(G1HeightfieldObservationsCfg):
    """The policy sees what the robot will have; the value function all of the reference, and the true map."""

    actor: list[str] = field(default_factory=lambda: list(NO_HISTORY_TERMS))
    """Terms the policy sees, in order."""
    critic: list[str] = field(default_factory=lambda: [*CRITIC_TERMS, MAP_TERM])
    """Terms the value function sees, in order."""


@dataclass
class G1BlindStudentCfg(G1DeepMimicCfg):
    """A G1 goes where the reference's torso goes and moves its arms as the reference does, without eyes."""

    control: ControlCfg = field(default_factory=lambda: ControlCfg(control_type="P"))
    """Actions are about the default pose: residual control would let the reference's joints in."""
    deepmimic: DeepMimicCfg = field(default_factory=G1BlindStudentMotionCfg)
    """Reference motion."""
    observations: TrackingObservationsCfg = field(default_factory=G1BlindStudentObservationsCfg)
    """What actor and critic see."""


@dataclass
class G1RootHeightfieldStudentCfg(G1DeepMimicRootHeightfieldCfg):
    """A G1 goes where the reference's torso goes, on any ground."""

    deepmimic: DeepMimicCfg = field(default_factory=G1StudentMotionCfg)
    """Reference motion."""


@dataclass
class G1NoHistoryStudentCfg(G1RootHeightfieldStudentCfg):
    """The same, told where to go at this moment only, and with a map as noisy and as late as a robot's."""

    observations: TrackingObservationsCfg = field(default_factory=G1NoHistoryObservationsCfg)
    """What actor and critic see."""


def _student_policy() -> PolicyCfg:
    return PolicyCfg(init_noise_std=0.1, actor_hidden_dims=(512, 256, 128), map_encoder="gated")


def _averaged_student_policy() -> PolicyCfg:
    """On clips that one stumble ends, students 50 iterations apart differ by 15 points; their mean is steadier."""
    policy = _student_policy()
    policy.average_iterations = 300
    return policy


def _cloning_then_both() -> DaggerCfg:
    """A student cannot see all that its teacher does; rewards say what to do about it, once it can walk."""
    return DaggerCfg(
        cloning_iterations=700,
        schedule="adaptive",
        rl_loss_coef=1.0,
        bc_loss_coef_end=0.2,
        anneal_iterations=1100,
        desired_kl_half_life=600,
    )


@dataclass
class G1StudentTrainCfg(G1DeepMimicTrainCfg):
    """Learning settings of a student that goes on alone, by its own rewards."""

    policy: PolicyCfg = field(default_factory=_student_policy)
    """Actor and critic networks."""


@dataclass
class G1DaggerTrainCfg(TrainCfg):
    """Learning settings of a student with a teacher."""

    runner: RunnerCfg = field(default_factory=lambda: RunnerCfg(max_iterations=1800))
    """Length, saving and logging of a run."""
    policy: PolicyCfg = field(default_factory=_averaged_student_policy)
    """Actor and critic networks."""
    algorithm: DaggerCfg = field(default_factory=_cloning_then_both)
    """Distillation."""

"""The G1 with eyes: tracking tasks whose actor and critic see a map of the ground around the torso."""

from __future__ import annotations

from dataclasses import dataclass, field

from legged_gym.envs.base.legged_robot_config import ControlCfg
from legged_gym.envs.base.robot_deepmimic_config import DeepMimicCfg, TrackingObservationsCfg
from legged_gym.envs.g1.g1_deepmimic_config import (
    ACTOR_TERMS,
    CRITIC_TERMS,
    G1DeepMimicCfg,
    G1DeepMimicMotionCfg,
    G1DeepMimicTrainCfg,
)
from legged_gym.rl.rl_config import PolicyCfg

MAP_TERM = "terrain_height"
ROOT_TERMS = ["history_torso_real", "history_torso_xy_rel", "history_torso_yaw_rel"]
"""Where the torso should go and turn, and what the robot's own sensors give: no joint of the reference."""


@dataclass
class G1TerrainMotionCfg(G1DeepMimicMotionCfg):
    """Clips recorded on something."""

    amass_replay_data_path: list[str] = field(default_factory=lambda: ["g1/terrain/*.npz"])
    """Clips: files, globs, folders, YAML lists; each on the mesh it names, or on flat ground."""


@dataclass
class G1HeightfieldObservationsCfg(TrackingObservationsCfg):
    """The observations of g1_deepmimic, and the map last."""

    actor: list[str] = field(default_factory=lambda: [*ACTOR_TERMS, MAP_TERM])
    """Terms the policy sees, in order."""
    critic: list[str] = field(default_factory=lambda: [*CRITIC_TERMS, MAP_TERM])
    """Terms the value function sees, in order."""


@dataclass
class G1RootHeightfieldObservationsCfg(G1HeightfieldObservationsCfg):
    """Of the reference, the policy sees the way and the turn of the torso only; the value function sees all of it."""

    actor: list[str] = field(default_factory=lambda: [*ROOT_TERMS, MAP_TERM])
    """Terms the policy sees, in order."""


@dataclass
class G1DeepMimicHeightfieldCfg(G1DeepMimicCfg):
    """A G1 follows motions on the ground they were recorded on, and sees it."""

    deepmimic: DeepMimicCfg = field(default_factory=G1TerrainMotionCfg)
    """Reference motion."""
    observations: TrackingObservationsCfg = field(default_factory=G1HeightfieldObservationsCfg)
    """What actor and critic see."""


@dataclass
class G1DeepMimicRootHeightfieldCfg(G1DeepMimicHeightfieldCfg):
    """A G1 goes where the reference's torso goes, and finds the joint motion itself."""

    control: ControlCfg = field(default_factory=lambda: ControlCfg(control_type="P"))
    """Actions are about the default pose: residual control would let the reference's joints in again."""
    observations: TrackingObservationsCfg = field(default_factory=G1RootHeightfieldObservationsCfg)
    """What actor and critic see."""


@dataclass
class G1GatedMapTrainCfg(G1DeepMimicTrainCfg):
    """Learning settings with the map behind a gate: a blind policy loads and acts at first as it did."""

    policy: PolicyCfg = field(default_factory=lambda: PolicyCfg(map_encoder="gated"))
    """Actor and critic networks."""

"""Configuration of motion tracking. Plain dataclasses; no heavy import."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from legged_gym.envs.base.domain_rand_config import TrackingDomainRandCfg
from legged_gym.envs.base.legged_robot_config import (
    LeggedRobotCfg,
    NoiseCfg,
    NoiseScalesCfg,
    ObservationsCfg,
)
from legged_gym.envs.base.reward_config import BaseRewardsCfg, RegularizerScalesCfg
from legged_gym.envs.base.termination_config import BaseTerminationsCfg
from legged_gym.terrain.terrain_config import TerrainCfg
from legged_gym.utils.errors import ConfigError


@dataclass
class DeepMimicCfg:
    """The reference motion: which clips, how they are read, where episodes start and when they are lost."""

    amass_replay_data_path: list[str] = field(default_factory=lambda: ["g1/walk_forward.npz"])
    """Clips: files, globs, folders, YAML lists; looked for as given, then in retargeted_data/ or a folder beside it."""
    use_amass: bool = True
    """Train on the clips of amass_replay_data_path."""
    use_human_videos: bool = False
    """Train on recordings: folders that hold a motion and the mesh it was recorded on."""
    human_video_folders: list[str] = field(default_factory=list)
    """Folders of recordings; looked for in data_root, in alt_data_root, then like clips."""
    human_motion_source: str = ""
    """A YAML list of recordings (folder_path, weight, start_frame, end_frame, fps), or the folder of a single one."""
    data_root: str = ""
    """Folder in which relative paths of recordings are looked for first."""
    alt_data_root: str = ""
    """Folder in which they are looked for next."""
    human_video_data_pattern: str = "retarget_poses_g1.h5"
    """Name or glob of the motion in a recording's folder; any format."""
    human_video_terrain_pattern: str = "background_mesh.obj"
    """Name or glob of the mesh in a recording's folder: obj, ply, stl, glb; metres, z up, same world as the motion."""
    human_video_oversample_factor: float = 1.0
    """How often a recording is drawn, against clips without a mesh."""
    amass_data_root: str = ""
    """Folder in which relative paths of clips are looked for first; "" = the usual places only."""
    default_data_fps: float | None = None
    """Rate of clips whose file does not say, Hz; None or -1: 30 for CSV files, an error for others."""
    upsample_data: bool = True
    """Resample clips to the control rate, up or down; False = refuse clips of another rate."""
    csv_root_quat_order: Literal["auto", "xyzw", "wxyz"] = "auto"
    """Quaternion order of CSV clips: xyzw (LAFAN1, Unitree), wxyz (Kimodo), or found out from the data."""
    is_csv_joint_only: bool = False
    """Also take CSV rows of joints alone, without a root: the pelvis stays upright, the lower sole on the ground."""
    default_joint_order_type: str | None = None
    """Joint order of files without names: g1, g1_23dof, g1_isaaclab; None = g1, or what the file's own bodies prove."""
    start_time: float = 0.0
    """Cut: seconds of every clip to skip."""
    end_time: float | None = None
    """Cut: second at which every clip ends; None = its own end."""
    cut_off_import_length: int = -1
    """Longest clip imported, in control steps after resampling; -1 = no limit."""
    share_clips: Literal["all", "split"] = "all"
    """Processes that train together each play all clips, or each its share of them, which takes less memory."""
    n_prepend: int = 0
    """Copies of the first frame put before it, so that the robot stands before it moves."""
    n_append: int = 0
    """Copies of the last frame added at the end, so that the robot must come to rest."""
    height_direct_offset: float = 0.0
    """Added to the height of every reference, m."""
    ground_align: bool = True
    """Shift each clip on flat ground vertically so that its median lowest foot height is the ground."""
    cache: bool = True
    """Keep finished clips in ~/.cache/videomimic_gym, so that the next start is quick."""
    amass_terrain_difficulty: int = 1
    """Grounds made for every clip without a mesh: 1 = flat; up to 5 = flat and rough ones of 1, 3.5, 10 and 12.5 cm."""
    randomize_terrain_offset: bool = False
    """Move every episode to another place; only where all ground is flat."""
    randomize_terrain_offset_range: float = 1.0
    """Standard deviation of that place in x and y, m."""
    tracked_body_names: list[str] = field(default_factory=list)
    """Bodies that rewards, terminations and the critic compare with the reference."""
    anchor_body_name: str = "torso_link"
    """Body whose position and orientation stand for the robot's."""
    end_effector_names: list[str] = field(default_factory=list)
    """Bodies watched by terminations.end_effector_height."""
    upper_body_joints: list[str] = field(default_factory=lambda: ["waist", "shoulder", "elbow"])
    """Joints (name patterns) in the term `upper_body_joint_targets`."""
    randomize_start_offset: bool = True
    """Start episodes anywhere in the clip (reference state initialisation); False = at its beginning."""
    clip_weighting_strategy: Literal[
        "uniform_step", "uniform_clip", "success_rate_adaptive", "failure_bin_adaptive"
    ] = "failure_bin_adaptive"
    """Which clip to start: all frames alike, all clips alike, more where episodes fail, or shortly before they fail."""
    weighting_strategy: Literal["uniform", "linear"] = "uniform"
    """Which frame of the clip: all alike, or linearly fewer towards its end."""
    min_success_rate_weight_factor: float = 1.0 / 3.0
    """success_rate_adaptive: least weight of a clip that never fails, against the average."""
    max_success_rate_weight_factor: float = 3.0
    """success_rate_adaptive: greatest weight of a clip that always fails."""
    adaptive_weight_update_interval: int = 100
    """Control steps between updates of the clips' success rates, over all processes."""
    max_logged_clips: int = 30
    """Most clips whose success rates are logged one by one; of more, mean, median and worst. clips.csv has them all."""
    failure_bin_s: float = 0.5
    """failure_bin_adaptive: length of the time bins in which failures are counted, s."""
    uniform_start_share: float = 0.3
    """failure_bin_adaptive: share of the starts that is uniform all the same."""
    start_frame_share: float = 0.1
    """Share of the resets that start at the clip's first frame even so."""
    truncate_rollout_length: int = -1
    """Longest episode, control steps; -1 = as long as the clip and env.episode_length_s allow."""
    init_default_frac: float = 0.0
    """Share of the resets that start in the default pose, joints at rest, instead of the reference's."""
    init_velocities: bool = True
    """Start with the reference's velocities; False = at rest."""
    respawn_z_offset: float = 0.0
    """Height added to the robot at reset, m."""
    link_pos_error_threshold: float | None = None
    """End the episode when any tracked link is further than this from the reference, m; None = no such rule."""
    joystick_share: float = 0.0
    """Share of the robots that random velocity commands lead instead of clips; see "Joystick" in distillation.md."""
    joystick_clips: list[str] = field(default_factory=list)
    """Clips (name patterns) at which robots so led begin their episodes; [] = wherever episodes begin."""
    joystick_command_scale: float = 1.0
    """Commands in training reach this many times as far as those of evaluations."""

    def check(self) -> None:
        """Refuse values that leave nothing to train on.

        Raises:
            ConfigError: Names the field, its value and what is right.
        """
        for name in ("uniform_start_share", "start_frame_share", "init_default_frac", "joystick_share"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ConfigError(f"deepmimic.{name} is {getattr(self, name)}; it must lie between 0 and 1")
        if not 0.0 < self.min_success_rate_weight_factor <= self.max_success_rate_weight_factor:
            raise ConfigError(
                f"deepmimic.min_success_rate_weight_factor is {self.min_success_rate_weight_factor} and max_ is "
                f"{self.max_success_rate_weight_factor}; they must be positive and in order"
            )
        for name in ("adaptive_weight_update_interval", "failure_bin_s", "joystick_command_scale"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"deepmimic.{name} is {getattr(self, name)}; it must be positive")
        if not self.use_amass and not self.use_human_videos:
            raise ConfigError(
                "deepmimic.use_amass and use_human_videos are both off, so there is no clip to follow"
            )
        if not self.human_video_oversample_factor > 0.0:
            raise ConfigError(
                f"deepmimic.human_video_oversample_factor is {self.human_video_oversample_factor}; it must be positive"
            )
        if not 1 <= self.amass_terrain_difficulty <= 5:
            raise ConfigError(
                f"deepmimic.amass_terrain_difficulty is {self.amass_terrain_difficulty}; 1 to 5"
            )
        for name in ("truncate_rollout_length", "cut_off_import_length"):
            if getattr(self, name) != -1 and getattr(self, name) < 2:
                raise ConfigError(f"deepmimic.{name} is {getattr(self, name)}; it must be 2 or more, or -1")
        for name in ("n_prepend", "n_append", "max_logged_clips"):
            if getattr(self, name) < 0:
                raise ConfigError(f"deepmimic.{name} is {getattr(self, name)}; it must be 0 or more")


@dataclass
class TerminationsCfg(BaseTerminationsCfg):
    """When an episode has failed, beside deepmimic.link_pos_error_threshold. None switches a rule off."""

    anchor_height: float | None = 0.25
    """Anchor height off the reference by more than this, m."""
    anchor_tilt: float | None = 0.8
    """Difference of the vertical component of gravity in the anchor frame, robot against reference (0 to 2)."""
    anchor_distance: float | None = None
    """Anchor further than this from the reference in the horizontal plane, m."""
    end_effector_height: float | None = 0.25
    """Height of any end effector off the reference by more than this, m."""


@dataclass
class RewardScalesCfg(RegularizerScalesCfg):
    """Weight per second of every reward term; 0 = not computed."""

    anchor_pos_tracking: float = 0.5
    """Anchor position: exp(-|error|^2 / sigma^2), world frame."""
    anchor_ori_tracking: float = 0.5
    """Anchor orientation: exp(-angle^2 / sigma^2)."""
    body_pos_tracking: float = 1.0
    """Tracked bodies relative to the anchor's place and heading: exp(-mean |error|^2 / sigma^2)."""
    body_ori_tracking: float = 1.0
    """Orientation of tracked bodies relative to the anchor's heading: exp(-mean angle^2 / sigma^2)."""
    body_lin_vel_tracking: float = 1.0
    """Linear velocity of tracked bodies: exp(-mean |error|^2 / sigma^2), world frame."""
    body_ang_vel_tracking: float = 1.0
    """Angular velocity of tracked bodies: exp(-mean |error|^2 / sigma^2), world frame."""
    joint_pos_tracking: float = 0.0
    """exp(-joint_pos_tracking_k * sum of squared joint errors)."""
    joint_vel_tracking: float = 0.0
    """exp(-joint_vel_tracking_k * sum of squared joint velocity errors)."""
    link_pos_tracking: float = 0.0
    """exp(-link_pos_tracking_k * sum over tracked links of |error|^2), world frame."""
    link_vel_tracking: float = 0.0
    """exp(-link_vel_tracking_k * sum over tracked links of |velocity error|^2), world frame."""
    torso_pos_tracking: float = 0.0
    """exp(-torso_pos_tracking_k * |anchor position error|^2)."""
    torso_orientation_tracking: float = 0.0
    """exp(-torso_orientation_tracking_k * anchor angle)."""
    root_pos_tracking: float = 0.0
    """exp(-root_pos_tracking_k * |root position error|^2)."""
    root_orientation_tracking: float = 0.0
    """exp(-root_orientation_tracking_k * root angle)."""
    root_vel_tracking: float = 0.0
    """exp(-root_vel_tracking_k * |root velocity error|)."""
    root_ang_vel_tracking: float = 0.0
    """exp(-root_ang_vel_tracking_k * |root angular velocity error|)."""
    feet_contact_matching: float = 0.0
    """Number of feet whose contact is the reference's."""
    no_fly: float = 0.0
    """1 where no foot touches the ground though one of the reference's does; a penalty."""
    contact_smoothness: float = 0.0
    """Number of feet whose contact changed to what the reference's is not; from the 10th step on; a penalty."""


@dataclass
class RewardsCfg(BaseRewardsCfg):
    """Reward weights and the sharpness of the tracking terms."""

    scales: RewardScalesCfg = field(default_factory=RewardScalesCfg)
    """Weight of each term, per second (multiplied by the control period)."""
    anchor_pos_sigma: float = 0.3
    """Width of anchor_pos_tracking, m."""
    anchor_ori_sigma: float = 0.4
    """Width of anchor_ori_tracking, rad."""
    body_pos_sigma: float = 0.3
    """Width of body_pos_tracking, m."""
    body_ori_sigma: float = 0.4
    """Width of body_ori_tracking, rad."""
    body_lin_vel_sigma: float = 1.0
    """Width of body_lin_vel_tracking, m/s."""
    body_ang_vel_sigma: float = 3.14
    """Width of body_ang_vel_tracking, rad/s."""
    joint_pos_tracking_k: float = 2.0
    """Sharpness of joint_pos_tracking, 1/rad^2."""
    joint_vel_tracking_k: float = 0.01
    """Sharpness of joint_vel_tracking, s^2/rad^2."""
    link_pos_tracking_k: float = 5.0
    """Sharpness of link_pos_tracking, 1/m^2."""
    link_vel_tracking_k: float = 0.1
    """Sharpness of link_vel_tracking, s^2/m^2."""
    torso_pos_tracking_k: float = 50.0
    """Sharpness of torso_pos_tracking, 1/m^2."""
    torso_orientation_tracking_k: float = 3.0
    """Sharpness of torso_orientation_tracking, 1/rad."""
    root_pos_tracking_k: float = 20.0
    """Sharpness of root_pos_tracking, 1/m^2."""
    root_orientation_tracking_k: float = 3.0
    """Sharpness of root_orientation_tracking, 1/rad."""
    root_vel_tracking_k: float = 10.0
    """Sharpness of root_vel_tracking, s/m."""
    root_ang_vel_tracking_k: float = 0.01
    """Sharpness of root_ang_vel_tracking, s/rad."""


@dataclass
class TrackingObservationsCfg(ObservationsCfg):
    """Named observation terms. `history_X` is the last `history_length` values of X, newest first."""

    num_next_obs: int = 1
    """Number K of future reference frames in the terms that look ahead."""

    def check(self) -> None:
        """See :meth:`ObservationsCfg.check`."""
        super().check()
        if self.num_next_obs < 1:
            raise ConfigError(f"observations.num_next_obs is {self.num_next_obs}; it must be 1 or more")


@dataclass
class TrackingNoiseScalesCfg(NoiseScalesCfg):
    """The same, and noise on where the reference is."""

    rel_xy: float = 0.0
    """Place of the reference relative to the robot, m; terms of three dimensions have it in all of them."""
    rel_yaw: float = 0.0
    """Heading of the reference relative to the robot, rad; on each number of a 6-D rotation."""


@dataclass
class PlaybackNoiseCfg:
    """Chances that the reference stops and goes on; while it stands its velocities are 0."""

    freeze_env_prob: float = 0.0
    """Chance per control step that a moving reference stops."""
    unfreeze_env_prob: float = 0.0
    """Chance per control step that a standing one goes on; 0 = it stands for the rest of the episode."""


@dataclass
class TrackingNoiseCfg(NoiseCfg):
    """Randomness that makes a tracker robust. Value functions see everything without it."""

    noise_scales: TrackingNoiseScalesCfg = field(default_factory=TrackingNoiseScalesCfg)
    """Noise on what the policy observes, by what is measured."""
    playback_noise_scales: PlaybackNoiseCfg = field(default_factory=PlaybackNoiseCfg)
    """References that stop for a while."""

    def check(self) -> None:
        """See :meth:`NoiseCfg.check`."""
        super().check()
        for name, chance in vars(self.playback_noise_scales).items():
            if chance > 1.0:
                raise ConfigError(
                    f"noise.playback_noise_scales.{name} is {chance}; it must lie between 0 and 1"
                )


@dataclass
class RobotDeepMimicCfg(LeggedRobotCfg):
    """A robot that follows a reference motion."""

    ALIASES: ClassVar[dict[str, str]] = LeggedRobotCfg.ALIASES | {
        "rewards.feet_contact_matching": "rewards.scales.feet_contact_matching",
    }
    """Names that users of the original know -> where the field is."""
    deepmimic: DeepMimicCfg = field(default_factory=DeepMimicCfg)
    """Reference motion."""
    observations: TrackingObservationsCfg = field(default_factory=TrackingObservationsCfg)
    """What actor and critic see."""
    rewards: RewardsCfg = field(default_factory=RewardsCfg)
    """Rewards."""
    terrain: TerrainCfg = field(default_factory=TerrainCfg)
    """Ground."""
    terminations: TerminationsCfg = field(default_factory=TerminationsCfg)
    """Failure rules of training."""
    noise: TrackingNoiseCfg = field(default_factory=TrackingNoiseCfg)
    """Noise."""
    domain_rand: TrackingDomainRandCfg = field(default_factory=TrackingDomainRandCfg)
    """Domain randomisation: physics, delays, pushes, odometry."""

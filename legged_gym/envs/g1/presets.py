"""Named sets of changes to the G1 tasks' defaults."""

from __future__ import annotations

from dataclasses import replace

from legged_gym.envs.base.legged_robot_config import (
    ControlCfg,
    InitNoiseCfg,
    NormalizationCfg,
)
from legged_gym.envs.base.robot_deepmimic_config import (
    RewardScalesCfg,
    RewardsCfg,
    TerminationsCfg,
    TrackingObservationsCfg,
)
from legged_gym.envs.g1.g1_dagger_config import BLIND_STUDENT_TERMS, NO_HISTORY_TERMS, NOISY_MAP_TERM
from legged_gym.envs.g1.g1_deepmimic_config import (
    ORIGINAL_ACTOR_TERMS,
    ORIGINAL_CRITIC_TERMS,
    ORIGINAL_TRACKED_BODIES,
)
from legged_gym.envs.g1.g1_heightfield_config import MAP_TERM, ROOT_TERMS
from legged_gym.rl.rl_config import DaggerCfg, PolicyCfg, PPOCfg
from legged_gym.utils.config import TaskCfg


def videomimic(cfg: TaskCfg) -> None:
    """The original VideoMimic's gains, observations, weights, network and PPO settings, to compare with.

    Left out on purpose: its weight of 2000 on ``feet_air_time``, a term it gates with velocity commands drawn at
    random. Everything is per second here, as it is there before its hidden multiplication by the control period.
    """
    env, train = cfg.env, cfg.train
    env.sim.dt = 0.005
    env.control = ControlCfg(gains="videomimic", control_type="P", decimation=4)
    env.normalization = NormalizationCfg(clip_actions=8.0)
    env.observations = TrackingObservationsCfg(
        actor=list(ORIGINAL_ACTOR_TERMS), critic=list(ORIGINAL_CRITIC_TERMS)
    )
    env.deepmimic.tracked_body_names = list(ORIGINAL_TRACKED_BODIES)
    env.deepmimic.link_pos_error_threshold = 0.3
    env.deepmimic.clip_weighting_strategy = "uniform_step"
    env.deepmimic.start_frame_share = 0.0
    env.terminations = TerminationsCfg(anchor_height=None, anchor_tilt=None, end_effector_height=None)
    env.noise.init_noise_scales = InitNoiseCfg()
    env.rewards = RewardsCfg(scales=_original_weights(), soft_dof_pos_limit=0.98)
    train.policy = PolicyCfg(
        init_noise_std=0.8,
        actor_hidden_dims=(512, 256, 128),
        critic_hidden_dims=(512, 256, 128),
        obs_normalization=False,
    )
    train.algorithm = _original_algorithm(train.algorithm)
    train.runner.num_steps_per_env = 24


def videomimic_heightfield(cfg: TaskCfg) -> None:
    """The same for the tasks that see a map."""
    encoder = cfg.train.policy.map_encoder
    videomimic(cfg)
    cfg.train.policy.map_encoder = encoder
    cfg.env.observations.actor.append(MAP_TERM)
    cfg.env.observations.critic.append(MAP_TERM)


def videomimic_root_heightfield(cfg: TaskCfg) -> None:
    """The same for the task that is told no joints."""
    videomimic_heightfield(cfg)
    cfg.env.observations.actor = [*ROOT_TERMS, MAP_TERM]


def videomimic_blind_student(cfg: TaskCfg) -> None:
    """The same for the student without eyes."""
    videomimic(cfg)
    cfg.env.observations.actor = list(BLIND_STUDENT_TERMS)


def videomimic_no_history(cfg: TaskCfg) -> None:
    """The same for the student that the original puts on the robot: a larger network, the noisy map for the critic."""
    videomimic_heightfield(cfg)
    policy = cfg.train.policy
    policy.actor_hidden_dims = policy.critic_hidden_dims = (1024, 512, 256, 128)
    cfg.env.observations.actor = list(NO_HISTORY_TERMS)
    cfg.env.observations.critic = [*ORIGINAL_CRITIC_TERMS, NOISY_MAP_TERM]


def robust(cfg: TaskCfg) -> None:
    """Robots that differ, pushes and noise, for the conditions of a sweep (``evaluate.py``, doc/robustness.md).

    * Each robot: friction 0.3 to 1.25, -3 to 3 kg on the torso, whose centre of mass is off by up to 25 mm.
    * Each episode: one factor of all gains, 0.8 to 1.2; beside it 10 % (standard deviation) on each position and each
      velocity gain, and motors of 0.9 to 1.1 times their strength; targets up to two physics substeps late, 20 ms.
    * Pushes of up to 0.5 m/s along x and y, 0.1 m/s along z and 0.2 rad/s, 1.5 s apart on average; in every control
      step random torques of up to 5 % of each joint's limit.
    * What the policy measures is noisy, as the original's but with joint velocities of +-0.5 rad/s: joints +-0.01 rad,
      root velocity +-0.1 m/s and +-0.2 rad/s, place +-0.01 m and heading +-0.01 rad relative to the reference.
    """
    env = cfg.env
    env.domain_rand = replace(
        env.domain_rand,
        randomize_friction=True,
        friction_range=(0.3, 1.25),
        randomize_base_mass=True,
        added_mass_range=(-3.0, 3.0),
        randomize_base_com=True,
        p_gain_rand=True,
        p_gain_rand_scale=0.1,
        d_gain_rand=True,
        d_gain_rand_scale=0.1,
        randomize_gains=True,
        randomize_motor_strength=True,
        control_delays=True,
        control_delay_max=2,
        push_robots=True,
        push_interval_s=3.0,
        max_push_vel_xy=0.5,
        torque_rfi_step_rand=True,
    )
    env.noise.noise_scales = replace(
        env.noise.noise_scales,
        dof_pos=0.01,
        dof_vel=0.5,
        lin_vel=0.1,
        ang_vel=0.2,
        rel_xy=0.01,
        rel_yaw=0.01,
    )


def _original_algorithm(present: PPOCfg) -> PPOCfg:
    """The original's settings of an algorithm; what it does, such as the teacher's name, stays."""
    distils = isinstance(present, DaggerCfg)
    return replace(
        present,
        num_learning_epochs=5,
        gamma=0.99,
        lam=0.95,
        entropy_coef=0.0025,
        learning_rate=1e-3,
        # The KL that it adapts to says nothing about cloning; its command for distillation fixes the rate, too.
        schedule="fixed" if distils else "adaptive",
        desired_kl=0.02,
        desired_kl_half_life=0,
        bounds_loss_coef=0.0005,
    )


def _original_weights() -> RewardScalesCfg:
    return RewardScalesCfg(
        anchor_pos_tracking=0.0,
        anchor_ori_tracking=0.0,
        body_pos_tracking=0.0,
        body_ori_tracking=0.0,
        body_lin_vel_tracking=0.0,
        body_ang_vel_tracking=0.0,
        joint_pos_tracking=120.0,
        joint_vel_tracking=24.0,
        link_pos_tracking=30.0,
        link_vel_tracking=5.0,
        torso_pos_tracking=15.0,
        torso_orientation_tracking=15.0,
        root_orientation_tracking=15.0,
        feet_contact_matching=1.0,
        contact_no_vel=-100.0,
        action_rate=-0.2,
        dof_pos_limits=-50.0,
        collision=-15.0,
        termination=-500.0,
    )

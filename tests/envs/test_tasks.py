"""The registered tasks: their configurations survive YAML, their presets build, the original's names work."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tensordict import TensorDict

from legged_gym.envs.base.robot_deepmimic import RobotDeepMimic
from legged_gym.envs.base.robot_velocity import RobotVelocity
from legged_gym.evaluation.sweep import CONDITIONS
from legged_gym.rl.rl_config import DaggerCfg, PPOCfg
from legged_gym.rl.runner import OnPolicyRunner
from legged_gym.utils import task_registry
from legged_gym.utils.cli import CommonArgs, parse_command
from legged_gym.utils.config import TaskCfg, from_yaml, to_dict, to_yaml

TASKS = [spec.name for spec in task_registry.all_tasks()]


def variants() -> list[tuple[str, str | None]]:
    return [(name, preset) for name in TASKS for preset in (None, *task_registry.get(name).presets)]


@pytest.mark.parametrize(("task", "preset"), variants())
def test_a_configuration_survives_yaml(task, preset):
    cfg = task_registry.get(task).configure(preset)
    assert from_yaml(to_yaml(cfg), cfg) == cfg


@pytest.mark.parametrize("task", TASKS)
def test_each_call_gives_a_fresh_configuration(task):
    first, second = (task_registry.get(task).configure() for _ in range(2))
    first.env.observations.actor.append("changed")
    first.env.rewards.scales.alive = 5.0
    assert second.env.rewards.scales.alive != 5.0 and "changed" not in second.env.observations.actor


def test_the_original_names_of_weights_work():
    options = [
        "--task=g1_deepmimic",
        "--env.rewards.collision=-3",
        "--env.rewards.feet_contact_matching",
        "2.5",
    ]
    scales = parse_command(options, CommonArgs).cfg.env.rewards.scales
    assert (scales.collision, scales.feet_contact_matching) == (-3.0, 2.5)


def test_the_videomimic_preset_runs_with_the_originals_gains_and_rates(sway_clip):
    spec = task_registry.get("g1_deepmimic")
    cfg = spec.configure("videomimic")
    cfg.env.env.num_envs, cfg.env.sim.num_threads = 2, 1
    cfg.env.deepmimic.amass_replay_data_path = [str(sway_clip)]
    env = spec.load_env_class()(cfg.env, seed=1)
    gains = dict(
        zip(env.joint_names, zip(env.stiffness.tolist(), env.damping.tolist(), strict=True), strict=True)
    )
    assert gains["left_knee_joint"] == (75.0, 2.0)
    assert gains["left_ankle_pitch_joint"] == pytest.approx((20.0, 0.2))
    assert gains["left_ankle_roll_joint"] == pytest.approx((20.0, 0.1))
    assert (env.step_dt, env.num_actions) == (pytest.approx(0.02), 23)
    assert torch.equal(env.action_scale, torch.full((23,), 0.25))
    obs, reward, _, _ = env.step(torch.zeros(2, 23))
    assert obs["actor"].shape == (2, 415) and obs["critic"].shape == (2, 623) and torch.isfinite(reward).all()


def test_the_robust_preset_trains_for_what_the_sweep_asks_and_its_noise_reaches_the_policy(sway_clip, caplog):
    spec = task_registry.get("g1_deepmimic")
    cfg = spec.configure("robust").env
    sweep = CONDITIONS[-1].domain_rand(dt=0.005)
    trained = vars(cfg.domain_rand)
    assert all(trained[name] for name, value in sweep.items() if value is True)
    for name in ("friction_range", "added_mass_range", "gain_range"):
        assert trained[name][0] <= sweep[name][0] and trained[name][1] >= sweep[name][1]
    assert cfg.domain_rand.control_delay_max * cfg.sim.dt == pytest.approx(sweep["control_delay_max"] * 0.005)
    assert cfg.domain_rand.max_push_vel_xy == sweep["max_push_vel_xy"]
    cfg.env.num_envs, cfg.sim.num_threads = 2, 1
    cfg.deepmimic.amass_replay_data_path = [str(sway_clip)]
    env = spec.load_env_class()(cfg, seed=1)
    obs, reward, _, _ = env.step(torch.zeros(2, 23))
    assert torch.isfinite(obs["actor"]).all() and torch.isfinite(reward).all()
    assert not [record for record in caplog.records if "no term" in record.getMessage()], "no scale is idle"
    slots = env.observation_layout()["actor"]
    for name in (
        "anchor_pos_error_b",
        "anchor_rot6d_error",
        "base_lin_vel",
        "base_ang_vel",
        "dof_pos",
        "dof_vel",
    ):
        columns = slots.slice_of(name)
        assert not torch.equal(obs["actor"][:, columns], obs["critic"][:, columns]), name


WALKER = [
    "base_ang_vel",
    "projected_gravity",
    "velocity_commands",
    "dof_pos",
    "dof_vel",
    "actions",
    "gait_phase",
]
"""3 + 3 + 3 + 3 * 12 + 2 = 47"""


def test_the_walking_task_drives_the_legs_and_sees_what_a_robots_own_sensors_give():
    spec = task_registry.get("g1")
    cfg = spec.configure()
    cfg.env.env.num_envs, cfg.env.sim.num_threads = 2, 1
    env = spec.load_env_class()(cfg.env, seed=1)
    assert isinstance(env, RobotVelocity) and (env.num_actions, env.step_dt) == (12, pytest.approx(0.02))
    assert not [name for name in env.joint_names if "waist" in name or "shoulder" in name]
    layout = env.observation_layout()
    assert [term.name for term in layout["actor"].terms] == WALKER
    assert (layout["actor"].size, layout["critic"].size) == (47, 47 + 3 + 1 + 2 + 2)
    assert not {"lin_vel_h", "foot_clearance"} & {term.name for term in layout["actor"].terms}
    obs, reward, _, _ = env.step(torch.zeros(2, 12))
    assert torch.isfinite(obs["actor"]).all() and torch.isfinite(reward).all()


def test_commands_and_grounds_are_set_from_the_command_line():
    options = [
        "--task=g1",
        "--env.commands.ranges.lin_vel_x=-0.5,1.5",
        "--env.terrain.kinds=[stairs,rough]",
        "--env.rewards.scales.tracking_lin_vel=3",
    ]
    cfg = parse_command(options, CommonArgs).cfg.env
    assert tuple(cfg.commands.ranges.lin_vel_x) == (-0.5, 1.5)
    assert (cfg.terrain.kinds, cfg.rewards.scales.tracking_lin_vel) == (["stairs", "rough"], 3.0)


MAP = 121
STATE = ["base_lin_vel", "base_ang_vel", "dof_pos", "dof_vel", "actions"]  # 3 + 3 + 3 * 23
TRACKED = [
    "ref_dof_pos",
    "ref_dof_vel",
    "anchor_pos_error_b",
    "anchor_rot6d_error",
    *STATE,
]  # 2 * 23 + 9 + 75 = 130


def seeing_task(name: str, step_clip: Path, preset: str | None = None) -> tuple[RobotDeepMimic, TaskCfg]:
    """A task on the platform, with two robots, and its configuration."""
    spec = task_registry.get(name)
    cfg = spec.configure(preset)
    cfg.env.env.num_envs, cfg.env.sim.num_threads = 2, 1
    cfg.env.deepmimic.amass_replay_data_path = [str(step_clip)]
    cfg.train.runner.num_threads, cfg.train.runner.num_steps_per_env = 1, 4
    return spec.load_env_class()(cfg.env, seed=1), cfg


@pytest.mark.parametrize(
    ("task", "actor", "sizes"),
    [
        ("g1_deepmimic_heightfield", [*TRACKED, "terrain_height"], (130 + MAP, 256 + MAP)),
        ("g1_deepmimic_proj_heightfield", [*TRACKED, "terrain_height"], (130 + MAP, 256 + MAP)),
        (
            "g1_deepmimic_root_heightfield",
            ["history_torso_real", "history_torso_xy_rel", "history_torso_yaw_rel", "terrain_height"],
            (390 + MAP, 256 + MAP),
        ),
    ],
)
def test_the_tasks_with_eyes_see_what_they_say(step_clip, task, actor, sizes):
    env, cfg = seeing_task(task, step_clip)
    layout = env.observation_layout()
    assert [term.name for term in layout["actor"].terms] == actor
    assert [term.name for term in layout["critic"].terms] == [
        *TRACKED, "body_pos_b", "body_rot6d_b", "terrain_height",
    ]  # fmt: skip
    obs, reward, _, _ = env.step(torch.zeros(2, 23))
    assert (obs["actor"].shape[1], obs["critic"].shape[1]) == sizes
    assert torch.isfinite(obs["actor"]).all() and torch.isfinite(reward).all()
    runner = OnPolicyRunner(env, cfg.train)
    gated = [hasattr(network.mlp, "gate") for network in (runner.alg.actor, runner.alg.critic)]
    assert gated == [task != "g1_deepmimic_heightfield"] * 2


def test_a_policy_that_is_told_no_joints_does_not_get_them_through_its_controller():
    assert task_registry.get("g1_deepmimic_root_heightfield").configure().env.control.control_type == "P"


def test_the_tasks_with_eyes_start_on_the_clips_that_ship_with_a_mesh():
    cfg = task_registry.get("g1_deepmimic_proj_heightfield").configure()
    cfg.env.env.num_envs, cfg.env.sim.num_threads = 3, 1
    env = RobotDeepMimic(cfg.env, seed=1)
    assert sorted(env.data.clip_names) == ["box", "slope", "stairs"]
    scan = env.get_observations()["actor"][:, env.observation_layout()["actor"].slice_of("terrain_height")]
    assert scan.min() > 0.3 and scan.max() < 2.0


@pytest.mark.parametrize(
    ("task", "actor"), [("g1_deepmimic_proj_heightfield", 415), ("g1_deepmimic_root_heightfield", 390)]
)
def test_the_videomimic_preset_of_a_task_with_eyes_has_the_originals_sizes(step_clip, task, actor):
    env, cfg = seeing_task(task, step_clip, "videomimic")
    obs = env.get_observations()
    assert (obs["actor"].shape[1], obs["critic"].shape[1]) == (actor + MAP, 623 + MAP)
    assert cfg.train.policy.map_encoder == "gated"


BLIND = "g1_deepmimic_dagger"
ROOT = "g1_deepmimic_root_heightfield_dagger"
ROBOT = "g1_deepmimic_root_heightfield_no_history_dagger"
FINETUNING = "g1_deepmimic_root_heightfield_no_history"
STUDENTS = {
    # 5 (3 + 3 + 3 * 23) = 375 of its own state; 5 * 2 of the way and 5 of the turn; 3 waist and 2 * 4 arm joints
    BLIND: ("history_torso_real history_torso_xy_rel history_torso_yaw_rel upper_body_joint_targets", 401),
    ROOT: ("history_torso_real history_torso_xy_rel history_torso_yaw_rel terrain_height", 390 + MAP),
    ROBOT: ("history_torso_real torso_xy_rel torso_yaw_rel terrain_height_noisy", 378 + MAP),
    FINETUNING: ("history_torso_real torso_xy_rel torso_yaw_rel terrain_height_noisy", 378 + MAP),
}


@pytest.mark.parametrize("task", STUDENTS)
def test_a_student_sees_what_it_says_and_its_value_function_all(step_clip, task):
    env, cfg = seeing_task(task, step_clip)
    terms, size = STUDENTS[task]
    layout = env.observation_layout()
    assert [term.name for term in layout["actor"].terms] == terms.split()
    critic = [*TRACKED, "body_pos_b", "body_rot6d_b", *(["terrain_height"] if task != BLIND else [])]
    assert [term.name for term in layout["critic"].terms] == critic
    obs, reward, _, _ = env.step(torch.zeros(2, 23))
    assert obs["actor"].shape == (2, size) and torch.isfinite(obs["actor"]).all()
    assert torch.isfinite(reward).all()
    control = cfg.env.control
    assert (control.control_type, control.feed_forward) == ("P", "none")


@pytest.mark.parametrize("task", STUDENTS)
def test_a_student_has_its_algorithm_and_with_the_preset_the_originals_sizes(step_clip, task):
    env, cfg = seeing_task(task, step_clip, "videomimic")
    algorithm = DaggerCfg if task.endswith("_dagger") else PPOCfg
    assert type(task_registry.get(task).configure().train.algorithm) is type(cfg.train.algorithm) is algorithm
    terms, size = STUDENTS[task]
    assert [term.name for term in env.observation_layout()["actor"].terms] == terms.split()
    obs = env.get_observations()
    critic = 623 if task == BLIND else 623 + MAP
    assert (obs["actor"].shape[1], obs["critic"].shape[1]) == (size, critic)
    large = "no_history" in task
    widths = (1024, 512, 256, 128) if large else (512, 256, 128)
    assert cfg.train.policy.actor_hidden_dims == cfg.train.policy.critic_hidden_dims == widths
    last = {BLIND: "target_root_pitch", ROOT: "terrain_height"}.get(task, "terrain_height_noisy")
    assert env.observation_layout()["critic"].terms[-1].name == last


def test_who_fine_tunes_is_the_student_that_was_taught():
    taught, tuned = (task_registry.get(task).configure() for task in (ROBOT, FINETUNING))
    tuned.train.policy.average_iterations = taught.train.policy.average_iterations  # a fine-tuning is shorter
    assert taught.env == tuned.env and taught.train.policy == tuned.train.policy


def test_students_start_on_the_walks_that_ship():
    cfg = task_registry.get(BLIND).configure()
    cfg.env.env.num_envs, cfg.env.sim.num_threads = 2, 1
    names = set(RobotDeepMimic(cfg.env, seed=1).data.clip_names)
    assert {"stand", "walk_fast", "side_step", "turn_in_place", "command_walk_00", "command_walk_11"} <= names
    assert not names & {"squat", "arm_gestures", "stairs"}


def test_a_blind_policy_goes_on_with_eyes_and_acts_as_it_did(step_clip, tmp_path, monkeypatch):
    monkeypatch.setattr("legged_gym.rl.runner.plot_learning_curve", lambda *_: None)
    blind_env, blind_cfg = seeing_task("g1_deepmimic", step_clip)
    blind_cfg.train.runner.logger = "none"
    blind = OnPolicyRunner(blind_env, blind_cfg.train, tmp_path, task_cfg=to_dict(blind_cfg))
    blind.learn(2)
    env, cfg = seeing_task("g1_deepmimic_proj_heightfield", step_clip)
    cfg.train.runner.load_model_strict = False
    seeing = OnPolicyRunner(env, cfg.train, task_cfg=to_dict(cfg))
    seeing.load(tmp_path / "model_2.pt")
    with torch.no_grad():
        for _ in range(
            10
        ):  # recorded where the seeing policy goes; all but the map, which is last, is the blind one's
            obs = env.get_observations()
            without = TensorDict({key: value[:, :-MAP] for key, value in obs.items()}, batch_size=[2])
            actions = seeing.alg.actor(obs)
            torch.testing.assert_close(actions, blind.alg.actor(without), rtol=0, atol=1e-6)
            torch.testing.assert_close(
                seeing.alg.critic(obs), blind.alg.critic(without), rtol=1e-5, atol=1e-5
            )
            env.step(actions)
    seeing.learn(1)
    assert seeing.current_learning_iteration == 3
    assert seeing.alg.actor.mlp.gate.abs().min() > 0.0

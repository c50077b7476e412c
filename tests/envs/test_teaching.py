"""Distillation in a real env: a tracker that acts about its reference teaches one that acts about its default pose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from legged_gym.rl.labels import Labeller
from legged_gym.rl.rl_config import DaggerCfg, PolicyCfg, RunnerCfg, TrainCfg
from legged_gym.rl.runner import OnPolicyRunner
from legged_gym.rl.teacher import load_teacher
from legged_gym.scripts.train import train
from legged_gym.utils import task_registry
from legged_gym.utils.config import merge, nest, to_dict
from legged_gym.utils.errors import ConfigError, LeggedGymError

TRAIN = TrainCfg(
    runner=RunnerCfg(num_steps_per_env=6, logger="none", num_threads=1),
    policy=PolicyCfg(actor_hidden_dims=(32, 16), critic_hidden_dims=(16,), init_noise_std=0.2),
)
TEACHER = {
    "control.control_type": "residual",
    "control.feed_forward": "inverse_dynamics",
    "observations.actor": ["ref_dof_pos", "history_torso_real", "anchor_pos_error_b", "terrain_height"],
}
STUDENT = {
    "control.control_type": "P",
    "control.feed_forward": "none",
    "observations.actor": ["torso_real", "torso_xy_rel", "torso_yaw_rel"],
}


@pytest.fixture
def env_with(task_cfg):
    """Builds the env of ``task_cfg`` with some fields replaced, and says its configuration."""

    def make(settings: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        task_cfg.env = merge(task_cfg.env, nest(settings), "test")
        task_cfg.train = TRAIN
        env = task_registry.get("g1_deepmimic").load_env_class()(task_cfg.env, seed=1)
        return env, to_dict(task_cfg)

    return make


@pytest.fixture
def teacher(env_with, tmp_path) -> Path:
    """A checkpoint of a tracker that has hardly learned."""
    env, cfg = env_with(TEACHER)
    runner = OnPolicyRunner(env, TRAIN, None, "cpu", cfg)
    runner.learn(1)
    runner.save(tmp_path / "model_1.pt")
    return tmp_path / "model_1.pt"


def student(env_with, path: Path, **fields: Any) -> OnPolicyRunner:
    env, cfg = env_with(STUDENT)
    train = TrainCfg(runner=TRAIN.runner, policy=TRAIN.policy)
    train.algorithm = DaggerCfg(policy_to_clone=str(path), **fields)
    return OnPolicyRunner(env, train, None, "cpu", cfg)


def test_labels_ask_the_servos_for_what_the_teacher_asks_them_at_home(env_with, teacher):
    home, _ = env_with(TEACHER)
    policy = load_teacher(teacher)
    away, _ = env_with(STUDENT)
    labeller = Labeller(away, [policy])
    at_home, here = home.get_observations(), away.get_observations()
    for _ in range(5):
        labels = labeller.labels(here)
        here, at_home = away.step(labels)[0], home.step(policy.act(at_home["actor"]))[0]
        torch.testing.assert_close(away.joint_targets, home.joint_targets, rtol=0.0, atol=1e-6)
    assert (labels - away.target_offset()).abs().max() > 0.5  # the student's own actions are others


def test_a_student_resumes_bit_for_bit(env_with, teacher, tmp_path):
    def weights(runner: OnPolicyRunner) -> torch.Tensor:
        return torch.cat([p.detach().flatten() for p in runner.alg.actor.parameters()])

    whole = student(env_with, teacher, beta=0.5)
    whole.learn(4)
    first = student(env_with, teacher, beta=0.5)
    first.learn(2)
    first._obs = first.env.get_observations()  # what a checkpoint within learn() holds
    first.save(tmp_path / "model_2.pt")
    resumed = student(env_with, teacher, beta=0.5)
    resumed.load(tmp_path / "model_2.pt")
    resumed.learn(2)
    assert torch.equal(weights(resumed), weights(whole))
    assert resumed.latest["loss/bc"] == whole.latest["loss/bc"]
    assert set(resumed.env.observation_layout()) == {"actor", "critic"}


def test_a_teacher_that_sees_what_the_env_lacks_is_refused_with_all_of_it(env_with, tmp_path):
    walker = task_registry.get("g1").configure()
    walker.env.env.num_envs, walker.env.sim.num_threads = 2, 1
    walker.env.asset.locked_joints = ["wrist"]
    env = task_registry.get("g1").load_env_class()(walker.env, seed=1)
    walker.train = TRAIN
    runner = OnPolicyRunner(env, TRAIN, None, "cpu", to_dict(walker))
    runner.save(tmp_path / "model_0.pt")
    with pytest.raises(ConfigError, match=r"this env has no velocity_commands, gait_phase; known: .*dof_pos"):
        student(env_with, tmp_path / "model_0.pt")


def test_clips_name_their_teachers(env_with, sway_clip, tmp_path):
    listed = tmp_path / "clips.yaml"
    listed.write_text(
        f"- {{path: {sway_clip}, end_frame: 30, teacher_checkpoint_run_name: 20250428_185201}}\n"
        f"- {{path: {sway_clip}, start_frame: 10, end_frame: 40}}\n"
        f"- {{path: {sway_clip}, start_frame: 20, teacher_checkpoint_run_name: 20250428_185201}}\n"
    )
    env, _ = env_with({"deepmimic.amass_replay_data_path": [str(listed)]})
    assert env.teacher_names() == ["20250428_185201", ""]
    env.reset_to(torch.arange(3), env.data.clip_start, noisy=False)
    assert env.teacher_index()[:3].tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("teacher_option", "reason"),
    [("--train.algorithm.policy_to_clone=nobody", "no teacher nobody"), ("", "policy_to_clone is needed")],
)
def test_train_without_a_teacher_ends_before_there_is_a_run_folder(
    sway_clip, tmp_path, monkeypatch, teacher_option, reason
):
    monkeypatch.chdir(tmp_path)
    options = ["--task=g1_deepmimic_dagger", "--num_envs=2", "--env.sim.num_threads=1", teacher_option]
    options.append(f"--env.deepmimic.amass_replay_data_path={sway_clip}")
    with pytest.raises(LeggedGymError, match=reason):
        train([option for option in options if option])
    assert not (tmp_path / "logs").exists()

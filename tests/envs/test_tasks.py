"""The registered tasks: their configurations survive YAML, their presets build, the original's names work."""

from __future__ import annotations

import pytest
import torch

from legged_gym.utils import task_registry
from legged_gym.utils.cli import CommonArgs, parse_command
from legged_gym.utils.config import from_yaml, to_yaml

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

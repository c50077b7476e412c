"""Tasks run on the GPU's engine as they are: the tracking task, everything random at once, ground, and the commands."""

from __future__ import annotations

import pytest
import torch

import legged_gym.envs  # noqa: F401  (registers the tasks)
from legged_gym.utils import task_registry
from legged_gym.utils.errors import LeggedGymError
from tests.sim.warp_cases import needs_warp, prepare

pytestmark = needs_warp
if not needs_warp.args[0]:
    prepare()


def configure(task: str, num_envs: int):
    cfg = task_registry.get(task).configure()
    cfg.env.env.num_envs, cfg.env.sim.num_threads = num_envs, 1
    return cfg.env


def build(task: str, cfg, device: str = "warp:cpu"):
    return task_registry.get(task).load_env_class()(cfg, 1, device)


def walk_through(env, steps: int, scale: float = 0.3):
    """Random actions; (observations, rewards, dones) of every step, on the CPU."""
    generator = torch.Generator().manual_seed(0)
    results = []
    for _ in range(steps):
        actions = scale * torch.randn(env.num_envs, env.num_actions, generator=generator)
        observations, rewards, dones, _ = env.step(actions.to(env.device))
        results.append((observations["actor"].cpu().clone(), rewards.cpu(), dones.cpu()))
    return results


def test_the_tracking_task_goes_as_on_the_cpu_engine():
    """From the same draws: the first steps are the same, and episodes end and begin in the same envs."""
    sides = [
        walk_through(build("g1_deepmimic", configure("g1_deepmimic", 4), d), 12) for d in ("warp:cpu", "cpu")
    ]
    for ours, theirs in zip(*sides, strict=True):
        for part, reference, tolerance in zip(ours, theirs, (2e-3, 1e-3, 0.0), strict=True):
            torch.testing.assert_close(part, reference, rtol=0.0, atol=tolerance)


def test_all_randomisation_late_targets_and_episodes_that_end():
    cfg = configure("g1_deepmimic", 4)
    cfg.asset.use_alt_files = True
    for name, value in vars(cfg.domain_rand).items():
        if isinstance(value, bool):
            setattr(cfg.domain_rand, name, True)
    cfg.domain_rand.control_delay_max, cfg.domain_rand.push_interval_s = 3, 0.1
    env = build("g1_deepmimic", cfg)
    results = walk_through(env, 60, scale=0.6)
    assert sum(int(dones.sum()) for _, _, dones in results) > 0
    assert all(torch.isfinite(part).all() for step in results for part in step)
    assert env.sim.num_diverged == 0


@pytest.mark.slow
def test_a_clip_on_its_own_ground_with_a_height_scan():
    task = "g1_deepmimic_heightfield"
    cfg = configure(task, 2)
    cfg.deepmimic.amass_replay_data_path = ["g1/terrain/slope.npz"]
    cfg.terrain.collision = "heightfield"
    env = build(task, cfg)
    assert (
        env.terrain.layout.geometry(0).kind == "heightfield"
        and "terrain_height" in env.cfg.observations.actor
    )
    results = walk_through(env, 10)
    assert all(torch.isfinite(part).all() for step in results for part in step)
    assert env.sim.contact_force_w.abs().max() > 1.0 and env.sim.num_diverged == 0


@pytest.mark.slow
def test_training_evaluation_and_benchmark_take_the_device(tmp_path, monkeypatch):
    from legged_gym.scripts.benchmark import benchmark
    from legged_gym.scripts.evaluate import evaluate
    from legged_gym.scripts.train import train

    monkeypatch.chdir(tmp_path)
    common = ["--task=g1_deepmimic", "--sim_device=warp:cpu", "--num_envs=4", "--train.runner.num_threads=1"]
    assert train([*common, "--max_iterations=1", "--train.runner.logger=none"]) == 0
    assert train([*common, "--max_iterations=1", "--train.runner.logger=none", "--resume"]) == 0
    with pytest.raises(LeggedGymError, match="another engine"):
        train(["--task=g1_deepmimic", "--resume", "--max_iterations=1"])
    evaluate([*common])
    benchmark(
        [*common, "--env_step_envs=4", "--steps=2", "--iterations=1", "--terrains=0", "--largest_envs=8"]
    )

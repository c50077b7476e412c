"""The TorchScript of a bundle, fed with values by name, against the env's own vectors."""

from __future__ import annotations

import pytest
import torch

from tests.deploy.robots import build_env, exported

TASK = "g1_deepmimic_root_heightfield"
TERMS = ["history_torso_real", "history_dof_vel", "torso_xy_rel", "torso_yaw_rel", "terrain_height_noisy"]


def shaped(cfg) -> None:
    cfg.observations.scales = {"torso_real": 2.0, "dof_vel": 0.05}
    cfg.observations.clips = {"dof_vel": 1.0}
    cfg.observations.history_lengths = {"torso_real": 3, "dof_vel": 4}


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    """An env, and the script of a policy of it whose answers differ from observation to observation."""
    env = build_env(TASK, TERMS, shaped)
    bundle = exported(env, TASK, tmp_path_factory.mktemp("named") / "policy", tameness=1.0)
    with pytest.warns(DeprecationWarning):
        return env, bundle, torch.jit.load(bundle.file("policy.pt"))


def newest(env, bundle, observations: torch.Tensor) -> dict[str, torch.Tensor]:
    """Values of this step by name, before clip and scale: the newest part of the env's vector, or its simulator's."""
    values = {}
    for term in bundle.spec.observation.terms:
        width = (term.stop - term.start) // term.history
        part = observations[:, term.start : term.start + width] / term.scale
        values[term.name.removeprefix("history_")] = part
    values["dof_vel"] = env.sim.dof_vel.clone()  # clipped in the vector
    return values


def test_values_by_name_are_laid_out_as_the_env_does_over_an_episode_and_the_next(student):
    env, bundle, script = student
    everyone, rng = torch.arange(env.num_envs), torch.Generator().manual_seed(2)
    for episode in range(2):
        env.reset_to(everyone, torch.full_like(everyone, 30 * episode), noisy=False)
        observations = env.observe(everyone)["actor"]
        script.reset()
        for step in range(6):
            named = script(newest(env, bundle, observations))
            torch.testing.assert_close(named, script(observations), atol=1e-5, rtol=1e-5, msg=f"step {step}")
            env.advance(torch.randn(env.num_envs, env.num_actions, generator=rng))
            observations = env.observe()["actor"]
    assert env.sim.dof_vel.abs().max() > 1.0  # the clip had something to do


def test_without_a_reset_the_last_episode_is_remembered(student):
    env, bundle, script = student
    everyone = torch.arange(env.num_envs)
    env.reset_to(everyone, torch.zeros_like(everyone), noisy=False)
    observations = env.observe(everyone)["actor"]
    values = newest(env, bundle, observations)
    assert (script(values) - script(observations)).abs().max() > 1e-3
    script.reset()
    torch.testing.assert_close(script(values), script(observations), atol=1e-5, rtol=1e-5)


def test_a_missing_name_is_an_error(student):
    env, bundle, script = student
    values = newest(env, bundle, env.observe()["actor"])
    del values["torso_xy_rel"]
    with pytest.raises(RuntimeError, match="torso_xy_rel"):
        script(values)

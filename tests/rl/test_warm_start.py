"""Checkpoints of other observations: matched by name, acting as before, and saying what was left out."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch

from legged_gym.rl.checkpoint import read_checkpoint
from legged_gym.rl.rl_config import PolicyCfg, RunnerCfg, TrainCfg
from legged_gym.rl.run_log import read_progress
from legged_gym.rl.runner import OnPolicyRunner
from legged_gym.utils.errors import RunError
from tests.rl.map_env import BLIND, SEEING, MapEnv, arranged, random_values

REORDERED = ("time", "terrain_height", "one", "position")


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes half a second each time."""
    monkeypatch.setattr("legged_gym.rl.runner.plot_learning_curve", lambda *_: None)


def make_runner(
    terms: tuple[str, ...],
    encoder: str = "flat",
    strict: bool = False,
    log: Path | None = None,
    **policy: Any,
) -> OnPolicyRunner:
    """A small runner."""
    policy = {"actor_hidden_dims": (16, 8), "critic_hidden_dims": (16,)} | policy
    runner = RunnerCfg(
        num_steps_per_env=8, save_interval=1, logger="none", num_threads=1, load_model_strict=strict
    )
    return OnPolicyRunner(
        MapEnv(terms), TrainCfg(runner=runner, policy=PolicyCfg(map_encoder=encoder, **policy)), log
    )


def trained(folder: Path, terms: tuple[str, ...], encoder: str = "flat") -> OnPolicyRunner:
    """A policy after three iterations, whose checkpoint is model_3.pt; its map matters."""
    runner = make_runner(terms, encoder, log=folder)
    if encoder == "gated":
        with torch.no_grad():
            for model in (runner.alg.actor, runner.alg.critic):
                model.mlp.gate.normal_()
    runner.learn(3)
    return runner


def outputs(runner: OnPolicyRunner, n: int = 20) -> torch.Tensor:
    """Actions of the newest and of the averaged policy and values, (n, 5), for the same situations."""
    obs = arranged(runner.env.terms, random_values(n))
    alg = runner.alg
    with torch.no_grad():
        return torch.cat((alg.actor(obs), alg.get_policy()(obs), alg.critic(obs)), dim=1)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ((BLIND, "flat"), (SEEING, "gated")),
        ((BLIND, "flat"), (SEEING, "cnn")),
        ((BLIND, "flat"), (REORDERED, "flat")),
        ((SEEING, "flat"), (REORDERED, "flat")),
        ((SEEING, "flat"), (SEEING, "gated")),
        ((SEEING, "gated"), (SEEING, "flat")),
        ((SEEING, "gated"), (REORDERED, "gated")),
        ((SEEING[1:], "cnn"), (REORDERED, "cnn")),
    ],
)
def test_a_policy_that_gains_terms_or_another_encoder_acts_as_before(
    tmp_path: Path, source: Any, target: Any
) -> None:
    first = trained(tmp_path, *source)
    second = make_runner(*target)
    second.load(tmp_path / "model_3.pt")
    torch.testing.assert_close(outputs(second), outputs(first), rtol=1e-6, atol=1e-6)
    second.learn(1)
    assert not torch.allclose(outputs(second), outputs(first), atol=1e-3)


def test_a_run_that_begins_with_a_policy_counts_from_0(tmp_path: Path) -> None:
    first = trained(tmp_path / "first", BLIND)
    second = make_runner(SEEING, "gated", log=tmp_path / "second")
    second.start_from(tmp_path / "first/model_3.pt")
    newest, averaged, values = outputs(first).split((2, 2, 1), dim=1)
    assert not torch.allclose(newest, averaged, atol=1e-4)
    expected = torch.cat((averaged, averaged, values), dim=1)  # the policy that is evaluated and exported
    torch.testing.assert_close(outputs(second), expected, rtol=1e-6, atol=1e-6)
    assert second.current_learning_iteration == second.samples == second.alg.num_updates == 0
    second.learn(1)
    rows = read_progress(tmp_path / "second/progress.csv")
    assert [row["iteration"] for row in rows] == ["1"]


def test_the_default_refuses_and_names_the_option(tmp_path: Path) -> None:
    trained(tmp_path, BLIND)
    with pytest.raises(
        RunError, match=r"'terrain_height' is only in the env; --train\.runner\.load_model_strict=F"
    ):
        make_runner(SEEING, strict=True).load(tmp_path / "model_3.pt")
    trained(tmp_path, SEEING)
    with pytest.raises(RunError, match=r"map_encoder differ\?; --train\.runner\.load_model_strict=False"):
        make_runner(SEEING, "gated", strict=True).load(tmp_path / "model_3.pt")


def test_it_says_what_became_of_every_term(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    trained(tmp_path, ("time", "terrain_height", "one"), "cnn")
    with caplog.at_level(logging.INFO, "legged_gym"):
        make_runner(("position", "one", "terrain_height"), "gated").load(tmp_path / "model_3.pt")
    lines = [record.getMessage().split(maxsplit=3) for record in caplog.records]
    fate = {line[1]: line[2:] for line in lines if line[0] == "critic"}
    assert fate == {
        "position": ["2", "new: no effect at first"],
        "one": ["1", "loaded"],
        "terrain_height": [
            "121",
            "not loaded: the checkpoint's map encoder has no counterpart here; no effect at first",
        ],
        "time": ["1", "dropped: the env has no such term"],
    }
    assert "optimisers and learning rate start anew" in caplog.text
    assert "iterations count on from 3" in caplog.text


def test_a_term_of_another_history_does_not_pass_for_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trained(tmp_path, BLIND)
    content = read_checkpoint(tmp_path / "model_3.pt")
    content["observation_layout"]["actor"][0]["history"] = 2
    torch.save(content, tmp_path / "model_3.pt")
    runner = make_runner(BLIND)
    with caplog.at_level(logging.INFO, "legged_gym"):
        runner.load(tmp_path / "model_3.pt")
    assert "not loaded: history 2 in the checkpoint" in caplog.text
    assert not runner.alg.actor.mlp[0].weight[:, :2].any()
    assert runner.alg.actor.mlp[0].weight[:, 2:].any()


def test_other_joints_are_refused_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained(tmp_path, BLIND)
    monkeypatch.setattr(MapEnv, "joint_names", ("x_joint", "z_joint"))
    with pytest.raises(RunError, match="another robot") as error:
        make_runner(SEEING).load(tmp_path / "model_3.pt")
    assert "load_model_strict" not in str(error.value)


def test_other_hidden_layers_are_refused_with_the_right_ones(tmp_path: Path) -> None:
    trained(tmp_path, BLIND)
    with pytest.raises(RunError, match=r"use --train\.policy\.actor_hidden_dims=\[16,8\]"):
        make_runner(SEEING, actor_hidden_dims=(8, 8)).load(tmp_path / "model_3.pt")


def test_nothing_in_common_is_refused(tmp_path: Path) -> None:
    trained(tmp_path, ("position",))
    with pytest.raises(RunError, match="actor shares no observation"):
        make_runner(("time", "terrain_height")).load(tmp_path / "model_3.pt")


def test_learning_starts_anew_and_counting_goes_on(tmp_path: Path) -> None:
    trained(tmp_path / "blind", BLIND)
    runner = make_runner(SEEING, "gated", log=tmp_path / "seeing")
    runner.load(tmp_path / "blind" / "model_3.pt")
    assert runner.alg.learning_rate == runner.train_cfg.algorithm.learning_rate
    assert not runner.alg.optimizer.state and not runner.alg.critic_optimizer.state
    runner.learn(2)
    rows = read_progress(tmp_path / "seeing" / "progress.csv")
    assert [int(row["iteration"]) for row in rows] == [1, 2, 3, 4, 5]
    assert (tmp_path / "seeing" / "model_5.pt").is_file()


def test_a_warm_started_run_resumes_exactly(tmp_path: Path) -> None:
    trained(tmp_path / "blind", BLIND)
    whole = make_runner(SEEING, "gated", log=tmp_path / "whole")
    whole.load(tmp_path / "blind" / "model_3.pt")
    whole.learn(3)
    torch.manual_seed(99)
    again = make_runner(SEEING, "gated")
    again.load(tmp_path / "whole" / "model_5.pt")
    again.learn(1)
    assert torch.equal(outputs(whole), outputs(again))


def test_new_columns_are_normalised_by_what_is_seen_now(tmp_path: Path) -> None:
    trained(tmp_path, BLIND)
    runner = make_runner(SEEING)
    runner.load(tmp_path / "model_3.pt")
    normalizer = runner.alg.actor.obs_normalizer
    assert (normalizer.mean[2:123] - 0.8).abs().max() < 0.12  # 16 envs: the mean is known to 0.1 / sqrt(16)
    assert normalizer.count[0, [0, 2]].tolist() == [3 * 8 * 16, 16]
    runner.learn(1)
    assert (normalizer.mean[2:123] - 0.8).abs().max() < 0.04  # 144 samples: 0.1 / sqrt(144), five deviations
    assert normalizer.count[0, [0, 2]].tolist() == [4 * 8 * 16, 16 + 8 * 16]


def test_the_noise_can_be_set_back(tmp_path: Path) -> None:
    trained(tmp_path, BLIND)
    kept, reset = make_runner(SEEING), make_runner(SEEING, re_init_std=True, init_noise_std=0.7)
    for runner in (kept, reset):
        runner.load(tmp_path / "model_3.pt")
    expected = read_checkpoint(tmp_path / "model_3.pt")["actor_state_dict"]["distribution.std_param"]
    torch.testing.assert_close(kept.alg.action_std.detach(), expected)
    torch.testing.assert_close(reset.alg.action_std.detach(), torch.full((2,), 0.7))


def test_the_noise_is_set_back_once_however_often_a_run_is_resumed(tmp_path: Path) -> None:
    first = make_runner(BLIND, log=tmp_path, re_init_std=True, init_noise_std=0.7)
    first.learn(3)
    assert not torch.allclose(first.alg.action_std.detach(), torch.full((2,), 0.7))
    again = make_runner(BLIND, re_init_std=True, init_noise_std=0.7)
    again.load(tmp_path / "model_3.pt")
    torch.testing.assert_close(again.alg.action_std, first.alg.action_std)
    other = make_runner(BLIND, re_init_std=True, init_noise_std=0.6)
    other.load(tmp_path / "model_3.pt")
    torch.testing.assert_close(other.alg.action_std.detach(), torch.full((2,), 0.6))

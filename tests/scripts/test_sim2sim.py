"""sim2sim.py from its command line, on a bundle whose policy does nothing."""

from __future__ import annotations

import json

import pytest
import torch

from legged_gym.deploy.bundle import read_bundle
from legged_gym.scripts import _sim2sim
from legged_gym.scripts.export import export
from legged_gym.scripts.sim2sim import sim2sim
from legged_gym.scripts.train import train
from legged_gym.utils.errors import ConfigError, RunError


@pytest.fixture
def bundle(workdir, small):
    train([*small, "--max_iterations=1"])
    export(["--task=g1_deepmimic", "--out=policy", "--record_steps=20"])
    return read_bundle("policy")


@pytest.mark.slow
def test_a_bundle_is_judged_in_the_variations_that_are_named(bundle, capsys):
    few = ["--num_starts=3", "--num_from_start=2", "--num_envs=4", "--workers=1"]
    words = ["--bundle=policy", "--sims=as_trained,elliptic", *few, "--out=results/sims.json"]
    assert sim2sim([*words, "--at_least=1.01"]) == 1
    report = json.loads((bundle.folder / "../results/sims.json").read_text())
    assert list(report["simulations"]) == ["as_trained", "elliptic"]
    for total in report["simulations"].values():
        assert total["episodes"] == 3
        assert total["from_start"]["episodes"] == 2
    shown = capsys.readouterr().out
    assert "true friction cones" in shown


def test_the_policy_of_a_bundle_acts_as_the_trained_one(bundle):
    policy = _sim2sim.as_policy(bundle, "onnx")
    recorded = bundle.recorded
    actions = policy({"actor": torch.from_numpy(recorded["observations"])})
    torch.testing.assert_close(actions, torch.from_numpy(recorded["actions"]), atol=1e-5, rtol=1e-5)


def test_wrong_names_and_bundles_are_refused_before_anything_is_built(workdir):
    with pytest.raises(ConfigError, match="no simulation 'isaac'"):
        sim2sim(["--sims=mujoco,isaac"])
    with pytest.raises(RunError, match="no bundle folder"):
        sim2sim(["--bundle=nowhere", "--sims=mujoco"])

"""Networks of real bundles in their runtimes."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from legged_gym.deploy.bundle import read_bundle
from legged_gym.deploy.policy import load_policy
from legged_gym.utils.errors import ConfigError, DependencyError, RunError

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.load. is deprecated:DeprecationWarning")


@pytest.mark.parametrize("runtime", ["onnx", "torchscript"])
def test_both_runtimes_reproduce_the_recording(tracker_bundle, runtime):
    policy = load_policy(tracker_bundle, runtime)
    recorded = tracker_bundle.recorded
    answers = [policy(row[None])[0] for row in recorded["observations"]]
    np.testing.assert_allclose(answers, recorded["actions"], atol=1e-5)


def test_a_network_that_answers_otherwise_is_refused(tracker_bundle, monkeypatch):
    spoilt = {name: values.copy() for name, values in tracker_bundle.recorded.items()}
    spoilt["actions"][-1] += 1e-3
    monkeypatch.setitem(tracker_bundle.recorded, "actions", spoilt["actions"])
    with pytest.raises(RunError, match=r"actions of onnx are 0.001 off the recorded ones"):
        load_policy(tracker_bundle)


def test_what_is_no_network_is_refused_by_file(make_bundle):
    bundle = read_bundle(make_bundle())
    for runtime, file in (("onnx", "policy.onnx"), ("torchscript", "policy.pt")):
        with pytest.raises(RunError, match=f"cannot load .*{file}"):
            load_policy(bundle, runtime)


def test_a_runtime_that_is_not_installed_or_unknown_is_named(tracker_bundle, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(DependencyError, match="needs onnxruntime; pip install onnxruntime"):
        load_policy(tracker_bundle)
    with pytest.raises(ConfigError, match="no policy runtime 'tensorrt'; known: onnx, torchscript"):
        load_policy(tracker_bundle, "tensorrt")

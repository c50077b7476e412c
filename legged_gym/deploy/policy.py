"""The policy's network in a runtime: observations (1, D) float32 to actions (1, J)."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np

from legged_gym.bundle.schema import ONNX_FILE, TORCHSCRIPT_FILE
from legged_gym.deploy.bundle import Bundle
from legged_gym.utils.errors import ConfigError, DependencyError, RunError

Runtime = Literal["onnx", "torchscript"]
Policy = Callable[[np.ndarray], np.ndarray]
"""Observations (1, D) float32 to actions (1, J)."""

WARM_UP_CALLS = 50
"""The first calls of a runtime are slow: TorchScript's took 20 to 67 ms, one to three ticks."""


def load_policy(bundle: Bundle, runtime: Runtime = "onnx", num_threads: int = 1) -> Policy:
    """Load a bundle's network, make it reproduce the recorded actions, and warm it up.

    One thread is best for one observation at a time: with more, both runtimes spin or wait for each other.

    Args:
        bundle: Where it is.
        runtime: ONNX Runtime or TorchScript; the latter needs torch, which the extra for robots does not bring.
        num_threads: Threads of the runtime.

    Raises:
        RunError: The bundle has no file for this runtime, it cannot be loaded, or it does not reproduce the recording.
        DependencyError: The runtime is not installed.
        ConfigError: There is no such runtime.
    """
    loaders: dict[str, Callable[[Bundle, int], Policy]] = {"onnx": _load_onnx, "torchscript": _load_script}
    if runtime not in loaders:
        raise ConfigError(f"no policy runtime {runtime!r}; known: {', '.join(loaders)}")
    policy = loaders[runtime](bundle, num_threads)
    bundle.check_policy(policy, runtime)
    first = bundle.recorded["observations"][:1]
    for _ in range(WARM_UP_CALLS):
        policy(first)
    return policy


def _load_onnx(bundle: Bundle, num_threads: int) -> Policy:
    runtime = _import("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = num_threads
    options.log_severity_level = 3
    path = bundle.file(ONNX_FILE)
    try:
        session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no root of their own
        raise _unloadable(path, error) from None
    outputs, name = [bundle.spec.policy.output], bundle.spec.policy.input

    def act(observations: np.ndarray) -> np.ndarray:
        return session.run(outputs, {name: observations})[0]

    return act


def _load_script(bundle: Bundle, num_threads: int) -> Policy:
    torch = _import("torch")
    torch.set_num_threads(num_threads)
    path = bundle.file(TORCHSCRIPT_FILE)
    try:
        script = torch.jit.load(str(path), map_location="cpu")
    except RuntimeError as error:
        raise _unloadable(path, error) from None

    def act(observations: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return script(torch.from_numpy(observations)).numpy()

    return act


def _import(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise DependencyError(f"this policy runtime needs {module}; pip install {module}") from None


def _unloadable(path: Path, error: Exception) -> RunError:
    return RunError(f"cannot load {path}: {str(error).splitlines()[0]}")

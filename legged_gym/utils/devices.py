"""Names of the devices a simulation may run on, and what each needs to be installed. No heavy import."""

from __future__ import annotations

import importlib.util
import re

from legged_gym.utils.errors import ConfigError, DependencyError

WARP_ON_CPU = "warp:cpu"
"""The GPU engine on CPU cores: slow, and what tests and a look at it without a GPU need."""
_PACKAGES = ("warp", "mujoco_warp")


def torch_device(sim_device: str) -> str:
    """The device of a simulation's tensors."""
    return "cpu" if sim_device == WARP_ON_CPU else sim_device


def check_sim_device(sim_device: str) -> None:
    """Refuse a device whose engine, or whose hardware, is not there. Torch is imported only to look for a GPU.

    Raises:
        ConfigError: No simulation runs on a device of this name.
        DependencyError: Says all that is missing, and what to install.
    """
    if sim_device == "cpu":
        return
    if sim_device != WARP_ON_CPU and not re.fullmatch(r"cuda(:\d+)?", sim_device):
        raise ConfigError(
            f"--sim_device={sim_device}: must be cpu or cuda[:index]; or {WARP_ON_CPU}, for tests"
        )
    missing = []
    if any(importlib.util.find_spec(package) is None for package in _PACKAGES):
        missing.append("MuJoCo Warp is not installed: pip install 'videomimic-gym[gpu]'")
    if sim_device != WARP_ON_CPU:
        missing += _missing_gpu(int(sim_device.partition(":")[2] or 0))
    if missing:
        raise DependencyError(f"--sim_device={sim_device}: " + "; ".join(missing))


def _missing_gpu(index: int) -> list[str]:
    import torch

    found = torch.cuda.device_count()
    if found > index:
        return []
    if torch.version.cuda is None:
        return [
            f"torch {torch.__version__} is a build without CUDA, so it finds no GPU: install PyPI's own torch for Linux"
        ]
    if not found:
        return ["torch finds no NVIDIA GPU: it needs one, with its driver (nvidia-smi lists what there is)"]
    return [f"torch finds {found} GPU{'s' * (found > 1)}, the first of which is cuda:0"]

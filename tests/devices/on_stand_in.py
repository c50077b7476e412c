"""A script of the package with its simulation, its learner or both on the stand-in for a GPU.

    python -m tests.devices.on_stand_in <sim device> <rl device> <script> <its options>

where the devices are cpu, standin or, for the simulation, warp:cpu. A simulation on the stand-in is MuJoCo Warp's on
Warp's CPU device whose arrays torch sees on the stand-in. The last line it prints is JSON: how often which line asked
the device for something.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

import torch

from tests.devices import stand_in
from tests.devices.stand_in import DEVICE, NAME, StandInTensor


def main(sim_device: str, rl_device: str, name: str, *argv: str) -> None:
    """Run a script."""
    torch.set_num_threads(1)
    stand_in.install()
    script = importlib.import_module(f"legged_gym.scripts.{name}")
    devices = {"sim_device": sim_device, "rl_device": DEVICE if rl_device == NAME else rl_device}
    from legged_gym.utils import processes

    processes.device_of = lambda flag, _: devices[flag]
    script.check_devices = lambda *_, **__: None  # it asks torch for CUDA
    if sim_device == NAME:
        simulate_on_stand_in()
    getattr(script, name)(list(argv))
    print(json.dumps(stand_in.asked))


def simulate_on_stand_in() -> None:
    """Let every simulation be Warp's, and torch see its arrays on the stand-in."""
    import warp

    from legged_gym.envs.base import legged_robot
    from legged_gym.sim import mujoco_warp

    to_torch, from_torch, get_device = warp.to_torch, warp.from_torch, warp.get_device

    def from_stand_in(tensor: torch.Tensor, *args: Any, **options: Any) -> Any:
        assert isinstance(tensor, StandInTensor), "a kernel on a GPU cannot read memory of the CPU"
        return from_torch(tensor.raw, *args, **options)

    warp.to_torch = lambda array, **options: StandInTensor(to_torch(array, **options))
    warp.from_torch = from_stand_in
    warp.device_to_torch = lambda _: DEVICE
    warp.get_device = lambda device=None: get_device("cpu" if device == DEVICE else device)
    mujoco_warp.torch_device = legged_robot.torch_device = lambda _: DEVICE
    legged_robot.make_simulator = lambda robot, cfg, n, bodies, contacts, _, ground: (
        mujoco_warp.MujocoWarpSimulator(robot, cfg, n, bodies, contacts, DEVICE, ground)
    )


if __name__ == "__main__":
    main(*sys.argv[1:])

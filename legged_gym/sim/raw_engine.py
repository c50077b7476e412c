"""The bare engine below a simulator, without all that the package does around it: what a benchmark compares with."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

import torch
from mujoco import batch
from torch import Tensor

from legged_gym.sim.mujoco_cpu import MujocoCpuSimulator
from legged_gym.sim.simulator import Simulator

if TYPE_CHECKING:
    from legged_gym.sim.mujoco_warp import MujocoWarpSimulator


class RawEngine(Protocol):
    """As many bare simulations as a simulator has, of its model."""

    seconds: float
    """Spent in stepping so far; whoever measures may set it back to 0."""

    def step(self, state: dict[str, Tensor], targets: Tensor) -> None:
        """Time one control period from a simulator's ``state_dict`` with given joint targets (N, J)."""


def make_raw_engine(sim: Simulator, substeps: int, num_threads: int) -> RawEngine:
    """The engine that a simulator runs on.

    Args:
        sim: Whose model and number of envs.
        substeps: Of a control period.
        num_threads: On CPU cores; 0 takes all.
    """
    if isinstance(sim, MujocoCpuSimulator):
        return _RawMujoco(sim, substeps, num_threads)
    return _RawMujocoWarp(sim, substeps)


class _RawMujoco:
    def __init__(self, sim: MujocoCpuSimulator, substeps: int, num_threads: int) -> None:
        self._substeps = substeps
        self._batch = batch.Batch(sim.model, sim.num_envs, num_threads)
        self._ctrl = self._batch.bind("ctrl")
        self.seconds = 0.0

    def step(self, state: dict[str, Tensor], targets: Tensor) -> None:
        self._batch.state[...] = state["full_state"].numpy()
        self._ctrl[...] = targets.numpy()
        start = time.perf_counter()
        self._batch.step(nstep=self._substeps)
        self.seconds += time.perf_counter() - start


class _RawMujocoWarp:
    def __init__(self, sim: MujocoWarpSimulator, substeps: int) -> None:
        import mujoco_warp as mjw
        import warp as wp

        self._warp, self._device = wp, wp.get_device(sim.device)
        with wp.ScopedDevice(self._device):
            model = mjw.put_model(sim.model)
            model.opt.warn_overflow = 0
            self._data = mjw.make_data(
                sim.model, sim.num_envs, nconmax=sim.room.contacts, njmax=sim.room.rows
            )
            mjw.step(model, self._data)
            with wp.ScopedCapture() as capture:
                for _ in range(substeps):
                    mjw.step(model, self._data)
        self._graph = capture.graph
        self.seconds = 0.0

    def step(self, state: dict[str, Tensor], targets: Tensor) -> None:
        wp = self._warp
        for name in ("qpos", "qvel", "qacc_warmstart"):
            wp.to_torch(getattr(self._data, name)).copy_(state[name])
        wp.to_torch(self._data.ctrl).copy_(targets)
        if self._device.is_cuda:
            torch.cuda.synchronize()
        start = time.perf_counter()
        wp.capture_launch(self._graph)
        wp.synchronize_device(self._device)
        self.seconds += time.perf_counter() - start

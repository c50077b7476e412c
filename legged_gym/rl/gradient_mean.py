"""The mean of gradients over processes: through the network, or through memory where all of them share a machine.

Gloo sends gradients through the machine's own network, which costs more than the backward pass of a small network.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import torch
from rsl_rl.utils import reduce_gradients_in_buckets
from torch import nn

from legged_gym.utils.errors import RunError
from legged_gym.utils.processes import from_first, local_world_size, rank, sum_over_processes, world_size

SHARED_MEMORY, PREFIX = Path("/dev/shm"), "legged_gym_"


class GradientMean:
    """Averages gradients over all processes of the group, by the shortest way there is."""

    def __init__(self, device: str, bucket_mb: float) -> None:
        """Nothing is averaged yet.

        Args:
            device: Where gradients live.
            bucket_mb: How much is sent at once, MB.
        """
        self._on_cpu, self._bucket_mb = torch.device(device).type == "cpu", bucket_mb
        self._shared: dict[nn.Module, SharedGradients] = {}

    def average(self, model: nn.Module) -> None:
        """Put the mean over all processes in the place of every gradient of a network."""
        if not self._on_cpu or local_world_size() != world_size():
            reduce_gradients_in_buckets(model.parameters(), world_size(), self._bucket_mb)
            return
        if model not in self._shared:
            self._shared[model] = SharedGradients(model.parameters())
        self._shared[model].average()


class SharedGradients:
    """Averages the gradients of one network over W processes, in all of them at once.

    Every process writes its gradients into a row of its own, waits for the others and adds up all rows in the same
    order, so all have the same sum to the last bit. There are two sets of rows in turn: nobody can come back to the one
    that another still reads without having met it at the set between.
    """

    def __init__(self, parameters: Iterable[nn.Parameter]) -> None:
        """Find the memory; all processes of the group do so together.

        Args:
            parameters: Of the network, float32 and in the same order everywhere. Those that a loss leaves without a
                gradient, the same everywhere, stay without.
        """
        self._parameters = list(parameters)
        size = sum(parameter.numel() for parameter in self._parameters)
        self._sets = _shared(2, world_size(), size)
        self._turn = 0
        self._meeting = torch.zeros(1)

    def average(self) -> None:
        """Put the mean over all processes in the place of every gradient."""
        grads = [parameter.grad for parameter in self._parameters if parameter.grad is not None]
        rows = self._sets[self._turn][:, : sum(grad.numel() for grad in grads)]
        self._turn = 1 - self._turn
        torch.cat([grad.view(-1) for grad in grads], out=rows[rank()])
        sum_over_processes(self._meeting.zero_())
        mean = rows.sum(0).div_(len(rows))
        parts = mean.split([grad.numel() for grad in grads])
        torch._foreach_copy_(grads, [part.view_as(grad) for part, grad in zip(parts, grads, strict=True)])


def _shared(*shape: int) -> torch.Tensor:
    """Zeros that all processes see; nothing is left in any folder."""
    count = torch.Size(shape).numel()
    path = from_first(lambda: _new_file(4 * count))
    values = torch.from_file(path, shared=True, size=count, dtype=torch.float32)
    sum_over_processes(torch.zeros(1))  # everyone has it
    if rank() == 0:
        os.unlink(path)
    return values.view(shape)


def _new_file(size: int) -> str:
    """A file of ``size`` bytes, in memory where there is room: containers have little, and writing beyond it is fatal.

    Raises:
        RunError: There is no room on disk either.
    """
    for folder in (SHARED_MEMORY, None):
        try:
            handle, path = tempfile.mkstemp(prefix=PREFIX, dir=folder)
        except OSError:  # no such folder, or not ours
            continue
        try:
            _allocate(handle, size)
            return path
        except OSError:
            os.unlink(path)
        finally:
            os.close(handle)
    raise RunError(
        f"no room for {size / 1e6:.0f} MB of gradients in {SHARED_MEMORY} and {tempfile.gettempdir()}"
    )


def _allocate(handle: int, size: int) -> None:
    """Give a file its size and, where the system can do so, its room."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, size)
    else:
        os.truncate(handle, size)

"""Processes that train together, as torchrun starts them: who is who, and sums over all of them.

In a process by itself every function answers as for a group of one. Torch is imported only where it is needed.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from legged_gym.utils.errors import ConfigError, RunError

if TYPE_CHECKING:
    from torch import Tensor

logger = logging.getLogger(__name__)

LAUNCHER_VARIABLES = (
    "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT",
)  # fmt: skip
"""What torchrun tells a process about itself and the others."""
TIMEOUT_S = 600.0
"""Longest wait for another process that is alive; the first loading of a large library differs by less."""
FIRST_SPEAKS_S = 2.0
"""Longer than torchrun takes to notice that a process has ended."""

Made = TypeVar("Made")


def check_launch(multi_gpu: bool) -> None:
    """Refuse one of torchrun and ``--multi_gpu`` without the other.

    Raises:
        ConfigError: Says which command is right.
    """
    missing = [name for name in LAUNCHER_VARIABLES if name not in os.environ]
    if multi_gpu and missing:
        raise ConfigError(
            "--multi_gpu needs torchrun to start the processes (no "
            f"{', '.join(missing)} in the environment); for two on this machine: "
            "torchrun --nproc-per-node 2 legged_gym/scripts/train.py --multi_gpu --task=..."
        )
    if not multi_gpu and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ConfigError(
            f"torchrun started {os.environ['WORLD_SIZE']} processes, each of which would train by itself: "
            "add --multi_gpu"
        )


def device_of(flag: str, name: str) -> str:
    """The device that a flag means in this process: ``cuda`` is the GPU with the number of the process on its machine.

    Raises:
        ConfigError: Torch finds no such GPU, or several processes of this machine would share one.
    """
    kind, _, index = name.partition(":")
    if kind != "cuda":
        return name
    import torch

    beside = local_world_size()
    if index and beside > 1:
        raise ConfigError(f"--{flag}={name}: {beside} processes cannot share it; cuda is one GPU for each")
    number = int(index) if index else local_rank()
    found, needed = torch.cuda.device_count(), max(number + 1, beside)
    if found < needed:
        raise ConfigError(f"--{flag}={name}: needs {needed} GPU{'s' * (needed > 1)}, torch finds {found}")
    return f"cuda:{number}"


@contextmanager
def together(multi_gpu: bool, device: str) -> Iterator[None]:
    """Train with the processes that torchrun started beside this one; whoever fails ends all, see `process_watch`.

    Args:
        multi_gpu: False does nothing.
        device: Where gradients live; NCCL adds them up on GPUs, gloo all else.
    """
    if not multi_gpu:
        yield
        return
    import torch

    from legged_gym.utils.process_watch import ProcessWatch

    backend = "gloo"
    if device.startswith("cuda"):
        torch.cuda.set_device(device)
        backend = "cpu:gloo,cuda:nccl"
    torch.distributed.init_process_group(backend, timeout=timedelta(seconds=TIMEOUT_S))
    if rank():
        logging.getLogger("legged_gym").setLevel(logging.ERROR)  # the first process speaks for all
    logger.info("%d processes train together over %s", world_size(), backend)
    with ProcessWatch(rank(), world_size()):
        yield
        gather(None)  # none leaves while another may still fail
    torch.distributed.destroy_process_group()


def joined() -> bool:
    """Whether this process belongs to a group, which may be of one."""
    torch = sys.modules.get("torch")  # a group exists only after torch was imported
    return torch is not None and torch.distributed.is_available() and torch.distributed.is_initialized()


def rank() -> int:
    """Number of this process among all; 0 is the one that writes."""
    import torch

    return torch.distributed.get_rank() if joined() else 0


def world_size() -> int:
    """Number of processes."""
    import torch

    return torch.distributed.get_world_size() if joined() else 1


def let_first_speak() -> None:
    """Wait before an error is printed that the first process of this machine is about to print too.

    torchrun ends all as soon as one ends, so what is still printed afterwards is an error of this process alone.
    """
    if local_rank() and not joined():
        time.sleep(FIRST_SPEAKS_S)


def local_rank() -> int:
    """Number of this process on its machine."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def local_world_size() -> int:
    """Number of processes on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def sum_over_processes(values: Tensor) -> Tensor:
    """Add up a tensor of the same shape in all processes, in place. Returns it."""
    import torch

    if joined():
        torch.distributed.all_reduce(values)
    return values


def mean_over_processes(values: Tensor) -> Tensor:
    """Average a tensor of the same shape over all processes, in place. Returns it."""
    return sum_over_processes(values).div_(world_size()) if joined() else values


def any_process(flag: bool) -> bool:
    """Whether a flag is set in any process."""
    import torch

    return bool(sum_over_processes(torch.tensor(int(flag)))) if joined() else flag


def gather(value: Any) -> list[Any]:
    """The values of all processes, in the order of their numbers."""
    if not joined():
        return [value]
    import torch

    values = [None] * world_size()
    torch.distributed.all_gather_object(values, value)
    return values


def gather_to_first(value: Any) -> list[Any]:
    """The values of all processes in the first one; nothing in the others."""
    if not joined():
        return [value]
    import torch

    values = [None] * world_size() if rank() == 0 else None
    torch.distributed.gather_object(value, values)
    return values or []


def from_first(make: Callable[[], Made]) -> Made:
    """What the first process makes, for all of them."""
    if not joined():
        return make()
    import torch

    made = [make() if rank() == 0 else None]
    torch.distributed.broadcast_object_list(made)
    return made[0]


def require_same(what: str, values: Mapping[str, Any]) -> None:
    """Refuse processes that were started differently, which would add up numbers that mean different things.

    Args:
        what: What the values are of, for the message.
        values: Plain values by name.

    Raises:
        RunError: Names the process, and the values in which it differs from the first one.
    """
    first, *others = gather(dict(values))
    for number, theirs in enumerate(others, start=1):
        names = [name for name in {**first, **theirs} if first.get(name) != theirs.get(name)]
        if names:
            shown = "; ".join(
                f"{name} is {theirs.get(name)!r}, not {first.get(name)!r}" for name in names[:3]
            )
            raise RunError(f"process {number} has another {what} than process 0: {shown}")

"""Thread settings that must be in place before torch is imported. Standard library only."""

from __future__ import annotations

import os


def use_passive_threads() -> None:
    """Let torch's worker threads sleep instead of spin while they have nothing to do.

    Training alternates between torch's OpenMP pool and the simulator's own pool on the same cores. By default
    OpenMP workers spin for a while after every operation, waiting for the next; the simulator then gets a
    fraction of the cores (measured on two cores: 2.5 times the CPU time for the policy update). libgomp reads
    these variables once, when torch loads it, so scripts call this before anything imports torch. Values
    already set by the user win.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")


def available_cores() -> int:
    """Return how many cores this process may use: its share, where torchrun has started others beside it.

    Containers and batch systems can limit them.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))


def rollout_threads(num_envs: int) -> int:
    """Return how many threads torch should compute an env step of ``num_envs`` robots with.

    Below about a thousand robots each operation is so short that waking a second thread costs more than it saves
    (measured with 256 and 512 robots on two cores: rewards and observations take 1.4 times as long on two threads).
    """
    return max(1, min(available_cores(), num_envs // 1024))

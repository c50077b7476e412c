"""One process that fails ends all that train with it, at once and with the cause.

A process that waits in a collective operation for one that has failed waits until a timeout, on GPUs without a way to
interrupt it. So each has a thread beside it that looks into the launcher's key-value store: a process that fails leaves
the cause there, and one that dies without a word is missed by its neighbour.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import traceback
from datetime import timedelta
from types import TracebackType

import torch.distributed
from torch.distributed.elastic.multiprocessing.errors import get_error_handler

from legged_gym.utils.errors import LeggedGymError, RunError

BEAT_S = 1.0
"""Time between two looks into the store."""
SILENCE_S = 120.0
"""A process that has not looked for so long is dead; one call that keeps python from running is shorter."""
GRACE_S = 5.0
"""What a process has to end by itself and close its files, once another has failed."""
STORE_TIMEOUT = timedelta(seconds=30)
FAILED = "failed"
"""Key of the first cause in the store."""


class ProcessWatch:
    """Context that ends this process when another fails, and the others when this one does."""

    def __init__(self, rank: int, world_size: int) -> None:
        """Connect to the launcher's store."""
        self._rank, self._neighbour = rank, (rank + 1) % world_size
        # A connection of its own: the group's may be busy with the main thread.
        self._store = torch.distributed.TCPStore(
            os.environ["MASTER_ADDR"],
            int(os.environ["MASTER_PORT"]),
            is_master=False,
            wait_for_workers=False,
            timeout=STORE_TIMEOUT,
        )
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="process watch", daemon=True)

    def __enter__(self) -> ProcessWatch:
        """Begin to watch."""
        self._thread.start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop watching; after an error, tell the others, or say that another one failed first.

        Raises:
            RunError: Another process has failed, or was lost.
        """
        try:
            if error is not None:
                self._fail(error, trace)
        finally:
            self._over.set()
            self._thread.join()

    def _fail(self, error: BaseException, trace: TracebackType | None) -> None:
        """Leave the cause of an error, unless another process has left its own."""
        own = error
        if not isinstance(error, LeggedGymError) and _in_collective(trace):
            detail = _line(error).partition(". ")[0]  # gloo goes on with advice
            own = RunError(f"another process was killed or cannot be reached any more ({detail})")
        text = f"process {self._rank} on {socket.gethostname()} failed: {_line(own)}"
        try:
            first = self._store.compare_set(FAILED, "", text).decode()
        except RuntimeError:  # the launcher is gone
            first = text
        if first != text:
            raise RunError(f"stopped: {first}") from None
        get_error_handler().record_exception(error)  # for the launcher's summary
        if own is not error:
            raise own from error

    def _watch(self) -> None:
        beats, heard = 0, time.monotonic()
        while not self._over.wait(BEAT_S):
            try:
                self._store.add(f"beats of {self._rank}", 1)
                theirs = self._store.add(f"beats of {self._neighbour}", 0)
                failed = self._store.get(FAILED).decode() if self._store.check([FAILED]) else None
            except RuntimeError as error:
                self._end(f"torchrun cannot be reached any more ({_line(error)})")
                return
            if failed is not None:
                self._end(failed)
                return
            if theirs != beats:
                beats, heard = theirs, time.monotonic()
            elif time.monotonic() - heard > SILENCE_S:
                cause = f"process {self._neighbour} has not been heard of for {SILENCE_S:.0f} s"
                self._store.compare_set(FAILED, "", cause)

    def _end(self, cause: str) -> None:
        """End this process, unless its main thread does in time."""
        if self._over.wait(GRACE_S):
            return
        # Nothing here may wait for the main thread, which may hold stderr, or be stuck in a library for ever.
        os.write(2, f"error: stopped: {cause}\n".encode())
        os._exit(2)


def _in_collective(trace: TracebackType | None) -> bool:
    """Whether an error came out of an operation of all processes."""
    frames = traceback.extract_tb(trace)
    return bool(frames) and "/torch/distributed/" in frames[-1].filename.replace(os.sep, "/")


def _line(error: BaseException) -> str:
    """An error in one line."""
    name = "" if isinstance(error, LeggedGymError) else f"{type(error).__name__}: "
    return name + " ".join(str(error).split())

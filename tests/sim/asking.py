"""Notices on a CPU what would make the host wait for a GPU: asking for a value, or for how many values there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import torch
from torch.utils._python_dispatch import TorchDispatchMode

_ATEN = torch.ops.aten
ASKS = (_ATEN._local_scalar_dense, _ATEN.nonzero, _ATEN.masked_select, _ATEN.equal, _ATEN.is_nonzero)
"""What ``item()``, ``if tensor:`` and the like come down to."""
INDEXED = (_ATEN.index, _ATEN.index_put, _ATEN.index_put_)
"""A mask as index is turned into places first, and the host must know how many."""
TO_HOST = ("tolist", "numpy", "cpu", "__array__")


class _Watch(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        packet = func.overloadpacket
        masks = [
            index
            for index in (args[1] if packet in INDEXED else ())
            if index is not None and index.dtype in (torch.bool, torch.uint8)
        ]
        if packet in ASKS or masks:
            raise AssertionError(f"{func} makes the host wait for the device")
        return func(*args, **(kwargs or {}))


@contextmanager
def nothing_asked() -> Iterator[None]:
    """Every question to the device in here is an AssertionError, by torch as well as by Warp."""
    import warp

    def refuse(*args: object, **options: object) -> None:
        raise AssertionError("the host waits for the device")

    with (
        _Watch(),
        mock.patch.multiple(torch.Tensor, **dict.fromkeys(TO_HOST, refuse)),
        mock.patch.multiple(warp, synchronize=refuse, synchronize_device=refuse, synchronize_stream=refuse),
        mock.patch.multiple(warp.array, numpy=refuse, list=refuse),
    ):
        yield

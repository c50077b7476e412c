"""A stand-in for a GPU: a device of torch's whose memory is the CPU's, and which is as strict as a GPU.

Tensors on it cannot meet tensors of the CPU, indices and numbers excepted; a generator of the other device draws
nothing for it; numpy cannot see it. Values are those of the CPU to the last bit. What asks the device for a value, or
for how many values there are, is counted by the line of the package that asks, since a GPU would be waited for there.

It changes torch for good, so it lives in a process of its own, see :mod:`tests.devices.on_stand_in`. The API that
registers it is experimental; torch has it from 2.9 on.
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree, backend_registration

NAME = "standin"
DEVICE = f"{NAME}:0"
COPIES = ("aten::copy_", "aten::_copy_from", "aten::_to_copy")
"""Alone go from one device to another."""
INDEXED = ("aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_")
"""A GPU's tensor takes indices of the CPU."""
JOINED = ("aten::cat", "aten::stack")
"""Do not take numbers of the CPU for tensors of the GPU, as arithmetic does."""
ASKS = (
    "aten::_local_scalar_dense", "aten::nonzero", "aten::masked_select", "aten::equal", "aten::is_nonzero",
    "aten::bincount", "aten::histc", "aten::_unique2", "aten::repeat_interleave",
)  # fmt: skip
OF_NO_TENSOR = (torch.arange, torch.linspace, torch.randperm, torch.eye)
"""Make a tensor of the size that they find out."""

asked: Counter[str] = Counter()
"""How often each line of the package asked for something."""

_Generator, _load, _save = torch.Generator, torch.load, torch.save


class StandInTensor(Tensor):
    """A tensor on the stand-in."""

    raw: Tensor
    """The same on the CPU."""

    @staticmethod
    def __new__(cls, raw: Tensor) -> StandInTensor:
        self = Tensor._make_wrapper_subclass(
            cls, raw.size(), strides=raw.stride(), storage_offset=raw.storage_offset(), dtype=raw.dtype, device=DEVICE
        )  # fmt: skip
        self.raw = raw
        return self

    def __init__(self, raw: Tensor) -> None:
        """See ``__new__``."""

    def __repr__(self) -> str:
        return f"StandInTensor({self.raw!r})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        return _run(func, args, kwargs or {})


class StandInGenerator(torch.Generator):
    """``torch.Generator`` as it is with a GPU: those of the stand-in are of this class, all others torch's own."""

    def __new__(cls, device: Any = "cpu") -> torch.Generator:
        if _is_ours(device):
            return _Generator.__new__(cls, device="cpu")
        return _Generator.__new__(_Generator, device=device)

    device = property(lambda self: torch.device(DEVICE))


class _Watch(TorchFunctionMode):
    """What torch's own functions cannot do with a device that only Python knows."""

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        if func is Tensor.tolist:
            return args[0].cpu().tolist() if isinstance(args[0], StandInTensor) else func(*args)
        if func in OF_NO_TENSOR and _is_ours(kwargs.get("device")):
            return StandInTensor(func(*args, **(kwargs | {"device": "cpu"})))
        generator = kwargs.get("generator")
        if generator is not None:
            device = kwargs.get("device") or next((a.device for a in args if isinstance(a, Tensor)), "cpu")
            if _is_ours(device) != isinstance(generator, StandInGenerator):
                raise RuntimeError(f"{func.__name__} on {device} with a generator of {generator.device}")
        return func(*args, **kwargs)


class _Module(backend_registration._DummyBackendModule):
    """What torch and tensordict look for in ``torch.<device>``."""

    def synchronize(self, device: Any = None) -> None:
        """Tensordict waits for every device but CUDA's, so this says nothing."""

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return []

    @contextmanager
    def device(self, index: int) -> Iterator[None]:
        yield


def install() -> None:
    """Let torch have the device."""
    backend_registration._setup_privateuseone_for_python_backend(NAME, _Module())
    library = torch.library.Library("aten", "IMPL")
    library.impl("empty.memory_format", _empty, "PrivateUse1")
    library.impl("empty_strided", _empty_strided, "PrivateUse1")
    library.impl("_copy_from", _copy_from, "PrivateUse1")
    install.library = library  # it takes back what it has done when it goes
    torch.Generator, torch.load, torch.save = StandInGenerator, _load_onto, _save_from
    _Watch().__enter__()


def _is_ours(device: Any) -> bool:
    return device is not None and torch.device(device).type == NAME


def _note(what: str) -> None:
    lines = [frame for frame in traceback.extract_stack() if "/legged_gym/" in frame.filename]
    where = f"{lines[-1].filename.rpartition('/legged_gym/')[2]}: {lines[-1].line}" if lines else "elsewhere"
    asked[f"{where} ({what})"] += 1


def _run(func: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    """An operation on the CPU, as the device that its tensors are on."""
    name = func._schema.name
    ours: dict[int, StandInTensor] = {}
    host: list[Tensor] = []

    def bare(value: Any) -> Any:
        if isinstance(value, StandInTensor):
            ours[id(value.raw)] = value
            return value.raw
        if isinstance(value, Tensor):
            host.append(value)
        return value

    bare_args, bare_kwargs = _pytree.tree_map(bare, (args, kwargs))
    if ours and name not in COPIES:
        _refuse_mixed(name, args, host)
    to_ours, device = bool(ours), kwargs.get("device")
    if device is not None:
        to_ours = _is_ours(device)
        bare_kwargs["device"] = torch.device("cpu")
    _count(name, args, leaves=bool(ours) and not to_ours)
    out = func(*bare_args, **bare_kwargs)
    if name == "aten::copy_":
        return args[0]
    assert all(tensor.shape == tensor.raw.shape for tensor in ours.values()), f"{name} changes a size"
    return _pytree.tree_map(lambda value: _dressed(value, ours, to_ours), out)


def _dressed(value: Any, ours: dict[int, StandInTensor], to_ours: bool) -> Any:
    if not isinstance(value, Tensor) or not to_ours:
        return value
    return ours[id(value)] if id(value) in ours else StandInTensor(value)


def _refuse_mixed(name: str, args: tuple, host: list[Tensor]) -> None:
    wrong = [tensor for tensor in host if tensor.dim() or name in JOINED]
    if name in INDEXED:
        whole, values = args[0], args[2] if len(args) > 2 else None
        wrong = [part for part in (whole, values) if any(part is tensor for tensor in wrong)]
    if wrong:
        shapes = ", ".join(str(tuple(tensor.shape)) for tensor in wrong)
        raise RuntimeError(
            f"{name}: expected all tensors on one device, but {shapes} on cpu, others on {DEVICE}"
        )


def _count(name: str, args: tuple, leaves: bool) -> None:
    if leaves:
        _note("to the host")
    elif name in ASKS and any(isinstance(value, StandInTensor) for value in args):
        _note(name)
    elif name in INDEXED and any(
        isinstance(index, StandInTensor) and index.dtype == torch.bool for index in args[1]
    ):
        _note("mask")


def _empty(size: Any, *, dtype: Any = None, **_: Any) -> Tensor:
    return StandInTensor(torch.empty(size, dtype=dtype, device="cpu"))


def _empty_strided(size: Any, stride: Any, *, dtype: Any = None, **_: Any) -> Tensor:
    return StandInTensor(torch.empty_strided(size, stride, dtype=dtype, device="cpu"))


def _copy_from(source: Tensor, target: Tensor, non_blocking: bool = False) -> Tensor:
    raw = [tensor.raw if isinstance(tensor, StandInTensor) else tensor for tensor in (source, target)]
    raw[1].copy_(raw[0])
    return target


def _load_onto(file: Any, map_location: Any = None, **options: Any) -> Any:
    ours = _is_ours(map_location)
    content = _load(file, map_location="cpu" if ours else map_location, **options)
    return _pytree.tree_map_only(Tensor, StandInTensor, content) if ours else content


def _save_from(content: Any, file: Any, **options: Any) -> None:
    _save(_pytree.tree_map_only(StandInTensor, lambda tensor: tensor.raw, content), file, **options)

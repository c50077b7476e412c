"""Pickles from strangers, read without running what they hold.

A pickle is a program: loading one with Python's `pickle` may call any function by name. Here only what arrays and plain
containers need can be named; a file that names anything else is refused before it is called.
"""

from __future__ import annotations

import collections
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from legged_gym.utils.errors import MotionError

_ZLIB_START, _GZIP_START, _ZIP_START = b"\x78", b"\x1f\x8b", b"PK"


class _Latin1Encode:
    """`_codecs.encode` for the one use that numpy makes of it: bytes stored as text by old protocols.

    An object without attributes, where a function would let a pickle set its own (opcode BUILD).
    """

    __slots__ = ()

    def __call__(self, text: str, encoding: str) -> bytes:
        if encoding != "latin1":
            raise pickle.UnpicklingError(f"encoding {encoding!r}")
        return text.encode("latin1")


class _FromBuffer:
    """numpy's `_frombuffer` (pickle protocol 5), likewise without attributes."""

    __slots__ = ()

    def __call__(self, buffer: Any, dtype: np.dtype, shape: tuple[int, ...], order: str) -> np.ndarray:
        return np.frombuffer(buffer, dtype=dtype).reshape(shape, order=order)


_reconstruct, _scalar = (np.arange(1).__reduce__()[0], np.float64(0).__reduce__()[0])
_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _Latin1Encode(),
    ("collections", "OrderedDict"): collections.OrderedDict,
    **{
        (f"numpy.{core}.{module}", name): value
        for core in ("core", "_core")  # numpy 1, numpy 2
        for module, name, value in (
            ("multiarray", "_reconstruct", _reconstruct),
            ("multiarray", "scalar", _scalar),
            ("numeric", "_frombuffer", _FromBuffer()),
        )
    },
    **{
        (module, kind.__name__): kind
        for module in ("builtins", "__builtin__")  # Python 3, Python 2
        for kind in (set, frozenset, bytes, bytearray, complex)
    },
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise _Forbidden(f"{module}.{name}") from None


class _Forbidden(Exception):
    """Names the global that a pickle asked for."""


def load_pickle(path: Path) -> dict[str, Any]:
    """A pickled dict of arrays, numbers, strings and containers of them.

    Raises:
        MotionError: the file is missing or no pickle, names a forbidden global (which is not called), or holds
            something else than a dict.
    """
    try:
        with open(path, "rb") as stream:
            start = stream.read(2)
            stream.seek(0)
            if start.startswith((_ZLIB_START, _GZIP_START, _ZIP_START)):
                raise MotionError(f"{path}: {_not_plain(start)}")
            content = _Unpickler(stream).load()
    except _Forbidden as error:
        raise MotionError(f"{path}: refused: the pickle asks for {error}{_hint(str(error))}") from None
    except OSError as error:
        raise MotionError(f"{path}: cannot be read ({error.strerror})") from None
    except MotionError:
        raise
    except (
        Exception
    ) as error:  # damaged pickles raise nearly anything; see the note in Python's pickle module
        raise MotionError(f"{path}: cannot be read as a pickle ({type(error).__name__}: {error})") from None
    if not isinstance(content, dict):
        raise MotionError(f"{path}: holds a {type(content).__name__}; a dict of arrays is needed")
    return content


def _not_plain(start: bytes) -> str:
    if start.startswith(_ZIP_START):
        return "is a zip archive (as torch.save and numpy.savez write), not a pickle"
    kind = "gzip" if start.startswith(_GZIP_START) else "zlib"
    return (
        f"is compressed ({kind}, as joblib writes); load it with joblib and store it again with pickle.dump"
    )


def _hint(name: str) -> str:
    if name.startswith("joblib."):
        return ": it was written by joblib; load it with joblib and store it again with pickle.dump"
    if name.startswith("torch"):
        return ": it holds torch tensors; store them as numpy arrays"
    return ", which is neither a numpy array nor a plain container"

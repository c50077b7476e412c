import builtins
import os
import pickle
import zlib
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from legged_gym.motion.formats.safe_pickle import load_pickle
from legged_gym.utils.errors import MotionError


class _Calls:
    """Pickles as a call of a function."""

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self.call = (function, args)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call


def _content() -> dict[str, Any]:
    return {
        "double": np.arange(6.0).reshape(2, 3),
        "fortran": np.asfortranarray(np.arange(6.0, dtype=np.float32).reshape(2, 3)),
        "empty": np.zeros((0, 4)),
        "bool": np.array([True, False]),
        "names": np.array(["left", "right"]),
        "bytes": np.array([b"left"]),
        "objects": np.array(["a", None], dtype=object),
        "scalar": np.float32(29.5),
        "whole": np.int64(3),
        "nested": OrderedDict(
            feet={"left": [1, 2.5, "x", None, True, 1j]}, all={1, 2}, frozen=frozenset({3})
        ),
        "raw": b"abc",
    }


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_and_plain_containers_come_back(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps(_content(), protocol=protocol))
    again = load_pickle(path)
    assert again.keys() == _content().keys()
    for key, value in _content().items():
        if isinstance(value, np.ndarray):
            assert again[key].dtype == value.dtype
            assert np.array_equal(again[key], value)
        else:
            assert again[key] == value


def test_pickles_of_numpy_1_and_2_are_read_by_either(tmp_path: Path) -> None:
    """They name numpy's inside numpy.core and numpy._core."""
    data = pickle.dumps({"a": np.arange(3.0), "b": np.float64(2.0)}, protocol=0)
    assert b"numpy._core.multiarray" in data
    for other in (data, data.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")):
        (tmp_path / "a.pkl").write_bytes(other)
        again = load_pickle(tmp_path / "a.pkl")
        assert np.array_equal(again["a"], np.arange(3.0)) and again["b"] == 2.0


def _attacks(sentinel: Path) -> dict[str, tuple[Any, str]]:
    touch, python = f"touch {sentinel}", f"open({str(sentinel)!r}, 'w')"
    array_file = sentinel.with_name("evil.npy")
    np.save(array_file, np.array([_Calls(os.system, touch)], dtype=object), allow_pickle=True)
    return {
        "system": (_Calls(os.system, touch), "posix.system"),
        "eval": (_Calls(eval, python), "builtins.eval"),
        "exec": (_Calls(exec, python), "builtins.exec"),
        "open": (_Calls(open, str(sentinel), "w"), "io.open"),
        "import": (_Calls(builtins.__import__, "os"), "builtins.__import__"),
        "getattr": (_Calls(getattr, _Calls(builtins.__import__, "os"), "system"), "builtins.getattr"),
        "numpy.load": (_Calls(np.load, str(array_file), None, True), "numpy.load"),
        "numpy.fromfile": (_Calls(np.fromfile, str(sentinel)), "numpy.fromfile"),
        "in an array": (np.array([_Calls(os.system, touch)], dtype=object), "posix.system"),
        "method": (_Calls(np.ndarray.tofile, np.zeros(1), str(sentinel)), "builtins.getattr|ndarray"),
        "bytes": (_Calls(pickle.loads, pickle.dumps(_Calls(os.system, touch))), "_pickle.loads"),
    }


ATTACKS = (
    *("system", "eval", "exec", "open", "import", "getattr", "numpy.load", "numpy.fromfile"),
    *("in an array", "method", "bytes"),
)


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_malicious_pickle_does_not_execute(tmp_path: Path, attack: str, protocol: int) -> None:
    sentinel, path = tmp_path / "executed", tmp_path / "evil.pkl"
    payload, name = _attacks(sentinel)[attack]
    path.write_bytes(pickle.dumps({"joints": payload}, protocol=protocol))
    with pytest.raises(MotionError, match="refused: the pickle asks for ") as caught:
        load_pickle(path)
    assert not sentinel.exists()
    assert "\n" not in str(caught.value)
    if protocol >= 4:
        assert any(part in str(caught.value) for part in name.split("|"))


def test_the_attacks_are_real(tmp_path: Path) -> None:
    """Python's own unpickler runs them, or the test above would prove nothing."""
    sentinel = tmp_path / "executed"
    pickle.loads(pickle.dumps(_attacks(sentinel)["system"][0]))
    assert sentinel.exists()


@pytest.mark.parametrize(
    "program",
    [
        b"cnumpy\nndarray\n(dS'evil'\nI1\nsb.",  # BUILD on a class
        b"\x80\x04\x8c\x05numpy\x8c\x0dndarray.tofile\x93.",  # a dotted name
        b"\x80\x04\x8c\x13numpy._core.numeric\x8c\x0b_frombuffer\x93N}\x8c\x08__code__K\x01s\x86b.",  # new code
        b"\x80\x04\x8c\x07_codecs\x8c\x06encode\x93N}\x8c\x09__class__Ns\x86b.",
        b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x06\x00\x00\x00base64\x86R.",  # another codec
        b"\x80\x02cnumpy._core.multiarray\nscalar\ncnumpy\ndtype\nX\x01\x00\x00\x00O\x85RU\x01x\x86R.",
        b"P\x01.",  # a persistent id
        b"\x82\x01.",  # an extension code
    ],
)
def test_programs_that_no_writer_makes_are_refused(tmp_path: Path, program: bytes) -> None:
    path = tmp_path / "evil.pkl"
    path.write_bytes(program)
    with pytest.raises(MotionError, match=r"refused|cannot be read as a pickle"):
        load_pickle(path)


def _global(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n.".encode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (zlib.compress(b"x" * 99), r"is compressed \(zlib, as joblib writes\); load it with joblib"),
        (b"\x1f\x8b\x08rest", r"is compressed \(gzip"),
        (b"PK\x03\x04rest", "is a zip archive"),
        (_global("joblib.numpy_pickle", "NumpyArrayWrapper"), "asks for joblib.*written by joblib"),
        (_global("torch._utils", "_rebuild_tensor_v2"), "asks for torch.*torch tensors; store them as numpy"),
        (pickle.dumps([1, 2]), "holds a list; a dict of arrays is needed"),
        (pickle.dumps({"a": np.arange(99.0)})[:200], "cannot be read as a pickle"),
        (b"joint_names,joints\n", "cannot be read as a pickle"),
        (b"", "cannot be read as a pickle"),
    ],
)
def test_other_files_are_refused_with_what_they_are(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(data)
    with pytest.raises(MotionError, match=message) as caught:
        load_pickle(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MotionError, match="No such file"):
        load_pickle(tmp_path / "none.pkl")

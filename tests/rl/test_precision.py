"""Which processors are taken to compute in bfloat16."""

from __future__ import annotations

from pathlib import Path

import pytest

from legged_gym.rl.precision import has_bfloat16


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("processor\t: 0\nflags\t\t: fpu avx512f avx512_bf16\n", True),
        ("flags\t\t: fpu amx_bf16 amx_tile\n", True),
        ("Features\t: fp asimd bf16\n", True),
        ("flags\t\t: fpu avx2 avx512f\n", False),
        ("", False),
    ],
)
def test_the_instructions_decide(tmp_path: Path, text: str, expected: bool) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(text)
    assert has_bfloat16("cpu", file) is expected


def test_unknown_systems_stay_with_float32(tmp_path: Path) -> None:
    assert has_bfloat16("cpu", tmp_path / "absent") is False

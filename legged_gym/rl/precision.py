"""Whether a processor multiplies bfloat16 matrices itself, as opposed to emulating it more slowly."""

from __future__ import annotations

from pathlib import Path

_CPU_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}
"""Names under which Linux lists the instructions: AVX-512, AMX, Arm."""


def has_bfloat16(device: str, cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Return whether a device has bfloat16 matrix instructions.

    Args:
        device: cpu or cuda[:index].
        cpuinfo: Where Linux describes the processor; on other systems the answer is no.
    """
    if device.startswith("cuda"):
        import torch

        return torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)
    if not cpuinfo.exists():
        return False
    for line in cpuinfo.read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return not _CPU_FLAGS.isdisjoint(value.split())
    return False

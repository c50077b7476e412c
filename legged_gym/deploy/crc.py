"""The checksum of Unitree's messages.

CRC-32 with polynomial 0x04C11DB7, started at all ones, highest bit first, over the little-endian 32-bit words of the C
struct. zlib has the same polynomial, lowest bit first, and inverts the result.
"""

from __future__ import annotations

import zlib

import numpy as np

_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def crc32_words(data: bytes) -> int:
    """Checksum of the words of ``data``, whose length must be a multiple of 4."""
    highest_byte_first = np.frombuffer(data, "<u4").byteswap().tobytes()
    mirrored = zlib.crc32(highest_byte_first.translate(_REVERSED)) ^ 0xFFFFFFFF
    return int.from_bytes(mirrored.to_bytes(4, "little").translate(_REVERSED), "big")

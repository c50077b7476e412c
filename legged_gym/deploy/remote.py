"""The wireless remote: 40 bytes of every low state, and what they say."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntFlag

REMOTE_BYTES = 40
_FORMAT = struct.Struct("<2xH5f16x")
"""Head, keys, lx, rx, ry, L2, ly; the rest is idle."""
_HEAD = b"\x55\x51"
"""Any bytes will do: the remote that says nothing must not look like one that is not heard."""


class Button(IntFlag):
    """Bits of the key word."""

    R1 = 1 << 0
    L1 = 1 << 1
    START = 1 << 2
    SELECT = 1 << 3
    R2 = 1 << 4
    L2 = 1 << 5
    F1 = 1 << 6
    F2 = 1 << 7
    A = 1 << 8
    B = 1 << 9
    X = 1 << 10
    Y = 1 << 11
    UP = 1 << 12
    RIGHT = 1 << 13
    DOWN = 1 << 14
    LEFT = 1 << 15


NO_BUTTON = Button(0)


@dataclass(frozen=True, slots=True)
class Remote:
    """Keys held and sticks, -1 .. 1, up and right positive. Unitree walks with vx = ly, vy = -lx, yaw rate = -rx."""

    buttons: Button = NO_BUTTON
    lx: float = 0.0
    ly: float = 0.0
    rx: float = 0.0
    ry: float = 0.0
    heard: bool = True
    """False: all 40 bytes are zero, nobody sends. Unitree waits 3 s before it calls the remote lost."""


def decode_remote(data: bytes) -> Remote:
    """What the 40 bytes say."""
    if not any(data):
        return Remote(heard=False)
    keys, lx, rx, ry, _, ly = _FORMAT.unpack(data)
    return Remote(Button(keys), lx, ly, rx, ry)


def encode_remote(remote: Remote) -> bytes:
    """The 40 bytes that say so."""
    if not remote.heard:
        return bytes(REMOTE_BYTES)
    pulled = float(Button.L2 in remote.buttons)
    packed = _FORMAT.pack(remote.buttons, remote.lx, remote.rx, remote.ry, pulled, remote.ly)
    return _HEAD + packed[len(_HEAD) :]

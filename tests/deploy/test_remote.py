"""The wireless remote's 40 bytes, written here by hand from Unitree's table."""

from __future__ import annotations

import struct

import pytest

from legged_gym.deploy.remote import Button, Remote, decode_remote, encode_remote

LOW_BITS = ["R1", "L1", "START", "SELECT", "R2", "L2", "F1", "F2"]
HIGH_BITS = ["A", "B", "X", "Y", "UP", "RIGHT", "DOWN", "LEFT"]


@pytest.mark.parametrize(("bit", "name"), list(enumerate(LOW_BITS + HIGH_BITS)))
def test_every_button_is_its_bit(bit: int, name: str) -> None:
    data = bytearray(40)
    data[2:4] = struct.pack("<H", 1 << bit)
    assert decode_remote(bytes(data)).buttons == Button[name]


@pytest.mark.parametrize(("stick", "offset"), [("lx", 4), ("rx", 8), ("ry", 12), ("ly", 20)])
def test_every_stick_is_at_its_offset(stick: str, offset: int) -> None:
    data = bytearray(40)
    data[offset : offset + 4] = struct.pack("<f", -0.5)
    remote = decode_remote(bytes(data))
    assert remote == Remote(**{stick: -0.5})
    assert remote.heard


def test_only_silence_is_all_zero() -> None:
    assert not decode_remote(bytes(40)).heard
    assert encode_remote(Remote(heard=False)) == bytes(40)
    assert decode_remote(encode_remote(Remote())) == Remote()


def test_what_is_encoded_is_decoded() -> None:
    remote = Remote(Button.L2 | Button.B, lx=0.25, ly=-1.0, rx=0.5, ry=1.0)
    data = encode_remote(remote)
    assert len(data) == 40
    assert decode_remote(data) == remote

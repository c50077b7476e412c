"""The robot's rotations against training's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from legged_gym.deploy import rotations as rot
from legged_gym.utils import math

RNG = np.random.default_rng(0)
QUATS = RNG.normal(size=(20, 4))
QUATS /= np.linalg.norm(QUATS, axis=1, keepdims=True)
VECTORS = RNG.normal(size=(20, 3))


def by_torch(function, *arrays):
    result = function(*(torch.from_numpy(a) for a in arrays))
    return (torch.stack(result, -1) if isinstance(result, tuple) else result).numpy()


PAIRS = {
    "conjugate": (rot.conjugate, math.quat_conjugate, (QUATS,)),
    "multiply": (rot.multiply, math.quat_mul, (QUATS, QUATS[::-1].copy())),
    "rotate": (rot.rotate, math.quat_rotate, (QUATS, VECTORS)),
    "rotate_back": (rot.rotate_back, math.quat_rotate_inverse, (QUATS, VECTORS)),
    "yaw_of": (rot.yaw_of, math.yaw_of, (QUATS,)),
    "roll_pitch_of": (rot.roll_pitch_of, math.roll_pitch_of, (QUATS,)),
    "rot6d": (rot.rot6d, math.rot6d, (QUATS,)),
    "wrapped": (rot.wrapped, math.wrap_to_pi, (10.0 * VECTORS[:, 0],)),
}


@pytest.mark.parametrize("name", PAIRS)
def test_numbers_are_those_of_training(name):
    ours, theirs, arrays = PAIRS[name]
    got = [ours(*(a.tolist() for a in row)) for row in zip(*arrays, strict=True)]
    np.testing.assert_allclose(got, by_torch(theirs, *arrays), atol=1e-12)


def test_quaternions_come_out_at_length_1_and_tilt_is_the_angle_from_upright():
    q = rot.quat(np.array([2.0, 0.0, 0.0, 2.0], np.float32))
    assert sum(part * part for part in q) == pytest.approx(1.0)
    assert rot.tilt_of(q) == pytest.approx(0.0, abs=1e-6)  # turned about the vertical only
    assert rot.tilt_of(rot.about_axis((1.0, 0.0, 0.0), 0.7)) == pytest.approx(0.7)

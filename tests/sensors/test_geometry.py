"""Frames and patterns, against scipy and by hand."""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from legged_gym.sensors.geometry import (
    as_8_bit,
    grid_points,
    limit_distance_,
    quat_from_rpy,
    rotation_matrix,
)


def test_the_grid_has_x_fastest_and_both_axes_ascend():
    grid = grid_points((1.0, 0.4), 0.1, "cpu")
    assert grid.shape == (5, 11, 2)  # [y][x]
    torch.testing.assert_close(grid[2, :, 0], torch.linspace(-0.5, 0.5, 11))
    torch.testing.assert_close(grid[:, 7, 1], torch.linspace(-0.2, 0.2, 5))
    assert grid_points((0.3, 0.0), 0.1, "cpu").shape == (1, 4, 2)  # 0.3 / 0.1 is a little less than 3
    assert grid_points((0.0, 0.0), 0.1, "cpu").tolist() == [[[0.0, 0.0]]]


def test_rotations_agree_with_scipy():
    rpy = torch.tensor([[0.3, -0.8, 2.0], [-1.0, 0.4, -3.0]])
    quat = quat_from_rpy(rpy)
    wanted = Rotation.from_euler("xyz", rpy.numpy())
    np.testing.assert_allclose(rotation_matrix(quat), wanted.as_matrix(), atol=1e-6)
    assert (Rotation.from_quat(quat.numpy(), scalar_first=True) * wanted.inv()).magnitude().max() < 1e-6


def test_what_was_not_hit_reads_the_longest_distance():
    distance = torch.tensor([torch.nan, torch.inf, 7.0, 2.0, -0.3])
    assert limit_distance_(distance, 5.0).tolist() == [5.0, 5.0, 5.0, 2.0, 0.0]


def test_eight_bits_have_256_levels():
    levels = as_8_bit(torch.linspace(0.0, 5.1, 10_001), 5.1)
    assert len(levels.unique()) == 256
    torch.testing.assert_close(as_8_bit(torch.tensor([0.039, 5.1]), 5.1), torch.tensor([0.02, 5.1]))

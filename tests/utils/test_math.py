"""Rotations against scipy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from legged_gym.utils import math


@pytest.fixture
def rotations() -> tuple[Rotation, torch.Tensor]:
    rotation = Rotation.random(200, random_state=0)
    return rotation, _wxyz(rotation)


def _wxyz(rotation: Rotation) -> torch.Tensor:
    return torch.from_numpy(rotation.as_quat(scalar_first=True)).float()


def test_product_applies_the_right_factor_first(rotations):
    a, qa = rotations
    b = Rotation.random(200, random_state=1)
    product = Rotation.from_quat(math.quat_mul(qa, _wxyz(b)).numpy(), scalar_first=True)
    assert (product.inv() * (a * b)).magnitude().max() < 1e-5


def test_rotate_goes_from_body_to_world_and_inverse_back(rotations):
    rotation, quat = rotations
    vec = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    world = math.quat_rotate(quat, vec)
    np.testing.assert_allclose(world.numpy(), rotation.apply(vec.numpy()), atol=1e-5)
    torch.testing.assert_close(math.quat_rotate_inverse(quat, world), vec, atol=1e-5, rtol=0)


def test_euler_angles_are_zyx(rotations):
    rotation, quat = rotations
    yaw, pitch, roll = rotation.as_euler("ZYX").T
    np.testing.assert_allclose(math.yaw_of(quat).numpy(), yaw, atol=1e-4)
    np.testing.assert_allclose(math.roll_pitch_of(quat)[0].numpy(), roll, atol=1e-4)
    np.testing.assert_allclose(math.roll_pitch_of(quat)[1].numpy(), pitch, atol=1e-3)


@pytest.mark.parametrize("angle", [0.0, 1e-5, 1e-3, 0.5, 3.0, np.pi])
def test_angle_is_exact_from_nothing_to_half_a_turn(rotations, angle):
    rotation, quat = rotations
    turned = rotation * Rotation.from_rotvec(np.tile([0.0, 0.6 * angle, 0.8 * angle], (200, 1)))
    np.testing.assert_allclose(math.quat_angle(quat, _wxyz(turned)).numpy(), angle, atol=1e-6 + 1e-4 * angle)


@pytest.mark.parametrize("angle", [0.0, 1e-3, 0.5, 3.0])
def test_coarse_angle_is_good_to_a_milliradian(rotations, angle):
    rotation, quat = rotations
    turned = rotation * Rotation.from_rotvec(np.tile([0.0, 0.6 * angle, 0.8 * angle], (200, 1)))
    np.testing.assert_allclose(math.quat_angle_coarse(quat, _wxyz(turned)).numpy(), angle, atol=1.5e-3)


def test_turning_about_the_vertical_is_the_general_product(rotations):
    _, quat = rotations
    yaw = math.yaw_quat(_wxyz(Rotation.random(200, random_state=2)))
    torch.testing.assert_close(math.yaw_mul(yaw, quat), math.quat_mul(yaw, quat), atol=1e-6, rtol=0)
    vec = torch.randn(200, 3, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(math.yaw_rotate(yaw, vec), math.quat_rotate(yaw, vec), atol=1e-5, rtol=0)


def test_angle_does_not_mind_the_sign_of_a_quaternion(rotations):
    _, quat = rotations
    assert math.quat_angle(quat, -quat).max() < 1e-5


def test_rot6d_is_the_first_two_columns_row_by_row(rotations):
    rotation, quat = rotations
    np.testing.assert_allclose(
        math.rot6d(quat).numpy(), rotation.as_matrix()[:, :, :2].reshape(200, 6), atol=1e-5
    )


def test_heading_part_keeps_the_heading_only(rotations):
    _, quat = rotations
    heading = math.yaw_quat(quat)
    torch.testing.assert_close(math.yaw_of(heading), math.yaw_of(quat), atol=1e-5, rtol=0)
    assert heading[:, 1:3].abs().max() == 0.0


def test_rotation_vectors_match_scipy_down_to_zero():
    vectors = np.concatenate([np.random.default_rng(0).normal(size=(50, 3)), np.zeros((1, 3))])
    expected = Rotation.from_rotvec(vectors).as_quat(scalar_first=True)
    actual = math.quat_from_rotation_vector(torch.from_numpy(vectors).float()).numpy()
    np.testing.assert_allclose(
        actual * np.sign((actual * expected).sum(-1, keepdims=True)), expected, atol=1e-5
    )


def test_wrap_to_pi():
    angles = torch.tensor([0.0, 3.5, -3.5, 7.0])
    expected = [0.0, 3.5 - 2 * np.pi, 2 * np.pi - 3.5, 7 - 2 * np.pi]
    torch.testing.assert_close(math.wrap_to_pi(angles), torch.tensor(expected, dtype=torch.float32))

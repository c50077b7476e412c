import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from legged_gym.motion.rotations import (
    quat_about_axis,
    quat_mul,
    quat_rotate,
    rotation_vector,
    sign_continuous,
    slerp,
    up_tilt,
)


def _random_quats(count: int, seed: int) -> np.ndarray:
    return Rotation.random(count, rng=np.random.default_rng(seed)).as_quat(scalar_first=True)


def test_product_and_rotation_agree_with_scipy() -> None:
    a, b = _random_quats(50, 0), _random_quats(50, 1)
    vec = np.random.default_rng(2).normal(size=(50, 3))
    ra, rb = (Rotation.from_quat(q, scalar_first=True) for q in (a, b))
    assert np.allclose(
        Rotation.from_quat(quat_mul(a, b), scalar_first=True).as_matrix(), (ra * rb).as_matrix()
    )
    assert np.allclose(quat_rotate(a, vec), ra.apply(vec))


def test_slerp_agrees_with_scipy_whatever_the_signs() -> None:
    a, b = _random_quats(50, 3), _random_quats(50, 4)
    weight = np.linspace(0.0, 1.0, 50)
    flipped = b * np.where(np.arange(50) % 2, -1.0, 1.0)[:, None]
    ours = slerp(a, flipped, weight)
    for i in range(50):
        pair = Rotation.from_quat(np.stack((a[i], b[i])), scalar_first=True)
        expected = Slerp([0.0, 1.0], pair)(weight[i])
        assert (Rotation.from_quat(ours[i], scalar_first=True) * expected.inv()).magnitude() < 1e-7


def test_slerp_between_nearly_equal_rotations_is_finite() -> None:
    a = quat_about_axis(0, np.array([0.0, 0.3]))
    b = quat_about_axis(0, np.array([1e-9, 0.3]))
    assert np.allclose(slerp(a, b, np.array([0.5, 0.5])), quat_about_axis(0, np.array([5e-10, 0.3])))


def test_rotation_vector_takes_the_shorter_way_and_agrees_with_scipy() -> None:
    quat = _random_quats(50, 5)
    assert np.allclose(rotation_vector(quat), Rotation.from_quat(quat, scalar_first=True).as_rotvec())
    assert np.allclose(rotation_vector(-quat), rotation_vector(quat))
    assert np.allclose(
        rotation_vector(quat_about_axis(2, np.array([1e-14]))), [[0.0, 0.0, 1e-14]], atol=1e-20
    )


def test_sign_continuity_undoes_flips_and_keeps_rotations() -> None:
    quat = quat_about_axis(1, np.linspace(0.0, 6.0, 30))
    flipped = quat * np.random.default_rng(6).choice([-1.0, 1.0], 30)[:, None]
    assert np.allclose(sign_continuous(flipped) * np.sign(flipped[0, 0]), quat)


def test_up_tilt_ignores_heading() -> None:
    quat = quat_mul(quat_about_axis(2, np.array([2.0])), quat_about_axis(0, np.array([0.4])))
    assert np.allclose(up_tilt(quat), 0.4)

import numpy as np
from scipy.spatial.transform import Rotation

from legged_gym.motion.rotations import (
    quat_about_axis,
    quat_from_rotation_vector,
    quat_mul,
    quat_rotate,
    rotation_vector,
    sign_continuous,
    step_rate,
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


def test_the_exponential_undoes_the_logarithm_and_is_scipys() -> None:
    vector = np.random.default_rng(5).normal(size=(50, 3))
    vector[:3] = [[0.0, 0.0, 0.0], [1e-9, 0.0, 0.0], [0.0, np.pi, 0.0]]
    quat = quat_from_rotation_vector(vector)
    assert np.allclose(quat, Rotation.from_rotvec(vector).as_quat(scalar_first=True), atol=1e-12)
    short = vector[np.linalg.norm(vector, axis=1) < np.pi]
    assert np.allclose(rotation_vector(quat_from_rotation_vector(short)), short, atol=1e-12)


def test_a_rotation_vector_grows_as_its_rotation_turns() -> None:
    """Against differences: turn a little in the body's frame and take the logarithm."""
    rng = np.random.default_rng(6)
    step = rng.normal(size=(40, 3)) * np.linspace(0.0, 1.5, 40)[:, None]
    step[1] = [5e-4, 5e-4, 0.0]  # where the series is used
    rate = rng.normal(size=(40, 3))
    quat, small = quat_from_rotation_vector(step), 1e-6
    ahead, behind = (quat_mul(quat, quat_from_rotation_vector(s * small * rate)) for s in (1.0, -1.0))
    numeric = (rotation_vector(ahead) - rotation_vector(behind)) / (2.0 * small)
    short = np.linalg.norm(step, axis=1) < 3.0
    assert short.sum() > 30
    assert np.allclose(step_rate(step, rate)[short], numeric[short], atol=1e-6)

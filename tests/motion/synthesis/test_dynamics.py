"""The measured zero-moment point, in cases a pencil can check."""

from __future__ import annotations

import mujoco
import numpy as np

from legged_gym.motion.synthesis.dynamics import measure_zmp
from legged_gym.sim.robot_model import Robot

DT = 0.02


def poses(g1: Robot, model: mujoco.MjModel, root_x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions (T, nq) of the default pose, sliding along x, and its centre of mass (3,) at x = 0."""
    qpos = np.tile(model.qpos0, (len(root_x), 1))
    qpos[:, 2] = g1.default_root_height
    qpos[:, 7:] = g1.default_dof_pos
    qpos[:, 0] = root_x
    data = mujoco.MjData(model)
    data.qpos[:] = qpos[0]
    data.qpos[0] = 0.0
    mujoco.mj_forward(model, data)
    return qpos, data.subtree_com[1].copy()


def test_at_rest_it_is_below_the_centre_of_mass(g1: Robot, g1_model: mujoco.MjModel) -> None:
    qpos, com = poses(g1, g1_model, np.zeros(5))
    np.testing.assert_allclose(measure_zmp(g1_model, qpos, DT), np.tile(com[:2], (5, 1)), atol=1e-9)


def test_acceleration_moves_it_back_by_height_times_a_over_g(g1: Robot, g1_model: mujoco.MjModel) -> None:
    time, a = DT * np.arange(11), 1.5
    x = 0.5 * a * time**2
    qpos, com = poses(g1, g1_model, x)
    zmp = measure_zmp(g1_model, qpos, DT)[1:-1]
    np.testing.assert_allclose(zmp[:, 0], com[0] + x[1:-1] - com[2] * a / 9.81, atol=1e-9)
    np.testing.assert_allclose(zmp[:, 1], com[1], atol=1e-9)


def test_on_higher_ground_the_lever_is_shorter(g1: Robot, g1_model: mujoco.MjModel) -> None:
    time, a = DT * np.arange(11), 1.5
    x = 0.5 * a * time**2
    qpos, com = poses(g1, g1_model, x)
    zmp = measure_zmp(g1_model, qpos, DT, height=np.full(11, 0.3))[1:-1]
    np.testing.assert_allclose(zmp[:, 0], com[0] + x[1:-1] - (com[2] - 0.3) * a / 9.81, atol=1e-9)

"""The zero-moment point of a finished motion, by inverse dynamics of the whole robot."""

from __future__ import annotations

import copy

import mujoco
import numpy as np

from legged_gym.motion.kinematics import ModelIndex
from legged_gym.motion.rotations import quat_rotate


def measure_zmp(
    model: mujoco.MjModel, qpos: np.ndarray, dt: float, height: np.ndarray | float = 0.0
) -> np.ndarray:
    """Point at ground height, xy (T, 2), about which the ground's push has no horizontal moment.

    Velocities and accelerations are central differences; the robot is taken to rest before and after the clip.

    Args:
        model: the robot.
        qpos: (T, nq) positions.
        dt: s between frames.
        height: of the ground where it pushes, (T,) m.
    """
    free = copy.copy(model)
    free.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_CONSTRAINT
    data = mujoco.MjData(free)
    index = ModelIndex(free, ())
    frames = len(qpos)
    step = np.zeros((frames + 1, free.nv))  # velocity between frame i - 1 and i
    for frame in range(1, frames):
        mujoco.mj_differentiatePos(free, step[frame], dt, qpos[frame - 1], qpos[frame])
    height = np.broadcast_to(height, (frames,))
    zmp = np.empty((frames, 2))
    for frame in range(frames):
        data.qpos[:] = qpos[frame]
        data.qvel[:] = 0.5 * (step[frame] + step[frame + 1])
        data.qacc[:] = (step[frame + 1] - step[frame]) / dt
        mujoco.mj_inverse(free, data)
        push = data.qfrc_inverse[index.root_dof : index.root_dof + 6]
        root = qpos[frame, index.root_qpos : index.root_qpos + 7]
        fx, fy, fz = push[:3]
        mx, my, _ = quat_rotate(root[3:], push[3:])  # about the root body's origin, world frame
        above = root[2] - height[frame]
        zmp[frame] = root[0] - (my + above * fx) / fz, root[1] + (mx - above * fy) / fz
    return zmp

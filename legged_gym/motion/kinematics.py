"""Forward kinematics of whole clips on a MuJoCo model."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np
from mujoco.batch import Batch

from legged_gym.motion.rotations import quat_conjugate, quat_rotate
from legged_gym.utils.errors import MotionError

_FRAMES_PER_BATCH = 1024


@dataclass(frozen=True, eq=False)
class BodyStates:
    """World-frame states of B bodies over T frames; positions and velocities are those of the body origins."""

    pos_w: np.ndarray
    """(T, B, 3) m."""
    quat_wxyz: np.ndarray
    """(T, B, 4) body to world."""
    lin_vel_w: np.ndarray
    """(T, B, 3) m/s."""
    ang_vel_w: np.ndarray
    """(T, B, 3) rad/s."""


class ModelIndex:
    """Addresses of a floating robot's root and named joints in the state of a MuJoCo model.

    Raises:
        MotionError: the model has no free joint or lacks one of the joints.
    """

    def __init__(self, model: mujoco.MjModel, joint_names: tuple[str, ...]) -> None:
        free = np.flatnonzero(model.jnt_type == mujoco.mjtJoint.mjJNT_FREE)
        if len(free) == 0:
            raise MotionError("the robot model has no free joint, so its root cannot follow a clip")
        joints = np.array(
            [_id(model, mujoco.mjtObj.mjOBJ_JOINT, "joint", name) for name in joint_names], dtype=int
        )
        self.model = model
        self.joint_ids = joints
        self.root_body = int(model.jnt_bodyid[free[0]])
        self.root_qpos = int(model.jnt_qposadr[free[0]])
        self.root_dof = int(model.jnt_dofadr[free[0]])
        self.joint_qpos = model.jnt_qposadr[joints]
        self.joint_dof = model.jnt_dofadr[joints]

    def qpos(self, root_pos: np.ndarray, root_quat_wxyz: np.ndarray, dof_pos: np.ndarray) -> np.ndarray:
        """(T, nq) positions; joints that are not named stay at the model's default."""
        qpos = np.tile(self.model.qpos0, (len(root_pos), 1))
        qpos[:, self.root_qpos : self.root_qpos + 3] = root_pos
        qpos[:, self.root_qpos + 3 : self.root_qpos + 7] = root_quat_wxyz
        qpos[:, self.joint_qpos] = dof_pos
        return qpos

    def qvel(
        self,
        root_quat_wxyz: np.ndarray,
        root_lin_vel_w: np.ndarray,
        root_ang_vel_w: np.ndarray,
        dof_vel: np.ndarray,
    ) -> np.ndarray:
        """(T, nv) velocities in MuJoCo's convention: a free joint turns in its own frame and moves in the world's."""
        qvel = np.zeros((len(root_quat_wxyz), self.model.nv))
        qvel[:, self.root_dof : self.root_dof + 3] = root_lin_vel_w
        qvel[:, self.root_dof + 3 : self.root_dof + 6] = quat_rotate(
            quat_conjugate(root_quat_wxyz), root_ang_vel_w
        )
        qvel[:, self.joint_dof] = dof_vel
        return qvel


def body_ids(model: mujoco.MjModel, body_names: tuple[str, ...]) -> np.ndarray:
    """(B,) ids of named bodies.

    Raises:
        MotionError: the model lacks one.
    """
    return np.array([_id(model, mujoco.mjtObj.mjOBJ_BODY, "body", name) for name in body_names], dtype=int)


def forward_kinematics(
    model: mujoco.MjModel,
    body_names: tuple[str, ...],
    qpos: np.ndarray,
    qvel: np.ndarray,
    num_threads: int = 1,
) -> BodyStates:
    """Poses and velocities of named bodies for every frame.

    Args:
        model: the robot.
        body_names: B bodies, in the order of the result.
        qpos: (T, nq) positions, see `ModelIndex.qpos`.
        qvel: (T, nv) velocities, see `ModelIndex.qvel`.
        num_threads: threads of MuJoCo's batch.
    """
    bodies = body_ids(model, body_names)
    frames = len(qpos)
    states = BodyStates(*(np.empty((frames, len(bodies), width)) for width in (3, 4, 3, 3)))
    size = min(frames, _FRAMES_PER_BATCH)
    batch = Batch(model, nsim=size, nthread=num_threads)
    xpos, xquat, cvel, com = (batch.bind(name) for name in ("xpos", "xquat", "cvel", "subtree_com"))
    tree_roots = model.body_rootid[bodies]
    for start in range(0, frames, size):
        stop = min(start + size, frames)
        ids = np.arange(stop - start, dtype=np.int32)
        batch.qpos[ids] = qpos[start:stop]
        batch.qvel[ids] = qvel[start:stop]
        batch.forward(ids, stage=mujoco.mjtStage.mjSTAGE_VEL)
        pos = xpos[ids][:, bodies]
        # cvel is [angular, linear] of the point of the body at the tree's centre of mass: move it to the origin.
        angular, linear = cvel[ids][:, bodies, :3], cvel[ids][:, bodies, 3:]
        states.pos_w[start:stop] = pos
        states.quat_wxyz[start:stop] = xquat[ids][:, bodies]
        states.lin_vel_w[start:stop] = linear + np.cross(angular, pos - com[ids][:, tree_roots])
        states.ang_vel_w[start:stop] = angular
    return states


def _id(model: mujoco.MjModel, kind: mujoco.mjtObj, what: str, name: str) -> int:
    index = mujoco.mj_name2id(model, kind, name)
    if index < 0:
        count = model.njnt if kind == mujoco.mjtObj.mjOBJ_JOINT else model.nbody
        known = [mujoco.mj_id2name(model, kind, i) or "(unnamed)" for i in range(count)]
        raise MotionError(f"the robot model has no {what} {name!r}; it has {', '.join(known)}")
    return index

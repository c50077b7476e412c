"""Joint torques that a clip needs: inverse dynamics with contact forces solved under friction.

For every frame, M(q) qacc + bias(q, qvel) = S^T tau + J^T f. The six rows of the floating root have no motor, so
contact forces f must explain them; they are found as the non-negative combination of friction-pyramid edges at the
points near the ground that comes nearest, and the remaining rows give tau. Added to a servo's target as tau / kp, the
torques let it hold a loaded pose without first having to sag.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import mujoco
import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.optimize import nnls

from legged_gym.motion.contacts import CollisionPoints, GroundHeight, collision_points, flat_ground
from legged_gym.motion.kinematics import BodyStates, ModelIndex
from legged_gym.motion.resample import linear_velocity
from legged_gym.motion.rotations import quat_rotate

FRICTION = 0.5
"""Coefficient of the friction pyramid; below what the simulator uses, so that the forces keep a margin."""
CONTACT_HEIGHT = 0.015
"""Points up to this far above the ground may carry force, m: recorded motion is no more exact than that."""
SMOOTHING_TIME = 0.04
"""Standard deviation of the Gaussian over velocities before they are differentiated, s."""
STEEPEST_SLOPE = 2.0
"""Rise over run that a foot can stand on; where the ground changes by more within 2 cm, it is a level step."""
_LEVER = 0.2
"""Root torques count as forces at this lever in the balance, m: about half a foot's length."""
_REGULARISATION = 1e-3
"""Weight of force size against imbalance, both in body weights: spreads load over points that could share it."""


@dataclass(frozen=True, eq=False)
class FeedForward:
    """Torques and the contact forces they assume, T frames, J joints, P contact candidates."""

    torque: np.ndarray
    """(T, J) Nm, within the effort limits."""
    force_w: np.ndarray
    """(T, P, 3) N on the robot, world frame."""
    residual_w: np.ndarray
    """(T, 6) force (N) and torque about the root (Nm) that no allowed contact force supplies, world frame."""
    points: CollisionPoints
    """The contact candidates; their bodies are the model's, by id - 1 (the world has none)."""


def inverse_dynamics_feed_forward(
    index: ModelIndex,
    time: np.ndarray,
    qpos: np.ndarray,
    qvel: np.ndarray,
    effort_limit: np.ndarray,
    ground: GroundHeight = flat_ground,
) -> FeedForward:
    """Feed-forward torques of a clip.

    Args:
        index: the robot model and its J hinge joints.
        time: (T,) s.
        qpos: (T, nq) MuJoCo positions.
        qvel: (T, nv) MuJoCo velocities.
        effort_limit: (J,) Nm, to which torques are clipped.
        ground: height of the ground.
    """
    step = float(np.median(np.diff(time)))
    qvel = gaussian_filter1d(qvel, SMOOTHING_TIME / step, axis=0, mode="nearest")
    qacc = linear_velocity(time, qvel)
    dynamics = _Dynamics(index, qpos, qvel, qacc)

    names = tuple(index.model.body(i).name for i in range(1, index.model.nbody))
    points = collision_points(index.model, names)
    touch_w = points.lowest_w(dynamics.bodies)  # (T, P, 3)
    near = touch_w[..., 2] - ground(touch_w[..., :2]) < CONTACT_HEIGHT
    edges = _pyramid_edges(touch_w[..., :2], ground)  # (T, P, 4, 3)
    weight = float(index.model.body_subtreemass[index.root_body] * np.linalg.norm(index.model.opt.gravity))
    force_w = _contact_forces(
        dynamics.root_wrench_w, touch_w - dynamics.root_pos[:, None], near, edges, weight
    )

    arm = touch_w - dynamics.root_pos[:, None]
    supplied = np.concatenate((force_w.sum(1), np.cross(arm, force_w).sum(1)), axis=1)
    torque = dynamics.joint_torque - dynamics.joint_torque_of(points.body + 1, touch_w, force_w)
    return FeedForward(
        torque=np.clip(torque, -effort_limit, effort_limit),
        force_w=force_w,
        residual_w=dynamics.root_wrench_w - supplied,
        points=points,
    )


def effort_limits(index: ModelIndex) -> np.ndarray:
    """(J,) largest torque of each joint's actuator, Nm; infinite where the model states none."""
    model = index.model
    limit = np.full(len(index.joint_ids), np.inf)
    for actuator in range(model.nu):
        joint = np.flatnonzero(index.joint_ids == model.actuator_trnid[actuator, 0])
        if (
            model.actuator_trntype[actuator] == mujoco.mjtTrn.mjTRN_JOINT
            and model.actuator_forcelimited[actuator]
        ):
            limit[joint] = model.actuator_forcerange[actuator, 1]
    return limit


class _Dynamics:
    """Generalised forces of a motion without contacts, and the geometry that maps contact forces to joints."""

    def __init__(self, index: ModelIndex, qpos: np.ndarray, qvel: np.ndarray, qacc: np.ndarray) -> None:
        model = copy.copy(index.model)
        # Contacts, joint limits and dry friction are not forces the motors should fight or rely on.
        model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_CONSTRAINT | mujoco.mjtDisableBit.mjDSBL_CONTACT
        data = mujoco.MjData(model)
        frames, joints = len(qpos), index.joint_ids
        force = np.empty((frames, model.nv))
        self._anchor_w, self._axis_w = (np.empty((frames, len(joints), 3)) for _ in range(2))
        pos, quat = np.empty((frames, model.nbody, 3)), np.empty((frames, model.nbody, 4))
        for frame in range(frames):
            data.qpos, data.qvel, data.qacc = qpos[frame], qvel[frame], qacc[frame]
            mujoco.mj_inverse(model, data)
            force[frame] = data.qfrc_inverse
            self._anchor_w[frame], self._axis_w[frame] = data.xanchor[joints], data.xaxis[joints]
            pos[frame], quat[frame] = data.xpos, data.xquat
        still = np.zeros_like(pos[:, 1:])
        self.bodies = BodyStates(pos[:, 1:], quat[:, 1:], still, still)
        self.root_pos = pos[:, index.root_body]
        root = index.root_dof
        torque_w = quat_rotate(quat[:, index.root_body], force[:, root + 3 : root + 6])
        self.root_wrench_w = np.concatenate((force[:, root : root + 3], torque_w), axis=1)  # (T, 6)
        self.joint_torque = force[:, index.joint_dof]  # (T, J)
        self._carries = _ancestor_joints(model, joints)  # (J, nbody)

    def joint_torque_of(self, body_ids: np.ndarray, point_w: np.ndarray, force_w: np.ndarray) -> np.ndarray:
        """(T, J) generalised force of point forces.

        J^T f = axis . ((point - anchor) x f), summed over the points that the joint carries.
        """
        carries = self._carries[:, body_ids].astype(float)  # (J, P)
        force = np.einsum("jp,tpc->tjc", carries, force_w)
        moment = np.einsum("jp,tpc->tjc", carries, np.cross(point_w, force_w))  # about the world's origin
        return np.sum(self._axis_w * (moment - np.cross(self._anchor_w, force)), axis=-1)


def _ancestor_joints(model: mujoco.MjModel, joint_ids: np.ndarray) -> np.ndarray:
    """(J, nbody) bool: moving the joint moves the body."""
    carries = np.zeros((len(joint_ids), model.nbody), dtype=bool)
    for body in range(1, model.nbody):
        carries[:, body] = carries[:, model.body_parentid[body]] | (model.jnt_bodyid[joint_ids] == body)
    return carries


def _pyramid_edges(xy: np.ndarray, ground: GroundHeight) -> np.ndarray:
    """(T, P, 4, 3) edges of the friction pyramid about the ground's normal, of unit normal component."""
    reach = 0.01  # m
    slope = []
    for shift in (np.array([reach, 0.0]), np.array([0.0, reach])):
        with np.errstate(invalid="ignore"):  # beyond a terrain's edge the ground is at -inf
            rise = (ground(xy + shift) - ground(xy - shift)) / (2.0 * reach)
        slope.append(np.where(np.abs(rise) < STEEPEST_SLOPE, rise, 0.0))
    one, zero = np.ones_like(slope[0]), np.zeros_like(slope[0])
    normal = _unit(np.stack((-slope[0], -slope[1], one), axis=-1))
    first = _unit(np.stack((one, zero, slope[0]), axis=-1))
    second = np.cross(normal, first)
    return np.stack(
        [normal + sign * FRICTION * side for side in (first, second) for sign in (1.0, -1.0)], axis=-2
    )


def _contact_forces(
    wrench_w: np.ndarray, arm_w: np.ndarray, near: np.ndarray, edges: np.ndarray, weight: float
) -> np.ndarray:
    """Forces within the pyramids that best supply the root's wrench.

    Args:
        wrench_w: (T, 6) force and torque about the root that is wanted.
        arm_w: (T, P, 3) from the root to the points.
        near: (T, P) bool, points that may carry force.
        edges: (T, P, 4, 3) pyramid edges.
        weight: of the robot, N; the scale of the problem.

    Returns:
        (T, P, 3) N.
    """
    columns = np.concatenate((edges, np.cross(arm_w[:, :, None], edges) / _LEVER), axis=-1)  # (T, P, 4, 6)
    target = wrench_w / (weight * np.array([1.0, 1.0, 1.0, _LEVER, _LEVER, _LEVER]))
    force = np.zeros(arm_w.shape)
    for frame in np.flatnonzero(near.any(axis=1)):
        active = near[frame]
        matrix = columns[frame, active].reshape(-1, 6).T  # (6, 4 n)
        size = matrix.shape[1]
        matrix = np.concatenate((matrix, _REGULARISATION * np.eye(size)))
        share, _ = nnls(matrix, np.concatenate((target[frame], np.zeros(size))))
        force[frame, active] = weight * np.einsum("pe,pec->pc", share.reshape(-1, 4), edges[frame, active])
    return force


def _unit(vec: np.ndarray) -> np.ndarray:
    return vec / np.linalg.norm(vec, axis=-1, keepdims=True)

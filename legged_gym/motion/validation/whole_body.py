"""What only the thorough checks need: every link's pose, and the forces that the motion takes."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from legged_gym.motion.contacts import CollisionPoints, collision_points
from legged_gym.motion.feed_forward import CONTACT_HEIGHT, FeedForward, inverse_dynamics_feed_forward
from legged_gym.motion.kinematics import BodyStates, forward_kinematics
from legged_gym.motion.rotations import quat_rotate
from legged_gym.motion.validation.motion import CheckedMotion, height_above


class WholeBody:
    """All B links of the robot and their P contact candidates over T samples, computed when first asked for."""

    def __init__(self, motion: CheckedMotion) -> None:
        self.motion = motion
        self.model = motion.robot.model
        self.names = tuple(self.model.body(i).name for i in range(1, self.model.nbody))
        index = motion.robot.index
        self.qpos = index.qpos(motion.root_pos, motion.root_quat_wxyz, motion.dof_pos)
        self.qvel = index.qvel(
            motion.root_quat_wxyz, motion.root_lin_vel_w, motion.root_ang_vel_w, motion.dof_vel
        )

    @cached_property
    def states(self) -> BodyStates:
        """(T, B, ...) in the model's order, without the world."""
        return forward_kinematics(self.model, self.names, self.qpos, self.qvel)

    @cached_property
    def points(self) -> CollisionPoints:
        """Contact candidates of all links."""
        return collision_points(self.model, self.names)

    @cached_property
    def points_w(self) -> np.ndarray:
        """(T, P, 3) their lowest points."""
        return self.points.lowest_w(self.states)

    @cached_property
    def point_height(self) -> np.ndarray:
        """(T, P) height of those above the ground, m."""
        return height_above(self.motion.ground, self.points_w)

    @cached_property
    def point_speed(self) -> np.ndarray:
        """(T, P) speed of those, m/s."""
        return self.points.speed(self.states)

    @cached_property
    def carrying(self) -> np.ndarray:
        """(T, P) bool: near enough to the ground, less the clip's constant offset, to carry weight."""
        return self.point_height - self.motion.ground_offset < CONTACT_HEIGHT

    @cached_property
    def centre_of_mass_w(self) -> np.ndarray:
        """(T, 3) m."""
        mass = self.model.body_mass[1:]
        centres = self.states.pos_w + quat_rotate(self.states.quat_wxyz, self.model.body_ipos[None, 1:])
        return np.einsum("b,tbc->tc", mass, centres) / mass.sum()

    @property
    def weight(self) -> float:
        """N."""
        return float(self.model.body_mass[1:].sum() * np.linalg.norm(self.model.opt.gravity))

    @cached_property
    def dynamics(self) -> FeedForward:
        """Torques without their limits, contact forces, and what no contact force explains.

        Over the ground moved by the clip's constant offset: a clip that floats by 2 cm throughout is told so once, and
        its torques are those it will need when it is mended.
        """
        motion = self.motion
        ground, offset = motion.ground, motion.ground_offset
        unlimited = np.full(len(motion.robot.joint_names), np.inf)
        return inverse_dynamics_feed_forward(
            motion.robot.index,
            motion.time,
            self.qpos,
            self.qvel,
            unlimited,
            lambda xy: ground(xy) + offset,
        )

    @cached_property
    def root_wrench_w(self) -> np.ndarray:
        """(T, 6) force (N) and torque about the root's origin (Nm) that the ground would have to supply."""
        force = self.dynamics.force_w
        arm = self.points_w - self.motion.root_pos[:, None]
        supplied = np.concatenate((force.sum(axis=1), np.cross(arm, force).sum(axis=1)), axis=1)
        return supplied + self.dynamics.residual_w

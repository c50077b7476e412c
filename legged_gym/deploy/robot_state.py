"""What is known of the robot at one tick, in the order and the frames that the policy was trained with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from legged_gym.bundle.schema import BundleSpec, ChainLinkSpec
from legged_gym.deploy import rotations as rot
from legged_gym.deploy.rotations import Quat, Vector
from legged_gym.deploy.surroundings import Odometry
from legged_gym.deploy.transport import NUM_SLOTS, LowState
from legged_gym.utils.errors import RunError


@dataclass(frozen=True, slots=True, eq=False)
class RobotState:
    """What the robot's own sensors tell."""

    quat_wxyz: Quat
    """Root (IMU) to a world that is level and whose heading nobody knows."""
    ang_vel_b: Vector
    """rad/s."""
    dof_pos: np.ndarray
    """(J,) rad, in the order of the actions."""
    dof_vel: np.ndarray
    """(J,) rad/s."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the robot is, in one world. Without odometry only its orientation is known."""

    root_quat: Quat
    root_pos: Vector | None
    """m."""
    root_lin_vel: Vector | None
    """m/s."""
    anchor_quat: Quat | None
    """None: the bundle does not say where the anchor is."""
    anchor_pos: Vector | None
    """m."""


class MotorMap:
    """Which of the robot's motors turns which joint."""

    def __init__(self, spec: BundleSpec, absent: Sequence[str] = ()) -> None:
        """Match joints and motors by name.

        Args:
            spec: Lists both.
            absent: Joints that this robot does not have; their motors are left alone.

        Raises:
            RunError: The robot has more motors than a command.
        """
        order = spec.motor_order
        if len(order) > NUM_SLOTS:
            raise RunError(f"the bundle's robot has {len(order)} motors; a command has {NUM_SLOTS}")
        self.order = order
        """Names of the joints of all motor slots."""
        self.present = np.array([i for i, name in enumerate(order) if name not in absent])
        """(M,) motors that this robot has."""
        self.driven = np.array([order.index(name) for name in spec.joint_names])
        """(J,) motor of each joint, in the order of the actions."""
        self.held = [joint for joint in spec.locked_joints if joint.name not in absent]
        """Joints of this robot that were locked in training."""
        self.locked = np.array([order.index(joint.name) for joint in self.held], dtype=int)
        """(L,) motor of each of them."""

    def robot_state(self, low: LowState) -> RobotState:
        """The joints' and the IMU's part of a message."""
        return RobotState(
            quat_wxyz=rot.quat(low.quat_wxyz),
            ang_vel_b=rot.vector(low.gyro_b),
            dof_pos=low.q[self.driven].astype(np.float64),
            dof_vel=low.dq[self.driven].astype(np.float64),
        )


class AnchorChain:
    """Where the anchor is, from the root's pose and the joints between them."""

    def __init__(self, spec: BundleSpec) -> None:
        """Find the joints of the chain; see :attr:`known`."""
        chain = None if spec.tracking is None else spec.tracking.anchor_chain
        self.known = chain is not None
        """Whether the bundle describes the way to the anchor."""
        self._links = [_link(link, spec.joint_names) for link in chain or ()]

    def place(self, state: RobotState, odometry: Odometry | None) -> Place:
        """Root and anchor in the odometry's world, or else in the IMU's."""
        if odometry is None:
            return self._placed(state, state.quat_wxyz, None, None)
        root_quat = rot.quat(odometry.root_quat_wxyz)
        position, velocity = rot.vector(odometry.root_pos_w), rot.vector(odometry.root_lin_vel_w)
        return self._placed(state, root_quat, position, velocity)

    def _placed(
        self, state: RobotState, root_quat: Quat, root_pos: Vector | None, velocity: Vector | None
    ) -> Place:
        if not self.known:
            return Place(root_quat, root_pos, velocity, None, None)
        quat, (x, y, z) = root_quat, root_pos or (0.0, 0.0, 0.0)
        for pos, turn, axis, joint in self._links:
            dx, dy, dz = rot.rotate(quat, pos)
            x, y, z = x + dx, y + dy, z + dz
            quat = rot.multiply(quat, turn)
            if joint is not None:
                quat = rot.multiply(quat, rot.about_axis(axis, float(state.dof_pos[joint])))
        return Place(root_quat, root_pos, velocity, quat, None if root_pos is None else (x, y, z))


@dataclass(frozen=True, slots=True)
class Alignment:
    """Turns and shifts places about the vertical, from the robot's world into a clip's."""

    yaw: float = 0.0
    """rad."""
    shift: Vector = (0.0, 0.0, 0.0)
    """m, after the turn."""

    def __call__(self, place: Place) -> Place:
        """The same place in the other world."""
        turn = rot.yaw_quat(self.yaw)

        def moved(position: Vector | None) -> Vector | None:
            if position is None:
                return None
            x, y, z = rot.rotate(turn, position)
            return x + self.shift[0], y + self.shift[1], z + self.shift[2]

        velocity, anchor_quat = place.root_lin_vel, place.anchor_quat
        return Place(
            root_quat=rot.multiply(turn, place.root_quat),
            root_pos=moved(place.root_pos),
            root_lin_vel=None if velocity is None else rot.rotate(turn, velocity),
            anchor_quat=None if anchor_quat is None else rot.multiply(turn, anchor_quat),
            anchor_pos=moved(place.anchor_pos),
        )


def _link(link: ChainLinkSpec, joints: tuple[str, ...]) -> tuple[Vector, Quat, Vector, int | None]:
    if link.joint is not None and link.joint not in joints:
        raise RunError(f"tracking.anchor_chain: {link.body} turns about {link.joint}, which is not driven")
    joint = None if link.joint is None else joints.index(link.joint)
    return rot.vector(link.pos), rot.quat(link.quat_wxyz), rot.vector(link.axis), joint

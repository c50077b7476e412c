"""Link poses of a clip: computed on a robot, and compared with those that its source recorded."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from legged_gym.motion.clip import Clip, Links
from legged_gym.motion.kinematics import BodyStates, ModelIndex, forward_kinematics
from legged_gym.motion.resample import angular_velocity_w, linear_velocity
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.utils.errors import MotionError

logger = logging.getLogger(__name__)

_FEWEST_LINKS = 5
"""Fewer links could all be fixed to one body of the robot."""
NOTABLE_MM = 2.0
"""Links further than this from our forward kinematics are named: joints and root alone explain less than 0.1 mm."""


@dataclass(frozen=True)
class LinkError:
    """Distance between a recorded link origin and ours, over the frames of a clip."""

    name: str
    mean_mm: float
    max_mm: float


def body_states(clip: Clip, robot: RobotLayout, body_names: tuple[str, ...]) -> BodyStates:
    """Poses and velocities of bodies over the T frames of a clip; joints that the clip lacks are at 0.

    Velocities are central differences of root and joints, carried to the bodies by the robot's kinematics.

    Raises:
        MotionError: the clip has joints that the robot lacks, or the robot lacks a body.
    """
    unknown = [name for name in clip.joint_names if name not in robot.joint_names]
    if unknown:
        raise MotionError(
            f"{clip.file}: joints {', '.join(unknown)} are not those of {robot.name}; "
            f"it has {', '.join(robot.joint_names)}"
        )
    index = ModelIndex(robot.model, clip.joint_names)
    time = np.arange(clip.num_frames) / clip.fps
    qpos = index.qpos(clip.root_pos, clip.root_quat_wxyz, clip.dof_pos)
    qvel = index.qvel(
        clip.root_quat_wxyz,
        linear_velocity(time, clip.root_pos),
        angular_velocity_w(time, clip.root_quat_wxyz),
        linear_velocity(time, clip.dof_pos),
    )
    return forward_kinematics(robot.model, body_names, qpos, qvel)


def robot_links(clip: Clip, robot: RobotLayout, names: tuple[str, ...] | None = None) -> Links:
    """Link poses of a clip by the robot's forward kinematics.

    Args:
        clip: the motion.
        robot: the robot.
        names: L of its bodies; None for all.

    Raises:
        MotionError: the clip has joints that the robot lacks, or the robot lacks a body.
    """
    names = robot.body_names if names is None else names
    states = body_states(clip, robot, names)
    return Links(names, states.pos_w, states.quat_wxyz)


def compare_links(clip: Clip, robot: RobotLayout) -> list[LinkError]:
    """How far the clip's own links are from the robot's, for every link that both have, in the clip's order.

    Raises:
        MotionError: the clip has no links, or joints that the robot lacks.
    """
    if clip.links is None:
        raise MotionError(f"{clip.file}: has no links to compare")
    names = tuple(name for name in clip.links.names if name in robot.body_names)
    columns = [clip.links.names.index(name) for name in names]
    distance = np.linalg.norm(clip.links.pos_w[:, columns] - robot_links(clip, robot, names).pos_w, axis=-1)
    return [
        LinkError(name, 1e3 * float(own.mean()), 1e3 * float(own.max()))
        for name, own in zip(names, distance.T, strict=True)
    ]


def describe_errors(errors: list[LinkError], robot_name: str) -> str:
    """One sentence on a comparison: the worst links, in mm."""
    if not errors:
        return f"none of its links is a body of {robot_name}, so they could not be compared"
    notable = sorted(
        (e for e in errors if not e.max_mm <= NOTABLE_MM), key=lambda e: -e.mean_mm
    )  # NaN is notable
    if not notable:
        worst = max(error.max_mm for error in errors)
        return f"its {len(errors)} links agree with the kinematics of {robot_name} within {worst:.2g} mm"
    shown = ", ".join(f"{e.name} {e.mean_mm:.1f} (most {e.max_mm:.1f})" for e in notable[:3])
    more = f" and {len(notable) - 3} more" if len(notable) > 3 else ""
    return (
        f"{len(notable)} of its {len(errors)} links are further than {NOTABLE_MM:g} mm from the kinematics of "
        f"{robot_name}, in mm: {shown}{more}; training takes ours"
    )


def frozen_links(clip: Clip) -> bool:
    """Whether the links move with the root as one rigid body although joints move by more than 0.1 rad.

    VideoMimic's retargeter exported such links: it moved one configuration's links with the root. Distances between
    links tell, whatever frame they are in.
    """
    if clip.links is None or len(clip.links.names) < _FEWEST_LINKS:
        return False
    if np.ptp(clip.dof_pos, axis=0).max(initial=0.0) < 0.1:
        return False
    gap = np.linalg.norm(clip.links.pos_w - clip.links.pos_w[:, :1], axis=-1)  # (T, L) to the first link
    return bool(np.ptp(gap, axis=0).max() < 1e-4)

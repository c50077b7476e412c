"""Clips mirrored left to right, in the vertical plane through the world's x axis."""

from __future__ import annotations

import dataclasses
import re

import numpy as np

from legged_gym.motion.clip import Clip, Links
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.utils.errors import MotionError

MIRRORED = "mirrored left to right"
_POINT = np.array([1.0, -1.0, 1.0])
"""y changes sign."""
_TURN = np.array([-1.0, 1.0, -1.0])
"""A mirror image turns the other way about x and z, and the same way about y."""
_QUAT = np.array([1.0, -1.0, 1.0, -1.0])
_AXIS_SIGN = {"roll": -1.0, "yaw": -1.0, "pitch": 1.0, "knee": 1.0, "elbow": 1.0}
"""Sign of a joint's mirrored angle by the word in its name, where no robot tells; knees and elbows pitch."""


def mirror(clip: Clip, robot: RobotLayout | None = None) -> Clip:
    """The clip as a mirror shows it: y to -y, left and right joints, feet and links swapped.

    Only signs and places change, so a clip mirrored twice is the original to the last bit.

    Args:
        clip: the motion.
        robot: tells how each joint's axis mirrors; without one the joints' names do (roll, pitch, yaw, knee, elbow).

    Raises:
        MotionError: the clip plays on a terrain, a joint has no partner on the other side, or its axis is unknown.
    """
    if clip.terrain is not None:
        raise MotionError(
            f"{clip.file}: plays on {clip.terrain}, which a mirrored clip would go through; "
            "only clips on flat ground can be mirrored"
        )
    partners = [_partner(clip, name) for name in clip.joint_names]
    signs = np.array([_sign(clip, name, robot) for name in clip.joint_names])
    links = clip.links
    undone = clip.history[-1:] == (MIRRORED,)
    return dataclasses.replace(
        clip,
        dof_pos=clip.dof_pos[:, partners] * signs,
        root_pos=clip.root_pos * _POINT,
        root_quat_wxyz=clip.root_quat_wxyz * _QUAT,
        contacts=None
        if clip.contacts is None
        else {other_side(foot): on for foot, on in clip.contacts.items()},
        links=None
        if links is None
        else Links(
            tuple(other_side(name) for name in links.names), links.pos_w * _POINT, links.quat_wxyz * _QUAT
        ),
        history=clip.history[:-1] if undone else (*clip.history, MIRRORED),
    )


def other_side(name: str) -> str:
    """The name with left and right swapped."""
    return re.sub("left|right", lambda side: "right" if side[0] == "left" else "left", name)


def _partner(clip: Clip, name: str) -> int:
    """Column of the joint on the other side; of the joint itself in the middle."""
    partner = other_side(name)
    if partner not in clip.joint_names:
        raise MotionError(f"{clip.file}: has {name} but no {partner}, so it cannot be mirrored")
    return clip.joint_names.index(partner)


def _sign(clip: Clip, name: str, robot: RobotLayout | None) -> float:
    """What the partner's angle is multiplied with."""
    if robot is None:
        words = [word for word in _AXIS_SIGN if word in name]
        if len(words) != 1:
            raise MotionError(f"{clip.file}: the name {name} does not tell the joint's axis; give the robot")
        return _AXIS_SIGN[words[0]]
    axes = []
    for joint in (name, other_side(name)):
        if joint not in robot.joint_names:
            raise MotionError(f"{clip.file}: {robot.name} has no joint {joint}")
        axes.append(robot.model.jnt_axis[robot.model.joint(joint).id])
    agreement = float(np.dot(axes[0] * _TURN, axes[1]))
    if abs(abs(agreement) - 1.0) > 1e-6:
        raise MotionError(f"{clip.file}: the axes of {name} and {other_side(name)} are no mirror images")
    return float(np.sign(agreement))

"""Link poses as files have them made into links in the world, and what is noted about them."""

from __future__ import annotations

import dataclasses
import logging

import numpy as np

from legged_gym.motion.clip import Clip, Links
from legged_gym.motion.links import compare_links, describe_errors, frozen_links, robot_links
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.motion.rotations import quat_mul, quat_rotate

logger = logging.getLogger(__name__)


def noted(clip: Clip, entry: str, level: int = logging.INFO) -> Clip:
    """The clip with a further entry in its history, which is logged as well."""
    logger.log(level, "%s: %s", clip.file, entry)
    return dataclasses.replace(clip, history=(*clip.history, entry))


def with_compared_links(clip: Clip, robot: RobotLayout | None) -> Clip:
    """The clip with a note on how its links agree with the robot's kinematics, and on links that never bend."""
    if clip.links is None:
        return clip
    frozen = frozen_links(clip)
    if frozen:
        clip = noted(
            clip,
            "its links are frozen: they move with the root as one rigid body although the joints move",
            logging.WARNING,
        )
    if robot is None or any(name not in robot.joint_names for name in clip.joint_names):
        return clip
    note = describe_errors(compare_links(clip, robot), robot.name)
    return noted(clip, note, logging.INFO if "agree with" in note else logging.WARNING)


def with_links_in_world(clip: Clip, robot: RobotLayout | None, root_body: str = "pelvis") -> Clip:
    """The clip with its links in the world, whether its file has them there or relative to the root.

    VideoMimic's documentation says relative, its code uses them as global. The robot's kinematics decide where they
    can; without a robot the root body's own link does; without either, they are taken as the code takes them.
    """
    moved = _moved_by_root(clip)
    both = (clip.links, moved)
    if robot is not None and any(name in robot.body_names for name in clip.links.names):
        names = tuple(name for name in clip.links.names if name in robot.body_names)
        columns = [clip.links.names.index(name) for name in names]
        ours = robot_links(clip, robot, names).pos_w
        distance = [np.mean(np.linalg.norm(links.pos_w[:, columns] - ours, axis=-1)) for links in both]
        why = f"{1e3 * min(distance):.1f} mm from the kinematics of {robot.name}, else {1e3 * max(distance):.0f} mm"
    elif root_body in clip.links.names:
        column = clip.links.names.index(root_body)
        distance = [np.abs(links.pos_w[:, column] - clip.root_pos).mean() for links in both]
        why = f"the {root_body} link lies on the root"
    else:
        return noted(clip, "links assumed to be in the world: nothing in the file tells", logging.WARNING)
    if distance[1] < distance[0]:
        clip = dataclasses.replace(clip, links=moved)
        return noted(clip, f"links read as relative to the root and moved into the world ({why})")
    return noted(clip, f"links read as poses in the world ({why})")


def _moved_by_root(clip: Clip) -> Links:
    """The links, taken as poses in the root's frame, in the world."""
    root = np.broadcast_to(clip.root_quat_wxyz[:, None], clip.links.quat_wxyz.shape)
    pos_w = quat_rotate(root, clip.links.pos_w) + clip.root_pos[:, None]
    return Links(clip.links.names, pos_w, quat_mul(root, clip.links.quat_wxyz))

"""Link poses that a file brings, against the robot's own kinematics."""

from __future__ import annotations

from legged_gym.motion.clip import Clip
from legged_gym.motion.links import NOTABLE_MM, compare_links, describe_errors, frozen_links
from legged_gym.motion.validation.findings import Finding
from legged_gym.motion.validation.motion import CheckedMotion

WRONG_ROBOT_MM = 50.0
"""Mean distance of a link beyond which joint order, signs or the robot must differ, mm; versions of a robot differ by
about 10."""


def link_poses(motion: CheckedMotion, clip: Clip) -> list[Finding]:
    """How far the file's links are from ours. Training takes ours, so this is a hint about the joints."""
    if clip.links is None:
        return []
    if frozen_links(clip):
        message = "the file's links move as one rigid body although the joints move; they are not used"
        return [motion.finding("link_poses", "info", message)]
    errors = compare_links(clip, motion.robot)
    worst = max((error.mean_mm for error in errors), default=0.0)
    if worst <= NOTABLE_MM:
        return []
    return [
        motion.finding(
            "link_poses",
            "warning" if worst > WRONG_ROBOT_MM else "info",
            describe_errors(errors, motion.robot.name),
            value=worst,
            limit=WRONG_ROBOT_MM if worst > WRONG_ROBOT_MM else NOTABLE_MM,
            unit="mm",
        )
    ]

"""All checks on one clip, and the fast ones that every training starts with."""

from __future__ import annotations

from legged_gym.motion.clip import Clip
from legged_gym.motion.contacts import GroundHeight, flat_ground
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.motion.validation.body import body_clearance, self_penetration
from legged_gym.motion.validation.dynamics import balance, support, torques
from legged_gym.motion.validation.feet import (
    contact_names,
    feet_absent,
    foot_clearance,
    foot_sliding,
    ground_level,
    standing_on_edge,
)
from legged_gym.motion.validation.findings import Finding, Report, worst_first
from legged_gym.motion.validation.frame_rate import frame_rate
from legged_gym.motion.validation.joints import joint_limits, joint_speeds, joint_spikes
from legged_gym.motion.validation.link_poses import link_poses
from legged_gym.motion.validation.measures import measure
from legged_gym.motion.validation.motion import CheckedMotion
from legged_gym.motion.validation.options import DEFAULT, ValidationOptions
from legged_gym.motion.validation.root import root_jumps, root_speeds
from legged_gym.motion.validation.terrain_contacts import contact_fit, limb_contacts, terrain_contacts
from legged_gym.motion.validation.whole_body import WholeBody

ALWAYS = (joint_limits, joint_speeds, root_jumps, foot_clearance, foot_sliding, ground_level)
"""Checks that need no more than the joints, the root and the feet, and little time."""
QUICK = (*ALWAYS, feet_absent)
"""Those of a start of training. Thoroughly, `support` says the same as the last and knows hands and knees."""
THOROUGH = (*ALWAYS, joint_spikes, root_speeds, standing_on_edge)
"""Those for when there is time."""
WHOLE_BODY = (body_clearance, self_penetration, torques, support, balance)
"""Checks of all links and forces."""


def quick_findings(motion: CheckedMotion, options: ValidationOptions = DEFAULT) -> list[Finding]:
    """Findings of the fast checks, worst first: no other kinematics than the feet's, no dynamics, no collisions."""
    return worst_first([finding for check in QUICK for finding in check(motion, options)])


def validate(
    clip: Clip,
    robot: RobotLayout,
    ground: GroundHeight = flat_ground,
    options: ValidationOptions = DEFAULT,
    surface: GroundHeight | None = None,
) -> Report:
    """Everything there is to say about a clip on a robot over a ground.

    Args:
        clip: the clip.
        robot: the robot.
        ground: height of the ground.
        options: thresholds.
        surface: height of what collides, if that is not exactly the ground.

    Raises:
        MotionError: the clip's joints do not fit the robot.
    """
    return judge(clip, WholeBody(CheckedMotion.from_clip(clip, robot, ground)), options, surface)


def judge(
    clip: Clip, body: WholeBody, options: ValidationOptions = DEFAULT, surface: GroundHeight | None = None
) -> Report:
    """`validate` of a clip whose motion is at hand."""
    motion = body.motion
    findings = [finding for check in THOROUGH for finding in check(motion, options)]
    findings += [finding for check in WHOLE_BODY for finding in check(motion, body, options)]
    findings += contact_names(motion, tuple(clip.contacts or ()))
    findings += link_poses(motion, clip)
    findings += frame_rate(motion, body, clip)
    if surface is None and motion.ground is not flat_ground:
        surface = motion.ground
    limbs = [] if surface is None else limb_contacts(body, surface)
    findings += terrain_contacts(motion, limbs, options)
    fits = tuple(contact_fit(limb, motion.step, options.contact_tolerance) for limb in limbs)
    return Report(clip, tuple(worst_first(findings)), measure(motion, body), fits)

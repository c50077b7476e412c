"""Figures of a clip whether good or bad, for tables."""

from __future__ import annotations

import numpy as np

from legged_gym.motion.feed_forward import effort_limits
from legged_gym.motion.validation.body import self_penetration_depths
from legged_gym.motion.validation.dynamics import tipping_spans, unsupported_spans
from legged_gym.motion.validation.feet import stance_slides
from legged_gym.motion.validation.joints import joint_ranges
from legged_gym.motion.validation.motion import CheckedMotion
from legged_gym.motion.validation.whole_body import WholeBody

MEASURES = {
    "standing_height_m": "median height of standing feet above the ground",
    "lowest_foot_m": "lowest point of any foot over the whole clip",
    "lowest_point_m": "lowest point of the whole body over the whole clip",
    "clearance_m": "largest height of the body's lowest point above the ground over the clip; a jump's is its own",
    "slide_m": "longest slide of a foot in one stance",
    "joint_limit_excess_rad": "largest angle beyond a joint's range, negative within",
    "joint_speed_share": "largest speed over the motor's top speed",
    "torque_share": "largest torque over the motor's limit (99.9th percentile over time)",
    "unsupported_time_share": "share of the clip in which no contact holds the robot and it does not fall",
    "tipping_time_share": "share of the clip in which the robot would tip over",
    "self_penetration_m": "deepest two links are inside each other",
}
"""Key and meaning; a value that does not exist for a clip is NaN."""


def measure(motion: CheckedMotion, body: WholeBody) -> dict[str, float]:
    """The figures named in `MEASURES`."""
    lower, upper = joint_ranges(motion)
    slides = [slide for foot in range(motion.contacts.shape[1]) for _, slide in stance_slides(motion, foot)]
    speed_limit = motion.robot.velocity_limit
    share = np.abs(body.dynamics.torque) / effort_limits(motion.robot.index)
    depths = self_penetration_depths(motion, body).values()
    heights = motion.standing_heights
    values = (
        np.median(heights) if len(heights) else np.nan,
        motion.foot_height.min(),
        body.point_height.min(),
        body.point_height.min(axis=1).max(),
        max(slides, default=np.nan),
        np.maximum(lower - motion.dof_pos, motion.dof_pos - upper).max(),
        np.nan if speed_limit is None else (np.abs(motion.dof_vel) / speed_limit).max(),
        np.percentile(share, 99.9, axis=0).max(),
        sum(span.samples for span in unsupported_spans(motion, body)) / len(motion.time),
        sum(span.samples for span in tipping_spans(motion, body)) / len(motion.time),
        max((depth.max() for depth in depths), default=0.0),
    )
    return {key: float(value) for key, value in zip(MEASURES, values, strict=True)}

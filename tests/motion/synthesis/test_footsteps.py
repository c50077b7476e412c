"""Footstep plans of walks in any direction."""

from __future__ import annotations

import numpy as np
import pytest

from legged_gym.motion.synthesis.footsteps import LEFT, RIGHT, Stance, Walk, walk_footsteps
from legged_gym.utils.errors import MotionError

STRAIGHT_FEET = Stance(half_width=0.1, toe_out=0.0)


def test_feet_alternate_and_end_side_by_side() -> None:
    plan = walk_footsteps(Walk(advance=(0.4, 0.0, 0.0), num_steps=6, stance=STRAIGHT_FEET))
    assert [step.foot for step in plan.steps] == [LEFT, RIGHT] * 3
    left, right = plan.end
    # advances of 0.7, 1, 1, 1, 0.7 times 0.4 m, then one step that closes: 4.4 * 0.4 = 1.76 m
    np.testing.assert_allclose([left.x, right.x, left.y, right.y], [1.76, 1.76, 0.1, -0.1], atol=1e-12)


def test_times_follow_from_step_time_and_double_support() -> None:
    walk = Walk(
        advance=(0.4, 0.0, 0.0), num_steps=5, step_time_s=0.6, double_support_s=0.1, shift_s=0.7, still_s=0.5
    )
    plan = walk_footsteps(walk)
    np.testing.assert_allclose([step.lift_off_s for step in plan.steps], [1.2, 1.8, 2.4, 3.0, 3.6])
    np.testing.assert_allclose([step.touch_down_s for step in plan.steps], [1.7, 2.3, 2.9, 3.5, 4.1])
    assert (plan.move_start_s, plan.move_end_s, plan.duration_s) == pytest.approx((0.5, 4.8, 5.3))


def test_quarter_circle_ends_beside_its_centre() -> None:
    # 8 advances of pi/16 on a circle of radius 2: one chord is 2 * 2 sin(pi/32) long
    chord = 4.0 * np.sin(np.pi / 32)
    walk = Walk(advance=(chord, 0.0, np.pi / 16), num_steps=9, ramp=(), stance=STRAIGHT_FEET)
    left, right = walk_footsteps(walk).end
    np.testing.assert_allclose([(left.x + right.x) / 2, (left.y + right.y) / 2], [2.0, 2.0], atol=1e-12)
    np.testing.assert_allclose([left.yaw, right.yaw], np.pi / 2)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"num_steps": 2}, "num_steps is 2; 3 are needed"),
        ({"double_support_s": 0.5}, "double_support_s is 0.5; it must lie between 0 and step_time_s"),
    ],
)
def test_impossible_walks_are_refused(fields: dict[str, float], message: str) -> None:
    with pytest.raises(MotionError, match=message):
        walk_footsteps(Walk(**{"advance": (0.4, 0.0, 0.0), "num_steps": 8, **fields}))

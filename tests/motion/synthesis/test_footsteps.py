"""Footstep plans of walks in any direction."""

from __future__ import annotations

import numpy as np
import pytest

from legged_gym.motion.rotations import quat_rotate
from legged_gym.motion.synthesis.footsteps import LEFT, RIGHT, Move, Stance, plan_moves
from legged_gym.motion.synthesis.terrain import Block, Terrain
from legged_gym.motion.synthesis.walks import Walk, walk_footsteps
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


def test_feet_take_the_height_and_the_tilt_of_a_ramp() -> None:
    ramp = Terrain((Block("ramp", (-1.0, 3.0), (-2.0, 2.0), (0.5, 1.5)),))  # rises by 1 in 4
    for heading in (0.0, np.pi, np.pi / 2, 0.3):
        place = STRAIGHT_FEET.placements(np.array([1.0, 0.0, heading]), ramp)[LEFT]
        up = quat_rotate(place.quat_wxyz, np.array([0.0, 0.0, 1.0]))
        np.testing.assert_allclose(up, np.array([-0.25, 0.0, 1.0]) / np.hypot(0.25, 1.0), atol=1e-9)
        nose = quat_rotate(place.quat_wxyz, np.array([1.0, 0.0, 0.0]))
        np.testing.assert_allclose(np.arctan2(nose[1], nose[0]) % (2.0 * np.pi), heading, atol=1e-9)
        assert place.z == pytest.approx(0.75 + 0.25 * place.x)


def test_point_of_a_tilted_foot_lies_on_the_ramp() -> None:
    ramp = Terrain((Block("ramp", (-1.0, 3.0), (-2.0, 2.0), (0.5, 1.5)),))
    place = Stance().placements(np.array([1.0, 0.0, 0.4]), ramp)[RIGHT]
    point = place.point(0.12, 0.03)
    assert point[2] == pytest.approx(0.75 + 0.25 * point[0], abs=1e-9)


def test_moves_without_time_are_refused() -> None:
    with pytest.raises(
        MotionError, match=r"move 1 has swing_s 0 and double_support_s 0\.08; both must be positive"
    ):
        plan_moves([Move(LEFT), Move(RIGHT, swing_s=0.0)])

"""Soles read from the model, and the roll over toe and heel."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from legged_gym.motion.rotations import quat_rotate
from legged_gym.motion.synthesis.curves import hann_smooth, smooth_step
from legged_gym.motion.synthesis.feet import Swing, foot_paths, measure_sole
from legged_gym.motion.synthesis.footsteps import LEFT, RIGHT, Hold, Move, plan_moves
from legged_gym.motion.synthesis.terrain import Block, Terrain
from legged_gym.motion.synthesis.walks import Walk, walk_footsteps
from legged_gym.utils.errors import MotionError


def test_sole_of_the_g1_is_35_mm_below_the_ankle(g1_model: mujoco.MjModel) -> None:
    sole = measure_sole(g1_model, "left_ankle_roll_link")
    assert sole.height == pytest.approx(0.035)
    np.testing.assert_allclose([sole.toe, sole.heel], [[0.12, 0.0, -0.025], [-0.05, 0.0, -0.025]], atol=1e-12)


def test_link_without_a_round_sole_is_refused(g1_model: mujoco.MjModel) -> None:
    with pytest.raises(MotionError, match="waist_yaw_link collides with neither spheres nor capsules"):
        measure_sole(g1_model, "waist_yaw_link")


def test_toe_stays_in_place_until_it_leaves_and_heel_from_when_it_lands(g1_model: mujoco.MjModel) -> None:
    sole = measure_sole(g1_model, "left_ankle_roll_link")
    swing = Swing()
    plan = walk_footsteps(Walk(advance=(0.4, 0.0, 0.1), num_steps=5))
    step = next(step for step in plan.steps if step.foot == LEFT)
    length = step.touch_down_s - step.lift_off_s

    def world(point: np.ndarray, start: float, end: float) -> np.ndarray:
        time = np.linspace(step.lift_off_s + start * length, step.lift_off_s + end * length, 7)
        paths = foot_paths(plan, (sole, sole), swing, time)
        return paths.pos_w[:, LEFT] + quat_rotate(paths.quat_wxyz[:, LEFT], np.tile(point, (7, 1)))

    toe, heel = world(sole.toe, 0.0, swing.toe_leaves), world(sole.heel, swing.heel_lands, 1.0)
    assert np.ptp(toe, axis=0).max() < 1e-12
    assert np.ptp(heel, axis=0).max() < 1e-12
    raised = world(sole.heel, 0.0, swing.toe_leaves)[:, 2]
    assert np.all(np.diff(raised) > 0.0)


def test_foot_takes_a_stair_around_its_edge(g1_model: mujoco.MjModel) -> None:
    sole = measure_sole(g1_model, "left_ankle_roll_link")
    stair = Terrain((Block("stair", (0.2, 2.0), (-1.0, 1.0), (0.15, 0.15)),))
    swing = Swing(clearance=0.0, heel_off=0.0, heel_strike=0.0)
    plan = plan_moves([Move(LEFT, (0.4, 0.0, 0.0)), Move(RIGHT), Move(LEFT, (-0.4, 0.0, 0.0))], terrain=stair)
    for step in (plan.steps[0], plan.steps[2]):
        time = np.linspace(step.lift_off_s, step.touch_down_s, 101)
        pos = foot_paths(plan, (sole, sole), swing, time).pos_w[:, LEFT]
        height, ahead = (pos[:, 2] - sole.height) / 0.15, (pos[:, 0] - plan.start[LEFT].x) / 0.4
        assert np.all(height > ahead - 1e-9)  # up before ahead; backwards and down: back before down
        middle = np.argmin(np.abs(ahead - 0.5))
        assert height[middle] > 0.9


def test_foot_follows_a_ramp_without_a_detour(g1_model: mujoco.MjModel) -> None:
    sole = measure_sole(g1_model, "left_ankle_roll_link")
    ramp = Terrain((Block("ramp", (-1.0, 3.0), (-2.0, 2.0), (0.5, 1.5)),))
    plan = plan_moves([Move(LEFT, (0.4, 0.0, 0.0)), Move(RIGHT)], terrain=ramp)
    time = np.linspace(plan.steps[0].lift_off_s, plan.steps[0].touch_down_s, 51)
    swing = Swing(clearance=0.0, heel_off=0.0, heel_strike=0.0)
    pos = foot_paths(plan, (sole, sole), swing, time).pos_w[:, LEFT]
    above = pos[:, 2] - (0.75 + 0.25 * pos[:, 0])
    np.testing.assert_allclose(above, sole.height * np.hypot(1.0, 0.25), atol=2e-4)


def test_hovering_foot_returns_to_its_place(g1_model: mujoco.MjModel) -> None:
    sole = measure_sole(g1_model, "left_ankle_roll_link")
    hold = Hold(offset=(0.1, 0.0, 0.2), pitch=0.3, move_s=0.5)
    plan = plan_moves([Move(LEFT, swing_s=2.0, hold=hold)])
    step = plan.steps[0]
    time = np.array([step.lift_off_s, step.lift_off_s + 0.5, step.lift_off_s + 1.5, step.touch_down_s])
    paths = foot_paths(plan, (sole, sole), Swing(), time)
    pos = paths.pos_w[:, LEFT]
    np.testing.assert_allclose(pos[0], pos[3], atol=1e-12)
    np.testing.assert_allclose(pos[1], pos[2], atol=1e-12)
    assert pos[1, 2] - pos[0, 2] == pytest.approx(0.2)
    assert np.linalg.norm(pos[1, :2] - pos[0, :2]) == pytest.approx(0.1)
    assert paths.flat[:, LEFT].tolist() == [True, False, False, True]


def test_smooth_step_starts_and_ends_without_velocity_or_acceleration() -> None:
    time = np.linspace(-0.1, 1.1, 1201)
    value = smooth_step(time, 0.0, 1.0)
    velocity = np.gradient(value, time)
    assert value[0] == 0.0
    assert value[-1] == 1.0
    assert velocity.max() == pytest.approx(1.875, abs=1e-4)  # 15/8, in the middle
    assert np.abs(np.gradient(velocity, time)).max() == pytest.approx(10.0 / np.sqrt(3.0), abs=1e-2)
    assert np.abs(np.diff(np.gradient(velocity, time))).max() < 0.1


def test_smoothing_keeps_straight_lines_and_holds_the_ends() -> None:
    line = np.stack((np.arange(40.0), np.full(40, 3.0)), axis=1)
    smooth = hann_smooth(line, 9)
    np.testing.assert_allclose(smooth[5:-5], line[5:-5], atol=1e-12)
    np.testing.assert_allclose(smooth[:, 1], 3.0, atol=1e-12)

from collections.abc import Callable

import mujoco
import numpy as np
import pytest

from legged_gym.motion.clip import Clip
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.motion.validation import DEFAULT, CheckedMotion
from legged_gym.motion.validation.dynamics import (
    balance,
    distance_outside,
    support,
    torques,
    zero_moment_point,
)
from legged_gym.motion.validation.findings import Finding
from legged_gym.motion.validation.whole_body import WholeBody
from legged_gym.sim.robot_model import build_robot
from legged_gym.sim.sim_config import ActuatorCfg, AssetCfg

TIME = np.arange(101) / 50.0


def whole_body(clip: Clip, layout: RobotLayout) -> WholeBody:
    return WholeBody(CheckedMotion.from_clip(clip, layout))


def test_a_weak_motor_is_named_with_the_torque_that_mujoco_gives(
    standing: Callable[..., Clip], only: Callable[..., Finding]
) -> None:
    """An arm at rest needs exactly MuJoCo's bias force; a shoulder of half of it is overloaded twice."""
    joint = "right_shoulder_roll_joint"
    pose = {joint: -1.4, "right_elbow_joint": 0.0}
    robot = build_robot(AssetCfg(), ActuatorCfg())
    model = robot.compile(ground=False)
    clip = standing(joints=pose)
    data = mujoco.MjData(model)
    index = RobotLayout(model, robot.joint_names, robot.body_names, robot.foot_bodies).index
    data.qpos = index.qpos(clip.root_pos, clip.root_quat_wxyz, clip.dof_pos)[0]
    mujoco.mj_forward(model, data)
    needed = abs(data.qfrc_bias[index.joint_dof[robot.joint_names.index(joint)]])

    weak = build_robot(AssetCfg(), ActuatorCfg(effort_limit={joint: needed / 2.0}))
    layout = RobotLayout(weak.compile(ground=False), weak.joint_names, weak.body_names, weak.foot_bodies)
    body = whole_body(clip, layout)
    finding = only(torques(body.motion, body, DEFAULT), "torques")
    assert (finding.severity, finding.subject) == ("error", joint)
    assert finding.value == pytest.approx(needed, rel=1e-4)
    assert "2.0 times its limit" in finding.message
    assert (finding.first_frame, finding.last_frame) == (0, 100)


def test_an_overload_has_its_time(standing: Callable[..., Clip], only: Callable[..., Finding]) -> None:
    """An arm held out needs 4.3 Nm of the shoulder; one of 3.5 Nm is overloaded from about 0.8 to 1.6 s."""
    robot = build_robot(AssetCfg(), ActuatorCfg(effort_limit={"left_shoulder_roll": 3.5}))
    layout = RobotLayout(robot.compile(ground=False), robot.joint_names, robot.body_names, robot.foot_bodies)
    out = np.interp(TIME, (0.4, 0.9, 1.5, 2.0), (0.2, 1.5, 1.5, 0.2))
    body = whole_body(standing(joints={"left_shoulder_roll_joint": out, "left_elbow_joint": 0.0}), layout)
    finding = only(torques(body.motion, body, DEFAULT), "torques", "left_shoulder_roll_joint")
    assert finding.first_s == pytest.approx(0.8, abs=0.15)
    assert finding.last_s == pytest.approx(1.6, abs=0.15)
    assert finding.value > finding.limit == 3.5
    assert f"from {finding.first_s:.2f} to {finding.last_s:.2f} s" in finding.message


def test_a_robot_in_the_air_is_held_by_nothing_and_a_falling_one_needs_no_hold(
    standing: Callable[..., Clip],
    root: Callable[..., np.ndarray],
    layout: RobotLayout,
    only: Callable[..., Finding],
) -> None:
    lifted = np.where((TIME > 0.49) & (TIME < 1.51), 0.3, 0.0)
    clip = standing(root_pos=root(z=lifted), contacts=None)
    body = whole_body(clip, layout)
    body.motion.__dict__["ground_offset"] = 0.0  # half of the time it stands 30 cm high
    finding = only(support(body.motion, body, DEFAULT), "support")
    assert finding.severity == "error"
    assert "in the air, held by nothing" in finding.message
    assert finding.value == pytest.approx(1.0, abs=0.01)
    assert finding.first_s == pytest.approx(0.5, abs=0.1) and finding.last_s == pytest.approx(1.5, abs=0.1)

    falling = whole_body(standing(root_pos=root(z=30.0 - 0.5 * 9.81 * TIME**2)), layout)
    assert not support(falling.motion, falling, DEFAULT)


def test_torques_of_a_floating_clip_are_those_of_the_mended_one(
    standing: Callable[..., Clip], root: Callable[..., np.ndarray], layout: RobotLayout
) -> None:
    floating = whole_body(standing(root_pos=root(z=0.08)), layout)
    mended = whole_body(standing(), layout)
    assert np.allclose(floating.dynamics.torque, mended.dynamics.torque, atol=1e-6)
    assert not support(floating.motion, floating, DEFAULT)


def test_leaning_too_far_tips_over_by_the_distance_of_the_centre_of_mass(
    standing: Callable[..., Clip], layout: RobotLayout, only: Callable[..., Finding]
) -> None:
    """Pitched forward by 0.3 rad on its toes: at rest the zero-moment point is under MuJoCo's centre of mass."""
    quat = np.tile([np.cos(0.15), 0.0, np.sin(0.15), 0.0], (101, 1))
    high = CheckedMotion.from_clip(standing(root_quat_wxyz=quat), layout)
    root_pos = high.root_pos - [0.0, 0.0, high.foot_height.min()]
    body = whole_body(standing(root_pos=root_pos, root_quat_wxyz=quat), layout)
    data = mujoco.MjData(layout.model)
    data.qpos = body.qpos[0]
    mujoco.mj_forward(layout.model, data)
    toes = body.points_w[0, body.carrying[0], 0].max()
    finding = only(balance(body.motion, body, DEFAULT), "balance")
    assert finding.value == pytest.approx(data.subtree_com[1, 0] - toes, abs=1e-3)
    assert finding.value > 0.1
    assert np.allclose(body.centre_of_mass_w[0], data.subtree_com[1], atol=1e-9)


def test_the_distance_from_a_support_polygon() -> None:
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [9, 9]], dtype=float)
    corners = np.tile(square, (4, 1, 1))
    valid = np.array([[1, 1, 1, 1, 0]] * 3 + [[1, 0, 0, 0, 0]], dtype=bool)
    points = np.array([[0.5, 0.5], [2.0, 0.5], [2.0, 2.0], [3.0, 4.0]])
    assert distance_outside(points, corners, valid) == pytest.approx([0.0, 1.0, np.sqrt(2.0), 5.0], rel=2e-3)


def test_the_zero_moment_point_is_where_the_force_acts() -> None:
    """A force at a known point gives a wrench about the root, from which the point comes back."""
    force, point, root_pos = (
        np.array([[30.0, -20.0, 300.0]]),
        np.array([[0.3, -0.1, 0.05]]),
        np.array([[1.0, 2.0, 0.8]]),
    )
    wrench = np.concatenate((force, np.cross(point - root_pos, force)), axis=1)
    assert zero_moment_point(wrench, root_pos, np.array([0.05])) == pytest.approx(point[:, :2])

import mujoco
import numpy as np
import pytest

from legged_gym.motion.contacts import (
    LEAVE_HEIGHT,
    LEAVE_SPEED,
    TOUCH_HEIGHT,
    TOUCH_SPEED,
    CollisionPoints,
    collision_points,
    foot_contacts,
    height_above_ground,
)
from legged_gym.motion.kinematics import BodyStates, ModelIndex, forward_kinematics
from legged_gym.motion.rotations import quat_about_axis
from legged_gym.sim.robot_model import Robot
from legged_gym.utils.errors import MotionError

_SOLE = CollisionPoints(body=np.array([0]), local=np.zeros((1, 3)), radius=np.array([0.01]))


def _foot(height: list[float], speed: list[float]) -> BodyStates:
    """A foot without rotation whose sole is at these heights and which moves along x."""
    frames = len(height)
    pos, lin_vel = np.zeros((frames, 1, 3)), np.zeros((frames, 1, 3))
    pos[:, 0, 2] = np.array(height) + 0.01
    lin_vel[:, 0, 0] = speed
    return BodyStates(pos, np.tile([1.0, 0, 0, 0], (frames, 1, 1)), lin_vel, np.zeros((frames, 1, 3)))


def test_contact_holds_between_the_thresholds() -> None:
    low, middle, high = 0.5 * TOUCH_HEIGHT, 0.5 * (TOUCH_HEIGHT + LEAVE_HEIGHT), 1.1 * LEAVE_HEIGHT
    height = [middle, low, middle, high, middle, low]
    contacts = foot_contacts(_SOLE, 1, _foot(height, [0.0] * 6))
    assert contacts[:, 0].tolist() == [False, True, True, False, False, True]


def test_a_foot_that_moves_is_no_contact() -> None:
    slow, middle, fast = 0.5 * TOUCH_SPEED, 0.5 * (TOUCH_SPEED + LEAVE_SPEED), 1.1 * LEAVE_SPEED
    contacts = foot_contacts(_SOLE, 1, _foot([0.0] * 5, [middle, slow, middle, fast, middle]))
    assert contacts[:, 0].tolist() == [False, True, True, False, False]


def test_contact_is_relative_to_the_ground() -> None:
    foot = _foot([0.3, 0.3], [0.0, 0.0])
    assert not foot_contacts(_SOLE, 1, foot).any()
    assert foot_contacts(_SOLE, 1, foot, ground=lambda xy: np.full(xy.shape[:-1], 0.3)).all()


def test_the_sole_of_a_rolling_foot_stands_still() -> None:
    """A ball of radius r that rolls at v = w r has no speed where it touches."""
    frames = 2
    pos, zero = np.full((frames, 1, 3), 0.05), np.zeros((frames, 1, 3))
    quat = quat_about_axis(1, np.array([[0.3], [1.4]]))
    lin_vel, ang_vel = zero + np.array([0.2, 0.0, 0.0]), zero + np.array([0.0, 4.0, 0.0])
    ball = CollisionPoints(body=np.array([0]), local=np.zeros((1, 3)), radius=np.array([0.05]))
    assert np.allclose(ball.speed(BodyStates(pos, quat, lin_vel, ang_vel)), 0.0)


def test_points_of_each_kind_of_geom_reach_the_true_lowest_point() -> None:
    model = mujoco.MjModel.from_xml_string("""
<mujoco><worldbody>
  <body name="ball"><freejoint/><geom type="sphere" size="0.1" pos="0.3 0 0"/></body>
  <body name="bar"><geom type="capsule" size="0.02" fromto="0 0 0 0.4 0 0"/></body>
  <body name="brick"><geom type="box" size="0.1 0.2 0.3" euler="30 0 0"/></body>
  <body name="ghost"><geom type="sphere" size="9" contype="0" conaffinity="0"/></body>
</worldbody></mujoco>""")
    pitch = 0.5  # about y: +x goes down
    for name, lowest in [
        ("ball", -0.3 * np.sin(pitch) - 0.1),
        ("bar", -0.4 * np.sin(pitch) - 0.02),
        (
            "brick",
            -(0.1 * np.sin(pitch) + np.cos(pitch) * (0.2 * np.sin(np.pi / 6) + 0.3 * np.cos(np.pi / 6))),
        ),
    ]:
        states = BodyStates(
            np.zeros((1, 1, 3)),
            quat_about_axis(1, np.array([[pitch]])),
            np.zeros((1, 1, 3)),
            np.zeros((1, 1, 3)),
        )
        points = collision_points(model, (name,))
        assert points.lowest_w(states)[..., 2].min() == pytest.approx(lowest), name
    with pytest.raises(MotionError, match="none of the bodies ghost"):
        collision_points(model, ("ghost",))


def test_height_above_ground_is_the_median_of_the_lowest_point() -> None:
    assert height_above_ground(_SOLE, _foot([0.011, 0.011, 0.011, 0.5, -0.2], [0.0] * 5)) == pytest.approx(
        0.011
    )


def test_g1_soles_are_where_mujoco_finds_the_ground(g1: Robot, g1_model: mujoco.MjModel) -> None:
    index = ModelIndex(g1_model, g1.joint_names)
    qpos = index.qpos(np.array([[0, 0, 0.9]]), np.array([[1.0, 0, 0, 0]]), g1.default_dof_pos[None])
    states = forward_kinematics(g1_model, g1.foot_bodies, qpos, np.zeros((1, g1_model.nv)))
    height = height_above_ground(collision_points(g1_model, g1.foot_bodies), states)
    data = mujoco.MjData(g1_model)
    for lift, touches in [(-1e-4, True), (1e-4, False)]:
        data.qpos = qpos[0]
        data.qpos[2] += lift - height
        mujoco.mj_forward(g1_model, data)
        assert any(contact.dist < 0.0 for contact in data.contact) is touches

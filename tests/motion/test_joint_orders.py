import mujoco
import pytest

from legged_gym.motion.joint_orders import G1_JOINT_NAMES, JOINT_ORDERS, full_joint_name, joint_order
from legged_gym.sim.robot_model import Robot
from legged_gym.utils.errors import MotionError


def test_the_order_of_g1_is_that_of_its_model(g1: Robot) -> None:
    assert joint_order("g1") == g1.joint_names


def test_isaac_labs_order_is_breadth_first_through_the_model(g1_model: mujoco.MjModel) -> None:
    children: dict[int, list[int]] = {}
    for body in range(1, g1_model.nbody):
        children.setdefault(int(g1_model.body_parentid[body]), []).append(body)
    level, names = [0], []
    while level:
        level = [child for body in level for child in children.get(body, [])]
        for body in level:
            first = g1_model.body_jntadr[body]
            names += [
                g1_model.joint(first + i).name
                for i in range(g1_model.body_jntnum[body])
                if g1_model.jnt_type[first + i] == mujoco.mjtJoint.mjJNT_HINGE
            ]
    assert joint_order("g1_isaaclab") == tuple(names)


def test_the_23_motor_g1_lacks_two_waist_and_four_wrist_joints() -> None:
    missing = [name for name in G1_JOINT_NAMES if name not in joint_order("g1_23dof")]
    assert [name.removesuffix("_joint") for name in missing] == [
        *("waist_roll", "waist_pitch"),
        *("left_wrist_pitch", "left_wrist_yaw", "right_wrist_pitch", "right_wrist_yaw"),
    ]


@pytest.mark.parametrize("order", JOINT_ORDERS)
def test_no_order_names_a_joint_twice_or_a_strange_one(order: str) -> None:
    assert len(set(joint_order(order))) == len(joint_order(order))
    assert set(joint_order(order)) <= set(G1_JOINT_NAMES)


def test_an_unknown_order_lists_the_known_ones() -> None:
    with pytest.raises(MotionError, match="no joint order 'h1'; there are g1, g1_23dof, g1_isaaclab"):
        joint_order("h1")


def test_only_names_that_become_joints_of_the_g1_get_the_ending() -> None:
    assert full_joint_name("left_knee") == "left_knee_joint"
    assert full_joint_name("left_knee_joint") == "left_knee_joint"
    assert full_joint_name("left_hip") == "left_hip"

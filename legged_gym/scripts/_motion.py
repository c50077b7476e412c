"""What the motion scripts share: the robot that clips are for."""

from __future__ import annotations

from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.sim.robot_model import Robot, build_robot
from legged_gym.sim.sim_config import ActuatorCfg, AssetCfg


def load_robot(name: str) -> tuple[Robot, RobotLayout]:
    """A robot with all its joints free, and what the motion room needs of it.

    Raises:
        RobotError: There is no such robot; lists those there are.
    """
    robot = build_robot(AssetCfg(robot=name), ActuatorCfg())
    layout = RobotLayout(
        robot.compile(ground=False),
        robot.joint_names,
        robot.body_names,
        robot.foot_bodies,
        velocity_limit=robot.velocity_limit,
        name=name,
    )
    return robot, layout

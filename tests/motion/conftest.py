"""Robots and clips shared by the motion tests."""

from __future__ import annotations

from collections.abc import Callable

import mujoco
import numpy as np
import pytest

from legged_gym.motion.clip import Clip
from legged_gym.motion.joint_orders import G1_JOINT_NAMES
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.sim.robot_model import Robot, build_robot
from legged_gym.sim.sim_config import ActuatorCfg, AssetCfg

_LEG = """
<body name="{side}_foot" pos="0 {y} -0.2">
  <joint name="{side}_hip" axis="0 1 0"/>
  <geom type="sphere" size="0.05" pos="0 0 -0.25" mass="1"/>
</body>"""


def _biped_xml(sides: tuple[str, ...]) -> str:
    """A pelvis with one hinged, ball-footed leg per side, in the order given. Soles are 0.5 m below the pelvis."""
    legs = "".join(_LEG.format(side=side, y=0.1 if side == "left" else -0.1) for side in sides)
    return f"""
<mujoco>
  <worldbody>
    <body name="pelvis">
      <freejoint/>
      <geom type="box" size="0.1 0.1 0.1" mass="5" contype="0" conaffinity="0"/>
      {legs}
    </body>
  </worldbody>
  <actuator>
    {"".join(f'<position name="{s}_hip" joint="{s}_hip" kp="50" forcerange="-20 20"/>' for s in sides)}
  </actuator>
</mujoco>"""


@pytest.fixture(scope="session")
def biped() -> mujoco.MjModel:
    """Left leg before right leg."""
    return mujoco.MjModel.from_xml_string(_biped_xml(("left", "right")))


@pytest.fixture(scope="session")
def biped_right_first() -> mujoco.MjModel:
    """The same robot with its right leg before its left leg."""
    return mujoco.MjModel.from_xml_string(_biped_xml(("right", "left")))


@pytest.fixture(scope="session")
def g1() -> Robot:
    """The 29-joint G1."""
    return build_robot(AssetCfg(), ActuatorCfg())


@pytest.fixture(scope="session")
def g1_model(g1: Robot) -> mujoco.MjModel:
    """Its compiled model."""
    return g1.compile()


@pytest.fixture(scope="session")
def g1_layout(g1: Robot, g1_model: mujoco.MjModel) -> RobotLayout:
    """All its joints, bodies and both feet."""
    return RobotLayout(g1_model, g1.joint_names, g1.body_names, g1.foot_bodies, name="g1")


@pytest.fixture
def g1_clip() -> Callable[..., Clip]:
    """Makes a clip of the G1 in which every joint swings on its own and the root turns about a slanted axis."""

    def make(frames: int = 41, fps: float = 50.0, **fields: object) -> Clip:
        time = np.arange(frames) / fps
        joint = np.arange(len(G1_JOINT_NAMES))
        half = 0.45 * time
        on = np.arange(frames) % 5 < 2
        defaults: dict[str, object] = {
            "name": "swing",
            "fps": fps,
            "joint_names": G1_JOINT_NAMES,
            "dof_pos": 0.1 + 0.2 * np.sin(2.0 * time[:, None] + joint),
            "root_pos": np.stack((0.7 * time, 0.2 * np.sin(time), 0.8 + 0.05 * np.cos(time)), axis=1),
            "root_quat_wxyz": np.stack(
                (np.cos(half), *(a * np.sin(half) for a in (0.48, 0.6, 0.64))), axis=1
            ),
            "contacts": {"left_ankle_roll_link": on, "right_ankle_roll_link": ~on},
        }
        return Clip(**{**defaults, **fields})

    return make


@pytest.fixture
def biped_clip() -> Callable[..., Clip]:
    """Makes a clip of the biped: legs swing, the pelvis moves along x and turns about z; any field can be replaced."""

    def make(frames: int = 31, fps: float = 30.0, **fields: object) -> Clip:
        time = np.arange(frames) / fps
        yaw = 0.8 * time
        defaults: dict[str, object] = {
            "name": "swing",
            "fps": fps,
            "joint_names": ("right_hip", "left_hip"),
            "dof_pos": np.stack((-0.3 * np.sin(3.0 * time), 0.5 * np.sin(2.0 * time)), axis=1),
            "root_pos": np.stack((0.7 * time, 0.0 * time, 0.5 + 0.0 * time), axis=1),
            "root_quat_wxyz": np.stack((np.cos(yaw / 2), 0 * yaw, 0 * yaw, np.sin(yaw / 2)), axis=1),
        }
        return Clip(**{**defaults, **fields})

    return make


@pytest.fixture
def g1_table(g1: Robot) -> Callable[..., np.ndarray]:
    """Makes the 36 columns of a CSV file, wxyz: a G1 that stands leaning, soles flat, at a heading."""

    def make(frames: int = 20, heading: float = 0.0, pitch: float = 0.1) -> np.ndarray:
        table = np.zeros((frames, 36))
        table[:, 0] = 0.01 * np.arange(frames)
        table[:, 2] = 0.76
        half_yaw, half_pitch = 0.5 * heading, 0.5 * pitch
        # Rz(heading) * Ry(pitch)
        table[:, 3] = np.cos(half_yaw) * np.cos(half_pitch)
        table[:, 4] = -np.sin(half_yaw) * np.sin(half_pitch)
        table[:, 5] = np.cos(half_yaw) * np.sin(half_pitch)
        table[:, 6] = np.sin(half_yaw) * np.cos(half_pitch)
        for side in (
            "left",
            "right",
        ):  # hip pitch, knee and ankle turn about one axis: -pitch in all keeps the sole level
            table[:, 7 + G1_JOINT_NAMES.index(f"{side}_hip_pitch_joint")] = -0.3 - pitch
            table[:, 7 + G1_JOINT_NAMES.index(f"{side}_knee_joint")] = 0.5
            table[:, 7 + G1_JOINT_NAMES.index(f"{side}_ankle_pitch_joint")] = -0.2
        return table

    return make

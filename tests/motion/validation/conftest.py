"""A G1 that stands on flat ground with nothing wrong with it, to put defects in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from legged_gym.motion.clip import Clip
from legged_gym.motion.contacts import collision_points, height_above_ground
from legged_gym.motion.kinematics import forward_kinematics
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.motion.validation.findings import Finding
from legged_gym.sim.robot_model import Robot


@pytest.fixture(scope="session")
def layout(g1: Robot) -> RobotLayout:
    """The G1 as the scripts load it."""
    return RobotLayout(
        g1.compile(ground=False),
        g1.joint_names,
        g1.body_names,
        g1.foot_bodies,
        velocity_limit=g1.velocity_limit,
        name="g1",
    )


@pytest.fixture(scope="session")
def standing_height(g1: Robot, layout: RobotLayout) -> float:
    """Height of the root that puts the soles at 0 in the default pose, m."""
    index = layout.index
    qpos = index.qpos(np.zeros((2, 3)), np.tile([1.0, 0, 0, 0], (2, 1)), np.tile(g1.default_dof_pos, (2, 1)))
    feet = forward_kinematics(layout.model, g1.foot_bodies, qpos, np.zeros((2, layout.model.nv)))
    return -height_above_ground(collision_points(layout.model, g1.foot_bodies), feet)


@pytest.fixture
def standing(g1: Robot, standing_height: float) -> Callable[..., Clip]:
    """Makes 2 s of a G1 at rest; `joints` maps joint names to (T,) angles, other fields are replaced."""

    def make(
        frames: int = 101, fps: float = 50.0, joints: dict[str, object] | None = None, **fields: object
    ) -> Clip:
        dof_pos = np.tile(g1.default_dof_pos, (frames, 1))
        for name, angle in (joints or {}).items():
            dof_pos[:, g1.joint_names.index(name)] = angle
        defaults: dict[str, object] = {
            "name": "standing",
            "fps": fps,
            "joint_names": g1.joint_names,
            "dof_pos": dof_pos,
            "root_pos": np.tile([0.0, 0.0, standing_height], (frames, 1)),
            "root_quat_wxyz": np.tile([1.0, 0.0, 0.0, 0.0], (frames, 1)),
        }
        return Clip(**{**defaults, **fields})

    return make


@pytest.fixture
def root(standing_height: float) -> Callable[..., np.ndarray]:
    """Makes (T, 3) root positions of the standing G1, moved by (T,) or plain x, y, z."""

    def make(frames: int = 101, x: object = 0.0, y: object = 0.0, z: object = 0.0) -> np.ndarray:
        moved = np.tile([0.0, 0.0, standing_height], (frames, 1))
        for axis, shift in enumerate((x, y, z)):
            moved[:, axis] += shift
        return moved

    return make


@pytest.fixture
def only() -> Callable[..., Finding]:
    """Takes the one finding of a check (about a subject), and fails if there is another number of them."""

    def take(findings: object, check: str, subject: str | None = None) -> Finding:
        found = [f for f in findings if f.check == check and subject in (None, f.subject)]
        assert len(found) == 1, [f.message for f in findings]
        return found[0]

    return take

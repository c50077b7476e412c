from collections.abc import Callable

import mujoco
import numpy as np
import pytest

from legged_gym.motion.clip import Clip
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.motion.validation import DEFAULT, CheckedMotion
from legged_gym.motion.validation.body import body_clearance, self_penetration
from legged_gym.motion.validation.findings import Finding
from legged_gym.motion.validation.whole_body import WholeBody
from legged_gym.sim.robot_model import Robot


def contact_depths(model: mujoco.MjModel, qpos: np.ndarray) -> dict[frozenset[str], float]:
    """Deepest contact of each pair of bodies, by MuJoCo's own forward pass."""
    data = mujoco.MjData(model)
    data.qpos = qpos
    mujoco.mj_forward(model, data)
    depths: dict[frozenset[str], float] = {}
    for contact in data.contact:
        pair = frozenset(model.body(model.geom_bodyid[geom]).name for geom in contact.geom)
        depths[pair] = max(depths.get(pair, 0.0), -contact.dist)
    return depths


def test_depth_in_the_ground_is_that_of_mujocos_contacts(
    standing: Callable[..., Clip], root: Callable[..., np.ndarray], layout: RobotLayout, g1: Robot
) -> None:
    """The root 60 cm lower: shins, thighs and hands are in the ground; MuJoCo's ground plane gives the depths."""
    clip = standing(20, root_pos=root(20, z=-0.6))
    body = WholeBody(CheckedMotion.from_clip(clip, layout))
    found = {finding.subject: finding.value for finding in body_clearance(body.motion, body, DEFAULT)}
    expected = {
        next(iter(pair - {"world"})): depth
        for pair, depth in contact_depths(g1.compile(ground=True), body.qpos[0]).items()
        if "world" in pair and depth > 0.01
    }
    assert len(found) >= 6
    assert found == pytest.approx(
        {name: depth for name, depth in expected.items() if name in found}, abs=1e-9
    )
    assert set(expected) - set(found) == set(g1.foot_bodies)


def test_an_arm_through_the_trunk_is_told_with_mujocos_depth(
    standing: Callable[..., Clip], layout: RobotLayout, g1: Robot, only: Callable[..., Finding]
) -> None:
    roll = np.full(101, 0.2)
    roll[30:41] = -1.0
    clip = standing(joints={"left_shoulder_roll_joint": roll, "left_elbow_joint": 1.2})
    body = WholeBody(CheckedMotion.from_clip(clip, layout))
    findings = self_penetration(body.motion, body, DEFAULT)
    depths = contact_depths(g1.compile(ground=False), body.qpos[35])
    assert {frozenset(f.subject.split(", ")): f.value for f in findings} == pytest.approx(
        {pair: depth for pair, depth in depths.items() if depth > DEFAULT.self_penetration_warning}
    )
    assert {(finding.first_frame, finding.last_frame) for finding in findings} == {(30, 40)}
    assert any("torso" in finding.message for finding in findings)


def test_the_ground_of_the_model_is_no_self_penetration(
    standing: Callable[..., Clip], root: Callable[..., np.ndarray], g1: Robot
) -> None:
    layout = RobotLayout(g1.compile(ground=True), g1.joint_names, g1.body_names, g1.foot_bodies)
    body = WholeBody(CheckedMotion.from_clip(standing(root_pos=root(z=-0.05)), layout))
    assert not self_penetration(body.motion, body, DEFAULT)

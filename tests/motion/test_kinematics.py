from collections.abc import Callable

import mujoco
import numpy as np
import pytest

from legged_gym.motion.clip import Clip
from legged_gym.motion.kinematics import ModelIndex, body_ids, forward_kinematics
from legged_gym.sim.robot_model import Robot
from legged_gym.utils.errors import MotionError


def _random_states(robot: Robot, model: mujoco.MjModel, frames: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    index = ModelIndex(model, robot.joint_names)
    quat = rng.normal(size=(frames, 4))
    quat /= np.linalg.norm(quat, axis=1, keepdims=True)
    dof_pos = rng.uniform(robot.dof_lower, robot.dof_upper, (frames, len(robot.joint_names)))
    qpos = index.qpos(rng.normal(size=(frames, 3)), quat, dof_pos)
    qvel = index.qvel(
        quat, rng.normal(size=(frames, 3)), rng.normal(size=(frames, 3)), rng.normal(size=dof_pos.shape)
    )
    return qpos, qvel


def test_poses_equal_mujocos_frame_by_frame(g1: Robot, g1_model: mujoco.MjModel) -> None:
    qpos, qvel = _random_states(g1, g1_model, 5)
    states = forward_kinematics(g1_model, g1.body_names, qpos, qvel)
    data, bodies = mujoco.MjData(g1_model), body_ids(g1_model, g1.body_names)
    for frame in range(5):
        data.qpos, data.qvel = qpos[frame], qvel[frame]
        mujoco.mj_forward(g1_model, data)
        assert np.allclose(states.pos_w[frame], data.xpos[bodies], atol=1e-12)
        assert np.allclose(states.quat_wxyz[frame], data.xquat[bodies], atol=1e-12)


def test_velocities_are_those_of_body_origins(g1: Robot, g1_model: mujoco.MjModel) -> None:
    qpos, qvel = _random_states(g1, g1_model, 5)
    states = forward_kinematics(g1_model, g1.body_names, qpos, qvel)
    step = 1e-6
    before, after = qpos.copy(), qpos.copy()
    for frame in range(5):
        mujoco.mj_integratePos(g1_model, before[frame], qvel[frame], -step)
        mujoco.mj_integratePos(g1_model, after[frame], qvel[frame], step)
    low = forward_kinematics(g1_model, g1.body_names, before, qvel)
    high = forward_kinematics(g1_model, g1.body_names, after, qvel)
    assert np.allclose((high.pos_w - low.pos_w) / (2 * step), states.lin_vel_w, atol=1e-6)
    for frame, body in [(0, 0), (1, 6), (3, 20)]:
        turn = np.zeros(3)
        inverse = low.quat_wxyz[frame, body] * [1, -1, -1, -1]
        delta = np.zeros(4)
        mujoco.mju_mulQuat(delta, high.quat_wxyz[frame, body], inverse)
        mujoco.mju_quat2Vel(turn, delta, 2 * step)
        assert np.allclose(turn, states.ang_vel_w[frame, body], atol=1e-6)


def test_root_velocity_in_is_root_velocity_out(g1: Robot, g1_model: mujoco.MjModel) -> None:
    index = ModelIndex(g1_model, g1.joint_names)
    quat = np.array([[0.5, 0.5, 0.5, 0.5]])
    lin_vel, ang_vel = np.array([[1.0, 2.0, 3.0]]), np.array([[0.3, -0.2, 0.5]])
    dof = np.zeros((1, len(g1.joint_names)))
    states = forward_kinematics(
        g1_model, (g1.root_body,), index.qpos(lin_vel, quat, dof), index.qvel(quat, lin_vel, ang_vel, dof)
    )
    assert np.allclose(states.lin_vel_w[0, 0], lin_vel)
    assert np.allclose(states.ang_vel_w[0, 0], ang_vel)


def test_long_clips_are_the_same_as_short_ones(
    biped: mujoco.MjModel, biped_clip: Callable[..., Clip]
) -> None:
    clip = biped_clip(frames=2500)
    index = ModelIndex(biped, clip.joint_names)
    qpos = index.qpos(clip.root_pos, clip.root_quat_wxyz, clip.dof_pos)
    whole = forward_kinematics(biped, ("left_foot",), qpos, np.zeros((2500, biped.nv)))
    part = forward_kinematics(biped, ("left_foot",), qpos[2300:], np.zeros((200, biped.nv)))
    assert np.array_equal(whole.pos_w[2300:], part.pos_w)


def test_unknown_names_list_the_known_ones(biped: mujoco.MjModel) -> None:
    with pytest.raises(MotionError, match=r"no joint 'left_knee'; it has .*left_hip, right_hip"):
        ModelIndex(biped, ("left_knee",))
    with pytest.raises(MotionError, match=r"no body 'hand'; it has world, pelvis"):
        body_ids(biped, ("hand",))
    fixed = mujoco.MjModel.from_xml_string("<mujoco><worldbody><body/></worldbody></mujoco>")
    with pytest.raises(MotionError, match="no free joint"):
        ModelIndex(fixed, ())

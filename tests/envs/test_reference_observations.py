"""Observation terms about the reference, against the clip's own numbers and another library's rotations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from legged_gym.envs.base.robot_deepmimic import RobotDeepMimic
from legged_gym.envs.terms import reference_observations as terms
from legged_gym.motion.formats.npz_file import read_npz
from tests.envs.conftest import NUM_FRAMES
from tests.envs.randomising import ALL

FRAMES = torch.tensor([0, 10, 25, NUM_FRAMES - 1])
PLACES = torch.tensor([[0.0, 0.0, 0.0], [7.0, -3.0, 0.0], [-20.0, 5.0, 0.0], [1.0, 1.0, 0.0]])
"""Where the frames of the envs' clips lie in the world, m."""


def rotation(quat_wxyz: torch.Tensor) -> Rotation:
    return Rotation.from_quat(quat_wxyz.numpy(), scalar_first=True)


def heading(rotations: Rotation) -> np.ndarray:
    """Yaw of each of the rotations, rad."""
    forwards = rotations.apply([1.0, 0.0, 0.0])
    return np.arctan2(forwards[..., 1], forwards[..., 0])


def turned_back(angle: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    return Rotation.from_euler("z", -angle[:, None]).apply(vectors)


@pytest.fixture
def env(task_cfg, make_env) -> RobotDeepMimic:
    """Robots that have strayed from their references, each in another place."""
    task_cfg.env.observations.num_next_obs = 3
    task_cfg.env.deepmimic.randomize_terrain_offset = True
    env = make_env()
    env.reset_to(ALL, FRAMES, noisy=False)
    env.env_offsets[:] = PLACES
    generator = torch.Generator().manual_seed(0)
    n, q = 4, env.sim.dof_pos.clone()
    quat = torch.randn(n, 4, generator=generator)
    env.sim.reset(
        ALL,
        PLACES + torch.rand(n, 3, generator=generator) + torch.tensor([0.0, 0.0, 2.0]),
        quat / quat.norm(dim=-1, keepdim=True),
        torch.zeros(n, 3),
        torch.zeros(n, 3),
        q + 0.1,
        torch.zeros_like(q),
    )
    env.refresh()
    return env


@pytest.fixture
def clip(sway_clip):
    return read_npz(sway_clip)


def check(env: RobotDeepMimic, name: str, expected: np.ndarray) -> None:
    got = getattr(terms, name)(env)
    np.testing.assert_allclose(got, expected.reshape(len(got), -1), atol=2e-5)


def test_targets_are_the_frames_own_numbers(env, clip):
    names = [clip.joint_names.index(name) for name in env.joint_names]
    frames = FRAMES.numpy()
    off_pose = clip.dof_pos[:, names] - env.robot.default_dof_pos
    check(env, "target_joints", off_pose[frames])
    upper = [
        i for i, name in enumerate(env.joint_names) if any(w in name for w in ("waist", "should", "elb"))
    ]
    check(env, "upper_body_joint_targets", off_pose[frames][:, upper])
    coming = np.minimum(frames[:, None] + [1, 2, 3], NUM_FRAMES - 1)
    check(env, "future_ref_dof_pos", off_pose[coming])
    yaw = 0.5 + 0.3 * frames / 50.0
    check(env, "target_root_yaw", yaw)
    check(env, "phase", np.stack((np.sin(angle := 2 * np.pi * frames / NUM_FRAMES), np.cos(angle)), axis=1))


def test_roll_and_pitch_of_the_target_are_those_of_the_usual_convention(env):
    quat = torch.randn(4, 4, generator=torch.Generator().manual_seed(1))
    env.reference.root_quat_wxyz[:] = quat / quat.norm(dim=-1, keepdim=True)
    yaw, pitch, roll = rotation(env.reference.root_quat_wxyz).as_euler("ZYX").T
    for name, angle in (("roll", roll), ("pitch", pitch), ("yaw", yaw)):
        check(env, f"target_root_{name}", angle)


def test_places_are_relative_to_the_clip_or_to_the_robot_and_never_to_the_world(env, clip):
    robot = rotation(env.anchor_quat)
    check(env, "torso_xy", (env.anchor_pos_w - PLACES)[:, :2].numpy())
    check(env, "torso_yaw", heading(robot))
    reference = clip.root_pos[FRAMES]  # the torso's is above it, but for the sway of the waist
    np.testing.assert_allclose(env.ref_anchor_pos_w[:, :2], (reference + PLACES.numpy())[:, :2], atol=0.02)
    error = (env.ref_anchor_pos_w - env.anchor_pos_w).numpy()
    check(env, "torso_xy_rel", turned_back(heading(robot), error)[:, :2])
    turn = heading(rotation(env.ref_anchor_quat)) - heading(robot)
    check(env, "torso_yaw_rel", np.arctan2(np.sin(turn), np.cos(turn)))


def test_the_coming_anchors_are_seen_from_the_robots(env):
    robot = rotation(env.anchor_quat)
    rows = []
    for step in (1, 2, 3):
        coming = env.data.table.at((FRAMES + step).clamp(max=NUM_FRAMES - 1))
        place = (coming.body_pos_w[:, env.anchor] + PLACES - env.anchor_pos_w).numpy()
        matrix = (robot.inv() * rotation(coming.body_quat_wxyz[:, env.anchor])).as_matrix()
        rows.append(np.concatenate((robot.inv().apply(place), matrix[:, :, :2].reshape(4, 6)), axis=1))
    check(env, "future_anchor", np.stack(rows, axis=1))


def test_the_next_velocities_are_in_the_heading_frame_of_the_robots_root(env):
    ahead = env.data.table.at((FRAMES + 1).clamp(max=NUM_FRAMES - 1))
    angle = heading(rotation(env.sim.root_quat_wxyz))
    parts = [turned_back(angle, v.numpy()) for v in (ahead.root_lin_vel_w, ahead.root_ang_vel_w)]
    check(env, "deepmimic_lin_ang_vel", np.concatenate(parts, axis=1))
    np.testing.assert_allclose(ahead.root_lin_vel_w[1], [0.3, 0.0, 0.0], atol=1e-3)
    np.testing.assert_allclose(ahead.root_ang_vel_w[1], [0.0, 0.0, 0.3], atol=1e-3)

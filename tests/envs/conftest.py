"""Two small envs: one tracks a clip made here, a robot that sways and waves its arms; one walks by command."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import legged_gym.envs  # noqa: F401  (registers the tasks)
from legged_gym.motion.clip import Clip
from legged_gym.motion.formats.npz_file import read_npz, write_npz
from legged_gym.sim.robot_model import build_robot
from legged_gym.sim.sim_config import ActuatorCfg, AssetCfg
from legged_gym.utils import task_registry
from legged_gym.utils.config import TaskCfg

NUM_FRAMES = 60


@pytest.fixture(scope="session")
def sway_clip(tmp_path_factory) -> Path:
    robot = build_robot(AssetCfg(), ActuatorCfg())
    t = np.arange(NUM_FRAMES) / 50.0
    q = np.tile(robot.default_dof_pos, (NUM_FRAMES, 1))
    for name, amplitude in (
        ("left_shoulder_pitch_joint", 0.4),
        ("right_elbow_joint", 0.3),
        ("waist_yaw_joint", 0.2),
    ):
        q[:, robot.joint_names.index(name)] += amplitude * np.sin(2 * np.pi * t)
    root = np.zeros((NUM_FRAMES, 3))
    root[:, 0], root[:, 1] = 0.3 * t, 2.0
    root[:, 2] = robot.default_root_height
    yaw = 0.5 + 0.3 * t
    quat = np.stack([np.cos(yaw / 2), 0 * t, 0 * t, np.sin(yaw / 2)], axis=1)
    path = tmp_path_factory.mktemp("clips") / "sway.npz"
    clip = Clip(
        name="sway", fps=50.0, joint_names=robot.joint_names, dof_pos=q, root_pos=root, root_quat_wxyz=quat
    )
    write_npz(clip, path)
    return path


@pytest.fixture
def task_cfg(sway_clip) -> TaskCfg:
    """A fresh g1_deepmimic configuration with four envs on the sway clip."""
    cfg = task_registry.get("g1_deepmimic").configure()
    cfg.env.env.num_envs = 4
    cfg.env.sim.num_threads = 1
    cfg.env.deepmimic.amass_replay_data_path = [str(sway_clip)]
    return cfg


@pytest.fixture
def make_env(task_cfg):
    """Builds the env of ``task_cfg``, which a test may change first."""

    def make(seed: int = 1):
        return task_registry.get("g1_deepmimic").load_env_class()(task_cfg.env, seed=seed)

    return make


@pytest.fixture
def walker_cfg() -> TaskCfg:
    """A fresh g1 configuration with four envs."""
    cfg = task_registry.get("g1").configure()
    cfg.env.env.num_envs, cfg.env.sim.num_threads = 4, 1
    return cfg


@pytest.fixture
def make_walker(walker_cfg):
    """Builds the env of ``walker_cfg``, which a test may change first."""

    def make(seed: int = 1):
        return task_registry.get("g1").load_env_class()(walker_cfg.env, seed=seed)

    return make


STEP = 0.2
"""Height of the platform that `step_clip` stands on, m."""


def _box(low: tuple[float, float, float], high: tuple[float, float, float], first: int) -> str:
    corners = [(x, y, z) for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])]
    faces = ((1, 2, 4, 3), (5, 7, 8, 6), (1, 5, 6, 2), (3, 4, 8, 7), (1, 3, 7, 5), (2, 6, 8, 4))
    lines = [f"v {x} {y} {z}" for x, y, z in corners]
    for a, b, c, d in faces:
        lines += [f"f {first + a} {first + b} {first + c}", f"f {first + a} {first + c} {first + d}"]
    return "\n".join(lines) + "\n"


@pytest.fixture
def step_clip(sway_clip, tmp_path):
    """The sway clip on a platform 0.2 m above a floor, with its mesh."""
    (tmp_path / "step.obj").write_text(
        _box((-3, -1, -0.1), (4, 5, 0.0), 0) + _box((-1, 1, 0.0), (2, 3, STEP), 8)
    )
    clip = read_npz(sway_clip)
    raised = dataclasses.replace(
        clip, root_pos=clip.root_pos + np.array([0.0, 0.0, STEP]), terrain="step.obj"
    )
    write_npz(raised, tmp_path / "step.npz")
    return tmp_path / "step.npz"

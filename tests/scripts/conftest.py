"""A working directory of its own for every test, and a training command small enough to run in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import legged_gym.envs  # noqa: F401  (registers the tasks)
from legged_gym.motion.clip import Clip
from legged_gym.motion.formats.npz_file import write_npz
from legged_gym.sim.robot_model import build_robot
from legged_gym.sim.sim_config import ActuatorCfg, AssetCfg


@pytest.fixture(scope="session")
def clip_file(tmp_path_factory) -> Path:
    """One second of a G1 that stands and moves an arm."""
    robot = build_robot(AssetCfg(), ActuatorCfg())
    t = np.arange(51) / 50.0
    q = np.tile(robot.default_dof_pos, (len(t), 1))
    q[:, robot.joint_names.index("left_elbow_joint")] += 0.3 * np.sin(2 * np.pi * t)
    root = np.tile([0.0, 0.0, robot.default_root_height], (len(t), 1))
    quat = np.tile([1.0, 0.0, 0.0, 0.0], (len(t), 1))
    path = tmp_path_factory.mktemp("clips") / "wave.npz"
    write_npz(Clip("wave", 50.0, robot.joint_names, q, root, quat), path)
    return path


@pytest.fixture
def workdir(tmp_path, monkeypatch) -> Path:
    """The current directory, where runs go to logs/."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def small(clip_file) -> list[str]:
    """Options that make training take a second."""
    return [
        "--task=g1_deepmimic",
        f"--env.deepmimic.amass_replay_data_path={clip_file}",
        "--num_envs=8",
        "--train.runner.num_steps_per_env=4",
        "--train.runner.num_threads=1",
        "--env.sim.num_threads=1",
        "--train.runner.logger=none",
    ]

"""Standing clips of different lengths, an env on them, and a robot that is carried along its reference."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from legged_gym.envs.base.robot_deepmimic import RobotDeepMimic
from legged_gym.evaluation.protocol import evaluation_config
from legged_gym.motion.clip import Clip
from legged_gym.motion.formats.npz_file import write_npz
from legged_gym.sim.robot_model import build_robot
from legged_gym.sim.sim_config import ActuatorCfg, AssetCfg
from legged_gym.utils import task_registry

FRAMES = {"long": 31, "short": 11}
"""Frames of 0.02 s of each clip."""


class CarriedRobot(RobotDeepMimic):
    """No physics: after every step each robot is exactly where its reference is, but for ``offsets``."""

    offsets: dict[int, torch.Tensor] | None = None
    """Root displacement (3,), m, of the robots that reach a frame."""

    def _simulate(self) -> None:
        frames = torch.minimum(self.frame + 1, self.last_frame)
        ref = self.reference_at(frames)
        root_pos = ref.root_pos_w.clone()
        for frame, offset in (self.offsets or {}).items():
            root_pos[frames == frame] += offset
        ids = torch.arange(self.num_envs)
        self.sim.reset(
            ids,
            root_pos,
            ref.root_quat_wxyz,
            ref.root_lin_vel_w,
            ref.root_ang_vel_w,
            ref.dof_pos,
            ref.dof_vel,
        )


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips of a G1 that slides along while it moves an arm."""
    robot = build_robot(AssetCfg(), ActuatorCfg())
    folder = tmp_path_factory.mktemp("clips")
    for name, frames in FRAMES.items():
        t = np.arange(frames) / 50.0
        dof_pos = np.tile(robot.default_dof_pos, (frames, 1))
        dof_pos[:, robot.joint_names.index("left_elbow_joint")] += 0.3 * np.sin(2 * np.pi * t)
        root_pos = np.stack((0.2 * t, 0.0 * t, robot.default_root_height + 0.0 * t), axis=1)
        upright = np.tile([1.0, 0.0, 0.0, 0.0], (frames, 1))
        clip = Clip(name, 50.0, robot.joint_names, dof_pos, root_pos, upright)
        write_npz(clip, folder / f"{name}.npz")
    return folder


@pytest.fixture
def make_env(clip_folder: Path) -> Callable[..., RobotDeepMimic]:
    """Builds an env on the two clips, ``long`` first."""

    def make(num_envs: int, kind: type[RobotDeepMimic] = CarriedRobot) -> RobotDeepMimic:
        cfg = task_registry.get("g1_deepmimic").configure().env
        cfg.env.num_envs, cfg.sim.num_threads = num_envs, 1
        cfg.deepmimic.amass_replay_data_path = [str(clip_folder)]
        return kind(evaluation_config(cfg, "fine"), seed=1)

    return make

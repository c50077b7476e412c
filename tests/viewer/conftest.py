"""Two clips, a trained-looking run of two checkpoints, and a real browser where there is one."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import legged_gym.envs  # noqa: F401  (registers the tasks)
from legged_gym.motion.clip import Clip
from legged_gym.motion.formats.npz_file import write_npz
from legged_gym.sim.robot_model import build_robot
from legged_gym.sim.sim_config import ActuatorCfg, AssetCfg
from legged_gym.utils.cli import Command, parse_command
from tests.viewer.servers import free_server

FRAMES = {"long": 101, "short": 41}
"""Frames of 0.02 s of each clip."""
SLAB = """v -3 -3 0\nv 3 -3 0\nv 3 3 0\nv -3 3 0\nv 0.4 -3 0.15\nv 3 -3 0.15\nv 3 3 0.15\nv 0.4 3 0.15
f 1 2 3\nf 1 3 4\nf 5 6 7\nf 5 7 8\nf 1 5 8\nf 1 8 4\n"""


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips of a G1 that stands and moves an arm."""
    robot = build_robot(AssetCfg(), ActuatorCfg())
    folder = tmp_path_factory.mktemp("clips")
    for name, frames in FRAMES.items():
        t = np.arange(frames) / 50.0
        dof_pos = np.tile(robot.default_dof_pos, (frames, 1))
        dof_pos[:, robot.joint_names.index("left_shoulder_pitch_joint")] += 0.8 * np.sin(2 * np.pi * t)
        root_pos = np.tile([0.0, 0.0, robot.default_root_height], (frames, 1))
        upright = np.tile([1.0, 0.0, 0.0, 0.0], (frames, 1))
        write_npz(Clip(name, 50.0, robot.joint_names, dof_pos, root_pos, upright), folder / f"{name}.npz")
    return folder


@pytest.fixture(scope="session")
def options(clip_folder: Path) -> list[str]:
    """Command line of a small task on the two clips."""
    return [
        "--task=g1_deepmimic",
        f"--env.deepmimic.amass_replay_data_path={clip_folder}",
        "--env.sim.num_threads=1",
        "--train.runner.num_threads=1",
    ]


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory, options: list[str]) -> Path:
    """A working directory with one run of two iterations, each with a checkpoint."""
    from legged_gym.scripts.train import train

    folder = tmp_path_factory.mktemp("work")
    small = ["--num_envs=8", "--max_iterations=2", "--train.runner.num_steps_per_env=4", "--headless"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        train([*options, *small, "--train.runner.save_interval=1", "--train.runner.logger=none"])
    return folder


@pytest.fixture
def workdir(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that directory, which is the current one; tests may spoil it."""
    shutil.copytree(runs / "logs", tmp_path / "logs")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def make_command(options: list[str]) -> Callable[..., Command]:
    """Understands a command line of play.py with a few more options."""
    from legged_gym.scripts import play

    def make(*more: str) -> Command:
        page = ["--env.viser.enable=True", "--viser.port=0"]
        return parse_command([*options, *page, *more], play.PlayArgs, play._saved_config)

    return make


@pytest.fixture
def make_viewer(make_command, workdir: Path) -> Iterator[Callable[..., object]]:
    """Builds viewers of play.py; their servers stop when the test ends."""
    from legged_gym.scripts import _viewing

    made = []

    def make(*more: str) -> object:
        torch.set_num_threads(1)
        viewer = _viewing.make_viewer(make_command(*more), free_server())
        made.append(viewer)
        return viewer

    yield make
    for viewer in made:
        viewer.stop()
        viewer.server.stop()


@pytest.fixture
def play(make_viewer) -> Iterator[Callable[..., object]]:
    """Builds viewers that play in a thread of their own; time stands still until the test starts it."""
    threads: list[threading.Thread] = []
    viewers = []

    def run(*more: str) -> object:
        viewer = make_viewer(*more)
        viewers.append(viewer)
        threads.append(threading.Thread(target=viewer.run, daemon=True))
        threads[-1].start()
        return viewer

    yield run
    for viewer, thread in zip(viewers, threads, strict=True):
        viewer.stop()
        thread.join(30.0)
        assert not thread.is_alive()


@pytest.fixture
def make_env(clip_folder: Path) -> Callable[[int], object]:
    """Builds an env to watch on the two clips, ``long`` first, with the noise of training at hand."""
    from legged_gym.evaluation.protocol import evaluation_config
    from legged_gym.utils import task_registry

    def make(num_envs: int) -> object:
        task = task_registry.get("g1_deepmimic")
        cfg = task.configure().env
        noise = cfg.noise
        noise.noise_scales.dof_pos = 0.05
        cfg.env.num_envs, cfg.sim.num_threads = num_envs, 1
        cfg.deepmimic.amass_replay_data_path = [str(clip_folder)]
        cfg = evaluation_config(cfg, "fine")
        cfg.noise = noise
        return task.load_env_class()(cfg, seed=1)

    return make


@pytest.fixture
def make_walker() -> Callable[[int], object]:
    """Builds an env that follows commands on flat ground and on stairs of two levels."""
    from legged_gym.evaluation.protocol import evaluation_config
    from legged_gym.utils import task_registry

    def make(num_envs: int) -> object:
        task = task_registry.get("g1")
        cfg = task.configure().env
        cfg.env.num_envs, cfg.sim.num_threads = num_envs, 1
        cfg.terrain.kinds, cfg.terrain.num_levels, cfg.terrain.horizontal_scale = ["flat", "stairs"], 2, 0.2
        return task.load_env_class()(evaluation_config(cfg, "fine"), seed=1)

    return make


@pytest.fixture
def make_student(clip_folder: Path) -> Callable[[int], object]:
    """Builds an env whose policies can be driven, on the two clips."""
    from legged_gym.evaluation.protocol import evaluation_config
    from legged_gym.utils import task_registry

    def make(num_envs: int) -> object:
        task = task_registry.get("g1_deepmimic_dagger")
        cfg = task.configure().env
        cfg.env.num_envs, cfg.sim.num_threads = num_envs, 1
        cfg.deepmimic.amass_replay_data_path = [str(clip_folder)]
        return task.load_env_class()(evaluation_config(cfg, "fine"), seed=1)

    return make

"""What benchmark.py measures of training in several processes."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from legged_gym.rl.run_log import read_progress
from legged_gym.utils.config import TaskCfg
from legged_gym.utils.errors import ConfigError, RunError
from legged_gym.utils.paths import CONFIG_FILE
from legged_gym.utils.run_config import save_run_config
from legged_gym.utils.task_registry import TaskSpec

TRAIN = str(Path(__file__).with_name("train.py"))
ROUNDS = 3
WARM_UP = 5


def measure_processes(task: TaskSpec, cfg: TaskCfg, args: Any) -> dict[str, Any]:
    """Training by several processes against one on the same cores, in turn.

    Once by the same command, so that there are more robots in all, and once with as many.

    Raises:
        ConfigError: The robots cannot be shared out evenly.
        RunError: A training failed.
    """
    robots, count = cfg.env.env.num_envs, args.processes
    if robots % count:
        raise ConfigError(f"--processes={count}: does not divide the {robots} robots of --num_envs")
    launcher = [
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        str(count),
        TRAIN,
        "--multi_gpu",
    ]
    alone, same_command, same_robots = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        save_run_config(Path(folder), task.name, cfg)
        common = [
            f"--task={task.name}",
            "--headless",
            f"--config={CONFIG_FILE}",
            "--train.runner.logger=none",
        ]
        common += [f"--max_iterations={WARM_UP + args.iterations}"]
        for _ in range(ROUNDS):
            alone.append(_samples_per_s([TRAIN, *common], folder))
            same_command.append(_samples_per_s([*launcher, *common], folder))
            same_robots.append(_samples_per_s([*launcher, *common, f"--num_envs={robots // count}"], folder))
    one, many, shared = (sorted(rates)[ROUNDS // 2] for rates in (alone, same_command, same_robots))
    return {
        "processes_over_one": many / one,
        "processes_over_one_same_robots": shared / one,
        "processes": count,
        "processes_samples_per_s": many,
        "one_process_samples_per_s": one,
        "processes_num_envs": robots,
    }


def _samples_per_s(command: Sequence[str], folder: str) -> float:
    """Samples per second of a training after its first iterations."""
    job = subprocess.run([sys.executable, *command], cwd=folder, capture_output=True, text=True)
    if job.returncode:
        raise RunError(f"{' '.join(command)} failed: {job.stderr[-1000:]}")
    newest = max(Path(folder).glob("logs/*/*/progress.csv"), key=lambda path: path.stat().st_mtime)
    rows = read_progress(newest)
    samples, minutes = (
        float(rows[-1][key]) - float(rows[WARM_UP - 1][key]) for key in ("samples", "minutes")
    )
    return samples / (60.0 * minutes)

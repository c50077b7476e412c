"""Measure throughput beside the raw engine, in the same process, on the same states."""

from __future__ import annotations

import json
import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from legged_gym import envs  # noqa: F401  (registers the tasks)
from legged_gym.utils import paths
from legged_gym.utils.cli import CommonArgs, check_devices, parse_command, run_main
from legged_gym.utils.config import TaskCfg, to_dict
from legged_gym.utils.task_registry import TaskSpec
from legged_gym.utils.threads import available_cores, rollout_threads, use_passive_threads

if TYPE_CHECKING:
    from legged_gym.envs.base.robot_deepmimic import RobotDeepMimic

ACTION_STD = 0.4
"""Random actions of the env measurement: the noise of a fresh policy."""
WARM_UP = 10


@dataclass
class BenchmarkArgs(CommonArgs):
    """Measure throughput beside the raw engine, in the same process, on the same states.

    env_step_over_raw: the full env step (5 ms x 4, 512 envs, random actions) against mujoco.batch stepping the same
    model from the same states with the same controls. training_over_raw: the whole training loop at the task's own
    settings, likewise. Both are interleaved, so that other load on the machine hits both.
    """

    task: str = "g1_deepmimic"
    """Name of the task; list_tasks.py prints them."""
    steps: int = 150
    """Env steps to time."""
    iterations: int = 30
    """Training iterations to time."""
    env_step_envs: int = 512
    """Robots in the env step measurement; the training one uses the task's own number."""
    out: Path | None = None
    """JSON file to write."""


class RawEngine:
    """mujoco.batch on a copy of an env's model, timed from the env's own states."""

    def __init__(self, env: RobotDeepMimic) -> None:
        """Make as many bare simulations as the env has."""
        from mujoco import batch

        self._substeps = env.cfg.control.decimation
        self._batch = batch.Batch(env.sim.model, env.num_envs, env.cfg.sim.num_threads)
        self._ctrl = self._batch.bind("ctrl")
        self.seconds = 0.0

    def step(self, state: Any, targets: Any) -> None:
        """Time one control period from full engine states with given joint targets."""
        self._batch.state[...] = state.numpy()
        self._ctrl[...] = targets.numpy()
        start = time.perf_counter()
        self._batch.step(nstep=self._substeps)
        self.seconds += time.perf_counter() - start


def measure_env_step(task: TaskSpec, cfg: TaskCfg, args: BenchmarkArgs) -> dict[str, Any]:
    """Full env step against raw stepping, at 5 ms x 4."""
    import torch

    from legged_gym.scripts import _session

    period = cfg.env.sim.dt * cfg.env.control.decimation
    cfg.env.sim.dt, cfg.env.control.decimation = 0.005, round(period / 0.005)
    cfg.env.env.num_envs = args.env_step_envs
    env = _session.build_env(task, cfg.env, cfg.train.seed)
    torch.set_num_threads(rollout_threads(env.num_envs))  # as the training loop does
    raw, seconds = RawEngine(env), 0.0
    generator = torch.Generator().manual_seed(0)
    for step in range(WARM_UP + args.steps):
        if step == WARM_UP:
            raw.seconds, seconds, _ = 0.0, 0.0, env.timings()
        actions = ACTION_STD * torch.randn(env.num_envs, env.num_actions, generator=generator)
        state = env.sim.state_dict()["full_state"]
        start = time.perf_counter()
        env.step(actions)
        seconds += time.perf_counter() - start
        raw.step(state, env.joint_targets)
    split = {part: 1e3 * value / args.steps for part, value in env.timings().items()}
    total = 1e3 * seconds / args.steps
    return {
        "env_step_over_raw": raw.seconds / seconds,
        "env_steps_per_s": args.steps * env.num_envs / seconds,
        "raw_env_steps_per_s": args.steps * env.num_envs / raw.seconds,
        "num_envs": env.num_envs,
        "physics": f"{1e3 * cfg.env.sim.dt:g} ms x {cfg.env.control.decimation}",
        "split_ms": split | {"rest": total - sum(split.values()), "total": total},
    }


def measure_training(task: TaskSpec, cfg: TaskCfg, args: BenchmarkArgs) -> dict[str, Any]:
    """The training loop against raw stepping, at the task's own settings."""
    from legged_gym.rl.runner import OnPolicyRunner
    from legged_gym.scripts import _session

    env = _session.build_env(task, cfg.env, cfg.train.seed)
    runner = OnPolicyRunner(env, cfg.train, None, "cpu", to_dict(cfg))
    raw, seconds, split = RawEngine(env), 0.0, {}
    steps = cfg.train.runner.num_steps_per_env
    for iteration in range(1 + args.iterations):
        if iteration == 1:
            raw.seconds, seconds, split = 0.0, 0.0, {}
        start = time.perf_counter()
        runner.learn(1)
        seconds += time.perf_counter() - start
        for name, value in runner.latest.items():
            if name.startswith("time_ms/"):
                key = name.removeprefix("time_ms/")
                split[key] = split.get(key, 0.0) + value / (args.iterations * steps)
        for _ in range(steps):
            raw.step(env.sim.state_dict()["full_state"], env.joint_targets)
    samples = args.iterations * steps * env.num_envs
    return {
        "training_over_raw": raw.seconds / seconds,
        "training_samples_per_s": samples / seconds,
        "raw_env_steps_per_s_at_training": samples / raw.seconds,
        "training_num_envs": env.num_envs,
        "training_physics": f"{1e3 * cfg.env.sim.dt:g} ms x {cfg.env.control.decimation}",
        "training_split_ms": split | {"total": sum(split.values())},
    }


def benchmark(argv: list[str]) -> None:
    """Parse, measure, print, write."""
    command = parse_command(argv, BenchmarkArgs)
    check_devices(command.args)
    use_passive_threads()
    if command.args.out is not None:
        from legged_gym.scripts import _session

        _session.prepare_output(command.args.out)

    import torch
    from rich.console import Console

    torch.set_num_threads(command.cfg.train.runner.num_threads or available_cores())
    training = measure_training(command.task, command.cfg, command.args)
    result = measure_env_step(command.task, command.cfg, command.args) | training
    result["machine"] = {
        "processor": _processor(),
        "cores": available_cores(),
        "python": platform.python_version(),
    }
    Console().print_json(json.dumps(result), indent=2)
    if command.args.out is not None:
        text = json.dumps(result, indent=2)
        paths.write_atomically(command.args.out, lambda file: file.write_text(text + "\n"))


def _processor() -> str:
    """Name of the processor, as far as the system tells."""
    if os.path.exists("/proc/cpuinfo"):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def main() -> None:
    """Entry of the console script."""
    run_main(benchmark)


if __name__ == "__main__":
    main()

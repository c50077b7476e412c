"""Measure throughput beside the raw engine, in the same process, on the same states."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from legged_gym import envs  # noqa: F401  (registers the tasks)
from legged_gym.utils import paths
from legged_gym.utils.cli import CommonArgs, check_devices, parse_command, run_main
from legged_gym.utils.threads import available_cores, use_passive_threads


@dataclass
class BenchmarkArgs(CommonArgs):
    """Measure throughput beside the raw engine, in the same process, on the same states.

    env_step_over_raw: the full env step (5 ms x 4, 512 envs, random actions) against the bare engine of the device,
    mujoco.batch or MuJoCo Warp, stepping the same model from the same states with the same controls.
    training_over_raw: the whole training loop at the task's own settings, likewise. terrain_over_flat: the full env
    step on the height fields of many clips, with an 11 x 11 height scan, against that on flat ground without.
    randomised_over_plain: the full env step with all domain randomisation and all noise against that without any.
    processes_over_one, with --processes: training by so many processes, --num_envs each, against one. scaling,
    with --largest_envs: the first again with more robots. All are interleaved, so that other load on the machine hits
    both sides.
    """

    task: str = "g1_deepmimic"
    """Name of the task; list_tasks.py prints them."""
    steps: int = 150
    """Env steps to time."""
    iterations: int = 30
    """Training iterations to time."""
    env_step_envs: int = 512
    """Robots in the env step measurements; the training one uses the task's own number."""
    largest_envs: int = 0
    """Repeat the env step measurement with twice as many robots each time, up to so many; 0 leaves it out."""
    terrains: int = 100
    """Clips with a terrain of their own in the terrain measurement; 0 leaves it out."""
    processes: int = 0
    """Processes that train together in the measurement of several; 0 leaves it out."""
    out: Path | None = None
    """JSON file to write."""


def benchmark(argv: list[str]) -> None:
    """Parse, measure, print, write."""
    command = parse_command(argv, BenchmarkArgs)
    # Its learner may be on a GPU; --multi_gpu is refused as of a script without one.
    check_devices(command.args, learns=not command.args.multi_gpu)
    use_passive_threads()
    if command.args.out is not None:
        from legged_gym.scripts import _session

        _session.prepare_output(command.args.out)

    import torch
    from rich.console import Console

    from legged_gym.scripts._benchmarks import (
        measure_env_step,
        measure_randomised,
        measure_scaling,
        measure_terrain,
        measure_training,
    )
    from legged_gym.scripts._process_benchmark import measure_processes

    torch.set_num_threads(command.cfg.train.runner.num_threads or available_cores())
    result: dict[str, Any] = {}
    for measure in (measure_env_step, measure_training, measure_randomised):
        result |= measure(command.task, command.cfg, command.args)
    if command.args.largest_envs:
        result |= measure_scaling(command.task, command.cfg, command.args)
    if command.args.terrains:
        result |= measure_terrain(command.task, command.cfg, command.args)
    if command.args.processes:
        result |= measure_processes(command.task, command.cfg, command.args)
    result["machine"] = {
        "processor": _processor(),
        "sim_device": _device_name(command.args.sim_device),
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


def _device_name(sim_device: str) -> str:
    """Device of the simulation, with the name of a GPU."""
    if not sim_device.startswith("cuda"):
        return sim_device
    import torch

    return f"{sim_device} {torch.cuda.get_device_name(sim_device)}"


def main() -> None:
    """Entry of the console script."""
    run_main(benchmark)


if __name__ == "__main__":
    main()

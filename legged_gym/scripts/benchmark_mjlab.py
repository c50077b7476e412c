"""Measure the env step of mjlab's tracking task, to hold against ours; run by the Python that has mjlab."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

import tyro

TASK = "Mjlab-Tracking-Flat-Unitree-G1"
ACTION_STD = 0.4
"""Random actions, as benchmark.py draws them."""
WARM_UP = 10
"""Steps that are not timed: the first ones compile kernels and capture graphs."""


@dataclass
class BenchmarkMjlabArgs:
    """Measure the env step of mjlab's tracking task. The last line of the output is the result, as JSON.

    Needs mjlab and torch and nothing of this package: start it with the Python of mjlab's own environment.
    """

    motion: Path
    """Clip as mjlab reads it, .npz."""
    num_envs: int = 4096
    """Robots."""
    steps: int = 150
    """Env steps to time."""
    device: str = "cuda:0"
    """Device of simulation and observations."""


def benchmark_mjlab(args: BenchmarkMjlabArgs) -> None:
    """Build the env, step it with random actions, print what it took."""
    import torch
    from mjlab.envs import ManagerBasedRlEnv
    from mjlab.tasks.registry import load_env_cfg

    def now() -> float:
        """Time at which all that the device was told is done, s."""
        if torch.device(args.device).type == "cuda":
            torch.cuda.synchronize(args.device)
        return time.perf_counter()

    cfg = load_env_cfg(TASK)
    cfg.commands["motion"].motion_file, cfg.scene.num_envs = str(args.motion), args.num_envs
    start = now()
    env = ManagerBasedRlEnv(cfg=cfg, device=args.device)
    env.reset()
    start_up_s, seconds = now() - start, 0.0
    for step in range(WARM_UP + args.steps):
        actions = ACTION_STD * torch.randn(env.action_space.shape, device=args.device)
        start = now()
        env.step(actions)
        seconds += (now() - start) * (step >= WARM_UP)
    result = {
        "mjlab_env_steps_per_s": args.steps * env.num_envs / seconds,
        "num_envs": env.num_envs,
        "start_up_s": start_up_s,
        "physics": f"{1e3 * env.physics_dt:g} ms x {cfg.decimation}",
    }
    print(json.dumps(result))


def main() -> None:
    benchmark_mjlab(tyro.cli(BenchmarkMjlabArgs, use_underscores=True))


if __name__ == "__main__":
    main()

"""Judge a bundle's policy in variations of the physics."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import tyro

from legged_gym.evaluation.protocol import ProtocolArgs, check_protocol
from legged_gym.evaluation.simulations import SIMULATIONS, chosen
from legged_gym.utils.cli import run_main
from legged_gym.utils.threads import available_cores, use_passive_threads


@dataclass
class Sim2SimArgs:
    """Judge a bundle's policy in variations of the physics, several at a time, without a robot's bus.

    Look at what it loses against the physics of training before it goes to a robot.
    """

    bundle: Path = Path("policy")
    """Folder of the bundle; its clips must be where training found them."""
    sims: str = ",".join(SIMULATIONS)
    """Variations, with commas between them; doc/deploy.md says what they are."""
    runtime: Literal["onnx", "torchscript"] = "onnx"
    """Runtime of the policy's network."""
    num_starts: int = 32
    """Episodes per clip that start at evenly spaced frames."""
    num_from_start: int = 32
    """Episodes per clip that start at its first frame, with small noise on the state."""
    num_trials: int = 64
    """Walking by command: number of trials."""
    trial_seconds: float | None = None
    """Walking by command: length of a trial, s; None: 20, and 60 with --joystick."""
    joystick: bool = False
    """Tasks that follow clips: judge how a student walks by command on level ground."""
    num_envs: int = 64
    """Episodes simulated side by side."""
    seed: int = 1
    """Seed of all random numbers."""
    workers: int = 0
    """Variations judged at the same time; 0: as many as there are cores."""
    at_least: float = 0.0
    """Status 1 if less than this share succeeds in any variation; 0.9 is our own bar."""
    out: Path | None = None
    """JSON file to write."""


def sim2sim(argv: list[str]) -> int:
    """Parse, judge, print; returns 1 where a variation is below ``--at_least``."""
    args = tyro.cli(Sim2SimArgs, args=argv, use_underscores=True)
    names = chosen(args.sims.split(","))
    protocol = ProtocolArgs(
        num_starts=args.num_starts,
        num_from_start=args.num_from_start,
        num_trials=args.num_trials,
        trial_seconds=args.trial_seconds,
        joystick=args.joystick,
    )
    check_protocol(protocol)
    use_passive_threads()

    import json
    from concurrent.futures import ProcessPoolExecutor
    from functools import partial
    from multiprocessing import get_context

    from rich.console import Console

    from legged_gym.scripts import _session
    from legged_gym.scripts._sim2sim import Job, judged, table_of

    if args.out is not None:
        _session.prepare_output(args.out)
    console, job = Console(), Job(args.bundle, args.runtime, protocol, args.num_envs, args.seed)
    workers = min(args.workers or available_cores(), len(names))
    with (
        console.status(f"judging in {len(names)} simulations"),
        ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool,
    ):
        figures = dict(zip(names, pool.map(partial(judged, job=job), names), strict=True))
    console.print(table_of(figures))
    if args.out is not None:
        content = {"bundle": str(args.bundle), "protocol": asdict(protocol), "simulations": figures}
        args.out.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        console.print(f"wrote {args.out}")
    return int(min(total["success_rate"] for total in figures.values()) < args.at_least)


def main() -> None:
    """Entry of the console script."""
    run_main(sim2sim)


if __name__ == "__main__":
    main()

"""Measure a motion library of hours: first load, load from the cache, memory, drawing starts and looking up frames."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from legged_gym import envs  # noqa: F401  (registers the tasks)
from legged_gym.utils import task_registry
from legged_gym.utils.cli import run_main
from legged_gym.utils.threads import rollout_threads, use_passive_threads

REPEATS = 100


@dataclass
class BenchmarkMotionArgs:
    """Measure a motion library of hours: first load, load from the cache, memory, draws and lookups.

    The library is made of one clip, played back and forth from another frame in every file. Each load has a process of
    its own, with a cache of its own.
    """

    clip: str = "g1/walk_forward.npz"
    """Clip the library is made of."""
    copies: int = 40
    """Files of the library."""
    seconds: float = 225.0
    """Length of each file, s."""
    lookups: int = 4096
    """Envs that draw a start and look up a frame."""
    out: Path | None = None
    """JSON file to write."""
    library: Path | None = None
    """Measure this folder as it is, in this process, and print JSON; what the script calls itself with."""


def benchmark_motion(argv: list[str]) -> None:
    """Make the library, load it twice, print what it took."""
    args = tyro.cli(BenchmarkMotionArgs, args=argv, use_underscores=True)
    if args.library is not None:
        print(json.dumps(_measure(args.library, args.lookups)))
        return
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "library"
        _make_library(args, library)
        command = [sys.executable, __file__, "--library", str(library), "--lookups", str(args.lookups)]
        environment = os.environ | {"XDG_CACHE_HOME": folder}
        first, cached = (
            json.loads(subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout)
            for _ in range(2)
        )
    result = {"first": first, "cached": cached}
    _print(result)
    if args.out is not None:
        args.out.write_text(json.dumps(result, indent=2) + "\n")


def _make_library(args: BenchmarkMotionArgs, folder: Path) -> None:
    import numpy as np

    from legged_gym.motion.formats import ReadOptions, read_clip, write_clip
    from legged_gym.utils.paths import find_data

    folder.mkdir()
    clip = read_clip(find_data(args.clip)[0], ReadOptions())
    frames = round(args.seconds * clip.fps) + 1
    there_and_back = np.concatenate((np.arange(clip.num_frames), np.arange(clip.num_frames - 2, 0, -1)))
    for copy in range(args.copies):
        take = there_and_back[(37 * copy + np.arange(frames)) % len(there_and_back)]
        part = _taken(clip, take)
        write_clip(part, folder / f"{copy:03d}.npz")


def _taken(clip: Any, frames: Any) -> Any:
    from legged_gym.motion.clip import Clip

    contacts = clip.contacts and {foot: values[frames] for foot, values in clip.contacts.items()}
    return Clip(
        clip.name, clip.fps, clip.joint_names, clip.dof_pos[frames], clip.root_pos[frames],
        clip.root_quat_wxyz[frames], contacts,
    )  # fmt: skip


def _measure(library: Path, lookups: int) -> dict[str, Any]:
    """Load a library as a task does and time its hot paths, in this process."""
    use_passive_threads()
    import resource

    import torch

    from legged_gym.envs.base.clip_statistics import ClipStatistics
    from legged_gym.envs.base.motion_library import load_library
    from legged_gym.envs.base.start_sampling import StartSampler
    from legged_gym.sim.robot_model import build_robot

    env = task_registry.get("g1_deepmimic_mocap").configure().env
    env.deepmimic.amass_replay_data_path = [str(library)]
    robot = build_robot(env.asset, env.control)
    motion = env.deepmimic
    watched = {*motion.tracked_body_names, motion.anchor_body_name, *motion.end_effector_names}
    bodies = [name for name in robot.body_names if name in watched | set(robot.foot_bodies)]
    begin = time.perf_counter()
    data = load_library(env, robot, bodies, env.sim.dt * env.control.decimation, "cpu")
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # KiB on Linux

    torch.set_num_threads(rollout_threads(lookups))
    starts = StartSampler(
        data, motion, ClipStatistics(data.clip_names, 1, "cpu"), torch.Generator().manual_seed(1)
    )
    frames = torch.arange(0, data.num_frames, 997)
    starts.note_failures(frames, torch.ones_like(frames, dtype=torch.bool))
    frames = starts.sample(lookups)
    return {
        "clips": data.num_clips,
        "hours": data.num_frames * data.control_dt / 3600.0,
        "load_s": seconds,
        "peak_resident_mb": peak,
        "table_mb": data.num_bytes / 2**20,
        "sample_ms": _median_ms(lambda: starts.sample(lookups)),
        "lookup_ms": _median_ms(lambda: data.table.at(frames)),
    }


def _median_ms(work: Callable[[], Any]) -> float:
    times = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return 1e3 * statistics.median(times)


def _print(result: dict[str, dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(
        title=f"{result['first']['clips']} clips, {result['first']['hours']:.2f} h at the control rate"
    )
    for column in ("", "first load", "from the cache"):
        table.add_column(column, justify="left" if not column else "right")
    for key in ("load_s", "peak_resident_mb", "table_mb", "sample_ms", "lookup_ms"):
        table.add_row(key, *(f"{result[load][key]:.2f}" for load in ("first", "cached")))
    Console().print(table)


def main() -> None:
    """Entry of the script."""
    run_main(benchmark_motion)


if __name__ == "__main__":
    main()

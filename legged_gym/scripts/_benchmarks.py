"""What benchmark.py measures."""

from __future__ import annotations

import copy
import resource
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import trimesh
from torch import Tensor

from legged_gym.envs.base.robot_deepmimic import RobotDeepMimic
from legged_gym.motion.formats import read_clip
from legged_gym.motion.formats.npz_file import write_npz
from legged_gym.rl.runner import OnPolicyRunner
from legged_gym.scripts import _session
from legged_gym.sim.raw_engine import make_raw_engine
from legged_gym.terrain.generators import Ground, ground_geometry
from legged_gym.utils.config import TaskCfg, to_dict
from legged_gym.utils.paths import find_data
from legged_gym.utils.processes import device_of
from legged_gym.utils.task_registry import TaskSpec
from legged_gym.utils.threads import rollout_threads

ACTION_STD = 0.4
"""Random actions of the env measurement: the noise of a fresh policy."""
WARM_UP = 10
FINE_DT = 0.005
ALL_NOISE = {
    "noise_scales": {
        "dof_pos": 0.01,
        "dof_vel": 1.5,
        "lin_vel": 0.1,
        "ang_vel": 0.2,
        "gravity": 0.05,
        "rel_xy": 0.01,
        "rel_yaw": 0.01,
    },
    "offset_scales": {"action": 0.01, "dof_pos": 0.005, "gravity": 0.02},
    "playback_noise_scales": {"freeze_env_prob": 0.01, "unfreeze_env_prob": 0.1},
}
"""Scales of the measurement with everything on: the original's, where it has them."""


def measure_env_step(task: TaskSpec, cfg: TaskCfg, args: Any) -> dict[str, Any]:
    """Full env step against raw stepping, at 5 ms x 4."""
    return _env_step(task, cfg, args.env_step_envs, args)


def measure_scaling(task: TaskSpec, cfg: TaskCfg, args: Any) -> dict[str, Any]:
    """The same with twice as many robots each time, up to `largest_envs`."""
    table, num_envs = [], 2 * args.env_step_envs
    while num_envs <= args.largest_envs:
        table.append(_env_step(task, cfg, num_envs, args))
        num_envs *= 2
    return {"scaling": table}


def _env_step(task: TaskSpec, cfg: TaskCfg, num_envs: int, args: Any) -> dict[str, Any]:
    fine = _fine(cfg, num_envs)
    memory = _gpu_bytes(args.sim_device)
    start_up_s, env = _built(task, fine, cfg.train.seed, args.sim_device)
    memory = _gpu_bytes(args.sim_device) - memory
    torch.set_num_threads(rollout_threads(env.num_envs))  # as the training loop does
    raw, seconds = make_raw_engine(env.sim, fine.control.decimation, fine.sim.num_threads), 0.0
    generator = torch.Generator().manual_seed(0)
    for step in range(WARM_UP + args.steps):
        if step == WARM_UP:
            raw.seconds, seconds, _ = 0.0, 0.0, env.timings()
        actions = _actions(env, generator)
        state = env.sim.state_dict()
        start = _now(env)
        env.step(actions)
        seconds += _now(env) - start
        raw.step(state, env.joint_targets)
    split = {part: 1e3 * value / args.steps for part, value in env.timings().items()}
    total = 1e3 * seconds / args.steps
    return {
        "env_step_over_raw": raw.seconds / seconds,
        "env_steps_per_s": args.steps * env.num_envs / seconds,
        "raw_env_steps_per_s": args.steps * env.num_envs / raw.seconds,
        "num_envs": env.num_envs,
        "start_up_s": start_up_s,
        "gpu_kb_per_env": memory / 1024 / env.num_envs,
        "physics": f"{1e3 * fine.sim.dt:g} ms x {fine.control.decimation}",
        "split_ms": split | {"rest": total - sum(split.values()), "total": total},
    }


def measure_training(task: TaskSpec, cfg: TaskCfg, args: Any) -> dict[str, Any]:
    """The training loop against raw stepping, at the task's own settings."""
    env = _session.build_env(task, cfg.env, cfg.train.seed, args.sim_device)
    runner = OnPolicyRunner(env, cfg.train, None, device_of("rl_device", args.rl_device), to_dict(cfg))
    raw = make_raw_engine(env.sim, cfg.env.control.decimation, cfg.env.sim.num_threads)
    seconds, split = 0.0, {}
    steps = cfg.train.runner.num_steps_per_env
    for iteration in range(1 + args.iterations):
        if iteration == 1:
            raw.seconds, seconds, split = 0.0, 0.0, {}
        start = _now(env)
        runner.learn(1)
        seconds += _now(env) - start
        for name, value in runner.latest.items():
            if name.startswith("time_ms/"):
                key = name.removeprefix("time_ms/")
                split[key] = split.get(key, 0.0) + value / (args.iterations * steps)
        for _ in range(steps):
            raw.step(env.sim.state_dict(), env.joint_targets)
    samples = args.iterations * steps * env.num_envs
    return {
        "training_over_raw": raw.seconds / seconds,
        "training_samples_per_s": samples / seconds,
        "raw_env_steps_per_s_at_training": samples / raw.seconds,
        "training_num_envs": env.num_envs,
        "training_physics": f"{1e3 * cfg.env.sim.dt:g} ms x {cfg.env.control.decimation}",
        "training_split_ms": split | {"total": sum(split.values())},
    }


def measure_terrain(task: TaskSpec, cfg: TaskCfg, args: Any) -> dict[str, Any]:
    """The full env step on many clip terrains with a height scan against that on flat ground without, at 5 ms x 4.

    Both envs step in turn. The terrains are rough height fields, each a mesh of its own, below one walk.
    """
    flat = _fine(cfg, args.env_step_envs)
    uneven = _fine(cfg, args.env_step_envs)
    with tempfile.TemporaryDirectory() as folder:
        write_terrain_clips(Path(folder), args.terrains)
        flat.deepmimic.amass_replay_data_path = [f"{folder}/flat.npz"]
        uneven.deepmimic.amass_replay_data_path = [f"{folder}/terrain/*.npz"]
        uneven.observations.actor = [*uneven.observations.actor, "terrain_height"]
        uneven.observations.critic = [*uneven.observations.critic, "terrain_height"]
        seconds_first, _ = _built(task, uneven, cfg.train.seed, args.sim_device)
        seconds_cached, env = _built(task, uneven, cfg.train.seed, args.sim_device)
        plain = _session.build_env(task, flat, cfg.train.seed, args.sim_device)
    spent = _in_turn((plain, env), args.steps)
    return {
        "terrain_over_flat": spent[plain] / spent[env],
        "terrains": args.terrains,
        "terrain_kind": env.terrain.layout.geometry(0).kind,
        "terrain_start_up_s": {"first": seconds_first, "cached": seconds_cached},
        "terrain_mb": env.terrain.layout.num_bytes / 2**20,
        "peak_resident_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,  # KiB on Linux
    }


def measure_randomised(task: TaskSpec, cfg: TaskCfg, args: Any) -> dict[str, Any]:
    """The full env step with all domain randomisation and noise against that without any, at 5 ms x 4, in turn."""
    off, on = _fine(cfg, args.env_step_envs), _fine(cfg, args.env_step_envs)
    off.domain_rand, off.asset.use_alt_files = off.domain_rand.off(), False
    off.noise = off.noise.only_at_start(off.noise.init_noise_scales)
    _switch_all_on(on)
    plain, randomised = (_session.build_env(task, one, cfg.train.seed, args.sim_device) for one in (off, on))
    spent = _in_turn((plain, randomised), args.steps)
    return {"randomised_over_plain": spent[plain] / spent[randomised]}


def _switch_all_on(env: Any) -> None:
    """Every randomisation with its default range, targets up to 25 ms late, and all noise."""
    env.asset.use_alt_files = True
    for name, value in vars(env.domain_rand).items():
        if isinstance(value, bool):
            setattr(env.domain_rand, name, True)
    env.domain_rand.control_delay_max = 5
    for group, values in ALL_NOISE.items():
        scales = getattr(env.noise, group, None)  # not every task has all of them
        for name in vars(scales) if scales is not None else ():
            setattr(scales, name, values[name])


def _in_turn(envs: Sequence[RobotDeepMimic], steps: int) -> dict[RobotDeepMimic, float]:
    """Seconds that each env takes for a number of steps; they step one after the other, with random actions."""
    torch.set_num_threads(rollout_threads(envs[0].num_envs))
    spent = dict.fromkeys(envs, 0.0)
    generator = torch.Generator().manual_seed(0)
    for step in range(WARM_UP + steps):
        for one in envs:
            actions = _actions(one, generator)
            start = _now(one)
            one.step(actions)
            spent[one] += (_now(one) - start) * (step >= WARM_UP)
    return spent


def _actions(env: RobotDeepMimic, generator: torch.Generator) -> Tensor:
    """Random actions (N, J), the same on every device."""
    return (ACTION_STD * torch.randn(env.num_envs, env.num_actions, generator=generator)).to(env.device)


def _now(env: RobotDeepMimic) -> float:
    """Time at which all that the env's device was told is done, s."""
    if torch.device(env.device).type == "cuda":
        torch.cuda.synchronize(env.device)
    return time.perf_counter()


def _gpu_bytes(sim_device: str) -> int:
    """Memory in use on a GPU, by torch and by the engine; 0 for a CPU."""
    if not sim_device.startswith("cuda"):
        return 0
    free, total = torch.cuda.mem_get_info(sim_device)
    return total - free


def _built(task: TaskSpec, cfg: Any, seed: int, device: str) -> tuple[float, RobotDeepMimic]:
    start = time.perf_counter()
    env = _session.build_env(task, cfg, seed, device)
    return time.perf_counter() - start, env


def _fine(cfg: TaskCfg, num_envs: int) -> Any:
    """A copy of the env's configuration at 5 ms x 4."""
    env = copy.deepcopy(cfg.env)
    period = env.sim.dt * env.control.decimation
    env.sim.dt, env.control.decimation = FINE_DT, round(period / FINE_DT)
    env.env.num_envs = num_envs
    return env


def write_terrain_clips(folder: Path, count: int) -> None:
    """flat.npz, a walk, and terrain/: the same walk over many rough meshes, 1 cm high, each another one."""
    clip = read_clip(find_data("g1/walk_forward.npz")[0])
    write_npz(clip, folder / "flat.npz")
    (folder / "terrain").mkdir()
    low, high = clip.root_pos[:, :2].min(axis=0), clip.root_pos[:, :2].max(axis=0)
    for number in range(count):
        vertices, faces = ground_geometry(Ground("amass", 0.25, number), low, high, None).surface()
        mesh = trimesh.Trimesh(np.asarray(vertices), np.asarray(faces), process=False)
        mesh.export(folder / "terrain" / f"{number:03d}.ply")
        write_npz(replace(clip, terrain=f"{number:03d}.ply"), folder / "terrain" / f"{number:03d}.npz")

"""What each of two processes does in the tests of training in many processes; torchrun starts it.

Arguments: what to do, and the folder to write to.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from rsl_rl.storage import RolloutStorage
from tensordict import TensorDict
from torch import nn

from legged_gym.envs.base.clip_statistics import ClipStatistics
from legged_gym.envs.base.curriculum import JUDGING_INTERVAL, Curriculum
from legged_gym.envs.base.robot_deepmimic_config import DeepMimicCfg
from legged_gym.envs.base.start_sampling import StartSampler
from legged_gym.envs.base.termination_config import CurriculumCfg
from legged_gym.rl.gradient_mean import PREFIX, SHARED_MEMORY, GradientMean
from legged_gym.rl.networks import Normalizer, broadcast_networks, build_actor_critic
from legged_gym.rl.ppo import PPO
from legged_gym.rl.rl_config import PolicyCfg, PPOCfg, RunnerCfg, TrainCfg
from legged_gym.rl.runner import OnPolicyRunner
from legged_gym.utils import processes
from legged_gym.utils.cli import run_main
from tests.envs.test_start_sampling import library
from tests.rl.toy_env import PointEnv

TOTAL, T, ACTIONS, ITERATIONS = 32, 8, 3, 4
"""Envs of all processes, steps, actions, and iterations of :func:`learned`."""


def learned(part: slice) -> dict[str, Any]:
    """What PPO makes of a fixed experience of the envs in a part of ``TOTAL``, one mini-batch per epoch."""
    generator = torch.Generator().manual_seed(1)
    alg = _algorithm(len(range(TOTAL)[part]))
    if processes.joined():
        broadcast_networks(alg.actor, alg.critic, alg.average_actor)
    losses = []
    for _ in range(ITERATIONS):
        with torch.no_grad():
            for _ in range(T):
                obs, noise, rewards, dones = _experience(generator)
                with mock.patch.object(torch, "randn_like", lambda _, own=noise[part]: own):
                    alg.act(obs[part])
                alg.process_env_step(obs[part], rewards[part], dones[part], {"time_outs": dones[part] * 0.0})
            alg.compute_returns(_experience(generator)[0][part])
        losses.append(alg.update())
    return {"state": alg.save(), "learning_rate": alg.learning_rate, "losses": losses}


def _algorithm(num_envs: int) -> PPO:
    """PPO whose first weights differ between processes."""
    torch.manual_seed(3 + processes.rank())
    obs = _experience(torch.Generator().manual_seed(0))[0][:num_envs]
    policy = PolicyCfg(actor_hidden_dims=(16, 8), critic_hidden_dims=(16,))
    storage = RolloutStorage("rl", num_envs, T, obs, [ACTIONS])
    group = {"global_rank": processes.rank(), "world_size": processes.world_size()}
    options = vars(PPOCfg(num_mini_batches=1, use_mixed_precision=False, desired_kl=1e-3, entropy_coef=0.01))
    return PPO(
        *build_actor_critic(obs, ACTIONS, policy),
        storage,
        multi_gpu_cfg=group if processes.joined() else None,
        **options,
    )


def _experience(generator: torch.Generator) -> tuple[TensorDict, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Observations, noise of the actions, rewards and ends of one step of all envs, which differ in scale and mean."""
    place = torch.linspace(-1.0, 2.0, TOTAL).unsqueeze(1)
    actor = place + 3.0 * torch.randn(TOTAL, 5, generator=generator)
    critic = torch.randn(TOTAL, 7, generator=generator) - place
    noise = torch.randn(TOTAL, ACTIONS, generator=generator)
    rewards = torch.randn(TOTAL, generator=generator) + place[:, 0]
    dones = torch.rand(TOTAL, generator=generator) < 0.2
    return TensorDict({"actor": actor, "critic": critic}, batch_size=[TOTAL]), noise, rewards, dones


def runner(folder: Path, seed: int = 0) -> OnPolicyRunner:
    """A small recipe in the toy env."""
    cfg = TrainCfg(
        runner=RunnerCfg(num_steps_per_env=8, save_interval=3, logger="none", num_threads=1),
        policy=PolicyCfg(actor_hidden_dims=(16, 16), critic_hidden_dims=(16, 16)),
        algorithm=PPOCfg(use_mixed_precision=False),
    )
    return OnPolicyRunner(PointEnv(num_envs=8, seed=seed + processes.rank()), cfg, folder)


def facts(folder: Path) -> None:
    """Everything that is about numbers."""
    rank = processes.rank()
    half = slice(0, TOTAL // 2) if rank == 0 else slice(TOTAL // 2, TOTAL)
    whole = runner(folder / "whole")
    whole.learn(6)
    rollout = whole.alg.storage.observations["critic"].clone()
    resumed = runner(folder / "rest", seed=99)
    resumed.load(folder / "whole" / "model_3.pt")
    resumed.learn(3)
    normalizer = Normalizer(2)
    normalizer.update(torch.tensor([[0.0, 1.0], [4.0, 1.0]]) + 100.0 * rank)
    everything = {
        "learned": learned(half),
        "whole": whole.alg.save(),
        "row": whole.latest,
        "rollout": rollout,
        "resumed": resumed.alg.save(),
        "envs": (whole.env.state_dict(), resumed.env.state_dict()),
        "normalizer": normalizer.state_dict(),
        "statistics": _clip_statistics(rank),
        "failures": _failures(rank),
        "curriculum": _curriculum(rank),
        "difference": _difference(rank),
        "gradients": _gradients(rank),
    }
    torch.save(everything, folder / f"{rank}.pt")


def _clip_statistics(rank: int) -> dict[str, Any]:
    """Each process plays every other of three clips."""
    statistics = ClipStatistics("abc", 1, "cpu", slice(rank, None, 2))
    own = torch.tensor([0, 1, 1] if rank == 0 else [0])
    statistics.add(own, torch.tensor([True, False, True] if rank == 0 else [True]))
    return {"own": statistics.success_rate.tolist(), "table": statistics.table()}


def _failures(rank: int) -> list[float]:
    """Failures in bins 0 and 1 of process 0 and bin 1 of process 1, shared twice."""
    statistics = ClipStatistics(["a"], 1, "cpu")
    cfg = DeepMimicCfg(failure_bin_s=0.2)
    sampler = StartSampler(library([22], [1.0]), cfg, statistics, torch.Generator())
    frames = torch.tensor([3, 14] if rank == 0 else [15])
    sampler.note_failures(frames, torch.ones_like(frames, dtype=torch.bool))
    sampler.share_failures()
    sampler.note_failures(frames[:0], torch.zeros(0, dtype=torch.bool))
    sampler.share_failures()
    return sampler.failures.tolist()


def _curriculum(rank: int) -> int:
    """Moves after enough episodes of both together, which succeed in process 1 alone."""
    cfg = CurriculumCfg(penalties=["p"], episodes_per_move=2 * JUDGING_INTERVAL, success_bound=0.4)
    curriculum = Curriculum(cfg, {}, {"p": 1.0})
    for _ in range(JUDGING_INTERVAL):
        curriculum.learn(torch.tensor([0]), torch.tensor([rank == 0]))
    return curriculum.moves


def _gradients(rank: int) -> dict[str, list]:
    """Means of gradients 10 k + 1 and 10 k + 2 in round k; a process is late in every other round.

    "shared": through memory; "sent": as between machines of one process each.
    """
    found = {}
    for name, beside in (("shared", "2"), ("sent", "1")):
        model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
        with mock.patch.dict(os.environ, LOCAL_WORLD_SIZE=beside):
            mean = GradientMean("cpu", 1.0)
            rounds = []
            for k in range(6):
                of_loss = list(model.parameters())[k // 3 :]  # a loss may leave one out
                for parameter in of_loss:
                    parameter.grad = torch.full_like(parameter, 10.0 * k + 1.0 + rank)
                time.sleep(0.02 * (k % 2 == rank))
                mean.average(model)
                rounds.append(torch.cat([parameter.grad.flatten() for parameter in of_loss]))
                model.zero_grad()
        found[name] = rounds
    left = list(SHARED_MEMORY.glob(f"{PREFIX}*"))
    return found | {"left": [str(path) for path in left]}


def _difference(rank: int) -> str:
    try:
        processes.require_same("configuration", {"a": 1, "b": rank})
    except Exception as error:
        return str(error)
    return ""


def dies(folder: Path) -> None:
    """Process 1 fails in the middle of a rollout."""
    _fail_later(lambda: 1 / 0, folder)


def is_killed(folder: Path) -> None:
    """Process 1 is killed in the middle of a rollout."""
    _fail_later(lambda: os.kill(os.getpid(), signal.SIGKILL), folder)


def hangs(folder: Path) -> None:
    """Process 1 fails while process 0 is somewhere that no signal and no exception reaches."""
    if processes.rank() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            signal.pause()
    _note_time(folder)
    raise ValueError("no more")


def _note_time(folder: Path) -> None:
    (folder / "failed").write_text(str(time.time()))


def _fail_later(fail: Any, folder: Path) -> None:
    training = runner(folder / "run")
    if processes.rank() == 1:
        step, calls = training.env.step, []

        def step_or_fail(actions: torch.Tensor) -> Any:
            calls.append(1)
            if len(calls) == 30:
                _note_time(folder)
                fail()
            return step(actions)

        training.env.step = step_or_fail
    training.learn(100_000)


def trains(folder: Path) -> int:
    """Until somebody interrupts."""
    training = runner(folder / "run")
    training.learn(100_000)
    return 130 if training.interrupted else 0


def main(arguments: list[str]) -> int | None:
    """Do what the arguments say, in a group."""
    known = {work.__name__: work for work in (facts, dies, is_killed, hangs, trains)}
    with processes.together(True, "cpu"), mock.patch("legged_gym.rl.runner.plot_learning_curve"):
        return known[arguments[0]](Path(arguments[1]))


if __name__ == "__main__":
    torch.set_num_threads(1)
    run_main(main)

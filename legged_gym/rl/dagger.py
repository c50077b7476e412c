"""DAgger: a student acts, teachers say what they would have done in its place, and the student learns to do that.

The loss of the actor is

    bc(t) * (mean over samples of |mean action - label|^2 + bc_std_coef * |std - teacher's std|^2)
    + rl(t) * (PPO's surrogate - entropy_coef * entropy) + bounds_loss_coef * bounds

and the critic learns as in PPO, so that reinforcement learning can go on from a student. Labels are the teachers' mean
actions, said in the student's own actions. With bc = 0 and rl = 1 this is PPO, number for number.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from rsl_rl.env import VecEnv
from rsl_rl.models import MLPModel
from rsl_rl.storage import RolloutStorage
from tensordict import TensorDict

from legged_gym.rl.gaussian import entropy
from legged_gym.rl.labels import Labeller, make_labeller
from legged_gym.rl.ppo import PPO, ActorBatch
from legged_gym.rl.rl_config import DaggerCfg
from legged_gym.utils.errors import ConfigError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shares:
    """What counts how much in an iteration."""

    bc: float
    """Weight of cloning."""
    rl: float
    """Weight of PPO."""
    beta: float
    """Share of new episodes in which the teacher acts."""


def iterations_alone(cfg: DaggerCfg) -> int:
    """Iterations at the start that only clone; none where nothing is cloned."""
    return cfg.cloning_iterations if cfg.bc_loss_coef else 0


def shares_at(cfg: DaggerCfg, iteration: int) -> Shares:
    """What counts how much after a number of iterations, see the fields of the configuration."""
    if 0 <= cfg.switch_to_rl_after <= iteration:
        return Shares(0.0, 1.0, 0.0)

    alone = iterations_alone(cfg)
    passed = max(0, iteration - alone)

    def between(start: float, end: float | None) -> float:
        if end is None:
            return start
        return start + (end - start) * min(1.0, passed / cfg.anneal_iterations)

    bc = between(cfg.bc_loss_coef, cfg.bc_loss_coef_end) if cfg.bc_loss_coef else 0.0
    rl = max(0.0, 1.0 - bc) if cfg.rl_loss_coef is None else between(cfg.rl_loss_coef, cfg.rl_loss_coef_end)
    if iteration < alone:
        rl = 0.0
    beta = 1.0 if cfg.take_teacher_actions else cfg.beta
    if cfg.beta_iterations:
        beta *= max(0.0, 1.0 - iteration / cfg.beta_iterations)
    return Shares(bc, rl, beta)


def needs_teacher(cfg: DaggerCfg) -> bool:
    """Whether there is an iteration in which a teacher is asked."""
    if cfg.switch_to_rl_after == 0:
        return False
    return any((cfg.bc_loss_coef, cfg.beta, cfg.take_teacher_actions))


class DAgger(PPO):
    """PPO whose actor also, or only, clones teachers."""

    of_one_process: ClassVar = ("teacher_drives", "episode_begins")

    def __init__(
        self,
        actor: MLPModel,
        critic: MLPModel,
        storage: RolloutStorage,
        distillation: DaggerCfg,
        labeller: Labeller | None,
        num_driven: int = 0,
        **kwargs: Any,
    ) -> None:
        """Set up the buffers.

        Args:
            actor: The student.
            critic: Value function.
            storage: Buffers of a rollout of T steps of N envs.
            distillation: Weights and schedules.
            labeller: Asks the teachers; None where nobody has to be asked.
            num_driven: A joystick drives the first so many envs, about which teachers that follow clips say nothing.
            **kwargs: Everything else, as in PPO.
        """
        super().__init__(actor, critic, storage, **kwargs)
        self.dagger_cfg, self._labeller = distillation, labeller
        shape = (storage.num_transitions_per_env, storage.num_envs)
        self._labels = torch.zeros(*shape, *storage.actions_shape, device=self.device)  # (T, N, A)
        self._labelled = torch.arange(storage.num_envs, device=self.device) >= num_driven  # (N,)
        self._taught = torch.zeros(*shape, dtype=torch.bool, device=self.device)  # (T, N) the teacher acted
        self._teacher_drives = torch.zeros(storage.num_envs, dtype=torch.bool, device=self.device)
        self._begins = torch.ones(storage.num_envs, dtype=torch.bool, device=self.device)
        self._memory = _Memory(distillation.buffer_iterations)
        self._shares = shares_at(distillation, 0)

    @classmethod
    def construct_algorithm(cls, obs: TensorDict, env: VecEnv, cfg: dict[str, Any], device: str) -> DAgger:
        """Make networks, storage and algorithm for an env, and load the teachers.

        Args:
            obs: One set of observations of the env.
            env: The env to learn in; see :mod:`labels` for what it must offer.
            cfg: As for PPO; "algorithm" has the fields of DaggerCfg.
            device: Where networks and buffers live.

        Raises:
            LeggedGymError: A teacher cannot be read, or cannot be asked in this env.
        """
        given = DaggerCfg(**{k: v for k, v in cfg["algorithm"].items() if k != "class_name"})
        labeller = make_labeller(env, given, device) if needs_teacher(given) else None
        if given.bc_std_coef and labeller is not None and labeller.std is None:
            raise ConfigError(
                "train.algorithm.bc_std_coef needs teachers whose standard deviation is known: checkpoints, not bundles"
            )
        own = {"distillation": given, "labeller": labeller, "num_driven": getattr(env, "num_driven", 0)}
        return super().construct_algorithm(obs, env, cfg, device, **own)

    # Rollout

    def act(self, obs: TensorDict) -> torch.Tensor:
        """Sample the student's actions, ask the teachers, and decide who acts.

        Args:
            obs: Observations of all envs, with those of the teachers.

        Returns:
            Actions. (N, A)
        """
        t = self.storage.step
        actions = super().act(obs)
        if t == 0:
            self._shares = shares_at(self.dagger_cfg, self.num_updates)
        shares = self._shares
        if not shares.bc and not shares.beta:
            return actions
        self._labels[t] = labels = self._labeller.labels(obs)
        if shares.beta:
            draw = (torch.rand(len(labels), device=self.device) < shares.beta) & self._labelled
            self._teacher_drives = torch.where(self._begins, draw, self._teacher_drives)
            self._taught[t] = self._teacher_drives
            # The storage keeps what the student drew, whose density is known; it does not count where taught.
            actions = torch.where(self._taught[t].unsqueeze(-1), labels, actions)
        return actions

    def process_env_step(
        self, obs: TensorDict, rewards: torch.Tensor, dones: torch.Tensor, extras: dict[str, torch.Tensor]
    ) -> None:
        """Record the outcome of a step; see :meth:`PPO.process_env_step`."""
        super().process_env_step(obs, rewards, dones, extras)
        self._begins = dones.bool()

    # Update

    def update(self) -> dict[str, float]:
        """Improve both networks, see :meth:`PPO.update`.

        Returns:
            Besides PPO's, "bc" and "bc_std" (unweighted) where they count, the weights "bc_weight" and "rl_weight",
            "teacher_share", the share of samples in which the teacher acted, and "far_labels", the share of joints
            for which it asked for more than clip_actions_threshold.
        """
        shares, alone = self._shares, iterations_alone(self.dagger_cfg)
        self.schedule = "fixed" if self.num_updates < alone else self.dagger_cfg.schedule
        log = {"bc_weight": shares.bc, "rl_weight": shares.rl}
        log["teacher_share"] = self._taught.float().mean().item()
        if shares.bc:
            self._check_labels()
            limit = self.clip_actions_threshold
            log["far_labels"] = (self._labels[:, self._labelled].abs() > limit).float().mean().item()
            if self.dagger_cfg.clip_teacher_actions:
                self._labels.clamp_(-limit, limit)
        losses = super().update()
        if alone and self.num_updates == alone:
            self.set_learning_rate(self.dagger_cfg.rl_learning_rate)
        self._taught.zero_()
        return losses | log

    def _check_labels(self) -> None:
        """Stop before labels that are not finite reach the networks."""
        self._labels[:, ~self._labelled] = 0.0
        if not torch.isfinite(self._labels.sum()):
            step, env, joint = (~torch.isfinite(self._labels)).nonzero()[0].tolist()
            raise FloatingPointError(
                f"the teacher's answer is not finite: joint {joint}, env {env}, step {step} of iteration "
                f"{self.num_updates + 1}"
            )

    def _actor_batches(self, obs: torch.Tensor, batches: list[torch.Tensor]) -> list[ActorBatch]:
        """As PPO's, with the labels of new samples and, behind the new inputs, old samples to clone again."""
        gathered = super()._actor_batches(obs, batches)
        if self._shares.beta:
            taught = self._taught.flatten()
            gathered = [
                (x, (action, density, cost.masked_fill(taught[i], 0.0)))
                for (x, (action, density, cost)), i in zip(gathered, batches, strict=True)
            ]
        if not self._shares.bc:
            return gathered
        labels = self._labels.flatten(0, 1)  # (T * N, A)
        counts = self._labelled.float().repeat(len(self._labels))  # (T * N,)
        result = [
            (x, (*sample, labels[i], counts[i])) for (x, sample), i in zip(gathered, batches, strict=True)
        ]
        if self.dagger_cfg.buffer_iterations:
            result = self._with_old_samples(result)
            self._memory.add(self._flat_obs(self.actor), labels, counts)
        return result

    def _with_old_samples(self, batches: list[ActorBatch]) -> list[ActorBatch]:
        """Put as many remembered samples behind every mini-batch as it has, once there are any."""
        if not self._memory.size:
            return batches
        result = []
        for x, (*sample, labels, counts) in batches:
            old, old_labels, old_counts = self._memory.draw(len(x))
            old = self._to_compute_dtype(self.actor.obs_normalizer(old))
            both = (*sample, torch.cat((labels, old_labels)), torch.cat((counts, old_counts)))
            result.append((torch.cat((x, old)), both))
        return result

    def _actor_loss(
        self, mean: torch.Tensor, std: torch.Tensor, sample: tuple[torch.Tensor, ...]
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """As PPO's; ``mean`` has a row for each label, of which the first B are those of new samples."""
        bc, rl = self._shares.bc, self._shares.rl
        if bc == 0.0 and rl == 1.0:
            return super()._actor_loss(mean, std, sample)
        new = mean[: len(sample[0])]
        bounds = self._bounds_loss(new)
        loss = self.bounds_loss_coef * bounds
        surrogate = bounds.new_zeros(())
        if rl:
            surrogate = self._surrogate(new, std, sample[:3])
            loss = loss + rl * (surrogate - self.entropy_coef * entropy(std))
        parts = {"surrogate": surrogate, "bounds": bounds}
        if bc:
            labels, counts = sample[3:]
            parts["bc"] = ((mean - labels).square().sum(-1) * counts).sum() / counts.sum().clamp_min(1.0)
            loss = loss + bc * parts["bc"]
            if self.dagger_cfg.bc_std_coef:
                parts["bc_std"] = (std - self._labeller.std).square().sum()
                loss = loss + bc * self.dagger_cfg.bc_std_coef * parts["bc_std"]
        return loss, parts

    # Checkpoints

    def save(self) -> dict[str, Any]:
        """As PPO's, and who acts in the present episodes."""
        return super().save() | {
            "teachers": self._labeller.names if self._labeller is not None else [],
            "teacher_drives": self._teacher_drives,
            "episode_begins": self._begins,
        }

    def load(self, state: dict[str, Any], optimizer: bool = True) -> None:
        """Put back what :meth:`save` returned, or PPO's.

        Samples remembered for ``buffer_iterations`` are not part of it: they begin anew.
        """
        super().load(state, optimizer)
        drives = state.get("teacher_drives")
        if not optimizer or drives is None:
            return
        if drives.shape == self._teacher_drives.shape:
            self._teacher_drives, self._begins = drives.clone(), state["episode_begins"].clone()
        if self._labeller is not None and state["teachers"] and state["teachers"] != self._labeller.names:
            theirs, ours = (", ".join(names) for names in (state["teachers"], self._labeller.names))
            logger.warning("the run had another teacher until now: %s, not %s", theirs, ours)


class _Memory:
    """Observations, labels and whether those count, of the newest rollouts."""

    def __init__(self, iterations: int) -> None:
        """Remember nothing yet, and at most this many rollouts."""
        self._iterations, self._added = iterations, 0
        self._parts: tuple[torch.Tensor, ...] = ()  # (K * S, D), (K * S, A), (K * S,)
        self.size = 0
        """Samples there are."""

    def add(self, obs: torch.Tensor, labels: torch.Tensor, counts: torch.Tensor) -> None:
        """Take in a rollout, (S, D), (S, A) and (S,), in the place of the oldest one."""
        new = (obs, labels, counts)
        if not self._parts:
            rows = self._iterations * len(obs)
            self._parts = tuple(part.new_zeros(rows, *part.shape[1:]) for part in new)
        start = self._added % self._iterations * len(obs)
        for kept, part in zip(self._parts, new, strict=True):
            kept[start : start + len(obs)] = part
        self._added += 1
        self.size = min(self._added, self._iterations) * len(obs)

    def draw(self, count: int) -> tuple[torch.Tensor, ...]:
        """Some of it, drawn with replacement: (count, D), (count, A) and (count,)."""
        rows = torch.randint(self.size, (count,), device=self._parts[0].device)
        return tuple(part[rows] for part in self._parts)

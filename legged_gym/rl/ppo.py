"""PPO for feed-forward policies: rsl_rl's algorithm, computed in less time.

On two CPU cores the update of small networks is the largest part of training. This version gives the same
numbers as rsl_rl's with the schedule fixed, and differs from it in how it gets there:

* actor and critic share neither weights nor loss terms, so they are two optimisation problems; on a CPU with
  at least two threads each is solved in a thread of its own, which scales better than sharing out each small
  matrix product;
* observations are normalised once per update and gathered once per mini-batch (rsl_rl uses one permutation
  for all epochs, so the gathered mini-batches serve every epoch);
* values are computed for the whole rollout at once, after it; log-probabilities and the KL divergence are
  written out instead of going through distribution objects; nothing is read back from the device inside the
  loops.

The adaptive schedule changes the learning rate once per iteration, from the KL divergence after the update.
rsl_rl changes it after each mini-batch, from a KL that is zero on the first one: with small batches it
saw-tooths.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import rsl_rl.algorithms
import torch
from rsl_rl.env import VecEnv
from rsl_rl.models import MLPModel
from rsl_rl.storage import RolloutStorage
from tensordict import TensorDict
from torch import nn

from legged_gym.rl.adaptive_rate import adapted, share_of_kl
from legged_gym.rl.checkpoint import layout_of
from legged_gym.rl.gaussian import entropy, kl_divergence, log_prob
from legged_gym.rl.gradient_mean import GradientMean
from legged_gym.rl.networks import average_into, build_actor_critic, standardised
from legged_gym.rl.precision import has_bfloat16
from legged_gym.rl.rl_config import PolicyCfg, PPOCfg
from legged_gym.utils.processes import mean_over_processes

ActorBatch = tuple[torch.Tensor, tuple[torch.Tensor, ...]]
"""Inputs of the actor (B, Da), and what its loss takes besides the Gaussian it answers with."""


class PPO(rsl_rl.algorithms.PPO):
    """PPO with a lean update, a bounds loss and a learning rate adapted once per iteration."""

    optimizer: torch.optim.Adam
    """Optimiser of the actor."""

    critic_optimizer: torch.optim.Adam
    """Optimiser of the critic."""

    of_one_process: ClassVar[tuple[str, ...]] = ()
    """Keys of :meth:`save` that are about the envs of one process."""

    def __init__(
        self,
        actor: MLPModel,
        critic: MLPModel,
        storage: RolloutStorage,
        bounds_loss_coef: float = 0.0,
        clip_actions_threshold: float = math.inf,
        desired_kl_half_life: int = 0,
        average_iterations: int = 1,
        **kwargs: Any,
    ) -> None:
        """Set up optimisers and rollout buffers.

        Args:
            actor: Gaussian policy with a state-independent standard deviation.
            critic: Value function.
            storage: Buffers of a rollout of T steps of N envs.
            bounds_loss_coef: Weight of the loss on mean actions beyond the threshold.
            clip_actions_threshold: Size of a mean action from which on it pays the bounds loss.
            desired_kl_half_life: Updates after which the KL divergence aimed at has halved; 0 keeps it.
            average_iterations: Updates over which the policy for use averages the actor.
            **kwargs: Everything else, as in rsl_rl's PPO.
        """
        super().__init__(actor, critic, storage, **kwargs)
        self.desired_kl_half_life = desired_kl_half_life
        self.average_iterations = average_iterations
        self.average_actor = copy.deepcopy(self.actor)
        self.num_updates = 0
        if self.use_mixed_precision is None:
            self.use_mixed_precision = has_bfloat16(str(self.device))
        self.bounds_loss_coef = bounds_loss_coef
        self.clip_actions_threshold = clip_actions_threshold
        self.optimizer = torch.optim.Adam(self.actor.parameters(), lr=self.learning_rate, fused=True)
        self.critic_optimizer = torch.optim.Adam(self.critic.parameters(), lr=self.learning_rate, fused=True)
        shape = (storage.num_transitions_per_env, storage.num_envs)
        self._means = torch.zeros(*shape, *storage.actions_shape, device=self.device)  # (T, N, A)
        self._time_outs = torch.zeros(*shape, device=self.device)  # (T, N)
        self._critic_obs: torch.Tensor | None = None  # (T * N, Dc), normalised
        self._std: torch.Tensor | None = None  # (A,), of the policy that collects
        self._worker: ThreadPoolExecutor | None = None
        self._gradients = GradientMean(self.device, self.grad_reduce_bucket_mb)

    @classmethod
    def construct_algorithm(
        cls, obs: TensorDict, env: VecEnv, cfg: dict[str, Any], device: str, **extra: Any
    ) -> PPO:
        """Make networks, storage and algorithm for an env.

        Args:
            obs: One set of observations of the env.
            env: The env to learn in.
            cfg: "policy" and "algorithm" (fields of PolicyCfg and PPOCfg as dictionaries),
                "num_steps_per_env" and "multi_gpu".
            device: Where networks and buffers live.
            **extra: What a subclass is made with besides.
        """
        policy = PolicyCfg(**cfg["policy"])
        actor, critic = build_actor_critic(obs, env.num_actions, policy, layout_of(env))
        storage = RolloutStorage("rl", env.num_envs, cfg["num_steps_per_env"], obs, [env.num_actions], device)
        options = {field.name: cfg["algorithm"][field.name] for field in dataclasses.fields(PPOCfg)}
        options["average_iterations"] = cfg["policy"]["average_iterations"]
        return cls(actor, critic, storage, device=device, multi_gpu_cfg=cfg["multi_gpu"], **options, **extra)

    # Rollout

    def act(self, obs: TensorDict) -> torch.Tensor:
        """Sample actions and record what they were based on.

        The observations are copied at once, so the env may reuse its buffers.

        Args:
            obs: Observations of all envs.

        Returns:
            Actions. (N, A)
        """
        st, t = self.storage, self.storage.step
        for key, stored in st.observations.items():  # the env may offer more than the networks see
            stored[t] = obs[key]
        with torch.no_grad():
            if t == 0:
                self._std = self.action_std
            self._means[t] = mean = self.actor.mlp(self.actor.get_latent(obs))  # (N, A)
            st.actions[t] = actions = torch.addcmul(mean, torch.randn_like(mean), self._std)
        return actions

    def process_env_step(
        self, obs: TensorDict, rewards: torch.Tensor, dones: torch.Tensor, extras: dict[str, torch.Tensor]
    ) -> None:
        """Record the outcome of a step.

        Args:
            obs: Observations after the step; recorded by the next :meth:`act`.
            rewards: (N,)
            dones: Whether the episode ended with this step. (N,)
            extras: "time_outs": whether it ended because its time was up. (N,), absent when none did
        """
        st, t = self.storage, self.storage.step
        st.rewards[t, :, 0] = rewards
        st.dones[t, :, 0] = dones
        self._time_outs[t] = extras.get("time_outs", 0.0)
        st.step = t + 1

    @torch.no_grad()
    def compute_returns(self, obs: TensorDict) -> None:
        """Compute values, returns and normalised advantages of the rollout.

        An episode that ended by time goes on as far as learning is concerned: its last reward gets gamma *
        V(s_t), with the value of the state before the step, as in rsl_rl (the state after it has been reset
        away).

        Args:
            obs: Observations after the last step.
        """
        st = self.storage
        self._critic_obs = self.critic.obs_normalizer(self._flat_obs(self.critic))
        st.values.view(-1, 1).copy_(self.critic.mlp(self._critic_obs))
        values = st.values.squeeze(-1)  # (T, N)
        next_values = self.critic(obs).squeeze(-1)  # (N,)
        rewards = st.rewards.squeeze(-1).add_(self.gamma * values * self._time_outs)  # (T, N)
        alive = 1.0 - st.dones.squeeze(-1).float()  # (T, N)
        advantage = torch.zeros_like(next_values)
        for t in reversed(range(st.num_transitions_per_env)):
            delta = rewards[t] + self.gamma * alive[t] * next_values - values[t]
            advantage = delta + self.gamma * self.lam * alive[t] * advantage
            st.returns[t, :, 0] = advantage + values[t]
            next_values = values[t]
        st.advantages = standardised(st.returns - st.values)

    # Update

    def update(self) -> dict[str, float]:
        """Improve both networks on the stored rollout, adapt the learning rate and empty the storage.

        Returns:
            Means over all mini-batches of the losses "value", "surrogate" and "bounds"; the "entropy" of the
            new policy and its "kl" divergence (nats) from the one that collected the rollout.
        """
        st = self.storage
        batch_size = st.num_envs * st.num_transitions_per_env // self.num_mini_batches
        order = torch.randperm(self.num_mini_batches * batch_size, device=self.device)
        batches = list(order.view(self.num_mini_batches, batch_size))
        num_threads = torch.get_num_threads()
        if torch.device(self.device).type == "cpu" and num_threads > 1 and not self.is_multi_gpu:
            torch.set_num_threads(num_threads // 2)
            if self._worker is None:
                self._worker = ThreadPoolExecutor(1, "critic", torch.set_num_threads, (num_threads // 2,))
            critic_job = self._worker.submit(self._update_critic, batches)
            actor_losses = self._update_actor(batches)
            critic_losses = critic_job.result()
            torch.set_num_threads(num_threads)
        else:
            actor_losses = self._update_actor(batches)
            critic_losses = self._update_critic(batches)
        st.clear()
        losses = {key: float(value) for key, value in {**critic_losses, **actor_losses}.items()}
        self.num_updates += 1
        # A plain mean until there are enough updates to average over, then an exponential one.
        average_into(self.average_actor, self.actor, max(1 / self.num_updates, 1 / self.average_iterations))
        self._adapt_learning_rate(losses["kl"])
        return losses

    def _update_critic(self, batches: list[torch.Tensor]) -> dict[str, torch.Tensor]:
        """Fit the critic to the returns; batches hold indices of samples. Returns the mean loss."""
        st, coef, clip = self.storage, self.value_loss_coef, self.clip_param
        obs = self._to_compute_dtype(self._critic_obs)  # (T * N, Dc)
        values, returns = st.values.view(-1), st.returns.view(-1)  # (T * N,)
        data = [(obs[i], values[i], returns[i]) for i in batches]
        losses = []
        for x, old_value, target in data * self.num_learning_epochs:
            with self._autocast():
                value = self.critic.mlp(x)
            value = value.squeeze(-1).float()  # (B,)
            error = (value - target).square()
            if self.use_clipped_value_loss:
                clipped = old_value + (value - old_value).clamp(-clip, clip)
                error = torch.max(error, (clipped - target).square())
            loss = error.mean()
            self._descend(coef * loss, self.critic, self.critic_optimizer)
            losses.append(loss.detach())
        self._update_normalizer(self.critic)
        return {"value": torch.stack(losses).mean()}

    def _update_actor(self, batches: list[torch.Tensor]) -> dict[str, torch.Tensor]:
        """Improve the policy; batches hold indices of samples. Returns mean losses, entropy and KL divergence."""
        obs = self._to_compute_dtype(self.actor.obs_normalizer(self._flat_obs(self.actor)))
        means = self._means.flatten(0, 1)  # (T * N, A)
        losses = []
        for x, sample in self._actor_batches(obs, batches) * self.num_learning_epochs:
            with self._autocast():
                mean = self.actor.mlp(x)
            loss, parts = self._actor_loss(mean.float(), self.action_std, sample)
            self._descend(loss, self.actor, self.optimizer)
            losses.append(torch.stack(list(parts.values())).detach())
        with torch.no_grad():
            with self._autocast():
                mean = self.actor.mlp(obs)
            std = self.action_std
            kl = mean_over_processes(kl_divergence(means, self._std, mean.float(), std).mean())
        self._update_normalizer(self.actor)
        means_of_parts = dict(zip(parts, torch.stack(losses).mean(0), strict=True))
        return means_of_parts | {"entropy": entropy(std), "kl": kl}

    def _actor_batches(self, obs: torch.Tensor, batches: list[torch.Tensor]) -> list[ActorBatch]:
        """Gather mini-batches of the actor's inputs (T * N, Da) and of what :meth:`_actor_loss` takes."""
        actions, means = self.storage.actions.flatten(0, 1), self._means.flatten(0, 1)  # (T * N, A)
        density = log_prob(actions, means, self._std)
        advantages = self.storage.advantages.view(-1)
        return [(obs[i], (actions[i], density[i], -advantages[i])) for i in batches]

    def _actor_loss(
        self, mean: torch.Tensor, std: torch.Tensor, sample: Sequence[torch.Tensor]
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Compute the loss of a mini-batch of B samples.

        Args:
            mean: Mean actions of the present policy. (B, A)
            std: Their standard deviation. (A,)
            sample: What :meth:`_actor_batches` gathered.

        Returns:
            The loss, and its parts by the name they are logged with.
        """
        surrogate = self._surrogate(mean, std, sample)
        bounds = self._bounds_loss(mean)
        loss = surrogate + self.bounds_loss_coef * bounds
        if self.entropy_coef:
            loss = loss - self.entropy_coef * entropy(std)
        return loss, {"surrogate": surrogate, "bounds": bounds}

    def _surrogate(
        self, mean: torch.Tensor, std: torch.Tensor, sample: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        """PPO's clipped loss of a sample: actions (B, A), their log-densities (B,), minus their advantages (B,). ()"""
        action, old_log_prob, cost = sample
        ratio = (log_prob(action, mean, std) - old_log_prob).exp()  # (B,)
        clipped = ratio.clamp(1 - self.clip_param, 1 + self.clip_param)
        return torch.max(cost * ratio, cost * clipped).mean()

    def _bounds_loss(self, mean: torch.Tensor) -> torch.Tensor:
        """Mean over samples of how far mean actions (B, A) reach beyond the threshold, summed over actions. ()"""
        if not self.bounds_loss_coef:
            return mean.new_zeros(())
        limit = self.clip_actions_threshold
        return (mean - mean.clamp(-limit, limit)).abs().sum(-1).mean()

    def _descend(self, loss: torch.Tensor, model: MLPModel, optimizer: torch.optim.Adam) -> None:
        """Take one gradient step on one network."""
        optimizer.zero_grad()
        loss.backward()
        if self.is_multi_gpu:
            self._gradients.average(model)
        nn.utils.clip_grad_norm_(model.parameters(), self.max_grad_norm)
        optimizer.step()

    def _adapt_learning_rate(self, kl: float) -> None:
        """Move the learning rate by one notch where the KL divergence of the update is far from the desired one."""
        if self.schedule == "adaptive":
            aim = self.desired_kl * share_of_kl(self.num_updates, self.desired_kl_half_life)
            self.set_learning_rate(adapted(self.learning_rate, kl, aim))

    def set_learning_rate(self, learning_rate: float) -> None:
        """Set the learning rate of both optimisers."""
        self.learning_rate = learning_rate
        for optimizer in (self.optimizer, self.critic_optimizer):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate

    # Checkpoints

    def save(self) -> dict[str, Any]:
        """Return weights, normalisers and optimiser states; the policy for use is "policy_state_dict"."""
        return {
            "actor_state_dict": self.actor.state_dict(),
            "critic_state_dict": self.critic.state_dict(),
            "actor_optimizer_state_dict": self.optimizer.state_dict(),
            "critic_optimizer_state_dict": self.critic_optimizer.state_dict(),
            "learning_rate": self.learning_rate,
            "num_updates": self.num_updates,
            "policy_state_dict": self.average_actor.state_dict(),
        }

    def load(self, state: dict[str, Any], optimizer: bool = True) -> None:
        """Put back what :meth:`save` returned.

        Args:
            state: The saved dictionary.
            optimizer: Whether to restore the optimisers and the learning rate too.
        """
        self.actor.load_state_dict(state["actor_state_dict"])
        self.average_actor.load_state_dict(state["policy_state_dict"])
        self.critic.load_state_dict(state["critic_state_dict"])
        if optimizer:
            self.optimizer.load_state_dict(state["actor_optimizer_state_dict"])
            self.critic_optimizer.load_state_dict(state["critic_optimizer_state_dict"])
            self.set_learning_rate(state["learning_rate"])
            self.num_updates = state["num_updates"]

    def get_policy(self) -> MLPModel:
        """Return the policy for use: the actor averaged over the last iterations."""
        return self.average_actor

    def reset_std(self, std: float) -> None:
        """Set the standard deviation of all actions."""
        with torch.no_grad():
            self.actor.distribution.std_param.fill_(std)

    # Helpers

    @property
    def action_std(self) -> torch.Tensor:
        """Return the standard deviation of the actions. (A,)"""
        gaussian = self.actor.distribution
        return gaussian.std_param.clamp(*gaussian.std_range)

    def _flat_obs(self, model: MLPModel) -> torch.Tensor:
        """Return the stored raw observations of a network. (T * N, D)"""
        groups = [self.storage.observations[group].flatten(0, 1) for group in model.obs_groups]
        return groups[0] if len(groups) == 1 else torch.cat(groups, dim=-1)

    def _update_normalizer(self, model: MLPModel) -> None:
        """Fold the rollout's observations into the running statistics of a network."""
        if model.obs_normalization:
            model.obs_normalizer.update(self._flat_obs(model))

    def _autocast(self) -> torch.autocast:
        """Return the context in which networks run during the update."""
        kind = torch.device(self.device).type
        return torch.autocast(kind, torch.bfloat16, enabled=self.use_mixed_precision, cache_enabled=False)

    def _to_compute_dtype(self, x: torch.Tensor) -> torch.Tensor:
        """Cast inputs once instead of in every mini-batch."""
        return x.bfloat16() if self.use_mixed_precision else x

"""The training loop: rsl_rl's on-policy runner with exact bookkeeping, whole checkpoints and clean endings.

Beyond rsl_rl's VecEnv interface an env may offer the following; each is used where it exists:

* ``state_dict()``: everything in the env that a later step depends on, as tensors and plain values, and
  ``load_state_dict(state)`` to put it back;
* ``timings()``: seconds spent in each part of its steps since the last call, e.g. {"physics": 12.3};
* ``iteration_log()``: scalars by name for the row of an iteration;
* ``tables()``: name -> rows, kept as <name>.csv beside the checkpoints;
* ``observation_layout()``: group -> layout, whose ``to_dict()`` is a list of terms with "name", "start",
  "stop" and whatever else defines them;
* ``joint_names``: the robot's actuated joints in the order of the actions.
"""

from __future__ import annotations

import logging
import math
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import rsl_rl.runners
import torch
from rsl_rl.env import VecEnv
from tensordict import TensorDict

from legged_gym.rl.checkpoint import (
    OTHERS,
    Layout,
    check_compatible,
    gather_states,
    is_of_same_run,
    layout_of,
    part_of_process,
    plain,
    read_checkpoint,
    save_checkpoint,
)
from legged_gym.rl.dagger import DAgger
from legged_gym.rl.finite import check_losses, check_rollout
from legged_gym.rl.networks import broadcast_networks
from legged_gym.rl.plots import plot_learning_curve
from legged_gym.rl.ppo import PPO
from legged_gym.rl.progress import ProgressDisplay
from legged_gym.rl.rl_config import DaggerCfg, TrainCfg, check_train_cfg
from legged_gym.rl.run_log import EpisodeStatistics, RunLog, mean_row, write_table
from legged_gym.rl.seeding import rng_state, seed_everything, set_rng_state
from legged_gym.rl.signals import StopRequest
from legged_gym.rl.warm_start import needs_warm_start, warm_start
from legged_gym.utils import processes
from legged_gym.utils.errors import RunError
from legged_gym.utils.paths import checkpoint_path
from legged_gym.utils.threads import available_cores, rollout_threads

logger = logging.getLogger(__name__)

PLOT_INTERVAL_S = 60.0
"""Shortest time between two pictures of the learning curve, each of which takes half a second."""


class OnPolicyRunner(rsl_rl.runners.OnPolicyRunner):
    """Collects rollouts, improves the policy, logs and saves."""

    alg: PPO
    """The learning algorithm, with actor and critic."""

    current_learning_iteration: int
    """Iterations completed, those of a resumed run included."""

    latest: dict[str, float]
    """The newest row of progress.csv; also kept when nothing is written."""

    interrupted: bool
    """Whether a signal ended the last call of :meth:`learn` early."""

    def __init__(
        self,
        env: VecEnv,
        train_cfg: TrainCfg,
        log_dir: Path | None = None,
        device: str = "cpu",
        task_cfg: dict[str, Any] | None = None,
    ) -> None:
        """Make networks and algorithm with fresh weights, from the configured seed.

        Args:
            env: The env to learn in.
            train_cfg: Everything about learning.
            log_dir: Folder of the run, made when training starts; None writes nothing. Of several processes all
                know it and the first one writes.
            device: Where networks and rollouts live.
            task_cfg: The resolved configuration of the whole task as plain nested dictionaries, kept in
                checkpoints.
        """
        check_train_cfg(train_cfg, env.num_envs)
        torch.set_num_threads(train_cfg.runner.num_threads or available_cores())
        self.train_cfg = train_cfg
        self.task_cfg = task_cfg if task_cfg is not None else {"train": asdict(train_cfg)}
        cfg = asdict(train_cfg)
        cfg["algorithm"]["class_name"] = DAgger if isinstance(train_cfg.algorithm, DaggerCfg) else PPO
        seed_everything(train_cfg.seed + processes.rank())
        super().__init__(env, cfg | cfg["runner"] | {"logger": "none"}, log_dir=None, device=device)
        self.log_dir = Path(log_dir) if log_dir is not None else None
        self.statistics = EpisodeStatistics(env.num_envs, device)
        self.samples, self.seconds = 0, 0.0
        self.latest, self.interrupted = {}, False
        self._obs: TensorDict | None = None  # what the next action is based on
        self._loaded_from: Path | None = None
        self._plotted = -math.inf
        self._iteration_end = 0.0

    # Training

    def learn(self, num_learning_iterations: int | None = None) -> None:
        """Train, and save every ``save_interval`` iterations and at the end.

        Ctrl-C and SIGTERM end it after the current iteration, with a checkpoint.

        Args:
            num_learning_iterations: How many more iterations; None takes ``max_iterations`` of the
                configuration.

        Raises:
            RunError: The run's folder cannot be written to, or the losses are no longer finite.
            FloatingPointError: The env returned values that are not finite.
        """
        if num_learning_iterations is None:
            num_learning_iterations = self.train_cfg.runner.max_iterations
        start = self.current_learning_iteration
        total = start + num_learning_iterations
        if self._obs is None:
            self._obs = self.env.get_observations().to(self.device)
        self.alg.train_mode()
        self._env_timings()  # forget what was before
        if self.is_distributed:
            broadcast_networks(self.alg.actor, self.alg.critic, self.alg.average_actor)
        with ExitStack() as stack:
            log = display = None
            if self.log_dir is not None and self.gpu_global_rank == 0:
                log = stack.enter_context(self._open_log())
                display = stack.enter_context(ProgressDisplay(self.log_dir.name, start, total))
            request = stack.enter_context(StopRequest())
            self._iteration_end = time.perf_counter()
            stopped = processes.any_process(request.requested)
            while self.current_learning_iteration < total and not stopped:
                self.latest = self._iterate()
                if log is not None:
                    log.add(self.latest)
                    display.update(self.latest)
                if self.log_dir is not None and self._due_for_save(total):
                    self._save_into(self.log_dir, last=False)
                stopped = processes.any_process(request.requested)
            self.interrupted = stopped and self.current_learning_iteration < total
            if self.log_dir is not None:
                path = self._save_into(self.log_dir, last=True)
            if display is not None:
                hint = f"; go on with --resume --load_run={self.log_dir.name}" if self.interrupted else ""
                display.note(f"saved {path}{hint}")
        self._obs = None  # whoever uses the env next may move it on

    def _due_for_save(self, total: int) -> bool:
        """Return whether to save now; the last iteration is saved anyway."""
        done = self.current_learning_iteration
        return done < total and done % self.train_cfg.runner.save_interval == 0

    def _iterate(self) -> dict[str, float]:
        """Collect a rollout and update the policy. Returns a row of progress.csv, the mean over all processes."""
        start = time.perf_counter()
        num_threads = torch.get_num_threads()
        torch.set_num_threads(min(num_threads, rollout_threads(self.env.num_envs)))
        step_seconds = self._collect()
        torch.set_num_threads(num_threads)
        collected = time.perf_counter()
        learning_rate = self.alg.learning_rate
        losses = self.alg.update()
        end = time.perf_counter()
        self.current_learning_iteration += 1
        check_losses(losses, self.current_learning_iteration)

        times = self._env_timings()
        times["env_rest"] = max(0.0, step_seconds - sum(times.values()))
        times |= {
            "policy": collected - start - step_seconds,
            "update": end - collected,
            "log_and_save": start - self._iteration_end,  # of the iteration before
        }
        seconds = end - self._iteration_end
        self._iteration_end = end
        new_samples = self.env.num_envs * self.train_cfg.runner.num_steps_per_env * self.gpu_world_size
        self.samples += new_samples
        self.seconds += seconds
        row = {
            "iteration": self.current_learning_iteration,
            "samples": self.samples,
            "minutes": self.seconds / 60,
            "kl": losses.pop("kl"),
            "learning_rate": learning_rate,
            "action_std": self.alg.action_std.mean().item(),
            "entropy": losses.pop("entropy"),
            "samples_per_s": new_samples / seconds,
            **{f"loss/{key}": value for key, value in losses.items()},
            **{f"time_ms/{key}": 1e3 * value for key, value in times.items()},
            **self.statistics.collect(),
            **(self.env.iteration_log() if hasattr(self.env, "iteration_log") else {}),
        }
        return mean_row(processes.gather(row))

    @torch.no_grad()
    def _collect(self) -> float:
        """Fill the storage with a rollout and compute its returns. Returns the seconds spent in the env."""
        step_seconds = 0.0
        for _ in range(self.train_cfg.runner.num_steps_per_env):
            # Sample actions
            actions = self.alg.act(self._obs).to(self.env.device)
            # Step the environment
            before = time.perf_counter()
            obs, rewards, dones, extras = self.env.step(actions)
            step_seconds += time.perf_counter() - before
            # Record the outcome
            self._obs = obs.to(self.device)
            rewards, dones = rewards.to(self.device), dones.to(self.device)
            self.alg.process_env_step(self._obs, rewards, dones, extras)
            self.statistics.add(rewards, dones, extras.get("log", {}))
        check_rollout(self.alg.storage, self.current_learning_iteration + 1)
        self.alg.compute_returns(self._obs)
        return step_seconds

    def _env_timings(self) -> dict[str, float]:
        """Return the seconds the env spent in each part of its steps since the last call, if it counts them."""
        return dict(self.env.timings()) if hasattr(self.env, "timings") else {}

    def _open_log(self) -> RunLog:
        """Open progress.csv and the configured writer, continuing the curves of a resumed run."""
        folder = self._loaded_from.parent if self._loaded_from is not None else self.log_dir
        cfg, done = self.train_cfg.runner, self.current_learning_iteration
        log = RunLog(self.log_dir, cfg, self.task_cfg, folder / "progress.csv", done)
        self._loaded_from = None
        return log

    def _save_into(self, folder: Path, last: bool) -> Path:
        """Write model_<iterations completed>.pt, and the learning curve unless it was drawn a moment ago."""
        path = checkpoint_path(folder, self.current_learning_iteration)
        self.save(path)
        if self.gpu_global_rank:
            return path
        for name, rows in self.env.tables().items() if hasattr(self.env, "tables") else ():
            write_table(folder / f"{name}.csv", rows)
        if last or time.monotonic() - self._plotted >= PLOT_INTERVAL_S:
            plot_learning_curve(folder / "progress.csv", folder / "learning_curve.png")
            self._plotted = time.monotonic()
        return path

    # Checkpoints

    def save(self, path: Path) -> None:
        """Write a checkpoint from which training goes on bit for bit on a CPU.

        All processes must call this; the first one writes.

        Args:
            path: File to write.

        Raises:
            RunError: It cannot be written.
        """
        learnt = self.alg.save()
        states = gather_states(self._own_state() | {key: learnt[key] for key in self.alg.of_one_process})
        if self.gpu_global_rank:
            return
        content = learnt | {
            "iteration": self.current_learning_iteration,
            "samples": self.samples,
            "seconds": self.seconds,
            **states[0],
            OTHERS: states[1:],
            "num_envs": self.env.num_envs,
            "config": self.task_cfg,
            "observation_layout": layout_of(self.env),
            "joint_names": self._joint_names(),
        }
        save_checkpoint(Path(path), content)

    def _own_state(self) -> dict[str, Any]:
        """Return what of a checkpoint is of this process alone."""
        env = self.env
        return {
            "statistics": self.statistics.state_dict(),
            "rng": rng_state(),
            "env_state": env.state_dict() if hasattr(env, "state_dict") else None,
            "observations": None if self._obs is None else dict(self._obs.items()),
        }

    def load(self, path: Path, resume: bool = True) -> None:
        """Load a checkpoint.

        With the env configuration, env count and seed of the checkpoint, everything is restored and training
        goes on as if it had not stopped. With another one (fine-tuning) the env and the random numbers start
        afresh. A learning rate that differs from the one the checkpoint was configured with takes effect.

        With ``load_model_strict=False`` a checkpoint of other observations, or of another map encoder, is a warm
        start, see :mod:`legged_gym.rl.warm_start`: networks take over what fits by name, optimisers and learning
        rate start anew, iterations count on.

        Args:
            path: The checkpoint.
            resume: Whether to train on; False loads what the policy needs to act.

        Raises:
            RunError: It cannot be read, or belongs to another robot, observation layout or network.
        """
        content = part_of_process(read_checkpoint(Path(path)), self.gpu_global_rank)
        warm = self._load_networks(content, Path(path), trains_on=resume, optimizer=resume)
        if warm:
            logger.info("  iterations count on from %d", content["iteration"])
        self.current_learning_iteration = content["iteration"]
        self.samples, self.seconds = content["samples"], content["seconds"]
        if not resume:
            return
        self._loaded_from = Path(path)
        learning_rate = self.train_cfg.algorithm.learning_rate
        theirs = content["config"].get("train", {})
        if learning_rate != theirs.get("algorithm", {}).get("learning_rate"):
            self.alg.set_learning_rate(learning_rate)
        policy, before = self.train_cfg.policy, theirs.get("policy", {})
        had_it = before.get("re_init_std") and before.get("init_noise_std") == policy.init_noise_std
        if policy.re_init_std and not had_it:
            self.alg.reset_std(policy.init_noise_std)
        size = self.env.num_envs, self.gpu_world_size
        if not warm and is_of_same_run(content, self.task_cfg.get("env"), self.train_cfg.seed, *size):
            if content["env_state"] is not None:
                self.env.load_state_dict(content["env_state"])
            if content["observations"] is not None:
                obs = TensorDict(content["observations"], batch_size=[self.env.num_envs])
                self._obs = obs.to(self.device)
            self.statistics.load_state_dict(content["statistics"])
            set_rng_state(content["rng"])

    def start_from(self, path: Path) -> None:
        """Begin a run with the networks of a checkpoint: iterations, curves, optimisers and schedules start at 0.

        It begins with the policy that is evaluated and exported, which is averaged, not with the actor that was last.
        ``load_model_strict=False`` and ``re_init_std`` mean what they mean in :meth:`load`.

        Args:
            path: The checkpoint, of this or of another task.

        Raises:
            RunError: As :meth:`load`.
        """
        content = read_checkpoint(Path(path))
        content["actor_state_dict"] = content["policy_state_dict"]
        self._load_networks(content, Path(path), trains_on=True, optimizer=False)
        if self.train_cfg.policy.re_init_std:
            self.alg.reset_std(self.train_cfg.policy.init_noise_std)

    def _load_networks(
        self, content: dict[str, Any], path: Path, *, trains_on: bool, optimizer: bool
    ) -> bool:
        """Load networks, as far as they fit where they may differ. Returns whether it was a warm start."""
        layout = layout_of(self.env)
        differs = trains_on and needs_warm_start(content, self.train_cfg.policy, layout)
        warm = differs and not self.train_cfg.runner.load_model_strict
        hint = "; --train.runner.load_model_strict=False loads what fits by name" if differs else ""
        check_compatible(content, self._joint_names(), None if warm else layout, path, hint)
        try:
            if warm:
                self._warm_start(content, layout, path)
            else:
                self.alg.load(content, optimizer=optimizer)
        except RuntimeError as error:
            sizes = "policy.actor_hidden_dims, critic_hidden_dims, obs_normalization or map_encoder"
            raise RunError(
                f"checkpoint {path} holds other networks ({sizes} differ?{hint}): {error}"
            ) from error
        return warm

    def _warm_start(self, content: dict[str, Any], layout: Layout, path: Path) -> None:
        """Take over what fits of a checkpoint, and say what that is."""
        obs = self.env.get_observations().to(self.device)
        lines = warm_start(self.alg, content, self.train_cfg.policy, layout, obs)
        logger.info("warm start from %s (load_model_strict=False):", path)
        for line in lines:
            logger.info("  %s", line)
        logger.info("  optimisers and learning rate start anew")
        for group in ("control", "normalization"):
            theirs, ours = (cfg.get("env", {}).get(group) for cfg in (content["config"], self.task_cfg))
            if plain(theirs) != plain(ours):
                logger.warning(
                    "  env.%s differs from the checkpoint's: the same numbers mean something else now", group
                )

    def _configure_multi_gpu(self) -> None:
        """Note which of the processes this one is; unlike rsl_rl's, they need no GPU and have joined already."""
        self.is_distributed = processes.joined()
        self.gpu_world_size, self.gpu_global_rank = processes.world_size(), processes.rank()
        place = {"global_rank": self.gpu_global_rank, "world_size": self.gpu_world_size}
        self.cfg["multi_gpu"] = place if self.is_distributed else None

    def _joint_names(self) -> list[str] | None:
        """Return the robot's actuated joints, None where the env names none."""
        return list(self.env.joint_names) if hasattr(self.env, "joint_names") else None

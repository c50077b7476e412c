"""What can be set about learning: the runner, the networks and PPO.

The defaults are the recipe that learns a five-second walk in minutes on two CPU cores: small batches (256
envs x 16 steps), large policy steps (a KL of 0.2 per iteration), little exploration noise and small networks.

Standard library only, so that ``--help`` answers without importing torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from legged_gym.utils.errors import ConfigError

Activation = Literal["elu", "selu", "relu", "gelu", "swish", "mish", "tanh"]


@dataclass
class RunnerCfg:
    """Length, saving and logging of a run."""

    num_steps_per_env: int = 16
    """Steps every env takes between two policy updates."""

    max_iterations: int = 1000
    """Iterations (one rollout and one update each) to train in this call; a resumed run adds as many again."""

    save_interval: int = 50
    """Save a checkpoint every this many iterations; a killed run loses at most these."""

    experiment_name: str = "g1_deepmimic"
    """Folder under logs/ that holds the runs of this experiment."""

    run_name: str = ""
    """Name put behind date and time in the run's folder."""

    resume: bool = False
    """Continue from a checkpoint, by default the newest of the newest run."""

    load_run: str | None = None
    """Run to load: the name or the path of its folder; None is the newest by time."""

    checkpoint: int = -1
    """Iteration of the checkpoint to load; -1 is the newest."""

    load_model_strict: bool = True
    """Refuse a checkpoint of other observations or map encoder; False = match them by name, unknown ones start at 0."""

    logger: Literal["tensorboard", "wandb", "none"] = "tensorboard"
    """Where curves go besides progress.csv; wandb stays offline unless this machine is logged in to it."""

    wandb_project: str = "legged_gym"
    """Weights & Biases project, used with logger=wandb."""

    wandb_note: str = ""
    """Free text kept with the run in Weights & Biases, used with logger=wandb."""

    num_threads: int = 0
    """Threads torch computes with; 0 is one for each core this process may use."""


@dataclass
class PolicyCfg:
    """Actor and critic: two separate networks, and a Gaussian around the actor's output."""

    init_noise_std: float = 0.4
    """Standard deviation of the actions at the start, in units of the action scale."""

    re_init_std: bool = False
    """Begin with init_noise_std where a run starts from a checkpoint, whose own it was not already."""

    actor_hidden_dims: tuple[int, ...] = (256, 128)
    """Widths of the actor's hidden layers."""

    critic_hidden_dims: tuple[int, ...] = (256, 128)
    """Widths of the critic's hidden layers."""

    activation: Activation = "elu"
    """Non-linearity between the layers of both networks."""

    obs_normalization: bool = True
    """Shift and scale observations by their running mean and standard deviation."""

    map_encoder: Literal["flat", "gated", "cnn"] = "flat"
    """How height maps enter: like any number, through a linear layer behind a gate that starts at 0, or a CNN."""

    map_terms: list[str] = field(default_factory=lambda: ["terrain_height", "terrain_height_noisy"])
    """Observation terms that map_encoder reads, in whichever of the two networks they occur."""

    map_shape: tuple[int, int] = (11, 11)
    """Rows (y) and columns (x) of a map, for map_encoder=cnn."""

    average_iterations: int = 100
    """The policy kept for use is the mean of the actor over about this many iterations, steadier than the newest."""


@dataclass
class PPOCfg:
    """Proximal policy optimisation."""

    num_learning_epochs: int = 4
    """Passes over the samples of an iteration."""

    num_mini_batches: int = 4
    """Gradient steps per pass; below 1024 samples each, a second thread makes the update slower."""

    clip_param: float = 0.2
    """Probability ratios (and clipped value steps) count within 1 +- this."""

    gamma: float = 0.97
    """Discount of a reward one step later."""

    lam: float = 0.9
    """Decay of generalised advantage estimation: 0 trusts the critic, 1 the sampled returns."""

    value_loss_coef: float = 1.0
    """Weight of the critic's loss."""

    use_clipped_value_loss: bool = True
    """Limit the critic's step per update to clip_param, as the policy's."""

    entropy_coef: float = 0.0
    """Weight of the entropy bonus, which keeps the action noise from shrinking."""

    learning_rate: float = 1e-3
    """Adam's step size at the start (and throughout with schedule=fixed)."""

    max_grad_norm: float = 1.0
    """Longest gradient of either network; longer ones are scaled down to it."""

    schedule: Literal["adaptive", "fixed"] = "adaptive"
    """adaptive: once per iteration, divide or multiply the learning rate by 1.2 to keep the KL near desired_kl."""

    desired_kl: float = 0.2
    """KL divergence (nats) between the policies before and after an update that the adaptive schedule aims at."""

    desired_kl_half_life: int = 0
    """Halve desired_kl every this many iterations, down to a tenth of it, so that a long run settles; 0 = never."""

    bounds_loss_coef: float = 0.0005
    """Weight of the loss on mean actions beyond clip_actions_threshold: mean over samples of the summed excess."""

    clip_actions_threshold: float = 8.0
    """Mean actions beyond +- this pay the bounds loss; keep it below normalization.clip_actions."""

    use_mixed_precision: bool | None = None
    """Run the networks in bfloat16 during the update; None = where the processor or GPU has instructions for it."""


@dataclass
class DaggerCfg(PPOCfg):
    """Distillation: students act, a teacher says what it would have done, and the student learns to do that."""

    learning_rate: float = 1e-3
    """Adam's step size at the start (and throughout with schedule=fixed and no cloning_iterations)."""

    schedule: Literal["adaptive", "fixed"] = "fixed"
    """adaptive: as for PPO, but not during cloning_iterations, when the KL says nothing."""

    cloning_iterations: int = 0
    """Iterations at the start that only clone. After them the learning rate is rl_learning_rate and weights anneal."""

    rl_learning_rate: float = 1e-4
    """Adam's step size where cloning_iterations end; not used where there are none."""

    policy_to_clone: str | None = None
    """Teacher: a run's name or folder, a checkpoint, a bundle's folder, zip or policy.pt; None: nobody to clone."""

    policy_to_clone_jitted: bool | None = None
    """Whether policy_to_clone must be a TorchScript (of a bundle) or a checkpoint; None: either, it is found out."""

    bc_loss_coef: float = 1.0
    """Weight of cloning, of the mean squared distance between mean action and the teacher's; 0 = none at any time."""

    bc_loss_coef_end: float | None = None
    """Weight of cloning after anneal_iterations more, reached in a straight line; None: as at the start."""

    rl_loss_coef: float | None = None
    """Weight of PPO's surrogate and entropy; None: what bc_loss_coef leaves of 1, at any time."""

    rl_loss_coef_end: float | None = None
    """Weight of PPO after anneal_iterations more, reached in a straight line; None: as at the start."""

    anneal_iterations: int = 0
    """Iterations, counted from the end of cloning_iterations, over which the weights go to their ends."""

    switch_to_rl_after: int = -1
    """Iterations after which cloning ends and PPO goes on alone with weight 1; -1 = never."""

    beta: float = 0.0
    """Share of episodes in which the teacher acts and the student only watches; drawn when an episode begins."""

    beta_iterations: int = 0
    """beta falls to 0 over this many iterations in a straight line; 0 = it stays."""

    take_teacher_actions: bool = False
    """Let the teacher act in all episodes, which is beta=1."""

    bc_std_coef: float = 0.0
    """Weight, beside bc_loss_coef, of the squared distance between the standard deviations and the teacher's."""

    clip_teacher_actions: bool = True
    """Clone what the teacher asks for within +- clip_actions_threshold only."""

    buffer_iterations: int = 0
    """Iterations whose samples are cloned again: each mini-batch has as many old samples as new ones; 0 = none."""

    use_multi_teacher: bool = False
    """Ask for each clip the teacher that its list names (teacher_checkpoint_run_name), else policy_to_clone."""


@dataclass
class TrainCfg:
    """Everything about learning."""

    seed: int = 1
    """Seed of every random number of the run; process r of a multi-process run uses seed + r."""

    runner: RunnerCfg = field(default_factory=RunnerCfg)
    """Length, saving and logging of a run."""

    policy: PolicyCfg = field(default_factory=PolicyCfg)
    """Actor and critic networks."""

    algorithm: PPOCfg = field(default_factory=PPOCfg)
    """Proximal policy optimisation."""


_SMALLEST = {
    "runner.num_steps_per_env": 1,
    "runner.max_iterations": 0,
    "runner.save_interval": 1,
    "runner.num_threads": 0,
    "policy.init_noise_std": 1e-6,
    "policy.average_iterations": 1,
    "algorithm.num_learning_epochs": 1,
    "algorithm.num_mini_batches": 1,
    "algorithm.clip_param": 0.0,
    "algorithm.gamma": 0.0,
    "algorithm.lam": 0.0,
    "algorithm.learning_rate": 0.0,
    "algorithm.max_grad_norm": 0.0,
    "algorithm.desired_kl": 0.0,
    "algorithm.desired_kl_half_life": 0,
    "algorithm.bounds_loss_coef": 0.0,
    "algorithm.clip_actions_threshold": 0.0,
}
"""Field -> the smallest value it can have."""


def check_train_cfg(cfg: TrainCfg, num_envs: int) -> None:
    """Refuse values that no training can work with.

    Args:
        cfg: Everything about learning.
        num_envs: Number of envs.

    Raises:
        ConfigError: Names the field, its value and what would be right.
    """
    for path, smallest in _SMALLEST.items():
        group, name = path.split(".")
        value = getattr(getattr(cfg, group), name)
        if not value >= smallest:
            raise ConfigError(f"train.{path} must be at least {smallest}, not {value}")
    for name in ("gamma", "lam"):
        if getattr(cfg.algorithm, name) > 1.0:
            raise ConfigError(f"train.algorithm.{name} must be at most 1, not {getattr(cfg.algorithm, name)}")
    if isinstance(cfg.algorithm, DaggerCfg):
        _check_distillation(cfg.algorithm)
    for name in ("actor_hidden_dims", "critic_hidden_dims"):
        dims = getattr(cfg.policy, name)
        if not dims or min(dims) < 1:
            raise ConfigError(f"train.policy.{name} must be one or more positive widths, not {dims}")
    samples = num_envs * cfg.runner.num_steps_per_env
    if cfg.algorithm.num_mini_batches > samples:
        raise ConfigError(
            f"train.algorithm.num_mini_batches must be at most the {samples} samples of an iteration "
            f"({num_envs} envs x {cfg.runner.num_steps_per_env} steps), not {cfg.algorithm.num_mini_batches}"
        )


def _check_distillation(cfg: DaggerCfg) -> None:
    """Refuse weights that are no weights, and what would do nothing."""
    smallest = dict.fromkeys(("bc_loss_coef", "bc_loss_coef_end", "rl_loss_coef", "rl_loss_coef_end"), 0.0)
    smallest |= dict.fromkeys(("beta", "bc_std_coef"), 0.0)
    smallest |= dict.fromkeys(("anneal_iterations", "beta_iterations", "buffer_iterations"), 0)
    smallest |= {"cloning_iterations": 0, "rl_learning_rate": 0.0}
    smallest |= {"switch_to_rl_after": -1}
    for name, least in smallest.items():
        value = getattr(cfg, name)
        if value is not None and not value >= least:
            raise ConfigError(f"train.algorithm.{name} must be at least {least}, not {value}")
    if cfg.beta > 1.0:
        raise ConfigError(f"train.algorithm.beta must be at most 1, not {cfg.beta}")
    for name in ("bc_loss_coef_end", "rl_loss_coef_end"):
        if getattr(cfg, name) is not None and not cfg.anneal_iterations:
            raise ConfigError(
                f"train.algorithm.{name} is reached after train.algorithm.anneal_iterations, which is 0; set both"
            )
    if 0 <= cfg.switch_to_rl_after < cfg.cloning_iterations:
        raise ConfigError(
            f"train.algorithm.switch_to_rl_after is {cfg.switch_to_rl_after}, before the end of the "
            f"{cfg.cloning_iterations} cloning_iterations; both count from the start of the run"
        )
    if cfg.rl_loss_coef_end is not None and cfg.rl_loss_coef is None:
        raise ConfigError("train.algorithm.rl_loss_coef_end needs train.algorithm.rl_loss_coef to start from")
    starts, ends = (cfg.bc_loss_coef, cfg.rl_loss_coef), (cfg.bc_loss_coef_end, cfg.rl_loss_coef_end)
    reached = tuple(start if end is None else end for start, end in zip(starts, ends, strict=True))
    if (0.0, 0.0) in (starts, reached):
        raise ConfigError(
            "train.algorithm.bc_loss_coef and rl_loss_coef must not both be 0, nor both end there: the student would "
            "learn nothing"
        )

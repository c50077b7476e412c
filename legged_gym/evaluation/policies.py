"""What can be judged: anything that turns observations into actions. Two that know nothing, for comparison."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from rsl_rl.env import VecEnv
from tensordict import TensorDict
from torch import Tensor

Policy = Callable[[TensorDict], Tensor]
"""Observation groups of N envs -> actions (N, J)."""
PolicyName = Literal["checkpoint", "zero", "random"]


def zero_policy(env: VecEnv) -> Policy:
    """Always the action 0: the default pose, or with residual control the reference's joints as targets."""
    actions = torch.zeros(env.num_envs, env.num_actions, device=env.device)
    return lambda observations: actions


def random_policy(env: VecEnv, seed: int) -> Policy:
    """Actions drawn uniformly from [-1, 1], anew in every step."""
    generator = torch.Generator(device=env.device).manual_seed(seed)
    shape = env.num_envs, env.num_actions

    def act(observations: TensorDict) -> Tensor:
        return 2.0 * torch.rand(shape, generator=generator, device=env.device) - 1.0

    return act

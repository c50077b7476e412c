"""Stops a training in which a number is no longer finite, before it spoils what was learned."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from rsl_rl.storage import RolloutStorage

from legged_gym.utils.errors import RunError


def check_rollout(storage: RolloutStorage, iteration: int) -> None:
    """Stop before values that are not finite reach the networks.

    Args:
        storage: A rollout of T steps of N envs, as (T, N, columns).
        iteration: Of which iteration, for the message.

    Raises:
        FloatingPointError: The env returned such a value; says which and when.
    """
    for name, values in [*storage.observations.items(), ("rewards", storage.rewards)]:
        if not torch.isfinite(values.sum()):
            step, env, column = (~torch.isfinite(values)).nonzero()[0].tolist()
            raise FloatingPointError(
                f"the env returned a value that is not finite: {name}, column {column}, env {env}, "
                f"step {step} of iteration {iteration}"
            )


def check_losses(losses: Mapping[str, float], iteration: int) -> None:
    """Stop when learning has diverged; the checkpoints written so far are good.

    Raises:
        RunError: A loss is not finite.
    """
    bad = [key for key, value in losses.items() if not math.isfinite(value)]
    if bad:
        raise RunError(
            f"learning diverged in iteration {iteration} ({', '.join(bad)} not finite); "
            "resume from the last checkpoint with a smaller --train.algorithm.learning_rate"
        )

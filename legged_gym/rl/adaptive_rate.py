"""A learning rate that follows how far the policy moves in an update."""

from __future__ import annotations

LR_RANGE = (1e-5, 1e-2)
LR_FACTOR = 1.2
KL_TOLERANCE = 1.5
KL_FLOOR = 0.1


def adapted(learning_rate: float, kl: float, aim: float) -> float:
    """The learning rate for the next update: a notch lower or higher where the KL divergence was far from its aim."""
    if kl > aim * KL_TOLERANCE:
        return max(LR_RANGE[0], learning_rate / LR_FACTOR)
    if kl < aim / KL_TOLERANCE:
        return min(LR_RANGE[1], learning_rate * LR_FACTOR)
    return learning_rate


def share_of_kl(num_updates: int, half_life: int) -> float:
    """What is left of the KL divergence aimed at: it halves every ``half_life`` updates, down to a tenth; 0 = never."""
    return max(0.5 ** (num_updates / half_life), KL_FLOOR) if half_life else 1.0

"""Where episodes start while somebody watches: at the frame that the page says."""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym.envs.base.start_sampling import StartSampler


class ChosenStarts(StartSampler):
    """Takes over from an environment's own sampler, with what that has learnt, and draws nothing."""

    def __init__(self, drawn: StartSampler) -> None:
        """The first frame of all is chosen."""
        vars(self).update(vars(drawn))
        self.frame = 0
        """Frame of the replay data that every episode starts at."""

    def sample(self, n: int) -> Tensor:
        """Start frames of n episodes, (n,) long."""
        return torch.full((n,), self.frame, device=self._device)

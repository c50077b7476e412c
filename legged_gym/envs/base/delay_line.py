"""The last values of something, to be had late."""

from __future__ import annotations

import torch
from torch import Tensor


class DelayLine:
    """Values of the present and the last steps of N envs, of which each may ask for another age."""

    def __init__(self, num_envs: int, width: int, longest: int, device: str) -> None:
        """Keep ``longest`` steps besides the present one; all are zero."""
        self._values = torch.zeros(longest + 1, num_envs, width, device=device)  # ring over steps
        self._newest = 0
        self._everyone = torch.arange(num_envs, device=device)

    def push(self, value: Tensor) -> None:
        """A step has passed; its value is (N, width)."""
        self._newest = (self._newest + 1) % len(self._values)
        self._values[self._newest] = value

    def fill(self, env_ids: Tensor, value: Tensor) -> None:
        """The past of envs (n,) is a constant (n, width)."""
        self._values[:, env_ids] = value

    def at(self, age: Tensor) -> Tensor:
        """Values that are ``age`` (N,) steps old, at most ``longest``, (N, width)."""
        return self._values[(self._newest - age) % len(self._values), self._everyone]

    def state_dict(self) -> dict[str, Tensor]:
        """Everything needed to continue bit for bit."""
        return {"newest_last": self._values.roll(-1 - self._newest, dims=0)}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore what ``state_dict`` returned."""
        self._values.copy_(state["newest_last"])
        self._newest = len(self._values) - 1

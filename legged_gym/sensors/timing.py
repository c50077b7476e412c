"""When a sensor measures, and how old the pose is that it measures from. Time is counted in control steps."""

from __future__ import annotations

import torch
from torch import Tensor


class PoseDelay:
    """Poses of the last control steps, and a delay for each env that is drawn at its reset."""

    def __init__(self, num_envs: int, max_delay: int, generator: torch.Generator, device: str) -> None:
        """Keep ``max_delay`` steps besides the present one; without any the present pose passes through."""
        self._max_delay, self._generator, self._device = max_delay, generator, device
        self._poses = torch.zeros(max_delay + 1, num_envs, 7, device=device)  # ring over steps
        self._newest = 0
        self.delay = torch.zeros(num_envs, dtype=torch.long, device=device)
        """(N,) delay of each env, control steps."""

    def push(self, pos_w: Tensor, quat_wxyz: Tensor) -> None:
        """Note the poses of a new control step, (N, 3) and (N, 4)."""
        self._newest = (self._newest + 1) % len(self._poses)
        self._poses[self._newest, :, :3], self._poses[self._newest, :, 3:] = pos_w, quat_wxyz

    def restart(self, env_ids: Tensor, pos_w: Tensor, quat_wxyz: Tensor) -> None:
        """Draw new delays for envs (n,); their past is the pose (n, 3), (n, 4) of the reset."""
        self._poses[:, env_ids] = torch.cat((pos_w, quat_wxyz), dim=-1)
        if self._max_delay:
            self.delay[env_ids] = torch.randint(
                self._max_delay + 1, (len(env_ids),), generator=self._generator, device=self._device
            )

    def poses(self, env_ids: Tensor) -> tuple[Tensor, Tensor]:
        """Delayed poses of envs (n,): positions (n, 3) and quaternions (n, 4) wxyz."""
        slot = (self._newest - self.delay[env_ids]) % len(self._poses)
        return self._poses[slot, env_ids].split((3, 4), dim=-1)

    def state_dict(self) -> dict[str, Tensor]:
        """Everything needed to continue bit for bit."""
        newest_last = self._poses.roll(-1 - self._newest, dims=0)
        return {"poses": newest_last, "delay": self.delay.clone()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore what ``state_dict`` returned."""
        self._poses.copy_(state["poses"])
        self._newest = len(self._poses) - 1
        self.delay.copy_(state["delay"])


class Schedule:
    """Which envs measure in a control step: each with a period and a phase that are drawn at its reset.

    Periods are ``shortest``, ``shortest + 1`` ... up to ``longest`` steps, all equally likely. They need not be whole:
    a period of 1.5 steps measures after 2, 3, 5, 6 ... steps.
    """

    def __init__(
        self, num_envs: int, shortest: float, longest: float, generator: torch.Generator, device: str
    ) -> None:
        self._shortest, self._choices = shortest, int(longest - shortest) + 1
        self._generator = generator
        self._every_step = longest <= 1.0
        self._all = torch.arange(num_envs, device=device)
        self.period = torch.full((num_envs,), float(shortest), device=device)
        """(N,) steps from one measurement to the next."""
        self._left = torch.zeros(num_envs, device=device)  # steps to the next measurement

    def restart(self, env_ids: Tensor) -> None:
        """Draw period and phase of envs (n,), which measure in this very step besides."""
        if self._every_step:
            return
        draw = torch.rand(2, len(env_ids), generator=self._generator, device=self._all.device)
        period = self._shortest + torch.floor(draw[0] * self._choices)
        self.period[env_ids] = period
        self._left[env_ids] = period * (1.0 - draw[1])  # in (0, period]

    def tick(self) -> Tensor:
        """Pass to the next control step; the envs that measure in it, (n,)."""
        if self._every_step:
            return self._all
        self._left -= 1.0
        due = self._left <= 0.0
        self._left += self.period * due
        return due.nonzero().squeeze(-1)

    def state_dict(self) -> dict[str, Tensor]:
        """Everything needed to continue bit for bit."""
        return {"period": self.period.clone(), "left": self._left.clone()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore what ``state_dict`` returned."""
        self.period.copy_(state["period"])
        self._left.copy_(state["left"])

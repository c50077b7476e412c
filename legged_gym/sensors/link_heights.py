"""Heights of links: the distance from each straight down to the ground."""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym.sensors.geometry import HeightFunction, as_8_bit, limit_distance_
from legged_gym.sensors.sensor_config import MultiLinkHeightCfg


class MultiLinkHeight:
    """One distance per link and env. ``update`` once per control step, ``reset`` where episodes begin."""

    value: Tensor
    """(N, L) distance from each link's origin down to the ground, m in 0 .. max_distance."""

    def __init__(
        self,
        cfg: MultiLinkHeightCfg,
        num_envs: int,
        num_links: int,
        heights: HeightFunction,
        device: str = "cpu",
    ) -> None:
        """Every value reads max_distance until the first reset."""
        self._cfg, self._heights = cfg, heights
        self._all = torch.arange(num_envs, device=device)
        self.value = torch.full((num_envs, num_links), cfg.max_distance, device=device)

    def reset(self, env_ids: Tensor, link_pos_w: Tensor) -> None:
        """Measure in envs (n,) from their links at (n, L, 3)."""
        distance = link_pos_w[..., 2] - self._heights(env_ids, link_pos_w[..., :2])
        limit_distance_(distance, self._cfg.max_distance)
        self.value[env_ids] = distance if self._cfg.use_float else as_8_bit(distance, self._cfg.max_distance)

    def update(self, link_pos_w: Tensor) -> None:
        """Measure in every env from links at (N, L, 3)."""
        self.reset(self._all, link_pos_w)

    def state_dict(self) -> dict[str, Tensor]:
        """Everything needed to continue bit for bit."""
        return {"value": self.value.clone()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore what ``state_dict`` returned."""
        self.value.copy_(state["value"])

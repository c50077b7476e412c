"""Made ground for walking: kinds side by side in levels of difficulty, and who walks on which."""

from __future__ import annotations

import mujoco
import torch
from torch import Tensor

from legged_gym.envs.base.robot_velocity_config import MadeTerrainCfg
from legged_gym.terrain.deepmimic_terrain import DeepMimicTerrain
from legged_gym.terrain.generators import Ground
from legged_gym.terrain.terrain_config import TerrainCfg
from legged_gym.utils.errors import ConfigError, TerrainError


class MadeTerrain:
    """K kinds of ground in L levels; tile = kind * L + level. Robots keep their kind and change their level."""

    def __init__(self, cfg: MadeTerrainCfg, num_envs: int, seed: int, generator: torch.Generator) -> None:
        """Make the ground and spread the robots over it.

        Args:
            cfg: Which kinds and levels.
            num_envs: N robots, spread evenly over the kinds.
            seed: Of the ground.
            generator: Of the levels that are drawn.

        Raises:
            ConfigError: A kind does not exist or the size is not within its limits.
        """
        cfg.check()
        self._cfg, self._generator = cfg, generator
        device = generator.device
        self.num_levels = 1 if set(cfg.kinds) == {"flat"} else cfg.num_levels
        steps = max(1, self.num_levels - 1)
        try:
            grounds = [
                Ground() if kind == "flat" else Ground(kind, level / steps, seed + level, cfg.size)
                for kind in cfg.kinds
                for level in range(self.num_levels)
            ]
        except TerrainError as error:
            raise ConfigError(f"terrain.kinds, terrain.size: {error}") from None
        layout = TerrainCfg(horizontal_scale=cfg.horizontal_scale)
        self.layout = DeepMimicTerrain(grounds, layout, seed, str(device))
        self.is_flat = self.layout.is_flat
        self.offsets = self.layout.tile_offsets.reshape(-1, 3)
        """(tiles, 3) the middle of each ground in the world, m."""
        self.kind = torch.zeros(num_envs, dtype=torch.long, device=device)
        """(N,) kind of ground of each robot."""
        self.level = torch.zeros(num_envs, dtype=torch.long, device=device)
        """(N,) level of each robot; without a curriculum they are spread over the levels for good."""
        self.spread(0)
        if cfg.curriculum:
            self.level.zero_()

    def spread(self, first: int) -> None:
        """Put the robots on kinds and levels by turns, the first one on combination ``first`` of all there are."""
        number = torch.arange(len(self.kind), device=self.kind.device) + first
        kinds = len(self._cfg.kinds)
        self.kind, self.level = number % kinds, number // kinds % self.num_levels

    def add_to(self, spec: mujoco.MjSpec) -> None:
        """Add the ground to a model that has none."""
        self.layout.add_to(spec)

    def tiles(self, env_ids: Tensor) -> Tensor:
        """The ground that envs (n,) walk on now, (n,)."""
        return self.kind[env_ids] * self.num_levels + self.level[env_ids]

    def heights(self, tiles: Tensor, points_xy_w: Tensor) -> Tensor:
        """World height of the ground: tiles (N,), points (N, P, 2) -> (N, P) m."""
        if self.is_flat:
            return torch.zeros_like(points_xy_w[..., 0])
        return self.layout.heights(tiles, points_xy_w)

    def left(self, offset_xy: Tensor) -> Tensor:
        """Who has left its ground: offsets (N, 2) from its middle, m -> (N,) bool. Flat ground has no end."""
        if self.is_flat:
            return torch.zeros_like(offset_xy[:, 0], dtype=torch.bool)
        return offset_xy.abs().amax(-1) > 0.5 * self._cfg.size

    def learn(self, env_ids: Tensor, failed: Tensor, succeeded: Tensor) -> None:
        """Episodes of envs (n,) have ended: success goes up a level, failure goes down one.

        Who has mastered the hardest level goes on at any, so that the easy ones are not forgotten.
        """
        if self.num_levels == 1 or not self._cfg.curriculum:
            return
        level = self.level[env_ids] + succeeded.long() - failed.long()
        level = torch.where(level >= self.num_levels, self._any_level(len(env_ids)), level.clamp(min=0))
        self.level[env_ids] = level

    def name_of(self, env_id: int) -> str:
        """Kind and level of the ground that an env walks on."""
        kind = self._cfg.kinds[int(self.kind[env_id])]
        return kind if kind == "flat" else f"{kind} {int(self.level[env_id])}"

    def mean_levels(self) -> dict[str, float]:
        """Mean level of the robots on each kind of ground."""
        if self.num_levels == 1:
            return {}
        return {
            f"Terrain/{name}_level": self.level[self.kind == index].float().mean().item()
            for index, name in enumerate(self._cfg.kinds)
            if name != "flat" and (self.kind == index).any()
        }

    def _any_level(self, n: int) -> Tensor:
        return torch.randint(self.num_levels, (n,), generator=self._generator, device=self.kind.device)

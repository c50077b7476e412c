"""Which ground each env stands on: the terrains of all clips in one world, and where a clip's own frame lies in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import mujoco
import numpy as np
import torch
from torch import Tensor

from legged_gym.envs.base.robot_deepmimic_config import DeepMimicCfg
from legged_gym.motion.replay_data import ReplayData
from legged_gym.terrain.deepmimic_terrain import DeepMimicTerrain
from legged_gym.terrain.generators import Ground, amass_ground
from legged_gym.terrain.terrain_config import TerrainCfg
from legged_gym.utils.errors import ConfigError


class ClipTerrain:
    """The ground of C clips: a clip's own mesh, or the grounds made for a clip without one; each in n_rows copies.

    A tile is one copy of one ground of one clip.
    """

    def __init__(
        self, data: ReplayData, motion: DeepMimicCfg, cfg: TerrainCfg, seed: int, generator: torch.Generator
    ) -> None:
        """Make and lay out the ground.

        Args:
            data: the clips, and the meshes they play on.
            motion: `amass_terrain_difficulty` and `randomize_terrain_offset(_range)`.
            cfg: how meshes become ground.
            seed: of noise and made grounds.
            generator: of the draws of a tile and an offset at every reset.

        Raises:
            TerrainError: a mesh is no terrain, or does not lie under its clip.
            ConfigError: an option has a value it cannot have here.
        """
        self._generator, self._data = generator, data
        device = data.clip_start.device
        grounds = [_grounds(mesh, motion.amass_terrain_difficulty, seed) for mesh in data.terrains]
        bounds = [_root_bounds(data, clip) for clip in range(data.num_clips)]
        self.layout = DeepMimicTerrain(
            [ground for own in grounds for ground in own],
            cfg,
            seed,
            device,
            [bound for own, bound in zip(grounds, bounds, strict=True) for _ in own],
            [name for own, name in zip(grounds, data.clip_names, strict=True) for _ in own],
        )
        count = torch.tensor([len(own) * cfg.n_rows for own in grounds], device=device)
        self._count, self._first = count, torch.cumsum(count, 0) - count
        self.offsets = self.layout.tile_offsets.reshape(-1, 3)
        """(tiles, 3) clip frame to world, m."""
        self.is_flat = self.layout.is_flat
        self._offset_range = motion.randomize_terrain_offset_range if motion.randomize_terrain_offset else 0.0
        if self._offset_range and not self.is_flat:
            raise ConfigError(
                "deepmimic.randomize_terrain_offset: moves clips about on their ground, but "
                f"{_first_with_ground(data, grounds)} is tied to its own; switch it off"
            )
        self.moves = bool(self._offset_range) or bool(self.offsets.any())
        """Whether any clip's frame is not the world's."""
        corners = torch.from_numpy(self.layout.rectangles()).to(device, torch.float32)
        self._low, self._high = corners[:, 0], corners[:, 1]

    def add_to(self, spec: mujoco.MjSpec) -> None:
        """Add the ground to a model that has none."""
        self.layout.add_to(spec)

    def draw(self, clips: Tensor) -> tuple[Tensor, Tensor]:
        """A tile for each of some episodes: clips (n,) -> tiles (n,) and the clip frames' place in the world (n, 3)."""
        tiles = self._first[clips]
        if self.offsets.shape[0] > len(self._count):
            tiles = tiles + (self._rand(len(clips)) * self._count[clips]).long()
        offsets = self.offsets[tiles]
        if self._offset_range:
            offsets = offsets.clone()
            shape = (len(clips), 2)
            offsets[:, :2] += self._offset_range * torch.randn(
                shape, generator=self._generator, device=clips.device
            )
        return tiles, offsets

    def tile_mesh(self, tile: int) -> tuple[np.ndarray, np.ndarray]:
        """Vertices (V, 3) in its clip's frame and triangles (F, 3) of a tile, for pictures."""
        rows = self.layout.cfg.n_rows
        return self.layout.tile_mesh(tile // rows, tile % rows)

    def heights(self, tiles: Tensor, points_xy_w: Tensor) -> Tensor:
        """World height of the ground: tiles (N,), points (N, P, 2) -> (N, P) m."""
        if self.is_flat:
            return torch.zeros_like(points_xy_w[..., 0])
        return self.layout.heights(tiles, points_xy_w)

    def left(self, tiles: Tensor, xy_w: Tensor) -> Tensor:
        """Who is off its tile (N,) and the level ground around it, at (N, 2) m; flat ground has no end. (N,) bool"""
        if self.is_flat:
            return torch.zeros(len(xy_w), dtype=torch.bool, device=xy_w.device)
        return ((xy_w < self._low[tiles]) | (xy_w > self._high[tiles])).any(-1)

    def _rand(self, n: int) -> Tensor:
        return torch.rand(n, generator=self._generator, device=self.offsets.device)


def _grounds(mesh: Path | None, difficulty: int, seed: int) -> Sequence[Path | Ground]:
    """The grounds a clip is played on: its mesh, else made ones from flat to the difficulty."""
    if mesh is not None:
        return (mesh,)
    return tuple(amass_ground(level, seed) for level in range(1, difficulty + 1))


def _root_bounds(data: ReplayData, clip: int) -> np.ndarray:
    """(2, 3) lowest and highest root position of a clip, m."""
    first = int(data.clip_start[clip])
    root = data.root_pos_w[first : first + int(data.clip_length[clip])]
    return torch.stack((root.amin(0), root.amax(0))).cpu().double().numpy()


def _first_with_ground(data: ReplayData, grounds: Sequence[Sequence[Path | Ground]]) -> str:
    flat = (Ground(),)
    return next(name for name, own in zip(data.clip_names, grounds, strict=True) if tuple(own) != flat)

"""Small worlds with their heights as tensors, and MuJoCo's own rays to compare with."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np
import torch
from torch import Tensor

from legged_gym.sensors.geometry import HeightFunction

BOXES = (((1.0, 0.2), (0.4, 0.5), 0.3), ((-0.6, -0.7), (0.3, 0.3), 0.12), ((0.3, 1.6), (1.2, 0.3), 0.55))
"""Centre, half size and height of upright boxes on a floor at z = 0, m."""


@dataclass
class World:
    """Ground as a height function and as a MuJoCo model."""

    heights: HeightFunction
    model: mujoco.MjModel

    def rays(self, origins: Tensor, directions: Tensor) -> Tensor:
        """Distance along rays (..., 3) x 2 -> (...) by mj_ray; inf where nothing is hit."""
        data = mujoco.MjData(self.model)
        mujoco.mj_forward(self.model, data)
        geom = np.zeros(1, np.int32)
        pairs = zip(
            origins.reshape(-1, 3).double().numpy(), directions.reshape(-1, 3).double().numpy(), strict=True
        )
        found = [mujoco.mj_ray(self.model, data, o, d, None, 1, -1, geom) for o, d in pairs]
        distance = torch.tensor(found).view(origins.shape[:-1])
        return torch.where(distance < 0.0, torch.inf, distance)


def flat(_: Tensor, xy: Tensor) -> Tensor:
    """Ground at z = 0."""
    return torch.zeros(xy.shape[:-1])


def slope(_: Tensor, xy: Tensor) -> Tensor:
    """Ground that rises by 0.2 m per m of x and falls by 0.1 m per m of y."""
    return 0.2 * xy[..., 0] - 0.1 * xy[..., 1]


def boxes_world() -> World:
    """Three boxes on a floor."""
    spec = mujoco.MjSpec()
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[20, 20, 1])
    for (x, y), (a, b), height in BOXES:
        spec.worldbody.add_geom(
            type=mujoco.mjtGeom.mjGEOM_BOX, pos=[x, y, height / 2], size=[a, b, height / 2]
        )

    def heights(_: Tensor, xy: Tensor) -> Tensor:
        top = torch.zeros(xy.shape[:-1])
        for centre, half, height in BOXES:
            inside = ((xy - torch.tensor(centre)).abs() <= torch.tensor(half)).all(-1)
            top = torch.where(inside, top.clamp_min(height), top)
        return top

    return World(heights, spec.compile())


def hills_world() -> World:
    """Waves of +-0.15 m on 6 x 6 m, in cells of 5 cm: a height field, and bilinear look-up in the same numbers."""
    cell, half = 0.05, 3.0
    axis = torch.arange(-half, half + 1e-6, cell)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    ground = 0.15 * torch.sin(1.7 * x + 0.3) * torch.cos(1.3 * y) + 0.15  # [y][x], 0 .. 0.3
    spec = mujoco.MjSpec()
    n = len(axis)
    spec.add_hfield(
        name="hills", nrow=n, ncol=n, size=[half, half, 1.0, 0.1], userdata=ground.flatten().tolist()
    )
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_HFIELD, hfieldname="hills")
    model = spec.compile()
    model.hfield_data[:] = ground.flatten().numpy()  # the compiler stretches the numbers to 0 .. 1

    def heights(_: Tensor, xy: Tensor) -> Tensor:
        place = (xy + half) / cell
        low = place.floor().clamp(0, n - 2).long()
        (u, v), (column, row) = (place - low).unbind(-1), low.unbind(-1)
        left = torch.lerp(ground[row, column], ground[row + 1, column], v)
        right = torch.lerp(ground[row, column + 1], ground[row + 1, column + 1], v)
        return torch.where((xy.abs() <= half).all(-1), torch.lerp(left, right, u), torch.nan)

    return World(heights, model)


def random_poses(n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Bodies 0.7 to 1 m up within 1 m of the origin, heading anywhere, tilted by some 0.2 rad: (n, 3), (n, 4)."""
    generator = torch.Generator().manual_seed(seed)
    spread = torch.rand(n, 3, generator=generator) * 2.0 - 1.0
    pos = spread * torch.tensor([1.0, 1.0, 0.15]) + torch.tensor([0.0, 0.0, 0.85])
    quat = torch.randn(n, 4, generator=generator) * torch.tensor([1.0, 0.1, 0.1, 1.0])
    return pos, torch.nn.functional.normalize(quat, dim=-1)


def upright(n: int, x: float = 0.0, z: float = 0.8) -> tuple[Tensor, Tensor]:
    """Bodies at (x, 0, z), level, facing x: (n, 3), (n, 4)."""
    return torch.tensor([x, 0.0, z]).repeat(n, 1), torch.tensor([1.0, 0.0, 0.0, 0.0]).repeat(n, 1)

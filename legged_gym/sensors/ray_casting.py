"""Where rays meet the ground: by looking up heights along them, or by the engine."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from legged_gym.sensors.geometry import HeightFunction, RayCaster
from legged_gym.sim.simulator import Simulator

STEP = 0.03
"""Shortest step along a ray, m: what is thinner along the ray may be missed. Below the cells of most rasters."""
STEEPEST = 2.0
"""Slope (63 degrees) up to which a ray never steps through the ground, however far it steps."""
HALVINGS = 6
"""A step of 30 mm becomes 0.5 mm; the last bit is interpolated, which is exact on planes."""
NO_GROUND = 1e-6
"""Clearance where there is no ground, m: positive, and so small that the ray goes on with its shortest step."""


def height_ray_caster(heights: HeightFunction) -> RayCaster:
    """Rays on the surface that a height function describes; it has no overhangs."""

    def cast(env_ids: Tensor, origins_w: Tensor, directions_w: Tensor, max_distance: float) -> Tensor:
        return cast_on_heights(heights, env_ids, origins_w, directions_w, max_distance)

    return cast


def engine_ray_caster(sim: Simulator) -> RayCaster:
    """Rays on the engine's own collision geometry: exact, overhangs included, and dear.

    The ground is the same in all simulations, so the rays of a few envs are dealt out to all of them.
    """

    def cast(env_ids: Tensor, origins_w: Tensor, directions_w: Tensor, max_distance: float) -> Tensor:
        shape = origins_w.shape[:2]
        count = shape[0] * shape[1]
        share = math.ceil(count / sim.num_envs)
        spread = torch.arange(sim.num_envs * share, device=origins_w.device).clamp_max(count - 1)
        rays = [v.reshape(-1, 3)[spread].unflatten(0, (-1, share)) for v in (origins_w, directions_w)]
        return sim.cast_rays(*rays).flatten()[:count].view(shape)

    return cast


def cast_on_heights(
    heights: HeightFunction, env_ids: Tensor, origins_w: Tensor, directions_w: Tensor, max_distance: float
) -> Tensor:
    """Distance along rays to where they first go below the surface of ``heights``; inf beyond ``max_distance``.

    A ray steps as far as the ground could not rise to meet it with slope STEEPEST, and STEP at least; once it is
    below the ground the last step is halved. Steeper faces are found too, unless one step leaps all of an obstacle:
    an upright pole, or the corner of a box (0.2 % of the pixels in a scene of boxes).

    Args:
        heights: Height of the ground; where it is not finite there is none.
        env_ids: (n,) envs.
        origins_w: (n, R, 3) world. A ray that begins below the ground has length 0.
        directions_w: (n, R, 3) world, unit.
        max_distance: Where to stop, m.

    Returns:
        (n, R) m.
    """
    # Rays are flat from here on, so that finished ones can be left out.
    ray_env = env_ids.repeat_interleave(origins_w.shape[1])
    origins, directions = origins_w.reshape(-1, 3), directions_w.reshape(-1, 3)
    closing = (STEEPEST * directions[:, :2].norm(dim=-1) - directions[:, 2]).clamp_min(1e-3)

    def clearance(rays: Tensor, at: Tensor) -> Tensor:
        """Height of the points at distance ``at`` (m,) of rays (m,) over the ground, (m,)."""
        points = origins[rays] + at.unsqueeze(-1) * directions[rays]
        ground = heights(ray_env[rays], points[:, None, :2]).squeeze(1)
        return torch.nan_to_num(points[:, 2] - ground, nan=NO_GROUND, posinf=NO_GROUND)

    count, device = len(origins), origins.device
    # Where each ray is still above and already below the ground, and its clearance there.
    before, gap_before, gap_after = torch.zeros(3, count, device=device)
    after = torch.full((count,), math.inf, device=device)
    active, at = torch.arange(count, device=device), torch.zeros(count, device=device)
    end = at.new_tensor(max_distance)
    while len(active):
        gap = clearance(active, at)
        inside = gap <= 0.0
        after[active[inside]], gap_after[active[inside]] = at[inside], gap[inside]
        going_on = ~inside & (at < end)
        active, at, gap = active[going_on], at[going_on], gap[going_on]
        before[active], gap_before[active] = at, gap
        at = torch.minimum(at + (gap / closing[active]).clamp_min(STEP), end)
    hit = after.isfinite().nonzero().squeeze(-1)
    bracket = _Bracket(before[hit], after[hit], gap_before[hit], gap_after[hit])
    distance = torch.full((count,), math.inf, device=device)
    distance[hit] = _first_contact(lambda at: clearance(hit, at), bracket)
    return distance.view(origins_w.shape[:2])


class _Bracket(NamedTuple):
    """Distances (m,) along rays between which they meet the ground, and their clearances there."""

    before: Tensor
    after: Tensor
    gap_before: Tensor
    gap_after: Tensor


def _first_contact(clearance: Callable[[Tensor], Tensor], bracket: _Bracket) -> Tensor:
    """Distance at which the clearance along rays is zero, (m,)."""
    before, after, gap_before, gap_after = bracket
    for _ in range(HALVINGS):
        middle = 0.5 * (before + after)
        gap = clearance(middle)
        below = gap <= 0.0
        before, gap_before = torch.where(below, before, middle), torch.where(below, gap_before, gap)
        after, gap_after = torch.where(below, middle, after), torch.where(below, gap, gap_after)
    return before + (after - before) * gap_before / (gap_before - gap_after).clamp_min(1e-9)

"""Rays marched over a height function, against MuJoCo's and by hand."""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym.sensors.ray_casting import cast_on_heights, engine_ray_caster, height_ray_caster
from legged_gym.sim.mujoco_cpu import MujocoCpuSimulator
from legged_gym.sim.robot_model import build_robot
from legged_gym.sim.sim_config import ActuatorCfg, AssetCfg, SimCfg
from tests.sensors.worlds import World, flat, slope


def rays(n: int, per_env: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Rays from 0.8 to 1.2 m up, downward at 10 to 90 degrees."""
    generator = torch.Generator().manual_seed(seed)
    origins = torch.rand(n, per_env, 3, generator=generator) * torch.tensor([2.0, 2.0, 0.4])
    origins += torch.tensor([-1.0, -1.0, 0.8])
    directions = torch.randn(n, per_env, 3, generator=generator)
    directions[..., 2] = -directions[..., 2].abs() - 0.2 * directions[..., :2].norm(dim=-1)
    return origins, torch.nn.functional.normalize(directions, dim=-1)


def test_rays_end_where_the_engines_do(world: World):
    origins, directions = rays(5, 100)
    ours = cast_on_heights(world.heights, torch.arange(5), origins, directions, 3.0)
    engine = world.rays(origins, directions)
    engine = torch.where(engine > 3.0, torch.inf, engine)
    both = ours.isfinite() & engine.isfinite()
    agreed = (ours - engine).abs() < 0.01
    # The rest graze an edge: ours passes on one side and the engine's on the other.
    assert (agreed | ~(ours.isfinite() | engine.isfinite())).float().mean() > 0.98
    assert both.float().mean() > 0.7


def test_rays_end_at_vertical_faces():
    def wall(_: Tensor, xy: Tensor) -> Tensor:
        return torch.where(xy[..., 0] > 1.0, 2.0, 0.0)

    origin, ahead = torch.tensor([[[0.0, 0.0, 1.0]]]), torch.tensor([[[1.0, 0.0, 0.0]]])
    distance = cast_on_heights(wall, torch.tensor([0]), origin, ahead, 3.0)
    torch.testing.assert_close(distance, torch.tensor([[1.0]]), atol=5e-3, rtol=0)


def test_planes_are_met_exactly_by_rays_of_any_direction():
    origins, directions = rays(2, 50)
    normal = torch.tensor([-0.2, 0.1, 1.0])
    expected = -(origins @ normal) / (directions @ normal)
    near = (expected > 0.0) & (expected < 20.0)
    assert near.float().mean() > 0.9
    ours = cast_on_heights(slope, torch.arange(2), origins, directions, 20.0)
    torch.testing.assert_close(ours[near], expected[near], atol=1e-3, rtol=0)
    assert ours[~near].isinf().all()


def test_rays_that_meet_nothing_are_infinite_and_rays_from_below_are_empty():
    origins = torch.tensor([[[0.0, 0.0, 1.0], [0.0, 0.0, 1.0], [0.0, 0.0, 4.0], [0.0, 0.0, -0.5]]])
    directions = torch.tensor([[[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 0.0, -1.0]]])
    distance = cast_on_heights(flat, torch.tensor([0]), origins, directions, 3.0)
    assert distance.tolist() == [[torch.inf, torch.inf, torch.inf, 0.0]]


def test_a_ray_goes_through_a_hole_in_the_ground_and_ends_behind_it():
    def pit(_: Tensor, xy: Tensor) -> Tensor:
        return torch.where((xy[..., 0] > 0.5) & (xy[..., 0] < 1.5), torch.nan, 0.0)

    origin, slanted = torch.tensor([[[0.0, 0.0, 1.0]]]), torch.tensor([[[0.6, 0.0, -0.8]]])
    # At x = 0.75 the ray passes z = 0 within the hole; it is below the ground at its far side, x = 1.5.
    distance = cast_on_heights(pit, torch.tensor([0]), origin, slanted, 5.0)
    torch.testing.assert_close(distance, torch.tensor([[2.5]]), atol=0.01, rtol=0)


def test_each_env_has_its_own_ground():
    def levels(env_ids: Tensor, xy: Tensor) -> Tensor:
        return env_ids[:, None].float().expand(xy.shape[:-1]) * 0.1

    origins = torch.tensor([0.0, 0.0, 1.0]).expand(3, 2, 3)
    down = torch.tensor([0.0, 0.0, -1.0]).expand(3, 2, 3)
    distance = height_ray_caster(levels)(torch.tensor([4, 0, 2]), origins, down, 5.0)
    torch.testing.assert_close(distance, torch.tensor([[0.6] * 2, [1.0] * 2, [0.8] * 2]))


def test_the_engine_casts_rays_of_any_number_of_envs():
    sim = MujocoCpuSimulator(build_robot(AssetCfg(), ActuatorCfg()), SimCfg(num_threads=1), 3)
    origins, directions = rays(2, 50)
    expected = -origins[..., 2] / directions[..., 2]  # flat ground
    distance = engine_ray_caster(sim)(torch.tensor([2, 0]), origins, directions, 10.0)
    torch.testing.assert_close(distance, expected, atol=1e-4, rtol=1e-4)

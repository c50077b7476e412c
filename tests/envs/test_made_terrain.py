"""Grounds side by side, who walks on which, and how robots climb through the levels."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch

from legged_gym.envs.base.made_terrain import MadeTerrain
from legged_gym.envs.base.robot_velocity_config import MadeTerrainCfg
from legged_gym.terrain.generators import START_M
from legged_gym.utils.errors import ConfigError

EVERY_KIND = ["flat", "slope", "stairs", "stepping_boxes", "gaps", "rough", "waves"]
NO, YES = torch.zeros(4, dtype=torch.bool), torch.ones(4, dtype=torch.bool)
ALL = torch.arange(4)


def make(kinds: list[str], num_envs: int = 4, seed: int = 1, **fields) -> MadeTerrain:
    cfg = MadeTerrainCfg(kinds=kinds, **fields)
    return MadeTerrain(cfg, num_envs, seed, torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def every() -> MadeTerrain:
    """All kinds in three levels."""
    return make(EVERY_KIND, num_envs=70, num_levels=3)


def heights(terrain: MadeTerrain, tile: int, side: float = 8.8, points: int = 89) -> torch.Tensor:
    """(points, points) heights on a square about the middle of a tile, m."""
    axis = torch.linspace(-side / 2, side / 2, points)
    grid = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1).reshape(1, -1, 2)
    where = grid + terrain.offsets[tile, :2]
    return terrain.heights(torch.tensor([tile]), where).reshape(points, points)


# ---------------------------------------------------------------------- where grounds lie


def test_every_kind_and_level_has_a_square_of_its_own(every):
    assert every.offsets.shape == (7 * 3, 3) and (every.offsets[:, 2] == 0.0).all()
    made = every.offsets[3:, :2]  # the first kind is flat, and all flat ground is one tile
    assert (every.offsets[:3] == every.offsets[0]).all()
    for one, other in combinations([every.offsets[0, :2], *made], 2):
        assert (one - other).abs().max() >= 9.0, "squares of 9 m overlap"


def test_every_ground_is_level_in_the_middle_where_robots_start(every):
    for tile in range(len(every.offsets)):
        assert (
            heights(every, tile, side=2 * START_M - 0.2, points=11).abs().max() < 1e-6
        )  # but for a cell of 8 cm


@pytest.mark.parametrize("kind", EVERY_KIND[1:])
def test_level_0_is_nearly_flat_and_every_level_is_harder(every, kind):
    first = EVERY_KIND.index(kind) * every.num_levels
    if kind == "gaps":  # all gaps are half a metre deep; they get wider
        hardness = [(heights(every, first + k) < -0.1).float().mean().item() for k in range(3)]
        assert hardness[0] < 0.15
    else:
        hardness = [heights(every, first + k).abs().max().item() for k in range(3)]
        assert hardness[0] <= (0.2001 if kind == "stairs" else 0.021)  # ten steps of 2 cm
    assert hardness[0] < hardness[1] < hardness[2]
    assert hardness[2] > 3 * hardness[0]


def test_flat_ground_alone_is_one_plane_without_levels_or_end():
    terrain = make(["flat"], curriculum=True)
    assert terrain.is_flat and terrain.num_levels == 1 and (terrain.offsets == 0.0).all()
    points = torch.tensor([[[0.0, 0.0], [500.0, -500.0]]]).repeat(4, 1, 1)
    assert (terrain.heights(terrain.tiles(ALL), points) == 0.0).all()
    assert not terrain.left(torch.full((4, 2), 500.0)).any()
    terrain.learn(ALL, NO, YES)
    assert terrain.tiles(ALL).tolist() == [0, 0, 0, 0] and terrain.mean_levels() == {}


def test_a_robot_has_left_when_it_is_off_its_square(every):
    offsets = torch.tensor([[4.4, -4.4], [4.6, 0.0], [0.0, -4.6], [-4.6, 4.6]])
    assert every.left(offsets).tolist() == [False, True, True, True]


def test_the_seed_decides_the_ground():
    first, again, other = (make(["rough"], num_levels=2, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(heights(first, 1), heights(again, 1))
    assert not torch.equal(heights(first, 1), heights(other, 1))


# ---------------------------------------------------------------------- who walks where


def test_robots_are_spread_evenly_over_the_kinds_and_begin_at_the_bottom(every):
    assert torch.bincount(every.kind).tolist() == [10] * 7
    assert (every.level == 0).all()
    assert every.tiles(torch.tensor([0, 1, 6, 8])).tolist() == [0, 3, 18, 3]
    every.level[8] = 2
    assert every.tiles(torch.tensor([1, 8])).tolist() == [3, 5]
    assert (every.name_of(0), every.name_of(8)) == ("flat", "slope 2")
    every.level[8] = 0


def test_without_a_curriculum_every_level_of_every_kind_has_as_many_robots_for_good():
    terrain = make(["slope", "stairs"], num_envs=24, num_levels=3, curriculum=False)
    assert torch.bincount(terrain.tiles(torch.arange(24))).tolist() == [4] * 6
    before = terrain.level.clone()
    terrain.learn(ALL, NO, YES)
    terrain.learn(ALL, YES, NO)
    assert torch.equal(terrain.level, before)


# ---------------------------------------------------------------------- levels


def test_success_goes_up_failure_goes_down_and_neither_stays():
    terrain = make(["rough"], num_levels=4)
    terrain.level[:] = torch.tensor([1, 1, 1, 0])
    failed, succeeded = torch.tensor([False, True, False, True]), torch.tensor([True, False, False, False])
    terrain.learn(ALL, failed, succeeded)
    assert terrain.level.tolist() == [2, 0, 1, 0]  # nothing is below the lowest


def test_only_the_robots_whose_episode_ended_change_their_level():
    terrain = make(["rough"], num_levels=4)
    terrain.learn(torch.tensor([2]), NO[:1], YES[:1])
    assert terrain.level.tolist() == [0, 0, 1, 0]
    assert terrain.mean_levels() == {"Terrain/rough_level": pytest.approx(0.25)}


def test_who_masters_the_hardest_level_goes_on_at_any():
    terrain = make(["rough"], num_envs=400, num_levels=4)
    terrain.level[:] = 3
    terrain.level[200:] = 2
    everyone = torch.arange(400)
    terrain.learn(everyone, torch.zeros(400, dtype=torch.bool), torch.ones(400, dtype=torch.bool))
    assert (terrain.level[200:] == 3).all()
    counts = np.bincount(terrain.level[:200], minlength=4)
    assert counts.sum() == 200 and counts.min() >= 26, counts  # 50 each expected, four standard deviations


# ---------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kinds": []}, "terrain.kinds is empty"),
        ({"kinds": ["rough"], "num_levels": 0}, "terrain.num_levels is 0"),
        ({"kinds": ["ruff"]}, r"terrain.kinds.*no ground 'ruff'; there are flat, slope"),
        ({"kinds": ["rough"], "size": 2.0}, r"terrain.size.*size 2.0 m is not within 2.0 and 100 m"),
    ],
)
def test_what_cannot_be_made_is_named(fields, message):
    with pytest.raises(ConfigError, match=message):
        make(**fields)

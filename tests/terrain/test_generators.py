"""Ground that comes from no mesh."""

from __future__ import annotations

import numpy as np
import pytest

from legged_gym.terrain.generators import (
    AMASS_AMPLITUDES_M,
    GENERATORS,
    START_M,
    Ground,
    amass_ground,
    ground_geometry,
)
from legged_gym.terrain.geometry import TileGeometry
from legged_gym.terrain.mesh_ground import TopSurface
from legged_gym.utils.errors import TerrainError

ORIGIN = np.zeros(2)
KINDS = [kind for kind in GENERATORS if kind != "amass"]


def made(kind: str, difficulty: float, seed: int = 0) -> TileGeometry:
    return ground_geometry(Ground(kind, difficulty, seed), ORIGIN, ORIGIN, None)


def relief(kind: str, difficulty: float) -> float:
    return float(np.mean([np.ptp(made(kind, difficulty, seed).raster.heights) for seed in range(3)]))


@pytest.mark.parametrize("kind", KINDS)
def test_robots_start_on_level_ground_at_z_0(kind):
    start = np.random.default_rng(0).uniform(-0.9 * START_M, 0.9 * START_M, (200, 2))
    for difficulty in (0.0, 1.0):
        assert TopSurface(*made(kind, difficulty).surface())(start) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "gaps"])
def test_the_harder_the_higher(kind):
    assert relief(kind, 0.0) < relief(kind, 0.4) < relief(kind, 1.0)


def test_gaps_get_wider():
    pits = [np.mean(made("gaps", difficulty).raster.heights < -0.4) for difficulty in (0.0, 0.5, 1.0)]
    assert pits[0] < pits[1] < pits[2]


@pytest.mark.parametrize("kind", GENERATORS)
def test_a_seed_says_all(kind):
    same, again, other = (made(kind, 0.6, seed).raster.heights for seed in (3, 3, 4))
    np.testing.assert_array_equal(same, again)
    if kind not in ("slope", "stairs"):  # those draw up or down only
        assert not np.array_equal(same, other)


@pytest.mark.parametrize("kind", ["slope", "stairs"])
def test_some_go_up_and_some_down(kind):
    rims = [made(kind, 0.6, seed).ground_level for seed in range(8)]
    assert min(rims) < -0.1 and max(rims) > 0.1


def test_steps_have_the_height_that_is_meant():
    tile = made("stairs", 0.5, 0)
    tops = np.unique(np.round([box.pos[2] + box.half_size[2] for box in tile.boxes], 6))
    assert np.diff(tops) == pytest.approx(0.10)


@pytest.mark.parametrize(("difficulty", "amplitude"), list(enumerate(AMASS_AMPLITUDES_M, start=1)))
def test_amass_grounds_have_the_amplitudes_of_the_original(difficulty, amplitude):
    tile = ground_geometry(amass_ground(difficulty, 7), ORIGIN, ORIGIN, None)
    assert np.abs(tile.raster.heights).max() == pytest.approx(amplitude, abs=1e-6)
    assert np.ptp(tile.bounds[:, 0]) >= 9.0


def test_ground_reaches_as_far_as_its_clip():
    low, high = np.array([-2.0, 5.0]), np.array([14.0, 7.0])
    for ground in (Ground(), Ground("rough", 0.5), Ground("stairs", 0.5)):
        bounds = ground_geometry(ground, low, high, None).bounds
        assert (bounds[0, :2] <= low).all() and (bounds[1, :2] >= high - 1e-9).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("hills",), "no ground 'hills'; there are flat, slope"),
        (("rough", 1.2), "difficulty 1.2"),
        (("gaps", 0.5, 0, 1.0), "size"),
    ],
)
def test_unknown_grounds_are_refused(arguments, message):
    with pytest.raises(TerrainError, match=message):
        Ground(*arguments)


def test_unknown_difficulties_are_refused():
    with pytest.raises(TerrainError, match="amass_terrain_difficulty: is 6"):
        amass_ground(6, 0)

"""The ground that checks of clips measure contacts against is what MuJoCo collides with."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from legged_gym.motion.surface_distance import sphere_distance
from legged_gym.terrain.collision_ground import collision_ground
from legged_gym.terrain.deepmimic_terrain import DeepMimicTerrain
from legged_gym.terrain.geometry import make_geometry
from legged_gym.terrain.mesh_file import load_mesh
from legged_gym.terrain.terrain_config import TerrainCfg

from .conftest import boxes, sheet
from .test_deepmimic_terrain import SHAPES

RADIUS, MARGIN = 0.04, 0.06


def engine_distance(terrain: DeepMimicTerrain, centres: np.ndarray) -> np.ndarray:
    """(n,) smallest distance in MuJoCo's contacts of a ball at (n, 3) in the clip's frame, inf without contact."""
    spec = mujoco.MjSpec()
    body = spec.worldbody.add_body(name="ball")
    body.add_freejoint()
    body.add_geom(name="ball", size=[RADIUS, 0, 0], margin=MARGIN)
    terrain.add_to(spec)
    model = spec.compile()
    data, found = mujoco.MjData(model), []
    for centre in centres + terrain.tile_offsets[0, 0].double().numpy():
        data.qpos[:3] = centre
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_flex(model, data)
        mujoco.mj_collision(model, data)
        found.append(data.contact.dist.min() if data.ncon else np.inf)
    return np.array(found)


@pytest.mark.parametrize("kind", SHAPES)
def test_balls_are_as_far_from_it_as_the_engine_says(save, kind):
    path = save(SHAPES[kind], "terrain.ply")
    terrain = DeepMimicTerrain([path], TerrainCfg(collision=kind, cache=False), 0, "cpu")
    tile = terrain.geometry(0)
    ground, rng = collision_ground(tile), np.random.default_rng(0)
    low, high = tile.bounds[:, :2]
    xy = rng.uniform(low + 0.1, high - 0.1, (400, 2))
    centres = np.column_stack((xy, ground(xy) + rng.uniform(0.005, 0.09, 400)))
    ours, engine = sphere_distance(ground, centres, RADIUS), engine_distance(terrain, centres)
    ring = np.array([[np.cos(a), np.sin(a)] for a in np.linspace(0.0, 2.0 * np.pi, 16)])
    beside_wall = (ground(xy[:, None] + 0.09 * ring) - ground(xy)[:, None]).max(axis=1) > 0.09
    near = (np.abs(ours) < 0.03) & ~beside_wall  # the engine counts walls, which carry nothing
    assert near.sum() > 200
    assert ours[near] == pytest.approx(engine[near], abs=1e-4)


def test_inside_a_wall_it_is_as_far_to_the_outside_as_the_engine_says(save):
    """Balls in a platform whose sides are x = 0 and y = 0, from which they are pushed out sideways."""
    terrain = DeepMimicTerrain([save(SHAPES["boxes"])], TerrainCfg(collision="boxes", cache=False), 0, "cpu")
    rng = np.random.default_rng(0)
    centres = np.column_stack((rng.uniform(0.001, 0.1, (200, 2)), rng.uniform(0.11, 0.19, 200)))
    ours = sphere_distance(collision_ground(terrain.geometry(0)), centres, RADIUS)
    assert ours == pytest.approx(-centres[:, :2].min(axis=1) - RADIUS, abs=2e-3)
    assert ours == pytest.approx(engine_distance(terrain, centres), abs=2e-3)


def test_between_solids_and_around_a_mesh_is_its_ground_level(save):
    solids = boxes(((0, 0, 0), (1, 1, 0.4)), ((3, 3, 0), (4, 4, 0.2)))
    ground = collision_ground(make_geometry(load_mesh(save(solids))))
    np.testing.assert_allclose(
        ground(np.array([[0.5, 0.5], [2.0, 2.0], [3.5, 3.5], [9.0, 9.0]])), [0.4, 0, 0.2, 0]
    )
    sunk = sheet(height=lambda x, y: 0.0 * x - 0.3)
    ground = collision_ground(make_geometry(load_mesh(save(sunk, "sunk.obj"))))
    np.testing.assert_allclose(ground(np.array([[1.0, 1.0], [9.0, 9.0]])), [-0.3, -0.3], atol=1e-6)

"""A robot put down on every kind of ground stands on it, at the height of the mesh."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from legged_gym.motion.contacts import collision_points
from legged_gym.motion.kinematics import ModelIndex, forward_kinematics
from legged_gym.sim.robot_model import build_robot
from legged_gym.sim.sim_config import ActuatorCfg, AssetCfg
from legged_gym.terrain.deepmimic_terrain import DeepMimicTerrain
from legged_gym.terrain.generators import Ground
from legged_gym.terrain.mesh_ground import mesh_ground
from legged_gym.terrain.terrain_config import TerrainCfg

from .conftest import boxes, sheet
from .test_deepmimic_terrain import SHAPES

LEVELS = {  # shape and a level place of it on which both feet find room
    "boxes": (boxes(((-2, -2, -0.2), (4, 4, 0)), ((0, 0, 0), (1.5, 1.5, 0.3))), (0.75, 0.75)),
    "heightfield": (sheet(height=lambda x, y: 0.3 + 0.1 * np.tanh(3.0 * (x - 3.0))), (1.0, 1.5)),
    "mesh": (SHAPES["mesh"], (1.4, 1.3)),
}
DROP = 0.05


@pytest.mark.parametrize("kind", LEVELS)
def test_a_dropped_robot_settles_at_the_height_of_the_mesh(save, kind: str) -> None:
    g1 = build_robot(AssetCfg(), ActuatorCfg())
    mesh, place = LEVELS[kind]
    path = save(mesh, "terrain.ply")
    terrain = DeepMimicTerrain(
        [Ground("rough", 0.5), path], TerrainCfg(collision=kind, cache=False), 0, "cpu"
    )
    assert terrain.geometry(1).kind == kind
    offset = terrain.tile_offsets[1, 0].double().numpy()
    spec = g1.scene(ground=False, visuals=False)
    terrain.add_to(spec)
    model = spec.compile()
    model.opt.timestep = 0.005
    index, data = ModelIndex(model, g1.joint_names), mujoco.MjData(model)
    surface = mesh_ground(path)
    height = float(surface(np.array(place)))
    start = np.array([*place, height + g1.default_root_height + DROP]) + offset
    data.qpos[:] = index.qpos(start[None], np.array([[1.0, 0.0, 0.0, 0.0]]), g1.default_dof_pos[None])[0]
    data.ctrl[:] = g1.default_dof_pos
    for _ in range(160):  # 0.1 s of fall and 0.7 s of standing, before it tips over
        mujoco.mj_step(model, data)
    feet = forward_kinematics(model, g1.foot_bodies, data.qpos[None], np.zeros((1, model.nv)))
    soles = collision_points(model, g1.foot_bodies).lowest_w(feet)[0] - offset
    assert np.abs(soles[:, 2] - surface(soles[:, :2])).max() < 0.001

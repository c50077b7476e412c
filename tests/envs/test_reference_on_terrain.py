"""Reference feet stand on the ground that collides, on every tile that a clip may be put on."""

from __future__ import annotations

import dataclasses

import mujoco
import numpy as np
import pytest
import torch
import trimesh

from legged_gym.motion.clip import Clip
from legged_gym.motion.contacts import collision_points
from legged_gym.motion.formats import read_clip, write_clip
from legged_gym.motion.mirror import mirror
from legged_gym.motion.rotations import quat_about_axis, quat_mul, quat_rotate
from legged_gym.utils import paths

NUM_ENVS = 32
TOLERANCE = 0.02
CLIPS = paths.data_root() / "retargeted_data/g1"
ON_TERRAIN = sorted(CLIPS.glob("terrain/*.npz"))
FLAT = sorted(CLIPS.glob("*.npz"))


def soles(env, frames: torch.Tensor, env_ids: torch.Tensor) -> np.ndarray:
    """(n, K, feet, 4, 3) lowest point of every sphere of the reference's soles in the world, m."""
    points = collision_points(env.robot.compile(ground=False), env.robot.foot_bodies)
    body = np.array([env.data.body_names.index(name) for name in env.robot.foot_bodies])[points.body]
    reference = env.reference_at(frames, env_ids)
    position, quat = (
        values[..., body, :].double().numpy() for values in (reference.body_pos_w, reference.body_quat_wxyz)
    )
    lowest = position + quat_rotate(quat, points.local)
    lowest[..., 2] -= points.radius
    return lowest.reshape(*frames.shape, 2, 4, 3)


def ground(env, points_w: np.ndarray) -> np.ndarray:
    """(...) height of what collides under points (..., 3), by MuJoCo's rays from 10 cm above them, m."""
    model = env.sim.model
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    groups, geom = np.array([1, 0, 0, 0, 0, 0], np.uint8), np.zeros(1, np.int32)  # the robot is in others
    start = points_w.reshape(-1, 3) + np.array([0.0, 0.0, 0.1])
    down = np.array([0.0, 0.0, -1.0])
    far = np.array([mujoco.mj_ray(model, data, point, down, groups, 1, -1, geom) for point in start])
    assert (far > 0.0).all()
    return (start[:, 2] - far).reshape(points_w.shape[:-1])


def standing_soles(env, clip: int):
    """Tile (m,), and the soles (m, 4, 3) of every foot in contact, of all frames of a clip on all of its tiles."""
    ids = torch.arange(NUM_ENVS)
    first, count = int(env.data.clip_start[clip]), int(env.data.clip_length[clip])
    env.reset_to(ids, torch.full((NUM_ENVS,), first), noisy=False)
    tiles, chosen = np.unique(env.tile.numpy(), return_index=True)
    frames = torch.arange(first, first + count).expand(len(tiles), -1)
    touches = env.data.contacts[frames].bool().numpy()
    assert touches.any(axis=1).all()  # both feet
    tile = np.broadcast_to(tiles[:, None, None], touches.shape)[touches]
    return tile, soles(env, frames, torch.from_numpy(chosen))[touches]


@pytest.mark.parametrize("n_rows", [1, 2])
@pytest.mark.parametrize(
    "files", [ON_TERRAIN, FLAT, [*ON_TERRAIN, *FLAT[:4]]], ids=["terrain", "flat", "both"]
)
def test_feet_in_contact_are_on_the_ground_on_every_tile(task_cfg, make_env, files, n_rows):
    motion = task_cfg.env.deepmimic
    motion.amass_replay_data_path, motion.amass_terrain_difficulty = [str(path) for path in files], 1
    task_cfg.env.terrain.n_rows, task_cfg.env.env.num_envs = n_rows, NUM_ENVS
    env = make_env()
    seen = set()
    for clip, name in enumerate(env.data.clip_names):
        tile, sole = standing_soles(env, clip)
        seen |= set(tile.tolist())
        height = (sole[..., 2] - ground(env, sole)).min(axis=-1)  # of the foot's lowest point
        assert np.abs(height).max() < TOLERANCE, (name, height.min(), height.max())
        looked_up = env.terrain.heights(
            torch.from_numpy(tile), torch.from_numpy(sole[..., :2]).float()
        ).numpy()
        # Rasters show a riser as a ramp of 4 cm; everywhere else heights looked up are those that collide.
        assert np.quantile(np.abs(looked_up - ground(env, sole)), 0.85 if "stairs" in name else 0.98) < 0.001
    assert seen == set(range(len(files) * n_rows))
    assert bool(env.terrain.offsets.any()) is any(path in ON_TERRAIN for path in files)


def test_height_fields_hold_feet_as_well_where_there_are_no_risers(task_cfg, make_env):
    """Of stairs, heels would be in the ramps that risers become: that is why they are boxes."""
    task_cfg.env.terrain.cast_mesh_to_heightfield, task_cfg.env.env.num_envs = True, NUM_ENVS
    deepest = {}
    for name in ("slope", "box", "stairs"):
        task_cfg.env.deepmimic.amass_replay_data_path = [str(CLIPS / "terrain" / f"{name}.npz")]
        env = make_env()
        assert env.terrain.layout.geometry(0).kind == "heightfield"
        _, sole = standing_soles(env, 0)
        deepest[name] = np.abs((sole[..., 2] - ground(env, sole)).min(axis=-1)).max()
    assert max(deepest["slope"], deepest["box"]) < 0.001
    assert deepest["stairs"] == pytest.approx(0.08, abs=0.01)


def changed(clip: Clip, change: str) -> tuple[Clip, np.ndarray]:
    """A clip as another recording would have it, and the matrix (4, 4) that takes its mesh along."""
    if change == "mirrored":
        return mirror(dataclasses.replace(clip, terrain=None, links=None)), np.diag([1.0, -1.0, 1.0, 1.0])
    matrix = np.eye(4)
    if change == "shifted":
        matrix[:3, 3] = -7.3, 11.2, 0.35
    else:
        matrix = trimesh.transformations.rotation_matrix(2.1, (0.0, 0.0, 1.0))
    turn = quat_about_axis(2, np.array(2.1 if change == "rotated" else 0.0))
    return dataclasses.replace(
        clip,
        root_pos=trimesh.transform_points(clip.root_pos, matrix),
        root_quat_wxyz=quat_mul(turn, clip.root_quat_wxyz),
        links=None,
    ), matrix


@pytest.mark.parametrize("change", ["rotated", "shifted", "mirrored"])
@pytest.mark.parametrize("path", ON_TERRAIN, ids=lambda path: path.stem)
def test_feet_stay_on_a_mesh_that_moves_with_its_clip(task_cfg, make_env, tmp_path, path, change):
    clip, matrix = changed(read_clip(path), change)
    mesh = trimesh.load(path.with_suffix(".obj"), process=False)
    mesh.apply_transform(matrix)
    mesh.export(tmp_path / "moved.ply")
    write_clip(dataclasses.replace(clip, terrain="moved.ply"), tmp_path / "moved.npz")
    task_cfg.env.deepmimic.amass_replay_data_path = [str(tmp_path / "moved.npz")]
    task_cfg.env.terrain.n_rows, task_cfg.env.env.num_envs = 2, NUM_ENVS
    env = make_env()
    tile, sole = standing_soles(env, 0)
    assert set(tile.tolist()) == {0, 1}
    assert np.abs((sole[..., 2] - ground(env, sole)).min(axis=-1)).max() < 0.001

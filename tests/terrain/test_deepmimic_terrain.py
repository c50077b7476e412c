"""All clips' ground in one world: where it is, what collides there, and what lookups say."""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np
import pytest
import torch
import trimesh

from legged_gym.terrain.deepmimic_terrain import DeepMimicTerrain
from legged_gym.terrain.generators import GENERATORS, Ground
from legged_gym.terrain.mesh_ground import mesh_ground
from legged_gym.terrain.terrain_config import TerrainCfg, TerrainNoiseCfg
from legged_gym.utils.errors import ConfigError, TerrainError

from .conftest import boxes, sheet, stairs_in_one_piece

DOWN = np.array([0.0, 0.0, -1.0])
RADIUS = 0.05
UNCACHED = {"cache": False}


def world(terrain: DeepMimicTerrain, drops: np.ndarray = np.zeros((0, 3))) -> mujoco.MjModel:  # noqa: B008
    """The terrain and balls at positions (n, 3), m."""
    spec = mujoco.MjSpec()
    for position in drops:
        body = spec.worldbody.add_body(pos=position)
        body.add_freejoint()
        body.add_geom(size=[RADIUS, 0, 0], mass=0.5, condim=6, friction=[1.0, 0.1, 0.1], group=3)
    terrain.add_to(spec)
    return spec.compile()


def rays(model: mujoco.MjModel, xy_w: np.ndarray) -> np.ndarray:
    """Height of the ground at positions (n, 2), by MuJoCo's rays."""
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    groups, geom = np.array([1, 1, 1, 0, 1, 1], np.uint8), np.zeros(1, np.int32)
    return np.array(
        [30.0 - mujoco.mj_ray(model, data, np.array([*xy, 30.0]), DOWN, groups, 1, -1, geom) for xy in xy_w]
    )


def lookup(terrain: DeepMimicTerrain, clip: int, xy: np.ndarray, row: int = 0) -> np.ndarray:
    """Heights at positions (n, 2) in a clip's frame."""
    offset = terrain.tile_offsets[clip, row, :2]
    points = torch.tensor(xy, dtype=torch.float32) + offset
    tile = torch.tensor([clip * terrain.cfg.n_rows + row])
    return terrain.heights(tile, points[None])[0].numpy()


def changed(mesh: trimesh.Trimesh, change: str) -> trimesh.Trimesh:
    mesh = mesh.copy()
    matrix = {
        "as it is": np.eye(4),
        "rotated": trimesh.transformations.rotation_matrix(0.6, (0, 0, 1)),
        "shifted": trimesh.transformations.translation_matrix((-7.3, 11.2, 0.35)),
        "mirrored": np.diag([-1.0, 1.0, 1.0, 1.0]),
        "scaled": np.diag([1.6, 0.7, 1.3, 1.0]),
    }[change]
    mesh.apply_transform(matrix)
    return mesh


SOLIDS = boxes(((-1, -1.5, -0.2), (4, 3, 0)), ((0, 0, 0), (1, 1, 0.3)), ((1, 0, 0), (2.2, 1.4, 0.55)))
SHAPES = {
    "boxes": SOLIDS,
    "heightfield": sheet(step=0.05),
    "mesh": trimesh.util.concatenate(
        [boxes(((-1, -1, -0.2), (2, 2, 0))), trimesh.creation.cone(0.7, 0.5, sections=7)]
    ),
}


@pytest.mark.parametrize("change", ["as it is", "rotated", "shifted", "mirrored", "scaled"])
@pytest.mark.parametrize("kind", SHAPES)
def test_mesh_lookup_and_engine_agree_on_the_height(save, kind, change):
    path = save(changed(SHAPES[kind], change), "terrain.ply")
    terrain = DeepMimicTerrain([Ground("rough", 0.5), path], TerrainCfg(collision=kind, **UNCACHED), 0, "cpu")
    assert terrain.geometry(1).kind == kind
    low, high = trimesh.load(path).bounds[:, :2]
    surface = mesh_ground(path)

    def exact(xy: np.ndarray) -> np.ndarray:
        return np.nan_to_num(surface(xy), neginf=-99.0)

    xy = np.random.default_rng(0).uniform(low, high, (400, 2))
    ring = xy[:, None] + 0.09 * np.array([[np.cos(a), np.sin(a)] for a in np.linspace(0, 2 * np.pi, 9)])
    around = exact(ring)
    # Away from edges: the surface within 9 cm is a smooth one (or the cone's, at most as steep as this).
    smooth = (around > -9.0).all(axis=1) & (np.ptp(around, axis=1) < 0.12)
    middle = np.abs(around[:, :4] + around[:, 4:8] - 2 * exact(xy)[:, None]).max(axis=1) < 0.01
    xy = xy[smooth & middle]
    assert len(xy) > 100
    seen = rays(world(terrain), xy + terrain.tile_offsets[1, 0, :2].numpy())
    assert seen == pytest.approx(exact(xy), abs=0.01)
    assert lookup(terrain, 1, xy) == pytest.approx(exact(xy), abs=0.01)


@pytest.mark.parametrize("kind", SHAPES)
def test_a_dropped_ball_settles_at_the_height_of_the_mesh(save, kind):
    flat_spots = {  # level places of each shape, so that the ball stays
        "boxes": [(0.5, 0.5), (1.6, 0.7), (3.0, 2.0)],
        "heightfield": [(1.0, 1.0), (2.0, 1.5), (3.0, 0.5)],
        "mesh": [(-0.8, -0.8), (1.5, 1.5), (1.2, -0.5)],
    }
    shape = SHAPES[kind]
    if kind == "heightfield":
        shape = sheet(height=lambda x, y: 0.3 + 0.05 * np.round(x))
    path = save(shape, "terrain.ply")
    terrain = DeepMimicTerrain([Ground("rough", 0.5), path], TerrainCfg(collision=kind, **UNCACHED), 0, "cpu")
    xy = np.array(flat_spots[kind])
    height = mesh_ground(path)(xy)
    start = np.column_stack((xy, height + RADIUS + 0.1)) + terrain.tile_offsets[1, 0].numpy()
    model = world(terrain, start)
    model.opt.timestep = 0.005
    data = mujoco.MjData(model)
    for _ in range(300):
        mujoco.mj_step(model, data)
    rest = data.qpos.reshape(-1, 7)
    assert np.abs(rest[:, :2] - start[:, :2]).max() < 0.02
    assert rest[:, 2] - RADIUS == pytest.approx(height, abs=0.003)


@pytest.mark.parametrize("seed", range(8))
def test_tiles_of_any_size_and_origin_never_overlap(save, seed):
    rng = np.random.default_rng(seed)
    paths = []
    for i in range(6):
        low = np.append(rng.uniform(-20, 20, 2), -0.1)
        paths.append(save(boxes((low, low + np.append(rng.uniform(0.5, 12, 2), 0.1))), f"{i}.ply"))
    sources = [*paths, Ground(), Ground("rough", 0.3, seed, rng.uniform(3, 9)), paths[0]]
    apron = float(rng.uniform(0, 2))
    terrain = DeepMimicTerrain(sources, TerrainCfg(apron=apron, n_rows=2, **UNCACHED), 0, "cpu")
    model = world(terrain)
    spans = []
    for clip in range(len(sources) - 1):
        vertices, _ = terrain.tile_mesh(clip)
        for row in range(1 if clip == 6 else 2):  # flat ground has no copies
            own = vertices[:, :2] + terrain.tile_offsets[clip, row, :2].numpy()
            room = (
                apron if terrain.geometry(clip).kind == "boxes" else 0.0
            )  # else it is in the surface itself
            spans.append((own.min(axis=0) - room, own.max(axis=0) + room))
    low, high = np.array(spans).transpose(1, 0, 2)
    gap = np.maximum(low[:, None] - high[None], low[None] - high[:, None]).max(axis=-1)
    assert (gap[~np.eye(len(gap), dtype=bool)] > -1e-4).all()
    assert torch.equal(terrain.tile_offsets[-1], terrain.tile_offsets[0])  # the same mesh is there once
    assert np.abs((low.min(axis=0) + high.max(axis=0)) / 2) == pytest.approx(0.0, abs=1e-3)
    centre = (low + high) / 2
    assert (rays(model, centre) > -1.0).all()


def test_where_all_is_flat_there_is_one_plane_and_no_offset():
    terrain = DeepMimicTerrain([Ground()] * 50, TerrainCfg(n_rows=3), 0, "cpu")
    model = world(terrain)
    assert model.ngeom == 1 and model.geom("ground").type == mujoco.mjtGeom.mjGEOM_PLANE
    assert terrain.tile_offsets.shape == (50, 3, 3) and not terrain.tile_offsets.any()
    assert not lookup(terrain, 7, np.array([[0.0, 0.0], [500.0, -300.0]])).any()


def test_flat_clips_beside_others_share_one_level_box(save):
    terrain = DeepMimicTerrain([Ground(), save(sheet()), Ground()], TerrainCfg(**UNCACHED), 0, "cpu")
    assert torch.equal(terrain.tile_offsets[0], terrain.tile_offsets[2])
    model = world(terrain)
    assert np.count_nonzero(model.geom_type == mujoco.mjtGeom.mjGEOM_BOX) == 1
    xy = np.array([[0.0, 0.0], [4.4, -5.3]])  # the second is on the apron
    assert rays(model, xy + terrain.tile_offsets[0, 0, :2].numpy()) == pytest.approx(0.0)


def test_ground_goes_on_level_around_a_tile_and_below_is_a_floor(save):
    for kind, level in (("boxes", 0.0), ("heightfield", 0.0), ("mesh", 0.0)):
        terrain = DeepMimicTerrain(
            [save(SOLIDS)], TerrainCfg(collision=kind, apron=1.5, **UNCACHED), 0, "cpu"
        )
        low, high = SOLIDS.bounds[:, :2]
        around = np.array(
            [low - 1.4, high + 1.4, [low[0] - 1.4, 0.0], [1.0, high[1] + 1.0], [high[0] + 0.3, low[1] - 0.3]]
        )
        model, offset = world(terrain), terrain.tile_offsets[0, 0, :2].numpy()
        assert rays(model, around + offset) == pytest.approx(level, abs=1e-6)
        assert lookup(terrain, 0, around) == pytest.approx(level, abs=1e-6)
        assert rays(model, high[None] + 5.0 + offset) == pytest.approx(-0.2 - 1.0)


def test_boxes_without_ground_of_their_own_stand_on_level_ground(save):
    terrain = DeepMimicTerrain(
        [save(boxes(((0, 0, 0), (1, 1, 0.4)), ((3, 3, 0), (4, 4, 0.2))))], TerrainCfg(**UNCACHED), 0, "cpu"
    )
    xy = np.array([[0.5, 0.5], [2.0, 2.0], [3.5, 3.5]])
    assert rays(world(terrain), xy + terrain.tile_offsets[0, 0, :2].numpy()) == pytest.approx([0.4, 0.0, 0.2])
    assert lookup(terrain, 0, xy) == pytest.approx([0.4, 0.0, 0.2])


@pytest.mark.parametrize("kind", GENERATORS)
def test_generated_ground_collides_where_lookups_say(kind):
    terrain = DeepMimicTerrain([Ground(kind, 0.7, 3), Ground()], TerrainCfg(), 0, "cpu")
    xy = np.random.default_rng(0).uniform(-5.2, 5.2, (300, 2))
    error = np.abs(rays(world(terrain), xy + terrain.tile_offsets[0, 0, :2].numpy()) - lookup(terrain, 0, xy))
    assert np.quantile(error, 0.9) < 0.005  # the rest are risers, which a raster shows as ramps


def test_lookups_of_many_tiles_at_once_are_those_of_each(save):
    terrain = DeepMimicTerrain(
        [save(sheet()), Ground("waves", 1.0), Ground(), Ground("stairs", 1.0)],
        TerrainCfg(**UNCACHED),
        0,
        "cpu",
    )
    rng = np.random.default_rng(0)
    tile = torch.tensor(rng.integers(0, 4, 50))
    xy = torch.tensor(rng.uniform(-6, 6, (50, 9, 2)), dtype=torch.float32)
    together = terrain.heights(tile, xy + terrain.tile_offsets[tile, 0, None, :2])
    for i in range(50):
        one = terrain.heights(tile[i : i + 1], xy[i : i + 1] + terrain.tile_offsets[tile[i], 0, None, :2])
        assert torch.equal(together[i], one[0])


def test_300_terrains_of_10_m_keep_positions_to_10_micrometres():
    grounds = [Ground("slope", 0.5, seed, 10.0) for seed in range(300)]
    terrain = DeepMimicTerrain(grounds, TerrainCfg(), 0, "cpu")
    assert 1e-6 < terrain.float32_resolution_m < 1e-5
    assert terrain.tile_offsets.abs().max() < 120.0 and terrain.tile_offsets.dtype == torch.float32
    assert "positions resolved to 7.6 um" in terrain.summary()
    assert terrain.num_bytes < 100e6


def test_a_step_is_resolved_even_for_a_mesh_far_from_its_origin(save):
    far = SOLIDS.copy()
    far.apply_translation((5000.0, -3000.0, 0.0))
    terrain = DeepMimicTerrain([save(far, "far.ply")], TerrainCfg(**UNCACHED), 0, "cpu")
    xy_w = np.array([5000.5, -2999.5]) + terrain.tile_offsets[0, 0, :2].double().numpy()
    assert np.abs(xy_w).max() < 5.0 and rays(world(terrain), xy_w[None]) == pytest.approx(0.3, abs=1e-3)


class TestOptions:
    def test_cast_mesh_to_heightfield_overrules_collision(self, save):
        cfg = TerrainCfg(collision="boxes", cast_mesh_to_heightfield=True, **UNCACHED)
        assert DeepMimicTerrain([save(SOLIDS)], cfg, 0, "cpu").geometry(0).kind == "heightfield"

    def test_horizontal_scale_is_the_cell_of_meshes_and_of_made_ground(self, save):
        terrain = DeepMimicTerrain(
            [save(sheet()), Ground("rough", 0.5)], TerrainCfg(horizontal_scale=0.11, **UNCACHED), 0, "cpu"
        )
        assert terrain.geometry(0).raster.cell == terrain.geometry(1).raster.cell == 0.11

    def test_rows_are_copies_elsewhere(self, save):
        terrain = DeepMimicTerrain([save(sheet())], TerrainCfg(n_rows=3, **UNCACHED), 0, "cpu")
        model = world(terrain)
        assert model.nhfield == 1  # they share their heights
        xy = np.array([[1.0, 1.0], [2.5, 0.7]])
        for row in range(3):
            seen = rays(model, xy + terrain.tile_offsets[0, row, :2].numpy())
            assert seen == pytest.approx(lookup(terrain, 0, xy, row), abs=1e-3) and seen.min() > 0.1
        assert len(torch.unique(terrain.tile_offsets[0], dim=0)) == 3

    def test_noise_differs_between_rows_and_seeds_and_has_its_amplitude(self, save):
        path, plain = save(sheet(height=lambda x, y: 0 * x + 0.3 + 0.01 * y**2)), {}
        for seed in (0, 1):
            cfg = TerrainCfg(n_rows=2, terrain_noise=TerrainNoiseCfg(amplitude=0.04), **UNCACHED)
            terrain = DeepMimicTerrain([path], cfg, seed, "cpu")
            xy = terrain.geometry(0).raster.points()[14:-14, 14:-14].reshape(-1, 2)  # without the apron
            plain = mesh_ground(path)(xy)
            for row in range(2):
                noise = lookup(terrain, 0, xy, row) - plain
                assert 0.02 < np.nanmax(np.abs(noise[np.isfinite(noise)])) < 0.0401
            assert not np.allclose(lookup(terrain, 0, xy, 0), lookup(terrain, 0, xy, 1), atol=0.01)
            first = lookup(terrain, 0, xy, 0)
            if seed == 0:
                kept = first
        assert not np.allclose(kept, first, atol=0.01)

    def test_noise_of_higher_frequency_octaves_and_persistence_is_steeper(self, save):
        def steepness(**fields):
            cfg = TerrainCfg(terrain_noise=TerrainNoiseCfg(amplitude=0.05, **fields), **UNCACHED)
            heights = DeepMimicTerrain([path], cfg, 0, "cpu").geometry(0).raster.heights
            return np.abs(np.diff(heights[20:-20, 20:-20], axis=0)).mean()

        path = save(sheet(6.0, 6.0, height=lambda x, y: 0.001 * x * y))
        usual = steepness()
        assert steepness(base_frequency=1.0) > 1.3 * usual
        assert steepness(octaves=1) < 0.9 * usual
        assert steepness(persistence=0.9) > 1.05 * usual

    def test_random_z_scaling_makes_copies_steeper_or_flatter_each_from_the_mesh(self, save):
        noise = TerrainNoiseCfg(random_z_scaling_enable=True, random_z_scaling_scale=0.2)
        path = save(sheet(height=lambda x, y: 0.5 + 0.1 * x + 0.01 * y**2))
        terrain = DeepMimicTerrain([path], TerrainCfg(n_rows=6, terrain_noise=noise, **UNCACHED), 0, "cpu")
        xy = np.array([[2.0, 1.5]])
        factors = [lookup(terrain, 0, xy, row)[0] / mesh_ground(path)(xy)[0] for row in range(6)]
        assert 0.8 <= min(factors) < 1.0 < max(factors) <= 1.2 and np.std(factors) > 0.05

    @pytest.mark.parametrize("name", ["static_friction", "dynamic_friction"])
    def test_friction_decides_whether_a_ball_slides_down(self, save, name):
        path = save(sheet(4.0, 3.0, height=lambda x, y: 0.5 * x))  # 27 degrees: tan is 0.5
        moved = {}
        for value in (0.2, 0.9):
            terrain = DeepMimicTerrain([path], TerrainCfg(**{name: value}, **UNCACHED), 0, "cpu")
            spec = mujoco.MjSpec()
            position = np.array([3.0, 1.5, 1.5 + 0.06]) + terrain.tile_offsets[0, 0].numpy()
            body = spec.worldbody.add_body(pos=position, quat=[np.cos(-0.2318), 0, np.sin(-0.2318), 0])
            body.add_freejoint()
            body.add_geom(
                type=mujoco.mjtGeom.mjGEOM_BOX, size=[0.1, 0.1, 0.05], friction=[0.5, 0, 0], priority=1
            )
            terrain.add_to(spec)
            model = spec.compile()
            data = mujoco.MjData(model)
            for _ in range(250):
                mujoco.mj_step(model, data)
            moved[value] = np.linalg.norm(data.qpos[:2] - position[:2])
        assert moved[0.2] > 0.2 > 0.05 > moved[0.9]

    def test_without_friction_the_robot_decides(self, save):
        model = world(DeepMimicTerrain([save(sheet())], TerrainCfg(**UNCACHED), 0, "cpu"))
        assert not model.geom_priority.any()

    def test_the_cache_serves_the_second_start(self, save):
        paths = [save(sheet(step=0.25)), save(SOLIDS, "solids.obj")]
        made = [DeepMimicTerrain(paths, TerrainCfg(), 0, "cpu").num_cached for _ in range(2)]
        assert made == [0, 2]
        assert DeepMimicTerrain(paths, TerrainCfg(**UNCACHED), 0, "cpu").num_cached == 0

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"n_rows": 0}, "n_rows: is 0"),
            ({"apron": -1.0}, "apron: is -1.0"),
            ({"static_friction": 1.0, "dynamic_friction": 0.8}, "MuJoCo has one coefficient"),
            ({"terrain_noise": TerrainNoiseCfg(octaves=0)}, "has 0 octaves"),
            ({"terrain_noise": TerrainNoiseCfg(amplitude=-0.1)}, "terrain_noise.amplitude: is -0.1"),
            ({"horizontal_scale": -0.1}, "horizontal_scale: is -0.1"),
            ({"collision": "hull"}, "known: auto"),
        ],
    )
    def test_wrong_values_are_refused(self, save, fields, message):
        with pytest.raises(ConfigError, match=message):
            DeepMimicTerrain([save(sheet(step=0.25))], TerrainCfg(**fields), 0, "cpu")

    def test_no_clip_is_refused(self):
        with pytest.raises(ConfigError, match="no clip"):
            DeepMimicTerrain([], TerrainCfg(), 0, "cpu")


def cylinders(save, count: int) -> list[Path]:
    """Meshes of 252 triangles each that auto keeps as they are."""
    found = []
    for i in range(count):
        mesh = trimesh.creation.cylinder(0.5 + 0.1 * i, 0.4, sections=60)
        found.append(
            save(trimesh.util.concatenate([mesh, boxes(((-2, -2, -0.4), (2, 2, -0.2)))]), f"{i}.ply")
        )
    return found


def test_auto_turns_meshes_into_height_fields_once_there_are_too_many_triangles(save):
    paths = cylinders(save, 5)
    terrain = DeepMimicTerrain(paths, TerrainCfg(**UNCACHED), 0, "cpu")
    kinds = [terrain.geometry(clip).kind for clip in range(5)]
    assert kinds.count("mesh") == 3 and kinds.count("heightfield") == 2
    with pytest.raises(TerrainError, match="mesh needs 1260 triangles"):
        DeepMimicTerrain(paths, TerrainCfg(collision="mesh", **UNCACHED), 0, "cpu")


def test_many_boxes_are_told_to_be_slow(caplog):
    grounds = [Ground("stepping_boxes", 0.5, seed) for seed in range(40)]
    terrain = DeepMimicTerrain(grounds, TerrainCfg(), 0, "cpu")
    assert "every step" not in caplog.text
    world(terrain)
    assert "static geoms" in caplog.text and "every step" in caplog.text


def test_robots_meet_meshes_but_keep_their_own_collisions(save):
    terrain = DeepMimicTerrain(cylinders(save, 1), TerrainCfg(**UNCACHED), 0, "cpu")
    spec = mujoco.MjSpec()
    body = spec.worldbody.add_body(pos=[0, 0, 2])
    body.add_freejoint()
    body.add_geom(name="shape", size=[0.1, 0, 0])
    body.add_geom(name="picture", size=[0.1, 0, 0], contype=0, conaffinity=0)
    terrain.add_to(spec)
    model = spec.compile()
    assert (model.geom("shape").contype, model.geom("shape").conaffinity) == (1, 3)
    assert (model.geom("picture").contype, model.geom("picture").conaffinity) == (0, 0)


class TestClipBounds:
    def test_flat_ground_reaches_under_all_its_clips(self, save):
        bounds = [
            np.array([[-20.0, 0, 0.7], [0, 0, 0.8]]),
            np.array([[0.0, 0, 0.7], [1, 1, 1]]),
            np.array([[0.0, 0, 0.7], [0, 30, 1]]),
        ]
        terrain = DeepMimicTerrain(
            [Ground(), save(sheet()), Ground()], TerrainCfg(**UNCACHED), 0, "cpu", bounds
        )
        ends = np.array([[-20.5, 0.0], [0.0, 30.5]]) + terrain.tile_offsets[0, 0, :2].numpy()
        assert rays(world(terrain), ends) == pytest.approx(0.0)

    def test_a_tile_reserves_room_where_its_clip_leaves_the_mesh(self, save):
        bounds = [np.array([[0.0, 0, 0.7], [12.0, 1, 0.8]])]
        for mesh in (SOLIDS, sheet()):
            terrain = DeepMimicTerrain([save(mesh)], TerrainCfg(**UNCACHED), 0, "cpu", bounds)
            xy = np.array([[12.9, 0.5]])
            level = terrain.geometry(0).ground_level
            assert rays(world(terrain), xy + terrain.tile_offsets[0, 0, :2].numpy()) == pytest.approx(
                level, abs=1e-6
            )

    def test_a_mesh_that_is_not_there_is_refused_by_name(self, save):
        with pytest.raises(TerrainError, match=r"terrain\.obj: is not under jump"):
            bounds = [np.array([[0.0, 0, 0.7], [1, 1, 1]]), np.array([[50.0, 0, 0.7], [51, 1, 1]])]
            path = save(sheet(step=0.25))
            DeepMimicTerrain([path, path], TerrainCfg(**UNCACHED), 0, "cpu", bounds, ["walk", "jump"])


def test_pictures_show_the_ground_in_the_clips_frame(save):
    terrain = DeepMimicTerrain([save(stairs_in_one_piece()), Ground()], TerrainCfg(**UNCACHED), 0, "cpu")
    vertices, faces = terrain.tile_mesh(0)
    assert vertices.max(axis=0) == pytest.approx([1.2, 1.0, 0.6]) and faces.max() < len(vertices)
    vertices, faces = terrain.tile_mesh(1)
    assert np.ptp(vertices, axis=0) == pytest.approx([11.0, 11.0, 0.0]) and len(faces) == 2


def test_the_crawl_slope_is_three_boxes_of_which_the_ground_is_its_own_apron(shared_dir):
    path = shared_dir / "data/g1/crawl_slope/terrain.obj"
    terrain = DeepMimicTerrain([path], TerrainCfg(**UNCACHED), 0, "cpu")
    model = world(terrain)
    assert np.count_nonzero(model.geom_type == mujoco.mjtGeom.mjGEOM_BOX) == 3
    xy = np.random.default_rng(0).uniform((-0.6, -2.0), (0.6, 2.2), (300, 2))
    seen = rays(model, xy + terrain.tile_offsets[0, 0, :2].numpy())
    assert seen == pytest.approx(mesh_ground(path)(xy), abs=1e-5)
    beyond = np.array([[7.9, -8.3]]) + terrain.tile_offsets[0, 0, :2].numpy()
    assert rays(model, beyond) == pytest.approx(0.0, abs=1e-6)

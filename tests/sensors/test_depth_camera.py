"""Depth images against MuJoCo's rays, and each kind of noise against its definition."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from legged_gym.sensors.depth_camera import DepthCamera, depth_edges
from legged_gym.sensors.geometry import HeightFunction, RayCaster
from legged_gym.sensors.ray_casting import height_ray_caster
from legged_gym.sensors.sensor_config import DepthCameraCfg
from legged_gym.utils.math import quat_rotate
from tests.sensors.worlds import World, flat, random_poses, slope, upright

CFG = DepthCameraCfg(enabled=True)
LEVEL = replace(CFG, mount_pos=(0.0, 0.0, 0.0), mount_rpy=(0.0, 0.0, 0.0))
DT = 0.02


def camera(
    cfg: DepthCameraCfg, n: int, heights: HeightFunction = flat, seed: int = 0
) -> tuple[DepthCamera, Tensor]:
    cfg.check("sensors.depth")
    source = torch.Generator().manual_seed(seed)
    return DepthCamera(cfg, n, DT, height_ray_caster(heights), source), torch.arange(n)


def at_distance(metres: float) -> RayCaster:
    """A wall right ahead of a level camera that faces x at the origin."""
    return lambda _, __, directions, ___: metres / directions[..., 0].clamp_min(1e-6)


def test_images_are_what_the_engine_sees(world: World):
    pos, quat = random_poses(4, seed=2)
    sensor, everyone = camera(CFG, 4, world.heights)
    sensor.reset(everyone, pos, quat)
    assert sensor.value.shape == (4, 30, 40)
    origins, orientation = (v[:, None].expand(-1, 1200, -1) for v in sensor.camera_pose(pos, quat))

    def engine(shift: Tensor) -> Tensor:
        """Depth (4, 30, 40) by the engine with each pixel's point at depth 1 moved by shift (3,)."""
        points = _points_by_hand() + shift
        directions = quat_rotate(orientation, torch.nn.functional.normalize(points, dim=-1).expand(4, -1, -1))
        depth = world.rays(origins, directions) / points.norm(dim=-1)
        return depth.clamp_max(3.0).unflatten(1, (30, 40)).float()

    true = engine(torch.zeros(3))
    around = [
        engine(torch.tensor(shift))
        for shift in ((0, 0.005, 0), (0, -0.005, 0), (0, 0, 0.005), (0, 0, -0.005))
    ]
    away = torch.stack([(near - true).abs() < 0.05 for near in around]).all(0)  # no edge within 1 cm
    assert away.float().mean() > 0.85
    assert (true[away] < 3.0).float().mean() > 0.5
    # What is left are rays that clip a vertical corner of a box within one step.
    assert ((sensor.value - true)[away].abs() > 0.01).float().mean() < 0.003


def _points_by_hand() -> Tensor:
    """Points at depth 1 under the pixels of the default image, row by row, (1200, 3): fx = 192, centre 160, 120."""
    pixels = [((column + 0.5) * 8, (row + 0.5) * 8) for row in range(30) for column in range(40)]
    return torch.tensor([(1.0, (160 - u) / 192, (120 - v) / 192) for u, v in pixels])


def test_a_level_camera_sees_the_ground_in_its_lower_half_only():
    sensor, everyone = camera(LEVEL, 1)
    sensor.reset(everyone, *upright(1, z=0.5))
    image = sensor.value[0]
    assert (image[:15] == 3.0).all()
    # The last row looks down by 116 / 192 per unit of depth, so it meets the ground at 0.5 * 192 / 116.
    torch.testing.assert_close(image[-1], torch.full((40,), 0.5 * 192 / 116), atol=1e-3, rtol=0)


def test_columns_run_to_the_right():
    sensor, everyone = camera(LEVEL, 1, lambda _, xy: torch.where(xy[..., 1] < -0.2, 0.4, 0.0))
    sensor.reset(everyone, *upright(1, z=0.5))
    last = sensor.value[0, -1]
    assert last[-1] < last[0]  # higher ground to the robot's right (y < 0)


def test_the_default_camera_looks_down_from_the_head():
    sensor, _ = camera(CFG, 1)
    centre, quat = sensor.camera_pose(*upright(1, z=0.8))
    torch.testing.assert_close(centre, torch.tensor([[0.0576, 0.0175, 1.2299]]), atol=1e-4, rtol=0)
    forward = quat_rotate(quat, torch.tensor([[1.0, 0.0, 0.0]]))
    torch.testing.assert_close(forward, torch.tensor([[0.6743, 0.0, -0.7385]]), atol=1e-4, rtol=0)


def test_a_flat_wall_has_one_depth_in_all_pixels():
    sensor = DepthCamera(LEVEL, 1, DT, at_distance(1.5), torch.Generator())
    sensor.reset(torch.tensor([0]), *upright(1))
    torch.testing.assert_close(sensor.value, torch.full((1, 30, 40), 1.5))


def test_an_own_matrix_changes_the_view():
    wide = replace(LEVEL, intrinsic_matrix=[[96.0, 0.0, 160.0], [0.0, 96.0, 120.0], [0.0, 0.0, 1.0]])
    sensor, everyone = camera(wide, 1)
    sensor.reset(everyone, *upright(1, z=0.5))
    torch.testing.assert_close(sensor.value[0, -1], torch.full((40,), 0.5 * 96 / 116), atol=1e-3, rtol=0)


@pytest.mark.parametrize(("factor", "shape"), [(8, (30, 40)), (4, (60, 80)), (40, (6, 8))])
def test_thinning_keeps_the_view(factor, shape):
    sensor, everyone = camera(replace(LEVEL, downsample_factor=factor), 1)
    sensor.reset(everyone, *upright(1, z=0.5))
    assert sensor.value.shape == (1, *shape)
    lowest = 0.5 * 192 / (120 - factor / 2)
    torch.testing.assert_close(sensor.value[0, -1, 0], torch.tensor(lowest), atol=1e-3, rtol=0)


def test_only_heading_keeps_the_camera_level():
    pos, quat = random_poses(5)
    gimbal, everyone = camera(replace(LEVEL, only_heading=True), 5)
    fixed, _ = camera(LEVEL, 5)
    for sensor in (gimbal, fixed):
        sensor.reset(everyone, pos, quat)
    assert (gimbal.value[:, :15] == 3.0).all()
    assert not (fixed.value[:, :15] == 3.0).all()


# ---------------------------------------------------------------------- noise, one kind at a time


def walls(cfg: DepthCameraCfg, metres: float, n: int = 50) -> Tensor:
    sensor = DepthCamera(cfg, n, DT, at_distance(metres), torch.Generator().manual_seed(0))
    sensor.reset(torch.arange(n), *upright(n))
    return sensor.value


@pytest.mark.parametrize("metres", [1.0, 2.0])
def test_noise_grows_with_depth_squared(metres):
    image = walls(replace(LEVEL, noise_scale=0.004), metres)
    torch.testing.assert_close(image.std(), torch.tensor(0.004 * metres**2), atol=2e-4, rtol=0)
    torch.testing.assert_close(image.mean(), torch.tensor(metres), atol=1e-3, rtol=0)


def test_what_is_out_of_reach_has_no_noise():
    assert (walls(replace(LEVEL, noise_scale=0.1), 4.0) == 3.0).all()


def test_pixels_on_edges_drop_out_and_others_do_not():
    def step(_: Tensor, xy: Tensor) -> Tensor:
        return torch.where(xy[..., 1] < -0.2, 0.4, 0.0)

    clean, everyone = camera(LEVEL, 40, step)
    broken, _ = camera(replace(LEVEL, edge_dropout_prob=0.3, edge_threshold=0.2), 40, step)
    for sensor in (clean, broken):
        sensor.reset(everyone, *upright(40, z=0.5))
    edges, lost = depth_edges(clean.value, 0.2), broken.value == 0.0
    assert 10 < edges[0].sum() < 400
    assert not lost[~edges].any()
    torch.testing.assert_close(lost[edges].float().mean(), torch.tensor(0.3), atol=0.02, rtol=0)
    assert torch.equal(broken.value[~lost], clean.value[~lost])


def test_edges_are_on_both_sides_of_a_jump():
    depth = torch.ones(1, 3, 4)
    depth[:, :, 2:] = 2.0
    depth[0, 2, 0] = 1.05
    assert depth_edges(depth, 0.1)[0].tolist() == [[False, True, True, False]] * 3


def test_a_clean_camera_leaves_only_the_phase_to_chance():
    noisy = replace(LEVEL, noise_scale=0.01, edge_dropout_prob=0.5, max_delay=3)
    assert noisy.clean() == LEVEL


# ---------------------------------------------------------------------- time


def test_images_come_at_their_rate_with_phases_of_their_own():
    calls = []

    def counting(env_ids: Tensor, _: Tensor, directions: Tensor, __: float) -> Tensor:
        calls.append(env_ids.tolist())
        return torch.ones(directions.shape[:-1])

    sensor = DepthCamera(LEVEL, 20, DT, counting, torch.Generator().manual_seed(0))
    sensor.reset(torch.arange(20), *upright(20))
    calls.clear()
    for _ in range(50):  # 1 s at 10 Hz
        sensor.update(*upright(20))
    taken = torch.bincount(torch.tensor([env for ids in calls for env in ids]), minlength=20)
    assert (taken == 10).all()
    assert max(len(ids) for ids in calls) < 20  # not all at once


def test_a_delayed_image_is_of_an_older_place():
    sensor, everyone = camera(replace(LEVEL, rate=50.0, max_delay=2), 40, slope)
    sensor.reset(everyone, *upright(40, z=0.5))
    for step in range(1, 5):
        sensor.update(*upright(40, x=0.1 * step, z=0.5))
    delay = sensor._delay.delay
    assert set(delay.tolist()) == {0, 1, 2}
    for steps in (0, 1, 2):
        prompt, _ = camera(replace(LEVEL, rate=50.0), 1, slope)
        prompt.reset(torch.tensor([0]), *upright(1, x=0.1 * (4 - steps), z=0.5))
        late = sensor.value[delay == steps]
        torch.testing.assert_close(late, prompt.value.expand_as(late), atol=1e-5, rtol=0)


def test_the_first_image_of_an_episode_is_of_the_new_place():
    sensor, everyone = camera(replace(LEVEL, max_delay=2), 6, slope)
    sensor.reset(everyone, *upright(6))
    before = sensor.value.clone()
    sensor.reset(torch.tensor([1, 4]), *upright(2, x=-1.0))
    assert not torch.equal(sensor.value[1], before[1])
    others = torch.tensor([0, 2, 3, 5])
    assert torch.equal(sensor.value[others], before[others])


def test_a_camera_resumes_bit_for_bit():
    cfg = replace(LEVEL, noise_scale=0.01, max_delay=2, edge_dropout_prob=0.2, downsample_factor=40)
    sensor, everyone = camera(cfg, 8, slope)
    sensor.reset(everyone, *random_poses(8))
    for step in range(3):
        sensor.update(*random_poses(8, seed=step))
    other, _ = camera(cfg, 8, slope, seed=5)
    other.load_state_dict(sensor.state_dict())
    other._generator.set_state(sensor._generator.get_state())
    for step in range(3, 12):
        for each in (sensor, other):
            each.update(*random_poses(8, seed=step))
        assert torch.equal(other.value, sensor.value)

"""Height scans against MuJoCo's rays, and each kind of noise against its definition."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from legged_gym.sensors.geometry import HeightFunction, grid_points
from legged_gym.sensors.height_scan import HeightScan
from legged_gym.sensors.sensor_config import HeightfieldCfg, SensorsCfg
from legged_gym.utils.math import quat_from_rotation_vector, quat_rotate, yaw_quat
from tests.sensors.worlds import World, flat, random_poses, slope, upright

EDGE = 0.01
"""Rays nearer than this to a jump of the ground are not compared, m."""


def scan(
    cfg: HeightfieldCfg, n: int, heights: HeightFunction = flat, seed: int = 0
) -> tuple[HeightScan, Tensor]:
    cfg.check("sensors.scan")
    return HeightScan(cfg, n, heights, torch.Generator().manual_seed(seed)), torch.arange(n)


def near_jumps(heights: HeightFunction, xy: Tensor) -> Tensor:
    """Points (..., 2) within EDGE of which the ground jumps by more than 2 cm."""
    everyone = torch.zeros(len(xy))
    around = torch.tensor([[0.0, 0.0], [EDGE, 0.0], [-EDGE, 0.0], [0.0, EDGE], [0.0, -EDGE]])
    near = torch.stack([heights(everyone, xy + shift) for shift in around])
    return (near.amax(0) - near.amin(0)) > 0.02


def test_the_clean_scan_is_what_the_engine_measures(world: World):
    pos, quat = random_poses(8)
    sensor, everyone = scan(SensorsCfg().terrain_height, 8, world.heights)
    sensor.reset(everyone, pos, quat)
    assert sensor.value.shape == (8, 11, 11)
    grid = torch.nn.functional.pad(grid_points((1.0, 1.0), 0.1, "cpu").flatten(0, 1), (0, 1))
    origins = pos[:, None] + quat_rotate(yaw_quat(quat)[:, None].expand(-1, 121, -1), grid.expand(8, -1, -1))
    down = torch.tensor([0.0, 0.0, -1.0]).expand_as(origins)
    compared = ~near_jumps(world.heights, origins[..., :2])
    assert compared.float().mean() > 0.9
    error = (sensor.value.flatten(1) - world.rays(origins, down))[compared].abs()
    assert error.max() < 0.01


def test_a_scan_that_turns_with_the_body_is_what_the_engine_measures(world: World):
    pos, quat = random_poses(6, seed=1)
    sensor, everyone = scan(HeightfieldCfg(only_heading=False, size=(0.6, 0.4)), 6, world.heights)
    sensor.reset(everyone, pos, quat)
    grid = torch.nn.functional.pad(grid_points((0.6, 0.4), 0.1, "cpu").flatten(0, 1), (0, 1))
    whole = quat[:, None].expand(-1, len(grid), -1)
    origins = pos[:, None] + quat_rotate(whole, grid.expand(6, -1, -1))
    down = quat_rotate(whole, torch.tensor([0.0, 0.0, -1.0]).expand_as(origins))
    engine = world.rays(origins, down)
    compared = ~near_jumps(world.heights, (origins + engine[..., None] * down)[..., :2])
    assert compared.float().mean() > 0.9
    assert (sensor.value.flatten(1) - engine)[compared].abs().max() < 0.01


def test_the_grid_turns_with_the_heading_and_ignores_the_tilt():
    tilted = quat_from_rotation_vector(torch.tensor([[0.0, 0.0, torch.pi / 2]]))  # faces +y
    tilted = torch.nn.functional.normalize(tilted + torch.tensor([[0.0, 0.1, 0.0, 0.0]]), dim=-1)
    sensor, everyone = scan(SensorsCfg().terrain_height, 1, lambda _, xy: 0.1 * xy[..., 1])
    sensor.reset(everyone, torch.tensor([[0.0, 0.0, 0.8]]), tilted)
    expected = 0.8 - 0.1 * torch.linspace(-0.5, 0.5, 11)  # less ahead, where the ground rises
    torch.testing.assert_close(sensor.value[0, 5], expected, atol=1e-3, rtol=0)


def test_without_ground_or_beyond_reach_a_ray_reads_the_longest_distance_and_never_less_than_zero():
    def ground(_: Tensor, xy: Tensor) -> Tensor:
        return torch.stack([torch.full(xy.shape[1:-1], h) for h in (torch.nan, -torch.inf, -9.0, 3.0)])

    sensor, everyone = scan(SensorsCfg().root_height, 4, ground)
    sensor.reset(everyone, *upright(4))
    assert sensor.value.flatten().tolist() == [5.0, 5.0, 5.0, 0.0]


def test_a_clean_scan_draws_nothing_and_noise_off_leaves_only_the_truth():
    noisy = SensorsCfg().terrain_height_noisy
    source = torch.Generator().manual_seed(3)
    before = source.get_state()
    sensor = HeightScan(noisy.clean(), 5, slope, source)
    sensor.reset(torch.arange(5), *upright(5))
    for x in (0.1, 0.2):
        sensor.update(*upright(5, x))
    assert torch.equal(source.get_state(), before)
    torch.testing.assert_close(sensor.value[:, 5, 5], torch.full((5,), 0.8 - 0.2 * 0.2))


# ---------------------------------------------------------------------- noise, one kind at a time


def episodes(cfg: HeightfieldCfg, n: int = 400, heights: HeightFunction = flat) -> tuple[Tensor, Tensor]:
    """Two consecutive measurements (n, P) of bodies that stand still at 0.8 m."""
    sensor, everyone = scan(cfg, n, heights)
    sensor.reset(everyone, *upright(n))
    first = sensor.value.flatten(1).clone()
    sensor.update(*upright(n))
    return first, sensor.value.flatten(1)


def test_white_noise_differs_from_point_to_point_and_step_to_step():
    first, second = episodes(HeightfieldCfg(white_noise_scale=0.02))
    torch.testing.assert_close(first.std(), torch.tensor(0.02), atol=5e-4, rtol=0)
    torch.testing.assert_close((first - second).std(), torch.tensor(0.02 * 2**0.5), atol=7e-4, rtol=0)
    torch.testing.assert_close(first.mean(), torch.tensor(0.8), atol=1e-3, rtol=0)


def test_offset_noise_is_one_number_per_episode():
    first, second = episodes(HeightfieldCfg(offset_noise_scale=0.02), n=2000)
    assert torch.equal(first, second)
    assert (first - first[:, :1]).abs().max() == 0.0
    torch.testing.assert_close(first[:, 0].std(), torch.tensor(0.02), atol=1.5e-3, rtol=0)


@pytest.mark.parametrize("kind", ["roll", "pitch"])
def test_tilt_noise_tilts_the_ground_that_the_scan_shows(kind):
    first, second = episodes(HeightfieldCfg(**{f"{kind}_noise_scale": 0.04}), n=2000)
    assert torch.equal(first, second)
    image = first.unflatten(1, (11, 11))
    if kind == "roll":
        image = image.mT  # roll tilts across the grid, pitch along it
    assert (image - image[:, :1]).abs().max() < 1e-5
    # On flat ground the ray of point p of a grid tilted by a has length (0.8 +- p sin a) / cos a.
    rise = image[:, 5, 10] - image[:, 5, 0]
    torch.testing.assert_close(rise.std(), torch.tensor(0.04), atol=3e-3, rtol=0)
    torch.testing.assert_close(image[:, 5, 5] ** 2, 0.8**2 * (1.0 + rise**2), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("roll", "pitch", "corner"), [(0.1, 0.0, (10, 5)), (0.0, 0.1, (5, 0))])
def test_tilt_has_the_sign_of_a_rotation(roll, pitch, corner):
    sensor, everyone = scan(HeightfieldCfg(roll_noise_scale=1.0, pitch_noise_scale=1.0), 1)
    sensor._randn = lambda *_: torch.tensor([[roll, pitch, 0.0, 0.0]])
    sensor.reset(everyone, *upright(1))
    assert (
        sensor.value[(0, *corner)] == sensor.value.max()
    )  # roll lifts the left side (+y), pitch the rear (-x)


def test_yaw_noise_turns_the_grid():
    first, second = episodes(HeightfieldCfg(yaw_noise_scale=0.08), n=2000, heights=slope)
    assert torch.equal(first, second)
    image = first.unflatten(1, (11, 11))
    ahead = (image[:, 5, 0] - image[:, 5, 10]) / 1.0  # the slope seen ahead: 0.2 cos a - 0.1 sin a
    torch.testing.assert_close(ahead.std(), torch.tensor(0.008), atol=1e-3, rtol=0)
    torch.testing.assert_close(image[:, 5, 5], torch.full((2000,), 0.8))


def test_a_tilted_scan_meets_the_ground_where_a_ray_would():
    cfg = HeightfieldCfg(roll_noise_scale=0.04, pitch_noise_scale=0.04, yaw_noise_scale=0.08)
    tilted, _ = episodes(cfg, n=300, heights=slope)
    rays, _ = episodes(
        replace(cfg, only_heading=False), n=300, heights=slope
    )  # level bodies, the same errors
    assert (tilted - rays).abs().flatten().quantile(0.99) < 0.01


def test_bad_points_read_anything_up_to_twice_the_mean_of_their_own_scan():
    first, second = episodes(HeightfieldCfg(bad_distance_prob=0.05), n=1000)
    bad = first != 0.8
    torch.testing.assert_close(bad.float().mean(), torch.tensor(0.05), atol=3e-3, rtol=0)
    assert first[bad].min() >= 0.0 and first[bad].max() <= 1.6
    torch.testing.assert_close(first[bad].mean(), torch.tensor(0.8), atol=0.02, rtol=0)
    torch.testing.assert_close(first[bad].std(), torch.tensor(1.6 / 12**0.5), atol=0.01, rtol=0)
    assert not torch.equal(bad, second != 0.8)


def test_eight_bit_scans_have_steps():
    value, _ = episodes(HeightfieldCfg(use_float=False), n=1, heights=slope)
    steps = value / (5.0 / 255.0)
    torch.testing.assert_close(steps, steps.round(), atol=1e-3, rtol=0)


def test_noise_does_not_leave_the_range():
    first, _ = episodes(HeightfieldCfg(white_noise_scale=3.0))
    assert first.min() == 0.0 and first.max() == 5.0


# ---------------------------------------------------------------------- time


def test_the_scan_is_late_by_exactly_the_delay():
    sensor, everyone = scan(HeightfieldCfg(size=(0.0, 0.0), max_delay=2), 60, slope)
    sensor.reset(everyone, *upright(60))
    seen = []
    for step in range(1, 8):
        sensor.update(*upright(60, x=0.1 * step))
        seen.append((0.8 - sensor.value.flatten()) / 0.02)  # the step whose place was seen
    lag = torch.arange(1, 8).unsqueeze(1) - torch.stack(seen)
    settled = lag[2:]
    torch.testing.assert_close(settled, settled[:1].round().expand_as(settled), atol=1e-3, rtol=0)
    assert set(settled[0].round().int().tolist()) == {0, 1, 2}


def test_between_updates_the_scan_stands_still_noise_included():
    cfg = HeightfieldCfg(white_noise_scale=0.02, update_frequency_min=3, update_frequency_max=3)
    sensor, everyone = scan(cfg, 90)
    sensor.reset(everyone, *upright(90))
    changed = []
    for _ in range(9):
        before = sensor.value.clone()
        sensor.update(*upright(90))
        changed.append((sensor.value != before).flatten(1).any(1))
    changed = torch.stack(changed)
    assert (changed.sum(0) == 3).all()
    assert torch.equal(changed[:3], changed[3:6]) and torch.equal(changed[:3], changed[6:])
    assert (changed[:3].sum(1) > 15).all()  # 30 expected in each phase


def test_the_first_scan_of_an_episode_is_of_the_new_place_whatever_is_due():
    cfg = HeightfieldCfg(size=(0.0, 0.0), max_delay=3, update_frequency_min=4, update_frequency_max=4)
    sensor, everyone = scan(cfg, 40, slope)
    sensor.reset(everyone, *upright(40))
    for _ in range(5):
        sensor.update(*upright(40))
    some = torch.arange(0, 40, 3)
    before = sensor.value.clone()
    sensor.reset(some, *upright(len(some), x=1.0))
    torch.testing.assert_close(sensor.value[some].flatten(), torch.full((len(some),), 0.6))
    others = torch.tensor([i for i in range(40) if i % 3])
    assert torch.equal(sensor.value[others], before[others])
    for _ in range(8):
        sensor.update(*upright(40, x=1.0))
        assert sensor.value[some].max() < 0.601  # nothing of the old place comes back


def test_a_reset_of_some_does_not_advance_the_clock_of_others():
    cfg = HeightfieldCfg(size=(0.0, 0.0), max_delay=2, update_frequency_min=2, update_frequency_max=2)
    runs = []
    for resets in (False, True):
        sensor, everyone = scan(cfg, 30, slope)
        sensor.reset(everyone, *upright(30))
        seen = []
        for step in range(1, 10):
            sensor.update(*upright(30, x=0.1 * step))
            if resets and step % 2:
                sensor.reset(torch.tensor([4]), *upright(1, x=0.1 * step))
            seen.append(sensor.value[:4].clone())
        runs.append(torch.stack(seen))
    assert torch.equal(*runs)


def test_errors_are_drawn_anew_at_every_reset_and_only_there():
    sensor, everyone = scan(HeightfieldCfg(size=(0.0, 0.0), offset_noise_scale=0.1), 50)
    sensor.reset(everyone, *upright(50))
    first = sensor.value.clone()
    sensor.reset(everyone[:20], *upright(20))
    sensor.update(*upright(50))
    assert (sensor.value[:20] != first[:20]).all()
    assert torch.equal(sensor.value[20:], first[20:])


def test_one_env_without_ground_does_not_touch_the_others():
    def holes(env_ids: Tensor, xy: Tensor) -> Tensor:
        return torch.where((env_ids == 2)[:, None], torch.nan, slope(env_ids, xy))

    noisy = SensorsCfg().terrain_height_noisy
    values = []
    for heights in (slope, holes):
        sensor, everyone = scan(noisy, 6, heights)
        sensor.reset(everyone, *random_poses(6))
        values.append(sensor.value)
    others = torch.tensor([0, 1, 3, 4, 5])
    assert torch.equal(values[0][others], values[1][others])
    assert not torch.equal(values[0][2], values[1][2])


def test_the_same_seed_gives_the_same_scans_and_another_seed_others():
    def run(seed: int) -> Tensor:
        sensor, everyone = scan(SensorsCfg().terrain_height_noisy, 12, slope, seed)
        sensor.reset(everyone, *random_poses(12))
        for step in range(6):
            sensor.update(*random_poses(12, seed=step))
        return sensor.value

    assert torch.equal(run(1), run(1))
    assert not torch.equal(run(1), run(2))


def test_a_scan_resumes_bit_for_bit():
    sensor, everyone = scan(SensorsCfg().terrain_height_noisy, 20, slope)
    sensor.reset(everyone, *random_poses(20))
    for step in range(4):
        sensor.update(*random_poses(20, seed=step))
    state, draws = sensor.state_dict(), sensor._generator.get_state()
    other, _ = scan(SensorsCfg().terrain_height_noisy, 20, slope, seed=99)
    for _ in range(2):  # its ring is at another place
        other.reset(everyone, *upright(20))
        other.update(*upright(20))
    other.load_state_dict(state)
    other._generator.set_state(draws)
    assert torch.equal(other.value, sensor.value)
    for step in range(4, 12):
        for each in (sensor, other):
            each.update(*random_poses(20, seed=step))
            if step == 7:
                each.reset(torch.tensor([2, 5]), *random_poses(2, seed=50))
        assert torch.equal(other.value, sensor.value)

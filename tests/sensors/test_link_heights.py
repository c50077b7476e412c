"""Heights of links over the ground."""

from __future__ import annotations

import torch

from legged_gym.sensors.link_heights import MultiLinkHeight
from legged_gym.sensors.sensor_config import MultiLinkHeightCfg
from tests.sensors.worlds import World, random_poses, slope


def test_link_heights_are_what_the_engine_measures(world: World):
    links = torch.stack([random_poses(5, seed)[0] for seed in range(4)], dim=1)  # (5, 4, 3)
    sensor = MultiLinkHeight(MultiLinkHeightCfg(), 5, 4, world.heights)
    sensor.update(links)
    engine = world.rays(links, torch.tensor([0.0, 0.0, -1.0]).expand_as(links))
    torch.testing.assert_close(sensor.value, engine, atol=0.01, rtol=0)


def test_a_reset_measures_only_where_it_resets():
    sensor = MultiLinkHeight(MultiLinkHeightCfg(), 3, 1, slope)
    sensor.update(torch.tensor([0.0, 0.0, 1.0]).repeat(3, 1, 1))
    sensor.reset(torch.tensor([1]), torch.tensor([[[1.0, 0.0, 1.0]]]))
    torch.testing.assert_close(sensor.value.flatten(), torch.tensor([1.0, 0.8, 1.0]))


def test_links_below_the_ground_read_zero_and_far_ones_the_longest_distance():
    sensor = MultiLinkHeight(MultiLinkHeightCfg(max_distance=2.0), 1, 2, slope)
    sensor.update(torch.tensor([[[0.0, 0.0, -0.1], [0.0, 0.0, 9.0]]]))
    assert sensor.value.tolist() == [[0.0, 2.0]]


def test_eight_bit_heights_have_steps():
    sensor = MultiLinkHeight(MultiLinkHeightCfg(max_distance=2.55, use_float=False), 1, 1, slope)
    sensor.update(torch.tensor([[[0.0, 0.0, 0.1234]]]))
    torch.testing.assert_close(sensor.value, torch.tensor([[0.12]]))


def test_link_heights_resume():
    sensor, other = (MultiLinkHeight(MultiLinkHeightCfg(), 2, 3, slope) for _ in range(2))
    sensor.update(torch.rand(2, 3, 3, generator=torch.Generator().manual_seed(0)))
    other.load_state_dict(sensor.state_dict())
    assert torch.equal(other.value, sensor.value)

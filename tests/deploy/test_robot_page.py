"""The page that shows a robot on the bus."""

from __future__ import annotations

import math

import numpy as np
import pytest

from legged_gym.deploy.surroundings import HeightMap
from tests.deploy.flights import until


def test_points_of_a_map_are_where_its_body_saw_them():
    from legged_gym.scripts._robot_page import points_w

    heights = np.array([[-0.5, np.nan, -0.7], [-0.8, -0.9, -1.0], [-1.1, -1.2, -1.3]], np.float32)
    points = points_w(HeightMap(0.0, np.array([2.0, 1.0, 0.8]), math.pi / 2, 0.1, heights))
    assert len(points) == 8
    np.testing.assert_allclose(points[3], [2.0, 1.0, -0.1], atol=1e-6)  # under the body
    np.testing.assert_allclose(points[4], [2.0, 1.1, -0.2], atol=1e-6)  # ahead, which is +y here


@pytest.mark.slow
def test_it_shows_the_robot_where_it_is_and_is_nobody_who_commands(domain, transport, robot_process):
    pytest.importorskip("viser")
    from legged_gym.envs.base.viser_config import PageCfg
    from legged_gym.scripts._robot_page import RobotPage

    around = "dds:rt/surroundings"
    robot = robot_process("--surroundings", around)
    page = RobotPage("g1", "lo", domain, around, PageCfg(port=0))

    def shown() -> bool:
        page.update()
        return "heard" in page._words.content and page._around.odometry is not None

    until(shown, "a state and a place")
    root = np.array(robot.do("report")["root_pos_w"])
    page.update()
    pelvis = next(b for b in page._figures._bodies if b.name.endswith("/pelvis"))
    np.testing.assert_allclose(pelvis.batched_positions[0], root, atol=0.02)
    assert transport.other_publishers() == []
    page.close()

"""A plugin that runs tests of envs on the GPU's engine: pytest -p tests.sim.on_warp tests/envs -m 'not slow'."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from legged_gym.envs.base import legged_robot
from legged_gym.sim import make_simulator
from tests.sim.warp_cases import prepare

NOT_HERE = {
    "test_added_mass_is_carried_by_the_feet": "reads MuJoCo C's own model",
    "test_the_centre_of_mass_moves_with_that_of_the_torso": "reads MuJoCo C's own model",
    "test_armature_adds_to_the_inertia_that_a_motor_feels": "reads MuJoCo C's own model",
    "test_feet_stay_on_a_mesh_that_moves_with_its_clip[slope-rotated]": "stands on a triangle mesh, which is refused",
}

prepare()
torch.set_num_threads(1)


def _on_warp(
    robot: Any, cfg: Any, num_envs: int, bodies: Any, contacts: Any, device: str, ground: Any
) -> Any:
    return make_simulator(
        robot, cfg, num_envs, bodies, contacts, "warp:cpu" if device == "cpu" else device, ground
    )


legged_robot.make_simulator = _on_warp


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.name in NOT_HERE:
            item.add_marker(pytest.mark.skip(reason=NOT_HERE[item.name]))

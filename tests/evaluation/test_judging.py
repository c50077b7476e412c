"""Errors and failure rules against numbers worked out by hand."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch

from legged_gym.evaluation.judging import CAUSES, ERRORS, failure_causes, tracking_errors

TRACKED = torch.tensor([0, 2])
HEALTHY = torch.tensor([False])


def state() -> SimpleNamespace:
    """One env, two joints, three bodies of which 0 and 2 are tracked."""
    return SimpleNamespace(
        root_pos_w=torch.tensor([[0.0, 0.0, 0.8]]),
        root_quat_wxyz=torch.tensor([[1.0, 0.0, 0.0, 0.0]]),
        dof_pos=torch.tensor([[0.1, -0.2]]),
        dof_vel=torch.tensor([[1.0, 2.0]]),
        body_pos_w=torch.tensor([[[0.0, 0.0, 0.8], [9.0, 9.0, 9.0], [0.0, 0.0, 1.2]]]),
        body_lin_vel_w=torch.zeros(1, 3, 3),
    )


def cause_of(robot: SimpleNamespace, diverged: torch.Tensor = HEALTHY) -> str | None:
    index = int(failure_causes(robot, state(), TRACKED, diverged)[0])
    return CAUSES[index] if index >= 0 else None


def errors_of(robot: SimpleNamespace) -> dict[str, float]:
    return dict(zip(ERRORS, tracking_errors(robot, state(), TRACKED)[0].tolist(), strict=True))


def test_a_robot_on_its_reference_has_no_error_and_no_failure() -> None:
    assert all(value == 0.0 for value in errors_of(state()).values())
    assert cause_of(state()) is None


def test_errors_are_means_over_tracked_links_and_joints() -> None:
    robot = state()
    robot.body_pos_w[0, 2] += torch.tensor([0.03, 0.04, 0.0])  # 50 mm, the other tracked link 0
    robot.body_pos_w[0, 1] += 5.0  # not tracked
    robot.dof_pos += torch.tensor([[0.1, -0.3]])
    robot.dof_vel += torch.tensor([[-1.0, 2.0]])
    robot.body_lin_vel_w[0, 0] = torch.tensor([0.0, 0.6, 0.8])
    errors = errors_of(robot)
    assert errors["mpjpe_mm"] == pytest.approx(25.0, rel=1e-4)
    assert errors["mpjpe_local_mm"] == pytest.approx(25.0, rel=1e-4)
    assert errors["joint_error_rad"] == pytest.approx(0.2)
    assert errors["joint_velocity_error_rad_s"] == pytest.approx(1.5)
    assert errors["link_velocity_error_m_s"] == pytest.approx(0.5)


def test_a_displaced_robot_has_a_global_error_only() -> None:
    robot = state()
    shift = torch.tensor([0.3, -0.4, 0.0])
    robot.root_pos_w += shift
    robot.body_pos_w += shift
    errors = errors_of(robot)
    assert errors["mpjpe_mm"] == pytest.approx(500.0)
    assert errors["mpjpe_local_mm"] == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize("height, cause", [(0.249, None), (0.251, "fall"), (-0.249, None), (-0.251, "fall")])
def test_a_root_more_than_25_cm_off_in_height_has_fallen(height, cause) -> None:
    robot = state()
    robot.root_pos_w[0, 2] += height
    assert cause_of(robot) == cause


# Two unit vectors an angle a apart differ by 2 sin(a / 2), which is 0.8 at 47.156 deg.
@pytest.mark.parametrize("degrees, cause", [(47.1, None), (47.2, "fall"), (180.0, "fall")])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_root_tilted_by_more_than_47_degrees_has_fallen(degrees, cause, axis) -> None:
    robot = state()
    half = math.radians(degrees) / 2
    robot.root_quat_wxyz[0, 0], robot.root_quat_wxyz[0, 1 + axis] = math.cos(half), math.sin(half)
    assert cause_of(robot) == cause


def test_turning_about_the_vertical_is_no_fall() -> None:
    robot = state()
    robot.root_quat_wxyz = torch.tensor([[0.0, 0.0, 0.0, 1.0]])
    assert cause_of(robot) is None


@pytest.mark.parametrize("distance, cause", [(0.499, None), (0.501, "lost")])
def test_a_tracked_link_more_than_half_a_metre_away_is_lost(distance, cause) -> None:
    robot = state()
    robot.body_pos_w[0, 2, 0] += distance
    assert cause_of(robot) == cause


def test_links_that_are_not_tracked_are_never_lost() -> None:
    robot = state()
    robot.body_pos_w[0, 1] += 5.0
    assert cause_of(robot) is None


def test_the_first_cause_in_order_counts() -> None:
    robot = state()
    robot.root_pos_w[0, 2] -= 0.5
    robot.body_pos_w[0, 2, 0] += 2.0
    assert cause_of(robot) == "fall"
    assert cause_of(robot, diverged=torch.tensor([True])) == "diverged"

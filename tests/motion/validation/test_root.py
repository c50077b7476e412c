from collections.abc import Callable

import numpy as np
import pytest

from legged_gym.motion.clip import Clip
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.motion.validation import DEFAULT, CheckedMotion
from legged_gym.motion.validation.root import root_jumps, root_speeds

TIME = np.arange(101) / 50.0


def about_z(angle: np.ndarray) -> np.ndarray:
    zero = np.zeros_like(angle)
    return np.stack((np.cos(angle / 2), zero, zero, np.sin(angle / 2)), axis=1)


@pytest.mark.parametrize("speed", [0.0, 3.0])
def test_a_teleport_is_found_at_rest_and_at_speed(
    standing: Callable[..., Clip], root: Callable[..., np.ndarray], layout: RobotLayout, speed: float
) -> None:
    x = speed * TIME
    x[50:] += 0.3
    (finding,) = root_jumps(CheckedMotion.from_clip(standing(root_pos=root(x=x)), layout), DEFAULT)
    assert (finding.severity, finding.first_frame) == ("error", 49)
    assert finding.value == pytest.approx(0.3 + speed / 50)
    assert "between frames 49 and 50" in finding.message


def test_running_starting_and_landing_are_no_jumps(
    standing: Callable[..., Clip], root: Callable[..., np.ndarray], layout: RobotLayout
) -> None:
    """From rest to 3.5 m/s within 0.2 s, and 2 m/s of fall stopped within one frame."""
    x = np.cumsum(np.clip(TIME / 0.2, 0.0, 1.0) * 3.5) / 50.0
    z = np.where(TIME < 1.0, 2.0 * (1.0 - TIME), 0.0)
    clip = standing(root_pos=root(x=x, z=z))
    assert not root_jumps(CheckedMotion.from_clip(clip, layout), DEFAULT)


def test_a_half_turn_in_a_frame_is_a_flip_and_a_change_of_sign_is_none(
    standing: Callable[..., Clip], layout: RobotLayout
) -> None:
    quat = about_z(0.5 * TIME)
    quat[30:60] *= -1.0
    assert not root_jumps(CheckedMotion.from_clip(standing(root_quat_wxyz=quat), layout), DEFAULT)
    quat = about_z(np.where(TIME < 0.795, 0.0, np.pi))
    (finding,) = root_jumps(CheckedMotion.from_clip(standing(root_quat_wxyz=quat), layout), DEFAULT)
    assert "turns by 180 degrees between frames 39 and 40" in finding.message
    assert finding.unit == "rad"


def test_speeds_that_no_robot_has_are_warnings(
    standing: Callable[..., Clip], root: Callable[..., np.ndarray], layout: RobotLayout
) -> None:
    clip = standing(root_pos=root(x=8.0 * TIME), root_quat_wxyz=about_z(20.0 * TIME))
    moves, turns = root_speeds(CheckedMotion.from_clip(clip, layout), DEFAULT)
    assert (moves.value, moves.unit) == (pytest.approx(8.0), "m/s")
    assert (turns.value, turns.unit) == (pytest.approx(20.0), "rad/s")

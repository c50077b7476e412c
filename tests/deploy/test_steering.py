"""What the sticks ask for. Unitree's convention: forwards ly, to the left -lx, turning left -rx."""

from __future__ import annotations

import pytest

from legged_gym.bundle.schema import VelocitySpec
from legged_gym.deploy.deploy_config import SteeringCfg
from legged_gym.deploy.remote import Remote
from legged_gym.deploy.steering import TargetSteering, VelocitySteering

SPEC = VelocitySpec((-0.4, 0.8), (-0.6, 0.6), (-0.5, 0.5), max_speed=0.8, dead_band=0.1, gait_period=0.8)


def steering() -> VelocitySteering:
    return VelocitySteering(SPEC, SteeringCfg(), control_dt=0.02)


@pytest.mark.parametrize(
    ("sticks", "velocity"),
    [
        ({"ly": 1.0}, (0.8, 0.0, 0.0)),
        ({"ly": -1.0}, (-0.4, 0.0, 0.0)),  # the range backwards is shorter
        ({"lx": -0.5, "rx": 1.0}, (0.0, 0.3, -0.5)),
        ({"ly": 1.0, "lx": -1.0}, (0.64, 0.48, 0.0)),  # (0.8, 0.6) is 1.0 long; 0.8 is allowed
        ({"ly": 0.1, "rx": -0.1}, (0.0, 0.0, 0.0)),  # 0.08 m/s and 0.05 rad/s are within the dead band
        ({"ly": 2.0}, (0.8, 0.0, 0.0)),  # a stick that says more than all
    ],
)
def test_velocities_are_those_of_training(sticks, velocity):
    steer = steering()
    steer.look(Remote(**sticks))
    assert steer.velocity == pytest.approx(velocity)


def test_the_clock_goes_while_there_is_a_command_and_a_stride_longer():
    steer = steering()
    assert steer.gait_phase is None
    steer.look(Remote(ly=1.0))
    assert steer.gait_phase == 0.0
    steer.advance()
    assert steer.gait_phase == pytest.approx(0.025)
    for _ in range(39):
        steer.look(Remote())
        steer.advance()
        assert steer.gait_phase is not None
    steer.look(Remote())
    steer.advance()
    assert steer.gait_phase is None


def test_without_odometry_the_sticks_are_the_target_in_the_heading_frame():
    steer = TargetSteering(SteeringCfg(), control_dt=0.02)
    assert steer.look(Remote(ly=1.0, lx=1.0, rx=0.5), None) == pytest.approx((0.5, -0.5, -0.15))
    assert steer.look(Remote(ly=0.04, lx=-0.04, rx=0.04), None) == (
        0.0,
        0.0,
        0.0,
    )  # sticks never rest exactly


def test_with_odometry_the_target_goes_ahead_as_far_as_the_leash():
    steer = TargetSteering(SteeringCfg(), control_dt=0.02)
    robot = (2.0, 1.0, 0.0)
    assert steer.look(Remote(ly=1.0), robot) == (0.0, 0.0, 0.0)  # begins where the robot is
    # 0.6 m/s^2 make 12 mm/s in 20 ms, and those 0.24 mm in the same 20 ms.
    assert steer.look(Remote(ly=1.0), robot) == pytest.approx((2.4e-4, 0.0, 0.0))
    for _ in range(100):
        far = steer.look(Remote(ly=1.0), robot)
    assert far == pytest.approx((0.5, 0.0, 0.0))
    for _ in range(100):
        far = steer.look(Remote(), (2.4, 1.0, 0.0))
    # It comes to rest over 0.5^2 / (2 * 0.6) m, less half a step of 12 mm/s each, and waits.
    assert far == pytest.approx((0.1 + 0.208, 0.0, 0.0), abs=0.006)
    steer.restart()
    assert steer.look(Remote(), (2.2, 1.0, 0.0)) == (0.0, 0.0, 0.0)

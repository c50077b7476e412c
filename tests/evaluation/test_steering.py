"""Keys and sticks to velocities."""

from __future__ import annotations

import pytest

from legged_gym.evaluation.steering import Steering, SteeringLimits

LONG = 10.0
"""s, after which every ramp is over."""


def held(*keys: str) -> tuple[float, float, float]:
    steering = Steering()
    for key in keys:
        assert steering.press(key)
    return steering.move_on(LONG)


@pytest.mark.parametrize(
    ("keys", "velocity"),
    [
        ("w", (0.5, 0.0, 0.0)),
        ("s", (-0.5, 0.0, 0.0)),
        ("a", (0.0, 0.3, 0.0)),
        ("d", (0.0, -0.3, 0.0)),
        ("q", (0.0, 0.0, 0.3)),
        ("e", (0.0, 0.0, -0.3)),
        ("Wq", (0.5, 0.0, 0.3)),
        ("ws", (0.0, 0.0, 0.0)),
        ("", (0.0, 0.0, 0.0)),
    ],
)
def test_keys_ask_for_velocities(keys, velocity):
    assert held(*keys) == pytest.approx(velocity)


def test_other_keys_are_left_to_others():
    steering = Steering()
    assert not steering.press("x") and not steering.press("ArrowUp")
    steering.release("x")
    assert steering.move_on(LONG) == (0.0, 0.0, 0.0)


def test_the_velocity_follows_by_a_ramp_up_and_down():
    steering = Steering(SteeringLimits(ramp=(0.5, 0.3, 0.3)))
    steering.press("w")
    assert [steering.move_on(0.2)[0] for _ in range(6)] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.5])
    steering.release("w")
    steering.press("s")
    assert [steering.move_on(0.8)[0] for _ in range(3)] == pytest.approx([0.1, -0.3, -0.5])


def test_sticks_ask_for_shares_and_rest_within_their_dead_zone():
    steering = Steering()
    steering.push(0.5, -2.0, 0.05)
    assert steering.move_on(LONG) == pytest.approx((0.25, -0.3, 0.0))
    steering.press("w")
    assert steering.move_on(LONG)[0] == pytest.approx(0.5)  # stick and key together are no faster than either


def test_who_lets_go_comes_to_rest():
    steering = Steering()
    steering.press("w")
    steering.push(0.0, 1.0, 0.0)
    steering.move_on(LONG)
    steering.let_go()
    assert steering.move_on(LONG) == (0.0, 0.0, 0.0)

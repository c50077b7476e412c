"""Walks whose velocity changes at random every two to three seconds, as one who steers asks for them."""

from __future__ import annotations

from math import hypot
from random import Random

from legged_gym.motion.synthesis.balance import Support
from legged_gym.motion.synthesis.feet import Swing
from legged_gym.motion.synthesis.footsteps import LEFT, RIGHT, Move, plan_moves
from legged_gym.motion.synthesis.posture import Style
from legged_gym.motion.synthesis.synthesize import Gait

FASTEST = (0.5, 0.3, 0.5)
"""Largest velocity forwards and sideways, m/s, and turning, rad/s."""
_CHANGE = (0.25, 0.15, 0.3)
"""By how much a step may be faster or slower than the one before: two to three steps to any velocity."""
_STEP_S, _DOUBLE_SUPPORT_S = 0.40, 0.06
_STEPS = (5, 7)
"""Fewest and most steps at one command: 2 to 3 s."""
_REST_S = (1.6, 2.4)
"""Shortest and longest stand."""
_REST_SHARE = 0.12
"""Of the commands are to stand; with the beginning and the end the robot stands for a sixth of the time."""
_AXIS_SHARE = 0.65
"""Probability of each of the three velocities not to be zero."""
_SLOWEST = 0.3
"""Share of the largest velocity that one which is not zero has at least."""
_MOVING_S = 11.0
"""After this time no further command comes."""

_TOGETHER = 1.4
"""Longest command, each velocity taken as a share of its largest: all three at once take the feet too far apart."""
_LEAD = 0.75
"""Share of the way sideways that the foot on that side goes. With 1/2 the other one would land on it; with more than
this the feet come so far apart that an ankle reaches its limit of 15 degrees."""

Velocity = tuple[float, float, float]
"""Forwards and to the left, m/s, and turning left, rad/s, in the frame of the body's heading."""


def command_walk(seed: int) -> Gait:
    """From standing to standing in some 15 s; the same seed gives the same walk."""
    return Gait(
        plan_moves(_moves(Random(seed))),
        Swing(clearance=0.065, heel_off=0.18, heel_strike=0.03),
        Support(first=0.03, last=0.04),
        Style(crouch=0.02, arms_out=0.05),
    )


def _moves(random: Random) -> list[Move]:
    """Steps at commanded velocities, with rests between some of them, closed by a step that joins the feet."""
    moves: list[Move] = []
    velocity, pause, passed = (0.0, 0.0, 0.0), _DOUBLE_SUPPORT_S, 0.0
    while passed < _MOVING_S:
        command = _draw(random)
        steps = random.randint(*_STEPS)
        foot = _leading_foot(command) if velocity == (0.0, 0.0, 0.0) or not moves else 1 - moves[-1].foot
        for _ in range(steps):
            velocity = _towards(velocity, command)
            moves.append(_step(foot, velocity, pause))
            foot, pause = 1 - foot, _DOUBLE_SUPPORT_S
        passed += steps * _STEP_S
        if passed >= _MOVING_S or random.random() < _REST_SHARE:
            slowing = _stop(foot, velocity)
            moves += slowing
            velocity, pause = (0.0, 0.0, 0.0), random.uniform(*_REST_S)
            passed += len(slowing) * _STEP_S + pause
    return moves


def _draw(random: Random) -> Velocity:
    """A command that is not zero."""
    shares = [0.0, 0.0, 0.0]
    while not any(shares):
        shares = [
            random.choice((-1.0, 1.0)) * random.uniform(_SLOWEST, 1.0) * (random.random() < _AXIS_SHARE)
            for _ in FASTEST
        ]
    shorter = min(1.0, _TOGETHER / hypot(*shares))
    x, y, turn = (shorter * share * most for share, most in zip(shares, FASTEST, strict=True))
    return x, y, turn


def _towards(velocity: Velocity, command: Velocity) -> Velocity:
    """The velocity of the next step."""
    x, y, turn = (
        now + max(-most, min(most, goal - now))
        for now, goal, most in zip(velocity, command, _CHANGE, strict=True)
    )
    return x, y, turn


def _stop(foot: int, velocity: Velocity) -> list[Move]:
    """Ever slower steps, and one that puts the feet side by side."""
    moves = []
    while True:
        velocity = _towards(velocity, (0.0, 0.0, 0.0))
        moves.append(_step(foot, velocity, _DOUBLE_SUPPORT_S))
        if velocity == (0.0, 0.0, 0.0):
            return moves
        foot = 1 - foot


def _step(foot: int, velocity: Velocity, pause: float) -> Move:
    """One step at a velocity. Of two steps sideways, the one to that side is the longer."""
    leads = (velocity[1] > 0.0) == (foot == LEFT)
    left = 2.0 * velocity[1] * (_LEAD if leads else 1.0 - _LEAD)
    advance = (_STEP_S * velocity[0], _STEP_S * left, _STEP_S * velocity[2])
    return Move(foot, advance, _STEP_S - _DOUBLE_SUPPORT_S, pause)


def _leading_foot(command: Velocity) -> int:
    """The foot that a walk begins with: the one on the side that the body goes or turns to."""
    return RIGHT if command[1] < 0.0 or (command[1] == 0.0 and command[2] < 0.0) else LEFT

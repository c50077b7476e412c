"""Keys and sticks to velocities: what somebody at a keyboard or a gamepad asks a robot for."""

from __future__ import annotations

from dataclasses import dataclass

KEYS = {
    "w": (0, 1.0),
    "s": (0, -1.0),
    "a": (1, 1.0),
    "d": (1, -1.0),
    "q": (2, 1.0),
    "e": (2, -1.0),
}
"""Key -> which velocity it asks for (forwards, left, turning left), and in which direction."""
DEAD_ZONE = 0.08
"""Of a stick, as a share of its way: it does not come back to its middle exactly."""

Velocity = tuple[float, float, float]
"""Forwards and left, m/s, and turning left, rad/s."""


@dataclass(frozen=True)
class SteeringLimits:
    """How fast, and how fast to get there."""

    largest: Velocity = (0.5, 0.3, 0.3)
    """Velocities of a key or a stick pushed all the way; those of the evaluation by joystick."""
    ramp: Velocity = (0.6, 0.4, 0.8)
    """Change per second, m/s^2 and rad/s^2: about that of the walks by command that ship."""


class Steering:
    """Who steers. Keys and sticks add up; the velocity follows them by a ramp."""

    def __init__(self, limits: SteeringLimits | None = None) -> None:
        """Nothing is pressed."""
        self._limits = limits or SteeringLimits()
        self._pressed: set[str] = set()
        self._sticks: Velocity = (0.0, 0.0, 0.0)
        self.velocity: Velocity = (0.0, 0.0, 0.0)
        """What is asked for now."""

    def press(self, key: str) -> bool:
        """A key goes down; returns whether it is one of :data:`KEYS`, in either case of letters."""
        if key.lower() not in KEYS:
            return False
        self._pressed.add(key.lower())
        return True

    def release(self, key: str) -> None:
        """A key comes up."""
        self._pressed.discard(key.lower())

    def push(self, forwards: float, left: float, turn: float) -> None:
        """The sticks are at these shares of their ways, -1 to 1; more is taken for 1."""
        self._sticks = _pushed(forwards), _pushed(left), _pushed(turn)

    def let_go(self) -> None:
        """All keys come up and all sticks go back: the page has lost its focus, or the gamepad its battery."""
        self._pressed.clear()
        self._sticks = (0.0, 0.0, 0.0)

    def move_on(self, dt: float) -> Velocity:
        """Time of ``dt`` s has passed; returns the velocity that is asked for now."""
        shares = list(self._sticks)
        for key in self._pressed:
            part, direction = KEYS[key]
            shares[part] += direction
        x, y, turn = (
            _towards(now, most * _clipped(share), ramp * dt)
            for now, share, most, ramp in zip(
                self.velocity, shares, self._limits.largest, self._limits.ramp, strict=True
            )
        )
        self.velocity = x, y, turn
        return self.velocity


def _pushed(share: float) -> float:
    return 0.0 if abs(share) < DEAD_ZONE else _clipped(share)


def _clipped(share: float) -> float:
    return max(-1.0, min(1.0, share))


def _towards(now: float, goal: float, most: float) -> float:
    return now + max(-most, min(most, goal - now))

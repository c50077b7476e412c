"""What can go wrong with the simulated robot."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from legged_gym.deploy.messages import LOW_STATE, MOTOR_STATE


@dataclass(frozen=True)
class FaultKind:
    """One fault."""

    what: str
    unit: str = ""
    """Of its size; "": it has none."""
    size: float = 0.0
    """Unless said otherwise."""


FAULTS: dict[str, FaultKind] = {
    "latency": FaultKind("messages arrive so much later, both ways", "s", 0.02),
    "jitter": FaultKind("messages arrive up to so much later, at random, both ways", "s", 0.01),
    "loss": FaultKind("so many of all messages are lost, at random, both ways", "share", 0.2),
    "silence": FaultKind("no states are sent"),
    "freeze": FaultKind("the same state is sent again and again"),
    "bad_crc": FaultKind("states have a wrong checksum"),
    "nan": FaultKind("the position of a joint (slot=N) reads NaN"),
    "deaf": FaultKind("commands do not arrive"),
    "push": FaultKind("the robot is pushed forward, at once", "m/s", 1.0),
    "weak_battery": FaultKind("motors have so much of their torque; charge reads 10 %", "share", 0.5),
    "hot_motors": FaultKind("windings read so much, casings 40 less", "degrees C", 130.0),
    "motor_error": FaultKind("a motor (slot=N) reports error bits", "bits", 1.0),
    "remote_lost": FaultKind("the remote is not heard"),
    "tilt": FaultKind("the IMU reads so much roll", "rad", 1.2),
    "reads": FaultKind("a field of the state (field=NAME, of a motor with slot=N) reads this", "", 0.0),
    "blind": FaultKind("odometry and height map are not sent"),
}
_NO_READING = ("motor", "reserve", "crc", "pad", "imu_pad")
READ_FIELDS = [name for name in (*LOW_STATE.names, *MOTOR_STATE.names) if name not in _NO_READING]


@dataclass(frozen=True)
class FaultOrder:
    """A fault that somebody asks for."""

    kind: str
    size: float
    slot: int
    field: str
    seconds: float
    """How long it is to last; inf: until it is cleared."""


class Faults:
    """The faults that are on, and what they do to messages."""

    def __init__(self, seed: int) -> None:
        """None is on."""
        self._on: dict[tuple[str, str, int], tuple[FaultOrder, float]] = {}
        self._rng = np.random.default_rng(seed)

    def add(self, fault: FaultOrder, now: float) -> None:
        """Switch one on, in place of one of the same kind, field and slot."""
        self._on[fault.kind, fault.field, fault.slot] = fault, now + fault.seconds

    def clear(self) -> None:
        """Switch all off."""
        self._on.clear()

    def expire(self, now: float) -> list[str]:
        """Switch off what has run out; the names of those."""
        over = [key for key, (_, until) in self._on.items() if until <= now]
        for key in over:
            del self._on[key]
        return [kind for kind, _, _ in over]

    def names(self) -> list[str]:
        """Kinds that are on."""
        return sorted({kind for kind, _, _ in self._on})

    def size(self, kind: str, otherwise: float = 0.0) -> float:
        """Size of a kind, if it is on."""
        return next((fault.size for fault, _ in self._on.values() if fault.kind == kind), otherwise)

    def __contains__(self, kind: str) -> bool:
        return any(on == kind for on, _, _ in self._on)

    def __bool__(self) -> bool:
        return bool(self._on)

    def lost(self) -> bool:
        """Whether the next message is lost."""
        share = self.size("loss")
        return share > 0.0 and self._rng.random() < share

    def delay(self) -> float:
        """How much later the next message arrives, s."""
        jitter = self.size("jitter")
        return self.size("latency") + (jitter * self._rng.random() if jitter else 0.0)

    def spoil(self, state: np.ndarray) -> None:
        """Change what sensors read in a record of ``messages.LOW_STATE``."""
        motor = state["motor"]
        for fault, _ in self._on.values():
            if fault.kind == "nan":
                motor["q"][fault.slot] = math.nan
            elif fault.kind == "motor_error":
                motor["error"][fault.slot] = int(fault.size)
            elif fault.kind == "hot_motors":
                motor["temperature"][:] = fault.size - 40.0, fault.size
            elif fault.kind == "weak_battery":
                motor["voltage"] *= 0.8
            elif fault.kind == "tilt":
                state["quat_wxyz"] = math.cos(0.5 * fault.size), math.sin(0.5 * fault.size), 0.0, 0.0
                state["rpy"] = fault.size, 0.0, 0.0
            elif fault.kind == "reads" and fault.field in MOTOR_STATE.names:
                motor[fault.field][fault.slot] = fault.size
            elif fault.kind == "reads":
                state[fault.field] = fault.size


class DelayLine:
    """Messages on their way, in order."""

    def __init__(self) -> None:
        """Empty."""
        self._queue: deque[tuple[float, bytes]] = deque()

    def put(self, message: bytes, due: float) -> None:
        """Send one that arrives at ``due``, but not before those sent earlier."""
        if self._queue:
            due = max(due, self._queue[-1][0])
        self._queue.append((due, message))

    def take(self, now: float) -> list[bytes]:
        """Those that have arrived."""
        arrived = []
        while self._queue and self._queue[0][0] <= now:
            arrived.append(self._queue.popleft()[1])
        return arrived

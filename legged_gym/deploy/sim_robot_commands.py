"""How the simulated robot judges commands: which it refuses, and what it does when they stop."""

from __future__ import annotations

from collections import Counter
from typing import Literal

import numpy as np

from legged_gym.deploy.messages import command_numbers, crc_is_right, decode_command
from legged_gym.deploy.transport import LowCommand

COMMAND_TIMEOUT_S = 0.1
"""Without a valid command for so long, motors damp. What a real robot does is not documented anywhere."""
LOST_DAMPING = 8.0
"""N m s/rad, of Unitree's examples."""
_BEYOND_LIMITS = 2.0 * np.pi
"""Targets further outside the joint's range than a turn are no policy's."""
_MOST_KP, _MOST_KD = 1000.0, 100.0
"""Twice and more what any of Unitree's examples uses."""

Drive = Literal["limp", "driven", "damping", "lost"]
"""What the motors do: nothing since the start; follow commands; follow commands that only damp; damp by themselves."""


class CommandGate:
    """Valid commands through, others counted by reason."""

    def __init__(
        self, mode_machine: int, slots: np.ndarray, lower: np.ndarray, upper: np.ndarray, effort: np.ndarray
    ) -> None:
        """``slots``, joint limits and torque limits of the motors there are, (J,) each."""
        self._mode_machine, self._slots = mode_machine, slots
        self._lower, self._upper, self._effort = lower - _BEYOND_LIMITS, upper + _BEYOND_LIMITS, 2.0 * effort
        self.drive: Drive = "limp"
        self.accepted = 0
        self.refused: Counter[str] = Counter()
        self.last_accepted = 0.0
        """``time.monotonic()``, s."""

    def judge(self, struct: bytes | None, built_in_controller: bool) -> str | None:
        """Why a command's struct is refused; None: it is not."""
        if struct is None:
            return "no command"
        if not crc_is_right(struct):
            return "wrong checksum"
        if built_in_controller:
            return "the built-in controller is on"
        if struct[1] != self._mode_machine:
            return "wrong mode_machine"
        numbers = command_numbers(struct)[self._slots]
        if not np.isfinite(numbers).all():
            return "not finite"
        q, _, tau, kp, kd = numbers.T
        if ((q < self._lower) | (q > self._upper)).any():
            return "target far outside the joint limits"
        if (np.abs(tau) > self._effort).any():
            return "torque far above the motor's"
        if (kp < 0.0).any() or (kp > _MOST_KP).any() or (kd < 0.0).any() or (kd > _MOST_KD).any():
            return "gain out of range"
        return None

    def take(self, structs: list[bytes | None], built_in_controller: bool, now: float) -> LowCommand | None:
        """The newest valid one of some commands that have arrived."""
        newest = None
        for struct in structs:
            reason = self.judge(struct, built_in_controller)
            if reason is None:
                newest = struct
                self.accepted += 1
            else:
                self.refused[reason] += 1
        if newest is None:
            return None
        self.last_accepted = now
        command = decode_command(newest)
        self.drive = (
            "driven" if command.kp[self._slots].any() or command.tau[self._slots].any() else "damping"
        )
        return command

    def stopped(self, now: float) -> bool:
        """Whether commands stopped just now; the motors are to damp."""
        if self.drive in ("driven", "damping") and now - self.last_accepted > COMMAND_TIMEOUT_S:
            self.drive = "lost"
            return True
        return False

    def reset(self) -> None:
        """As at the start; counts go on."""
        self.drive = "limp"

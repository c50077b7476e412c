"""What the guards want to know of the robot's own messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from legged_gym.bundle.arrays import joint_array
from legged_gym.bundle.schema import BundleSpec
from legged_gym.deploy import rotations as rot
from legged_gym.deploy.robot_state import MotorMap
from legged_gym.deploy.safety import UNKNOWN, Facts
from legged_gym.deploy.transport import LowCommand, LowState

if TYPE_CHECKING:
    from legged_gym.deploy.controller import TickInput


class StateWatch:
    """Follows the states from tick to tick."""

    def __init__(self, spec: BundleSpec, motors: MotorMap, obeyed: bool) -> None:
        """Nothing has arrived, nothing was sent.

        Args:
            spec: Gives ranges and limits of the joints.
            motors: Which motors there are.
            obeyed: Whether the robot is expected to do what it is told.
        """
        self._motors, self._obeyed = motors, obeyed
        self._lower, self._upper = joint_array(spec, "lower"), joint_array(spec, "upper")
        self._effort = joint_array(spec, "effort_limit")
        self._model: tuple[int, int] | None = None
        self._tick: int | None = None
        self._advanced: float | None = None
        self._heard: float | None = None
        self._on_since: float | None = None
        self._command: LowCommand | None = None

    def commanded(self, command: LowCommand | None, now: float) -> None:
        """Note what was sent at ``now``."""
        if command is None:
            self._on_since = None
        elif self._on_since is None:
            self._on_since = now
        self._command = command

    def look(self, inputs: TickInput) -> Facts:
        """What a tick's newest state says, and what its absence does."""
        facts, low, now = Facts(), inputs.low, inputs.now
        facts.bad_checksums = float(inputs.bad_checksums)
        if low is None:
            return facts
        if low.tick != self._tick:
            self._tick, self._advanced = low.tick, low.received
        facts.state_age_s = now - self._advanced
        if any(low.remote) or self._heard is None:
            self._heard = now
        facts.remote_silence_s = now - self._heard
        self._model = self._model or (low.mode_machine, low.mode_pr)
        facts.model_changes = float(self._model != (low.mode_machine, low.mode_pr))
        self._look_at_motion(low, facts)
        self._look_at_motors(low, now, facts)
        return facts

    def _look_at_motion(self, low: LowState, facts: Facts) -> None:
        present, driven = self._motors.present, self._motors.driven
        readings = np.concatenate((low.quat_wxyz, low.gyro_b, low.q[present], low.dq[present]))
        facts.bad_values = float(np.count_nonzero(~np.isfinite(readings)))
        if facts.bad_values or not low.quat_wxyz.any():
            facts.bad_values = max(1.0, facts.bad_values)
            return
        facts.tilt_rad = rot.tilt_of(rot.quat(low.quat_wxyz))
        facts.gyro_rad_s = float(np.linalg.norm(low.gyro_b))
        facts.joint_speed_rad_s = float(np.abs(low.dq[present]).max())
        q = low.q[driven]
        facts.joint_excess_rad = float(np.maximum(self._lower - q, q - self._upper).max())
        facts.torque_share = float((np.abs(low.tau_est[driven]) / self._effort).max())
        if self._obeyed and self._command is not None:
            facts.torque_gap_share = self._torque_gap(low)

    def _look_at_motors(self, low: LowState, now: float, facts: Facts) -> None:
        present = self._motors.present
        facts.motor_errors = float(np.count_nonzero(low.motor_error[present]))
        facts.casing_c, facts.winding_c = (float(t) for t in low.temperature[present].max(axis=0))
        lowest = float(low.voltage[present].min())
        facts.motor_voltage_v = lowest if lowest > 0.0 else UNKNOWN  # 0: the motors do not say
        if low.motor_mode[present].all():
            self._on_since = None if self._on_since is None else now
        elif self._obeyed and self._on_since is not None:
            facts.motors_off_s = now - self._on_since

    def _torque_gap(self, low: LowState) -> float:
        """Largest difference between what the last command asks for and what the motors say they give."""
        sent, i = self._command, self._motors.driven
        asked = sent.kp[i] * (sent.q[i] - low.q[i]) + sent.kd[i] * (sent.dq[i] - low.dq[i]) + sent.tau[i]
        gap = np.abs(np.clip(asked, -self._effort, self._effort) - low.tau_est[i])
        return float((gap / self._effort).max())

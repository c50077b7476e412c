"""From what a state of the controller wants of the joints to commands for the motors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from legged_gym.bundle.arrays import joint_array
from legged_gym.bundle.schema import BundleSpec
from legged_gym.deploy import rotations as rot
from legged_gym.deploy.deploy_config import SafetyCfg, StandCfg
from legged_gym.deploy.robot_state import MotorMap, RobotState
from legged_gym.deploy.transport import LowCommand, LowState
from legged_gym.utils.errors import ConfigError

_ENABLE = 1


class Commands:
    """Makes commands for all motors of the robot: those of the policy's joints and those it holds still."""

    def __init__(self, spec: BundleSpec, motors: MotorMap, stand: StandCfg, damping: float) -> None:
        """Take the gains from bundle and options.

        Raises:
            ConfigError: No gain for standing is given for a joint.
        """
        self._spec, self._motors, self._damping, self._stand = spec, motors, damping, stand
        self._stiffness = joint_array(spec, "stiffness")
        self._velocity_gain = joint_array(spec, "damping")
        self._locked = [
            np.array([getattr(joint, name) for joint in motors.held])
            for name in ("position", "stiffness", "damping")
        ]
        self._model: tuple[int, int] | None = None
        names = [motors.order[i] for i in motors.present]
        self._ankles = [
            motors.present[[part in name for name in names]] for part in ("ankle_roll", "ankle_pitch")
        ]
        self._stand_kp = _by_name(stand.stiffness, names, "stand.stiffness")
        self._stand_kd = _by_name(stand.damping, names, "stand.damping")

    def damped(self, low: LowState | None) -> LowCommand:
        """No position control: motors brake only."""
        command = self._blank(low)
        present = self._motors.present
        command.kd[present] = self._damping
        if low is not None:
            command.q[present] = np.nan_to_num(low.q[present], nan=0.0, posinf=0.0, neginf=0.0)
        return command

    def held(self, low: LowState, pose: np.ndarray, strength: float) -> LowCommand:
        """All motors at angles (M,), rad, with a share 0 .. 1 of the gains for standing, and of the ankles' balance."""
        command, present = self._blank(low), self._motors.present
        command.q[present] = pose
        command.kp[present], command.kd[present] = strength * self._stand_kp, self._stand_kd
        roll, pitch = rot.roll_pitch_of(rot.quat(low.quat_wxyz))
        for motors, tilt, rate in zip(self._ankles, (roll, pitch), low.gyro_b, strict=False):
            give = self._stand.balance * tilt + self._stand.balance_s * float(rate)
            most = self._stand.balance_rad
            command.q[motors] += strength * max(-most, min(most, give))
        return command

    def unchanged(self, low: LowState, last: LowCommand) -> np.ndarray:
        """Angles (M,) that ask, with the gains for standing, for the torques that a command asks for now, rad."""
        i = self._motors.present
        torque = last.kp[i] * (last.q[i] - low.q[i]) + last.kd[i] * (last.dq[i] - low.dq[i]) + last.tau[i]
        return (low.q[i] + torque / self._stand_kp).astype(np.float64)

    def driven(self, low: LowState, targets: np.ndarray) -> LowCommand:
        """The policy's joints at its targets (J,), with training's gains; the others where training had them."""
        command = self._blank(low)
        driven, held = self._motors.driven, self._motors.locked
        command.q[held], command.kp[held], command.kd[held] = self._locked
        kind = self._spec.action.type
        if kind == "T":
            command.tau[driven] = targets
        elif kind == "V":
            command.dq[driven], command.kd[driven] = targets, self._velocity_gain
        else:
            command.q[driven] = targets
            command.kp[driven], command.kd[driven] = self._stiffness, self._velocity_gain
        return command

    def _blank(self, low: LowState | None) -> LowCommand:
        command = LowCommand()
        if self._model is None and low is not None:
            self._model = low.mode_pr, low.mode_machine
        if (
            self._model is not None
        ):  # the first, which was checked: a robot ignores commands for another model
            command.mode_pr, command.mode_machine = self._model
        command.mode[self._motors.present] = _ENABLE
        return command


class TargetLimiter:
    """Keeps the policy's targets where they may be, and tells how much it had to cut off."""

    def __init__(self, spec: BundleSpec, safety: SafetyCfg) -> None:
        """Take the limits of the bundle's joints."""
        self._kind = spec.action.type
        self._effort, self._speed = (joint_array(spec, name) for name in ("effort_limit", "velocity_limit"))
        self._stiffness, self._damping = (joint_array(spec, name) for name in ("stiffness", "damping"))
        self._lower = joint_array(spec, "lower") - safety.target_margin_rad
        self._upper = joint_array(spec, "upper") + safety.target_margin_rad
        self._step = safety.target_speed_rad_s * spec.rates.control_dt
        self._limit_torque = safety.limit_torque
        self._last: np.ndarray | None = None

    def restart(self) -> None:
        """The next targets may be anywhere in their range."""
        self._last = None

    def limit(self, targets: np.ndarray, state: RobotState) -> tuple[np.ndarray, float]:
        """Targets (J,) within their limits, and the most that was cut off.

        That is in rad; where targets are speeds or torques, the share of the joint's limit.
        """
        if self._kind in ("V", "T"):
            bound = self._speed if self._kind == "V" else self._effort
            limited = np.clip(targets, -bound, bound)
            share = np.abs(limited - targets) / np.maximum(bound, 1e-9)
            return limited, float(share.max())
        limited = np.clip(targets, self._lower, self._upper)
        if self._last is not None:
            limited = np.clip(limited, self._last - self._step, self._last + self._step)
        cut = float(np.abs(limited - targets).max())
        if self._limit_torque:  # not counted: training's servos are limited like this as well
            brake = self._damping * state.dof_vel
            low, high = ((sign * self._effort + brake) / self._stiffness for sign in (-1.0, 1.0))
            limited = np.clip(limited, state.dof_pos + low, state.dof_pos + high)
        self._last = limited
        return limited, cut


def stand_pose(spec: BundleSpec, motors: MotorMap, joints: np.ndarray) -> np.ndarray:
    """Angles of all motors (M,) where the policy's joints are at ``joints`` (J,) and the others where it holds them."""
    known = dict(zip(spec.joint_names, joints, strict=True))
    known |= {joint.name: joint.position for joint in motors.held}
    return np.array([known[motors.order[i]] for i in motors.present])


def _by_name(table: Mapping[str, float], names: Sequence[str], field: str) -> np.ndarray:
    """For each joint the value of the last key that is part of its name."""
    found = [[value for key, value in table.items() if key in name] for name in names]
    for name, values in zip(names, found, strict=True):
        if not values:
            raise ConfigError(f"{field} says nothing of {name}; its keys are {', '.join(table)}")
    return np.array([values[-1] for values in found])

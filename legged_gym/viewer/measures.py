"""What is measured about the robot that is looked at, by groups of columns that belong in one chart."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.base.robot_velocity import RobotVelocity
from legged_gym.evaluation.judging import ERRORS, tracking_errors
from legged_gym.utils.math import quat_conjugate, quat_mul, quat_rotate_inverse, yaw_of, yaw_quat

WINDOW_S = 6.0
"""How far charts look back."""


@dataclass(frozen=True)
class Measure:
    """Columns that share a unit."""

    title: str
    """With the unit."""
    columns: tuple[str, ...]
    read: Callable[[int], Tensor]
    """Env -> values (columns,)."""


def measures_of(env: LeggedRobot) -> dict[str, Measure]:
    """What there is to measure in an environment, by a short name."""
    joints = tuple(name.removesuffix("_joint") for name in env.joint_names)
    feet = tuple(name.removesuffix("_link") for name in env.robot.foot_bodies)
    velocities = ("forwards", "asked", "left", "asked left", "turning", "asked turning")
    found = {
        "velocity": Measure("velocity, m/s and rad/s", velocities, lambda i: _velocities(env, i)),
        "rewards": Measure(
            "rewards, weighted, 1/s", tuple(env.reward_sum.names), lambda i: env.reward_sum.latest[:, i] / env.step_dt
        ),
        "actions": Measure("actions", joints, lambda i: env.actions[i]),
        "joint targets": Measure(
            "joint target, share of range (limits at 1 and -1)", joints, lambda i: _of_range(env, env.joint_targets[i])
        ),
        "torques": Measure(
            "torque, share of limit", joints, lambda i: env.sim.dof_torque[i] / env.effort_limit
        ),
        "joint speeds": Measure(
            "joint speed, share of limit", joints, lambda i: env.sim.dof_vel[i] / env.velocity_limit
        ),
        "foot forces": Measure(
            "upward force on feet, N", feet, lambda i: env.sim.contact_force_w[i, env.feet, 2]
        ),
        "tilt": Measure("tilt, deg", ("root",), lambda i: _tilt_deg(env, i)),
        "height": Measure("root over ground, m", ("root",), lambda i: env.base_height[i : i + 1]),
    }  # fmt: skip
    if env.follows_reference:
        found = _tracking(env, joints, feet) | found
    return found


def _tracking(env: LeggedRobot, joints: tuple[str, ...], feet: tuple[str, ...]) -> dict[str, Measure]:
    """What only those have that follow a reference."""

    def errors(first: int, stop: int) -> Callable[[int], Tensor]:
        return lambda i: tracking_errors(env.sim, env.reference, env.tracked)[i, first:stop]

    def joint_errors(i: int) -> Tensor:
        return env.sim.dof_pos[i] - env.reference.dof_pos[i]

    def contacts(i: int) -> Tensor:
        wanted = (env.reference.contacts[i] > 0.5).float()
        return torch.stack((env.foot_contact[i].float(), wanted), dim=-1).flatten()

    both = tuple(f"{foot}{kind}" for foot in feet for kind in ("", " wanted"))
    return {
        "link errors": Measure("link position error, mm", ("global", "root-relative"), errors(0, 2)),
        "orientation": Measure("orientation error, deg", ("root", "root yaw"), lambda i: _turn_deg(env, i)),
        "joint errors": Measure("joint error, rad", joints, joint_errors),
        "contacts": Measure("foot contact", both, contacts),
    }


class History:
    """The last seconds of the measures that somebody watches."""

    def __init__(self, env: LeggedRobot) -> None:
        """Nobody watches anything yet."""
        self._env = env
        self.measures = measures_of(env)
        self._rows: dict[str, deque[tuple[float, np.ndarray]]] = {}
        self._time = 0.0

    @property
    def watched(self) -> tuple[str, ...]:
        """Names of measures that are kept."""
        return tuple(self._rows)

    def watch(self, name: str, wanted: bool) -> None:
        """Keep a measure from now on, or forget it."""
        if wanted:
            self._rows.setdefault(name, deque(maxlen=max(2, round(WINDOW_S / self._env.step_dt))))
        else:
            self._rows.pop(name, None)

    def note(self, env_id: int) -> None:
        """A control step has passed."""
        self._time += self._env.step_dt
        for name, rows in self._rows.items():
            rows.append((self._time, self.measures[name].read(env_id).cpu().numpy().astype(np.float64)))

    def clear(self) -> None:
        """Forget the past: what follows is of another robot."""
        for rows in self._rows.values():
            rows.clear()

    def series(self, name: str) -> tuple[np.ndarray, ...]:
        """Seconds before now (n,), and each column (n,), of the last seconds."""
        rows = self._rows[name]
        columns = len(self.measures[name].columns)
        if not rows:
            return tuple(np.zeros(0) for _ in range(1 + columns))
        time = np.array([row[0] for row in rows]) - self._time
        return (time, *np.stack([row[1] for row in rows], axis=1))


def figures(env: LeggedRobot, env_id: int) -> dict[str, str]:
    """The numbers that matter most, as they are now."""
    torque = env.sim.dof_torque[env_id].abs() / env.effort_limit
    worst = int(torque.argmax())
    result = {}
    if env.follows_reference:
        values = tracking_errors(env.sim, env.reference, env.tracked)[env_id].tolist()
        errors = dict(zip(ERRORS, values, strict=True))
        root, yaw = _turn_deg(env, env_id).tolist()
        result |= {
            "link error": f"{errors['mpjpe_mm']:.0f} mm global, {errors['mpjpe_local_mm']:.0f} mm root-relative",
            "joint error": f"{errors['joint_error_rad']:.3f} rad",
            "orientation error": f"{root:.1f} deg, yaw {yaw:+.1f} deg",
        }
    x, ax, y, ay, w, aw = _velocities(env, env_id).tolist()
    result["velocity"] = f"{x:+.2f} {y:+.2f} m/s {w:+.2f} rad/s"
    result["asked"] = f"{ax:+.2f} {ay:+.2f} m/s {aw:+.2f} rad/s"
    touching = [
        name.removesuffix("_link").replace("_", " ")
        for name, on in zip(env.robot.foot_bodies, env.foot_contact[env_id].tolist(), strict=True)
        if on
    ]
    return result | {
        "reward": f"{float(env.reward_sum.latest[:, env_id].sum()) / env.step_dt:.2f} 1/s",
        "largest torque": f"{float(torque[worst]):.0%} of {env.joint_names[worst].removesuffix('_joint')}'s limit",
        "on the ground": ", ".join(touching) or "no foot",
        "tilt": f"{float(_tilt_deg(env, env_id)):.1f} deg",
        "height": f"{float(env.base_height[env_id]):.2f} m",
    }


def _tilt_deg(env: LeggedRobot, i: int) -> Tensor:
    """Angle between the root's vertical and the world's, (1,)."""
    _, x, y, _ = env.sim.root_quat_wxyz[i]
    return torch.rad2deg(torch.arccos((1.0 - 2.0 * (x * x + y * y)).clamp(-1.0, 1.0))).view(1)


def _turn_deg(env: LeggedRobot, i: int) -> Tensor:
    """Angle of the turn from the reference's root to the robot's, and its part about the vertical, (2,)."""
    turn = quat_mul(env.sim.root_quat_wxyz[i], quat_conjugate(env.reference.root_quat_wxyz[i]))
    angle = 2.0 * torch.arccos(turn[0].abs().clamp(max=1.0))
    return torch.rad2deg(torch.stack((angle, yaw_of(turn))))


def _velocities(env: LeggedRobot, i: int) -> Tensor:
    """Forwards, left and turning, each with what is asked for, or what the reference does, (6,)."""
    sim = env.sim
    if isinstance(env, RobotVelocity):
        asked = env.commands.value[i]
    else:
        ref = env.reference
        turning = quat_rotate_inverse(ref.root_quat_wxyz[i], ref.root_ang_vel_w[i])[2:]
        asked = _planar(ref.root_quat_wxyz[i], ref.root_lin_vel_w[i], turning)
    had = _planar(sim.root_quat_wxyz[i], sim.root_lin_vel_w[i], sim.root_ang_vel_b[i, 2:])
    return torch.stack((had, asked), dim=-1).flatten()


def _planar(quat_wxyz: Tensor, lin_vel_w: Tensor, turning: Tensor) -> Tensor:
    """A root's velocity forwards and left by its heading, m/s, with that of turning left, rad/s, (3,)."""
    return torch.cat((quat_rotate_inverse(yaw_quat(quat_wxyz), lin_vel_w)[:2], turning))


def _of_range(env: LeggedRobot, dof_pos: Tensor) -> Tensor:
    """Joint positions (J,) as shares of the way from the middle of their ranges to their limits."""
    return (2.0 * dof_pos - env.dof_upper - env.dof_lower) / (env.dof_upper - env.dof_lower)

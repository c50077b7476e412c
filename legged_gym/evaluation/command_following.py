"""How well a robot follows commanded velocities: trials of some length with commands that change, and their figures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.terms.observations import projected_gravity
from legged_gym.evaluation.courses import Course, course_of
from legged_gym.evaluation.policies import Policy
from legged_gym.evaluation.protocol import ProtocolArgs
from legged_gym.utils.errors import ConfigError

FALL_HEIGHT = 0.4
"""Fallen: root lower than this over the ground, m."""
FALL_TILT = 1.0
"""Fallen: root further than this from upright, rad."""
SETTLING_S = 1.0
"""`settled` errors leave out this long after every change of the command."""
CAUSES = ("diverged", "low", "tilted")
"""What a robot can fall of; where several hold in the same step, the first."""
RULES = {"fall_root_height_m": FALL_HEIGHT, "fall_tilt_rad": FALL_TILT}


@dataclass(frozen=True)
class Trials:
    """How E trials went. Velocities are in the heading frame: forwards and left, m/s, turning left, rad/s."""

    seconds: np.ndarray
    """(E,) how long each lasted."""
    cause: np.ndarray
    """(E,) what each fell of, index into ``CAUSES``, or -1."""
    left: np.ndarray
    """(E,) bool: walked off its ground before the time was up, which is no failure."""
    ground: list[str]
    """(E,) kind and level of the ground."""
    trial: np.ndarray
    """(S,) the trial each step belongs to."""
    command: np.ndarray
    """(S, 3) what was asked for."""
    velocity: np.ndarray
    """(S, 3) what the robot did at that instant."""
    age: np.ndarray
    """(S,) time since the command changed, s."""
    stride: int
    """Steps of a stride. A walking robot sways by more than it errs, so errors are of the mean over a stride."""

    @property
    def fell(self) -> np.ndarray:
        """(E,) bool."""
        return self.cause >= 0


def fall_causes(env: LeggedRobot) -> Tensor:
    """Why robots are down by the evaluation's own rules: (N,) long, index into ``CAUSES`` or -1."""
    rules = {
        "diverged": env.sim.diverged,
        "low": env.base_height < FALL_HEIGHT,
        "tilted": projected_gravity(env)[:, 2] > -math.cos(FALL_TILT),
    }
    cause = torch.full_like(env.sim.diverged, -1, dtype=torch.long)
    for name in reversed(CAUSES):
        cause[rules[name]] = CAUSES.index(name)
    return cause


def fallen(env: LeggedRobot) -> Tensor:
    """Robots that are down by the evaluation's own rules, (N,) bool."""
    return fall_causes(env) >= 0


@torch.no_grad()
def run_trials(env: LeggedRobot, policy: Policy, protocol: ProtocolArgs) -> Trials:
    """Play ``num_trials`` episodes of some length, as many at once as there are envs.

    Args:
        env: Of a task that follows commands, or driven by a joystick.
        policy: Acts in all envs at once.
        protocol: How many and how long.

    Raises:
        ConfigError: There are fewer trials than grounds.
    """
    course = course_of(env)
    if protocol.num_trials < course.num_grounds:
        raise ConfigError(
            f"--num_trials={protocol.num_trials}: there are {course.num_grounds} grounds to be tried"
        )
    parts = []
    for first in range(0, protocol.num_trials, env.num_envs):
        course.spread(first)
        count = min(protocol.num_trials - first, env.num_envs)
        parts.append(_run_batch(course, policy, count, protocol.seconds_per_trial))
    counts = np.cumsum([0] + [len(part.cause) for part in parts])
    return Trials(
        ground=[name for part in parts for name in part.ground],
        trial=np.concatenate([part.trial + first for part, first in zip(parts, counts[:-1], strict=True)]),
        **{
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in ("seconds", "cause", "left", "command", "velocity", "age")
        },
        stride=parts[0].stride,
    )


def _run_batch(course: Course, policy: Policy, count: int, seconds: float) -> Trials:
    env = course.env
    everyone = torch.arange(env.num_envs, device=env.device)
    course.begin(everyone, noisy=True)
    observations = env.observe(everyone)
    playing = everyone < count
    cause, left = torch.full_like(everyone, -1), torch.zeros_like(playing)
    lasted = torch.zeros(env.num_envs, device=env.device)
    steps: list[tuple[Tensor, ...]] = []
    for _ in range(max(1, round(seconds / env.step_dt))):
        env.advance(policy(observations))
        seen = (playing & ~env.sim.diverged).nonzero().squeeze(-1)
        age = course.commands.age * env.step_dt
        steps.append((seen, course.commands.value[seen].clone(), course.velocity()[seen], age[seen]))
        lasted[playing] += env.step_dt
        cause = torch.where(playing, fall_causes(env), cause)
        left |= playing & (cause < 0) & course.left()
        playing = playing & (cause < 0) & ~left
        if not playing.any():
            break
        idle = (~playing).nonzero().squeeze(-1)  # a robot in pieces would go on raising warnings
        if len(idle):
            course.begin(idle, noisy=False)
        observations = env.observe(idle)
    trial, command, velocity, age = (torch.cat(column).cpu().numpy() for column in zip(*steps, strict=True))
    chosen = slice(0, count)
    return Trials(
        seconds=lasted[chosen].cpu().numpy(),
        cause=cause[chosen].cpu().numpy(),
        left=left[chosen].cpu().numpy(),
        ground=[course.name_of(i) for i in range(count)],
        trial=trial,
        command=command,
        velocity=velocity,
        age=age,
        stride=course.stride,
    )


def stride_means(values: np.ndarray, stride: int) -> np.ndarray:
    """Means over the ``stride`` steps around each of values (T, K), over fewer at both ends."""
    sums = np.concatenate((np.zeros((1, values.shape[1])), np.cumsum(values, axis=0, dtype=np.float64)))
    step, half = np.arange(len(values)), stride // 2
    first, last = np.maximum(step - half, 0), np.minimum(step + half + 1, len(values))
    return (sums[last] - sums[first]) / (last - first)[:, None]


def mean_velocities(trials: Trials) -> np.ndarray:
    """Velocity of each step as the mean over the stride around it, within its trial, (S, 3)."""
    means = np.empty_like(trials.velocity)
    for trial in np.unique(trials.trial):
        own = np.flatnonzero(trials.trial == trial)
        means[own] = stride_means(trials.velocity[own], trials.stride)
    return means


def summarise(trials: Trials) -> dict[str, Any]:
    """All figures: ``total``, and ``grounds`` by name.

    ``lin_vel_error_m_s`` and ``yaw_rate_error_rad_s`` are means over all steps of the distance between command and
    velocity (its mean over the stride around the step), the time after a change of command included; ``settled_``
    without the first second of it; ``raw_`` with the velocity at the instant.
    """
    names = dict.fromkeys(trials.ground)
    means = mean_velocities(trials)
    return {
        "total": _figures(trials, means, np.ones(len(trials.fell), bool)),
        "grounds": {
            name: _figures(trials, means, np.array([g == name for g in trials.ground])) for name in names
        },
    }


def _figures(trials: Trials, means: np.ndarray, chosen: np.ndarray) -> dict[str, Any]:
    steps = chosen[trials.trial]
    error = means[steps] - trials.command[steps]
    raw = trials.velocity[steps] - trials.command[steps]
    lin, settled = np.linalg.norm(error[:, :2], axis=1), trials.age[steps] >= SETTLING_S
    minutes = float(trials.seconds[chosen].sum()) / 60.0
    return {
        "success_rate": float((~trials.fell[chosen]).mean()),
        "falls_per_minute": float(trials.fell[chosen].sum()) / minutes,
        "lin_vel_error_m_s": _mean(lin),
        "settled_lin_vel_error_m_s": _mean(lin[settled]),
        "raw_lin_vel_error_m_s": _mean(np.linalg.norm(raw[:, :2], axis=1)),
        "yaw_rate_error_rad_s": _mean(np.abs(error[:, 2])),
        "settled_yaw_rate_error_rad_s": _mean(np.abs(error[settled, 2])),
        "falls": {name: int((trials.cause[chosen] == k).sum()) for k, name in enumerate(CAUSES)},
        "seconds": float(trials.seconds[chosen].mean()),
        "left_its_ground": int(trials.left[chosen].sum()),
        "trials": int(chosen.sum()),
    }


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None


def segment_means(trials: Trials) -> tuple[np.ndarray, np.ndarray]:
    """Every command once: what was asked for and the mean of what was done after settling, (M, 3) each."""
    settled = trials.age >= SETTLING_S
    keys = np.column_stack((trials.trial[settled], trials.command[settled]))
    unique, inverse = np.unique(keys, axis=0, return_inverse=True)
    counts = np.bincount(inverse.ravel())
    means = [np.bincount(inverse.ravel(), trials.velocity[settled][:, k]) / counts for k in range(3)]
    return unique[:, 1:], np.column_stack(means)

"""How well a robot follows commanded velocities: trials of some length with commands that change, and their figures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from legged_gym.envs.base.robot_velocity import RobotVelocity
from legged_gym.envs.terms.observations import projected_gravity
from legged_gym.evaluation.policies import Policy
from legged_gym.evaluation.protocol import ProtocolArgs
from legged_gym.utils.errors import ConfigError

FALL_HEIGHT = 0.4
"""Fallen: root lower than this over the ground, m."""
FALL_TILT = 1.0
"""Fallen: root further than this from upright, rad."""
SETTLING_S = 1.0
"""`settled` errors leave out this long after every change of the command."""
RULES = {"fall_root_height_m": FALL_HEIGHT, "fall_tilt_rad": FALL_TILT}


@dataclass(frozen=True)
class Trials:
    """How E trials went. Velocities are in the heading frame: forwards and left, m/s, turning left, rad/s."""

    seconds: np.ndarray
    """(E,) how long each lasted."""
    fell: np.ndarray
    """(E,) bool."""
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


def fallen(env: RobotVelocity) -> Tensor:
    """Robots that are down by the evaluation's own rules, (N,) bool."""
    low = env.base_height < FALL_HEIGHT
    return low | (projected_gravity(env)[:, 2] > -math.cos(FALL_TILT)) | env.sim.diverged


@torch.no_grad()
def run_trials(env: RobotVelocity, policy: Policy, protocol: ProtocolArgs) -> Trials:
    """Play ``num_trials`` episodes of ``trial_seconds``, as many at once as there are envs.

    Raises:
        ConfigError: There are fewer trials than grounds.
    """
    grounds = len(env.terrain.offsets)
    if protocol.num_trials < grounds:
        raise ConfigError(f"--num_trials={protocol.num_trials}: there are {grounds} grounds to be tried")
    parts = []
    for first in range(0, protocol.num_trials, env.num_envs):
        env.terrain.spread(first)
        count = min(protocol.num_trials - first, env.num_envs)
        parts.append(_run_batch(env, policy, count, protocol.trial_seconds))
    counts = np.cumsum([0] + [len(part.fell) for part in parts])
    return Trials(
        ground=[name for part in parts for name in part.ground],
        trial=np.concatenate([part.trial + first for part, first in zip(parts, counts[:-1], strict=True)]),
        **{
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in ("seconds", "fell", "left", "command", "velocity", "age")
        },
        stride=parts[0].stride,
    )


def _run_batch(env: RobotVelocity, policy: Policy, count: int, seconds: float) -> Trials:
    everyone = torch.arange(env.num_envs, device=env.device)
    env.reset_to(everyone, noisy=True)
    observations = env.observe(everyone)
    playing = everyone < count
    fell, left = torch.zeros_like(playing), torch.zeros_like(playing)
    lasted = torch.zeros(env.num_envs, device=env.device)
    steps: list[tuple[Tensor, ...]] = []
    for _ in range(max(1, round(seconds / env.step_dt))):
        env.advance(policy(observations))
        velocity = torch.cat((env.lin_vel_h[:, :2], env.sim.root_ang_vel_b[:, 2:]), dim=-1)
        seen = (playing & ~env.sim.diverged).nonzero().squeeze(-1)
        age = env.commands.age * env.step_dt
        steps.append((seen, env.commands.value[seen].clone(), velocity[seen], age[seen]))
        lasted[playing] += env.step_dt
        fell |= playing & fallen(env)
        left |= playing & ~fell & env.terrain.left(env.sim.root_pos_w[:, :2] - env.env_offsets[:, :2])
        playing = playing & ~fell & ~left
        if not playing.any():
            break
        idle = (~playing).nonzero().squeeze(-1)  # a robot in pieces would go on raising warnings
        env.reset_to(idle, noisy=False)
        observations = env.observe(idle)
    trial, command, velocity, age = (torch.cat(column).cpu().numpy() for column in zip(*steps, strict=True))
    chosen = slice(0, count)
    return Trials(
        seconds=lasted[chosen].cpu().numpy(),
        fell=fell[chosen].cpu().numpy(),
        left=left[chosen].cpu().numpy(),
        ground=[env.terrain.name_of(i) for i in range(count)],
        trial=trial,
        command=command,
        velocity=velocity,
        age=age,
        stride=max(1, round(env.cfg.gait.period / env.step_dt)),
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

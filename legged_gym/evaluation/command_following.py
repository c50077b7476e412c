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
    """Play ``num_trials`` episodes of ``trial_seconds``, as many at once as there are envs."""
    parts = []
    left_over = protocol.num_trials
    while left_over > 0:
        parts.append(_run_batch(env, policy, min(left_over, env.num_envs), protocol.trial_seconds))
        left_over -= env.num_envs
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
        now = playing.nonzero().squeeze(-1)
        age = env.commands.age * env.step_dt
        steps.append((now, env.commands.value[now].clone(), velocity[now], age[now]))
        lasted[now] += env.step_dt
        fell |= playing & fallen(env)
        left |= playing & ~fell & env.terrain.left(env.sim.root_pos_w[:, :2] - env.env_offsets[:, :2])
        playing = playing & ~fell & ~left
        if not playing.any():
            break
        idle = (~playing).nonzero().squeeze(-1)  # a robot in pieces would go on raising warnings
        env.reset_to(idle, noisy=False)
        observations = env.observe(idle)
    trial, command, velocity, age = (
        torch.cat(column).cpu().numpy() for column in zip(*steps, strict=True)
    )
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


def stride_means(trials: Trials) -> np.ndarray:
    """Velocity averaged over the stride around each step, less at the ends of a trial, (S, 3)."""
    means = np.empty_like(trials.velocity)
    half = trials.stride // 2
    for trial in np.unique(trials.trial):
        own = np.flatnonzero(trials.trial == trial)
        total = np.concatenate((np.zeros((1, 3)), np.cumsum(trials.velocity[own], axis=0, dtype=np.float64)))
        first = np.maximum(np.arange(len(own)) - half, 0)
        last = np.minimum(np.arange(len(own)) + half + 1, len(own))
        means[own] = (total[last] - total[first]) / (last - first)[:, None]
    return means


def summarise(trials: Trials) -> dict[str, Any]:
    """All figures: ``total``, and ``grounds`` by name.

    ``lin_vel_error_m_s`` and ``yaw_rate_error_rad_s`` are means over all steps of the distance between command and
    velocity (its mean over the stride around the step), the time after a change of command included; ``settled_``
    without the first second of it; ``raw_`` with the velocity at the instant.
    """
    names = dict.fromkeys(trials.ground)
    means = stride_means(trials)
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
        "lin_vel_error_m_s": float(lin.mean()),
        "settled_lin_vel_error_m_s": float(lin[settled].mean()) if settled.any() else None,
        "raw_lin_vel_error_m_s": float(np.linalg.norm(raw[:, :2], axis=1).mean()),
        "yaw_rate_error_rad_s": float(np.abs(error[:, 2]).mean()),
        "settled_yaw_rate_error_rad_s": float(np.abs(error[settled, 2]).mean()) if settled.any() else None,
        "seconds": float(trials.seconds[chosen].mean()),
        "left_its_ground": int(trials.left[chosen].sum()),
        "trials": int(chosen.sum()),
    }


def segment_means(trials: Trials) -> tuple[np.ndarray, np.ndarray]:
    """Every command once: what was asked for and the mean of what was done after settling, (M, 3) each."""
    settled = trials.age >= SETTLING_S
    keys = np.column_stack((trials.trial[settled], trials.command[settled]))
    unique, inverse = np.unique(keys, axis=0, return_inverse=True)
    counts = np.bincount(inverse.ravel())
    means = [np.bincount(inverse.ravel(), trials.velocity[settled][:, k]) / counts for k in range(3)]
    return unique[:, 1:], np.column_stack(means)

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
    """(S, 3) what the robot did, averaged over the last stride: a walking robot sways by more than it errs."""
    raw_velocity: np.ndarray
    """(S, 3) the same at the instant."""
    age: np.ndarray
    """(S,) time since the command changed, s."""


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
            for name in ("seconds", "fell", "left", "command", "velocity", "raw_velocity", "age")
        },
    )


def _run_batch(env: RobotVelocity, policy: Policy, count: int, seconds: float) -> Trials:
    everyone = torch.arange(env.num_envs, device=env.device)
    env.reset_to(everyone, noisy=True)
    observations = env.observe(everyone)
    playing = everyone < count
    fell, left = torch.zeros_like(playing), torch.zeros_like(playing)
    lasted = torch.zeros(env.num_envs, device=env.device)
    steps: list[tuple[Tensor, ...]] = []
    stride = _StrideMean(env, env.cfg.gait.period)
    for _ in range(round(seconds / env.step_dt)):
        env.advance(policy(observations))
        raw = torch.cat((env.lin_vel_h[:, :2], env.sim.root_ang_vel_b[:, 2:]), dim=-1)
        mean = stride.add(raw)
        now = playing.nonzero().squeeze(-1)
        age = env.commands.age * env.step_dt
        steps.append((now, env.commands.value[now].clone(), mean[now], raw[now], age[now]))
        lasted[now] += env.step_dt
        fell |= playing & fallen(env)
        left |= playing & ~fell & env.terrain.left(env.sim.root_pos_w[:, :2] - env.env_offsets[:, :2])
        playing = playing & ~fell & ~left
        if not playing.any():
            break
        idle = (~playing).nonzero().squeeze(-1)  # a robot in pieces would go on raising warnings
        env.reset_to(idle, noisy=False)
        observations = env.observe(idle)
    trial, command, velocity, raw, age = (
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
        raw_velocity=raw,
        age=age,
    )


class _StrideMean:
    """Mean of the last values, over a stride; of fewer at the start."""

    def __init__(self, env: RobotVelocity, period: float) -> None:
        self._values = torch.zeros(max(1, round(period / env.step_dt)), env.num_envs, 3, device=env.device)
        self._count = 0

    def add(self, value: Tensor) -> Tensor:
        self._values[self._count % len(self._values)] = value
        self._count += 1
        return self._values[: self._count].mean(0)


def summarise(trials: Trials) -> dict[str, Any]:
    """All figures: ``total``, and ``grounds`` by name.

    ``lin_vel_error_m_s`` and ``yaw_rate_error_rad_s`` are means over all steps of the distance between command and
    velocity (its mean over a stride), the time after a change of command included; ``settled_`` without the first
    second of it; ``raw_`` with the velocity at the instant.
    """
    names = dict.fromkeys(trials.ground)
    return {
        "total": _figures(trials, np.ones(len(trials.fell), bool)),
        "grounds": {name: _figures(trials, np.array([g == name for g in trials.ground])) for name in names},
    }


def _figures(trials: Trials, chosen: np.ndarray) -> dict[str, Any]:
    steps = chosen[trials.trial]
    error = trials.velocity[steps] - trials.command[steps]
    raw = trials.raw_velocity[steps] - trials.command[steps]
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
    means = [np.bincount(inverse.ravel(), trials.raw_velocity[settled][:, k]) / counts for k in range(3)]
    return unique[:, 1:], np.column_stack(means)

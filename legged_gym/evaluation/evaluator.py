"""Plays episodes in all envs at once and notes how each went."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from legged_gym.envs.base.robot_deepmimic import RobotDeepMimic
from legged_gym.evaluation.judging import CAUSES, ERRORS, failure_causes, tracking_errors
from legged_gym.evaluation.policies import Policy
from legged_gym.evaluation.protocol import ProtocolArgs
from legged_gym.motion.replay_data import ReplayData

MIN_REMAINING = 2
"""Frames of its clip that an episode has ahead of it at least, where the clip has as many."""
MEASURES = (*ERRORS, "action_rate_rad_s")
"""Columns of ``Episodes.measures``."""


@dataclass(frozen=True)
class Starts:
    """Where E episodes start."""

    frames: Tensor
    """(E,) long, frames of the replay data."""
    from_start: Tensor
    """(E,) bool: an episode from the clip's first frame, with noise on the state."""


@dataclass(frozen=True)
class Episodes:
    """How E episodes went; S is the number of steps they took together. Frames count over all clips."""

    clip_names: list[str]
    step_dt: float
    """Control period, s."""
    clip_first: np.ndarray
    """(C,) first frame of each clip."""
    clip_last: np.ndarray
    """(C,) last frame of each clip."""
    clip: np.ndarray
    """(E,) clip of each episode."""
    from_start: np.ndarray
    """(E,) bool, as in :class:`Starts`."""
    start: np.ndarray
    """(E,) frame each episode started at."""
    end: np.ndarray
    """(E,) frame at which it failed, or the clip's last."""
    cause: np.ndarray
    """(E,) what it failed of, index into ``CAUSES``, or -1."""
    step_episode: np.ndarray
    """(S,) episode that each step belongs to."""
    step_frame: np.ndarray
    """(S,) frame that each step reached."""
    measures: np.ndarray
    """(S, len(MEASURES)) errors after each step, failing steps included, diverged ones not. The action rate, mean
    |change of the joint targets' offset| per second, is NaN in an episode's first step."""


def evaluate(env: RobotDeepMimic, policy: Policy, protocol: ProtocolArgs) -> Episodes:
    """Judge a policy on every clip of an environment. The environment's own episodes are over afterwards.

    Args:
        env: Built from :func:`protocol.evaluation_config`. More episodes than it has envs play one after the other.
        policy: Acts in all envs at once; without noise of its own.
        protocol: Which episodes to play.
    """
    return run_episodes(env, policy, plan_starts(env.data, protocol))


def plan_starts(data: ReplayData, protocol: ProtocolArgs) -> Starts:
    """The episodes of an evaluation, clip by clip.

    Without noise all episodes from the first frame would be the same, so then there is one.
    """
    repeats = min(protocol.num_from_start, 1) if protocol.start_noise == 0.0 else protocol.num_from_start
    frames, from_start = [], []
    for first, length in zip(data.clip_start.tolist(), data.clip_length.tolist(), strict=True):
        spread = spaced_frames(first, length, protocol.num_starts)
        frames += [spread, torch.full((repeats,), first)]
        from_start += [torch.zeros(len(spread), dtype=torch.bool), torch.ones(repeats, dtype=torch.bool)]
    device = data.clip_start.device
    return Starts(torch.cat(frames).to(device), torch.cat(from_start).to(device))


def spaced_frames(first: int, length: int, count: int) -> Tensor:
    """Up to ``count`` evenly spaced frames of a clip, its first one among them; fewer where it has fewer."""
    candidates = max(1, length - MIN_REMAINING)
    return first + torch.unique(torch.arange(count) * candidates // count)


@torch.no_grad()
def run_episodes(env: RobotDeepMimic, policy: Policy, starts: Starts) -> Episodes:
    """Play episodes, each until its clip ends or it fails."""
    run = _Run(env, starts)
    observations = env.observe(run.begin(torch.arange(env.num_envs, device=env.device)))
    while run.playing.any():
        env.advance(policy(observations))
        observations = env.observe(run.judge())
    return run.result()


class _Run:
    """The episodes under way: which env plays which, and what has been seen of them."""

    def __init__(self, env: RobotDeepMimic, starts: Starts) -> None:
        self._env, self._starts = env, starts
        count, device = len(starts.frames), env.device
        self._next = 0
        self._episode = torch.full((env.num_envs,), -1, device=device)  # (N,) -1: nothing left to play
        self._end = torch.zeros(count, dtype=torch.long, device=device)
        self._cause = torch.full((count,), -1, device=device)
        self._steps: list[tuple[Tensor, Tensor, Tensor]] = []

    @property
    def playing(self) -> Tensor:
        """(N,) bool: envs whose episode counts."""
        return self._episode >= 0

    def begin(self, env_ids: Tensor) -> Tensor:
        """Give envs the next episodes of the queue; returns the envs that were reset.

        Envs left over go back to a first frame: a robot in pieces would go on raising warnings.
        """
        left = len(self._starts.frames) - self._next
        used, idle = env_ids[:left], env_ids[left:]
        episodes = torch.arange(self._next, self._next + len(used), device=env_ids.device)
        self._next += len(used)
        self._episode[used], self._episode[idle] = episodes, -1
        frames, noisy = self._starts.frames[episodes], self._starts.from_start[episodes]
        self._reset(used[noisy], frames[noisy], noisy=True)
        self._reset(used[~noisy], frames[~noisy], noisy=False)
        self._reset(idle, torch.zeros_like(idle), noisy=False)
        return env_ids

    def judge(self) -> Tensor:
        """Note the step just made and end the episodes that are over; returns the envs that were reset."""
        env = self._env
        cause = failure_causes(env.sim, env.reference, env.tracked, env.sim.diverged)
        seen = (self.playing & ~env.sim.diverged).nonzero().squeeze(-1)
        measures = torch.cat(
            (tracking_errors(env.sim, env.reference, env.tracked), _action_rate(env)), dim=-1
        )
        self._steps.append((self._episode[seen], env.frame[seen], measures[seen]))
        over = (self.playing & ((cause >= 0) | (env.frame >= env.last_frame))).nonzero().squeeze(-1)
        episodes = self._episode[over]
        self._end[episodes], self._cause[episodes] = env.frame[over], cause[over]
        return self.begin(over) if len(over) else over

    def result(self) -> Episodes:
        """Everything seen, on the host."""
        data = self._env.data
        episode, frame, measures = (
            torch.cat(column).cpu().numpy() for column in zip(*self._steps, strict=True)
        )
        clips = torch.arange(data.num_clips, device=data.clip_start.device)
        return Episodes(
            clip_names=list(data.clip_names),
            step_dt=self._env.step_dt,
            clip_first=data.clip_start.cpu().numpy(),
            clip_last=data.clip_last_frame(clips).cpu().numpy(),
            clip=data.clip_of(self._starts.frames).cpu().numpy(),
            from_start=self._starts.from_start.cpu().numpy(),
            start=self._starts.frames.cpu().numpy(),
            end=self._end.cpu().numpy(),
            cause=self._cause.cpu().numpy(),
            step_episode=episode,
            step_frame=frame,
            measures=measures,
        )

    def _reset(self, env_ids: Tensor, frames: Tensor, noisy: bool) -> None:
        if len(env_ids):
            self._env.reset_to(env_ids, frames, noisy=noisy)


def _action_rate(env: RobotDeepMimic) -> Tensor:
    """Mean absolute change of the scaled actions per second, (N, 1); NaN in an episode's first step."""
    change = ((env.actions - env.last_actions) * env.action_scale).abs().mean(-1, keepdim=True) / env.step_dt
    return torch.where(env.episode_length_buf.unsqueeze(-1) > 1, change, torch.nan)


def cause_name(cause: int) -> str | None:
    """Name of a cause in ``Episodes.cause``; None for success."""
    return CAUSES[cause] if cause >= 0 else None

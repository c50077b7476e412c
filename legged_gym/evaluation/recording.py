"""One robot's run along a clip, recorded for watching."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from legged_gym.envs.base.robot_deepmimic import RobotDeepMimic
from legged_gym.evaluation.evaluator import cause_name
from legged_gym.evaluation.judging import ERRORS, failure_causes, tracking_errors
from legged_gym.evaluation.policies import Policy

TAIL_S = 1.0
"""How long a recording goes on after a failure."""


@dataclass(frozen=True)
class Recording:
    """T states, one per control period; the first is the start itself. Poses are root xyz, quaternion wxyz, joints."""

    clip: str
    clip_time: np.ndarray
    """(T,) s."""
    robot: np.ndarray
    """(T, 7 + J)."""
    reference: np.ndarray
    """(T, 7 + J)."""
    errors: np.ndarray
    """(T, len(ERRORS)), columns as in ``judging.ERRORS``."""
    clip_seconds: float
    """Length of the clip."""
    step_dt: float
    """Control period, s."""
    ground: tuple[np.ndarray, np.ndarray] | None
    """Vertices (V, 3) in the world and triangles (F, 3) of the clip's terrain; None is the flat floor."""
    failure: int | None
    """Index of the state in which the episode failed; the states after it only show what happened then."""
    cause: str | None
    """What it failed of."""
    seconds: dict[str, float]
    """Computing time by part, of all envs."""

    @property
    def steps(self) -> int:
        """Steps until the end of the clip or the failure."""
        return len(self.clip_time) - 1 if self.failure is None else self.failure

    def mean_errors(self) -> dict[str, float]:
        """Mean errors over the steps until the end or the failure."""
        means = self.errors[1 : self.steps + 1].mean(axis=0)
        return dict(zip(ERRORS, means.tolist(), strict=True))


@torch.no_grad()
def record(env: RobotDeepMimic, policy: Policy, clip: int, start_s: float = 0.0) -> Recording:
    """Play one clip in the first env and record it; the other envs do the same, unrecorded.

    Args:
        env: Its episodes are over afterwards.
        policy: Acts in all envs at once.
        clip: Index of the clip.
        start_s: Clip time to start at; no later than two frames before its end.
    """
    first, length = int(env.data.clip_start[clip]), int(env.data.clip_length[clip])
    frame = first + max(0, min(round(start_s / env.step_dt), length - 2))
    ids = torch.arange(env.num_envs, device=env.device)
    env.reset_to(ids, torch.full_like(ids, frame), noisy=False)
    observations = env.observe(ids)
    before_all, policy_seconds = env.timings(), 0.0
    states, failure, cause = [_state(env)], None, None
    while env.frame[0] < env.last_frame[0]:
        before = time.perf_counter()
        actions = policy(observations)
        policy_seconds += time.perf_counter() - before
        env.advance(actions)
        observations = env.observe()
        if failure is None:
            judged = failure_causes(env.sim, env.reference, env.tracked, env.sim.diverged)
            cause = cause_name(int(judged[0]))
            failure = len(states) if cause else None
        if env.sim.diverged[0]:
            break
        states.append(_state(env))
        if failure is not None and (len(states) - 1 - failure) * env.step_dt >= TAIL_S:
            break
    robot, reference, errors, frames = (np.stack(column) for column in zip(*states, strict=True))
    return Recording(
        clip=env.data.clip_names[clip],
        clip_time=(frames - first) * env.step_dt,
        robot=robot,
        reference=reference,
        errors=errors,
        clip_seconds=(length - 1) * env.step_dt,
        step_dt=env.step_dt,
        ground=_ground(env),
        failure=failure,
        cause=cause,
        seconds={part: s - before_all.get(part, 0.0) for part, s in env.timings().items()}
        | {"policy": policy_seconds},
    )


def _ground(env: RobotDeepMimic) -> tuple[np.ndarray, np.ndarray] | None:
    """The terrain of the first env."""
    if env.terrain.is_flat:
        return None
    vertices, faces = env.terrain.tile_mesh(int(env.tile[0]))
    return vertices + env.env_offsets[0].cpu().numpy(), faces


def _state(env: RobotDeepMimic) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Pose of robot and reference, errors and frame of the first env."""
    sim, ref = env.sim, env.reference
    errors = tracking_errors(sim, ref, env.tracked)[0]
    return (
        _pose(sim.root_pos_w, sim.root_quat_wxyz, sim.dof_pos),
        _pose(ref.root_pos_w, ref.root_quat_wxyz, ref.dof_pos),
        errors.cpu().numpy().astype(np.float64),
        int(env.frame[0]),
    )


def _pose(*parts: Tensor) -> np.ndarray:
    return torch.cat([part[0] for part in parts]).cpu().numpy().astype(np.float64)

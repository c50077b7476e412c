"""One robot's run along a clip, recorded for watching."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from legged_gym.envs.base.robot_deepmimic import RobotDeepMimic
from legged_gym.evaluation.evaluator import cause_name
from legged_gym.evaluation.judging import ERRORS, failure_causes, tracking_errors
from legged_gym.evaluation.policies import Policy
from legged_gym.evaluation.recording import Recording, Tape, ground_mesh, pose


@dataclass(frozen=True, kw_only=True)
class ClipRecording(Recording):
    """A robot that follows a clip. ``time`` is the clip's."""

    reference: np.ndarray
    """(T, 7 + J)."""
    errors: np.ndarray
    """(T, len(ERRORS)), columns as in ``judging.ERRORS``."""

    def mean_errors(self) -> dict[str, float]:
        """Mean errors over the steps until the end or the failure."""
        means = self.errors[1 : self.steps + 1].mean(axis=0)
        return dict(zip(ERRORS, means.tolist(), strict=True))

    def outcome(self) -> str:
        """See :meth:`Recording.outcome`."""
        errors = self.mean_errors()
        return (
            f"{self.cause or 'reached the end'} after {self.steps * self.step_dt:.2f} s; link position error "
            f"{errors['mpjpe_local_mm']:.0f} mm root-relative and {errors['mpjpe_mm']:.0f} mm global, "
            f"joint error {errors['joint_error_rad']:.3f} rad"
        )

    def figures(self, index: int) -> str:
        """See :meth:`Recording.figures`."""
        local, world = (self.errors[index, ERRORS.index(name)] for name in ("mpjpe_local_mm", "mpjpe_mm"))
        return f"error {local:.0f} mm root-relative, {world:.0f} mm global"

    def legend(self, index: int) -> tuple[str, str]:
        """See :meth:`Recording.legend`."""
        return "robot", "reference"


@torch.no_grad()
def record_clip(env: RobotDeepMimic, policy: Policy, clip: int, start_s: float = 0.0) -> ClipRecording:
    """Play one clip in the first env and record it; the other envs do the same, unrecorded.

    Args:
        env: Its episodes are over afterwards.
        policy: Acts in all envs at once.
        clip: Index of the clip.
        start_s: Clip time to start at; no later than two frames before its end.
    """
    first, length = int(env.data.clip_start[clip]), int(env.data.clip_length[clip])
    skipped = max(0, min(round(start_s / env.step_dt), length - 2))
    ids = torch.arange(env.num_envs, device=env.device)
    env.reset_to(ids, torch.full_like(ids, first + skipped), noisy=False)
    tape = Tape(env, lambda: _state(env))
    for _ in tape.play(policy, length - 1 - skipped):
        causes = failure_causes(env.sim, env.reference, env.tracked, env.sim.diverged)
        if not tape.note(cause_name(int(causes[0]))):
            break
    robot, reference, errors, frames = tape.columns()
    return ClipRecording(
        name=env.data.clip_names[clip],
        time=(frames - first) * env.step_dt,
        length_s=(length - 1) * env.step_dt,
        robot=robot,
        reference=reference,
        errors=errors,
        step_dt=env.step_dt,
        ground=ground_mesh(env, env.terrain.tile_mesh),
        failure=tape.failure,
        cause=tape.cause,
        seconds=env.timings(),
    )


def _state(env: RobotDeepMimic) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Pose of robot and reference, errors and frame of the first env."""
    sim, ref = env.sim, env.reference
    errors = tracking_errors(sim, ref, env.tracked)[0]
    return (
        pose(sim.root_pos_w, sim.root_quat_wxyz, sim.dof_pos),
        pose(ref.root_pos_w, ref.root_quat_wxyz, ref.dof_pos),
        errors.cpu().numpy().astype(np.float64),
        int(env.frame[0]),
    )

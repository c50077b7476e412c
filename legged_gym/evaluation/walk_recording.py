"""One robot's walk by command, recorded for watching."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from legged_gym.evaluation.command_following import fallen, stride_means
from legged_gym.evaluation.courses import Course
from legged_gym.evaluation.policies import Policy
from legged_gym.evaluation.recording import Recording, Tape, ground_mesh, pose

WAY_S = 1.0
"""How far ahead in time the ways look that the robot and its command take."""
WAY_LEAD = 0.2
"""They are of a point so far ahead of the root, m: one that turns on the spot moves too."""


@dataclass(frozen=True, kw_only=True)
class WalkRecording(Recording):
    """A robot that walks as it is told. Velocities: forwards and left by its heading, m/s, and turning left, rad/s."""

    command: np.ndarray
    """(T, 3) what was asked for."""
    velocity: np.ndarray
    """(T, 3) what the robot did, averaged over a stride: a walking robot sways by more than it errs."""

    @property
    def left(self) -> bool:
        """Whether it ended because the robot had walked off its ground."""
        return self.failure is None and self.time[-1] < self.length_s - 0.5 * self.step_dt

    def mean_errors(self) -> tuple[float, float]:
        """Mean errors of the horizontal velocity, m/s, and of turning, rad/s, until the end or the failure."""
        error = (self.velocity - self.command)[1 : self.steps + 1]
        return float(np.linalg.norm(error[:, :2], axis=1).mean()), float(np.abs(error[:, 2]).mean())

    def outcome(self) -> str:
        """See :meth:`Recording.outcome`."""
        seconds = f"{self.steps * self.step_dt:.2f} s"
        if self.cause is not None:
            how = f"{self.cause} after {seconds}"
        else:
            how = f"left its ground after {seconds}" if self.left else f"walked {seconds}"
        lin, yaw = self.mean_errors()
        return f"{how}; velocity error {lin:.2f} m/s and {yaw:.2f} rad/s"

    def figures(self, index: int) -> str:
        """See :meth:`Recording.figures`."""
        lin = float(np.linalg.norm((self.velocity - self.command)[index, :2]))
        return f"error {lin:.2f} m/s"

    def legend(self, index: int) -> tuple[str, str]:
        """See :meth:`Recording.legend`."""
        return f"velocity {_shown(self.velocity[index])}", f"command {_shown(self.command[index])}"

    def ways(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """See :meth:`Recording.ways`: within the next second, if velocity and command stay."""
        return _way(self.velocity[index]), _way(self.command[index])


@torch.no_grad()
def record_walk(
    course: Course,
    policy: Policy,
    seconds: float,
    command: tuple[float, float, float] | None = None,
) -> WalkRecording:
    """Walk in all envs and record the first, until the time is up, it leaves its ground, or a second after a fall.

    Args:
        course: Where; the episodes of its env are over afterwards.
        policy: Acts in all envs at once.
        seconds: How long.
        command: What all are asked for all the time, as in :class:`WalkRecording`; None: they are drawn.
    """
    env = course.env
    ids = torch.arange(env.num_envs, device=env.device)
    course.begin(ids, noisy=False)

    def ask() -> None:
        if command is not None:
            course.commands.set(ids, torch.tensor([command], device=env.device).expand(len(ids), 3))

    ask()
    tape = Tape(env, lambda: _state(course))
    steps = max(1, round(seconds / env.step_dt))
    for _ in tape.play(policy, steps):
        ask()
        cause = "diverged" if env.sim.diverged[0] else "fall" if fallen(env)[0] else None
        if not tape.note(cause) or course.left()[0]:
            break
    robot, asked, velocity = tape.columns()
    end = len(robot) if tape.failure is None else tape.failure + 1
    # The start is before any step, and what follows a failure must not change the figures of what came before.
    own, after = (stride_means(part, course.stride) for part in (velocity[1:end], velocity[end:]))
    return WalkRecording(
        name=course.name_of(0),
        time=np.arange(len(robot)) * env.step_dt,
        length_s=steps * env.step_dt,
        robot=robot,
        reference=None,
        command=asked,
        velocity=np.concatenate((velocity[:1], own, after)),
        step_dt=env.step_dt,
        ground=ground_mesh(env, course.tile_mesh),
        failure=tape.failure,
        cause=tape.cause,
        seconds=env.timings(),
    )


def _way(velocity: np.ndarray) -> np.ndarray:
    """What a point ahead of the root draws at a velocity (3,), seen from where the root is now, (P, 2) m."""
    t = np.linspace(0.0, WAY_S, 12)
    turned = velocity[2] * t
    # The plane as complex numbers: the integral of exp(i w s) from 0 to t is t exp(i w t / 2) sinc(w t / 2).
    moved = complex(*velocity[:2]) * t * np.exp(0.5j * turned) * np.sinc(0.5 * turned / np.pi)
    points = moved + WAY_LEAD * np.exp(1j * turned)
    return np.column_stack((points.real, points.imag))


def _shown(velocity: np.ndarray) -> str:
    """A velocity (3,) in figures; -0.001 is +0.00."""
    x, y, turning = np.round(velocity, 2) + 0.0
    return f"{x:+.2f} {y:+.2f} m/s {turning:+.2f} rad/s"


def _state(course: Course) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pose, command and velocity at the instant of the first env."""
    sim = course.env.sim
    return (
        pose(sim.root_pos_w, sim.root_quat_wxyz, sim.dof_pos),
        course.commands.value[0].cpu().numpy().astype(np.float64),
        course.velocity()[0].cpu().numpy().astype(np.float64),
    )

"""Records the robot that is looked at while people watch, for a video."""

from __future__ import annotations

import numpy as np

from legged_gym.envs.base.robot_velocity import RobotVelocity
from legged_gym.evaluation.clip_recording import ClipRecording
from legged_gym.evaluation.judging import tracking_errors
from legged_gym.evaluation.recording import Recording, ground_mesh, pose
from legged_gym.evaluation.walk_recording import WalkRecording
from legged_gym.viewer.session import Session

LONGEST_S = 120.0
"""A recording ends by itself after this."""


class Recorder:
    """Keeps states from :meth:`start` to :meth:`stop`."""

    def __init__(self, session: Session) -> None:
        """Nothing is recorded yet."""
        self._session = session
        self._states: list[tuple[np.ndarray, ...]] | None = None

    @property
    def running(self) -> bool:
        """Whether states are being kept."""
        return self._states is not None

    @property
    def seconds(self) -> float:
        """Length of what has been recorded."""
        return len(self._states or ()) * self._session.env.step_dt

    @property
    def full(self) -> bool:
        """Whether it is as long as it may become."""
        return self.seconds >= LONGEST_S

    def start(self) -> None:
        """Forget what was recorded and begin."""
        self._states = []

    def note(self) -> None:
        """A control step has passed."""
        if self._states is not None and not self.full:
            self._states.append(self._look())

    def stop(self) -> Recording | None:
        """End, and return what happened; None where nothing did."""
        states, self._states = self._states, None
        if not states or len(states) < 2:
            return None
        session, env = self._session, self._session.env
        columns = [np.stack(column) for column in zip(*states, strict=True)]
        robot = columns[0]
        common = {
            "name": session.stage.names[session.stage.chosen],
            "time": np.arange(len(robot)) * env.step_dt,
            "length_s": (len(robot) - 1) * env.step_dt,
            "robot": robot,
            "step_dt": env.step_dt,
            "ground": ground_mesh(env, self._tile_mesh),
            "failure": None,
            "cause": None,
            "seconds": {},
        }
        if isinstance(env, RobotVelocity):
            return WalkRecording(reference=None, velocity=columns[1], command=columns[2], **common)
        return ClipRecording(reference=columns[1], errors=columns[2], **common)

    def _look(self) -> tuple[np.ndarray, ...]:
        env, i = self._session.env, self._session.selected
        one = slice(i, i + 1)
        sim = env.sim
        robot = pose(sim.root_pos_w[one], sim.root_quat_wxyz[one], sim.dof_pos[one])
        if isinstance(env, RobotVelocity):
            turning = sim.root_ang_vel_b[i, 2:].cpu().numpy()
            velocity = np.concatenate((env.lin_vel_h[i, :2].cpu().numpy(), turning))
            return robot, velocity, env.commands.value[i].cpu().numpy().copy()
        ref = env.reference
        wanted = pose(ref.root_pos_w[one], ref.root_quat_wxyz[one], ref.dof_pos[one])
        errors = tracking_errors(sim, ref, env.tracked)[i].cpu().numpy()
        return robot, wanted, errors

    def _tile_mesh(self, tile: int) -> tuple[np.ndarray, np.ndarray]:
        layout = self._session.env.terrain.layout
        return layout.tile_mesh(tile // layout.cfg.n_rows, tile % layout.cfg.n_rows)

"""Records the robot that is looked at while people watch, for a video."""

from __future__ import annotations

import numpy as np

from legged_gym.evaluation.clip_recording import ClipRecording
from legged_gym.evaluation.courses import course_of
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
        self._walks, self._name = False, ""

    @property
    def running(self) -> bool:
        """Whether states are being kept."""
        return self._states is not None

    @property
    def seconds(self) -> float:
        """Length of what has been recorded."""
        return len(self._states or ()) * self._session.env.step_dt

    @property
    def why_over(self) -> str:
        """Why nothing more is added to it; empty while it goes on."""
        if self.running and self._walks != self._by_command:
            return "a recording ends where commands take over from a clip, or a clip from them"
        return f"a recording ends after {LONGEST_S:g} s" if self.seconds >= LONGEST_S else ""

    def start(self) -> None:
        """Forget what was recorded and begin."""
        self._states, self._walks, self._name = [], self._by_command, self._session.where()

    def note(self) -> None:
        """A control step has passed."""
        if self._states is not None and not self.why_over:
            self._states.append(self._look())

    def stop(self) -> Recording | None:
        """End, and return what happened; None where nothing did."""
        states, self._states = self._states, None
        if not states or len(states) < 2:
            return None
        env = self._session.env
        columns = [np.stack(column) for column in zip(*states, strict=True)]
        robot = columns[0]
        common = {
            "name": self._name,
            "time": np.arange(len(robot)) * env.step_dt,
            "length_s": (len(robot) - 1) * env.step_dt,
            "robot": robot,
            "step_dt": env.step_dt,
            "ground": ground_mesh(env, self._tile_mesh),
            "failure": None,
            "cause": None,
            "seconds": {},
        }
        if self._walks:
            return WalkRecording(reference=None, velocity=columns[1], command=columns[2], **common)
        return ClipRecording(reference=columns[1], errors=columns[2], **common)

    @property
    def _by_command(self) -> bool:
        return self._session.stage.lead != "clip"

    def _look(self) -> tuple[np.ndarray, ...]:
        env, i = self._session.env, self._session.selected
        one = slice(i, i + 1)
        sim = env.sim
        robot = pose(sim.root_pos_w[one], sim.root_quat_wxyz[one], sim.dof_pos[one])
        if self._walks:
            course = course_of(env)
            parts = course.velocity()[i], course.commands.value[i]
            return robot, *(part.cpu().numpy().astype(np.float64) for part in parts)
        ref = env.reference
        wanted = pose(ref.root_pos_w[one], ref.root_quat_wxyz[one], ref.dof_pos[one])
        errors = tracking_errors(sim, ref, env.tracked)[i].cpu().numpy()
        return robot, wanted, errors

    def _tile_mesh(self, tile: int) -> tuple[np.ndarray, np.ndarray]:
        layout = self._session.env.terrain.layout
        return layout.tile_mesh(tile // layout.cfg.n_rows, tile % layout.cfg.n_rows)

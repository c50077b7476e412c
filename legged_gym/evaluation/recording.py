"""A robot's run, recorded for watching: what every recording holds, and how one is made."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.evaluation.policies import Policy

TAIL_S = 1.0
"""How long a recording goes on after a failure."""


@dataclass(frozen=True, kw_only=True)
class Recording(ABC):
    """T states, one per control period; the first is the start itself. Poses are root xyz, quaternion wxyz, joints."""

    name: str
    """The clip or the ground that was played on."""
    time: np.ndarray
    """(T,) s."""
    length_s: float
    """What ``time`` would end with if nothing came in between."""
    robot: np.ndarray
    """(T, 7 + J)."""
    reference: np.ndarray | None
    """(T, 7 + J); None where no reference is followed."""
    step_dt: float
    """Control period, s."""
    ground: tuple[np.ndarray, np.ndarray] | None
    """Vertices (V, 3) in the world and triangles (F, 3) of the terrain; None is the flat floor."""
    failure: int | None
    """Index of the state in which the episode failed; the states after it only show what happened then."""
    cause: str | None
    """What it failed of."""
    seconds: dict[str, float]
    """Computing time by part, of all envs."""

    @property
    def steps(self) -> int:
        """Steps until the end or the failure."""
        return len(self.time) - 1 if self.failure is None else self.failure

    @abstractmethod
    def outcome(self) -> str:
        """How it went, in a sentence."""

    @abstractmethod
    def figures(self, index: int) -> str:
        """How good a state is, in a few words."""

    @abstractmethod
    def legend(self, index: int) -> tuple[str, str]:
        """What a picture of a state shows in the colour of what is, and what in that of what should be."""

    def ways(self, index: int) -> tuple[np.ndarray, np.ndarray] | None:
        """Where the robot goes from a state and where it should, (P, 2) m forwards and left of it; None: not asked."""
        return None


class Tape:
    """The states of the first env one by one, and the first failure among them."""

    def __init__(self, env: LeggedRobot, look: Callable[[], tuple]) -> None:
        """Start with the state the env is in.

        Args:
            env: Just reset.
            look: Returns the present state, a tuple of arrays and numbers.
        """
        self._env, self._look = env, look
        self._states: list[tuple] = []
        self.failure: int | None = None
        """As in :class:`Recording`, like ``cause``."""
        self.cause: str | None = None

    def play(self, policy: Policy, steps: int) -> Iterator[None]:
        """Play ``steps`` control periods; pauses after each, before the policy sees what came of it."""
        env = self._env
        env.timings()  # forget what was before
        self._states.append(self._look())
        observations = env.observe(torch.arange(env.num_envs, device=env.device))
        for _ in range(steps):
            with env.timed("policy"):
                actions = policy(observations)
            env.advance(actions)
            yield
            observations = env.observe()

    def note(self, cause: str | None) -> bool:
        """Keep the state after a step and the first failure; returns whether what follows is worth seeing.

        Args:
            cause: What the robot fails of in this state. A diverged state is not kept.
        """
        if self.failure is None and cause is not None:
            self.failure, self.cause = len(self._states), cause
        if self._env.sim.diverged[0]:
            return False
        self._states.append(self._look())
        return self.failure is None or (len(self._states) - 1 - self.failure) * self._env.step_dt < TAIL_S

    def columns(self) -> list[np.ndarray]:
        """What ``look`` returned, each part over all T states."""
        return [np.stack(column) for column in zip(*self._states, strict=True)]


def pose(root_pos_w: Tensor, root_quat_wxyz: Tensor, dof_pos: Tensor) -> np.ndarray:
    """The pose of the first of N robots, (7 + J,)."""
    parts = (root_pos_w, root_quat_wxyz, dof_pos)
    return torch.cat([part[0] for part in parts]).cpu().numpy().astype(np.float64)


def ground_mesh(
    env: LeggedRobot, tile_mesh: Callable[[int], tuple[np.ndarray, np.ndarray]]
) -> tuple[np.ndarray, np.ndarray] | None:
    """The ground of the first env as ``Recording.ground``; ``tile_mesh`` returns that of a tile in its own frame."""
    if env.terrain.is_flat:
        return None
    vertices, faces = tile_mesh(int(env.tile[0]))
    return vertices + env.env_offsets[0].cpu().numpy(), faces

"""A legged robot in simulation: actions in, named observations out. Tasks build on it."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from typing import Any

import mujoco
import torch
from rsl_rl.env import VecEnv
from tensordict import TensorDict
from torch import Tensor

from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.envs.terms.layout import ObservationGroup, ObservationLayout
from legged_gym.sim import make_simulator
from legged_gym.sim.robot_model import build_robot
from legged_gym.utils.errors import ConfigError

GROUPS = ("actor", "critic")


class LeggedRobot(VecEnv):
    """N copies of a robot with the action pipeline, observation groups and bookkeeping every task needs."""

    def __init__(self, cfg: LeggedRobotCfg, seed: int = 1, device: str = "cpu") -> None:
        """Build the robot and its simulator.

        Args:
            cfg: The full environment configuration.
            seed: Seed of every random draw this environment makes.
            device: Device of the simulation and of all tensors.
        """
        self.cfg = cfg
        self.device = device
        self.num_envs = cfg.env.num_envs
        self.generator = torch.Generator(device=device).manual_seed(seed)
        self.robot = build_robot(cfg.asset, cfg.control)
        self.joint_names = self.robot.joint_names
        self.num_actions = len(self.joint_names)
        self.step_dt = cfg.sim.dt * cfg.control.decimation
        self.max_episode_length = max(1, round(cfg.env.episode_length_s / self.step_dt))
        self.sim = make_simulator(
            self.robot,
            cfg.sim,
            self.num_envs,
            self._watched_bodies(),
            self._contact_bodies(),
            device,
            self._make_ground(),
        )
        self._allocate()

    # ------------------------------------------------------------------ for subclasses

    def _watched_bodies(self) -> Sequence[str]:
        """Bodies whose poses and velocities the task reads."""
        return self.robot.body_names

    def _contact_bodies(self) -> list[str]:
        """Bodies whose contact force the task reads; the feet come first."""
        asset = self.cfg.asset
        feet = list(self.robot.foot_bodies)
        watched = self.match_bodies(asset.penalize_contacts_on, "asset.penalize_contacts_on")
        watched += self.match_bodies(asset.terminate_after_contacts_on, "asset.terminate_after_contacts_on")
        return feet + [name for name in dict.fromkeys(watched) if name not in feet]

    def _make_ground(self) -> Callable[[mujoco.MjSpec], None] | None:
        """What adds the ground to the simulated model; None is a flat floor. Called once, before the simulator is."""
        return None

    def _target_offset(self) -> Tensor:
        """What an action of zero asks of the joints, (N, J) rad."""
        return self.default_dof_pos

    # ------------------------------------------------------------------ set-up

    def _allocate(self) -> None:
        n, j, device = self.num_envs, self.num_actions, self.device

        def constant(values: Any) -> Tensor:
            return torch.as_tensor(values, dtype=torch.float32, device=device)

        robot = self.robot
        self.default_dof_pos = constant(robot.default_dof_pos)
        self.stiffness, self.damping = constant(robot.stiffness), constant(robot.damping)
        self.action_scale, self.effort_limit = constant(robot.action_scale), constant(robot.effort_limit)
        self.dof_lower, self.dof_upper = constant(robot.dof_lower), constant(robot.dof_upper)
        self.actions, self.last_actions = torch.zeros(n, j, device=device), torch.zeros(n, j, device=device)
        self.joint_targets = torch.zeros(n, j, device=device)
        self.episode_length_buf = torch.zeros(n, dtype=torch.long, device=device)
        self.feet = slice(0, len(robot.foot_bodies))
        self.last_foot_contact = torch.zeros(n, len(robot.foot_bodies), dtype=torch.bool, device=device)
        self.gravity_dir_w = constant([0.0, 0.0, -1.0]).expand(n, 3)
        self._timings: dict[str, float] = defaultdict(float)

    def _build_observations(self) -> None:
        """Resolve the observation groups; the task calls this once its own state exists."""
        cfg = self.cfg.observations
        self._groups = {
            name: ObservationGroup(self, name, getattr(cfg, name), cfg.history_length) for name in GROUPS
        }

    def match_bodies(self, patterns: Sequence[str], field: str) -> list[str]:
        """Names of bodies that contain one of the patterns (``*`` and ``?`` are wildcards), in model order."""
        return _match(patterns, self.robot.body_names, field, "body")

    def match_joints(self, patterns: Sequence[str], field: str) -> list[int]:
        """Indices of joints that contain one of the patterns, in action order."""
        return [self.joint_names.index(name) for name in _match(patterns, self.joint_names, field, "joint")]

    # ------------------------------------------------------------------ steps of the recipe

    def _apply_actions(self, actions: Tensor) -> None:
        """Clip, smooth and scale the policy's output into joint targets."""
        limit, beta = self.cfg.normalization.clip_actions, self.cfg.control.beta
        self.last_actions.copy_(self.actions)
        torch.clamp(actions, -limit, limit, out=self.actions)
        if beta != 1.0:
            torch.lerp(self.last_actions, self.actions, beta, out=self.actions)
        torch.addcmul(self._target_offset(), self.actions, self.action_scale, out=self.joint_targets)
        self.sim.set_joint_targets(self.joint_targets)

    def _simulate(self) -> None:
        with self.timed("physics"):
            self.sim.step(self.cfg.control.decimation)

    def get_observations(self) -> TensorDict:
        """Observation groups ``actor`` (N, Da) and ``critic`` (N, Dc) of the present state."""
        return TensorDict({k: g.latest() for k, g in self._groups.items()}, batch_size=[self.num_envs])

    def _observe(self, reset_ids: Tensor | None) -> TensorDict:
        """Compute the observations; histories of ``reset_ids`` are filled with their first value."""
        limit = self.cfg.normalization.clip_observations
        values: dict[str, Tensor] = {}
        for group in self._groups.values():
            group.compute(values, reset_ids, limit)
        return self.get_observations()

    # ------------------------------------------------------------------ facts about the robot

    @property
    def foot_contact(self) -> Tensor:
        """(N, feet) bool: upward contact force above 1 N."""
        return self.sim.contact_force_w[:, self.feet, 2] > 1.0

    def height_above_ground(self, points_w: Tensor) -> Tensor:
        """Height of points over the ground below them, (..., 3) -> (...), m. The ground is flat at z = 0."""
        return points_w[..., 2]

    def observation_layout(self) -> dict[str, ObservationLayout]:
        """Where each named term stands in each group."""
        return {name: group.layout for name, group in self._groups.items()}

    # ------------------------------------------------------------------ bookkeeping

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Add the time of a block to ``timings``."""
        start = time.perf_counter()
        yield
        self._timings[part] += time.perf_counter() - start

    def timings(self) -> dict[str, float]:
        """Seconds spent in each part of ``step`` since the last call."""
        result = dict(self._timings)
        self._timings.clear()
        return result

    def state_dict(self) -> dict:
        """Everything needed to continue bit for bit."""
        return {
            "sim": self.sim.state_dict(),
            "generator": self.generator.get_state(),
            "episode_length": self.episode_length_buf.clone(),
            "actions": self.actions.clone(),
            "last_actions": self.last_actions.clone(),
            "joint_targets": self.joint_targets.clone(),
            "last_foot_contact": self.last_foot_contact.clone(),
            "observations": {name: group.state() for name, group in self._groups.items()},
        }

    def load_state_dict(self, state: dict) -> None:
        """Restore what ``state_dict`` returned."""
        self.sim.load_state_dict(state["sim"])
        self.generator.set_state(state["generator"])
        self.episode_length_buf.copy_(state["episode_length"])
        self.actions.copy_(state["actions"])
        self.last_actions.copy_(state["last_actions"])
        self.joint_targets.copy_(state["joint_targets"])
        self.last_foot_contact.copy_(state["last_foot_contact"])
        for name, group in self._groups.items():
            group.load_state(state["observations"][name])


def _match(patterns: Sequence[str], names: Sequence[str], field: str, kind: str) -> list[str]:
    for pattern in patterns:
        if not any(fnmatch(name, f"*{pattern}*") for name in names):
            raise ConfigError(f"{field}: no {kind} matches {pattern!r}; the robot has {', '.join(names)}")
    return [name for name in names if any(fnmatch(name, f"*{pattern}*") for pattern in patterns)]

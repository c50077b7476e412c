"""A legged robot in simulation: actions in, named observations out. ``step`` is the recipe; tasks fill it in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, ClassVar

import mujoco
import torch
from rsl_rl.env import VecEnv
from tensordict import TensorDict
from torch import Tensor

from legged_gym.envs.base.action_pipeline import ActionPipeline
from legged_gym.envs.base.curriculum import Curriculum
from legged_gym.envs.base.guest_policies import GuestPolicies
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.envs.base.randomizer import Randomizer
from legged_gym.envs.base.reward_memory import RewardMemory
from legged_gym.envs.base.reward_sum import RewardSum
from legged_gym.envs.base.robot_noise import RobotNoise
from legged_gym.envs.base.robot_sensors import RobotSensors
from legged_gym.envs.terms import observations, rewards, terminations
from legged_gym.envs.terms.layout import ObservationLayout, Observations
from legged_gym.sim import make_simulator
from legged_gym.sim.robot_model import build_robot
from legged_gym.utils.devices import torch_device
from legged_gym.utils.patterns import match_names
from legged_gym.utils.timing import PartTimer


class LeggedRobot(GuestPolicies, VecEnv):
    """N copies of a robot with the step loop, action pipeline, terms and bookkeeping every task needs."""

    reward_modules: ClassVar[Sequence[ModuleType]] = (rewards,)
    """Where the names in rewards.scales are looked up."""
    observation_modules: ClassVar[Sequence[ModuleType]] = (observations,)
    """Where the names in observations.actor and .critic are looked up."""
    follows_reference: ClassVar[bool] = False
    """Whether there is a reference motion, which actions may be about."""

    tile: Tensor
    """(N,) the ground each env is on."""
    env_offsets: Tensor
    """(N, 3) where the frame of each env's ground lies in the world, m."""
    terrain: Any
    """All ground, with ``heights(tile (N,), points_xy_w (N, P, 2))`` -> (N, P) m and ``is_flat``."""
    sensor_links: Tensor
    """Watched bodies whose height `sensors.link_heights` measures when it names none."""

    def __init__(self, cfg: LeggedRobotCfg, seed: int = 1, device: str = "cpu") -> None:
        """Build the robot and its simulator.

        Args:
            cfg: The full environment configuration.
            seed: Seed of every random draw this environment makes.
            device: Device of the simulation and of all tensors; warp:cpu is the GPU's engine on the CPU.

        Raises:
            ConfigError: A body in the configuration does not exist, or a value is out of range.
        """
        self.cfg = cfg
        cfg.check_common(self.follows_reference)
        self.device = torch_device(device)
        self.num_envs = cfg.env.num_envs
        self.generator = torch.Generator(device=self.device).manual_seed(seed)
        self.robot = build_robot(cfg.asset, cfg.control)
        self.joint_names = self.robot.joint_names
        self.num_actions = len(self.joint_names)
        self.step_dt = cfg.sim.dt * cfg.control.decimation
        self.max_episode_length = max(1, round(cfg.env.episode_length_s / self.step_dt))
        self.sim = make_simulator(
            self.robot, cfg.sim, self.num_envs, self._watched_bodies(), self._contact_bodies(), device,
            self._make_ground(),
        )  # fmt: skip
        self._allocate()

    # ------------------------------------------------------------------ the recipe

    def step(self, actions: Tensor) -> tuple[TensorDict, Tensor, Tensor, dict]:
        """One control period. Actions (N, J); returns observations, rewards (N,), dones (N,) and extras."""
        self.advance(actions)
        with self.timed("reward"):
            failed, timed_out = self._check_terminations()
            reward = self._compute_reward(failed)
        done = failed | timed_out
        ids = done.nonzero().squeeze(-1)
        self._note_outcomes(ids, failed)
        self._note_episodes(ids, failed)
        self.curriculum.learn(ids, failed)
        if len(ids):
            with self.timed("reset"):
                self._start_episodes(ids)
        return self.observe(ids), reward, done, {"time_outs": timed_out, "log": self._log}

    def advance(self, actions: Tensor) -> None:
        """Act, simulate, move on. No episode ends here: evaluation judges by rules of its own."""
        with self.timed("reward"):
            self.last_foot_contact.copy_(self.foot_contact)
            self.last_dof_vel.copy_(self.sim.dof_vel)
            self.memory.before_step()
            self.pipeline.apply(actions)
        self._simulate()
        with self.timed("reward"):
            self.episode_length_buf += 1
            self.randomizer.move_on()
            self._move_on()
            self.refresh()
            self.memory.after_step()
            self.sensors.update()

    def observe(self, reset_ids: Tensor | None = None) -> TensorDict:
        """Compute the observations of the present state; histories of ``reset_ids`` start anew."""
        with self.timed("observation"):
            return self._observations.compute(reset_ids)

    def reset(self) -> tuple[TensorDict, dict]:
        """Start every env anew, drawn as in training."""
        ids = torch.arange(self.num_envs, device=self.device)
        self._start_episodes(ids)
        return self.observe(ids), {}

    # ------------------------------------------------------------------ for subclasses

    def refresh(self) -> None:
        """Recompute everything derived from the simulator's state and the task's own.

        Runs after every advance and after every reset, so no term can read a stale target.
        """

    def _move_on(self) -> None:
        """What the task asks for moves on by one step."""

    def _start_episodes(self, env_ids: Tensor) -> None:
        """Put envs (n,) into states that episodes start in."""
        raise NotImplementedError

    def _begin(self, env_ids: Tensor) -> None:
        """Forget the last episodes of envs (n,) that the simulator has put into new states."""
        self.episode_length_buf[env_ids] = 0
        self.randomizer.restart(env_ids)
        self.noise.restart(env_ids)
        self.refresh()
        self.sensors.reset(env_ids)
        self.pipeline.restart(env_ids)
        self.last_foot_contact[env_ids] = self.foot_contact[env_ids]
        self.last_dof_vel[env_ids] = self.sim.dof_vel[env_ids]
        self.memory.restart(env_ids)
        self.randomizer.fill(env_ids)

    def _episodes_over(self) -> Tensor:
        """Envs whose episode has come to its end without failing, (N,) bool."""
        return self.episode_length_buf >= self.max_episode_length

    def _note_outcomes(self, ids: Tensor, failed: Tensor) -> None:
        """Learn from the episodes (n,) that end in this step; failed is (N,)."""

    def _active_rules(self) -> list[tuple[str, Callable[[Any], Tensor]]]:
        """Name and function of every rule that ends an episode as failed."""
        return terminations.active_rules(self.cfg)

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

    def _thresholds(self) -> dict[str, float | None]:
        """Threshold of every rule that a curriculum may let begin loose; None where it is off."""
        return terminations.thresholds(self.cfg)

    def target_offset(self) -> Tensor:
        """What an action of zero asks of the servos in this step, (N, J)."""
        return self.pipeline.zero_targets().expand(self.num_envs, -1)

    def asked_to_move(self) -> Tensor:
        """Envs whose robot should go somewhere, (N,) bool."""
        raise NotImplementedError

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
        self.velocity_limit = constant(robot.velocity_limit)
        self.pipeline = ActionPipeline(self)
        self.actions, self.last_actions = self.pipeline.actions, self.pipeline.last_actions
        self.joint_targets = self.pipeline.joint_targets
        self.episode_length_buf = torch.zeros(n, dtype=torch.long, device=device)
        self.feet = slice(0, len(robot.foot_bodies))
        self.last_foot_contact = torch.zeros(n, len(robot.foot_bodies), dtype=torch.bool, device=device)
        self.last_dof_vel = torch.zeros(n, j, device=device)
        self.gravity_dir_w = constant([0.0, 0.0, -1.0]).repeat(n, 1)
        self.tile = torch.zeros(n, dtype=torch.long, device=device)
        self.env_offsets = torch.zeros(n, 3, device=device)
        self.failed = torch.zeros(n, dtype=torch.bool, device=device)
        self.cause = torch.full((n,), -1, dtype=torch.long, device=device)
        """(N,) what each env failed of in the last step, index into ``termination_names``; -1: it did not."""
        self._log: dict[str, Tensor] = {}
        self.timed = PartTimer()
        self._index_parts()
        self.randomizer = Randomizer(self)
        self.noise = RobotNoise(self)
        self.sensors = RobotSensors(self, self.cfg.sensors)
        self.memory = RewardMemory(self)

    def _index_parts(self) -> None:
        """Bodies and joint ranges that the terms of every robot read."""
        sim, asset = self.sim, self.cfg.asset
        contacts = sim.contact_body_names

        def of(patterns: Sequence[str], field: str) -> Tensor:
            found = [contacts.index(name) for name in self.match_bodies(patterns, field)]
            return torch.tensor(found, dtype=torch.long, device=self.device)

        self.penalized = of(asset.penalize_contacts_on, "asset.penalize_contacts_on")
        self.forbidden = of(asset.terminate_after_contacts_on, "asset.terminate_after_contacts_on")
        feet = [sim.body_index(name) for name in self.robot.foot_bodies]
        self.feet_bodies = torch.tensor(feet, device=self.device)
        weighted = self.cfg.rewards.scales.ankle_action != 0.0  # a robot without ankles need not name any
        ankles = self.cfg.rewards.ankle_joints if weighted else []
        self.ankles = torch.tensor(
            self.match_joints(ankles, "rewards.ankle_joints"), dtype=torch.long, device=self.device
        )
        middle, half = 0.5 * (self.dof_lower + self.dof_upper), 0.5 * (self.dof_upper - self.dof_lower)
        soft = self.cfg.rewards.soft_dof_pos_limit
        self.soft_dof_lower, self.soft_dof_upper = middle - soft * half, middle + soft * half

    def _build_terms(self) -> None:
        """Resolve every named term; the task calls this once its own state exists."""
        self.reward_sum = RewardSum(self)
        weights = self.reward_sum.weights
        self.curriculum = Curriculum(self.cfg.curriculum, self._thresholds(), weights, self.device)
        self._take_rules()
        self.refresh()
        self._observations = Observations(self)

    def _take_rules(self) -> None:
        rules = self._active_rules()
        self._termination_rules = [rule for _, rule in rules]
        self.termination_names = ("diverged", *(name for name, _ in rules))

    def match_bodies(self, patterns: Sequence[str], field: str) -> list[str]:
        """Names of bodies that contain one of the patterns (``*`` and ``?`` are wildcards), in model order."""
        return match_names(patterns, self.robot.body_names, field, "body")

    def match_joints(self, patterns: Sequence[str], field: str) -> list[int]:
        """Indices of joints that contain one of the patterns, in action order."""
        names = match_names(patterns, self.joint_names, field, "joint")
        return [self.joint_names.index(name) for name in names]

    # ------------------------------------------------------------------ steps of the recipe

    def _simulate(self) -> None:
        with self.timed("physics"):
            self.randomizer.disturb()
            targets = self.randomizer.servo_targets(self.joint_targets)
            if targets.dim() == 3:  # some come late
                self.sim.step_through(targets)
            else:
                self.sim.set_joint_targets(targets)
                self.sim.step(self.cfg.control.decimation)

    def get_observations(self) -> TensorDict:
        """Observation groups ``actor`` (N, Da) and ``critic`` (N, Dc) of the present state."""
        return self._observations.latest()

    # ------------------------------------------------------------------ judging

    def _check_terminations(self) -> tuple[Tensor, Tensor]:
        """Failed and timed out, (N,) each; a failure in the last step is a failure, not a time-out."""
        failed = self.sim.diverged.clone()
        self.cause.fill_(-1)
        self.cause.masked_fill_(failed, 0)  # unlike an assignment by mask, nothing a GPU's host must wait for
        for index, rule in enumerate(self._termination_rules, start=1):
            hit = rule(self)
            self.cause.masked_fill_(hit & ~failed, index)
            failed |= hit
        return failed, self._episodes_over() & ~failed

    def _compute_reward(self, failed: Tensor) -> Tensor:
        """Weighted sum of the reward terms, (N,)."""
        self.failed = failed
        return self.reward_sum.compute()

    def _note_episodes(self, ids: Tensor, failed: Tensor) -> None:
        """Averages over the episodes that end in this step, for the log."""
        self._log = {}
        if not len(ids):
            return
        seconds = self.episode_length_buf[ids] * self.step_dt
        self._log = {f"Reward/{name}": mean for name, mean in self.reward_sum.finish(ids, seconds).items()}
        count = float(len(ids))
        causes = self.cause[ids]
        for index, name in enumerate(self.termination_names):
            self._log[f"Termination/{name}"] = (causes == index).sum() / count
        self._log["Episode/success"] = (~failed[ids]).float().mean()
        self._log["Episode/seconds"] = seconds.mean()

    # ------------------------------------------------------------------ facts about the robot

    @property
    def foot_contact(self) -> Tensor:
        """(N, feet) bool: upward contact force above 1 N."""
        return self.sim.contact_force_w[:, self.feet, 2] > 1.0

    @property
    def base_height(self) -> Tensor:
        """(N,) height of the root over the ground, m."""
        return self.height_above_ground(self.sim.root_pos_w)

    def height_above_ground(self, points_w: Tensor) -> Tensor:
        """Height of each env's points (N, ..., 3) over its own ground below them, (N, ...) m."""
        points = points_w.reshape(self.num_envs, -1, 3)
        height = points[..., 2] - self.terrain.heights(self.tile, points[..., :2])
        return height.reshape(points_w.shape[:-1])

    def observation_layout(self) -> dict[str, ObservationLayout]:
        """Where each named term stands in each group."""
        return self._observations.layouts

    def observation_noise(self) -> dict[str, dict[str, str]]:
        """What errors the terms of each group are measured with, in words; nothing of those without."""
        return self._observations.noise

    # ------------------------------------------------------------------ bookkeeping

    def iteration_log(self) -> dict[str, float]:
        """Scalars for the log of a training iteration: how far the curriculum has come."""
        return self.curriculum.scalars()

    def tables(self) -> dict[str, list[dict]]:
        """Tables kept beside the checkpoints: what domain randomisation drew."""
        return self.randomizer.tables()

    def timings(self) -> dict[str, float]:
        """Seconds spent in each part of ``step`` since the last call."""
        return self.timed.collect()

    def state_dict(self) -> dict:
        """Everything needed to continue bit for bit."""
        state: dict[str, Any] = {name: tensor.clone() for name, tensor in self._tensors().items()}
        state |= {name: part.state_dict() for name, part in self._parts().items()}
        state["generator"] = self.generator.get_state()
        return state

    def load_state_dict(self, state: dict) -> None:
        """Restore what ``state_dict`` returned."""
        for name, part in self._parts().items():
            part.load_state_dict(state.get(name, {}))  # older checkpoints lack parts that had nothing to say
        for name, tensor in self._tensors().items():
            tensor.copy_(state[name])
        self.generator.set_state(state["generator"].cpu())

    def _tensors(self) -> dict[str, Tensor]:
        """State of the envs by its name in checkpoints."""
        return {
            "episode_length": self.episode_length_buf,
            "actions": self.actions,
            "last_actions": self.last_actions,
            "joint_targets": self.joint_targets,
            "last_foot_contact": self.last_foot_contact,
            "last_dof_vel": self.last_dof_vel,
            "tile": self.tile,
            "env_offsets": self.env_offsets,
            "reward_sums": self.reward_sum.sums,
        }

    def _parts(self) -> dict[str, Any]:
        """Parts with a state of their own, in the order they are restored."""
        return {
            "sim": self.sim,
            "randomizer": self.randomizer,
            "noise": self.noise,
            "sensors": self.sensors,
            "memory": self.memory,
            "curriculum": self.curriculum,
            "observations": self._observations,
        }

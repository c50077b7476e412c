"""Motion tracking: a robot follows a reference motion. ``step`` is the recipe, top to bottom."""

from __future__ import annotations

from collections.abc import Callable

import mujoco
import torch
from tensordict import TensorDict
from torch import Tensor

from legged_gym.envs.base.clip_statistics import ClipStatistics
from legged_gym.envs.base.clip_terrain import ClipTerrain
from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.base.motion_library import load_library
from legged_gym.envs.base.robot_deepmimic_config import RobotDeepMimicCfg
from legged_gym.envs.base.robot_sensors import RobotSensors, sensor_bodies
from legged_gym.envs.base.start_sampling import StartSampler
from legged_gym.envs.terms import find_terms, known_terms, rewards, terminations
from legged_gym.motion.reference_table import ReferenceFrame
from legged_gym.motion.replay_data import ReplayData
from legged_gym.utils import math
from legged_gym.utils.errors import ConfigError


class RobotDeepMimic(LeggedRobot):
    """N robots, each following one clip from some frame to the clip's end."""

    cfg: RobotDeepMimicCfg
    data: ReplayData
    """All clips at the control rate."""
    target_offsets: Tensor
    """(F, J) joint targets of a zero action at every frame of ``data``, rad."""
    frame: Tensor
    """(N,) the reference frame each env is at, an index into ``data``."""
    last_frame: Tensor
    """(N,) the last frame of each env's clip."""
    reference: ReferenceFrame
    """The reference at ``frame``."""
    terrain: ClipTerrain
    """The ground of all clips."""
    tile: Tensor
    """(N,) the ground each env is on, see ``terrain``."""
    env_offsets: Tensor
    """(N, 3) where the frame of each env's clip lies in the world, m; part of everything in ``reference``."""
    tracked: Tensor
    """(B,) tracked bodies among the watched ones."""

    def __init__(self, cfg: RobotDeepMimicCfg, seed: int = 1, device: str = "cpu") -> None:
        """Load the clips, build the simulation, put every robot on its clip.

        Raises:
            ConfigError: A body, joint or term in the configuration does not exist.
            MotionError: A clip cannot be read or does not fit the robot.
        """
        self.cfg = cfg
        cfg.deepmimic.check()
        self._seed = seed
        super().__init__(cfg, seed, device)
        self._prepare_starts()
        self._index_bodies()
        self._allocate_tracking()
        self._build_terms()
        self.reset()

    # ------------------------------------------------------------------ the recipe

    def step(self, actions: Tensor) -> tuple[TensorDict, Tensor, Tensor, dict]:
        """One control period. Actions (N, J); returns observations, rewards (N,), dones (N,) and extras."""
        self.advance(actions)
        with self.timed("reward"):
            failed, timed_out = self._check_terminations()
            reward = self._compute_reward(failed)
        done = failed | timed_out
        ids = done.nonzero().squeeze(-1)
        self.starts.note_failures(self.frame[failed])
        self.clip_statistics.add(self.data.clip_of(self.frame[ids]), ~failed[ids])
        self._note_episodes(ids, failed)
        if len(ids):
            with self.timed("reset"):
                self.reset_to(ids, self.starts.sample(len(ids)), noisy=True)
        observations = self.observe(ids)
        return observations, reward, done, {"time_outs": timed_out, "log": self._log}

    def advance(self, actions: Tensor) -> None:
        """Act, simulate, move the reference on. No episode ends here: evaluation judges by rules of its own."""
        with self.timed("reward"):
            self.last_foot_contact.copy_(self.foot_contact)
            self._apply_actions(actions)
        self._simulate()
        with self.timed("reward"):
            self.episode_length_buf += 1
            torch.minimum(self.frame + 1, self.last_frame, out=self.frame)
            self.refresh()
            self.sensors.update()

    def observe(self, reset_ids: Tensor | None = None) -> TensorDict:
        """Compute the observations of the present state; histories of ``reset_ids`` start anew."""
        with self.timed("observation"):
            return self._observe(reset_ids)

    def refresh(self) -> None:
        """Recompute everything derived from the simulator's state and the reference index.

        Runs after every advance and after every reset, so no term can read a stale target.
        """
        self.reference = self.reference_at(self.frame)
        self._heading_offset = None
        sim, ref, anchor = self.sim, self.reference, self.anchor
        self.anchor_pos_w, self.anchor_quat = sim.body_pos_w[:, anchor], sim.body_quat_wxyz[:, anchor]
        self.ref_anchor_pos_w, self.ref_anchor_quat = ref.body_pos_w[:, anchor], ref.body_quat_wxyz[:, anchor]

    def reference_at(self, frames: Tensor, env_ids: Tensor | None = None) -> ReferenceFrame:
        """The reference in the world at frames (N,) or (N, K) of all envs, or of ``env_ids`` (N,)."""
        reference = self.data.table.at(frames)
        if self.terrain.moves:
            offset = self.env_offsets if env_ids is None else self.env_offsets[env_ids]
            offset = offset.unflatten(0, (len(frames), *(1,) * (frames.dim() - 1)))
            reference.root_pos_w += offset
            reference.body_pos_w += offset.unsqueeze(-2)
        return reference

    def height_above_ground(self, points_w: Tensor) -> Tensor:
        """Height of each env's points (N, ..., 3) over its own ground below them, (N, ...) m."""
        points = points_w.reshape(self.num_envs, -1, 3)
        height = points[..., 2] - self.terrain.heights(self.tile, points[..., :2])
        return height.reshape(points_w.shape[:-1])

    @property
    def heading_offset(self) -> Tensor:
        """Rotation about the vertical from the reference anchor's heading to the robot's, (N, 4) wxyz."""
        if self._heading_offset is None:
            turn = math.quat_mul(self.anchor_quat, math.quat_conjugate(self.ref_anchor_quat))
            self._heading_offset = math.yaw_quat(turn)
        return self._heading_offset

    def of_tracked(self, values: Tensor) -> Tensor:
        """The tracked bodies' part of values of all watched bodies, (..., bodies, k) -> (..., B, k)."""
        return values if self._all_tracked else values.index_select(-2, self.tracked)

    # ------------------------------------------------------------------ resets

    def reset(self) -> tuple[TensorDict, dict]:
        """Start every env anew on frames drawn as in training."""
        ids = torch.arange(self.num_envs, device=self.device)
        self.reset_to(ids, self.starts.sample(self.num_envs), noisy=True)
        return self.observe(ids), {}

    def reset_to(self, env_ids: Tensor, frames: Tensor, noisy: bool) -> None:
        """Put envs (n,) on reference frames (n,), with or without the configured start noise."""
        cfg = self.cfg.deepmimic
        tiles, offsets = self.terrain.draw(self.data.clip_of(frames))
        self.tile[env_ids], self.env_offsets[env_ids] = tiles, offsets
        ref = self.reference_at(frames, env_ids)
        noise = self._start_noise(len(env_ids)) if noisy else None
        root_pos, root_quat, dof_pos = ref.root_pos_w.clone(), ref.root_quat_wxyz, ref.dof_pos
        moving = 1.0 if cfg.init_velocities else 0.0
        lin_vel, ang_vel, dof_vel = (
            ref.root_lin_vel_w * moving, ref.root_ang_vel_w * moving, ref.dof_vel * moving,
        )  # fmt: skip
        root_pos[:, 2] += cfg.respawn_z_offset
        if noise is not None:
            unposed = self._unposed(len(env_ids))
            dof_pos = torch.where(unposed, self.default_dof_pos, dof_pos)
            dof_vel = dof_vel * ~unposed
            root_pos += noise["root_pos"]
            root_quat = math.quat_mul(math.quat_from_rotation_vector(noise["root_rot"]), root_quat)
            dof_pos = torch.clamp(dof_pos + noise["dof_pos"], self.dof_lower, self.dof_upper)
            lin_vel, ang_vel = lin_vel + noise["root_lin_vel"], ang_vel + noise["root_ang_vel"]
            dof_vel = dof_vel + noise["dof_vel"]
        self.sim.reset(env_ids, root_pos, root_quat, lin_vel, ang_vel, dof_pos, dof_vel)
        self.frame[env_ids] = frames
        self.last_frame[env_ids] = self.data.clip_last_frame(self.data.clip_of(frames))
        self.episode_length_buf[env_ids] = 0
        self.refresh()
        self.sensors.reset(env_ids)
        # The action that would ask for the pose the robot is in: no jump is punished in the first step.
        standing = (dof_pos - self._target_offset()[env_ids]) / self.action_scale
        limit = self.cfg.normalization.clip_actions
        self.actions[env_ids] = standing.clamp(-limit, limit) if self.cfg.control.control_type == "P" else 0.0
        self.last_actions[env_ids] = self.actions[env_ids]
        self.last_foot_contact[env_ids] = self.foot_contact[env_ids]

    def _unposed(self, n: int) -> Tensor:
        """Which of n resets start in the default pose, (n, 1) bool."""
        share = self.cfg.deepmimic.init_default_frac
        if share == 0.0:
            return torch.zeros(n, 1, dtype=torch.bool, device=self.device)
        return torch.rand(n, 1, generator=self.generator, device=self.device) < share

    def _start_noise(self, n: int) -> dict[str, Tensor]:
        scales = self.cfg.noise.init_noise_scales

        def uniform(width: int, scale: float | list[float]) -> Tensor:
            unit = torch.rand(n, width, generator=self.generator, device=self.device) * 2.0 - 1.0
            return unit * torch.as_tensor(scale, device=self.device)

        rot = scales.root_rot
        return {
            "root_pos": uniform(3, [scales.root_xy, scales.root_xy, scales.root_z]),
            "root_rot": uniform(3, [rot, rot, 2.0 * rot]),
            "root_lin_vel": uniform(3, scales.root_lin_vel),
            "root_ang_vel": uniform(3, scales.root_ang_vel),
            "dof_pos": uniform(self.num_actions, scales.dof_pos),
            "dof_vel": uniform(self.num_actions, scales.dof_vel),
        }

    # ------------------------------------------------------------------ judging

    def _check_terminations(self) -> tuple[Tensor, Tensor]:
        """Failed and timed out, (N,) each; a failure on the last frame is a failure, not a time-out."""
        failed = self.sim.diverged.clone()
        self._cause.fill_(-1)
        self._cause[failed] = 0
        for index, rule in enumerate(self._termination_rules, start=1):
            hit = rule(self)
            self._cause[hit & ~failed] = index
            failed |= hit
        over = (self.frame >= self.last_frame) | (self.episode_length_buf >= self.max_episode_length)
        return failed, over & ~failed

    def _compute_reward(self, failed: Tensor) -> Tensor:
        """Weighted sum of the reward terms, (N,). A diverged env earns nothing from its meaningless state."""
        self.failed = failed
        values = torch.stack([term(self) * weight for term, weight in self._reward_terms])
        values[:, self.sim.diverged] = 0.0
        self._reward_sums += values
        if not self.cfg.rewards.only_positive_rewards:
            return values.sum(0)
        # The penalty for failing is not part of the sum that is clipped.
        ending = self.reward_names.index("termination") if "termination" in self.reward_names else None
        last = torch.zeros_like(values[0]) if ending is None else values[ending]
        return (values.sum(0) - last).clamp(min=0.0) + last

    def _note_episodes(self, ids: Tensor, failed: Tensor) -> None:
        """Averages over the episodes that end in this step, for the log."""
        self._log = {}
        if not len(ids):
            return
        seconds = self.episode_length_buf[ids] * self.step_dt
        for index, name in enumerate(self.reward_names):
            self._log[f"Reward/{name}"] = (self._reward_sums[index, ids] / seconds).mean()
        self._reward_sums[:, ids] = 0.0
        count = float(len(ids))
        causes = self._cause[ids]
        for index, name in enumerate(self.termination_names):
            self._log[f"Termination/{name}"] = (causes == index).sum() / count
        self._log["Episode/success"] = (~failed[ids]).float().mean()
        self._log["Episode/seconds"] = seconds.mean()

    # ------------------------------------------------------------------ set-up

    def _watched_bodies(self) -> list[str]:
        cfg = self.cfg.deepmimic
        terms = [*self.cfg.observations.actor, *self.cfg.observations.critic]
        watched = {
            *cfg.tracked_body_names,
            cfg.anchor_body_name,
            *cfg.end_effector_names,
            *self.robot.foot_bodies,
            *sensor_bodies(self.cfg.sensors, terms),
        }
        for field in ("tracked_body_names", "end_effector_names"):
            self.match_bodies(getattr(cfg, field), f"deepmimic.{field}")
        self.match_bodies([cfg.anchor_body_name], "deepmimic.anchor_body_name")
        return [name for name in self.robot.body_names if name in watched]

    def _make_ground(self) -> Callable[[mujoco.MjSpec], None]:
        """Load the clips and the ground they play on."""
        cfg = self.cfg
        self.data = load_library(cfg, self.robot, self._watched_bodies(), self.step_dt, self.device)
        self.terrain = ClipTerrain(self.data, cfg.deepmimic, cfg.terrain, self._seed, self.generator)
        return self.terrain.add_to

    def _prepare_starts(self) -> None:
        self.target_offsets = self._joint_target_offsets()
        cfg = self.cfg.deepmimic
        self.clip_statistics = ClipStatistics(
            self.data.clip_names, cfg.adaptive_weight_update_interval, self.device
        )
        self.starts = StartSampler(self.data, cfg, self.clip_statistics, self.generator)
        if cfg.truncate_rollout_length != -1:
            self.max_episode_length = min(self.max_episode_length, cfg.truncate_rollout_length)

    def _joint_target_offsets(self) -> Tensor:
        """Joint targets of a zero action for every frame, (F, J).

        A servo's torque is kp (target - q) - kd qd, so a torque tau along the reference wants
        target = q_ref + tau / kp + kd / kp qd_ref.
        """
        control, data = self.cfg.control, self.data
        base = (
            data.dof_pos
            if control.control_type == "residual"
            else self.default_dof_pos.expand_as(data.dof_pos)
        )
        offset = base.clone()
        if control.feed_forward != "none":
            offset += data.dof_vel * (self.damping / self.stiffness)
        if control.feed_forward == "inverse_dynamics":
            offset += data.feed_forward / self.stiffness
        return offset

    def _target_offset(self) -> Tensor:
        """See :meth:`LeggedRobot._target_offset`: the frame this step is to reach."""
        return self.target_offsets.index_select(0, torch.minimum(self.frame + 1, self.last_frame))

    def _index_bodies(self) -> None:
        sim, cfg, device = self.sim, self.cfg.deepmimic, self.device
        self.anchor = sim.body_index(cfg.anchor_body_name)
        self.tracked = torch.tensor([sim.body_index(n) for n in cfg.tracked_body_names], device=device)
        self._all_tracked = self.tracked.tolist() == list(range(len(sim.body_names)))
        self.end_effectors = torch.tensor([sim.body_index(n) for n in cfg.end_effector_names], device=device)
        self.feet_bodies = torch.tensor([sim.body_index(n) for n in self.robot.foot_bodies], device=device)
        self.upper_body = torch.tensor(
            self.match_joints(cfg.upper_body_joints, "deepmimic.upper_body_joints"), device=device
        )
        contacts = sim.contact_body_names
        asset = self.cfg.asset
        self.penalized = torch.tensor(
            [contacts.index(n) for n in self.match_bodies(asset.penalize_contacts_on, "asset.penalize_contacts_on")],
            dtype=torch.long, device=device,
        )  # fmt: skip
        names = self.match_bodies(asset.terminate_after_contacts_on, "asset.terminate_after_contacts_on")
        self.forbidden = torch.tensor([contacts.index(n) for n in names], dtype=torch.long, device=device)
        middle, half = 0.5 * (self.dof_lower + self.dof_upper), 0.5 * (self.dof_upper - self.dof_lower)
        soft = self.cfg.rewards.soft_dof_pos_limit
        self.soft_dof_lower, self.soft_dof_upper = middle - soft * half, middle + soft * half

    def _allocate_tracking(self) -> None:
        n, device = self.num_envs, self.device
        self.frame = torch.zeros(n, dtype=torch.long, device=device)
        self.tile = torch.zeros(n, dtype=torch.long, device=device)
        self.env_offsets = torch.zeros(n, 3, device=device)
        self.last_frame = torch.ones(n, dtype=torch.long, device=device)
        self.failed = torch.zeros(n, dtype=torch.bool, device=device)
        self._cause = torch.full((n,), -1, dtype=torch.long, device=device)
        self.sensors = RobotSensors(self, self.cfg.sensors)
        self._log: dict[str, Tensor] = {}
        self._heading_offset: Tensor | None = None

    def _build_terms(self) -> None:
        scales = vars(self.cfg.rewards.scales)
        functions = find_terms(rewards, list(scales), "rewards.scales")
        missing = set(known_terms(rewards)) - set(scales)
        if missing:
            raise ConfigError(f"rewards.scales has no weight for {', '.join(sorted(missing))}")
        self.reward_names = tuple(name for name, weight in scales.items() if weight != 0.0)
        self._reward_terms = [(functions[name], scales[name] * self.step_dt) for name in self.reward_names]
        self._reward_sums = torch.zeros(len(self.reward_names), self.num_envs, device=self.device)
        rules = terminations.active_rules(self.cfg)
        self._termination_rules = [rule for _, rule in rules]
        self.termination_names = ("diverged", *(name for name, _ in rules))
        self.refresh()
        self._build_observations()

    # ------------------------------------------------------------------ logging

    def iteration_log(self) -> dict[str, float]:
        """Scalars for the log of a training iteration: how often the clips succeed."""
        return self.clip_statistics.scalars(self.cfg.deepmimic.max_logged_clips)

    def tables(self) -> dict[str, list[dict]]:
        """Tables kept beside the checkpoints: every clip with its success rate, the worst first."""
        return {"clips": self.clip_statistics.table()}

    # ------------------------------------------------------------------ resuming

    def state_dict(self) -> dict:
        """Everything needed to continue bit for bit."""
        return super().state_dict() | {
            "frame": self.frame.clone(),
            "last_frame": self.last_frame.clone(),
            "tile": self.tile.clone(),
            "env_offsets": self.env_offsets.clone(),
            "sensors": self.sensors.state_dict(),
            "reward_sums": self._reward_sums.clone(),
            "failures": self.starts.failures.clone(),
            "clip_statistics": self.clip_statistics.state_dict(),
        }

    def load_state_dict(self, state: dict) -> None:
        """Restore what ``state_dict`` returned."""
        super().load_state_dict(state)
        self.frame.copy_(state["frame"])
        self.last_frame.copy_(state["last_frame"])
        self.tile.copy_(state["tile"])
        self.env_offsets.copy_(state["env_offsets"])
        self.sensors.load_state_dict(state["sensors"])
        self._reward_sums.copy_(state["reward_sums"])
        self.clip_statistics.load_state_dict(state["clip_statistics"])
        self.starts.failures.copy_(state["failures"])
        self.refresh()

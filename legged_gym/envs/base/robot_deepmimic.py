"""Motion tracking: a robot follows a reference motion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import ceil
from typing import Any, ClassVar

import mujoco
import torch
from torch import Tensor

from legged_gym.envs.base.action_space import reference_targets, space_of
from legged_gym.envs.base.clip_statistics import ClipStatistics
from legged_gym.envs.base.clip_terrain import ClipTerrain
from legged_gym.envs.base.joystick import Joystick
from legged_gym.envs.base.joystick_config import DRAWN, scaled
from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.base.motion_library import load_library
from legged_gym.envs.base.playback import Playback
from legged_gym.envs.base.robot_deepmimic_config import RobotDeepMimicCfg
from legged_gym.envs.base.robot_sensors import sensor_bodies
from legged_gym.envs.base.start_sampling import StartSampler
from legged_gym.envs.terms import (
    observations,
    reference_observations,
    rewards,
    terminations,
    tracking_rewards,
    tracking_terminations,
)
from legged_gym.motion.reference_table import ReferenceFrame
from legged_gym.motion.replay_data import ReplayData
from legged_gym.utils import math

STANDING_SPEED = 0.1
"""A reference whose root is slower than this in the plane stands, m/s; legged_gym's bound for commands."""


class RobotDeepMimic(LeggedRobot):
    """N robots, each following one clip from some frame to the clip's end."""

    reward_modules: ClassVar = (rewards, tracking_rewards)
    observation_modules: ClassVar = (observations, reference_observations)
    follows_reference: ClassVar = True

    cfg: RobotDeepMimicCfg
    data: ReplayData
    """All clips at the control rate."""
    target_offsets: Tensor
    """(F, J) servo targets of a zero action at every frame of ``data``."""
    frame: Tensor
    """(N,) the reference frame each env is at, an index into ``data``."""
    last_frame: Tensor
    """(N,) the last frame of each env's clip."""
    reference: ReferenceFrame
    """The reference at ``frame``."""
    terrain: ClipTerrain
    """The ground of all clips."""
    env_offsets: Tensor
    """(N, 3) where the frame of each env's clip lies in the world, m; part of everything in ``reference``."""
    tracked: Tensor
    """(B,) tracked bodies among the watched ones."""
    joystick: Joystick | None = None
    """What drives the first robots, or all; None: clips lead everyone. See :meth:`drive_by`."""

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
        driven = ceil(cfg.deepmimic.joystick_share * self.num_envs)
        if driven:
            commands = scaled(DRAWN, cfg.deepmimic.joystick_command_scale)
            self.drive_by(Joystick(self, commands, driven, training=True))
        self.reset()

    # ------------------------------------------------------------------ the reference

    def _move_on(self) -> None:
        """See :meth:`LeggedRobot._move_on`: the reference goes on by a frame, or as it is driven."""
        if self.joystick is not None:
            self.joystick.move_on()
        led = slice(self.num_driven, None)
        frames = self.frame[led]
        torch.minimum(frames + self.playback.pace[led], self.last_frame[led], out=frames)
        self.playback.move_on()

    def refresh(self) -> None:
        """See :meth:`LeggedRobot.refresh`."""
        self.reference = self.reference_at(self.frame)
        self._heading_offset = None
        sim, ref, anchor = self.sim, self.reference, self.anchor
        self.anchor_pos_w, self.anchor_quat = sim.body_pos_w[:, anchor], sim.body_quat_wxyz[:, anchor]
        self.ref_anchor_pos_w, self.ref_anchor_quat = ref.body_pos_w[:, anchor], ref.body_quat_wxyz[:, anchor]

    def reference_at(self, frames: Tensor, env_ids: Tensor | None = None) -> ReferenceFrame:
        """The reference in the world at frames (N,) or (N, K) of all envs, or of ``env_ids`` (N,).

        That of all envs is without velocity where the reference stands still, and the joystick's where one drives;
        ``env_ids`` are about to begin.
        """
        reference = self.data.table.at(frames)
        if self.terrain.moves:
            offset = self.env_offsets if env_ids is None else self.env_offsets[env_ids]
            offset = offset.unflatten(0, (len(frames), *(1,) * (frames.dim() - 1)))
            reference.root_pos_w += offset
            reference.body_pos_w += offset.unsqueeze(-2)
        if env_ids is None:
            self.playback.still(reference)
            if self.joystick is not None:
                self.joystick.stand_in(reference)
        return reference

    def frames_ahead(self, steps: Tensor) -> Tensor:
        """Frames (N, K) that are ``steps`` (K,) ahead: held at the clip's end, and while the reference stands still."""
        frames = self.frame.unsqueeze(1) + steps * self.playback.pace.unsqueeze(1)
        return torch.minimum(frames, self.last_frame.unsqueeze(1))

    @property
    def heading_offset(self) -> Tensor:
        """Rotation about the vertical from the reference anchor's heading to the robot's, (N, 4) wxyz."""
        if self._heading_offset is None:
            turn = math.quat_mul(self.anchor_quat, math.quat_conjugate(self.ref_anchor_quat))
            self._heading_offset = math.yaw_quat(turn)
        return self._heading_offset

    @property
    def unasked_contact_changes(self) -> Tensor:
        """(N, feet) bool: the foot's contact changed in this step to what the reference's is not."""
        now = self.foot_contact
        return (now != self.last_foot_contact) & (now != (self.reference.contacts > 0.5))

    def asked_to_move(self) -> Tensor:
        """See :meth:`LeggedRobot.asked_to_move`: where the reference goes somewhere."""
        speed = torch.linalg.vector_norm(self.reference.root_lin_vel_w[:, :2], dim=-1)
        return speed > STANDING_SPEED

    def of_tracked(self, values: Tensor) -> Tensor:
        """The tracked bodies' part of values of all watched bodies, (..., bodies, k) -> (..., B, k)."""
        return values if self._all_tracked else values.index_select(-2, self.tracked)

    @property
    def num_driven(self) -> int:
        """D: a joystick drives the first D robots, clips lead the others."""
        return 0 if self.joystick is None else self.joystick.number

    def drive_by(self, joystick: Joystick | None) -> None:
        """Let targets that a joystick moves stand in for the references of its robots; None: clips lead again.

        Episodes begin on clips as ever, but do not end with them.
        """
        self.joystick = joystick
        self._take_rules()
        if joystick is not None:
            joystick.restart(torch.arange(self.num_envs, device=self.device))
        self.refresh()

    # ------------------------------------------------------------------ episodes

    def _start_episodes(self, env_ids: Tensor) -> None:
        """See :meth:`LeggedRobot._start_episodes`."""
        frames = self.starts.sample(len(env_ids))
        if self._driven_starts is not None:
            driven = env_ids < self.num_driven
            frames = torch.where(driven, self.starts.sample(len(env_ids), self._driven_starts), frames)
        self.reset_to(env_ids, frames, noisy=True)

    def _episodes_over(self) -> Tensor:
        """See :meth:`LeggedRobot._episodes_over`: the clip has ended, or the time is up.

        In training, who is driven may also leave its ground; else nothing but a fall ends its episode.
        """
        over, ended = super()._episodes_over(), self.frame >= self.last_frame
        if self.joystick is not None:
            driven, training = slice(self.num_driven), self.joystick.training
            ended[driven] = self.joystick.off_ground() if training else False
            over[driven] &= training
        return ended | over

    def _note_outcomes(self, ids: Tensor, failed: Tensor) -> None:
        """See :meth:`LeggedRobot._note_outcomes`: where clips are failed decides where episodes start."""
        if self.joystick is not None:
            self.joystick.note_falls(failed)
            failed = failed.clone()
            failed[: self.num_driven] = False
            ids = ids[ids >= self.num_driven]
        frames, failed = self.frame[ids], failed[ids]
        self.starts.note_failures(frames, failed)
        if self.clip_statistics.add(self.data.clip_of(frames), ~failed):
            self.starts.share_failures()

    def _active_rules(self) -> list[tuple[str, Callable[[Any], Tensor]]]:
        """See :meth:`LeggedRobot._active_rules`."""
        of_tracking = tracking_terminations.active_rules(self.cfg, self.num_driven, self.num_envs)
        return of_tracking + terminations.active_rules(self.cfg)

    def _thresholds(self) -> dict[str, float | None]:
        """See :meth:`LeggedRobot._thresholds`."""
        return tracking_terminations.thresholds(self.cfg) | super()._thresholds()

    def reset_to(self, env_ids: Tensor, frames: Tensor, noisy: bool) -> None:
        """Put envs (n,) on reference frames (n,), with or without the configured start noise."""
        cfg = self.cfg.deepmimic
        tiles, offsets = self.terrain.draw(self.data.clip_of(frames))
        self.tile[env_ids], self.env_offsets[env_ids] = tiles, offsets
        ref = self.reference_at(frames, env_ids)
        noise = self.noise.start_state(len(env_ids)) if noisy else None
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
        self.playback.restart(env_ids)
        if self.joystick is not None:
            self.joystick.restart(env_ids)
        self.frame[env_ids] = frames
        self.last_frame[env_ids] = self.data.clip_last_frame(self.data.clip_of(frames))
        self._begin(env_ids)

    def _unposed(self, n: int) -> Tensor:
        """Which of n resets start in the default pose, (n, 1) bool."""
        share = self.cfg.deepmimic.init_default_frac
        if share == 0.0:
            return torch.zeros(n, 1, dtype=torch.bool, device=self.device)
        return torch.rand(n, 1, generator=self.generator, device=self.device) < share

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
        self.data = self._load_library(cfg)
        self.terrain = ClipTerrain(self.data, cfg.deepmimic, cfg.terrain, self._seed, self.generator)
        return self.terrain.add_to

    def _load_library(self, cfg: RobotDeepMimicCfg) -> ReplayData:
        return load_library(cfg, self.robot, self._watched_bodies(), self.step_dt, self.device)

    def _prepare_starts(self) -> None:
        self.target_offsets = reference_targets(space_of(self), self)
        cfg = self.cfg.deepmimic
        self.clip_statistics = ClipStatistics(
            self.data.library_names, cfg.adaptive_weight_update_interval, self.device, self.data.share
        )
        self.starts = StartSampler(self.data, cfg, self.clip_statistics, self.generator)
        driven = cfg.joystick_share > 0.0 and cfg.joystick_clips
        self._driven_starts = self.data.clips_named(driven, "deepmimic.joystick_clips") if driven else None
        if cfg.truncate_rollout_length != -1:
            self.max_episode_length = min(self.max_episode_length, cfg.truncate_rollout_length)

    def reference_torques(self) -> Tensor:
        """Joint torques that the reference needs at every frame, N m; found out when first asked for. (F, J)"""
        if self.data.feed_forward is None:
            cfg = replace(self.cfg, control=replace(self.cfg.control, feed_forward="inverse_dynamics"))
            self.data.feed_forward = self._load_library(cfg).feed_forward
        return self.data.feed_forward

    def target_offset(self) -> Tensor:
        """See :meth:`LeggedRobot.target_offset`: the frame this step is to reach."""
        return self.coming_targets(self.target_offsets, self.cfg.control.feed_forward != "none")

    def coming_targets(self, targets: Tensor, with_velocities: bool) -> Tensor:
        """Of targets (F, J) for every frame, those of the frame that this step is to reach. (N, J)

        Args:
            targets: See :func:`action_space.reference_targets`.
            with_velocities: Whether the reference's joint velocities are in them; where it stands still they go.
        """
        frames = torch.minimum(self.frame + self.playback.pace, self.last_frame)
        offset = targets.index_select(0, frames)
        if self.playback.stops and with_velocities:
            standing = (1 - self.playback.pace).unsqueeze(1)
            offset = offset - standing * self.data.dof_vel[frames] * (self.damping / self.stiffness)
        return offset

    def _index_bodies(self) -> None:
        sim, cfg, device = self.sim, self.cfg.deepmimic, self.device
        self.anchor = sim.body_index(cfg.anchor_body_name)
        self.tracked = torch.tensor([sim.body_index(n) for n in cfg.tracked_body_names], device=device)
        self.sensor_links = self.tracked
        self._all_tracked = self.tracked.tolist() == list(range(len(sim.body_names)))
        self.end_effectors = torch.tensor([sim.body_index(n) for n in cfg.end_effector_names], device=device)
        self.upper_body = torch.tensor(
            self.match_joints(cfg.upper_body_joints, "deepmimic.upper_body_joints"), device=device
        )

    def _allocate_tracking(self) -> None:
        n, device = self.num_envs, self.device
        self.frame = torch.zeros(n, dtype=torch.long, device=device)
        self.last_frame = torch.ones(n, dtype=torch.long, device=device)
        self._heading_offset: Tensor | None = None
        self.playback = Playback(self.cfg.noise, n, self.generator)

    # ------------------------------------------------------------------ teachers

    def teacher_names(self) -> list[str]:
        """Policies that the lists of clips name for students to ask, each once; "" if some clips name none."""
        return list(dict.fromkeys(self.data.teachers))

    def teacher_index(self) -> Tensor:
        """Which of ``teacher_names`` the clip of each env names, (N,) long."""
        names = self.teacher_names()
        of_clips = torch.tensor([names.index(name) for name in self.data.teachers], device=self.device)
        return of_clips[self.data.clip_of(self.frame)]

    # ------------------------------------------------------------------ logging

    def iteration_log(self) -> dict[str, float]:
        """See :meth:`LeggedRobot.iteration_log`: and how often the clips succeed."""
        most = self.cfg.deepmimic.max_logged_clips
        driven = {} if self.joystick is None else self.joystick.iteration_log()
        return super().iteration_log() | self.clip_statistics.scalars(most) | driven

    def tables(self) -> dict[str, list[dict]]:
        """Tables kept beside the checkpoints: every clip with its success rate, the worst first."""
        return super().tables() | {"clips": self.clip_statistics.table()}

    # ------------------------------------------------------------------ resuming

    def state_dict(self) -> dict:
        """Everything needed to continue bit for bit."""
        return super().state_dict() | {
            "frame": self.frame.clone(),
            "last_frame": self.last_frame.clone(),
            "pace": self.playback.pace.clone(),
            "failures": self.starts.failures.clone(),
            "unshared_failures": self.starts.unshared_failures.clone(),
            "clip_statistics": self.clip_statistics.state_dict(),
            "joystick": {} if self.joystick is None else self.joystick.state_dict(),
        }

    def load_state_dict(self, state: dict) -> None:
        """Restore what ``state_dict`` returned."""
        super().load_state_dict(state)
        self.frame.copy_(state["frame"])
        self.last_frame.copy_(state["last_frame"])
        self.playback.pace.copy_(state.get("pace", self.playback.pace))
        self.clip_statistics.load_state_dict(state["clip_statistics"])
        self.starts.failures.copy_(state["failures"])
        if "unshared_failures" in state:  # checkpoints of a single process had none at first
            self.starts.unshared_failures.copy_(state["unshared_failures"])
        if self.joystick is not None and state.get("joystick"):
            self.joystick.load_state_dict(state["joystick"])
        self.refresh()

"""What there is to play on: clips of a task that follows clips, grounds of one that follows commands."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal

import torch

from legged_gym.envs.base.joystick import Joystick
from legged_gym.envs.base.joystick_config import DRAWN, check_drivable
from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.base.robot_deepmimic import RobotDeepMimic
from legged_gym.envs.base.robot_velocity import RobotVelocity
from legged_gym.envs.base.robot_velocity_config import CommandRangesCfg
from legged_gym.utils.errors import ConfigError
from legged_gym.viewer.starts import ChosenStarts

Lead = Literal["clip", "drawn", "hand"]
"""What robots follow: their clip, commands that are drawn anew every few seconds, or a command by hand."""
Velocity = tuple[float, float, float]
"""Forwards and left, m/s, and turning left, rad/s."""
STANDING: Velocity = (0.0, 0.0, 0.0)


class Stage(ABC):
    """Where episodes begin. One of ``names`` is chosen, for all robots alike."""

    names: list[str]
    """What there is to choose from."""
    chosen: int
    leads: tuple[Lead, ...]
    """What can lead robots here; the first does so in the beginning."""
    lead: Lead
    command: Velocity = STANDING
    """What all robots are asked for where somebody leads them by hand."""
    command_ranges: CommandRangesCfg
    """What may be asked for."""
    why_clips_only: str = ""
    """Why nobody can drive this policy; empty where somebody can."""

    @abstractmethod
    def choose(self, index: int) -> None:
        """Episodes begin there from the next one on."""

    @abstractmethod
    def restart(self) -> None:
        """All robots begin an episode."""

    @abstractmethod
    def before_step(self) -> None:
        """A control step is about to be made."""

    @abstractmethod
    def drive(self, lead: Lead, command: Velocity = STANDING) -> None:
        """Something else leads all robots from now on; ``command`` is what they are asked for by hand.

        Raises:
            ConfigError: The policy cannot be driven; says why.
        """

    def take_over(self, other: Stage) -> None:
        """All is as on another stage of the same task."""
        self.choose(other.chosen)
        self.drive(other.lead, other.command)

    @property
    def start_s(self) -> float:
        """Clip time at which episodes begin, s; 0 without clips."""
        return 0.0


class ClipStage(Stage):
    """Clips. The chosen one can be scrubbed, and be shown without physics."""

    def __init__(self, env: RobotDeepMimic) -> None:
        """The first clip, from its first frame."""
        self._env = env
        self.names = list(env.data.clip_names)
        self._starts = env.starts = ChosenStarts(env.starts)
        self._everyone = torch.arange(env.num_envs, device=env.device)
        self.command_ranges = DRAWN.ranges
        self.leads, self.lead = ("clip", "drawn", "hand"), "clip"
        try:
            check_drivable(env.cfg)
        except ConfigError as error:
            self.leads, self.why_clips_only = ("clip",), str(error)
        self.choose(0)

    def choose(self, index: int) -> None:
        """See :meth:`Stage.choose`; from the clip's first frame."""
        self.chosen, self.start_frame = index, 0
        self._point()

    def begin_at(self, frame: int) -> None:
        """Episodes begin at this frame of the clip from the next one on; no later than two before its end."""
        self.start_frame = max(0, min(frame, self.length - 3))
        self._point()

    @property
    def length(self) -> int:
        """Frames of the chosen clip."""
        return int(self._env.data.clip_length[self.chosen])

    def frame(self, env_id: int) -> int:
        """Frame of its clip that an env is at."""
        env = self._env
        at = env.frame[env_id]
        return int(at - env.data.clip_start[env.data.clip_of(at)])

    def restart(self) -> None:
        """See :meth:`Stage.restart`: all robots go to the start frame, as the task's episodes begin."""
        env = self._env
        env.reset_to(self._everyone, torch.full_like(env.frame, self._starts.frame), noisy=True)

    def before_step(self) -> None:
        """See :meth:`Stage.before_step`: a clip goes on by itself, and commands stay."""

    def drive(self, lead: Lead, command: Velocity = STANDING) -> None:
        """See :meth:`Stage.drive`: a target that goes as it is told takes the clip's place, for students."""
        env = self._env
        if lead != self.lead:
            if lead == "clip":
                env.drive_by(None)
            else:
                env.drive_by(Joystick(env, DRAWN) if lead == "drawn" else Joystick(env))
            if lead == "drawn":
                env.joystick.commands.draw(self._everyone)
        self.lead, self.command = lead, command
        if lead == "hand":
            env.joystick.commands.set(self._everyone, _for_all(command, env))

    def take_over(self, other: Stage) -> None:
        """See :meth:`Stage.take_over`; episodes begin at the same frame, too."""
        super().take_over(other)
        assert isinstance(other, ClipStage)
        self.begin_at(other.start_frame)

    def scrub(self, frame: int) -> None:
        """All robots go to a frame of the chosen clip, exactly onto the reference."""
        env = self._env
        frame = max(0, min(frame, self.length - 1))
        env.reset_to(self._everyone, torch.full_like(env.frame, self._first + frame), noisy=False)

    def carry_on(self) -> None:
        """The reference goes on by a frame and takes the robots along, without physics; after the end, the start."""
        env = self._env
        if (env.frame >= env.last_frame).any():
            self.scrub(self.start_frame)
            return
        env.frame += 1
        env.refresh()
        ref = env.reference
        env.sim.reset(
            self._everyone, ref.root_pos_w, ref.root_quat_wxyz, ref.root_lin_vel_w, ref.root_ang_vel_w,
            ref.dof_pos, ref.dof_vel,
        )  # fmt: skip
        env.refresh()
        env.sensors.reset(self._everyone)

    @property
    def start_s(self) -> float:
        """See :attr:`Stage.start_s`."""
        return self.start_frame * self._env.step_dt

    @property
    def _first(self) -> int:
        return int(self._env.data.clip_start[self.chosen])

    def _point(self) -> None:
        self._starts.frame = self._first + self.start_frame


class WalkStage(Stage):
    """Made grounds, each kind in levels."""

    def __init__(self, env: RobotVelocity) -> None:
        """The ground that the first robot is on."""
        self._env, ground = env, env.terrain
        levels = range(ground.num_levels)
        kinds = env.cfg.terrain.kinds
        self._grounds = [
            (k, level) for k, kind in enumerate(kinds) for level in (levels if kind != "flat" else (0,))
        ]
        self.names = [kinds[k] if kinds[k] == "flat" else f"{kinds[k]} {level}" for k, level in self._grounds]
        self.leads, self.lead = ("drawn", "hand"), "drawn"
        self.command_ranges = env.cfg.commands.ranges
        self._asked = env.commands.value.clone()
        self.choose(self._grounds.index((int(ground.kind[0]), int(ground.level[0]))))

    def choose_level(self, level: int) -> None:
        """A level of the first kind of ground, as play.py counts them; flat ground has but one."""
        self.choose(min(level, sum(kind == 0 for kind, _ in self._grounds) - 1))

    def drive(self, lead: Lead, command: Velocity = STANDING) -> None:
        """See :meth:`Stage.drive`; commands are drawn as in training."""
        self.lead, self.command = lead, command
        if lead == "hand":
            self._ask()

    def before_step(self) -> None:
        """See :meth:`Stage.before_step`: what has been drawn since is replaced."""
        # Asking for the same again would make it a new command, and robots need a while to come to rest.
        if self.lead == "hand" and not torch.equal(self._env.commands.value, self._asked):
            self._ask()

    def _ask(self) -> None:
        env = self._env
        env.commands.set(torch.arange(env.num_envs, device=env.device), _for_all(self.command, env))
        self._asked = env.commands.value.clone()

    def choose(self, index: int) -> None:
        """See :meth:`Stage.choose`."""
        self.chosen = index
        kind, level = self._grounds[index]
        self._env.terrain.kind.fill_(kind)
        self._env.terrain.level.fill_(level)

    def restart(self) -> None:
        """See :meth:`Stage.restart`."""
        self._env.reset()


def make_stage(env: LeggedRobot) -> Stage:
    """The stage of an environment."""
    return ClipStage(env) if isinstance(env, RobotDeepMimic) else WalkStage(env)


def _for_all(command: Velocity, env: LeggedRobot) -> torch.Tensor:
    """(N, 3)."""
    return torch.tensor([command], dtype=torch.float32, device=env.device).expand(env.num_envs, 3)

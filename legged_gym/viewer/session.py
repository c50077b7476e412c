"""What is watched: robots in an environment, the policies that act in them, and one robot that is looked at.

Everything here runs in one thread, the player's; pages send it their wishes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.evaluation.policies import Policy, random_policy, zero_policy
from legged_gym.viewer.episodes import SUCCESS, EpisodeLog
from legged_gym.viewer.physics import LivePhysics, Physics
from legged_gym.viewer.stage import STANDING, ClipStage, Lead, Stage, Velocity, make_stage


@dataclass(frozen=True)
class Player:
    """A policy by its name, and how it is made for an environment."""

    name: str
    make: Callable[[LeggedRobot], Policy]
    checkpoint: Path | None = None
    """File it was loaded from; None where it knows nothing."""


def untrained(name: str, seed: int) -> Player:
    """The policies that know nothing: ``zero`` or ``random``."""
    return Player(name, zero_policy if name == "zero" else lambda env: random_policy(env, seed))


class Session:
    """Robots, policies and time's steps. ``rival``, where there is one, acts in every other robot."""

    env: LeggedRobot
    stage: Stage
    observations: object

    def __init__(self, make_env: Callable[[int], LeggedRobot], num_envs: int, player: Player | None) -> None:
        """Build the environment and put every robot at the start.

        Args:
            make_env: Builds the environment with so many robots.
            num_envs: How many to begin with.
            player: The policy; None where there is no physics to be seen, only clips.

        Raises:
            LeggedGymError: The environment cannot be built, or the policy does not fit it.
        """
        self._make_env = make_env
        self.player, self.rival = player, None
        self.kinematic = player is None
        """Whether the reference carries the robots along, without physics."""
        self.selected = 0
        """The robot that is looked at."""
        self.physics = Physics()
        self.episodes = EpisodeLog()
        self.built = 0
        """How often the environment was built: whoever keeps something of it looks here."""
        self._build(num_envs)

    # ------------------------------------------------------------------ time

    @torch.no_grad()
    def step(self) -> None:
        """One control period passes."""
        if self.kinematic:
            self.stage.carry_on()
            return
        env = self.env
        seconds = (env.episode_length_buf + 1) * env.step_dt
        self.stage.before_step()
        actions = self._act(self.observations)
        self.observations, _, done, _ = env.step(actions)
        for index in done.nonzero().squeeze(-1).tolist():
            cause = int(env.cause[index])
            outcome = SUCCESS if cause < 0 else env.termination_names[cause]
            policy = self.player_of(index).name
            self.episodes.add(index, self.where(), policy, self._began[index], float(seconds[index]), outcome)
            self._began[index] = self.stage.start_s

    def player_of(self, env_id: int) -> Player:
        """Who acts in a robot; there is a policy."""
        assert self.player is not None
        return self.rival if self.rival is not None and env_id % 2 else self.player

    def playing(self) -> str:
        """What is played, in a few words."""
        if self.kinematic:
            return f"{self.where()}, without physics"
        return f"{self.player_of(self.selected).name} on {self.where()}"

    def where(self) -> str:
        """The clip or the ground, and who leads where it might be the clip."""
        stage = self.stage
        by_command = isinstance(stage, ClipStage) and stage.lead != "clip"
        return stage.names[stage.chosen] + (", by command" if by_command else "")

    # ------------------------------------------------------------------ where robots are

    @torch.no_grad()
    def restart(self) -> None:
        """All robots begin at the start."""
        self.stage.restart()
        self._look(self.stage.start_s)

    @torch.no_grad()
    def choose(self, index: int) -> None:
        """Another clip or ground, from its start."""
        self.stage.choose(index)
        self.restart()

    @torch.no_grad()
    def scrub(self, frame: int) -> None:
        """All robots go to a frame of the chosen clip."""
        self.clips.scrub(frame)
        self._look(frame * self.env.step_dt)

    @torch.no_grad()
    def set_kinematic(self, kinematic: bool) -> None:
        """Show the clip without physics, or go on from here with it."""
        if kinematic != self.kinematic:
            self.clips.drive("clip")
            self.kinematic = kinematic
            self.scrub(self.clips.frame(self.selected))

    @property
    def clips(self) -> ClipStage:
        """The stage of a task that follows clips."""
        assert isinstance(self.stage, ClipStage)
        return self.stage

    # ------------------------------------------------------------------ who plays

    def set_player(self, player: Player) -> None:
        """Another policy from the next step on; robots go on from where they are.

        Raises:
            LeggedGymError: It cannot be loaded or does not fit; the old one goes on.
        """
        self._policy = player.make(self.env)
        self.player = player

    def set_rival(self, rival: Player | None) -> None:
        """A policy for every other robot, beside the first; there are two robots at least then. All begin anew.

        Raises:
            LeggedGymError: It cannot be loaded or does not fit; nothing changes.
        """
        if rival is not None and self.env.num_envs < 2:
            self.set_num_envs(2)
        self._rival_policy = None if rival is None else rival.make(self.env)
        self.rival = rival
        self.restart()

    def set_num_envs(self, num_envs: int) -> None:
        """Build the environment anew with so many robots; everything else stays as chosen."""
        before = self.stage
        self._build(num_envs)
        self.stage.take_over(before)
        self.restart()

    def set_physics(self, physics: Physics) -> None:
        """Other gains, friction, delays, pushes or noise from the next step on."""
        self.physics = physics
        self._live.apply(physics)

    @torch.no_grad()
    def drive(self, lead: Lead, command: Velocity = STANDING) -> None:
        """Something else leads all robots. They begin anew where a clip leads again, or where physics comes back.

        Raises:
            ConfigError: The policy cannot be driven; nothing changes.
        """
        before, stood = self.stage.lead, self.kinematic
        self.stage.drive(lead, command)
        self.kinematic = stood and lead == "clip"
        if lead == "clip" != before or self.kinematic != stood:
            self.restart()

    def push(self, lin_vel_w: Tensor) -> None:
        """The root of the robot that is looked at changes its velocity by (3,) m/s, world frame."""
        env = self.env
        ids = torch.tensor([self.selected], device=env.device)
        env.sim.add_root_velocity(
            ids, lin_vel_w.to(env.device).unsqueeze(0), torch.zeros(1, 3, device=env.device)
        )

    # ------------------------------------------------------------------ inside

    def _build(self, num_envs: int) -> None:
        env = self._make_env(num_envs)
        self._policy = None if self.player is None else self.player.make(env)
        self._rival_policy = None
        if self.rival is not None and num_envs > 1:
            self._rival_policy = self.rival.make(env)
        else:
            self.rival = None
        self.env, self.stage = env, make_stage(env)
        self.selected = min(self.selected, num_envs - 1)
        self.built += 1
        self._live = LivePhysics(env)
        self._live.apply(self.physics)
        self.restart()

    def _look(self, start_s: float) -> None:
        """The policy sees where the robots have been put, at ``start_s`` of the clip; what was before is forgotten."""
        env = self.env
        self._began = [start_s] * env.num_envs
        self.observations = env.observe(torch.arange(env.num_envs, device=env.device))

    def _act(self, observations: object) -> Tensor:
        actions = self._policy(observations)
        if self._rival_policy is not None:
            actions = actions.clone()
            actions[1::2] = self._rival_policy(observations)[1::2]
        return actions

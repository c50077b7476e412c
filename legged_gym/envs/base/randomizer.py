"""Domain randomisation at work: which env got what, and when it is drawn anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from legged_gym.envs.base.delay_line import DelayLine
from legged_gym.envs.base.domain_rand_config import TrackingDomainRandCfg
from legged_gym.envs.terms.randomizations import (
    EPISODE,
    SETTERS,
    START_UP,
    Randomization,
    dry_friction,
    injected_torque,
    push_velocity,
    set_gravity,
    set_servos,
    whole,
)
from legged_gym.sensors.timing import Schedule

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot


class Randomizer:
    """What differs between envs: ``cfg.domain_rand``, and their feet. What is off draws nothing, sets nothing and costs
    nothing.

    All random numbers are the environment's own, so a seed repeats them.
    """

    draws: dict[str, Tensor]
    """(N, columns) what each env has now, of every randomisation that is on."""

    def __init__(self, env: LeggedRobot) -> None:
        """Draw what is drawn once; ``env`` has its simulator and the robot's numbers by now.

        Raises:
            ConfigError: More mass would be taken from a link than it has.
        """
        self._env, self._cfg = env, env.cfg.domain_rand
        self._start_up = [one for one in START_UP if one.is_on(env.cfg)]
        self._episode = [one for one in EPISODE if one.is_on(env.cfg)]
        n, device = env.num_envs, env.device
        self.draws = {}
        everyone = torch.arange(n, device=device)
        self._draw(self._start_up, everyone)
        self._substeps = env.cfg.control.decimation
        self._make_lines()
        self._until_push = torch.zeros(n, dtype=torch.long, device=device)
        self._odometry = self._odometry_schedule()
        self.odometry_due = torch.ones(n, dtype=torch.bool, device=device)
        """(N,) bool: odometry measures in this step."""

    # ------------------------------------------------------------------ episodes

    def restart(self, env_ids: Tensor) -> None:
        """Draw what envs (n,) have in a new episode."""
        self._draw(self._episode, env_ids)
        if self._cfg.push_robots:
            self._until_push[env_ids] = self._push_times(len(env_ids))
        if self._odometry is not None:
            self._odometry.restart(env_ids)
            self.odometry_due[env_ids] = True

    def fill(self, env_ids: Tensor) -> None:
        """What is under way to the motors of envs (n,) that begin an episode asks for their pose, or for nothing."""
        env = self._env
        if self._actions is not None:
            self._actions.fill(env_ids, env.actions[env_ids])
        if self._targets is not None:
            pose = env.sim.dof_pos[env_ids]
            self._targets.fill(env_ids, pose if env.robot.servo == "position" else torch.zeros_like(pose))

    def reconfigure(self) -> None:
        """Take up what has changed in ``cfg`` about gains, torques, delays and pushes, in the midst of all episodes.

        Servos have the environment's gains times what is drawn anew. Other randomisations stay as they were drawn.
        """
        everyone = torch.arange(self._env.num_envs, device=self._env.device)
        for one in EPISODE:
            if not one.is_on(self._env.cfg):
                self.draws.pop(one.name, None)
        self._episode = [one for one in EPISODE if one.is_on(self._env.cfg)]
        self._draw(self._episode, everyone)
        set_servos(self._env, everyone, self.draws)
        self._env.sim.set_joint_torques(torch.zeros_like(self._env.sim.dof_torque))
        self._make_lines()
        self.fill(everyone)
        self._until_push[:] = self._push_times(len(everyone))

    # ------------------------------------------------------------------ control steps

    def delayed(self, actions: Tensor) -> Tensor:
        """The actions (N, J) that take effect now."""
        if self._actions is None:
            return actions
        self._actions.push(actions)
        return self._actions.at(self.draws["action_delay"][:, 0])

    def disturb(self) -> None:
        """What befalls the robots in this control step: pushes, and torques that nobody asked for."""
        env, cfg = self._env, self._cfg
        if cfg.push_robots:
            self._push()
        torques = []
        if cfg.torque_rfi_rand:
            torques.append(self.draws["torque_bias"])
        if cfg.torque_rfi_step_rand:
            torques.append(injected_torque(env, env.num_envs))
        if cfg.randomize_dof_friction:
            torques.append(dry_friction(env, self.draws["dof_friction"]))
        if torques:
            env.sim.set_joint_torques(sum(torques[1:], torques[0]))

    def servo_targets(self, targets: Tensor) -> Tensor:
        """What the servos are told of joint targets (N, J): (N, J) for the whole control step, or (S, N, J).

        S substeps each have their own where targets come late. An encoder that reads too much makes a servo that is
        told an angle stop short by as much; a motor that is told a torque gives as much as it is strong.
        """
        servo = self._env.robot.servo
        if "joint_zero" in self.draws and servo == "position":
            targets = targets - self.draws["joint_zero"]
        if "motor_strength" in self.draws and servo == "torque":
            targets = targets * self.draws["motor_strength"]
        if self._targets is None:
            return targets
        self._targets.push(targets)
        delay = self.draws["control_delay"][:, 0]
        # In substep s the newest targets that have arrived were sent delay - s substeps before this step began.
        ages = [(delay - s + self._substeps - 1) // self._substeps for s in range(self._substeps)]
        return torch.stack([self._targets.at(age.clamp(min=0)) for age in ages])

    def move_on(self) -> None:
        """A control step has passed."""
        if self._odometry is not None:
            self.odometry_due.zero_()
            self.odometry_due[self._odometry.tick()] = True

    # ------------------------------------------------------------------ what was drawn

    @property
    def slow_odometry(self) -> bool:
        """Whether there are steps in which odometry does not measure."""
        return self._odometry is not None

    def encoder_error(self, env_ids: Tensor) -> Tensor | float:
        """What the joint encoders of envs (n,) read too much, (n, J) rad."""
        return self.draws["joint_zero"][env_ids] if "joint_zero" in self.draws else 0.0

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """Tables kept beside the checkpoints: what was drawn over all envs, and what each got at start-up."""
        if not self.draws:
            return {}
        rows = []
        for drawn, several in (("start-up", self._start_up), ("episode", self._episode)):
            for one in several:
                values = self.draws[one.name].double()
                rows.append(
                    {
                        "randomization": one.name,
                        "drawn": drawn,
                        "unit": one.unit,
                        "mean": values.mean().item(),
                        "min": values.min().item(),
                        "max": values.max().item(),
                    }
                )
        return {"randomization": rows, "randomization_envs": self._rows_of_envs()}

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to continue bit for bit, beside the simulator's parameters; nothing where all is off."""
        state: dict[str, Any] = {f"draw:{name}": value.clone() for name, value in self.draws.items()}
        state |= {name: part.state_dict() for name, part in self._lines().items()}
        if self._cfg.push_robots:
            state["until_push"] = self._until_push.clone()
        if self._odometry is not None:
            state |= {"odometry": self._odometry.state_dict(), "odometry_due": self.odometry_due.clone()}
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what ``state_dict`` returned; the simulator has its parameters back by now."""
        for name, value in self.draws.items():
            value.copy_(state[f"draw:{name}"])
        for name, part in self._lines().items():
            part.load_state_dict(state[name])
        if self._cfg.push_robots:
            self._until_push.copy_(state["until_push"])
        if self._odometry is not None:
            self._odometry.load_state_dict(state["odometry"])
            self.odometry_due.copy_(state["odometry_due"])
        if "gravity_tilt" in self.draws:  # its direction is the environment's, not the simulator's
            set_gravity(self._env, torch.arange(self._env.num_envs, device=self._env.device), self.draws)

    # ------------------------------------------------------------------ inside

    def _draw(self, several: Sequence[Randomization], env_ids: Tensor) -> None:
        """Draw for envs (n,) and tell the simulator."""
        for one in several:
            values = one.draw(self._env, len(env_ids))
            if one.name not in self.draws:
                self.draws[one.name] = values.new_zeros(self._env.num_envs, values.shape[1])
            self.draws[one.name][env_ids] = values
        drawn = {one.name for one in several}
        for names, tell in SETTERS:
            if drawn.intersection(names):
                tell(self._env, env_ids, self.draws)

    def _make_lines(self) -> None:
        """What is under way to the motors, and the longest time between pushes in control steps."""
        env, cfg = self._env, self._cfg
        shape = env.num_envs, env.num_actions
        longest = -(-cfg.control_delay_max // self._substeps)  # control steps, rounded up
        self._targets = DelayLine(*shape, longest, env.device) if cfg.control_delays else None
        self._actions = DelayLine(*shape, cfg.action_delay_max, env.device) if cfg.action_delays else None
        self._push_interval = max(1, round(cfg.push_interval_s / env.step_dt))

    def _push(self) -> None:
        due = (self._until_push == 0).nonzero().squeeze(-1)
        if len(due):
            velocity = push_velocity(self._env, len(due))
            self._env.sim.add_root_velocity(due, velocity[:, :3], velocity[:, 3:])
            self._until_push[due] = self._push_times(len(due))
        self._until_push -= 1

    def _push_times(self, n: int) -> Tensor:
        """Control steps to the next pushes of n envs, (n,); one at least, so that no episode begins with one."""
        return whole(self._env, 1, self._push_interval, n)[:, 0]

    def _odometry_schedule(self) -> Schedule | None:
        cfg, env = self._cfg, self._env
        if not isinstance(cfg, TrackingDomainRandCfg) or not cfg.randomize_odom_update_frequency:
            return None
        shortest, longest = cfg.odom_update_steps_min, cfg.odom_update_steps_max
        return Schedule(env.num_envs, shortest, longest, env.generator, env.device)

    def _lines(self) -> dict[str, DelayLine]:
        lines = {"targets": self._targets, "actions": self._actions}
        return {name: line for name, line in lines.items() if line is not None}

    def _rows_of_envs(self) -> list[dict[str, Any]]:
        labels: list[str] = []
        for one in self._start_up:
            labels += [f"{one.name}.{column}" if column else one.name for column in self._columns(one)]
        if not labels:
            return []
        values = torch.cat([self.draws[one.name] for one in self._start_up], dim=1).tolist()
        return [{"env": env} | dict(zip(labels, row, strict=True)) for env, row in enumerate(values)]

    def _columns(self, one: Randomization) -> Sequence[str]:
        robot = self._env.robot
        of = {"env": ("",), "axis": "xyz", "link": robot.body_names, "joint": robot.joint_names}
        return of[one.columns]

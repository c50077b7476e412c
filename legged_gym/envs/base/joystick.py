"""Driving by velocity a robot that was trained to follow clips: a target goes ahead of it, on a leash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from legged_gym.envs.base.joystick_config import BY_HAND, LEASH_M, LEASH_RAD, RAMP, check_drivable
from legged_gym.envs.base.robot_velocity_config import CommandsCfg
from legged_gym.envs.base.velocity_commands import VelocityCommands
from legged_gym.motion.kinematics import ModelIndex, forward_kinematics
from legged_gym.motion.reference_table import ReferenceFrame
from legged_gym.utils import math

if TYPE_CHECKING:
    from legged_gym.envs.base.robot_deepmimic import RobotDeepMimic


class Joystick:
    """The targets of the first D robots of an env.

    A target is a robot that stands upright in the default pose; it moves in the frame of its own heading, over the
    ground, at a velocity that follows the commanded one by a ramp. It stands in for the reference wherever one is asked
    for.
    """

    def __init__(
        self,
        env: RobotDeepMimic,
        cfg: CommandsCfg = BY_HAND,
        number: int | None = None,
        training: bool = False,
    ) -> None:
        """Nobody is asked for anything; :meth:`RobotDeepMimic.drive_by` puts the targets in their places.

        Args:
            env: Whose robots are to be driven.
            cfg: How commands are drawn. With :data:`joystick_config.BY_HAND` they stay as ``commands.set`` leaves them.
            number: D, how many of them; None: all.
            training: Episodes begin with a new command and end in time; else they last until the robot falls.

        Raises:
            ConfigError: The policy of this env sees, or its actions are about, what only a clip has.
        """
        check_drivable(env.cfg)
        self._env = env
        self.number = env.num_envs if number is None else number
        """D."""
        self.training = training
        self.commands = VelocityCommands(cfg, self.number, env.step_dt, env.generator)
        """Forwards and left, m/s, and turning left, rad/s."""
        self.pose = torch.zeros(self.number, 3, device=env.device)
        """(D, 3) x, y (m, world) and heading (rad) of the targets' anchors."""
        self.velocity = torch.zeros(self.number, 3, device=env.device)
        """(D, 3) what they move at, as the commands are said."""
        self._standing = _standing(env)
        self._target = ReferenceFrame(self._standing.repeat(self.number, 1), env.data.table.slots)
        self._falls, self._steps = torch.zeros((), device=env.device), 0

    def move_on(self) -> None:
        """A control step has passed: targets go on, and robots pull them along where the leash is tight."""
        self.velocity = ramped(self.velocity, self.commands.value, self._env.step_dt)
        self.pose = leashed(moved(self.pose, self.velocity, self._env.step_dt), self._robots())
        self.commands.move_on()
        self._steps += 1
        self._place()

    def restart(self, env_ids: Tensor) -> None:
        """The targets of those envs (n,) that are driven are where the robots are, and stand."""
        ids = env_ids[env_ids < self.number]
        if not len(ids):
            return
        self.pose[ids], self.velocity[ids] = self._robots()[ids], 0.0
        if self.training:
            self.commands.draw(ids)
        self._place()

    def stand_in(self, reference: ReferenceFrame) -> None:
        """Put the targets as they are now in the places of the driven robots' references (N, ...) or (N, K, ...)."""
        for name in self._env.data.table.slots:
            value, target = getattr(reference, name), getattr(self._target, name)
            own = value[: self.number]
            own.copy_(target if own.dim() == target.dim() else target.unsqueeze(1))

    def off_ground(self) -> Tensor:
        """Who has walked off its clip's ground, (D,) bool."""
        env, driven = self._env, slice(self.number)
        return env.terrain.left(env.tile[driven], env.sim.root_pos_w[driven, :2])

    def note_falls(self, failed: Tensor) -> None:
        """Count those of the envs (N,) that failed in this step."""
        self._falls += failed[: self.number].sum()

    def iteration_log(self) -> dict[str, float]:
        """Falls per minute of a robot since the last call."""
        minutes = self._steps * self._env.step_dt * self.number / 60.0
        log = {"Joystick/falls_per_minute": self._falls.item() / minutes} if minutes else {}
        self._falls.zero_()
        self._steps = 0
        return log

    def state_dict(self) -> dict[str, Tensor]:
        """Everything needed to go on bit for bit."""
        commands = self.commands
        state = {"pose": self.pose, "velocity": self.velocity, "command": commands.value, "age": commands.age}
        return {name: value.clone() for name, value in state.items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore what ``state_dict`` returned."""
        self.pose.copy_(state["pose"])
        self.velocity.copy_(state["velocity"])
        self.commands.value.copy_(state["command"])
        self.commands.age.copy_(state["age"])
        self._place()

    def _robots(self) -> Tensor:
        """x, y and heading of the driven robots' anchors, (D, 3)."""
        sim, anchor, driven = self._env.sim, self._env.anchor, slice(self.number)
        heading = math.yaw_of(sim.body_quat_wxyz[driven, anchor]).unsqueeze(-1)
        return torch.cat((sim.body_pos_w[driven, anchor, :2], heading), dim=-1)

    def _place(self) -> None:
        """Put the standing robots where the targets are."""
        env, pose, speed = self._env, self.pose, self.velocity
        rows = self._standing.repeat(self.number, 1)
        self._target = target = ReferenceFrame(rows, env.data.table.slots)  # views: filled in place
        ground = env.terrain.heights(env.tile[: self.number], pose[:, None, :2])  # (D, 1)
        place = torch.cat((pose[:, :2], ground), dim=-1)
        turn = torch.zeros(len(pose), 4, device=pose.device)
        turn[:, 0], turn[:, 3] = torch.cos(0.5 * pose[:, 2]), torch.sin(0.5 * pose[:, 2])
        forwards_left = torch.cat((speed[:, :2], torch.zeros_like(ground)), dim=-1)
        velocity = math.quat_rotate(turn, forwards_left)
        turning = torch.cat((torch.zeros_like(velocity[:, :2]), speed[:, 2:]), dim=-1)
        of_bodies = turn.unsqueeze(1).expand_as(target.body_quat_wxyz)
        arms = math.quat_rotate(of_bodies, target.body_pos_w)  # from below the anchor to the bodies
        root_arm = math.quat_rotate(turn, target.root_pos_w)
        target.root_pos_w.copy_(place + root_arm)
        target.root_quat_wxyz.copy_(math.quat_mul(turn, target.root_quat_wxyz))
        target.root_lin_vel_w.copy_(velocity + torch.linalg.cross(turning, root_arm))
        target.root_ang_vel_w.copy_(turning)
        target.body_pos_w.copy_(place.unsqueeze(1) + arms)
        target.body_quat_wxyz.copy_(math.quat_mul(of_bodies, target.body_quat_wxyz))
        turning = turning.unsqueeze(1).expand_as(arms)
        target.body_lin_vel_w.copy_(velocity.unsqueeze(1) + torch.linalg.cross(turning, arms))
        target.body_ang_vel_w.copy_(turning)


def ramped(velocity: Tensor, goal: Tensor, dt: float) -> Tensor:
    """Velocities (N, 3) after ``dt`` s on their way to their goals (N, 3)."""
    most = goal.new_tensor(RAMP) * dt
    return velocity + torch.clamp(goal - velocity, -most, most)


def moved(pose: Tensor, velocity: Tensor, dt: float) -> Tensor:
    """Poses (N, 3) after moving at velocities (N, 3), along the heading that they have halfway through ``dt`` s."""
    way = velocity * dt
    return _ahead(pose, way, pose[:, 2] + 0.5 * way[:, 2])


def leashed(pose: Tensor, robots: Tensor) -> Tensor:
    """Poses (N, 3), pulled to where the leash from the robots' (N, 3) reaches; headings within pi of the robots'."""
    away = pose - robots
    cos, sin = torch.cos(robots[:, 2]), torch.sin(robots[:, 2])
    seen = torch.stack(
        (
            (cos * away[:, 0] + sin * away[:, 1]).clamp(-LEASH_M, LEASH_M),
            (cos * away[:, 1] - sin * away[:, 0]).clamp(-LEASH_M, LEASH_M),
            math.wrap_to_pi(away[:, 2]).clamp(-LEASH_RAD, LEASH_RAD),
        ),
        dim=-1,
    )
    return _ahead(robots, seen, robots[:, 2])


def _ahead(pose: Tensor, way: Tensor, heading: Tensor) -> Tensor:
    cos, sin = torch.cos(heading), torch.sin(heading)
    step = (cos * way[:, 0] - sin * way[:, 1], sin * way[:, 0] + cos * way[:, 1], way[:, 2])
    return pose + torch.stack(step, dim=-1)


def _standing(env: RobotDeepMimic) -> Tensor:
    """The reference of a robot in the default pose with its anchor above the origin, a row of the table (1, D)."""
    robot = env.robot
    model = robot.compile(ground=False, visuals=False)
    index = ModelIndex(model, robot.joint_names)
    root_pos = np.array([[0.0, 0.0, robot.default_root_height]])
    qpos = index.qpos(root_pos, np.array([[1.0, 0.0, 0.0, 0.0]]), robot.default_dof_pos[None])
    bodies = forward_kinematics(model, tuple(env.sim.body_names), qpos, np.zeros((1, model.nv)))
    away = bodies.pos_w[0, env.anchor] * np.array([1.0, 1.0, 0.0])
    slots = env.data.table.slots
    row = torch.zeros(1, env.data.table.rows.shape[1])
    state = ReferenceFrame(row, slots)
    state.dof_pos.copy_(torch.from_numpy(robot.default_dof_pos))
    state.root_pos_w.copy_(torch.from_numpy(root_pos - away))
    state.root_quat_wxyz[..., 0] = 1.0
    state.body_pos_w.copy_(torch.from_numpy(bodies.pos_w - away))
    state.body_quat_wxyz.copy_(torch.from_numpy(bodies.quat_wxyz))
    state.contacts.fill_(1.0)
    return row.to(env.device)

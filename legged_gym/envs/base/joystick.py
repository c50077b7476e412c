"""Driving by velocity a robot that was trained to follow clips: a target goes ahead of it, on a leash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from legged_gym.envs.base.joystick_config import BY_HAND, LEASH_M, LEASH_RAD, check_drivable
from legged_gym.envs.base.robot_velocity_config import CommandsCfg
from legged_gym.envs.base.velocity_commands import VelocityCommands
from legged_gym.motion.kinematics import ModelIndex, forward_kinematics
from legged_gym.motion.reference_table import ReferenceFrame
from legged_gym.utils import math

if TYPE_CHECKING:
    from legged_gym.envs.base.robot_deepmimic import RobotDeepMimic


class Joystick:
    """The targets of N robots.

    A target is a robot that stands upright in the default pose; it moves at the commanded velocity in the frame of its
    own heading, over the ground. It stands in for the reference wherever one is asked for.
    """

    def __init__(self, env: RobotDeepMimic, cfg: CommandsCfg = BY_HAND) -> None:
        """Nobody is asked for anything; :meth:`RobotDeepMimic.drive_by` puts the targets in their places.

        Args:
            env: Whose robots are to be driven.
            cfg: How commands are drawn. With :data:`joystick_config.BY_HAND` they stay as ``commands.set`` leaves them.

        Raises:
            ConfigError: The policy of this env sees, or its actions are about, what only a clip has.
        """
        check_drivable(env.cfg)
        self._env = env
        self.commands = VelocityCommands(cfg, env.num_envs, env.step_dt, env.generator)
        """Forwards and left, m/s, and turning left, rad/s."""
        self.pose = torch.zeros(env.num_envs, 3, device=env.device)
        """(N, 3) x, y (m, world) and heading (rad) of the targets' anchors."""
        self._standing = _standing(env)
        self._rows = self._standing.repeat(env.num_envs, 1)

    def move_on(self) -> None:
        """A control step has passed: targets go on, and robots pull them along where the leash is tight."""
        env, command = self._env, self.commands.value
        self.pose = leashed(moved(self.pose, command, env.step_dt), self._robots())
        self.commands.move_on()
        self._place()

    def restart(self, env_ids: Tensor) -> None:
        """The targets of envs (n,) are where the robots are."""
        self.pose[env_ids] = self._robots()[env_ids]
        self._place()

    def reference(self, frames: Tensor) -> ReferenceFrame:
        """What stands in for the reference at frames (N,) or (N, K): the target as it is now."""
        rows = self._rows.clone()
        if frames.dim() > 1:
            rows = rows.unsqueeze(1).expand(-1, frames.shape[1], -1)
        return ReferenceFrame(rows, self._env.data.table.slots)

    def _robots(self) -> Tensor:
        """x, y and heading of the robots' anchors, (N, 3)."""
        sim, anchor = self._env.sim, self._env.anchor
        heading = math.yaw_of(sim.body_quat_wxyz[:, anchor]).unsqueeze(-1)
        return torch.cat((sim.body_pos_w[:, anchor, :2], heading), dim=-1)

    def _place(self) -> None:
        """Put the standing robots where the targets are."""
        env, pose, command = self._env, self.pose, self.commands.value
        self._rows = self._standing.repeat(env.num_envs, 1)
        target = ReferenceFrame(self._rows, env.data.table.slots)  # views: filled in place
        ground = env.terrain.heights(env.tile, pose[:, None, :2])  # (N, 1)
        place = torch.cat((pose[:, :2], ground), dim=-1)
        turn = torch.zeros(len(pose), 4, device=pose.device)
        turn[:, 0], turn[:, 3] = torch.cos(0.5 * pose[:, 2]), torch.sin(0.5 * pose[:, 2])
        forwards_left = torch.cat((command[:, :2], torch.zeros_like(ground)), dim=-1)
        velocity = math.quat_rotate(turn, forwards_left)
        turning = torch.cat((torch.zeros_like(velocity[:, :2]), command[:, 2:]), dim=-1)
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

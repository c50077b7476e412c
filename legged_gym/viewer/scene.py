"""All that is seen of a session: robots, ghosts, ground and marks, and the frame that follows a robot."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import numpy as np
import torch

from legged_gym.sim.robot_model import Robot
from legged_gym.utils.math import yaw_of
from legged_gym.viewer.body_shapes import RobotShapes
from legged_gym.viewer.figures import Figures
from legged_gym.viewer.ground import Ground
from legged_gym.viewer.marks import Marks
from legged_gym.viewer.session import Session

if TYPE_CHECKING:
    import viser

WORLD = "/world"
FOLLOW_S = 0.2
"""Time constant with which the view follows the robot: it neither sways nor lags much."""
JUMP_M = 1.0
"""A robot further away than it could have run meanwhile was put there, and the view is there at once."""
SIDE_M = 1.2
"""Robots on flat ground stand so far from each other."""
FRONT_CAMERA, LOOK_AT = (1.7, -1.7, 0.5), (0.0, 0.0, -0.08)
"""Where a new page looks from and at, relative to the root of the robot and its heading at first, m."""


class Scene:
    """Draws a session. The world moves under the camera when it follows, so that people can turn it all the while."""

    def __init__(self, server: viser.ViserServer, session: Session, robot: Robot) -> None:
        """Build the scene.

        Args:
            server: The page.
            session: What is to be seen.
            robot: What its robots look like.
        """
        self._server, self._session = server, session
        self.shapes = RobotShapes(robot)
        self.follow = True
        """Whether the view goes along with the robot that is looked at."""
        self.show_robot = self.show_ghost = self.show_ground = True
        self.spacing = SIDE_M if session.env.terrain.is_flat else 0.0
        """Distance between robots that are side by side, m; on ground that is not flat each has a copy of it."""
        self._centre: np.ndarray | None = None
        self._moved = 0.0
        server.scene.configure_default_lights(enabled=True, cast_shadow=True)
        server.scene.world_axes.visible = False
        heading = float(yaw_of(session.env.sim.root_quat_wxyz[session.selected]))
        x, y, z = FRONT_CAMERA
        cos, sin = math.cos(heading), math.sin(heading)
        self._front = cos * x - sin * y, sin * x + cos * y, z
        server.initial_camera.position, server.initial_camera.look_at = self._front, LOOK_AT
        self._build()

    def face(self, client: viser.ClientHandle) -> None:
        """Put a page's camera where that of new pages is."""
        with client.atomic():
            client.camera.position, client.camera.look_at = self._front, LOOK_AT

    def update(self) -> None:
        """Draw the present state."""
        if self._built != self._session.built:
            self._rebuild()
        session, env = self._session, self._session.env
        shown, shifts = session.selected, self.shifts()
        with self._server.atomic():
            states = _states(env.sim.root_pos_w, env.sim.root_quat_wxyz, env.sim.dof_pos)
            self._move_world(states[shown, :3] + shifts[shown])
            self.robots.visible = self.show_robot
            if self.show_robot:
                self.robots.show(states, shifts)
            if self.ghosts is not None:
                self.ghosts.visible = self.show_ghost and not session.kinematic
                if self.ghosts.visible:
                    ref = env.reference
                    wanted = _states(ref.root_pos_w, ref.root_quat_wxyz, ref.dof_pos)
                    self.ghosts.show(wanted, shifts)
            self.ground.visible = self.show_ground
            tiles = env.tile.tolist()
            places = [(tile, tuple(shift)) for tile, shift in zip(tiles, shifts.tolist(), strict=True)]
            self.ground.look_at(states[shown, :3] + shifts[shown], places)
            self.marks.show(shown, shifts[shown])

    def shifts(self) -> np.ndarray:
        """(n, 3) how far each robot is shown beside its place, m: those on the same spot stand in a row."""
        count = self._session.env.num_envs
        beside = np.zeros((count, 3))
        beside[:, 1] = self.spacing * np.arange(count)
        return beside

    def stand_apart(self) -> None:
        """Robots on ground that is not flat stand on copies of it, side by side."""
        if self.spacing == 0.0:
            self.spacing = self.ground.width(int(self._session.env.tile[self._session.selected]))

    def jump(self) -> None:
        """The view goes to the robot at once: another one is looked at, or it has been put elsewhere."""
        self._centre = None
        self.marks.clear_trail()

    # ------------------------------------------------------------------ inside

    def _build(self) -> None:
        scene, session = self._server.scene, self._session
        env = session.env
        self._built = session.built
        self._world = scene.add_frame(WORLD, show_axes=False)
        self.robots = Figures(scene, f"{WORLD}/robots", self.shapes, env.num_envs)
        self.ghosts = (
            Figures(scene, f"{WORLD}/ghosts", self.shapes, env.num_envs, ghost=True)
            if env.follows_reference
            else None
        )
        self.ground = Ground(scene, f"{WORLD}/ground", env)
        self.marks = Marks(scene, f"{WORLD}/marks", env)
        self._centre = None

    def _rebuild(self) -> None:
        shown, scale = self.marks.shown, self.marks.force_scale
        self._world.remove()
        self._build()
        self.marks.shown, self.marks.force_scale = shown, scale

    def _move_world(self, root_w: np.ndarray) -> None:
        """Bring the robot that is followed under the camera."""
        now = time.perf_counter()
        if self._centre is None or (self.follow and np.linalg.norm(root_w - self._centre) > JUMP_M):
            self._centre = root_w.copy()
        elif self.follow:
            share = 1.0 - math.exp(-(now - self._moved) / FOLLOW_S)
            self._centre += share * (root_w - self._centre)
        else:
            return
        self._moved = now
        self._world.position = tuple(-self._centre)


def _states(root_pos: torch.Tensor, root_quat: torch.Tensor, dof_pos: torch.Tensor) -> np.ndarray:
    """(n, 7 + J) states, as figures take them."""
    return torch.cat((root_pos, root_quat, dof_pos), dim=-1).double().cpu().numpy()

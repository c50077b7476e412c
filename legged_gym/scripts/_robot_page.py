"""A page that shows a robot on the bus as it says it is; it listens and sends nothing."""

from __future__ import annotations

import math
import time

import numpy as np

from legged_gym.deploy.bus import Bus, RawReader
from legged_gym.deploy.dds import STATE_TOPIC
from legged_gym.deploy.messages import crc_is_right, decode_state, state_struct
from legged_gym.deploy.rotations import quat, tilt_of
from legged_gym.deploy.surroundings import HeightMap, Surroundings
from legged_gym.deploy.surroundings_dds import open_receiver
from legged_gym.deploy.transport import LowState
from legged_gym.envs.base.viser_config import PageCfg
from legged_gym.sim.robot_model import build_robot
from legged_gym.sim.sim_config import ActuatorCfg, AssetCfg
from legged_gym.viewer.body_shapes import RobotShapes
from legged_gym.viewer.figures import Figures
from legged_gym.viewer.server import open_server

PERIOD_S = 0.04
_SILENT_S = 0.5
_POINT_M, _POINT_RGB = 0.03, (120, 120, 120)


class RobotPage:
    """The page of one robot."""

    def __init__(self, robot: str, interface: str, domain: int, odometry: str | None, page: PageCfg) -> None:
        """Join the bus and open the page.

        Raises:
            LeggedGymError: The bus cannot be joined, an address is none, or viser is missing.
        """
        bus = Bus(interface, domain)
        from legged_gym.deploy import idl

        self._states = RawReader(bus, STATE_TOPIC, idl.LowStateMessage)
        self._around = Surroundings() if odometry is None else open_receiver(odometry, interface, domain)
        model = build_robot(AssetCfg(robot, locked_joints=[]), ActuatorCfg())
        self._joints, self._height = len(model.joint_names), model.default_root_height
        self.server = open_server(page.host, page.port, "Robot", page.share)
        self.server.scene.add_grid("/ground", width=20.0, height=20.0, plane="xy")
        self._figures = Figures(self.server.scene, "/robot", RobotShapes(model), 1)
        self._words = self.server.gui.add_markdown("nothing is heard yet")
        self._latest: LowState | None = None

    def update(self) -> None:
        """Take in what has arrived and show it."""
        now = time.monotonic()
        for cdr in self._states.take():
            struct = state_struct(cdr)
            if struct is not None and crc_is_right(struct):
                self._latest = decode_state(struct, now)
        self._around.poll()
        low, place = self._latest, self._around.odometry
        if low is None:
            return
        root = (0.0, 0.0, self._height) if place is None else place.root_pos_w
        turned = low.quat_wxyz if place is None else place.root_quat_wxyz
        state = np.concatenate((root, turned, low.q[: self._joints]))
        with self.server.atomic():
            self._figures.show(state[None], np.zeros((1, 3)))
            self._show_ground(self._around.height_map)
        self._words.content = words(low, now)

    def close(self) -> None:
        """End the page."""
        self._around.close()
        self.server.stop()

    def _show_ground(self, ground: HeightMap | None) -> None:
        if ground is not None:
            self.server.scene.add_point_cloud(
                "/map", points_w(ground).astype(np.float32), _POINT_RGB, point_size=_POINT_M
            )


def points_w(ground: HeightMap) -> np.ndarray:
    """The known points of a height map in its world, (P, 3) m."""
    rows, columns = ground.heights.shape
    x = ground.cell * (np.arange(columns) - 0.5 * (columns - 1))
    y = ground.cell * (np.arange(rows) - 0.5 * (rows - 1))
    ahead, left = np.meshgrid(x, y)  # (ny, nx), as the heights
    cos, sin = math.cos(ground.body_yaw), math.sin(ground.body_yaw)
    offsets = np.stack((cos * ahead - sin * left, sin * ahead + cos * left, ground.heights), axis=-1)
    points = (ground.body_pos_w + offsets).reshape(-1, 3)
    return points[np.isfinite(points).all(axis=1)]


def words(low: LowState, now: float) -> str:
    """What cannot be seen of a robot, as Markdown."""
    age = now - low.received
    lines = [
        f"silent for {age:.1f} s" if age > _SILENT_S else "heard",
        f"mode_machine {low.mode_machine}",
        f"tilt {tilt_of(quat(low.quat_wxyz)):.2f} rad",
        f"hottest {low.temperature.max()} °C",
        f"fastest joint {np.abs(low.dq).max():.1f} rad/s",
        f"motors with errors {np.count_nonzero(low.motor_error)}",
    ]
    return "\n".join(f"- {line}" for line in lines)

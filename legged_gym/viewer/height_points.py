"""The ground under the points of a robot's height scan: as it is, and as the robot sees it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.sensors.geometry import grid_points
from legged_gym.utils.math import yaw_of

SCANS = ("terrain_height_noisy", "terrain_height")
"""Height scans that a policy may see, the one to show first."""


class HeightPoints:
    """Points of the scan that the task's policy sees; where it sees none, those it could."""

    def __init__(self, env: LeggedRobot) -> None:
        """Find the scan; a robot without one costs nothing until it is asked for points."""
        self._env = env
        seen = [name for name in SCANS if name in env.sensors.names]
        self._sensor = seen[0] if seen else None
        cfg = getattr(env.cfg.sensors, self._sensor or SCANS[0])
        self._grid = grid_points(cfg.size, cfg.resolution, env.device).reshape(-1, 2)  # (P, 2)
        known = cfg.body_name in env.sim.body_names
        self._body = env.sim.body_index(cfg.body_name) if known else None

    def points(self, env_id: int) -> tuple[np.ndarray, np.ndarray | None]:
        """(P, 3) the ground at the scan's points, and where a blind robot's scan says it is; world, m.

        The second is None for robots that see nothing. It is drawn from where the robot is now, even if the scan is
        late.
        """
        env = self._env
        pos, quat = self._pose(env_id)
        yaw = yaw_of(quat)
        turn = torch.stack((torch.cos(yaw), -torch.sin(yaw), torch.sin(yaw), torch.cos(yaw))).view(2, 2)
        xy = pos[:2] + self._grid @ turn.T
        height = env.terrain.heights(env.tile[env_id : env_id + 1], xy.unsqueeze(0))[0]
        true = torch.cat((xy, height.unsqueeze(-1)), dim=-1).cpu().numpy()
        if self._sensor is None:
            return true, None
        distance = env.sensors.value(self._sensor)[env_id].reshape(-1, 1)
        return true, torch.cat((xy, pos[2] - distance), dim=-1).cpu().numpy()

    def _pose(self, env_id: int) -> tuple[Tensor, Tensor]:
        sim = self._env.sim
        if self._body is None:
            return sim.root_pos_w[env_id], sim.root_quat_wxyz[env_id]
        return sim.body_pos_w[env_id, self._body], sim.body_quat_wxyz[env_id, self._body]

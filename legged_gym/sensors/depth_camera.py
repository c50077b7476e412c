"""Depth camera: a pinhole image of the ground from a camera that a body carries."""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym.sensors.geometry import RayCaster, limit_distance_, quat_from_rpy, rotation_matrix
from legged_gym.sensors.sensor_config import DepthCameraCfg
from legged_gym.sensors.timing import PoseDelay, Schedule
from legged_gym.utils.math import quat_mul, quat_rotate, yaw_quat


class DepthCamera:
    """One image per env, kept until the next is due. ``update`` once per control step, ``reset`` where episodes begin.

    The camera's own frame has x forward, y left, z up; rows of the image run down, columns to the right.
    """

    value: Tensor
    """(N, height, width), thinned: depth along the optical axis, m in 0 .. max_distance; 0 = no reading."""

    def __init__(
        self,
        cfg: DepthCameraCfg,
        num_envs: int,
        step_dt: float,
        cast_rays: RayCaster,
        generator: torch.Generator,
        device: str = "cpu",
    ) -> None:
        """Lay out the rays; every pixel reads max_distance until the first reset.

        Args:
            cfg: The camera; it has passed its ``check``.
            num_envs: Number of envs N.
            step_dt: Control period, s.
            cast_rays: Distance to the ground along rays.
            generator: Source of every random draw.
            device: Device of all tensors.
        """
        self._cfg, self._cast_rays, self._generator = cfg, cast_rays, generator
        self.shape = (cfg.height // cfg.downsample_factor, cfg.width // cfg.downsample_factor)
        """(rows, columns) of the thinned image."""
        rays = _pixel_rays(cfg, self.shape, device)  # (R, 3), x = 1
        length = rays.norm(dim=-1)
        self._rays, self._depth_per_length = rays / length.unsqueeze(-1), 1.0 / length
        self._longest_ray = cfg.max_distance * float(length.max())
        self._mount_pos = torch.tensor(cfg.mount_pos, device=device)
        self._mount_quat = quat_from_rpy(torch.tensor(cfg.mount_rpy, device=device))
        self.value = torch.full((num_envs, *self.shape), cfg.max_distance, device=device)
        self._delay = PoseDelay(num_envs, cfg.max_delay, generator, device)
        period = max(1.0, 1.0 / (cfg.rate * step_dt))
        self._schedule = Schedule(num_envs, period, period, generator, device)

    def reset(self, env_ids: Tensor, body_pos_w: Tensor, body_quat_wxyz: Tensor) -> None:
        """Begin episodes in envs (n,) from body poses (n, 3), (n, 4): draw delay and phase and take an image."""
        self._delay.restart(env_ids, body_pos_w, body_quat_wxyz)
        self._schedule.restart(env_ids)
        self._take(env_ids, body_pos_w, body_quat_wxyz)

    def update(self, body_pos_w: Tensor, body_quat_wxyz: Tensor) -> None:
        """Pass to the next control step, with the body at (N, 3), (N, 4), and take the images that are due."""
        self._delay.push(body_pos_w, body_quat_wxyz)
        env_ids = self._schedule.tick()
        if len(env_ids):
            self._take(env_ids, *self._delay.poses(env_ids))

    def camera_pose(self, body_pos_w: Tensor, body_quat_wxyz: Tensor) -> tuple[Tensor, Tensor]:
        """Pose of the camera on a body: (n, 3), (n, 4) -> optical centre (n, 3) and orientation (n, 4) wxyz."""
        quat = yaw_quat(body_quat_wxyz) if self._cfg.only_heading else body_quat_wxyz
        centre = body_pos_w + quat_rotate(quat, self._mount_pos.expand_as(body_pos_w))
        return centre, quat_mul(quat, self._mount_quat.expand_as(quat))

    def state_dict(self) -> dict:
        """Everything needed to continue bit for bit, but for the generator."""
        return {
            "value": self.value.clone(),
            "delay": self._delay.state_dict(),
            "schedule": self._schedule.state_dict(),
        }

    def load_state_dict(self, state: dict) -> None:
        """Restore what ``state_dict`` returned."""
        self.value.copy_(state["value"])
        self._delay.load_state_dict(state["delay"])
        self._schedule.load_state_dict(state["schedule"])

    # ------------------------------------------------------------------ one image

    def _take(self, env_ids: Tensor, body_pos_w: Tensor, body_quat_wxyz: Tensor) -> None:
        centre, quat = self.camera_pose(body_pos_w, body_quat_wxyz)
        directions = self._rays @ rotation_matrix(quat).transpose(1, 2)  # (n, R, 3)
        origins = centre.unsqueeze(1).expand_as(directions)
        distance = self._cast_rays(env_ids, origins, directions, self._longest_ray)
        depth = limit_distance_(distance * self._depth_per_length, self._cfg.max_distance)
        self.value[env_ids] = self._with_noise(depth.unflatten(1, self.shape))

    def _with_noise(self, depth: Tensor) -> Tensor:
        """Stereo's noise and its failures at edges on images (n, rows, columns)."""
        cfg, true = self._cfg, depth
        if cfg.noise_scale:
            noise = torch.randn(depth.shape, generator=self._generator, device=depth.device)
            far = true >= cfg.max_distance  # nothing to be noisy about
            noisy = (true + cfg.noise_scale * true.square() * noise).clamp_(0.0, cfg.max_distance)
            depth = torch.where(far, true, noisy)
        if cfg.edge_dropout_prob:
            draw = torch.rand(depth.shape, generator=self._generator, device=depth.device)
            lost = depth_edges(true, cfg.edge_threshold) & (draw < cfg.edge_dropout_prob)
            depth = depth.masked_fill(lost, 0.0)
        return depth


def depth_edges(depth: Tensor, threshold: float) -> Tensor:
    """Pixels that differ by more than ``threshold`` from the one above, below, left or right. (n, h, w) -> bool."""
    edges = torch.zeros_like(depth, dtype=torch.bool)
    rows = (depth[:, 1:] - depth[:, :-1]).abs() > threshold
    columns = (depth[:, :, 1:] - depth[:, :, :-1]).abs() > threshold
    edges[:, 1:] |= rows
    edges[:, :-1] |= rows
    edges[:, :, 1:] |= columns
    edges[:, :, :-1] |= columns
    return edges


def _pixel_rays(cfg: DepthCameraCfg, shape: tuple[int, int], device: str) -> Tensor:
    """Points at depth 1 that the thinned image's pixels look at, camera frame, (R, 3), row by row."""
    fx, fy, cx, cy = cfg.intrinsics()
    rows, columns = ((torch.arange(n, device=device) + 0.5) * cfg.downsample_factor for n in shape)
    down, right = torch.meshgrid((rows - cy) / fy, (columns - cx) / fx, indexing="ij")
    return torch.stack((torch.ones_like(down), -right, -down), dim=-1).flatten(0, 1)

"""Configuration of the sensors. Plain dataclasses; no heavy import.

Every scale of noise is a standard deviation; "per episode" values are drawn anew at each reset.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Literal

from legged_gym.utils.errors import ConfigError


@dataclass
class SensorCfg:
    """What every sensor has."""

    enabled: bool = True
    """Whether the sensor exists; observation terms that read it need it."""
    max_distance: float = 5.0
    """Longest distance measured, m; what is further, or missing, reads this."""

    def check(self, name: str) -> None:
        """Refuse values that no sensor can have; ``name`` is the sensor's place in the configuration.

        Raises:
            ConfigError: Names the field, its value and what is right.
        """
        _require(0.0 < self.max_distance < math.inf, name, self, "max_distance", "a positive length in m")


@dataclass
class HeightfieldCfg(SensorCfg):
    """Distances from a body down to the ground, at the points of a horizontal grid around it."""

    body_name: str = "pelvis"
    """Body that carries the grid."""
    size: tuple[float, float] = (1.0, 1.0)
    """Length (forward) and width (sideways) of the grid, m; whole multiples of resolution, (0, 0) is a single ray."""
    resolution: float = 0.1
    """Distance between neighbouring points of the grid, m."""
    only_heading: bool = True
    """Turn the grid with the body's heading only and look straight down; False = it turns with the whole body."""
    use_float: bool = True
    """Full precision; False = rounded down to 1/255 of max_distance, as an 8-bit image has it."""
    white_noise_scale: float = 0.0
    """Noise of each point in each measurement, m."""
    offset_noise_scale: float = 0.0
    """Error common to all points, per episode, m."""
    roll_noise_scale: float = 0.0
    """Error of the sensor's roll, per episode, rad."""
    pitch_noise_scale: float = 0.0
    """Error of the sensor's pitch, per episode, rad."""
    yaw_noise_scale: float = 0.0
    """Error of the sensor's heading, per episode, rad."""
    bad_distance_prob: float = 0.0
    """Share of the points that read anything between 0 and twice the mean of the measurement."""
    max_delay: int = 0
    """Longest delay, control steps; drawn from 0 to this, both included, per episode."""
    update_frequency_min: int = 1
    """Fewest control steps from one measurement to the next; in between the last one stands."""
    update_frequency_max: int = 1
    """Most control steps from one measurement to the next; period and phase are drawn per episode."""

    def clean(self) -> HeightfieldCfg:
        """The same sensor free of noise, delay and waiting."""
        return replace(
            self, white_noise_scale=0.0, offset_noise_scale=0.0, roll_noise_scale=0.0, pitch_noise_scale=0.0,
            yaw_noise_scale=0.0, bad_distance_prob=0.0, max_delay=0, update_frequency_min=1, update_frequency_max=1,
        )  # fmt: skip

    def check(self, name: str) -> None:
        """See :meth:`SensorCfg.check`."""
        super().check(name)
        _require(0.0 < self.resolution < math.inf, name, self, "resolution", "a positive length in m")
        cells = [length / self.resolution for length in self.size]
        whole = all(cell >= 0.0 and abs(cell - round(cell)) < 1e-6 for cell in cells)
        _require(whole, name, self, "size", f"whole multiples of resolution = {self.resolution}")
        for kind in ("white", "offset", "roll", "pitch", "yaw"):
            scale = f"{kind}_noise_scale"
            _require(0.0 <= getattr(self, scale) < math.inf, name, self, scale, "0 or more")
        _require(0.0 <= self.bad_distance_prob <= 1.0, name, self, "bad_distance_prob", "between 0 and 1")
        _require(self.max_delay >= 0, name, self, "max_delay", "0 control steps or more")
        _require(self.update_frequency_min >= 1, name, self, "update_frequency_min", "1 control step or more")
        at_least = f"update_frequency_min = {self.update_frequency_min} or more"
        longer = self.update_frequency_max >= self.update_frequency_min
        _require(longer, name, self, "update_frequency_max", at_least)


@dataclass
class MultiLinkHeightCfg(SensorCfg):
    """Distance from each of some links straight down to the ground."""

    link_names: list[str] = field(default_factory=list)
    """Links measured, in this order; [] = the tracked bodies of the task."""
    use_float: bool = True
    """Full precision; False = rounded down to 1/255 of max_distance, as an 8-bit image has it."""


@dataclass
class DepthCameraCfg(SensorCfg):
    """A pinhole depth camera on a body, by default the Intel RealSense D435 in the G1's head."""

    enabled: bool = False
    """Whether the sensor exists. Images cost far more than height scans, so they are asked for."""
    max_distance: float = 3.0
    """Longest depth, m; what is further, or missing, reads this. Intel rates the D435 for 0.3 to 3 m."""
    body_name: str = "torso_link"
    """Body that carries the camera."""
    rays: Literal["heights", "engine"] = "heights"
    """What the rays meet: the raster of heights, or the engine's own geometry: exact, with overhangs, and dear."""
    mount_pos: tuple[float, float, float] = (0.0576235, 0.01753, 0.42987)
    """Optical centre in the body's frame, m. Default: d435_joint of Unitree's g1_29dof_rev_1_0 description."""
    mount_rpy: tuple[float, float, float] = (0.0, 0.8307767239493009, 0.0)
    """Roll, pitch, yaw of the camera (x forward, z up) in the body's frame, rad. Default as above: 47.6 deg down."""
    only_heading: bool = False
    """Turn the camera with the body's heading only, as a gimbal would; False = it turns with the whole body."""
    width: int = 320
    """Columns of the full image."""
    height: int = 240
    """Rows of the full image."""
    downsample_factor: int = 8
    """Rows and columns are thinned by this: one ray through the middle of each block of pixels."""
    intrinsic_matrix: list[list[float]] | None = None
    """3x3 matrix of the full image, pixels; None = fx = fy = 0.6 width and the image centre, the D435's at 640x480."""
    rate: float = 10.0
    """Images per second, the phase drawn per episode; at most one per control step. In between the last one stands."""
    max_delay: int = 0
    """Longest delay, control steps; drawn from 0 to this, both included, per episode."""
    noise_scale: float = 0.0
    """Noise of each pixel at 1 m, m; it grows with depth squared as stereo's does. The D435 has about 0.004."""
    edge_dropout_prob: float = 0.0
    """Share of the pixels on depth edges that read 0, which is what the D435 reports where stereo finds no match."""
    edge_threshold: float = 0.1
    """Depth difference to a neighbouring pixel, up, down, left or right, that makes an edge, m."""

    def clean(self) -> DepthCameraCfg:
        """The same camera free of noise and delay, at the same rate."""
        return replace(self, noise_scale=0.0, edge_dropout_prob=0.0, max_delay=0)

    def check(self, name: str) -> None:
        """See :meth:`SensorCfg.check`."""
        super().check(name)
        factor = self.downsample_factor
        _require(factor >= 1, name, self, "downsample_factor", "1 or more")
        for side in ("width", "height"):
            pixels = getattr(self, side)
            whole = pixels >= 1 and pixels % factor == 0
            _require(whole, name, self, side, f"a positive multiple of downsample_factor = {factor}")
        _require(self._pinhole(), name, self, "intrinsic_matrix", "[[fx, 0, cx], [0, fy, cy], [0, 0, 1]]")
        _require(0.0 < self.rate < math.inf, name, self, "rate", "a positive number of images per second")
        _require(self.max_delay >= 0, name, self, "max_delay", "0 control steps or more")
        _require(0.0 <= self.noise_scale < math.inf, name, self, "noise_scale", "0 or more")
        _require(0.0 <= self.edge_dropout_prob <= 1.0, name, self, "edge_dropout_prob", "between 0 and 1")
        _require(self.edge_threshold > 0.0, name, self, "edge_threshold", "a positive length in m")

    def intrinsics(self) -> tuple[float, float, float, float]:
        """fx, fy, cx, cy of the full image, pixels; the middle of the first pixel is at 0.5."""
        if self.intrinsic_matrix is None:
            return 0.6 * self.width, 0.6 * self.width, 0.5 * self.width, 0.5 * self.height
        (fx, _, cx), (_, fy, cy), _ = self.intrinsic_matrix
        return fx, fy, cx, cy

    def _pinhole(self) -> bool:
        matrix = self.intrinsic_matrix
        if matrix is None:
            return True
        if [len(row) for row in matrix] != [3, 3, 3]:
            return False
        (fx, skew, _), (zero, fy, _), last = matrix
        return fx > 0.0 and fy > 0.0 and skew == zero == 0.0 and list(last) == [0.0, 0.0, 1.0]


def _torso_scan() -> HeightfieldCfg:
    return HeightfieldCfg(body_name="torso_link")


def _noisy_torso_scan() -> HeightfieldCfg:
    return HeightfieldCfg(
        body_name="torso_link", white_noise_scale=0.02, offset_noise_scale=0.02, roll_noise_scale=0.04,
        pitch_noise_scale=0.04, yaw_noise_scale=0.08, bad_distance_prob=0.01, max_delay=2, update_frequency_max=4,
    )  # fmt: skip


def _root_ray() -> HeightfieldCfg:
    return HeightfieldCfg(size=(0.0, 0.0))


@dataclass
class SensorsCfg:
    """The sensors of a robot; the defaults, but for the camera, are the original VideoMimic's."""

    terrain_height: HeightfieldCfg = field(default_factory=_torso_scan)
    """Ground around the torso, without noise."""
    terrain_height_noisy: HeightfieldCfg = field(default_factory=_noisy_torso_scan)
    """Ground around the torso as a real elevation map has it."""
    root_height: HeightfieldCfg = field(default_factory=_root_ray)
    """Ground below the pelvis."""
    link_heights: MultiLinkHeightCfg = field(default_factory=MultiLinkHeightCfg)
    """Ground below every tracked link."""
    depth: DepthCameraCfg = field(default_factory=DepthCameraCfg)
    """Depth image of the head camera."""

    def check(self) -> None:
        """Refuse values that no sensor can have.

        Raises:
            ConfigError: Names the field, its value and what is right.
        """
        for name, cfg in vars(self).items():
            cfg.check(f"sensors.{name}")


def _require(fine: bool, name: str, cfg: SensorCfg, field_name: str, right: str) -> None:
    if not fine:
        value = getattr(cfg, field_name)
        raise ConfigError(f"{name}.{field_name} is {value}; it must be {right}")

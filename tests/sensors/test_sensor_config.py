"""What the sensors' configuration refuses, and that the camera is where the robot has it."""

from __future__ import annotations

from dataclasses import replace

import mujoco
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from legged_gym.sensors.sensor_config import DepthCameraCfg, HeightfieldCfg, MultiLinkHeightCfg, SensorsCfg
from legged_gym.utils.config import from_yaml, to_yaml
from legged_gym.utils.errors import ConfigError
from legged_gym.utils.paths import resources_dir


def test_the_defaults_are_fine_and_are_the_originals():
    cfg = SensorsCfg()
    cfg.check()
    assert not cfg.depth.enabled
    noisy = cfg.terrain_height_noisy
    assert noisy.clean() == cfg.terrain_height
    # The original's upper bounds, max_delay 3 and update_frequency_max 5, are exclusive.
    assert (noisy.max_delay, noisy.update_frequency_min, noisy.update_frequency_max) == (2, 1, 4)


def test_the_configuration_survives_yaml():
    cfg = SensorsCfg()
    cfg.depth.intrinsic_matrix = [[300.0, 0.0, 160.0], [0.0, 300.0, 120.0], [0.0, 0.0, 1.0]]
    cfg.terrain_height.size = (2.0, 0.4)
    assert from_yaml(to_yaml(cfg), SensorsCfg()) == cfg


@pytest.mark.parametrize(
    ("cfg", "change", "message"),
    [
        (HeightfieldCfg, {"max_distance": float("inf")}, "max_distance is inf; it must be a positive length"),
        (HeightfieldCfg, {"resolution": 0.0}, "resolution is 0.0"),
        (HeightfieldCfg, {"size": (1.0, 0.25)}, r"size is \(1.0, 0.25\); .* multiples of resolution = 0.1"),
        (HeightfieldCfg, {"yaw_noise_scale": -0.1}, "yaw_noise_scale is -0.1; it must be 0 or more"),
        (HeightfieldCfg, {"bad_distance_prob": 1.5}, "bad_distance_prob is 1.5"),
        (HeightfieldCfg, {"max_delay": -1}, "max_delay is -1"),
        (HeightfieldCfg, {"update_frequency_min": 0}, "update_frequency_min is 0"),
        (HeightfieldCfg, {"update_frequency_min": 3}, "update_frequency_max is 1; .* = 3 or more"),
        (MultiLinkHeightCfg, {"max_distance": 0.0}, "max_distance is 0.0"),
        (DepthCameraCfg, {"downsample_factor": 0}, "downsample_factor is 0"),
        (DepthCameraCfg, {"width": 100}, "width is 100; it must be a positive multiple of downsample_factor"),
        (DepthCameraCfg, {"intrinsic_matrix": [[1.0, 0.0, 1.0]]}, r"intrinsic_matrix is .*\[\[fx, 0, cx\]"),
        (DepthCameraCfg, {"rate": 0.0}, "rate is 0.0"),
        (DepthCameraCfg, {"noise_scale": -1.0}, "noise_scale is -1.0"),
        (DepthCameraCfg, {"edge_dropout_prob": 2.0}, "edge_dropout_prob is 2.0"),
        (DepthCameraCfg, {"edge_threshold": 0.0}, "edge_threshold is 0.0"),
    ],
)  # fmt: skip
def test_values_that_no_sensor_can_have_are_named(cfg, change, message):
    with pytest.raises(ConfigError, match=f"sensors.eye.{message}"):
        replace(cfg(), **change).check("sensors.eye")


def test_the_camera_is_where_the_robot_model_has_it():
    model = mujoco.MjModel.from_xml_path(str(resources_dir() / "robots/g1/g1.xml"))
    camera = model.camera("d435")
    cfg = DepthCameraCfg()
    assert model.body(camera.bodyid[0]).name == cfg.body_name
    np.testing.assert_allclose(camera.pos, cfg.mount_pos, atol=1e-6)
    # A MuJoCo camera looks along its -z with x to the right; ours looks along x with y to the left.
    axes = Rotation.from_quat(camera.quat, scalar_first=True).as_matrix()
    ours = Rotation.from_euler("xyz", cfg.mount_rpy).as_matrix()
    np.testing.assert_allclose(ours, np.stack((-axes[:, 2], -axes[:, 0], axes[:, 1]), axis=1), atol=1e-6)


def test_the_default_image_is_the_d435s_view_at_any_size():
    for width in (640, 320):
        fx, fy, cx, cy = DepthCameraCfg(width=width, height=width * 3 // 4).intrinsics()
        assert (fx, fy, cx, cy) == pytest.approx((0.6 * width, 0.6 * width, width / 2, width * 3 / 8))
        view = np.rad2deg(2.0 * np.arctan(np.array((cx / fx, cy / fy))))
        np.testing.assert_allclose(view, (79.6, 64.0), atol=0.1)

"""The sensors of all robots: made when a term first asks for one, and kept in step with the simulation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from legged_gym.sensors.depth_camera import DepthCamera
from legged_gym.sensors.height_scan import HeightScan
from legged_gym.sensors.link_heights import MultiLinkHeight
from legged_gym.sensors.ray_casting import engine_ray_caster, height_ray_caster
from legged_gym.sensors.sensor_config import DepthCameraCfg, MultiLinkHeightCfg, SensorsCfg
from legged_gym.utils.errors import ConfigError

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot


class RobotSensors:
    """Values of named sensors; a sensor that no term reads costs nothing."""

    def __init__(self, env: LeggedRobot, cfg: SensorsCfg) -> None:
        """Check the configuration; ``env`` has its simulator, terrain and tiles by now.

        Raises:
            ConfigError: A field has a value that no sensor can have.
        """
        cfg.check()
        self._env, self._cfg = env, cfg
        self._sensors: dict[str, HeightScan | MultiLinkHeight | DepthCamera] = {}
        self._bodies: dict[str, Tensor | int] = {}

    def value(self, name: str) -> Tensor:
        """What a sensor reads now, (N, ...); the sensor's own class says what.

        Raises:
            ConfigError: It is switched off, or its body does not exist.
        """
        if name not in self._sensors:
            self._make(name)
        return self._sensors[name].value

    @property
    def names(self) -> tuple[str, ...]:
        """The sensors that something reads."""
        return tuple(self._sensors)

    def update(self) -> None:
        """Pass to the next control step."""
        for name, sensor in self._sensors.items():
            sensor.update(*self._poses(name))

    def reset(self, env_ids: Tensor) -> None:
        """Begin new episodes in some envs (n,): nothing of the last ones is left."""
        for name, sensor in self._sensors.items():
            sensor.reset(env_ids, *(part[env_ids] for part in self._poses(name)))

    def state_dict(self) -> dict[str, Any]:
        """Everything that goes on in a resumed run."""
        return {name: sensor.state_dict() for name, sensor in self._sensors.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put back what ``state_dict`` returned; a sensor that had no state yet begins where the robots are now."""
        everywhere = torch.arange(self._env.num_envs, device=self._env.device)
        for name, sensor in self._sensors.items():
            if name in state:
                sensor.load_state_dict(state[name])
            else:
                sensor.reset(everywhere, *self._poses(name))

    def _make(self, name: str) -> None:
        env, cfg = self._env, getattr(self._cfg, name)
        if not cfg.enabled:
            raise ConfigError(f"sensors.{name}.enabled is False, but an observation term reads the sensor")
        if isinstance(cfg, MultiLinkHeightCfg):
            links = _names(env, cfg.link_names, f"sensors.{name}.link_names")
            self._bodies[name] = torch.tensor(links, device=env.device) if links else env.sensor_links
            count = len(self._bodies[name])
            self._sensors[name] = MultiLinkHeight(cfg, env.num_envs, count, self._heights, env.device)
        else:
            (self._bodies[name],) = _names(env, [cfg.body_name], f"sensors.{name}.body_name")
            if isinstance(cfg, DepthCameraCfg):
                cast = (
                    engine_ray_caster(env.sim) if cfg.rays == "engine" else height_ray_caster(self._heights)
                )
                self._sensors[name] = DepthCamera(
                    cfg, env.num_envs, env.step_dt, cast, env.generator, env.device
                )
            else:
                self._sensors[name] = HeightScan(cfg, env.num_envs, self._heights, env.generator, env.device)
        everywhere = torch.arange(env.num_envs, device=env.device)
        self._sensors[name].reset(everywhere, *self._poses(name))

    def _poses(self, name: str) -> tuple[Tensor, ...]:
        """What a sensor is told in every step: where its body is, or where its links are."""
        sim, body = self._env.sim, self._bodies[name]
        if isinstance(self._sensors[name], MultiLinkHeight):
            return (sim.body_pos_w.index_select(1, body),)
        return sim.body_pos_w[:, body], sim.body_quat_wxyz[:, body]

    def _heights(self, env_ids: Tensor, points_xy_w: Tensor) -> Tensor:
        return self._env.terrain.heights(self._env.tile[env_ids], points_xy_w)


def sensor_bodies(cfg: SensorsCfg, terms: Sequence[str]) -> list[str]:
    """Bodies that carry the sensors which some terms, with or without ``history_``, read."""
    read = [getattr(cfg, term.removeprefix("history_"), None) for term in terms]
    bodies: list[str] = []
    for sensor in read:
        if sensor is not None:
            bodies += sensor.link_names if isinstance(sensor, MultiLinkHeightCfg) else [sensor.body_name]
    return bodies


def _names(env: LeggedRobot, names: Sequence[str], field: str) -> list[int]:
    """Indices of watched bodies."""
    known = env.sim.body_names
    for name in names:
        if name not in known:
            raise ConfigError(f"{field}: no body {name!r}; the robot has {', '.join(env.robot.body_names)}")
    return [known.index(name) for name in names]

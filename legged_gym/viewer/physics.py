"""What a page may change about the running simulation: servos, friction, delay, random disturbances, noise."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from legged_gym.envs.base.legged_robot import LeggedRobot


@dataclass(frozen=True)
class Physics:
    """What is changed about a simulation; the defaults change nothing."""

    p_gain: float = 1.0
    """Factor of the servos' position gains."""
    d_gain: float = 1.0
    """Factor of the servos' velocity gains."""
    friction: float = 1.0
    """Factor of the sliding friction of all shapes."""
    delay_substeps: int = 0
    """How late joint targets reach the motors, physics substeps."""
    noise: bool = False
    """Whether the policy observes, and episodes start, with the noise of training."""
    pushes: bool = False
    """Whether robots are pushed at random times."""
    push_interval_s: float = 2.0
    """Longest time between two such pushes, s."""
    push_xy: float = 0.5
    """Largest horizontal change of velocity of such a push, along each axis, m/s."""
    push_z: float = 0.1
    """Largest vertical change of velocity of such a push, m/s."""
    p_gain_rand: float = 0.0
    """Standard deviation of the factor of each joint's position gain, drawn in each episode."""
    d_gain_rand: float = 0.0
    """The same of velocity gains."""
    torque_rfi: float = 0.0
    """Standard deviation of a constant torque on each joint, drawn in each episode, share of the joint's limit."""


class LivePhysics:
    """Applies such changes to one environment, whose own randomisation of these things is off."""

    def __init__(self, env: LeggedRobot) -> None:
        """Remember what is nominal. Noise is off until it is asked for."""
        self._env = env
        self._friction = env.sim.parameter("friction")
        self.apply(Physics())

    def apply(self, physics: Physics) -> None:
        """From the next step on all is as said."""
        env, cfg = self._env, self._env.cfg.domain_rand
        env.noise.muted = not physics.noise
        env.sim.set_parameter("friction", physics.friction * self._friction)
        for gains, nominal, factor in (
            (env.stiffness, env.robot.stiffness, physics.p_gain),
            (env.damping, env.robot.damping, physics.d_gain),
        ):
            gains.copy_(factor * torch.as_tensor(nominal, dtype=gains.dtype))
        cfg.control_delays = physics.delay_substeps > 0
        cfg.control_delay_min = cfg.control_delay_max = physics.delay_substeps
        cfg.push_robots, cfg.push_interval_s = physics.pushes, physics.push_interval_s
        cfg.max_push_vel_xy, cfg.max_push_vel_z = physics.push_xy, physics.push_z
        cfg.p_gain_rand, cfg.p_gain_rand_scale = physics.p_gain_rand > 0.0, physics.p_gain_rand
        cfg.d_gain_rand, cfg.d_gain_rand_scale = physics.d_gain_rand > 0.0, physics.d_gain_rand
        cfg.torque_rfi_rand, cfg.torque_rfi_rand_scale = physics.torque_rfi > 0.0, physics.torque_rfi
        env.randomizer.reconfigure()

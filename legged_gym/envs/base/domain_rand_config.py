"""What may differ from robot to robot, from episode to episode and from moment to moment. No heavy import."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

from legged_gym.utils.errors import ConfigError

LARGEST_GAIN_SCALE = 0.3
"""Draws are cut off at three standard deviations, so a gain keeps at least a tenth of itself."""
SIGNED_RANGES = ("added_mass_range", "added_com_range", "joint_zero_range")
POSITIVE_RANGES = (
    "friction_range",
    "link_mass_range",
    "gain_range",
    "motor_strength_range",
    "armature_range",
)
LEAST_ZERO_RANGES = ("dof_friction_range", "gravity_tilt_range")
AMOUNTS = (
    "torque_rfi_rand_scale",
    "torque_rfi_step_rand_scale",
    "max_push_vel_xy",
    "max_push_vel_z",
    "max_push_ang_vel",
)


@dataclass
class DomainRandCfg:
    """Domain randomisation; all of it is off unless a task or the command line switches it on.

    Start-up: drawn once for each env when the program starts. Episode: drawn at each of its resets. A range is uniform,
    a scale is the standard deviation of a normal draw that is cut off at three of them.
    """

    randomize_friction: bool = False
    """Start-up: one coefficient of sliding friction for all contacts of an env."""
    friction_range: tuple[float, float] = (0.1, 1.25)
    """Coefficients of randomize_friction. The model's own: 0.6 for the soles, 0.8 elsewhere."""
    randomize_base_mass: bool = False
    """Start-up: a mass is added to the torso link, whose inertia grows with it."""
    added_mass_range: tuple[float, float] = (-1.0, 3.0)
    """Masses of randomize_base_mass, kg."""
    randomize_base_com: bool = False
    """Start-up: the torso link's centre of mass is moved along each axis."""
    added_com_range: tuple[float, float] = (-0.025, 0.025)
    """Shifts of randomize_base_com, m, each axis by itself."""
    randomize_link_mass: bool = False
    """Start-up: the mass and inertia of each link are scaled."""
    link_mass_range: tuple[float, float] = (0.9, 1.1)
    """Factors of randomize_link_mass, each link by itself."""
    randomize_armature: bool = False
    """Start-up: the rotor inertia of each joint is scaled; gains stay."""
    armature_range: tuple[float, float] = (0.8, 1.2)
    """Factors of randomize_armature, each joint by itself."""
    randomize_dof_friction: bool = False
    """Start-up: all joints of an env have one dry friction, against the velocity each control step begins with."""
    dof_friction_range: tuple[float, float] = (0.0, 0.2)
    """Torques of randomize_dof_friction, N m. Unitree's own model of the G1 has 0.1."""
    p_gain_rand: bool = False
    """Episode: the position gain of each joint's servo is scaled by 1 + a normal draw."""
    p_gain_rand_scale: float = 0.03
    """Standard deviation of p_gain_rand."""
    d_gain_rand: bool = False
    """Episode: the velocity gain of each joint's servo is scaled by 1 + a normal draw."""
    d_gain_rand_scale: float = 0.03
    """Standard deviation of d_gain_rand."""
    randomize_gains: bool = False
    """Episode: both gains of all of a robot's servos are scaled by one factor; torque limits stay."""
    gain_range: tuple[float, float] = (0.8, 1.2)
    """Factors of randomize_gains."""
    randomize_motor_strength: bool = False
    """Episode: both gains and the torque limit of each joint's motor are scaled."""
    motor_strength_range: tuple[float, float] = (0.9, 1.1)
    """Factors of randomize_motor_strength, each joint by itself."""
    randomize_joint_zero: bool = False
    """Episode: joint encoders are off by an angle, so both what the policy sees and where targets lead shift."""
    joint_zero_range: tuple[float, float] = (-0.02, 0.02)
    """Angles of randomize_joint_zero, rad, each joint by itself."""
    randomize_gravity: bool = False
    """Episode: gravity is tilted in any direction, as on a slope that nobody sees; gyroscope and gravity sense it."""
    gravity_tilt_range: tuple[float, float] = (0.0, 0.03)
    """Angles of randomize_gravity, rad."""
    torque_rfi_rand: bool = False
    """Episode: a constant torque acts on each joint (the original's; literature's RFI is torque_rfi_step_rand)."""
    torque_rfi_rand_scale: float = 0.04
    """Standard deviation of torque_rfi_rand, share of the joint's torque limit."""
    torque_rfi_step_rand: bool = False
    """Control step: random force injection, a uniform torque on each joint, drawn anew in every control step."""
    torque_rfi_step_rand_scale: float = 0.05
    """Largest torque of torque_rfi_step_rand, share of the joint's torque limit."""
    control_delays: bool = False
    """Episode: joint targets reach the motors late."""
    control_delay_min: int = 0
    """Shortest delay of control_delays, physics substeps (sim.dt each)."""
    control_delay_max: int = 1
    """Longest delay of control_delays, physics substeps; it may be longer than a control step."""
    action_delays: bool = False
    """Episode: the policy's actions take effect late; the policy still sees its last one."""
    action_delay_min: int = 0
    """Shortest delay of action_delays, control steps."""
    action_delay_max: int = 1
    """Longest delay of action_delays, control steps."""
    push_robots: bool = False
    """Interval: the root's velocity jumps, in each env at its own times and never in an episode's first step."""
    push_interval_s: float = 10.0
    """Longest time between two pushes of push_robots, s; each is drawn between one control step and this."""
    max_push_vel_xy: float = 0.25
    """Largest horizontal change of velocity of a push, along each axis, m/s."""
    max_push_vel_z: float = 0.1
    """Largest vertical change of velocity of a push, m/s."""
    max_push_ang_vel: float = 0.2
    """Largest change of angular velocity of a push, about each axis, rad/s."""

    def off(self) -> Self:
        """The same with every switch off; a switch is any field that is True or False."""
        switches = [name for name, value in vars(self).items() if isinstance(value, bool)]
        return replace(self, **dict.fromkeys(switches, False))

    def check(self) -> None:
        """Refuse values that no robot can have.

        Raises:
            ConfigError: Names the field, its value and what is right.
        """
        for name in (*SIGNED_RANGES, *POSITIVE_RANGES, *LEAST_ZERO_RANGES):
            low, high = getattr(self, name)
            finite = math.isfinite(low) and math.isfinite(high)
            self._require(finite and low <= high, name, "two finite numbers, the lower one first")
            self._require(name not in POSITIVE_RANGES or low > 0.0, name, "above 0")
            self._require(name not in LEAST_ZERO_RANGES or low >= 0.0, name, "0 or more")
        self._require(self.gravity_tilt_range[1] < 0.5 * math.pi, "gravity_tilt_range", "below pi/2")
        for name in AMOUNTS:
            self._require(0.0 <= getattr(self, name) < math.inf, name, "finite and 0 or more")
        for name in ("p_gain_rand_scale", "d_gain_rand_scale"):
            right = f"between 0 and {LARGEST_GAIN_SCALE}, so that no gain turns negative"
            self._require(0.0 <= getattr(self, name) <= LARGEST_GAIN_SCALE, name, right)
        for kind in ("control_delay", "action_delay"):
            self._check_steps(f"{kind}_min", f"{kind}_max", least=0)
        self._require(
            0.0 < self.push_interval_s < math.inf, "push_interval_s", "a positive number of seconds"
        )

    def _check_steps(self, shortest: str, longest: str, least: int) -> None:
        low, high = getattr(self, shortest), getattr(self, longest)
        self._require(low >= least, shortest, f"{least} or more")
        self._require(high >= low, longest, f"{shortest} = {low} or more")

    def _require(self, fine: bool, name: str, right: str) -> None:
        if not fine:
            raise ConfigError(f"domain_rand.{name} is {getattr(self, name)}; it must be {right}")


@dataclass
class TrackingDomainRandCfg(DomainRandCfg):
    """The same of a robot that follows a reference, whose place it knows from odometry."""

    randomize_odom_update_frequency: bool = False
    """Episode: what the policy knows from odometry is measured now and then only, and stands in between."""
    odom_update_steps_min: int = 1
    """Shortest time between two measurements of randomize_odom_update_frequency, control steps."""
    odom_update_steps_max: int = 5
    """Longest time between two measurements of randomize_odom_update_frequency, control steps."""

    def check(self) -> None:
        """See :meth:`DomainRandCfg.check`."""
        super().check()
        self._check_steps("odom_update_steps_min", "odom_update_steps_max", least=1)

"""Options of the controller. Plain dataclasses; no heavy import."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields

from legged_gym.utils.errors import ConfigError


@dataclass
class SafetyCfg:
    """Limits of the guards; :mod:`safety` has the table of what is compared with them, where, and what follows."""

    state_late_s: float = 0.02
    """Age of the robot's state from which the controller warns, s."""
    state_stale_s: float = 0.05
    """Age of the robot's state that ends in damping, s; a state whose tick does not advance ages."""
    bad_checksums: float = 4.0
    """Most states in a row with a wrong checksum."""
    tilt_rad: float = 1.0
    """Largest angle of the root from upright, rad. Unitree's own value."""
    gyro_rad_s: float = 6.0
    """Largest angular velocity of the root, rad/s, or clip_margin times that of the clip. Unitree's own value."""
    joint_speed_rad_s: float = 20.0
    """Largest joint velocity, rad/s, or clip_margin times that of the clip. Unitree's 10 are too few to run."""
    clip_margin: float = 1.5
    """Share of the clip's own largest velocities that is allowed, where that is more than the two limits above."""
    joint_excess_rad: float = 0.1
    """How far a joint may be beyond its range, rad; at the ends of their ranges ankles and waist do work."""
    torque_share: float = 1.0
    """Largest estimated torque as a share of the joint's limit, for torque_s."""
    torque_s: float = 0.5
    """How long torques may be above that, s."""
    torque_gap_share: float = 0.5
    """Difference of estimated and commanded torque, as a share of the limit, from which the controller warns."""
    torque_gap_s: float = 0.2
    """How long it must last, s."""
    winding_warm_c: float = 110.0
    """Winding temperature from which the controller warns, degrees Celsius."""
    winding_c: float = 120.0
    """Highest winding temperature, degrees Celsius. Unitree's own value."""
    casing_warm_c: float = 75.0
    """Casing temperature from which the controller warns, degrees Celsius."""
    casing_c: float = 85.0
    """Highest casing temperature, degrees Celsius. Unitree's own value."""
    battery_low_soc: float = 30.0
    """Charge below which the controller warns, %."""
    battery_soc: float = 20.0
    """Lowest charge, %. Unitree's own value."""
    motor_voltage_v: float = 43.0
    """Lowest voltage of a motor, V: 3.3 V for each of 13 cells. Messages of the battery itself are rare."""
    motor_voltage_s: float = 0.04
    """How long the voltage may be below that, s."""
    motors_off_s: float = 0.06
    """How long a motor may stay off after it was told to be on, s."""
    remote_silence_s: float = 3.0
    """How long the remote may not be heard, s. Unitree's own value."""
    tick_late_s: float = 0.02
    """Lateness of a control step from which the controller warns, s."""
    tick_overdue_s: float = 0.06
    """Lateness of a control step that ends in damping, s. An own process watches it too."""
    target_cut: float = 0.5
    """How much of a joint's target may be cut off, rad; of speeds and torques, share of the joint's limit."""
    target_cut_ticks: float = 5.0
    """For how many steps in a row targets may be cut."""
    target_margin_rad: float = 0.3
    """Targets may be this far beyond a joint's range, rad: soft servos push by asking for more than they get."""
    target_speed_rad_s: float = 50.0
    """Targets may change as fast as this, rad/s."""
    limit_torque: bool = False
    """Also cut targets that would ask for more than a joint's torque at its present angle and speed."""
    odometry_age_s: float = 0.06
    """Greatest age of the odometry, where the policy needs it, s."""
    map_flat_s: float = 0.3
    """Age from which the height map is replaced by flat ground, s."""
    map_age_s: float = 1.0
    """Greatest age of the height map, s."""
    pose_error_rad: float = 0.2
    """The policy starts, and is left, only when no joint is further than this from the pose to stand in, rad."""
    rest_rad_s: float = 1.0
    """The policy is left only when no joint is faster than this, rad/s."""
    damp_s: float = 0.5
    """Damping is sent for at least this long before the controller ends, s."""
    damping: float = 8.0
    """Velocity gain of all motors while damping, N m s/rad. unitree_rl_gym's value."""


@dataclass
class StandCfg:
    """How the robot is brought to its pose and held there without a policy."""

    ramp_s: float = 2.0
    """Time from wherever the joints are to the pose, s."""
    stiffness: dict[str, float] = field(
        default_factory=lambda: {
            "": 40.0,
            "hip": 150.0,
            "knee": 200.0,
            "ankle": 150.0,
            "waist": 200.0,
        }
    )
    """Position gains by part of a joint's name, the last match wins, N m/rad: what carries a G1 with bent knees."""
    damping: dict[str, float] = field(
        default_factory=lambda: {"": 10.0, "hip": 4.0, "knee": 5.0, "ankle": 6.0, "waist": 5.0}
    )
    """Velocity gains, N m s/rad."""
    balance: float = 0.6
    """Ankles give way by this much of the root's tilt, against it; without it the robot falls within seconds."""
    balance_s: float = 0.1
    """The same per angular velocity, s."""
    balance_rad: float = 0.2
    """Most that ankles give way, rad."""


@dataclass
class SteeringCfg:
    """From the remote's sticks to what a policy is told."""

    dead_zone: float = 0.05
    """Sticks that are pushed less than this rest, share of their way."""
    lin_vel_x: float = 0.5
    """Policies told where to go, with odometry: velocity of the target forwards at full stick, m/s."""
    lin_vel_y: float = 0.3
    """The same to the side, m/s."""
    ang_vel_yaw: float = 0.3
    """The same turning, rad/s."""
    reach_m: float = 0.5
    """The same policies without odometry: how far away the target is at full stick, m. VideoMimic's value."""
    reach_rad: float = 0.3
    """How far it is turned, rad. VideoMimic's value."""


@dataclass
class DeployCfg:
    """All of them."""

    safety: SafetyCfg = field(default_factory=SafetyCfg)
    """Limits of the guards."""
    stand: StandCfg = field(default_factory=StandCfg)
    """Standing without a policy."""
    steering: SteeringCfg = field(default_factory=SteeringCfg)
    """Sticks."""

    def check(self) -> None:
        """Refuse numbers that would switch a guard off by mistake.

        Raises:
            ConfigError: Names the option, its value and what is right.
        """
        for option in fields(self.safety):
            value = getattr(self.safety, option.name)
            if not isinstance(value, bool) and not 0.0 <= value < math.inf:
                raise ConfigError(f"--safety.{option.name} is {value}; it must be finite and 0 or more")
        if self.stand.ramp_s <= 0.0:
            raise ConfigError(f"--stand.ramp_s is {self.stand.ramp_s}; it must be positive")
        if self.safety.damp_s < 0.5:
            raise ConfigError(f"--safety.damp_s is {self.safety.damp_s}; it must be 0.5 or more")

"""Configuration of rewards that any legged robot has. Plain dataclasses; no heavy import."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class RegularizerScalesCfg:
    """Weight per second of the reward terms that any legged robot has; 0 = not computed."""

    contact_no_vel: float = 0.0
    """Speed of feet that touch the ground, m/s; a penalty wants a negative weight."""
    action_rate: float = 0.0
    """Sum of squared changes of the action."""
    torques: float = 0.0
    """Sum of squared motor torques, (N m)^2."""
    dof_acc: float = 0.0
    """Sum of squared joint accelerations, (rad/s^2)^2."""
    dof_pos_limits: float = 0.0
    """Sum of what joints exceed their soft range by, rad."""
    collision: float = 0.0
    """Number of bodies of asset.penalize_contacts_on in contact."""
    termination: float = 0.0
    """1 in the step an episode fails."""
    alive: float = 0.0
    """1 in every step."""
    action_accel: float = 0.0
    """Sum of squared second differences of the action, a - 2 a' + a''."""
    ankle_action: float = 0.0
    """Sum of squared actions of rewards.ankle_joints."""
    dof_vel: float = 0.0
    """Sum of squared joint velocities, (rad/s)^2."""
    dof_vel_limits: float = 0.0
    """Sum of what joints exceed their soft speed by, at most 1 each, rad/s."""
    torque_limits: float = 0.0
    """Sum of what motors exceed their soft torque by, N m."""
    energy: float = 0.0
    """Mechanical power of the motors, driving or braking: sum |torque * velocity|, W."""
    stumble: float = 0.0
    """1 where a foot is pushed sideways with more than five times what is pushed upwards."""
    feet_contact_forces: float = 0.0
    """Sum of what the feet's contact forces exceed rewards.max_contact_force by, N."""
    feet_orientation: float = 0.0
    """exp(-feet_orientation_k * sum |heading of a foot off the root's|); positive weight."""
    feet_air_time: float = 0.0
    """Sum over feet that touch down of air time - feet_air_time_target, s, where the robot is asked to move."""
    feet_max_height_for_this_air: float = 0.0
    """Sum over feet that touch down of what their flight stayed below feet_max_height_target, m."""


@dataclass
class BaseRewardsCfg:
    """Reward weights, and how they are added up."""

    scales: RegularizerScalesCfg = field(default_factory=RegularizerScalesCfg)
    """Weight of each term, per second (multiplied by the control period)."""
    only_positive_rewards: bool = False
    """Clip the sum at 0 before the termination term is added."""
    soft_dof_pos_limit: float = 0.9
    """Share of each joint's range that is free of penalty."""
    soft_dof_vel_limit: float = 1.0
    """Share of each motor's no-load speed that is free of `dof_vel_limits`."""
    soft_torque_limit: float = 0.9
    """Share of each motor's torque limit that is free of `torque_limits`; motors never give more than all of it."""
    max_contact_force: float = 500.0
    """Force on a foot that is free of `feet_contact_forces`, N. The G1 weighs 340 N."""
    ankle_joints: list[str] = field(default_factory=lambda: ["ankle"])
    """Joints (name patterns) of the term `ankle_action`."""
    feet_orientation_k: float = 6.0
    """Sharpness of feet_orientation, 1/rad."""
    feet_air_time_target: float = 0.25
    """Air time from which on a step earns `feet_air_time`, s."""
    feet_max_height_target: float = 0.2
    """Height over the ground that the origin of a foot's link should reach in a step, m."""

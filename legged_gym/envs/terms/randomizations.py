"""Domain randomisations: what is drawn for some envs, and how the simulator is told of it.

A draw is a plain function of the environment and of n envs to draw for, (n, columns). A setter takes everything that
has been drawn, by name, and changes the physics of envs (n,). ``START_UP`` and ``EPISODE`` say which exist.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from legged_gym.utils.errors import ConfigError
from legged_gym.utils.math import quat_from_rotation_vector, quat_rotate

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot
    from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg

Draws = Mapping[str, Tensor]

CUT_OFF = 3.0
"""Normal draws are cut off at so many standard deviations."""
GRAVITY = 9.81
"""m/s^2, MuJoCo's default, which no robot of ours changes."""
LEAST_BASE_MASS = 0.1
"""What is left of the torso link after mass has been taken from it, kg at least."""


@dataclass(frozen=True)
class Randomization:
    """Something that is drawn for each env."""

    switch: str
    """Field that switches it on."""
    draw: Callable[[LeggedRobot, int], Tensor]
    """(environment, n) -> (n, columns); its name is that of the randomisation."""
    unit: str
    columns: Literal["env", "axis", "link", "joint"]
    """What a column is of."""
    group: str = "domain_rand"
    """Group of the configuration that has the switch."""

    @property
    def name(self) -> str:
        """Key of its draws."""
        return self.draw.__name__

    def is_on(self, cfg: LeggedRobotCfg) -> bool:
        """Whether a configuration asks for it."""
        return getattr(getattr(cfg, self.group), self.switch)


# ---------------------------------------------------------------------- draws: start-up


def friction(env: LeggedRobot, n: int) -> Tensor:
    """Coefficient of sliding friction. (n, 1)"""
    return uniform(env, env.cfg.domain_rand.friction_range, n, 1)


def base_mass(env: LeggedRobot, n: int) -> Tensor:
    """Mass added to the torso link, kg. (n, 1)"""
    return uniform(env, env.cfg.domain_rand.added_mass_range, n, 1)


def base_com(env: LeggedRobot, n: int) -> Tensor:
    """Shift of the torso link's centre of mass, m. (n, 3)"""
    return uniform(env, env.cfg.domain_rand.added_com_range, n, 3)


def link_mass(env: LeggedRobot, n: int) -> Tensor:
    """Factor of each link's mass. (n, links)"""
    return uniform(env, env.cfg.domain_rand.link_mass_range, n, len(env.robot.body_names))


def armature(env: LeggedRobot, n: int) -> Tensor:
    """Factor of each joint's rotor inertia. (n, J)"""
    return uniform(env, env.cfg.domain_rand.armature_range, n, env.num_actions)


def dof_friction(env: LeggedRobot, n: int) -> Tensor:
    """Dry friction of all joints, N m. (n, 1)"""
    return uniform(env, env.cfg.domain_rand.dof_friction_range, n, 1)


def foot_variant(env: LeggedRobot, n: int) -> Tensor:
    """Index of the shapes of both feet in ``asset.foot_variants``. (n, 1)"""
    return whole(env, 0, len(env.robot.foot_variants) - 1, n)


# ---------------------------------------------------------------------- draws: episode


def p_gain(env: LeggedRobot, n: int) -> Tensor:
    """Factor of each position gain. (n, J)"""
    return 1.0 + normal(env, env.cfg.domain_rand.p_gain_rand_scale, n, env.num_actions)


def d_gain(env: LeggedRobot, n: int) -> Tensor:
    """Factor of each velocity gain. (n, J)"""
    return 1.0 + normal(env, env.cfg.domain_rand.d_gain_rand_scale, n, env.num_actions)


def gains(env: LeggedRobot, n: int) -> Tensor:
    """Factor of both gains of all servos. (n, 1)"""
    return uniform(env, env.cfg.domain_rand.gain_range, n, 1)


def motor_strength(env: LeggedRobot, n: int) -> Tensor:
    """Factor of each motor's gains and torque limit. (n, J)"""
    return uniform(env, env.cfg.domain_rand.motor_strength_range, n, env.num_actions)


def joint_zero(env: LeggedRobot, n: int) -> Tensor:
    """What each encoder reads too much, rad. (n, J)"""
    return uniform(env, env.cfg.domain_rand.joint_zero_range, n, env.num_actions)


def gravity_tilt(env: LeggedRobot, n: int) -> Tensor:
    """Rotation vector about a horizontal axis that turns gravity, rad. (n, 3)"""
    angle = uniform(env, env.cfg.domain_rand.gravity_tilt_range, n, 1)
    way = uniform(env, (-math.pi, math.pi), n, 1)
    return angle * torch.cat((torch.cos(way), torch.sin(way), torch.zeros_like(way)), dim=-1)


def torque_bias(env: LeggedRobot, n: int) -> Tensor:
    """Constant torque on each joint, N m. (n, J)"""
    share = normal(env, env.cfg.domain_rand.torque_rfi_rand_scale, n, env.num_actions)
    return share * env.effort_limit


def control_delay(env: LeggedRobot, n: int) -> Tensor:
    """Delay of the joint targets, physics substeps. (n, 1)"""
    cfg = env.cfg.domain_rand
    return whole(env, cfg.control_delay_min, cfg.control_delay_max, n)


def action_delay(env: LeggedRobot, n: int) -> Tensor:
    """Delay of the actions, control steps. (n, 1)"""
    cfg = env.cfg.domain_rand
    return whole(env, cfg.action_delay_min, cfg.action_delay_max, n)


# ---------------------------------------------------------------------- draws: steps and intervals


def injected_torque(env: LeggedRobot, n: int) -> Tensor:
    """Torque on each joint for one control step, N m. (n, J)"""
    scale = env.cfg.domain_rand.torque_rfi_step_rand_scale
    return uniform(env, (-scale, scale), n, env.num_actions) * env.effort_limit


def dry_friction(env: LeggedRobot, limit: Tensor) -> Tensor:
    """Torque of dry friction (N, 1) on each joint for one control step, N m. (N, J)

    It is less where it could stop the joint's rotor within the step, and so never turns a joint around. The engine's
    own friction is exact at rest too, but costs a fifth of the physics.
    """
    armature = torch.as_tensor(env.robot.armature, dtype=torch.float32, device=env.device)
    stopping = env.sim.dof_vel * (armature / env.step_dt)
    return -torch.clamp(stopping, -limit, limit)


def push_velocity(env: LeggedRobot, n: int) -> Tensor:
    """Change of the root's velocity: linear, m/s, and angular, rad/s, world frame. (n, 6)"""
    cfg = env.cfg.domain_rand
    xy, z, turn = cfg.max_push_vel_xy, cfg.max_push_vel_z, cfg.max_push_ang_vel
    return uniform(env, (-1.0, 1.0), n, 6) * torch.tensor([xy, xy, z, turn, turn, turn], device=env.device)


START_UP = (
    Randomization("randomize_friction", friction, "1", "env"),
    Randomization("randomize_base_mass", base_mass, "kg", "env"),
    Randomization("randomize_base_com", base_com, "m", "axis"),
    Randomization("randomize_link_mass", link_mass, "factor", "link"),
    Randomization("randomize_armature", armature, "factor", "joint"),
    Randomization("randomize_dof_friction", dof_friction, "N m", "env"),
    Randomization("use_alt_files", foot_variant, "index in asset.foot_variants", "env", group="asset"),
)
EPISODE = (
    Randomization("p_gain_rand", p_gain, "factor", "joint"),
    Randomization("d_gain_rand", d_gain, "factor", "joint"),
    Randomization("randomize_gains", gains, "factor", "env"),
    Randomization("randomize_motor_strength", motor_strength, "factor", "joint"),
    Randomization("randomize_joint_zero", joint_zero, "rad", "joint"),
    Randomization("randomize_gravity", gravity_tilt, "rad", "axis"),
    Randomization("torque_rfi_rand", torque_bias, "N m", "joint"),
    Randomization("control_delays", control_delay, "substeps", "env"),
    Randomization("action_delays", action_delay, "control steps", "env"),
)


# ---------------------------------------------------------------------- setters


def set_friction(env: LeggedRobot, env_ids: Tensor, draws: Draws) -> None:
    """Everything that touches in an env has its friction, the ground and the robot."""
    env.sim.set_parameter("friction", draws["friction"][env_ids, 0], env_ids)


def set_masses(env: LeggedRobot, env_ids: Tensor, draws: Draws) -> None:
    """Links become heavier or lighter as if their density changed; to be called once.

    Raises:
        ConfigError: More would be taken from the torso link than it weighs.
    """
    sim, torso = env.sim, env.robot.body_names.index(env.robot.torso_body)
    old = sim.parameter("body_mass")[env_ids]
    mass = old * draws["link_mass"][env_ids] if "link_mass" in draws else old.clone()
    if "base_mass" in draws:
        mass[:, torso] += draws["base_mass"][env_ids, 0]
        if float(mass[:, torso].min()) < LEAST_BASE_MASS:
            raise ConfigError(
                f"domain_rand.added_mass_range is {env.cfg.domain_rand.added_mass_range}; its lower end must leave "
                f"{LEAST_BASE_MASS} kg of {env.robot.torso_body}, which weighs {float(old[0, torso]):.2f} kg"
            )
    inertia = sim.parameter("body_inertia")[env_ids] * (mass / old).unsqueeze(-1)
    sim.set_parameter("body_mass", mass, env_ids)
    sim.set_parameter("body_inertia", inertia, env_ids)


def set_base_com(env: LeggedRobot, env_ids: Tensor, draws: Draws) -> None:
    """The torso link's centre of mass moves; to be called once."""
    com = env.sim.parameter("body_com")[env_ids]
    com[:, env.robot.body_names.index(env.robot.torso_body)] += draws["base_com"][env_ids]
    env.sim.set_parameter("body_com", com, env_ids)


def set_armature(env: LeggedRobot, env_ids: Tensor, draws: Draws) -> None:
    """Rotor inertias change; to be called once."""
    nominal = env.sim.parameter("armature")[env_ids]
    env.sim.set_parameter("armature", nominal * draws["armature"][env_ids], env_ids)


def set_feet(env: LeggedRobot, env_ids: Tensor, draws: Draws) -> None:
    """Other shapes of the feet touch than before; masses stay."""
    env.sim.set_parameter("foot_variant", draws["foot_variant"][env_ids, 0], env_ids)


def set_servos(env: LeggedRobot, env_ids: Tensor, draws: Draws) -> None:
    """Gains and torque limits of the servos are the robot's own times what was drawn, so far as they have gains."""
    one = torch.ones(len(env_ids), env.num_actions, device=env.device)

    def factor(name: str) -> Tensor:
        return draws[name][env_ids] if name in draws else one

    strength = factor("motor_strength")
    common = factor("gains") * strength
    if env.robot.servo == "position":
        env.sim.set_parameter("stiffness", env.stiffness * factor("p_gain") * common, env_ids)
    if env.robot.servo != "torque":
        env.sim.set_parameter("damping", env.damping * factor("d_gain") * common, env_ids)
    if "motor_strength" in draws:
        env.sim.set_parameter("effort_limit", env.effort_limit * strength, env_ids)


def set_gravity(env: LeggedRobot, env_ids: Tensor, draws: Draws) -> None:
    """Gravity pulls another way, and what senses gravity knows."""
    down = torch.tensor([0.0, 0.0, -1.0], device=env.device).expand(len(env_ids), 3)
    direction = quat_rotate(quat_from_rotation_vector(draws["gravity_tilt"][env_ids]), down)
    env.gravity_dir_w[env_ids] = direction
    env.sim.set_parameter("gravity", GRAVITY * direction, env_ids)


SETTERS: tuple[tuple[tuple[str, ...], Callable[[LeggedRobot, Tensor, Draws], None]], ...] = (
    (("friction",), set_friction),
    (("base_mass", "link_mass"), set_masses),
    (("base_com",), set_base_com),
    (("armature",), set_armature),
    (("foot_variant",), set_feet),
    (("p_gain", "d_gain", "gains", "motor_strength"), set_servos),
    (("gravity_tilt",), set_gravity),
)
"""Names of draws, any of which calls for the setter."""


# ---------------------------------------------------------------------- random numbers


def uniform(env: LeggedRobot, bounds: tuple[float, float], n: int, columns: int) -> Tensor:
    """Uniform between two bounds, (n, columns)."""
    low, high = bounds
    unit = torch.rand(n, columns, generator=env.generator, device=env.device)
    return low + (high - low) * unit


def normal(env: LeggedRobot, scale: float, n: int, columns: int) -> Tensor:
    """Normal about 0 with a standard deviation, cut off at ``CUT_OFF`` of them, (n, columns)."""
    draw = torch.randn(n, columns, generator=env.generator, device=env.device)
    return scale * draw.clamp_(-CUT_OFF, CUT_OFF)


def whole(env: LeggedRobot, low: int, high: int, n: int) -> Tensor:
    """Whole numbers from low to high, both included, (n, 1) long."""
    return torch.randint(low, high + 1, (n, 1), generator=env.generator, device=env.device)

"""From a robot's folder and the configuration to a MuJoCo model with motors, and the numbers that go with it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

import mujoco
import numpy as np
import yaml

from legged_gym.sim.foot_variants import Shapes, add_variants, choose_variants
from legged_gym.sim.sim_config import ActuatorCfg, AssetCfg, Servo
from legged_gym.utils.errors import RobotError

VISUAL_GROUP = 2
"""Geom group of shapes that touch nothing; collision shapes are in group 3."""

ROBOTS_DIR = Path(__file__).resolve().parents[2] / "resources" / "robots"


class Link(NamedTuple):
    """A link on a chain, and the joint that turns it about its origin."""

    body: str
    pos: tuple[float, ...]
    """Place in the frame of the link before it, m."""
    quat_wxyz: tuple[float, ...]
    """Orientation in that frame at joint angle 0."""
    joint: str | None
    """None: fixed, or locked at 0."""
    axis: tuple[float, ...]
    """Of the joint, in the link's frame; zeros without one."""


@dataclass(frozen=True)
class Robot:
    """A robot's model and the numbers of its J actuated joints, all in ``joint_names`` order."""

    spec: mujoco.MjSpec
    """The robot alone, with one servo per actuated joint, named like the joint."""
    joint_names: tuple[str, ...]
    """Actuated joints in the order of the model, which is the order of the robot's motors."""
    body_names: tuple[str, ...]
    """All links in the order of the model; links behind a locked joint stay links."""
    root_body: str
    """The link that carries the free joint."""
    torso_body: str
    """The link whose pose stands for the upper body."""
    foot_bodies: tuple[str, ...]
    """The links that carry the soles."""
    foot_variants: Mapping[str, Shapes]
    """Shapes of the feet by name, one of which each env of a simulation has; empty: the model's own is all there is."""
    default_dof_pos: np.ndarray
    """(J,) joint angles of the default pose, rad."""
    default_root_height: float
    """Height of the root above flat ground that puts the soles on it in the default pose, m."""
    dof_lower: np.ndarray
    """(J,) lower joint limits, rad."""
    dof_upper: np.ndarray
    """(J,) upper joint limits, rad."""
    velocity_limit: np.ndarray
    """(J,) no-load speed of the motors at the joint, rad/s. The simulation does not enforce it."""
    effort_limit: np.ndarray
    """(J,) torque limits, N m."""
    stiffness: np.ndarray
    """(J,) position gains of the servos, N m/rad."""
    damping: np.ndarray
    """(J,) velocity gains of the servos, N m s/rad."""
    armature: np.ndarray
    """(J,) inertia of the motors' rotors at the joint, kg m^2."""
    action_scale: np.ndarray
    """(J,) change of the servo's target per unit of action: rad, rad/s or N m."""
    servo: Servo
    """What the servos are told."""

    def scene(self, ground: bool = True, visuals: bool = True, foot_variants: bool = False) -> mujoco.MjSpec:
        """A copy of the model to add to and compile.

        Args:
            ground: put it on a flat floor at height 0.
            visuals: keep the shapes that only pictures need; stepping without them is 10 % cheaper.
            foot_variants: add the shapes of every variant of the feet, all of which touch; see :class:`FootSwitch`.
        """
        spec = self.spec.copy()
        if foot_variants:
            add_variants(spec, self.foot_bodies, self.foot_variants)
        if not visuals:
            for geom in spec.geoms:
                if geom.group == VISUAL_GROUP:
                    spec.delete(geom)
        if ground:
            spec.worldbody.add_geom(name="ground", type=mujoco.mjtGeom.mjGEOM_PLANE, size=[0.0, 0.0, 1.0])
        return spec

    def compile(self, ground: bool = True, visuals: bool = True) -> mujoco.MjModel:
        """The compiled :meth:`scene`."""
        return self.scene(ground, visuals).compile()

    def chain_to(self, body: str) -> list[Link]:
        """The links between the root, which is left out, and a body, which is the last one; [] for the root itself.

        Raises:
            RobotError: A joint on the way does not turn about its link's origin.
        """
        model, links = self.compile(ground=False, visuals=False), []
        index = model.body(body).id
        while model.body(index).name != self.root_body:
            joints = range(model.body_jntadr[index], model.body_jntadr[index] + model.body_jntnum[index])
            if len(joints) > 1 or any(model.jnt_pos[joint].any() for joint in joints):
                raise RobotError(f"{model.body(index).name} has a joint that is not one hinge at its origin")
            name, axis = None, (0.0, 0.0, 0.0)
            for joint in joints:
                name, axis = model.joint(joint).name, tuple(model.jnt_axis[joint].tolist())
            pose = tuple(model.body_pos[index].tolist()), tuple(model.body_quat[index].tolist())
            links.append(Link(model.body(index).name, *pose, name, axis))
            index = model.body_parentid[index]
        return links[::-1]

    def default_height_of(self, body: str) -> float:
        """Height of a body above flat ground in the default pose, m."""
        model = self.compile(ground=False, visuals=False)
        data = mujoco.MjData(model)
        data.qpos[:3] = 0.0, 0.0, self.default_root_height
        for name, angle in zip(self.joint_names, self.default_dof_pos, strict=True):
            data.joint(name).qpos[0] = angle
        mujoco.mj_kinematics(model, data)
        return float(data.body(body).xpos[2])


def build_robot(asset: AssetCfg, actuators: ActuatorCfg) -> Robot:
    """Load ``asset.robot``, weld its locked joints at angle 0 and give the others servos.

    Raises:
        RobotError: the robot's folder does not exist, a pattern matches no joint, the preset of gains or a variant
            of the feet is unknown, or a gain or limit is not a number its servo can have.
    """
    numbers, spec = _load(asset.robot)
    _check_patterns(asset.locked_joints, _hinge_names(spec), "asset.locked_joints")
    for joint in spec.joints:
        if _is_hinge(joint) and any(_matches(joint.name, p) for p in asset.locked_joints):
            spec.delete(joint)

    names = _hinge_names(spec)
    if not names:
        raise RobotError(f"asset.locked_joints: {asset.locked_joints} locks every joint of {asset.robot!r}")
    values = _joint_values(numbers, names, actuators)
    _set_physics_options(spec)
    if not asset.self_collisions:
        _disable_self_collisions(spec)
    _add_servos(spec, names, values, actuators.servo)

    limits = np.array([spec.joint(name).range for name in names])  # (J, 2)
    return Robot(
        spec=spec,
        joint_names=names,
        body_names=tuple(body.name for body in spec.bodies if body.name != "world"),
        root_body=numbers["root_body"],
        torso_body=numbers["torso_body"],
        foot_bodies=tuple(numbers["foot_bodies"]),
        foot_variants=_foot_variants(numbers, asset),
        default_root_height=numbers["presets"][actuators.gains]["root_height"],
        dof_lower=limits[:, 0],
        dof_upper=limits[:, 1],
        servo=actuators.servo,
        **values,
    )


def _load(robot: str) -> tuple[dict[str, Any], mujoco.MjSpec]:
    known = sorted(path.parent.name for path in ROBOTS_DIR.glob("*/robot.yaml"))
    if robot not in known:
        raise RobotError(f"asset.robot: no robot {robot!r} in {ROBOTS_DIR}; known: {', '.join(known)}")
    numbers = yaml.safe_load((ROBOTS_DIR / robot / "robot.yaml").read_text())
    return numbers, mujoco.MjSpec.from_file(str(ROBOTS_DIR / robot / numbers["model"]))


def _foot_variants(numbers: Mapping[str, Any], asset: AssetCfg) -> dict[str, Shapes]:
    if not asset.use_alt_files:
        return {}
    return choose_variants(numbers.get("foot_variants", {}), asset.foot_variants, asset.robot)


def _joint_values(
    numbers: Mapping[str, Any], names: Sequence[str], actuators: ActuatorCfg
) -> dict[str, np.ndarray]:
    """The (J,) arrays of ``Robot`` that come from the robot's table and the configuration."""
    presets = numbers["presets"]
    if actuators.gains not in presets:
        raise RobotError(f"control.gains: no preset {actuators.gains!r}; known: {', '.join(presets)}")
    preset = presets[actuators.gains]

    motors = [numbers["motor_types"][motor] for motor in _lookup(numbers["motors"], names, "motors")]
    velocity_limit, effort_limit, armature = (
        np.array([motor[key] for motor in motors]) for key in ("velocity_limit", "effort_limit", "armature")
    )
    effort_limit = _override(effort_limit, names, actuators.effort_limit, "control.effort_limit")
    stiffness, damping = _gains(preset, names, armature, actuators)
    return dict(
        default_dof_pos=np.array(_lookup({"*": 0.0, **preset["default_dof_pos"]}, names, "default_dof_pos")),
        velocity_limit=velocity_limit,
        effort_limit=effort_limit,
        stiffness=stiffness,
        damping=damping,
        armature=armature,
        action_scale=_action_scale(preset, names, (stiffness, damping, effort_limit), actuators),
    )


def _gains(
    preset: Mapping[str, Any], names: Sequence[str], armature: np.ndarray, actuators: ActuatorCfg
) -> tuple[np.ndarray, np.ndarray]:
    """Stiffness and damping (J,) of the preset, with the configuration's overrides."""
    if "natural_frequency_hz" in preset:
        omega = 2.0 * math.pi * preset["natural_frequency_hz"]
        stiffness = armature * omega**2
        damping = 2.0 * preset["damping_ratio"] * armature * omega
    else:
        stiffness = np.array(_lookup(preset["stiffness"], names, "stiffness"))
        damping = np.array(_lookup(preset["damping"], names, "damping"))
    return (
        _override(stiffness, names, actuators.stiffness, "control.stiffness"),
        _override(damping, names, actuators.damping, "control.damping", zero_allowed=True),
    )


def _action_scale(
    preset: Mapping[str, Any],
    names: Sequence[str],
    servos: tuple[np.ndarray, np.ndarray, np.ndarray],
    actuators: ActuatorCfg,
) -> np.ndarray:
    """Change of the servos' targets per unit of action (J,); ``servos`` are stiffness, damping and effort limit.

    Whatever the servos are told, a unit of the preset's own scale asks for the same torque of a joint at rest.
    """
    stiffness, damping, effort_limit = servos
    override = actuators.action_scale
    if isinstance(override, (int, float)):
        _check_number(override, "control.action_scale", zero_allowed=False)
        return np.full(len(names), float(override))
    if actuators.plain_action_scale is not None:
        scale = np.full(len(names), actuators.plain_action_scale)
    elif "action_scale" in preset:
        scale = np.full(len(names), preset["action_scale"])
    else:
        scale = preset["action_scale_effort_fraction"] * effort_limit / stiffness
    if actuators.servo != "position":
        scale = scale * stiffness
    if actuators.servo == "velocity":
        slack = [name for name, value in zip(names, damping, strict=True) if value == 0.0]
        if slack:
            raise RobotError(f"control.damping of {slack[0]} is 0; a servo that is told a speed needs more")
        scale = scale / damping
    return _override(scale, names, override or {}, "control.action_scale")


def _set_physics_options(spec: mujoco.MjSpec) -> None:
    option = spec.option
    option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST  # stable for stiff servos at 5 to 10 ms
    option.solver = mujoco.mjtSolver.mjSOL_NEWTON
    option.cone = mujoco.mjtCone.mjCONE_PYRAMIDAL
    option.jacobian = mujoco.mjtJacobian.mjJAC_DENSE  # MuJoCo 4.0.0's sparse Newton factorisation can diverge


def _disable_self_collisions(spec: mujoco.MjSpec) -> None:
    for geom in spec.geoms:
        geom.contype = 0  # what is left of a pair is the ground's contype against the robot's conaffinity


def _add_servos(
    spec: mujoco.MjSpec, names: Sequence[str], values: Mapping[str, np.ndarray], kind: Servo
) -> None:
    """One per joint: torque = gain * target - (stiffness * position + damping * velocity), what it has of them."""
    for i, name in enumerate(names):
        stiffness, damping, effort = (float(values[k][i]) for k in ("stiffness", "damping", "effort_limit"))
        joint = spec.joint(name)
        joint.armature = float(values["armature"][i])
        joint.actfrcrange = [-effort, effort]
        servo = spec.add_actuator(name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
        servo.gaintype = mujoco.mjtGain.mjGAIN_FIXED
        servo.biastype = mujoco.mjtBias.mjBIAS_AFFINE
        servo.gainprm[0] = {"position": stiffness, "velocity": damping, "torque": 1.0}[kind]
        servo.biasprm[:3] = [
            0.0,
            -stiffness if kind == "position" else 0.0,
            -damping if kind != "torque" else 0.0,
        ]
        servo.forcelimited = mujoco.mjtLimited.mjLIMITED_TRUE
        servo.forcerange = [-effort, effort]


def _is_hinge(joint: mujoco.MjsJoint) -> bool:
    return joint.type == mujoco.mjtJoint.mjJNT_HINGE


def _hinge_names(spec: mujoco.MjSpec) -> tuple[str, ...]:
    return tuple(joint.name for joint in spec.joints if _is_hinge(joint))


def _matches(name: str, pattern: str) -> bool:
    """Whether a joint goes by a pattern: "knee", "left_*e_joint" and "left_knee_joint" match left_knee_joint."""
    return fnmatchcase(name, f"*{pattern}*")


def _lookup(table: Mapping[str, Any], names: Sequence[str], field: str) -> list[Any]:
    """For each joint the value of the last pattern that matches it, from one of the robot's own tables."""
    found = [[value for pattern, value in table.items() if _matches(name, pattern)] for name in names]
    for name, values in zip(names, found, strict=True):
        if not values:
            raise RobotError(f"robot.yaml: {field} has no pattern for {name}; patterns: {', '.join(table)}")
    return [values[-1] for values in found]


def _check_patterns(patterns: Iterable[str], names: Sequence[str], field: str) -> None:
    for pattern in patterns:
        if not any(_matches(name, pattern) for name in names):
            raise RobotError(f"{field}: pattern {pattern!r} matches no joint; joints: {', '.join(names)}")


def _check_number(value: float, what: str, zero_allowed: bool) -> None:
    if not math.isfinite(value) or value < 0.0 or (value == 0.0 and not zero_allowed):
        raise RobotError(
            f"{what} is {value}; it must be finite and {'at least' if zero_allowed else 'above'} 0"
        )


def _override(
    values: np.ndarray,
    names: Sequence[str],
    overrides: Mapping[str, float],
    field: str,
    zero_allowed: bool = False,
) -> np.ndarray:
    """A copy of ``values`` (J,) with the entries of ``overrides`` written over it in order."""
    _check_patterns(overrides, names, field)
    values = values.copy()
    for pattern, value in overrides.items():
        _check_number(value, f"{field}: {pattern!r}", zero_allowed)
        values[[_matches(name, pattern) for name in names]] = value
    return values

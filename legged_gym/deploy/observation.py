"""What the policy sees, built with numpy as the bundle's layout says. Each term equals training's of the same name.

A term is a function and a line in :data:`TERMS`, which says what it needs beyond the robot's own sensors. What no robot
can measure has no line, and a policy that asks for it is refused by name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from legged_gym.bundle.arrays import joint_array
from legged_gym.bundle.schema import BundleSpec, ScaleSpec, TermSpec
from legged_gym.deploy import rotations as rot
from legged_gym.deploy.reference import ClipPlayer
from legged_gym.deploy.robot_state import Place, RobotState
from legged_gym.utils.errors import ConfigError

HISTORY_PREFIX = "history_"
NEEDS = {
    "odometry": "where the robot is and how fast it moves, which it cannot measure itself; give --odometry",
    "height map": "a map of the ground; give --height_map",
    "anchor": "the way to the anchor, which this bundle does not describe; export it again",
    "clip": "a clip to follow, which this bundle does not hold",
    "velocity": "the ranges of the commands, which this bundle does not hold; export it again",
}
"""What terms may need -> what is missing, and what to do."""


@dataclass(slots=True, eq=False)
class View:
    """Everything that terms are made of at one tick."""

    state: RobotState
    place: Place
    """In the clip's world, where there is a clip."""
    actions: np.ndarray
    """(J,) the last action as applied."""
    clip: ClipPlayer | None = None
    target_rel: tuple[float, float, float] | None = None
    """Where a joystick wants the anchor, in its heading frame: x, y (m), and turn (rad); None: where the clip is."""
    upper_body_pos: np.ndarray | None = None
    """What a joystick wants of the upper body's joints, off the default pose, rad; None: what the clip does."""
    velocity: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Commanded: forwards and left, m/s, turning left, rad/s."""
    gait_phase: float | None = None
    """Share of the stride that has passed; None: the robot stands."""
    height_map: np.ndarray | None = None
    """(ny, nx) distances down to the ground, m."""


@dataclass(frozen=True, slots=True)
class Constants:
    """The bundle's numbers that terms use."""

    default_pos: np.ndarray
    """(J,) rad."""
    scales: ScaleSpec
    upper_body: np.ndarray
    """Indices of joints."""
    future: int
    """K, the number of coming frames."""


Values = Sequence[float] | np.ndarray
Function = Callable[[View, Constants], Values]


def _base_ang_vel(v: View, c: Constants) -> Values:
    return v.state.ang_vel_b


def _projected_gravity(v: View, c: Constants) -> Values:
    return rot.rotate_back(v.state.quat_wxyz, (0.0, 0.0, -1.0))


def _dof_pos(v: View, c: Constants) -> Values:
    return v.state.dof_pos - c.default_pos


def _dof_vel(v: View, c: Constants) -> Values:
    return v.state.dof_vel


def _actions(v: View, c: Constants) -> Values:
    return v.actions


def _torso_real(v: View, c: Constants) -> Values:
    gyro = [value * c.scales.ang_vel for value in v.state.ang_vel_b]
    joints = (_dof_pos(v, c) * c.scales.dof_pos, v.state.dof_vel * c.scales.dof_vel, v.actions)
    return np.concatenate((gyro, _projected_gravity(v, c), *joints))


def _base_lin_vel(v: View, c: Constants) -> Values:
    return rot.rotate_back(v.place.root_quat, v.place.root_lin_vel)


def _lin_vel_h(v: View, c: Constants) -> Values:
    return rot.rotate_back(rot.yaw_quat(rot.yaw_of(v.place.root_quat)), v.place.root_lin_vel)


def _ref_dof_pos(v: View, c: Constants) -> Values:
    return v.clip.row("dof_pos") - c.default_pos


def _ref_dof_vel(v: View, c: Constants) -> Values:
    return v.clip.row("dof_vel")


def _future_ref_dof_pos(v: View, c: Constants) -> Values:
    return np.concatenate([v.clip.row("dof_pos", k) - c.default_pos for k in range(1, c.future + 1)])


def _upper_body_joint_targets(v: View, c: Constants) -> Values:
    return _ref_dof_pos(v, c)[c.upper_body] if v.upper_body_pos is None else v.upper_body_pos


def _difference(a: rot.Vector, b: rot.Vector) -> rot.Vector:
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


def _anchor_error(v: View, ahead: int) -> tuple[rot.Vector, rot.Quat]:
    """Pose of the reference's anchor in the robot's anchor frame; the place is zeros where nobody knows the robot's."""
    position, orientation = v.clip.anchor(ahead)
    own = v.place.anchor_quat
    turn = rot.multiply(rot.conjugate(own), orientation)
    if v.place.anchor_pos is None:
        return (0.0, 0.0, 0.0), turn
    return rot.rotate_back(own, _difference(position, v.place.anchor_pos)), turn


def _anchor_pos_error_b(v: View, c: Constants) -> Values:
    return _anchor_error(v, 0)[0]


def _anchor_rot6d_error(v: View, c: Constants) -> Values:
    return rot.rot6d(_anchor_error(v, 0)[1])


def _future_anchor(v: View, c: Constants) -> Values:
    errors = (_anchor_error(v, k) for k in range(1, c.future + 1))
    return np.concatenate([(*position, *rot.rot6d(turn)) for position, turn in errors])


def _torso_xy_rel(v: View, c: Constants) -> Values:
    if v.target_rel is not None:
        return v.target_rel[:2]
    error = _difference(v.clip.anchor()[0], v.place.anchor_pos)
    return rot.rotate_back(rot.yaw_quat(rot.yaw_of(v.place.anchor_quat)), error)[:2]


def _torso_yaw_rel(v: View, c: Constants) -> Values:
    if v.target_rel is not None:
        return v.target_rel[2:]
    return (rot.wrapped(rot.yaw_of(v.clip.anchor()[1]) - rot.yaw_of(v.place.anchor_quat)),)


def _torso_xy(v: View, c: Constants) -> Values:
    return v.place.anchor_pos[:2]


def _torso_yaw(v: View, c: Constants) -> Values:
    return (rot.yaw_of(v.place.anchor_quat),)


def _target_root(v: View) -> rot.Quat:
    upright = (1.0, 0.0, 0.0, 0.0)  # as a joystick's target stands
    return upright if v.clip is None else rot.quat(v.clip.row("root_quat_wxyz"))


def _target_root_roll(v: View, c: Constants) -> Values:
    return rot.roll_pitch_of(_target_root(v))[:1]


def _target_root_pitch(v: View, c: Constants) -> Values:
    return rot.roll_pitch_of(_target_root(v))[1:]


def _target_root_yaw(v: View, c: Constants) -> Values:
    return (rot.yaw_of(_target_root(v)),)


def _phase(v: View, c: Constants) -> Values:
    return v.clip.phase()


def _deepmimic_lin_ang_vel(v: View, c: Constants) -> Values:
    heading = rot.yaw_quat(rot.yaw_of(v.place.root_quat))
    names = ("root_lin_vel_w", "root_ang_vel_w")
    return np.concatenate([rot.rotate_back(heading, rot.vector(v.clip.row(name, 1))) for name in names])


def _velocity_commands(v: View, c: Constants) -> Values:
    return v.velocity


def _gait_phase(v: View, c: Constants) -> Values:
    if v.gait_phase is None:
        return 0.0, 0.0
    angle = 2.0 * math.pi * v.gait_phase
    return math.sin(angle), math.cos(angle)


def _height_map(v: View, c: Constants) -> Values:
    return v.height_map.ravel()


TERMS: dict[str, tuple[Function, tuple[str, ...]]] = {
    "base_ang_vel": (_base_ang_vel, ()),
    "projected_gravity": (_projected_gravity, ()),
    "dof_pos": (_dof_pos, ()),
    "dof_vel": (_dof_vel, ()),
    "actions": (_actions, ()),
    "torso_real": (_torso_real, ()),
    "base_lin_vel": (_base_lin_vel, ("odometry",)),
    "lin_vel_h": (_lin_vel_h, ("odometry",)),
    "ref_dof_pos": (_ref_dof_pos, ("clip",)),
    "target_joints": (_ref_dof_pos, ("clip",)),
    "ref_dof_vel": (_ref_dof_vel, ("clip",)),
    "future_ref_dof_pos": (_future_ref_dof_pos, ("clip",)),
    "upper_body_joint_targets": (_upper_body_joint_targets, ("clip",)),
    "target_root_roll": (_target_root_roll, ("clip",)),
    "target_root_pitch": (_target_root_pitch, ("clip",)),
    "target_root_yaw": (_target_root_yaw, ("clip",)),
    "phase": (_phase, ("clip",)),
    "anchor_pos_error_b": (_anchor_pos_error_b, ("clip", "anchor", "odometry")),
    "anchor_rot6d_error": (_anchor_rot6d_error, ("clip", "anchor")),
    "future_anchor": (_future_anchor, ("clip", "anchor", "odometry")),
    "torso_xy_rel": (_torso_xy_rel, ("clip", "anchor", "odometry")),
    "torso_yaw_rel": (_torso_yaw_rel, ("clip", "anchor")),
    "torso_xy": (_torso_xy, ("clip", "anchor", "odometry")),
    "torso_yaw": (_torso_yaw, ("clip", "anchor")),
    "deepmimic_lin_ang_vel": (_deepmimic_lin_ang_vel, ("clip", "anchor")),
    "velocity_commands": (_velocity_commands, ("velocity",)),
    "gait_phase": (_gait_phase, ("velocity",)),
    "terrain_height": (_height_map, ("height map",)),
    "terrain_height_noisy": (_height_map, ("height map",)),
}
"""Name -> function, and what it needs that the robot's joints and IMU do not give (keys of :data:`NEEDS`)."""
STEERED = (
    *("torso_xy_rel", "torso_yaw_rel", "upper_body_joint_targets"),
    *("target_root_roll", "target_root_pitch"),
)
"""Terms that a joystick gives in place of a clip; they then need nothing."""


def base_names(spec: BundleSpec) -> list[str]:
    """Names of a policy's terms without ``history_``."""
    return [term.name.removeprefix(HISTORY_PREFIX) for term in spec.observation.terms]


def missing_sources(spec: BundleSpec, given: set[str], steered: bool) -> list[str]:
    """Why a policy's observations cannot be made, one text for each term; empty: they can.

    Args:
        spec: Names the terms.
        given: Keys of :data:`NEEDS` that there are.
        steered: Whether a joystick says where to go.
    """
    problems = []
    for name in base_names(spec):
        if name not in TERMS:
            problems.append(f"{name}: nothing on a robot measures it")
        elif not (steered and name in STEERED):
            problems += [f"{name} needs {NEEDS[need]}" for need in TERMS[name][1] if need not in given]
    return problems


class ObservationBuilder:
    """Fills the policy's vector from a :class:`View`."""

    def __init__(self, spec: BundleSpec) -> None:
        """Look every term up.

        Raises:
            ConfigError: A term is unknown here.
        """
        unknown = [name for name in base_names(spec) if name not in TERMS]
        if unknown:
            raise ConfigError(f"nothing on a robot measures the observation {', '.join(unknown)}")
        upper, future = ((), 1)
        if spec.tracking is not None:
            upper, future = spec.tracking.upper_body_joints, spec.tracking.future_frames
        self._constants = Constants(
            default_pos=joint_array(spec, "default_pos"),
            scales=spec.observation.scales,
            upper_body=np.array([spec.joint_names.index(name) for name in upper], dtype=int),
            future=future,
        )
        self._limit = spec.observation.clip
        self._terms = list(zip(spec.observation.terms, base_names(spec), strict=True))
        self._vector = np.zeros(spec.observation.size, np.float32)
        self._history: dict[str, np.ndarray] = {}

    def restart(self) -> None:
        """Forget all histories; the next values fill them."""
        self._history.clear()

    def build(self, view: View) -> np.ndarray:
        """The vector at one tick, (D,) float32; it is written anew at the next."""
        values: dict[str, np.ndarray] = {}
        for term, name in self._terms:
            if name not in values:
                values[name] = np.asarray(TERMS[name][0](view, self._constants), np.float32)
            self._vector[term.start : term.stop] = self._shaped(term, values[name])
        np.clip(self._vector, -self._limit, self._limit, out=self._vector)
        return self._vector

    def _shaped(self, term: TermSpec, value: np.ndarray) -> np.ndarray:
        """A term's part of the vector: clipped, scaled, behind its history the newest first."""
        if term.clip is not None:
            value = np.clip(value, -term.clip, term.clip)
        value = value * np.float32(term.scale)
        if not term.name.startswith(HISTORY_PREFIX):
            return value
        history = self._history.get(term.name)
        if history is None:
            history = self._history[term.name] = np.tile(value, (term.history, 1))
        else:
            history[1:] = history[:-1].copy()
            history[0] = value
        return history.ravel()

"""One clip made into what a tracking environment needs of it: states at the control rate, on one robot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from legged_gym.motion.clip import Clip
from legged_gym.motion.contacts import GroundHeight, flat_ground, foot_contacts, height_above_ground
from legged_gym.motion.feed_forward import effort_limits, inverse_dynamics_feed_forward
from legged_gym.motion.kinematics import BodyStates, forward_kinematics
from legged_gym.motion.resample import SampledMotion, angular_velocity_w, linear_velocity, resample
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.utils.errors import MotionError

MAX_GROUND_SHIFT = 0.1
"""Ground alignment corrects calibration, m; a clip further off than this plays on terrain and is left where it is."""


@dataclass(frozen=True)
class ClipOptions:
    """How clips are cut and completed."""

    start_time: float = 0.0
    """Second of the clip to start at."""
    end_time: float | None = None
    """Second to end at; None for the clip's own end."""
    upsample_data: bool = True
    """Resample to the control rate; False refuses clips of another rate."""
    cut_off_import_length: int = -1
    """Most samples to keep, after resampling; -1 for all."""
    n_prepend: int = 0
    """Frozen copies of the first sample to put before it."""
    n_append: int = 0
    """Frozen copies of the last sample to add."""
    height_direct_offset: float = 0.0
    """Added to all heights, m."""
    ground_align: bool = False
    """Shift each clip on flat ground so that the median of its lowest foot point is on it."""
    feed_forward: bool = False
    """Compute inverse-dynamics torques."""


@dataclass(frozen=True, eq=False)
class ReferenceStates:
    """States of one clip, T samples at the control rate, as float64 numpy; `ReferenceFrame` describes the fields."""

    dof_pos: np.ndarray
    dof_vel: np.ndarray
    root_pos_w: np.ndarray
    root_quat_wxyz: np.ndarray
    root_lin_vel_w: np.ndarray
    root_ang_vel_w: np.ndarray
    body_pos_w: np.ndarray
    body_quat_wxyz: np.ndarray
    body_lin_vel_w: np.ndarray
    body_ang_vel_w: np.ndarray
    contacts: np.ndarray
    """(T, feet) bool."""
    feed_forward: np.ndarray | None
    """(T, J) joint torques that the motion needs, Nm."""
    time: np.ndarray
    """(T,) seconds of the file at which the samples lie; frozen samples lie before and after."""
    feet: BodyStates
    """Those of the robot's feet."""
    notes: tuple[str, ...]
    """What was done to the clip on the way, in sentences."""
    warnings: tuple[str, ...]
    """What may be wrong with it."""


def reference_states(
    clip: Clip,
    robot: RobotLayout,
    control_dt: float,
    options: ClipOptions,
    ground: GroundHeight = flat_ground,
) -> ReferenceStates:
    """Cut, resample and complete one clip.

    Order: crop to [start_time, end_time], resample, cut to cut_off_import_length samples, add frozen samples at both
    ends, put on the ground, add height_direct_offset. Velocities are differences of the result, so frozen samples are
    at rest. `ground` is what the clip plays on.

    Raises:
        MotionError: joints or recorded contacts do not fit the robot, the rate is another one and `upsample_data` is
            off, or the options leave fewer than two samples.
    """
    if not options.upsample_data and abs(clip.fps * control_dt - 1.0) > 1e-6:
        raise MotionError(
            f"{clip.file}: has {clip.fps:g} frames per second and the control rate is {1.0 / control_dt:g}; "
            "upsample_data=True resamples"
        )
    motion = _cut(clip, resample(clip, control_dt, options.start_time, options.end_time), control_dt, options)
    index = robot.index
    dof_pos = motion.dof_pos[:, robot.joint_columns(clip)]
    notes, warnings = _dropped(robot.surplus_joints(clip)), []
    dof_vel = linear_velocity(motion.time, dof_pos)
    lin_vel = linear_velocity(motion.time, motion.root_pos)
    ang_vel = angular_velocity_w(motion.time, motion.root_quat_wxyz)
    qpos = index.qpos(motion.root_pos, motion.root_quat_wxyz, dof_pos)
    qvel = index.qvel(motion.root_quat_wxyz, lin_vel, ang_vel, dof_vel)

    states = forward_kinematics(robot.model, robot.body_names + robot.foot_bodies, qpos, qvel)
    bodies = _select(states, slice(0, len(robot.body_names)))
    feet = _select(states, slice(len(robot.body_names), None))
    if options.ground_align and clip.terrain is None:
        height = height_above_ground(robot.foot_points, feet)
        if abs(height) > MAX_GROUND_SHIFT:
            warnings.append(f"its feet are {height:.3f} m off the ground, taken for terrain: not shifted")
        else:
            qpos[:, index.root_qpos + 2] -= height
            states.pos_w[..., 2] -= height  # bodies and feet are views of it
            notes += [f"shifted by {-1e3 * height:.0f} mm onto the ground"] if abs(height) > 5e-4 else []
    torque = None
    if options.feed_forward:
        limits = effort_limits(index)
        torque = inverse_dynamics_feed_forward(index, motion.time, qpos, qvel, limits, ground).torque

    raised = np.array([0.0, 0.0, options.height_direct_offset])
    return ReferenceStates(
        dof_pos=dof_pos,
        dof_vel=dof_vel,
        root_pos_w=qpos[:, index.root_qpos : index.root_qpos + 3] + raised,
        root_quat_wxyz=motion.root_quat_wxyz,
        root_lin_vel_w=lin_vel,
        root_ang_vel_w=ang_vel,
        body_pos_w=bodies.pos_w + raised,
        body_quat_wxyz=bodies.quat_wxyz,
        body_lin_vel_w=bodies.lin_vel_w,
        body_ang_vel_w=bodies.ang_vel_w,
        contacts=_contacts(clip, motion, robot, feet, ground),
        feed_forward=torque,
        time=motion.time + options.start_time - max(options.n_prepend, 0) * control_dt,
        feet=feet,
        notes=tuple(notes),
        warnings=tuple(warnings),
    )


def _cut(clip: Clip, motion: SampledMotion, control_dt: float, options: ClipOptions) -> SampledMotion:
    """Keep the first samples, repeat the first and the last one, as the options say."""
    keep = len(motion.time) if options.cut_off_import_length < 0 else options.cut_off_import_length
    keep = min(keep, len(motion.time))
    if keep < 2:
        raise MotionError(
            f"{clip.file}: cut_off_import_length {options.cut_off_import_length} leaves "
            f"{keep} samples; a reference needs at least two"
        )
    before, after = max(options.n_prepend, 0), max(options.n_append, 0)
    indices = np.concatenate((np.zeros(before, dtype=int), np.arange(keep), np.full(after, keep - 1)))
    start = motion.time[:keep] + before * control_dt
    time = np.concatenate(
        (control_dt * np.arange(before), start, start[-1] + control_dt * np.arange(1, after + 1))
    )
    return motion.take(indices, time)


def _dropped(joints: list[str]) -> list[str]:
    """The note about joints that the robot has locked; none for no joints."""
    count = len(joints)
    return [f"dropped {count} joints that the robot has locked: {', '.join(joints)}"] if joints else []


def _contacts(
    clip: Clip, motion: SampledMotion, robot: RobotLayout, feet: BodyStates, ground: GroundHeight
) -> np.ndarray:
    """(T, n_feet) bool: what the file recorded, else what the feet's height and speed say."""
    if motion.contacts is None:
        return foot_contacts(robot.foot_points, len(robot.foot_bodies), feet, ground)
    missing = [foot for foot in robot.foot_bodies if foot not in motion.contacts]
    if missing:
        raise MotionError(
            f"{clip.file}: has contacts of {', '.join(motion.contacts)} but not of {', '.join(missing)}"
        )
    return np.stack([motion.contacts[foot] for foot in robot.foot_bodies], axis=1)


def _select(states: BodyStates, bodies: slice) -> BodyStates:
    """Some of the bodies, as views."""
    return BodyStates(
        states.pos_w[:, bodies],
        states.quat_wxyz[:, bodies],
        states.lin_vel_w[:, bodies],
        states.ang_vel_w[:, bodies],
    )

"""From a gait to a finished clip."""

from __future__ import annotations

from dataclasses import dataclass, field

import mujoco
import numpy as np

from legged_gym.motion.clip import Clip
from legged_gym.motion.kinematics import ModelIndex
from legged_gym.motion.synthesis.balance import Support, centre_of_mass, ground_reference, zmp_reference
from legged_gym.motion.synthesis.curves import hann_smooth
from legged_gym.motion.synthesis.dynamics import measure_zmp
from legged_gym.motion.synthesis.feet import FootPaths, Swing, foot_paths, measure_sole
from legged_gym.motion.synthesis.footsteps import FootstepPlan
from legged_gym.motion.synthesis.gestures import Gesture, evaluate
from legged_gym.motion.synthesis.posture import Posture, Style, plan_posture
from legged_gym.motion.synthesis.terrain import Terrain
from legged_gym.motion.synthesis.whole_body import WholeBody

FPS = 50.0
FEET = ("left_ankle_roll_link", "right_ankle_roll_link")
LICENCE = "MIT"
_BALANCE_PASSES = 4
_SETTLE = round(0.7 * FPS)
"""Frames in which a body whose feet stay gathers or loses speed."""


@dataclass(frozen=True)
class Gait:
    """What makes a clip: a footstep plan and how to move along it."""

    plan: FootstepPlan
    swing: Swing = field(default_factory=Swing)
    support: Support = field(default_factory=Support)
    style: Style = field(default_factory=Style)
    gesture: Gesture = field(default_factory=dict)
    """Timed extras."""
    terrain: Terrain | None = None
    """Ground the plan was made for; None is level."""


def synthesize(model: mujoco.MjModel, name: str, gait: Gait) -> Clip:
    """Make a clip at 50 frames per second; the same gait and model give the same clip, bit for bit.

    Args:
        model: the G1 with all its joints free.
        name: of the clip; a clip on terrain refers to its mesh as NAME.obj.
        gait: what to make.

    Raises:
        DependencyError: `mink` is not installed.
        MotionError: the robot cannot take the poses the gait asks for, within its joint limits.
    """
    dt, plan, style = 1.0 / FPS, gait.plan, gait.style
    time = dt * np.arange(round(plan.duration_s * FPS) + 1)
    soles = (measure_sole(model, FEET[0]), measure_sole(model, FEET[1]))
    feet = foot_paths(plan, soles, gait.swing, time)
    extras = evaluate(gait.gesture, time, (plan.move_start_s, plan.move_end_s))
    # Posture follows the smoothed reference, which therefore pauses for half the window: no motion before its time.
    zmp = zmp_reference(plan, gait.support, time, pause_s=0.5 * style.smooth_s + dt)
    left, right = (gait.support.point(place, foot, 0.0) for foot, place in enumerate(plan.start))
    zmp += extras.get("weight", np.zeros_like(time))[:, None] * 0.5 * (left - right)
    posture = plan_posture(plan, feet, zmp, style, extras, time)
    body = WholeBody(model, FEET)
    guess, standing_height = body.standing(style.knee_bend, soles, posture)
    ground = hann_smooth(ground_reference(plan, time), round(style.smooth_s * FPS))
    height = standing_height + body.rise(posture) - posture.dip + ground
    qpos = _balanced(model, body, plan, feet, posture, zmp, height, guess)
    return _clip(model, name, qpos, feet, gait)


def _balanced(
    model: mujoco.MjModel,
    body: WholeBody,
    plan: FootstepPlan,
    feet: FootPaths,
    posture: Posture,
    zmp: np.ndarray,
    height: np.ndarray,
    guess: np.ndarray,
) -> np.ndarray:
    """Positions (T, nq) whose true ZMP is the wanted one.

    A body is no point mass: legs and arms that accelerate move the ZMP. Each pass measures by how much and asks the
    point-mass model for as much less (a dynamics filter in the sense of Kajita et al. 2003).
    """
    dt = 1.0 / FPS
    moving = (round(plan.move_start_s * FPS), round(plan.move_end_s * FPS))
    settle = (moving[0] + _SETTLE, moving[1] - _SETTLE)
    if plan.steps:
        settle = (round(plan.steps[0].lift_off_s * FPS), round(plan.steps[-1].touch_down_s * FPS))
    inside = slice(moving[0] + 1, moving[1])
    correction = np.zeros_like(zmp)
    for _ in range(_BALANCE_PASSES):
        com, planned = centre_of_mass(zmp + correction, height, dt, moving, settle)
        qpos = body.solve(feet, com, posture, guess)
        correction[inside, :2] = (planned[:, :2] - measure_zmp(model, qpos, dt, planned[:, 2]))[inside]
    return qpos


def _clip(model: mujoco.MjModel, name: str, qpos: np.ndarray, feet: FootPaths, gait: Gait) -> Clip:
    joints = [joint for joint in range(model.njnt) if model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_HINGE]
    joint_names = tuple(mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_JOINT, joint) for joint in joints)
    index = ModelIndex(model, joint_names)
    root = qpos[:, index.root_qpos : index.root_qpos + 7]
    return Clip(
        name=name,
        fps=FPS,
        joint_names=joint_names,
        dof_pos=qpos[:, index.joint_qpos],
        root_pos=root[:, :3],
        root_quat_wxyz=root[:, 3:],
        contacts={foot: feet.flat[:, column] for column, foot in enumerate(FEET)},
        terrain=None if gait.terrain is None else f"{name}.obj",
        source=f"legged_gym.motion.synthesis, gait {name}",
        licence=LICENCE,
    )

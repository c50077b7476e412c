"""From a gait to a finished clip."""

from __future__ import annotations

from dataclasses import dataclass, field

import mujoco
import numpy as np

from legged_gym.motion.clip import Clip
from legged_gym.motion.kinematics import ModelIndex
from legged_gym.motion.synthesis.balance import Support, centre_of_mass, zmp_reference
from legged_gym.motion.synthesis.dynamics import measure_zmp
from legged_gym.motion.synthesis.feet import FootPaths, Swing, foot_paths, measure_sole
from legged_gym.motion.synthesis.footsteps import FootstepPlan
from legged_gym.motion.synthesis.posture import Posture, Style, plan_posture
from legged_gym.motion.synthesis.whole_body import WholeBody

FPS = 50.0
FEET = ("left_ankle_roll_link", "right_ankle_roll_link")
LICENCE = "MIT"
_BALANCE_PASSES = 4


@dataclass(frozen=True)
class Gait:
    """What makes a clip: a footstep plan and how to move along it."""

    plan: FootstepPlan
    swing: Swing = field(default_factory=Swing)
    support: Support = field(default_factory=Support)
    style: Style = field(default_factory=Style)


def synthesize(model: mujoco.MjModel, name: str, gait: Gait) -> Clip:
    """Make a clip at 50 frames per second; the same gait and model give the same clip, bit for bit.

    Args:
        model: the G1 with all its joints free.
        name: of the clip.
        gait: what to make.

    Raises:
        DependencyError: `mink` is not installed.
        MotionError: the robot cannot take the poses the gait asks for, within its joint limits.
    """
    dt = 1.0 / FPS
    time = dt * np.arange(round(gait.plan.duration_s * FPS) + 1)
    soles = (measure_sole(model, FEET[0]), measure_sole(model, FEET[1]))
    feet = foot_paths(gait.plan, soles, gait.swing, time)
    # Posture follows the smoothed reference, which therefore pauses for half the window: no motion before its time.
    zmp = zmp_reference(gait.plan, gait.support, time, pause_s=0.5 * gait.style.smooth_s + dt)
    posture = plan_posture(feet, zmp, gait.style, dt)
    body = WholeBody(model, FEET)
    guess, standing_height = body.standing(gait.style.knee_bend, soles, posture)
    height = standing_height - posture.dip

    if gait.plan.steps:
        qpos = _balanced(model, body, gait.plan, feet, posture, zmp, height, guess)
    else:
        qpos = body.solve(feet, np.column_stack((zmp, height)), posture, guess)
    return _clip(model, name, qpos, feet)


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
    settle = (round(plan.steps[0].lift_off_s * FPS), round(plan.steps[-1].touch_down_s * FPS))
    inside = slice(moving[0] + 1, moving[1])
    correction = np.zeros_like(zmp)
    for _ in range(_BALANCE_PASSES):
        com, planned = centre_of_mass(zmp + correction, height, dt, moving, settle)
        qpos = body.solve(feet, np.column_stack((com, height)), posture, guess)
        correction[inside] = (planned - measure_zmp(model, qpos, dt))[inside]
    return qpos


def _clip(model: mujoco.MjModel, name: str, qpos: np.ndarray, feet: FootPaths) -> Clip:
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
        provenance={"licence": LICENCE, "source": f"legged_gym.motion.synthesis, gait {name}"},
    )

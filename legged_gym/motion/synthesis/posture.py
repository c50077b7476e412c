"""Pelvis, waist and arms of the G1 as functions of what the feet do, so that every gait moves in the same character.

Signals drive it: the lead (m) of the left foot over the right one along the heading, the lean (-1 to 1) of the weight
towards the right or the left foot, how far the heading is about to turn, and whether the robot is under way (0 to 1).
All are zero when standing, so every clip starts and ends in one pose. Gestures come on top.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from legged_gym.motion.rotations import quat_about_axis, quat_mul, quat_rotate
from legged_gym.motion.synthesis.curves import hann_smooth, smooth_step
from legged_gym.motion.synthesis.feet import FootPaths
from legged_gym.motion.synthesis.footsteps import FootstepPlan
from legged_gym.motion.synthesis.gestures import BODY
from legged_gym.utils.errors import MotionError

_HANG = 0.8
"""Share of the torso's lean that the arms do not take part in: they hang."""


@dataclass(frozen=True)
class Style:
    """Amplitudes. Angles per metre of lead are rad/m; a lead of 0.45 m is a full step at 0.8 m/s."""

    knee_bend: float = 0.64
    """Knee angle when standing, rad."""
    dip: float = 0.25
    """Drop of the centre of mass, m per m^2 of lead: lowest with the feet far apart."""
    pelvis_yaw: float = 0.3
    """The pelvis turns with the leading foot, rad/m."""
    pelvis_roll: float = 0.03
    """The pelvis sinks on the side of the swinging leg, rad at full lean."""
    torso_yaw: float = 0.2
    """The torso turns against the pelvis, rad/m in the world."""
    torso_level: float = 0.8
    """Share of the pelvis roll that the waist takes back."""
    torso_lean: float = 0.05
    """Forward lean of the torso, rad."""
    arm_swing: float = 0.95
    """Each shoulder swings against the leg of its side, rad/m."""
    shoulder_pitch: float = 0.20
    """Standing pose, rad; positive is backward."""
    shoulder_roll: float = 0.17
    """Arms away from the body, rad."""
    elbow: float = 1.05
    """Standing pose, rad; pi/2 is a straight arm."""
    elbow_swing: float = 0.6
    """The arm bends as it comes forward, rad/m."""
    smooth_s: float = 0.36
    """Width of the window that smooths the signals."""
    look_ahead_s: float = 0.22
    """The torso turns towards where the feet will point so much later."""
    crouch: float = 0.0
    """Drop of the centre of mass under way, m."""
    hinge: float = 0.0
    """Pitch of the pelvis forward under way, rad."""
    lean: float = 0.0
    """Lean of the torso over the pelvis under way, rad, on top of the standing one."""
    bend: float = 0.0
    """How much further both elbows bend under way, rad."""
    arms_out: float = 0.0
    """How much further from the body both arms are under way, rad."""


@dataclass(frozen=True, eq=False)
class Posture:
    """Targets per frame."""

    pelvis_quat_wxyz: np.ndarray
    """(T, 4)."""
    joints: dict[str, np.ndarray]
    """Every waist and arm joint, (T,) rad."""
    dip: np.ndarray
    """(T,) how far the centre of mass lies below its standing height, m."""


@dataclass(frozen=True, eq=False)
class _Signals:
    """What the feet do, smoothed, (T,) each."""

    heading: np.ndarray
    """Mean of both feet, rad."""
    ahead: np.ndarray
    """How much further the heading will be after the time the torso looks ahead, rad."""
    lead: np.ndarray
    """Of the left foot over the right one, m."""
    spread: np.ndarray
    """Square of the lead, m^2."""
    lean: np.ndarray
    """-1 on the right foot, 1 on the left one."""
    going: np.ndarray
    """0 standing, 1 from the first step to the last."""


def plan_posture(
    plan: FootstepPlan,
    feet: FootPaths,
    zmp: np.ndarray,
    style: Style,
    extras: dict[str, np.ndarray],
    time: np.ndarray,
) -> Posture:
    """Pelvis orientation and upper body.

    Args:
        plan: where and when the feet stand.
        feet: their paths.
        zmp: (T, 3) where the ground pushes.
        style: amplitudes.
        extras: (T,) per channel of `gestures`, added on top.
        time: (T,) s.

    Raises:
        MotionError: an extra that is neither a waist or arm joint nor of the body.
    """
    sig = _signals(plan, feet, zmp, style, time)
    joints = _upper_body(sig, style)
    for name in extras:
        if name not in joints and name not in BODY:
            raise MotionError(f"no channel {name}; there are {', '.join((*BODY, *joints))}")
    joints = {name: target + extras.get(name, 0.0) for name, target in joints.items()}
    yaw = sig.heading - style.pelvis_yaw * sig.lead + extras.get("pelvis_yaw", 0.0)
    pitch = style.hinge * sig.going + extras.get("pelvis_pitch", 0.0)
    tilt = quat_mul(quat_about_axis(1, pitch), quat_about_axis(0, style.pelvis_roll * sig.lean))
    return Posture(
        pelvis_quat_wxyz=quat_mul(quat_about_axis(2, yaw), tilt),
        joints=joints,
        dip=style.dip * sig.spread + style.crouch * sig.going + extras.get("crouch", 0.0),
    )


def _upper_body(sig: _Signals, style: Style) -> dict[str, np.ndarray]:
    """Every waist and arm joint, (T,) rad."""
    zero = np.zeros_like(sig.lead)
    joints = {
        "waist_yaw_joint": (style.pelvis_yaw + style.torso_yaw) * sig.lead + sig.ahead,
        "waist_roll_joint": -style.torso_level * style.pelvis_roll * sig.lean,
        "waist_pitch_joint": style.torso_lean + style.lean * sig.going,
    }
    hang = -_HANG * (style.hinge + style.lean) * sig.going
    for side, sign in (("left", 1.0), ("right", -1.0)):
        swing = sign * style.arm_swing * sig.lead
        joints[f"{side}_shoulder_pitch_joint"] = style.shoulder_pitch + hang + swing
        joints[f"{side}_shoulder_roll_joint"] = sign * (style.shoulder_roll + style.arms_out * sig.going)
        joints[f"{side}_shoulder_yaw_joint"] = zero
        bend = style.bend * sig.going
        joints[f"{side}_elbow_joint"] = style.elbow - bend + sign * style.elbow_swing * sig.lead
        for axis in ("roll", "pitch", "yaw"):
            joints[f"{side}_wrist_{axis}_joint"] = zero
    return joints


def _signals(
    plan: FootstepPlan, feet: FootPaths, zmp: np.ndarray, style: Style, time: np.ndarray
) -> _Signals:
    dt = time[1] - time[0]
    width, shift = round(style.smooth_s / dt), round(style.look_ahead_s / dt)
    nose = quat_rotate(feet.quat_wxyz, np.array([1.0, 0.0, 0.0]))  # (T, 2, 3)
    foot_yaw = np.unwrap(np.arctan2(nose[..., 1], nose[..., 0]), axis=0)  # (T, 2)
    heading = hann_smooth(foot_yaw.mean(axis=1), width)
    forward = np.stack((np.cos(heading), np.sin(heading)), axis=1)  # (T, 2)
    left = np.stack((-forward[:, 1], forward[:, 0]), axis=1)
    apart = feet.pos_w[:, 0, :2] - feet.pos_w[:, 1, :2]
    lead = np.sum(apart * forward, axis=1)
    width_between = np.sum(apart * left, axis=1)
    lean = 2.0 * np.sum((zmp[:, :2] - feet.pos_w[..., :2].mean(axis=1)) * left, axis=1) / width_between
    going = np.zeros_like(time)
    if plan.steps:
        going = smooth_step(time, plan.move_start_s, plan.steps[0].lift_off_s)
        going -= smooth_step(time, plan.steps[-1].touch_down_s, plan.move_end_s)
    return _Signals(
        heading=heading,
        ahead=np.concatenate((heading[shift:], np.full(shift, heading[-1]))) - heading,
        lead=hann_smooth(lead, width),
        spread=hann_smooth(lead**2, width),
        lean=hann_smooth(lean, width),
        going=going,
    )

"""Pelvis, waist and arms of the G1 as functions of what the feet do, so that every gait moves in the same character.

Two signals drive it: the lead (m) of the left foot over the right one along the heading, and the lean (-1 to 1) of
the weight towards the right or the left foot. Both are zero when standing, so every clip starts and ends in one pose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from legged_gym.motion.rotations import quat_about_axis, quat_mul
from legged_gym.motion.synthesis.curves import hann_smooth
from legged_gym.motion.synthesis.feet import FootPaths


@dataclass(frozen=True)
class Style:
    """Amplitudes. Angles per metre of lead are rad/m; a lead of 0.45 m is a full step at 0.8 m/s."""

    knee_bend: float = 0.64
    """Knee angle when standing, rad."""
    dip: float = 0.2
    """Drop of the centre of mass, m per m^2 of lead: lowest with the feet far apart."""
    pelvis_yaw: float = 0.25
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
    """Width of the window that smooths both signals."""


@dataclass(frozen=True, eq=False)
class Posture:
    """Targets per frame."""

    pelvis_quat_wxyz: np.ndarray
    """(T, 4)."""
    joints: dict[str, np.ndarray]
    """Every waist and arm joint, (T,) rad."""
    dip: np.ndarray
    """(T,) how far the centre of mass lies below its standing height, m."""


def plan_posture(feet: FootPaths, zmp: np.ndarray, style: Style, dt: float) -> Posture:
    """Pelvis orientation and upper body for the paths of the feet and of the ZMP (T, 2)."""
    heading, lead, spread, lean = _signals(feet, zmp, round(style.smooth_s / dt))
    yaw, roll = heading - style.pelvis_yaw * lead, style.pelvis_roll * lean
    zero = np.zeros_like(lead)
    joints = {
        "waist_yaw_joint": (style.pelvis_yaw + style.torso_yaw) * lead,
        "waist_roll_joint": -style.torso_level * roll,
        "waist_pitch_joint": zero + style.torso_lean,
    }
    for side, sign in (("left", 1.0), ("right", -1.0)):
        joints[f"{side}_shoulder_pitch_joint"] = style.shoulder_pitch + sign * style.arm_swing * lead
        joints[f"{side}_shoulder_roll_joint"] = zero + sign * style.shoulder_roll
        joints[f"{side}_shoulder_yaw_joint"] = zero
        joints[f"{side}_elbow_joint"] = style.elbow + sign * style.elbow_swing * lead
        for axis in ("roll", "pitch", "yaw"):
            joints[f"{side}_wrist_{axis}_joint"] = zero
    quat = quat_mul(quat_about_axis(2, yaw), quat_about_axis(0, roll))
    return Posture(pelvis_quat_wxyz=quat, joints=joints, dip=style.dip * spread)


def _signals(feet: FootPaths, zmp: np.ndarray, width: int) -> tuple[np.ndarray, ...]:
    """Heading (T,) rad, lead of the left foot (T,) m, its square (T,), lean to the left (T,) -1 to 1; all smoothed."""
    w, z = feet.quat_wxyz[..., 0], feet.quat_wxyz[..., 3]
    foot_yaw = np.unwrap(
        2.0 * np.arctan2(z, w), axis=0
    )  # (T, 2); exact, as a foot turns by yaw and then pitch only
    heading = hann_smooth(foot_yaw.mean(axis=1), width)
    forward = np.stack((np.cos(heading), np.sin(heading)), axis=1)  # (T, 2)
    left = np.stack((-forward[:, 1], forward[:, 0]), axis=1)
    apart = feet.pos_w[:, 0, :2] - feet.pos_w[:, 1, :2]
    lead = np.sum(apart * forward, axis=1)
    width_between = np.sum(apart * left, axis=1)
    lean = 2.0 * np.sum((zmp - feet.pos_w[..., :2].mean(axis=1)) * left, axis=1) / width_between
    return heading, hann_smooth(lead, width), hann_smooth(lead**2, width), hann_smooth(lean, width)

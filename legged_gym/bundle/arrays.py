"""The arrays of a bundle, by name and shape, and the arithmetic from actions to torques. Needs numpy only.

T recorded steps of one robot, D observation size, J joints, F frames of all clips one after the other, C clips.
World frame z up, quaternions wxyz body to world.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from legged_gym.bundle.schema import RECORDED_FILE, REFERENCE_FILE, BundleSpec
from legged_gym.utils.errors import RunError

Arrays = Mapping[str, np.ndarray]

RECORDED: dict[str, tuple[str, ...]] = {
    "observations": ("T", "D"),
    "actions": ("T", "J"),
    "previous_actions": ("T", "J"),
    "joint_targets": ("T", "J"),
}
"""``recorded.npz``: what the policy saw, its answer, the action applied one step before, and what the servos were told
(rad, rad/s or N m, see :attr:`ActionSpec.type`). Policies that follow clips also have ``reference_frames`` (T,), the
reference's frame while the policy saw."""

REFERENCE: dict[str, tuple[str, ...]] = {
    "joint_names": ("J",),
    "clip_names": ("C",),
    "clip_start": ("C",),
    "clip_length": ("C",),
    "target_offset": ("F", "J"),
    "dof_pos": ("F", "J"),
    "dof_vel": ("F", "J"),
    "root_pos_w": ("F", "3"),
    "root_quat_wxyz": ("F", "4"),
    "root_lin_vel_w": ("F", "3"),
    "root_ang_vel_w": ("F", "3"),
    "anchor_pos_w": ("F", "3"),
    "anchor_quat_wxyz": ("F", "4"),
}
"""``reference.npz``: frames are ``rates.control_dt`` apart. ``target_offset`` is the servo target of a zero action in
the step that is to reach that frame; the step taken at frame f uses row f + 1, or the clip's last."""

TARGET_TOLERANCE = 1e-5
"""Largest difference between recorded and recomputed joint targets, relative to those beyond +- 1."""
ACTION_TOLERANCE = 1e-5
"""Largest :func:`action_error` of a runtime."""


def joint_targets(
    spec: BundleSpec, actions: np.ndarray, previous_actions: np.ndarray, offset: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What a policy's answers tell the servos.

    Args:
        spec: Gives clip, moving average and scales.
        actions: The policy's output. (..., J)
        previous_actions: The action applied one step before; after a reset, what the env was reset to. (..., J)
        offset: Targets of a zero action: rows of ``target_offset``, or :func:`zero_targets`. (..., J)

    Returns:
        The action as applied (the next step's previous one) and the targets, (..., J) each.
    """
    limit, beta = spec.action.clip, spec.action.beta
    applied = previous_actions + beta * (np.clip(actions, -limit, limit) - previous_actions)
    return applied, offset + applied * joint_array(spec, "action_scale")


def zero_targets(spec: BundleSpec) -> np.ndarray:
    """Targets of a zero action without a reference: the default pose for P, else 0. (J,)"""
    pose = joint_array(spec, "default_pos")
    return pose if spec.action.type == "P" else np.zeros_like(pose)


def motor_torques(
    spec: BundleSpec, targets: np.ndarray, position: np.ndarray, velocity: np.ndarray
) -> np.ndarray:
    """What training's servos give, N m.

    Args:
        spec: Gives the kind of servo, gains and limits.
        targets: What :func:`joint_targets` returned. (..., J)
        position: Joint angles, rad. (..., J)
        velocity: Joint velocities, rad/s. (..., J)
    """
    stiffness, damping, limit = (joint_array(spec, f) for f in ("stiffness", "damping", "effort_limit"))
    if spec.action.type == "T":
        torque = targets
    elif spec.action.type == "V":
        torque = damping * (targets - velocity)
    else:
        torque = stiffness * (targets - position) - damping * velocity
    return np.clip(torque, -limit, limit)


def joint_array(spec: BundleSpec, field: str) -> np.ndarray:
    """A field of all driven joints, such as "stiffness", in the order of the actions. (J,) float64"""
    return np.array([getattr(joint, field) for joint in spec.joints])


def action_error(actions: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference between a runtime's actions and the recorded ones, relative to those beyond +- 1.

    Single precision cannot promise more: an action of 10 is itself known to 1e-6 only. NaN if any action is.
    """
    return float(_relative_errors(actions, expected).max())


def offset_rows(reference: Arrays, frames: np.ndarray) -> np.ndarray:
    """Rows of ``target_offset`` that steps taken at ``frames`` (...) use: the next frame, held at the clip's end."""
    last = reference["clip_start"] + reference["clip_length"] - 1  # (C,)
    clip = np.searchsorted(reference["clip_start"], frames, side="right") - 1
    return np.minimum(frames + 1, last[clip])


def check_reference(spec: BundleSpec, reference: Arrays, source: str) -> None:
    """Refuse reference arrays that are incomplete or do not fit the description.

    Raises:
        RunError: Names the array.
    """
    where = f"{source}: {REFERENCE_FILE}"
    sizes = _check_shapes(REFERENCE, reference, _sizes(spec), where)
    if tuple(reference["joint_names"].tolist()) != spec.joint_names:
        raise RunError(f"{where}: joint_names differ from the joints of the bundle, or from their order")
    names = [clip.name for clip in spec.provenance.clips]
    if reference["clip_names"].tolist() != names:
        raise RunError(
            f"{where}: clip_names are {reference['clip_names'].tolist()}; provenance lists {names}"
        )
    start, length = reference["clip_start"], reference["clip_length"]
    ends = np.cumsum(length)
    if (length < 1).any() or (start != ends - length).any() or ends[-1] != sizes["F"]:
        raise RunError(
            f"{where}: clip_start and clip_length do not divide the {sizes['F']} frames into clips"
        )
    for name in ("root_quat_wxyz", "anchor_quat_wxyz"):
        if np.abs(np.linalg.norm(reference[name], axis=-1) - 1.0).max() > 1e-3:
            raise RunError(f"{where}: {name} holds quaternions that are not of length 1")


def check_recorded(spec: BundleSpec, recorded: Arrays, reference: Arrays | None, source: str) -> None:
    """Refuse recorded steps that do not fit the description or do not follow from it.

    The recorded joint targets are recomputed from the recorded actions: order, scale, smoothing and reference of the
    description must be those the policy was run with.

    Raises:
        RunError: Names the array.
    """
    where = f"{source}: {RECORDED_FILE}"
    wanted = RECORDED | ({} if reference is None else {"reference_frames": ("T",)})
    _check_shapes(wanted, recorded, _sizes(spec), where)
    for name, limit in (("observations", spec.observation.clip), ("actions", spec.action.clip)):
        if np.abs(recorded[name]).max() > limit * (1.0 + 1e-6):
            raise RunError(f"{where}: {name} exceed the bundle's limit of {limit}")
    offset = zero_targets(spec)
    if reference is not None:
        frames = recorded["reference_frames"]
        if frames.min() < 0 or frames.max() >= len(reference["dof_pos"]):
            raise RunError(f"{where}: reference_frames lie outside {REFERENCE_FILE}")
        offset = reference["target_offset"][offset_rows(reference, frames)]
    _, targets = joint_targets(spec, recorded["actions"], recorded["previous_actions"], offset)
    error = _relative_errors(targets, recorded["joint_targets"]).max(axis=0)  # (J,)
    if error.max() > TARGET_TOLERANCE:
        joint = spec.joint_names[int(error.argmax())]
        raise RunError(
            f"{where}: joint_targets of {joint} are {error.max():.2g} off what the bundle computes"
        )


def _relative_errors(values: np.ndarray, expected: np.ndarray) -> np.ndarray:
    return np.abs(values - expected) / np.maximum(1.0, np.abs(expected))


def _sizes(spec: BundleSpec) -> dict[str, int]:
    return {"D": spec.observation.size, "J": len(spec.joints), "3": 3, "4": 4}


def _check_shapes(
    wanted: Mapping[str, tuple[str, ...]], arrays: Arrays, sizes: dict[str, int], where: str
) -> dict[str, int]:
    """Compare names and shapes; returns the sizes with those that the arrays themselves decide."""
    missing, unknown = sorted(set(wanted) - set(arrays)), sorted(set(arrays) - set(wanted))
    if missing:
        raise RunError(f"{where}: array {missing[0]} is missing")
    if unknown:
        raise RunError(f"{where}: unknown array {unknown[0]}; known: {', '.join(wanted)}")
    sizes = dict(sizes)
    for name, axes in wanted.items():
        array = arrays[name]
        if array.ndim == len(axes):
            for axis, length in zip(axes, array.shape, strict=True):
                sizes.setdefault(axis, length)
        expected = tuple(sizes.get(axis) for axis in axes)
        if array.shape != expected or array.size == 0:
            raise RunError(f"{where}: {name} has shape {array.shape}; it must be {_shape_text(axes, sizes)}")
        _check_kind(name, array, where)
    return sizes


def _check_kind(name: str, array: np.ndarray, where: str) -> None:
    wanted = "U" if name.endswith("_names") else "i" if name.startswith(("clip_", "reference_")) else "f"
    if array.dtype.kind != wanted:
        kinds = {"U": "text", "i": "whole numbers", "f": "floating-point numbers"}
        raise RunError(f"{where}: {name} holds {array.dtype}; it must hold {kinds[wanted]}")
    if wanted == "f" and not np.isfinite(array).all():
        raise RunError(f"{where}: {name} holds values that are not finite")


def _shape_text(axes: tuple[str, ...], sizes: Mapping[str, int]) -> str:
    return "(" + ", ".join(str(sizes.get(axis, axis)) for axis in axes) + ")"

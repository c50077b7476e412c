"""The whole body: no part of it in the ground or in another part."""

from __future__ import annotations

import mujoco
import numpy as np

from legged_gym.motion.validation.findings import Finding
from legged_gym.motion.validation.motion import CheckedMotion
from legged_gym.motion.validation.options import ValidationOptions
from legged_gym.motion.validation.spans import label, length, others, spans_over, worst_span
from legged_gym.motion.validation.whole_body import WholeBody

_JOIN = 0.25


def body_clearance(motion: CheckedMotion, body: WholeBody, options: ValidationOptions) -> list[Finding]:
    """The worst depth of each link but the feet inside the ground."""
    findings = []
    for index, name in enumerate(body.names):
        own = body.points.body == index
        if name in motion.robot.foot_bodies or not own.any():
            continue
        depth = -body.point_height[:, own].min(axis=1)
        spans = spans_over(depth, options.clearance_warning, join=motion.samples(_JOIN))
        if not spans:
            continue
        span = worst_span(spans, depth)
        error = depth[span.worst] > options.clearance_error
        findings.append(
            motion.finding(
                "body_clearance",
                "error" if error else "warning",
                f"{label(name)} is {length(depth[span.worst])} inside the ground {motion.at(span.worst)}"
                f"{others(spans)}",
                span,
                name,
                depth[span.worst],
                options.clearance_error if error else options.clearance_warning,
                "m",
            )
        )
    return findings


def self_penetration(motion: CheckedMotion, body: WholeBody, options: ValidationOptions) -> list[Finding]:
    """Pairs of links inside each other, as MuJoCo sees them: neighbours and excluded pairs are not compared."""
    findings = []
    for (first, second), depth in self_penetration_depths(motion, body).items():
        spans = spans_over(depth, options.self_penetration_warning, join=motion.samples(_JOIN))
        if not spans:
            continue
        span = worst_span(spans, depth)
        error = depth[span.worst] > options.self_penetration_error
        findings.append(
            motion.finding(
                "self_penetration",
                "error" if error else "warning",
                f"{label(first)} is up to {length(depth[span.worst])} inside {label(second)} "
                f"{motion.during(span)}{others(spans)}",
                span,
                f"{first}, {second}",
                depth[span.worst],
                options.self_penetration_error if error else options.self_penetration_warning,
                "m",
            )
        )
    return findings


def self_penetration_depths(motion: CheckedMotion, body: WholeBody) -> dict[tuple[str, str], np.ndarray]:
    """(T,) depth in m of each pair of bodies that ever touch; the world is no part of the robot."""
    model = motion.robot.model
    data = mujoco.MjData(model)
    depths: dict[tuple[int, int], np.ndarray] = {}
    for sample, qpos in enumerate(body.qpos):
        data.qpos = qpos
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_collision(model, data)
        if not data.ncon:
            continue
        pairs = np.sort(model.geom_bodyid[data.contact.geom[: data.ncon]], axis=1)
        for (first, second), distance in zip(pairs.tolist(), data.contact.dist[: data.ncon], strict=True):
            if first:
                depth = depths.setdefault((first, second), np.zeros(len(body.qpos)))
                depth[sample] = max(depth[sample], -distance)
    return {(model.body(a).name, model.body(b).name): depth for (a, b), depth in depths.items()}

"""Whether the parts of a bundle's description agree. Standard library only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from legged_gym.bundle.schema import (
    DATA_FILES,
    POLICY_FILES,
    RECORDED_FILE,
    REFERENCE_FILE,
    BundleSpec,
    HeightMapSpec,
    ObservationSpec,
)
from legged_gym.utils.errors import RunError

_RATE_TOLERANCE = 1e-6
_SHA256_DIGITS = 64


def check_spec(spec: BundleSpec, source: str) -> None:
    """Refuse a description whose parts contradict each other.

    Args:
        spec: Each field has the right type already; see :func:`parse.spec_from_plain`.
        source: Opens the message.

    Raises:
        RunError: Names the field.
    """
    for problem in _problems(spec):
        raise RunError(f"{source}: {problem}")


def _problems(spec: BundleSpec) -> Iterator[str]:
    """What is wrong, worst first."""
    yield from _joint_problems(spec)
    yield from _rate_and_action_problems(spec)
    yield from _observation_problems(spec.observation)
    yield from _file_problems(spec)
    yield from _command_problems(spec)
    if spec.tracking is not None:
        unknown = sorted(set(spec.tracking.upper_body_joints) - set(spec.joint_names))
        if unknown:
            yield f"tracking.upper_body_joints names {', '.join(unknown)}, which the policy does not drive"


def _joint_problems(spec: BundleSpec) -> Iterator[str]:
    if not spec.joints:
        yield "joints is empty"
    every = [*spec.joint_names, *(joint.name for joint in spec.locked_joints)]
    yield from _repeated(every, "joints and locked_joints name")
    if sorted(spec.motor_order) != sorted(every):
        differing = sorted(set(spec.motor_order) ^ set(every)) or ["some joint twice"]
        yield f"motor_order must list every driven and locked joint once; differs by {', '.join(differing)}"
    for joint in spec.joints:
        if joint.lower >= joint.upper:
            yield f"joints: {joint.name} has lower {joint.lower} and upper {joint.upper}"
        for field in ("stiffness", "velocity_limit", "action_scale"):
            if getattr(joint, field) <= 0.0:
                yield f"joints: {joint.name} has {field} {getattr(joint, field)}; it must be positive"
    for row in (*spec.joints, *spec.locked_joints):
        if row.damping < 0.0 or row.effort_limit < 0.0 or row.stiffness < 0.0:
            yield f"joints: {row.name} has a negative gain or effort_limit"


def _rate_and_action_problems(spec: BundleSpec) -> Iterator[str]:
    rates, action = spec.rates, spec.action
    if rates.physics_dt <= 0.0 or rates.decimation < 1:
        yield "rates: physics_dt must be positive and decimation at least 1"
    if abs(rates.control_dt - rates.physics_dt * rates.decimation) > _RATE_TOLERANCE:
        yield f"rates: control_dt {rates.control_dt} is not decimation {rates.decimation} x {rates.physics_dt}"
    if action.clip <= 0.0:
        yield f"action.clip is {action.clip}; it must be positive"
    if not 0.0 < action.beta <= 1.0:
        yield f"action.beta is {action.beta}; it must be above 0 and at most 1"
    if spec.tracking is None and (action.type == "residual" or action.feed_forward != "none"):
        yield f"action.type {action.type} with feed_forward {action.feed_forward} needs a reference; tracking is empty"
    if action.type not in ("P", "residual") and action.feed_forward != "none":
        yield f"action.feed_forward is {action.feed_forward}; with action.type {action.type} it must be none"
    for joint in spec.joints:
        if action.type == "V" and joint.damping == 0.0:
            yield f"joints: {joint.name} has damping 0, with which action.type V moves nothing"


def _observation_problems(observation: ObservationSpec) -> Iterator[str]:
    if observation.clip <= 0.0:
        yield f"observation.clip is {observation.clip}; it must be positive"
    yield from _repeated([term.name for term in observation.terms], "observation.terms name")
    position = 0
    for term in observation.terms:
        if term.start != position or term.stop <= term.start:
            yield f"observation.terms: {term.name} covers {term.start} to {term.stop}; it should start at {position}"
        if term.history < 1 or (term.stop - term.start) % term.history:
            yield f"observation.terms: {term.name} cannot hold {term.history} steps"
        if term.scale == 0.0 or (term.clip is not None and term.clip <= 0.0):
            yield f"observation.terms: {term.name} has scale {term.scale} and clip {term.clip}, which leave nothing"
        position = term.stop
    if position != observation.size:
        yield f"observation.size is {observation.size}, but its terms end at {position}"


def _command_problems(spec: BundleSpec) -> Iterator[str]:
    lengths: list[tuple[str, tuple[float, ...], int]] = []
    if spec.tracking is not None:
        for link in spec.tracking.anchor_chain or ():
            where = f"tracking.anchor_chain: {link.body}"
            parts = (("pos", link.pos, 3), ("quat_wxyz", link.quat_wxyz, 4), ("axis", link.axis, 3))
            lengths += [(f"{where} {name}", values, count) for name, values, count in parts]
    if spec.velocity is not None:
        names = ("lin_vel_x", "lin_vel_y", "ang_vel_yaw")
        lengths += [(f"velocity.{name}", getattr(spec.velocity, name), 2) for name in names]
        if spec.velocity.gait_period <= 0.0:
            yield f"velocity.gait_period is {spec.velocity.gait_period}; it must be positive"
    if spec.height_map is not None:
        lengths.append(("height_map.size", spec.height_map.size, 2))
    for name, values, count in lengths:
        if len(values) != count:
            yield f"{name} has {len(values)} numbers; it must have {count}"
    if spec.height_map is not None:
        yield from _map_problems(spec.height_map, spec.observation)


def _map_problems(grid: HeightMapSpec, observation: ObservationSpec) -> Iterator[str]:
    if grid.resolution <= 0.0 or grid.max_distance <= 0.0:
        yield "height_map: resolution and max_distance must be positive"
        return
    ny, nx = grid.shape
    widths = {term.name: (term.stop - term.start) // term.history for term in observation.terms}
    width = widths.get(grid.term, widths.get(f"history_{grid.term}"))
    if width != ny * nx:
        yield f"height_map is {ny} x {nx}, but the term {grid.term} has {width} values"


def _file_problems(spec: BundleSpec) -> Iterator[str]:
    unknown = sorted(set(spec.files) - set(DATA_FILES))
    if unknown:
        yield f"files names {', '.join(unknown)}; known: {', '.join(DATA_FILES)}"
    if not any(name in spec.files for name in POLICY_FILES):
        yield f"files names no policy ({' or '.join(POLICY_FILES)})"
    if RECORDED_FILE not in spec.files:
        yield f"files lacks {RECORDED_FILE}"
    if (spec.tracking is None) == (REFERENCE_FILE in spec.files):
        yield f"files must name {REFERENCE_FILE} exactly when tracking is given"
    hashes = [*spec.files.values(), *(clip.sha256 for clip in spec.provenance.clips)]
    for value in hashes:
        if len(value) != _SHA256_DIGITS or set(value) - set("0123456789abcdef"):
            yield f"{value!r} is not a SHA-256 in lower-case hexadecimal digits"


def _repeated(names: Sequence[str], what: str) -> Iterator[str]:
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        yield f"{what} {', '.join(twice)} more than once"

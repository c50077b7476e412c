"""The schema of ``bundle.yaml``, version 2. One field of a dataclass is one key of the file; see doc/bundle.md.

Standard library only: a robot computer reads this without torch, mujoco or the rest of the package.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from legged_gym.utils.errors import RunError

SCHEMA_VERSION = 2
"""Raised whenever a field is added, removed or changes its meaning. Readers take their own version, and older ones that
:mod:`upgrade` rewrites without guessing."""

BUNDLE_FILE = "bundle.yaml"
TORCHSCRIPT_FILE = "policy.pt"
ONNX_FILE = "policy.onnx"
RECORDED_FILE = "recorded.npz"
REFERENCE_FILE = "reference.npz"
POLICY_FILES = (TORCHSCRIPT_FILE, ONNX_FILE)
DATA_FILES = (*POLICY_FILES, RECORDED_FILE, REFERENCE_FILE)
"""Every file a bundle may hold beside ``bundle.yaml``."""

_RATE_TOLERANCE = 1e-6
_SHA256_DIGITS = 64


@dataclass(frozen=True)
class JointSpec:
    """A joint the policy drives."""

    name: str
    default_pos: float
    """Default pose, rad."""
    stiffness: float
    """Position gain, N m/rad."""
    damping: float
    """Velocity gain, N m s/rad."""
    effort_limit: float
    """Largest torque, N m."""
    velocity_limit: float
    """No-load speed of the motor, rad/s."""
    lower: float
    """Lower position limit, rad."""
    upper: float
    """Upper position limit, rad."""
    action_scale: float
    """Change of the servo's target per unit of action: rad, rad/s or N m, see :attr:`ActionSpec.type`."""


@dataclass(frozen=True)
class LockedJointSpec:
    """A joint of the robot that was welded in training and has to be held still."""

    name: str
    position: float
    """Where it is held, rad."""
    stiffness: float
    """Position gain, N m/rad."""
    damping: float
    """Velocity gain, N m s/rad."""
    effort_limit: float
    """Largest torque, N m."""


@dataclass(frozen=True)
class ActionSpec:
    """From the policy's output to joint torques; the arithmetic is in :mod:`arrays`."""

    type: Literal["P", "residual", "DIRECT", "V", "T"]
    """What targets are, and a zero action. P: angles, the default pose. residual: angles, the reference's. DIRECT:
    angles, 0. V: speeds, 0. T: torques, 0."""
    feed_forward: Literal["none", "pd", "inverse_dynamics"]
    """What ``target_offset`` of the reference adds to that; only with angles about a pose."""
    clip: float
    """The policy's output lies within +- this; the limit is part of the network."""
    beta: float
    """Weight of the newest action in the moving average over actions; 1 = no smoothing."""


@dataclass(frozen=True)
class RateSpec:
    """How often things happened in training."""

    control_dt: float
    """Period of the policy, s."""
    physics_dt: float
    """Period of the simulated servo, s."""
    decimation: int
    """Physics steps per control period."""


@dataclass(frozen=True)
class PolicySpec:
    """The network files."""

    input: str
    """Name of the ONNX input: observations, (B, D) float32."""
    output: str
    """Name of the ONNX output: actions, (B, J) float32."""
    normalizer: Literal["inside", "none"]
    """Whether raw observations are shifted and scaled, which the network then does itself."""


@dataclass(frozen=True)
class TermSpec:
    """One named part of the observation."""

    name: str
    """A term of the training env; ``history_X`` stacks values of X."""
    start: int
    stop: int
    """The part is ``observation[start:stop]``."""
    history: int
    """Number of stacked steps; 1 = the present value only."""
    scale: float
    """Factor of each value, the last thing done to it."""
    clip: float | None
    """Each value is clipped to +- this before it is scaled; None: it is not."""


@dataclass(frozen=True)
class ScaleSpec:
    """Fixed factors inside the composite terms ``torso`` and ``torso_real``, before the term's own."""

    lin_vel: float
    ang_vel: float
    dof_pos: float
    dof_vel: float


@dataclass(frozen=True)
class ObservationSpec:
    """What the policy sees."""

    size: int
    """D, the length of the vector."""
    clip: float
    """The vector is clipped to +- this before it enters the policy."""
    history_order: Literal["newest_first"]
    """Order of the steps within a ``history_`` term, which starts filled with the first value."""
    scales: ScaleSpec
    terms: tuple[TermSpec, ...]
    """All of the vector, in order."""


@dataclass(frozen=True)
class TrackingSpec:
    """What a policy that follows clips refers to. The clips' frames are in ``reference.npz``."""

    anchor_body: str
    """Body whose pose stands for the robot's in the ``anchor_`` and ``torso_`` terms."""
    tracked_bodies: tuple[str, ...]
    """Bodies in the ``body_`` terms."""
    upper_body_joints: tuple[str, ...]
    """Joints in the term ``upper_body_joint_targets``."""
    future_frames: int
    """K, the number of coming frames in the ``future_`` terms."""


@dataclass(frozen=True)
class ClipSpec:
    """A motion the policy was trained on."""

    name: str
    file: str
    """File name of its source."""
    sha256: str
    """Hash of that file."""


@dataclass(frozen=True)
class Provenance:
    """Where the policy came from. Informs people; no runtime acts on it."""

    created: str
    """Time of the export, ISO 8601, UTC."""
    package_version: str
    git_commit: str | None
    """Commit of the checkout that exported; None outside one."""
    git_modified: bool | None
    """Whether that checkout had changes that were not committed."""
    run: str
    """Name of the run folder."""
    iteration: int
    """Training iteration of the checkpoint."""
    samples: int | None
    """Environment steps the policy had learned from."""
    clips: tuple[ClipSpec, ...]
    evaluation: dict[str, Any] | None
    """Totals of the evaluation, where there was one."""
    config: dict[str, Any]
    """The resolved training configuration."""


@dataclass(frozen=True)
class BundleSpec:
    """All of ``bundle.yaml``."""

    schema_version: int
    task: str
    robot: str
    """Folder of the robot under resources/robots."""
    joints: tuple[JointSpec, ...]
    """In the order of the actions."""
    locked_joints: tuple[LockedJointSpec, ...]
    motor_order: tuple[str, ...]
    """Every joint of the robot, driven or locked, in the order of its motors."""
    action: ActionSpec
    rates: RateSpec
    policy: PolicySpec
    observation: ObservationSpec
    tracking: TrackingSpec | None
    """None: the policy follows no clip and there is no ``reference.npz``."""
    files: dict[str, str]
    """SHA-256 of every other file of the bundle, by name."""
    provenance: Provenance

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Names of the driven joints, in the order of the actions."""
        return tuple(joint.name for joint in self.joints)


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

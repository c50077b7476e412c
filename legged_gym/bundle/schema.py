"""The schema of ``bundle.yaml``, version 3. One field of a dataclass is one key of the file; see doc/bundle.md.

Standard library only: a robot computer reads this without torch, mujoco or the rest of the package.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

SCHEMA_VERSION = 3
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
class ChainLinkSpec:
    """A body on the way from the robot's root to its anchor, and the joint that turns it, if any, about its origin."""

    body: str
    pos: tuple[float, ...]
    """Place in the frame of the body before it, m, 3."""
    quat_wxyz: tuple[float, ...]
    """Orientation in that frame at joint angle 0, 4."""
    joint: str | None
    """None: fixed, or locked at 0."""
    axis: tuple[float, ...]
    """Of the joint, in this body's frame, 3; zeros without one."""


@dataclass(frozen=True)
class TrackingSpec:
    """What a policy that follows clips refers to. The clips' frames are in ``reference.npz``."""

    anchor_body: str
    """Body whose pose stands for the robot's in the ``anchor_`` and ``torso_`` terms."""
    anchor_chain: tuple[ChainLinkSpec, ...] | None
    """From the root, which carries the IMU, to that body, the last link; None: an older export did not say."""
    tracked_bodies: tuple[str, ...]
    """Bodies in the ``body_`` terms."""
    upper_body_joints: tuple[str, ...]
    """Joints in the term ``upper_body_joint_targets``."""
    future_frames: int
    """K, the number of coming frames in the ``future_`` terms."""


@dataclass(frozen=True)
class VelocitySpec:
    """What a policy that follows a velocity was asked for in training, and the clock of its steps."""

    lin_vel_x: tuple[float, ...]
    """Lowest and highest velocity forwards, m/s."""
    lin_vel_y: tuple[float, ...]
    """The same to the left."""
    ang_vel_yaw: tuple[float, ...]
    """The same turning left, rad/s."""
    max_speed: float
    """Longest horizontal velocity, m/s."""
    dead_band: float
    """What is slower than this, m/s or rad/s, is made 0."""
    gait_period: float
    """Of a stride, s."""


@dataclass(frozen=True)
class HeightMapSpec:
    """The grid of distances to the ground in the ``terrain_height`` terms: [y][x], x forwards, turned by heading."""

    term: str
    """Which term it is."""
    body: str
    """The grid is centred above or below this body; distances are from its height down to the ground."""
    size: tuple[float, ...]
    """Length and width, m."""
    resolution: float
    """Distance between neighbouring points, m."""
    max_distance: float
    """What is further reads this, m."""
    only_heading: bool
    """Whether the grid stays upright; else it turns with the whole body."""
    flat_distance: float
    """What all points read while standing in the default pose on flat ground, m."""

    @property
    def shape(self) -> tuple[int, int]:
        """(ny, nx)."""
        length, width = (round(side / self.resolution) + 1 for side in self.size)
        return width, length


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
    velocity: VelocitySpec | None
    """None: the policy follows no velocity, or an older export did not say."""
    height_map: HeightMapSpec | None
    """None: the policy sees no map of the ground, or an older export did not say."""
    files: dict[str, str]
    """SHA-256 of every other file of the bundle, by name."""
    provenance: Provenance

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Names of the driven joints, in the order of the actions."""
        return tuple(joint.name for joint in self.joints)

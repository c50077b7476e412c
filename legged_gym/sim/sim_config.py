"""Options of the physics, the robot model and its motors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Servo = Literal["position", "velocity", "torque"]
"""What a joint's servo is told: an angle, rad; a speed, rad/s; or a torque, N m."""


@dataclass
class SimCfg:
    """How the engine advances time."""

    dt: float = 0.005
    """Length of one physics substep, s."""
    iterations: int = 10
    """Most iterations of the constraint solver per substep."""
    ls_iterations: int = 20
    """Most line-search steps per solver iteration."""
    cone: Literal["pyramidal", "elliptic"] = "pyramidal"
    """Friction: four-sided pyramids, or the true cones, which cost a third more."""
    solver: Literal["newton", "cg", "pgs"] = "newton"
    """Constraint solver: Newton's, conjugate gradients, or projected Gauss-Seidel; the others need more iterations."""
    num_threads: int = 0
    """Threads that step simulations side by side; 0 takes every core, or this process's share of them."""


@dataclass
class AssetCfg:
    """Which robot, and which of its parts move and touch."""

    robot: str = "g1"
    """Folder under resources/robots that holds the robot."""
    locked_joints: list[str] = field(default_factory=list)
    """Name patterns of joints fixed at angle 0; "wrist" is any joint with wrist in its name, [] frees all."""
    self_collisions: bool = True
    """Whether the robot's links collide with each other; all of them collide with the ground either way."""
    use_alt_files: bool = False
    """Start-up: each env's feet have one of foot_variants (the original: a robot file per process, by its rank)."""
    foot_variants: list[str] = field(default_factory=lambda: ["own", "rails", "sole"])
    """Shapes of the feet that use_alt_files draws from: the model's own, and those of the robot's robot.yaml."""


@dataclass
class ActuatorCfg:
    """Servos of the joints: torque = stiffness * (target - position) - damping * velocity, limited."""

    gains: Literal["natural_frequency", "videomimic"] = "natural_frequency"
    """Preset of gains, action scale and default pose: derived from rotor inertia, or the original's constants."""
    stiffness: dict[str, float] = field(default_factory=dict)
    """Overrides of the preset's stiffness by joint-name pattern, N m/rad; later entries win."""
    damping: dict[str, float] = field(default_factory=dict)
    """Overrides of the preset's damping by joint-name pattern, N m s/rad; later entries win."""
    effort_limit: dict[str, float] = field(default_factory=dict)
    """Overrides of the torque limits by joint-name pattern, N m; later entries win."""
    action_scale: float | dict[str, float] | None = None
    """Change of the servo's target per unit of action: of all joints, or overrides by joint-name pattern as above."""

    @property
    def servo(self) -> Servo:
        """What the servos are told."""
        return "position"

    @property
    def plain_action_scale(self) -> float | None:
        """What stands in for the preset's action scale; None: nothing does."""
        return None

"""Runs the policy: from what is known at a tick to targets for the joints. Knows no time but its own steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from legged_gym.bundle.arrays import joint_array, joint_targets, offset_rows, zero_targets
from legged_gym.bundle.schema import BundleSpec
from legged_gym.deploy import rotations as rot
from legged_gym.deploy.bundle import Bundle
from legged_gym.deploy.deploy_config import SteeringCfg
from legged_gym.deploy.observation import (
    STEERED,
    TERMS,
    ObservationBuilder,
    View,
    base_names,
    missing_sources,
)
from legged_gym.deploy.policy import Policy
from legged_gym.deploy.reference import AtEnd, ClipPlayer
from legged_gym.deploy.remote import Remote
from legged_gym.deploy.robot_state import AnchorChain, RobotState
from legged_gym.deploy.steering import TargetSteering, VelocitySteering
from legged_gym.deploy.surroundings import Odometry
from legged_gym.utils.errors import ConfigError

Drive = Literal["auto", "clip", "joystick"]


@dataclass(frozen=True, slots=True, eq=False)
class PilotStep:
    """What came of one step."""

    observation: np.ndarray
    """(D,) float32."""
    action: np.ndarray
    """The policy's answer, of whatever shape it came."""
    applied: np.ndarray | None
    """(J,) clipped and smoothed; None: the answer was none."""
    targets: np.ndarray | None
    """(J,) what the servos should be told: rad, rad/s or N m by ``action.type``."""
    frame: int
    """Reference frame the policy saw, -1 where it sees none."""


class Pilot:
    """The policy, its observations and their memory, the clip it follows or the sticks that steer it."""

    def __init__(
        self,
        bundle: Bundle,
        policy: Policy,
        steering: SteeringCfg,
        drive: Drive = "auto",
        clip: str | None = None,
        at_end: AtEnd = "stay",
    ) -> None:
        """Decide who leads.

        Args:
            bundle: The policy's.
            policy: Its network.
            steering: Sticks.
            drive: Whether a clip or a joystick leads; auto: the joystick wherever the policy can do without the clip.
            clip: Name of the clip; None: the first.
            at_end: What happens at its end.

        Raises:
            ConfigError: A term is unknown here, or a joystick cannot lead this policy.
            RunError: There is no such clip, or no clip at all.
        """
        spec = self._spec = bundle.spec
        self._policy, self._builder, self._chain = policy, ObservationBuilder(spec), AnchorChain(spec)
        steerable = can_be_steered(spec)
        if drive == "joystick" and not steerable:
            raise ConfigError("this policy follows its clip joint by joint; a joystick cannot lead it")
        self.steered = drive != "clip" and steerable
        """Whether the sticks lead, not a clip."""
        self.clip = None
        if spec.tracking is not None and not self.steered:
            self.clip = ClipPlayer(bundle, clip, at_end)
        dt = spec.rates.control_dt
        self._velocity = None if spec.velocity is None else VelocitySteering(spec.velocity, steering, dt)
        self._target = None
        if self.steered and spec.tracking is not None:
            self._target = TargetSteering(steering, dt)
            self._upper_body = np.zeros(len(spec.tracking.upper_body_joints))
        self.action_limit = spec.action.clip
        """Actions lie within +- this."""
        self._scale, self._zero = joint_array(spec, "action_scale"), zero_targets(spec)
        self._applied = np.zeros(len(spec.joints))
        self._fresh = True

    def missing_sources(self, odometry: bool, height_map: bool) -> list[str]:
        """Why its observations cannot be made with these sources; empty: they can."""
        spec = self._spec
        given = {
            "odometry": odometry,
            "height map": height_map and spec.height_map is not None,
            "anchor": self._chain.known,
            "clip": self.clip is not None,
            "velocity": spec.velocity is not None,
        }
        return missing_sources(spec, {name for name, there in given.items() if there}, self.steered)

    def needs(self, source: str) -> bool:
        """Whether a term needs a source, such as "odometry"."""
        terms = [name for name in base_names(self._spec) if not (self.steered and name in STEERED)]
        return any(source in TERMS[name][1] for name in terms)

    def start_pose(self) -> np.ndarray:
        """Joint angles to start in: the clip's first, or the default pose. (J,) rad"""
        if self.clip is not None:
            return self.clip.arrays["dof_pos"][self.clip.first]
        return joint_array(self._spec, "default_pos")

    def begin(self) -> None:
        """Forget everything; the next step is the first."""
        self._builder.restart()
        if self.clip is not None:
            self.clip.begin()
        for steering in (self._velocity, self._target):
            if steering is not None:
                steering.restart()
        self._fresh = True

    def step(
        self, state: RobotState, odometry: Odometry | None, height_map: np.ndarray | None, remote: Remote
    ) -> PilotStep:
        """Observe, ask the policy, and say what its answer means for the servos."""
        if self._fresh:
            self._applied = self._standing_action(state)
            self._fresh = False
        view = self._view(state, odometry, height_map, remote)
        observation = self._builder.build(view)
        frame = -1 if self.clip is None else self.clip.frame
        # What follows from a view that holds NaN is thrown away with it; the guards see the NaN itself.
        action = np.asarray(self._policy(observation[None])).reshape(-1)
        applied = targets = None
        if action.shape == self._applied.shape:
            applied, targets = joint_targets(self._spec, action, self._applied, self._offset())
            self._applied = applied
        self._advance()
        return PilotStep(observation.copy(), action, applied, targets, frame)

    def _view(
        self, state: RobotState, odometry: Odometry | None, height_map: np.ndarray | None, remote: Remote
    ) -> View:
        place = self._chain.place(state, odometry)
        view = View(state, place, self._applied, self.clip, height_map=height_map)
        if self.clip is not None:
            view.place = self.clip.see(place)
        if self._target is not None:
            robot = None
            if place.anchor_pos is not None:
                robot = (*place.anchor_pos[:2], rot.yaw_of(place.anchor_quat))
            view.target_rel = self._target.look(remote, robot)
            view.upper_body_pos = self._upper_body
        if self._velocity is not None:
            self._velocity.look(remote)
            view.velocity, view.gait_phase = self._velocity.velocity, self._velocity.gait_phase
        return view

    def _advance(self) -> None:
        for part in (self.clip, self._velocity):
            if part is not None:
                part.advance()

    def _offset(self) -> np.ndarray:
        """Targets of a zero action, (J,)."""
        if self.clip is None:
            return self._zero
        rows = offset_rows(self.clip.arrays, np.asarray(self.clip.frame))
        return self.clip.arrays["target_offset"][rows]

    def _standing_action(self, state: RobotState) -> np.ndarray:
        """As training begins: the action that asks for the pose the robot is in; 0 where actions are not angles."""
        if self._spec.action.type not in ("P", "DIRECT"):
            return np.zeros_like(self._scale)
        limit = self._spec.action.clip
        return np.clip((state.dof_pos - self._offset()) / self._scale, -limit, limit)


def can_be_steered(spec: BundleSpec) -> bool:
    """Whether a policy can do without a clip: it follows velocities, or all it knows of its clip is where to go."""
    return not any(_reasons_for_a_clip(spec))


def _reasons_for_a_clip(spec: BundleSpec) -> Iterator[str]:
    if spec.action.type == "residual" or spec.action.feed_forward != "none":
        yield "actions are about the clip"
    for name in base_names(spec):
        if name in TERMS and "clip" in TERMS[name][1] and name not in STEERED:
            yield name

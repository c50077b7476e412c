"""One tick of the controller, from what has arrived to the command that goes out. It asks neither clock nor bus.

The same inputs give the same outputs to the last bit, which is how ``replay`` checks a log.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from legged_gym.deploy.action import Commands, TargetLimiter, stand_pose
from legged_gym.deploy.bundle import Bundle
from legged_gym.deploy.deploy_config import DeployCfg
from legged_gym.deploy.height_map import MapInput
from legged_gym.deploy.pilot import Pilot, PilotStep
from legged_gym.deploy.remote import Remote, decode_remote
from legged_gym.deploy.robot_state import MotorMap
from legged_gym.deploy.safety import Facts, Guards, Trip
from legged_gym.deploy.state_machine import (
    DAMPING,
    GUARDED,
    MOVING,
    ButtonReader,
    Event,
    State,
    most_urgent,
    next_state,
)
from legged_gym.deploy.state_watch import StateWatch
from legged_gym.deploy.surroundings import HeightMap, Odometry
from legged_gym.deploy.transport import LowCommand, LowState

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class TickInput:
    """All that a tick depends on."""

    now: float
    """s."""
    scheduled: float
    """When the tick should have begun, s."""
    low: LowState | None
    """The newest state."""
    bad_checksums: int = 0
    """States dropped since."""
    odometry: Odometry | None = None
    height_map: HeightMap | None = None
    battery_soc: float = math.nan
    other_publishers: int = 0
    watchdog_lost: bool = False
    events: tuple[Event, ...] = ()
    """What came from elsewhere than the remote."""


@dataclass(slots=True, eq=False)
class TickResult:
    """What came of a tick."""

    state: State
    """After it."""
    command: LowCommand | None
    """What to send; None: nothing."""
    facts: Facts
    trips: list[Trip] = field(default_factory=list)
    step: PilotStep | None = None
    """What the policy did, if it ran."""
    targets: np.ndarray | None = None
    """(J,) its targets within their limits."""


class Controller:
    """State machine, guards and pilot."""

    def __init__(
        self,
        bundle: Bundle,
        pilot: Pilot,
        cfg: DeployCfg,
        absent: Sequence[str] = (),
        shadow: bool = False,
        sends: bool = True,
    ) -> None:
        """Begin in :attr:`State.WAIT`.

        Args:
            bundle: The policy's.
            pilot: Runs it.
            cfg: Limits, gains, times.
            absent: Joints that the robot does not have.
            shadow: Run the policy all the time and act on nothing: somebody else moves the robot.
            sends: Whether commands reach the motors; if not, nobody wonders why they do not obey.
        """
        spec = bundle.spec
        self.state = State.WAIT
        self.fault: str | None = None
        """Why the damping is latched."""
        self._pilot, self._cfg, self._shadow = pilot, cfg, shadow
        self._motors = MotorMap(spec, absent)
        self._commands = Commands(spec, self._motors, cfg.stand, cfg.safety.damping)
        self._limiter = TargetLimiter(spec, cfg.safety)
        self._guards = Guards(cfg.safety, bundle.reference)
        self._watch = StateWatch(spec, self._motors, obeyed=sends and not shadow)
        self._buttons = ButtonReader()
        grid = spec.height_map
        self._map = None if grid is None else MapInput(grid, cfg.safety.map_flat_s)
        self._wants_odometry, self._wants_map = pilot.needs("odometry"), pilot.needs("height map")
        self._pose = stand_pose(spec, self._motors, pilot.start_pose())
        self._start_pose = pilot.start_pose()
        self._entered = 0.0
        self._ramp_from, self._ramp_strength = self._pose, 0.0
        self._cut_ticks = 0
        self._last_command: LowCommand | None = None

    def step(self, inputs: TickInput) -> TickResult:
        """Look, decide, and make a command. :meth:`finish` has the last word on it."""
        facts = self._watch.look(inputs)
        grid = self._read_sources(inputs, facts)
        remote = Remote(heard=False) if inputs.low is None else decode_remote(inputs.low.remote)
        trips = self._guards.check(facts, self.state, inputs.now)
        self._take_events(inputs, facts, remote, trips)
        result = TickResult(self.state, None, facts, trips)
        if inputs.low is not None:
            if self.state is State.RUN:
                self._run(inputs, grid, remote, result)
            result.command = result.command or self._command(inputs)
        result.state = self.state
        return result

    def finish(self, inputs: TickInput, result: TickResult, finished: float) -> LowCommand | None:
        """The command to send at ``finished`` (s): damping if making it took too long."""
        late = finished - inputs.scheduled
        if late > self._cfg.safety.tick_overdue_s and self.state in MOVING and not self._shadow:
            result.facts.tick_late_s = late
            result.trips = self._guards.check(result.facts, self.state, inputs.now)
            self._fall(result.trips, inputs.now)
            result.state, result.command = self.state, self._commands.damped(inputs.low)
        self._watch.commanded(result.command, finished)
        self._last_command = result.command
        return result.command

    def damping(self, low: LowState | None) -> LowCommand:
        """A command that brakes all motors."""
        return self._commands.damped(low)

    @property
    def damp_s(self) -> float:
        """For how long damping is sent before the end, s."""
        return self._cfg.safety.damp_s

    # ------------------------------------------------------------------ deciding

    def _take_events(self, inputs: TickInput, facts: Facts, remote: Remote, trips: list[Trip]) -> None:
        """Go to another state, if anything asks for it."""
        events = [*inputs.events, *self._buttons.events(remote), *self._own_events(inputs.now)]
        if self._shadow:
            self._shadow_events(events, inputs.now)
            return
        event = most_urgent(events)
        if event is Event.QUIT:
            self._enter(next_state(self.state, event), inputs)
        elif any(trip.rule.action == "damp" for trip in trips):
            self._fall(trips, inputs.now)
        elif event is not None:
            self._follow(event, inputs, facts)

    def _follow(self, event: Event, inputs: TickInput, facts: Facts) -> None:
        target = next_state(self.state, event)
        if target is self.state:
            return
        if event in GUARDED and (reasons := self._refusals(target, inputs, facts)):
            log.warning("refused, %s: %s", event.value, "; ".join(reasons))
            return
        if event is Event.STOP:
            self.fault = "stopped by the operator"
        self._enter(target, inputs)

    def _own_events(self, now: float) -> list[Event]:
        """What time alone brings about."""
        passed = now - self._entered
        if self.state is State.RAMP and passed >= self._cfg.stand.ramp_s:
            return [Event.REACHED]
        if self.state is State.EXITING and passed >= self._cfg.safety.damp_s:
            return [Event.DAMPED]
        return []

    def _shadow_events(self, events: list[Event], now: float) -> None:
        if Event.QUIT in events:
            self.state = State.EXIT
        elif Event.CONNECTED in events:
            log.info("%s -> %s, in shadow", self.state.name, State.RUN.name)
            self.state, self._entered = State.RUN, now
            self._pilot.begin()

    def _refusals(self, target: State, inputs: TickInput, facts: Facts) -> list[str]:
        """Why a state may not be entered now."""
        reasons = [str(trip) for trip in self._guards.would_trip(facts, target)]
        safety = self._cfg.safety
        if State.RUN in (target, self.state):
            error = np.abs(inputs.low.q[self._motors.driven] - self._start_pose).max()
            if not error <= safety.pose_error_rad:
                reasons.append(f"a joint is {error:.2f} rad from the pose, above {safety.pose_error_rad:g}")
        if self.state is State.RUN and not facts.joint_speed_rad_s <= safety.rest_rad_s:
            speed = facts.joint_speed_rad_s
            reasons.append(f"a joint moves at {speed:.1f} rad/s, above {safety.rest_rad_s:g}")
        return reasons

    def _fall(self, trips: list[Trip], now: float) -> None:
        """Latch the damping."""
        target = next_state(self.state, Event.FAULT)
        if self._shadow or target is self.state:
            return
        self.fault = "; ".join(str(trip) for trip in trips if trip.rule.action == "damp")
        log.error("damping, from %s: %s", self.state.name, self.fault)
        self.state, self._entered = target, now

    def _enter(self, target: State, inputs: TickInput) -> None:
        if target is self.state:
            return
        log.info("%s -> %s", self.state.name, target.name)
        if target is State.RAMP:
            self._begin_ramp(inputs.low)
        elif target is State.RUN:
            self._pilot.begin()
            self._limiter.restart()
            self._cut_ticks = 0
        elif target is State.PASSIVE:
            self.fault = None
        self.state, self._entered = target, inputs.now

    def _begin_ramp(self, low: LowState) -> None:
        """From where the joints are, without force; or from the policy's torques, for a robot on its feet."""
        standing = self.state is State.RUN and self._last_command is not None
        self._ramp_strength = 1.0 if standing else 0.0
        if standing:
            self._ramp_from = self._commands.unchanged(low, self._last_command)
        else:
            self._ramp_from = low.q[self._motors.present].astype(np.float64)

    # ------------------------------------------------------------------ commands

    def _command(self, inputs: TickInput) -> LowCommand | None:
        """What states without a policy send."""
        if self.state in DAMPING:
            return self._commands.damped(inputs.low)
        if self.state is State.STAND:
            return self._commands.held(inputs.low, self._pose, 1.0)
        if self.state is State.RAMP:
            share = min(1.0, (inputs.now - self._entered) / self._cfg.stand.ramp_s)
            eased = share * share * (3.0 - 2.0 * share)
            pose = self._ramp_from + eased * (self._pose - self._ramp_from)
            # Gains are full at half of the way, so that the rest of it is under control.
            return self._commands.held(inputs.low, pose, max(self._ramp_strength, min(1.0, 2.0 * share)))
        return None

    def _run(self, inputs: TickInput, grid: np.ndarray | None, remote: Remote, result: TickResult) -> None:
        """A step of the policy, its guards, and its command; damping where they trip."""
        if self._wants_odometry and inputs.odometry is None:
            return  # only in shadow: the guards do not let a robot run like this
        robot = self._motors.robot_state(inputs.low)
        step = result.step = self._pilot.step(robot, inputs.odometry, grid, remote)
        facts = result.facts
        facts.observations_bad = float(np.count_nonzero(~np.isfinite(step.observation)))
        facts.actions_bad = float(np.count_nonzero(~np.isfinite(step.action)) + (step.targets is None))
        if not facts.actions_bad:
            facts.action_size = float(np.abs(step.action).max()) / self._pilot.action_limit
            result.targets, facts.target_cut = self._limiter.limit(step.targets, robot)
            self._cut_ticks = self._cut_ticks + 1 if facts.target_cut > 0.0 else 0
            facts.target_cut_ticks = float(self._cut_ticks)
            result.command = self._commands.driven(inputs.low, result.targets)
        trips = self._guards.check_output(facts, self.state, inputs.now)
        result.trips = [*result.trips, *trips]
        if any(trip.rule.action == "damp" for trip in trips) and not self._shadow:
            self._fall(trips, inputs.now)
            result.command = self._commands.damped(inputs.low)

    def _read_sources(self, inputs: TickInput, facts: Facts) -> np.ndarray | None:
        """The height map's grid; and how old map and odometry are, where the policy needs them."""
        facts.other_publishers = float(inputs.other_publishers)
        facts.watchdog_lost = float(inputs.watchdog_lost)
        facts.battery_soc = inputs.battery_soc
        facts.tick_late_s = inputs.now - inputs.scheduled
        if self._wants_odometry:
            known = inputs.odometry is not None
            facts.odometry_age_s = inputs.now - inputs.odometry.stamp if known else math.inf
        if not self._wants_map:
            return None
        grid, facts.map_age_s = self._map.read(inputs.height_map, inputs.now)
        return grid

"""The control loop in real time: bus, clock, watchdog and log around the :class:`controller.Controller`.

The thread that runs :meth:`Loop.run` owns the command: nothing is sent but by it, once per tick, and nothing is ever
sent twice. When it dies or hangs, the watchdog process brakes the motors.
"""

from __future__ import annotations

import gc
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from legged_gym.bundle.schema import HeightMapSpec
from legged_gym.deploy.controller import Controller, TickInput, TickResult
from legged_gym.deploy.height_map import middle_of
from legged_gym.deploy.realtime import Pacer
from legged_gym.deploy.state_machine import DAMPING, Event, State
from legged_gym.deploy.surroundings import HeightMap, Surroundings
from legged_gym.deploy.tick_log import TickLog
from legged_gym.deploy.transport import LowCommand, LowState, Transport
from legged_gym.deploy.watchdog import Watchdog
from legged_gym.utils.errors import TransportError

log = logging.getLogger(__name__)

FRESH_STATE_S = 0.004
"""Two periods of the robot's states. A tick waits so long for the next state, so that it acts on a fresh one."""
_LOOKOUT_PERIOD_S = 0.5


@dataclass
class LoopCounts:
    """How well time was kept."""

    ticks: int = 0
    late: int = 0
    """Ticks that began more than a period late."""
    missed: int = 0
    """Ticks that were left out."""


class Lookout:
    """Looks for other programs that command the robot, now and then and in a thread of its own: it takes a while."""

    def __init__(self, transport: Transport) -> None:
        """Start looking."""
        self.found: list[str] = []
        self._transport, self._stop = transport, threading.Event()
        self._thread = threading.Thread(target=self._run, name="lookout", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop looking."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(_LOOKOUT_PERIOD_S):
            try:
                self.found = self._transport.other_publishers()
            except TransportError as error:
                log.warning("cannot see who else commands the robot: %s", error)
                return


class Sources:
    """Odometry and height map from outside, each in the form the policy wants."""

    def __init__(self, receivers: Sequence[Surroundings], grid: HeightMapSpec | None) -> None:
        """Take the open receivers; ``grid`` is the policy's map."""
        self._receivers, self._grid = receivers, grid
        self.odometry = None
        """The newest one."""
        self.height_map: HeightMap | None = None
        """The newest one's part that the policy sees."""
        self._seen: HeightMap | None = None
        self._problem = ""

    def poll(self) -> None:
        """Take in what has arrived."""
        for receiver in self._receivers:
            receiver.poll()
            self.odometry = receiver.odometry or self.odometry
            if self._grid is not None and receiver.height_map is not self._seen:
                self._seen = receiver.height_map
                try:
                    self.height_map = middle_of(self._seen, self._grid)
                except TransportError as error:
                    if str(error) != self._problem:  # once, not with every map
                        self._problem = str(error)
                        log.warning("%s", error)

    def close(self) -> None:
        """Close all sockets."""
        for receiver in self._receivers:
            receiver.close()


class Loop:
    """Ticks until the controller has come to its end."""

    def __init__(
        self,
        transport: Transport,
        controller: Controller,
        sources: Sources,
        control_dt: float,
        watchdog: Watchdog | None,
        tick_log: TickLog | None,
    ) -> None:
        """Put the parts together.

        Args:
            transport: The robot's bus.
            controller: Decides.
            sources: What the robot does not tell itself.
            control_dt: Period, s.
            watchdog: Brakes when this process does not; None: nothing is sent at all (dry run, shadow).
            tick_log: Where ticks are written; None: nowhere.
        """
        self._transport, self._controller, self._sources = transport, controller, sources
        self._dt, self._watchdog, self._log = control_dt, watchdog, tick_log
        self._events: deque[Event] = deque()
        self._lookout = Lookout(transport)
        self.counts = LoopCounts()
        self._last_state: LowState | None = None

    def request(self, event: Event) -> None:
        """Have an event happen at the next tick; from any thread or signal handler."""
        self._events.append(event)

    def run(self) -> None:
        """Tick until the controller's end. However it ends, damping is sent for a while before."""
        gc.collect()
        gc.freeze()  # what lives now lives on; later collections need not look at it
        with ExitStack() as at_the_end:
            at_the_end.callback(gc.unfreeze)
            # Also where damping could not be sent: the caller closes the bus next.
            at_the_end.callback(self._lookout.close)
            try:
                self._tick_until_the_end()
            finally:
                if self._controller.state is not State.EXIT:
                    self._damp_out()
                if self._watchdog is not None:
                    self._watchdog.dismiss()  # only now: where damping could not be sent, it brakes

    def _tick_until_the_end(self) -> None:
        pacer = Pacer(self._dt, self._dt)
        while self._controller.state is not State.EXIT:
            late = pacer.wait()
            scheduled = time.monotonic() - late
            self._tick(scheduled)
            self.counts.ticks += 1
            self.counts.late, self.counts.missed = pacer.num_late, pacer.num_skipped

    def _tick(self, scheduled: float) -> None:
        """Look, decide, send, write down."""
        inputs = self._inputs(scheduled)
        result = self._controller.step(inputs)
        finished = time.monotonic()
        command = self._controller.finish(inputs, result, finished)
        sent = self._send(command)
        if self._log is not None:
            self._log.write(inputs, result, finished, sent)
        self._obey_watchdog(result)

    def _inputs(self, scheduled: float) -> TickInput:
        transport, watchdog = self._transport, self._watchdog
        transport.wait(0.0)  # the state that has been waiting for this tick is up to a period old
        self._sources.poll()  # most messages, so that few are left once the state is there
        low = transport.wait(FRESH_STATE_S) or transport.latest()
        self._sources.poll()
        battery = transport.battery()
        events = [self._events.popleft() for _ in range(len(self._events))]  # more may come meanwhile
        self._last_state = low
        return TickInput(
            now=time.monotonic(),
            scheduled=scheduled,
            low=low,
            bad_checksums=transport.counts().bad_crc_in_row,
            odometry=self._sources.odometry,
            height_map=self._sources.height_map,
            battery_soc=math.nan if battery is None else float(battery.soc),
            other_publishers=len(self._lookout.found),
            watchdog_lost=watchdog is not None and (watchdog.took_over or not watchdog.alive),
            events=tuple(events),
        )

    def _send(self, command: LowCommand | None) -> float:
        """Send a command if this loop sends at all; returns when, s, or NaN."""
        if command is None or self._watchdog is None:
            return math.nan
        self._transport.send(command)
        now = time.monotonic()
        self._watchdog.fed(command, now)
        return now

    def _obey_watchdog(self, result: TickResult) -> None:
        """Once this loop damps by itself, the watchdog need not."""
        if self._watchdog is not None and self._watchdog.took_over and result.state in DAMPING:
            self._watchdog.stand_down()

    def _damp_out(self) -> None:
        """The way out when something went wrong: damping for as long as it takes, without the parts that failed."""
        if self._watchdog is None or self._controller.state is State.WAIT:
            return
        command = self._controller.damping(self._last_state)
        end = time.monotonic() + self._controller.damp_s
        while time.monotonic() < end:
            self._transport.send(command)
            self._watchdog.fed(command, time.monotonic())
            time.sleep(self._dt)

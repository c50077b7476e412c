"""A simulated G1 on the real bus: ``python -m legged_gym.deploy.sim_robot --interface lo --domain 1``."""

from __future__ import annotations

import json
import logging
import math
import signal
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from legged_gym.deploy.messages import LOW_STATE
from legged_gym.deploy.realtime import Pacer, use_realtime_scheduling
from legged_gym.deploy.remote import NO_BUTTON, Remote, encode_remote
from legged_gym.deploy.sim_control import ControlServer
from legged_gym.deploy.sim_keyboard import Keyboard
from legged_gym.deploy.sim_robot_actions import Gantry, Plain, Press, Stick, parse_action, parse_schedule
from legged_gym.deploy.sim_robot_commands import LOST_DAMPING, CommandGate
from legged_gym.deploy.sim_robot_faults import FaultOrder, Faults
from legged_gym.deploy.sim_robot_options import SimRobotOptions
from legged_gym.deploy.surroundings import HeightMap, Odometry
from legged_gym.deploy.surroundings_dds import open_sender
from legged_gym.utils.errors import LeggedGymError

log = logging.getLogger(__name__)

PERIOD_S = 0.002
"""500 Hz, as a G1 publishes its states."""
_MOST_BEHIND_S = 0.05
_BATTERY_PERIOD, _ODOMETRY_PERIOD, _MAP_PERIOD = 250, 2, 10
"""In states: 2, 250 and 50 Hz."""
_MAP_CELL_M, _MAP_POINTS = 0.1, 21
"""2 m x 2 m; the points of a policy's 1 m x 1 m grid are among its own."""
_CASING_C, _WINDING_C, _IMU_C, _MOTOR_V = 35, 45, 40, 52.0
_KEPT_EVENTS = 500


class SimRobot:
    """The robot: ``tick`` it every 2 ms, or let ``run`` do so."""

    def __init__(self, options: SimRobotOptions) -> None:
        """Build it and join the bus.

        Raises:
            LeggedGymError: Something it needs does not exist; names it.
        """
        from legged_gym.deploy.sim_robot_body import SimBody
        from legged_gym.deploy.sim_robot_wire import RobotWire

        self.body = body = SimBody(options.body)
        self._faults = Faults(options.seed)
        self._gate = CommandGate(
            body.mode_machine, body.slots, body.dof_lower, body.dof_upper, body.effort_limit
        )
        self._schedule = deque(parse_schedule(options.schedule))
        self._remote = Remote()
        self._held_until = math.inf
        self._blank = _blank_state(body.mode_machine)
        self._ticks = 0
        self._fell = False
        self._events: deque[dict[str, Any]] = deque(maxlen=_KEPT_EVENTS)
        half = _MAP_CELL_M * (_MAP_POINTS - 1) / 2.0
        axis = np.linspace(-half, half, _MAP_POINTS)
        self._map_points = np.stack(np.meshgrid(axis, axis), axis=-1)  # (ny, nx, 2)
        self._pacer = Pacer(PERIOD_S, _MOST_BEHIND_S)
        self._stopping = False
        if options.realtime and not use_realtime_scheduling():
            log.warning("this user may not use real-time scheduling; a busy computer will disturb the robot")
        # DDS starts threads, which take over the scheduling of the one that starts them.
        self._wire = RobotWire(options.interface, options.domain, options.motion_mode, self._faults)
        self._surroundings = [
            open_sender(address, options.interface, options.domain) for address in options.surroundings
        ]
        self._control = ControlServer(options.control, self.do) if options.control else None
        self._keyboard = Keyboard() if options.keyboard else None
        self._started = self._now = time.monotonic()

    # ------------------------------------------------------------------ time

    def run(self, duration_s: float = math.inf) -> None:
        """Live in real time, for so long or until ``stop``."""
        self._started = time.monotonic()
        self._pacer = Pacer(PERIOD_S, _MOST_BEHIND_S)
        while not self._stopping and time.monotonic() - self._started < duration_s:
            self._pacer.wait()
            self.tick(time.monotonic())

    def stop(self) -> None:
        """End ``run``."""
        self._stopping = True

    def tick(self, now: float) -> None:
        """2 ms: what is due, commands, physics, states. ``now`` is ``time.monotonic()``, or a test's clock, s."""
        self._now = now
        self._do_what_is_due(now)
        self._take_commands(now)
        self.body.step()
        self._ticks += 1
        self._publish(now)
        if not self._fell and not self.body.hanging and self.body.fallen:
            self._fell = True
            self._note("fell")

    def close(self) -> None:
        """Leave the bus and close all sockets."""
        for end in (*self._surroundings, self._control, self._keyboard):
            if end is not None:
                end.close()
        del self._wire

    # ------------------------------------------------------------------ actions

    def do(self, action: str) -> dict[str, Any]:
        """Have an action done, see :data:`sim_robot_options.ACTIONS`.

        Returns:
            See :meth:`report`.

        Raises:
            ConfigError: It is none, or an option of it is wrong.
        """
        order = parse_action(action)
        match order:
            case Press(buttons, seconds):
                self._remote = replace(self._remote, buttons=buttons)
                self._held_until = self._now + seconds
            case Stick(places):
                self._remote = replace(self._remote, **places)
            case Gantry("hang", clearance):
                self.body.hang(clearance)
            case Gantry("lower", distance):
                self.body.lower(distance)
            case Gantry("release"):
                self.body.release()
            case FaultOrder("push", speed):
                self.body.push((speed, 0.0))
            case FaultOrder():
                self._faults.add(order, self._now)
            case Plain("clear"):
                self._faults.clear()
            case Plain("reset"):
                self._reset()
        if order != Plain("report"):
            self._note(action)
        return self.report()

    def report(self) -> dict[str, Any]:
        """The state of everything: numbers, texts and lists of them. Times are ``time.monotonic()``, s."""
        data, gate = self.body.data, self._gate
        return {
            "now": self._now,
            "alive_s": self._now - self._started,
            "drive": gate.drive,
            "fallen": self._fell,
            "hanging": self.body.hanging,
            "motion_mode": self._wire.switcher.mode,
            "root_pos_w": data.qpos[:3].tolist(),
            "root_quat_wxyz": data.qpos[3:7].tolist(),
            "root_lin_vel_w": data.qvel[:3].tolist(),
            "states": self._ticks,
            "accepted": gate.accepted,
            "refused": dict(gate.refused),
            "last_accepted": gate.last_accepted,
            "faults": self._faults.names(),
            "late": self._pacer.num_late,
            "skipped": self._pacer.num_skipped,
            "worst_lateness_s": self._pacer.worst_s,
            "events": list(self._events),
        }

    def _reset(self) -> None:
        self.body.reset()
        self._gate.reset()
        self._faults.clear()
        self._fell = False

    # ------------------------------------------------------------------ one tick

    def _do_what_is_due(self, now: float) -> None:
        while self._schedule and self._schedule[0][0] <= now - self._started:
            self.do(self._schedule.popleft()[1])
        if self._control is not None:
            self._control.poll()
        if self._ticks % _MAP_PERIOD == 0:
            self._wire.switcher.poll()
            for action in self._keyboard.actions() if self._keyboard is not None else ():
                self.do(action)
        if now >= self._held_until:
            self._remote, self._held_until = replace(self._remote, buttons=NO_BUTTON), math.inf
        for kind in self._faults.expire(now):
            self._note(f"end of {kind}")

    def _take_commands(self, now: float) -> None:
        gate, before = self._gate, self._gate.drive
        command = gate.take(self._wire.commands(now), bool(self._wire.switcher.mode), now)
        if command is not None:
            self.body.follow(command)
        elif gate.stopped(now):
            self.body.damp(LOST_DAMPING)
        if gate.drive != before:
            self._note(gate.drive)

    def _publish(self, now: float) -> None:
        state, body = self._blank.copy(), self.body
        body.strength = self._faults.size("weak_battery", 1.0)
        state["tick"] = (2 * self._ticks) & 0xFFFFFFFF  # ms
        body.measure(state)
        remote = Remote(heard=False) if "remote_lost" in self._faults else self._remote
        state["remote"] = np.frombuffer(encode_remote(remote), np.uint8)
        self._wire.publish(state, now)
        if self._ticks % _MAP_PERIOD == 0:
            self._wire.publish_remote(remote)
        if self._ticks % _BATTERY_PERIOD == 0:
            self._wire.publish_battery()
        if self._surroundings and "blind" not in self._faults:
            self._publish_surroundings()

    def _publish_surroundings(self) -> None:
        data, now = self.body.data, time.monotonic()
        messages: list[Odometry | HeightMap] = []
        if self._ticks % _ODOMETRY_PERIOD == 0:
            messages.append(Odometry(now, data.qpos[:3], data.qpos[3:7], data.qvel[:3]))
        if self._ticks % _MAP_PERIOD == 0:
            position, yaw = self.body.torso_pose()
            cos, sin = math.cos(yaw), math.sin(yaw)
            xy = position[:2] + self._map_points @ np.array([[cos, sin], [-sin, cos]])
            heights = (self.body.ground.heights(xy) - position[2]).astype(np.float32)
            messages.append(HeightMap(now, position, yaw, _MAP_CELL_M, heights))
        for message in messages:
            for sender in self._surroundings:
                sender.send(message)

    def _note(self, what: str) -> None:
        self._events.append({"time": self._now, "what": what})
        log.info("%.3f s: %s", self._now - self._started, what)


def _blank_state(mode_machine: int) -> np.ndarray:
    """A record of ``messages.LOW_STATE`` with all that does not change."""
    state = np.zeros((), LOW_STATE)
    state["version"], state["mode_machine"], state["imu_temperature"] = (1, 0), mode_machine, _IMU_C
    state["motor"]["temperature"], state["motor"]["voltage"] = (_CASING_C, _WINDING_C), _MOTOR_V
    return state


def main(argv: Sequence[str] | None = None) -> int:
    """Run until interrupted, or for ``--duration``."""
    from legged_gym.deploy.sim_robot_cli import parse_arguments

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        options, duration_s, report = parse_arguments(argv)
        robot = SimRobot(options)
    except LeggedGymError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for number_of_signal in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number_of_signal, lambda *_: robot.stop())
    log.info("the robot is on %s, domain %d", options.interface, options.domain)
    try:
        robot.run(duration_s)
        if report is not None:
            report.write_text(json.dumps(robot.report(), indent=1))
    finally:
        robot.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The log of a run: a line of JSON, then one fixed record per tick with all that went in and came out.

Records are appended as they come, so that a log is whole up to the tick at which a process was killed.
"""

from __future__ import annotations

import hashlib
import json
import queue
import threading
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from legged_gym.bundle.schema import BundleSpec
from legged_gym.deploy.controller import TickInput, TickResult
from legged_gym.deploy.messages import COMMAND_ARRAYS, LOW_STATE_BYTES, decode_state
from legged_gym.deploy.safety import RULES, Facts
from legged_gym.deploy.state_machine import Event, State
from legged_gym.deploy.surroundings import HeightMap, Odometry
from legged_gym.deploy.transport import NUM_SLOTS, LowCommand
from legged_gym.utils.errors import RunError

MAGIC = "legged_gym tick log"
VERSION = 1
STATES, EVENTS = list(State), list(Event)
FACTS = [field.name for field in fields(Facts)]


def record_dtype(spec: BundleSpec, map_shape: tuple[int, int]) -> np.dtype:
    """The record of one tick. ``has_`` fields say which inputs there were; without, theirs are zeros."""
    joints = len(spec.joints)
    return np.dtype(
        [
            ("now", "<f8"),
            ("scheduled", "<f8"),
            ("finished", "<f8"),
            ("sent", "<f8"),
            ("has_state", "?"),
            ("state_received", "<f8"),
            ("raw_state", f"V{LOW_STATE_BYTES}"),
            ("bad_checksums", "<u4"),
            ("has_odometry", "?"),
            ("odometry_stamp", "<f8"),
            ("odometry_pos_w", "<f8", 3),
            ("odometry_quat_wxyz", "<f8", 4),
            ("odometry_lin_vel_w", "<f8", 3),
            ("has_map", "?"),
            ("map_stamp", "<f8"),
            ("map_cell", "<f8"),
            ("map_heights", "<f4", map_shape),
            ("battery_soc", "<f8"),
            ("other_publishers", "<u4"),
            ("watchdog_lost", "?"),
            ("events", "<u4"),
            ("state", "<u1"),
            ("trips", "<u8"),
            ("facts", "<f4", len(FACTS)),
            ("frame", "<i4"),
            ("observation", "<f4", spec.observation.size),
            ("action", "<f4", joints),
            ("applied", "<f8", joints),
            ("targets", "<f8", joints),
            ("has_command", "?"),
            ("command_modes", "<u1", 2),
            *((f"command_{name}", "<u1" if name == "mode" else "<f4", NUM_SLOTS) for name in COMMAND_ARRAYS),
        ]
    )


class TickLog:
    """Writes a log. Records are made in the control loop, files are written by a thread of its own."""

    def __init__(self, path: Path, spec: BundleSpec, header: Mapping[str, Any]) -> None:
        """Open the file.

        Args:
            path: Where to; its folder is made.
            spec: The bundle's.
            header: What a replay needs to make the same controller, and what people want to know.

        Raises:
            RunError: The file cannot be written.
        """
        shape = (0, 0) if spec.height_map is None else spec.height_map.shape
        self._record = np.zeros((), record_dtype(spec, shape))
        head = {"magic": MAGIC, "version": VERSION, "map_shape": shape, **header}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("wb")
        except OSError as error:
            raise RunError(f"cannot write the log {path}: {error.strerror}") from None
        self._file.write(json.dumps(head).encode() + b"\n")
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._drain, name="tick log", daemon=True)
        self._thread.start()

    def write(self, inputs: TickInput, result: TickResult, finished: float, sent: float) -> None:
        """Append a tick. ``finished``, ``sent``: when the command was made and written, s; NaN: it was not sent."""
        row = self._record
        row[()] = np.zeros((), row.dtype)
        row["now"], row["scheduled"], row["finished"], row["sent"] = (
            inputs.now,
            inputs.scheduled,
            finished,
            sent,
        )
        _put_inputs(row, inputs)
        put_outputs(row, result)
        self._queue.put(row.tobytes())

    def close(self) -> None:
        """Write what is left."""
        self._queue.put(None)
        self._thread.join()
        self._file.close()

    def _drain(self) -> None:
        while (data := self._queue.get()) is not None:
            self._file.write(data)
            if self._queue.empty():
                self._file.flush()


def put_outputs(row: np.ndarray, result: TickResult) -> None:
    """Write what came of a tick into a record whose fields for it are zero."""
    step, command = result.step, result.command
    row["state"] = STATES.index(result.state)
    row["trips"] = sum(1 << RULES.index(trip.rule) for trip in result.trips)
    row["facts"] = [getattr(result.facts, name) for name in FACTS]
    row["frame"] = -1 if step is None else step.frame
    if step is not None:
        row["observation"] = step.observation
        if step.action.shape == row["action"].shape:
            row["action"], row["applied"] = step.action, step.applied
    if result.targets is not None:
        row["targets"] = result.targets
    row["has_command"] = command is not None
    if command is not None:
        row["command_modes"] = command.mode_pr, command.mode_machine
        for name in COMMAND_ARRAYS:
            row[f"command_{name}"] = getattr(command, name)


def _put_inputs(row: np.ndarray, inputs: TickInput) -> None:
    low, odometry, ground = inputs.low, inputs.odometry, inputs.height_map
    row["has_state"], row["has_odometry"] = low is not None, odometry is not None
    if low is not None:
        row["state_received"], row["raw_state"] = low.received, np.void(low.raw)
    if odometry is not None:
        row["odometry_stamp"] = odometry.stamp
        row["odometry_pos_w"], row["odometry_quat_wxyz"] = odometry.root_pos_w, odometry.root_quat_wxyz
        row["odometry_lin_vel_w"] = odometry.root_lin_vel_w
    if ground is not None:
        row["has_map"], row["map_stamp"], row["map_cell"] = True, ground.stamp, ground.cell
        row["map_heights"] = ground.heights
    row["bad_checksums"], row["battery_soc"] = inputs.bad_checksums, inputs.battery_soc
    row["other_publishers"], row["watchdog_lost"] = inputs.other_publishers, inputs.watchdog_lost
    row["events"] = sum(1 << EVENTS.index(event) for event in set(inputs.events))


def inputs_of(row: np.ndarray) -> TickInput:
    """The inputs that a record was made of."""
    low = odometry = ground = None
    if row["has_state"]:
        low = decode_state(row["raw_state"].tobytes(), float(row["state_received"]))
    if row["has_odometry"]:
        odometry = Odometry(
            float(row["odometry_stamp"]),
            row["odometry_pos_w"],
            row["odometry_quat_wxyz"],
            row["odometry_lin_vel_w"],
        )
    if row["has_map"]:
        heights = row["map_heights"]
        ground = HeightMap(float(row["map_stamp"]), np.zeros(3), 0.0, float(row["map_cell"]), heights)
    bits = int(row["events"])
    return TickInput(
        now=float(row["now"]),
        scheduled=float(row["scheduled"]),
        low=low,
        bad_checksums=int(row["bad_checksums"]),
        odometry=odometry,
        height_map=ground,
        battery_soc=float(row["battery_soc"]),
        other_publishers=int(row["other_publishers"]),
        watchdog_lost=bool(row["watchdog_lost"]),
        events=tuple(event for i, event in enumerate(EVENTS) if bits >> i & 1),
    )


def read_log(path: Path, spec: BundleSpec | None = None) -> tuple[dict[str, Any], np.ndarray]:
    """The header of a log and, with the bundle's description, its records (T,).

    Raises:
        RunError: It is no log, or not one that this version reads.
    """
    try:
        with path.open("rb") as file:
            header = json.loads(file.readline())
            data = file.read() if spec is not None else b""
    except (OSError, ValueError) as error:
        raise RunError(f"cannot read the log {path}: {error}") from None
    if not isinstance(header, dict) or header.get("magic") != MAGIC:
        raise RunError(f"{path} is no tick log")
    if header["version"] != VERSION:
        raise RunError(f"{path} is a tick log of version {header['version']}; this package reads {VERSION}")
    if spec is None:
        return header, np.zeros(0)
    dtype = record_dtype(spec, tuple(header["map_shape"]))
    return header, np.frombuffer(data, dtype, len(data) // dtype.itemsize)


def command_of(row: np.ndarray) -> LowCommand | None:
    """The command that a record holds."""
    if not row["has_command"]:
        return None
    pr, machine = row["command_modes"]
    return LowCommand(int(pr), int(machine), **{name: row[f"command_{name}"] for name in COMMAND_ARRAYS})


def sha256_of(path: Path) -> str:
    """Hash of a file, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()

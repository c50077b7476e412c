"""Walking, being steered, standing on a loaded computer: what falls, how late commands are, how large it all is."""

from __future__ import annotations

import contextlib
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from legged_gym.bundle.schema import BundleSpec
from legged_gym.deploy.bundle import Bundle
from legged_gym.deploy.deploy_config import SteeringCfg
from legged_gym.deploy.messages import LOW_STATE
from legged_gym.deploy.remote import Remote, decode_remote
from legged_gym.deploy.replay import latencies, open_log
from legged_gym.deploy.rotations import quat, rotate_back, vector, yaw_of, yaw_quat
from legged_gym.deploy.state_machine import State
from legged_gym.deploy.steering import VelocitySteering
from legged_gym.deploy.tick_log import STATES
from legged_gym.deploy.trial_rig import Rig, Setup, memory_mb
from legged_gym.utils.errors import RunError

STICKS: tuple[tuple[float, str], ...] = (
    (0.0, "stick lx=0 ly=0 rx=0"),
    (2.0, "stick ly=1"),
    (10.0, "stick ly=0.8 rx=-0.8"),
    (18.0, "stick ly=0 rx=0"),
    (22.0, "stick ly=-0.6"),
    (28.0, "stick ly=0 lx=-0.8"),
    (34.0, "stick lx=0.8"),
    (40.0, "stick lx=0 rx=1"),
    (46.0, "stick ly=1 rx=-0.4"),
    (56.0, "stick ly=0 rx=0"),
)
"""(seconds after the start, action): every direction, and rest. A longer trial begins again."""
_ROUND_S = 60.0
UPRIGHT = "upright"
"""Outcome of a trial in which nothing happened."""
_LOOK_S = 0.1


@dataclass(frozen=True)
class Walk:
    """What came of one trial."""

    fell_after_s: float | None
    """None: it did not fall."""
    fault: str
    """Why the controller damped; "": it did not."""
    latency_ms: np.ndarray
    """(T,) from the state's arrival to the command, while the policy ran."""
    missed: int
    """Ticks that were left out."""
    asked_m: float
    """How far the sticks asked it to go."""
    went_m: float
    """How far it went into that direction."""

    @property
    def ticks(self) -> int:
        """Ticks of the policy."""
        return len(self.latency_ms)

    @property
    def upright(self) -> bool:
        """Whether it neither fell nor was damped."""
        return self.fell_after_s is None and not self.fault

    @property
    def outcome(self) -> str:
        """How it ended, in words."""
        if self.fell_after_s is not None:
            return f"fell after {self.fell_after_s:.0f} s"
        return self.fault or UPRIGHT


def walk(setup: Setup, seconds: float, steered: bool, seed: int) -> Walk:
    """From the gantry to the ground, and for so long on its own feet, with the policy."""
    try:
        return _walk(setup, seconds, steered, seed)
    except RunError as error:  # it did not come to that; other trials go on
        return Walk(None, str(error), np.zeros(0), 0, 0.0, 0.0)


def _walk(setup: Setup, seconds: float, steered: bool, seed: int) -> Walk:
    with Rig(setup, setup.domain, seed=seed) as rig:
        rig.up(State.STAND)
        rig.robot.do("release")
        time.sleep(1.5)
        rig.up(State.RUN)
        fell = _watched(rig, seconds, STICKS if steered else ())
        fault = _fault(rig)
        rig.end_controller()
        (log,) = rig.logs.iterdir()
        header, records, bundle = open_log(log)
        running = records[(records["state"] == STATES.index(State.RUN)) & np.isfinite(records["sent"])]
        cfg = SteeringCfg(**header["cfg"]["steering"])
        asked, went = _way(running, bundle, cfg) if steered else (0.0, 0.0)
        gaps = np.diff(running["scheduled"]) / bundle.spec.rates.control_dt
        missed = int(np.round(gaps - 1.0).clip(min=0).sum())
        late = latencies(running)["from the state to the command"]
        return Walk(fell, fault, late, missed, asked, went)


def stand_loaded(setup: Setup, seconds: float) -> Walk:
    """Stand without a policy while every core has something else to do."""
    with Rig(setup, setup.domain) as rig:
        rig.up(State.STAND)
        rig.robot.do("release")
        time.sleep(1.5)
        with _load():
            fell = _watched(rig, seconds, ())
        return Walk(fell, _fault(rig), np.zeros(0), 0, 0.0, 0.0)


@dataclass(frozen=True)
class Size:
    """How much the controller needs."""

    started_s: float
    """From its start, interpreter and imports included, until it looks for the robot."""
    controller_mb: float
    both_mb: float
    """With its watchdog; what they share is counted once."""


def size(setup: Setup) -> Size:
    """Start the controller and let its policy run for a second."""
    with Rig(setup, setup.domain) as rig:
        rig.up(State.RUN)
        time.sleep(1.0)
        processes = [rig.controller.pid, *rig.children()]
        both = sum(memory_mb(process, "Pss") for process in processes)
        return Size(rig.started_s, memory_mb(processes[0]), both)


def _watched(rig: Rig, seconds: float, sticks: tuple[tuple[float, str], ...]) -> float | None:
    """Move the sticks and look; when the robot fell, s, or None. Ends early when there is nothing more to see."""
    began, done = time.monotonic(), 0
    plan = [(t + _ROUND_S * k, action) for k in range(math.ceil(seconds / _ROUND_S)) for t, action in sticks]
    while (now := time.monotonic() - began) < seconds:
        while done < len(plan) and plan[done][0] <= now:
            rig.robot.do(plan[done][1])
            done += 1
        if rig.report()["fallen"]:
            return now
        if _fault(rig):
            return None
        time.sleep(_LOOK_S)
    return None


def _fault(rig: Rig) -> str:
    lines = [line for line in rig.said().splitlines() if "damping, from" in line]
    return lines[-1].partition("damping, ")[2] if lines else ""


def _way(running: np.ndarray, bundle: Bundle, cfg: SteeringCfg) -> tuple[float, float]:
    """How far the sticks asked to go, and how far the robot went that way while they did, m."""
    raw = np.frombuffer(running["raw_state"].tobytes(), LOW_STATE)
    dt, asked, went = bundle.spec.rates.control_dt, 0.0, 0.0
    for state, record in zip(raw, running, strict=True):
        forwards, left = _commanded(decode_remote(state["remote"].tobytes()), bundle.spec, cfg)
        speed = math.hypot(forwards, left)
        if not speed or not record["has_odometry"]:
            continue
        heading = yaw_quat(yaw_of(quat(record["odometry_quat_wxyz"])))
        x, y, _ = rotate_back(heading, vector(record["odometry_lin_vel_w"]))
        asked += dt * speed
        went += dt * (x * forwards + y * left) / speed
    return asked, went


def _commanded(remote: Remote, spec: BundleSpec, cfg: SteeringCfg) -> tuple[float, float]:
    """Velocity that the sticks ask for once every ramp is over, forwards and left, m/s."""
    if spec.velocity is None:
        return cfg.lin_vel_x * remote.ly, -cfg.lin_vel_y * remote.lx
    steering = VelocitySteering(spec.velocity, cfg, spec.rates.control_dt)
    steering.look(remote)
    return steering.velocity[:2]


@contextlib.contextmanager
def _load() -> Iterator[None]:
    """A busy loop for every core."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()

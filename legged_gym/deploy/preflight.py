"""What is looked at before the first command, and the report of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from legged_gym.bundle.arrays import joint_array
from legged_gym.bundle.schema import BundleSpec
from legged_gym.deploy import rotations as rot
from legged_gym.deploy.deploy_config import SafetyCfg
from legged_gym.deploy.loop import Sources
from legged_gym.deploy.models import MODELS, absent_joints, model_problems
from legged_gym.deploy.pilot import Pilot
from legged_gym.deploy.robot_state import MotorMap
from legged_gym.deploy.transport import LowState, Transport
from legged_gym.utils.errors import TransportError

log = logging.getLogger(__name__)

CONNECT_S = 10.0
"""How long a robot may take to be heard at all."""
LISTEN_S = 1.0
"""How long its states are counted, and other programs are looked for."""
MIN_STATES_HZ = 450.0
MOST_TILT_RAD = 0.35
RELEASE_S = 10.0


@dataclass(frozen=True)
class Check:
    """One line of the report."""

    name: str
    passed: bool
    found: str


def wait_for_robot(transport: Transport) -> LowState:
    """The first state of the robot.

    Raises:
        TransportError: There is none.
    """
    low = transport.wait(CONNECT_S)
    if low is None:
        bad = transport.counts().bad_crc
        why = f"{bad} states with a wrong checksum" if bad else "no state at all"
        raise TransportError(
            f"no robot heard in {CONNECT_S:g} s: {why}; is it on, and are interface and domain right?"
        )
    return low


def check_robot(
    transport: Transport, spec: BundleSpec, pilot: Pilot, sources: Sources, safety: SafetyCfg
) -> list[Check]:
    """Listen for a second, then judge everything that can be judged without sending a command."""
    before, deadline = transport.counts(), time.monotonic() + LISTEN_S
    while time.monotonic() < deadline:
        sources.poll()
        time.sleep(0.02)
    after = transport.counts()
    low = transport.latest()
    rate = (after.received - before.received) / LISTEN_S
    checks = [
        Check("states", rate >= MIN_STATES_HZ, f"{rate:.0f} per second, at least {MIN_STATES_HZ:g}"),
        Check("checksums", after.bad_crc == before.bad_crc, f"{after.bad_crc - before.bad_crc} wrong"),
        _check_model(low, spec),
    ]
    checks += _check_state(low, MotorMap(spec, absent_joints(low.mode_machine)), spec, safety)
    checks += _check_bus(transport, safety)
    return [*checks, *_check_sources(pilot, sources, safety)]


def release_controller(transport: Transport) -> str:
    """Switch the robot's own controller off, if one is on; the robot goes limp. Returns what was on, or "".

    Raises:
        TransportError: It is still on, or the robot does not answer.
    """
    mode = transport.motion_mode(RELEASE_S)
    if mode:
        log.warning("switching the robot's own controller %r off", mode)
        transport.release_motion_mode(RELEASE_S)
    return mode


def _check_model(low: LowState, spec: BundleSpec) -> Check:
    problems = model_problems(low.mode_machine, spec)
    known = MODELS.get(low.mode_machine)
    text = f"mode_machine {low.mode_machine}: {known.name if known else 'unknown'}"
    if low.mode_pr != 0:
        problems.append(
            f"mode_pr is {low.mode_pr}; policies drive ankles and waist as pitch and roll, which is 0"
        )
    return Check("model", not problems, "; ".join(problems) or text)


def _check_state(low: LowState, motors: MotorMap, spec: BundleSpec, safety: SafetyCfg) -> Iterator[Check]:
    present, driven = motors.present, motors.driven
    finite = all(np.isfinite(x).all() for x in (low.quat_wxyz, low.gyro_b, low.q[present], low.dq[present]))
    yield Check("readings", finite, "all finite" if finite else "some are not finite")
    if not finite or not low.quat_wxyz.any():
        return
    errors = [motors.order[i] for i in present if low.motor_error[i]]
    yield Check("motors", not errors, f"errors of {', '.join(errors)}" if errors else "no errors")
    q = low.q[driven]
    excess = np.maximum(joint_array(spec, "lower") - q, q - joint_array(spec, "upper"))
    worst = int(excess.argmax())
    text = f"{spec.joint_names[worst]} is {excess[worst]:.2f} rad beyond its range"
    within = bool(excess[worst] <= safety.joint_excess_rad)
    yield Check("joints", within, "all within their ranges" if excess[worst] <= 0.0 else text)
    tilt = rot.tilt_of(rot.quat(low.quat_wxyz))
    yield Check("upright", tilt <= MOST_TILT_RAD, f"tilted {tilt:.2f} rad, at most {MOST_TILT_RAD}")
    hottest = int(low.temperature[present].max())
    yield Check("temperature", hottest < safety.casing_warm_c, f"{hottest} °C")
    heard = any(low.remote)
    yield Check("remote", heard, "heard" if heard else "not heard; switch it on")


def _check_bus(transport: Transport, safety: SafetyCfg) -> Iterator[Check]:
    try:
        others = transport.other_publishers()
        yield Check("other programs", not others, "; ".join(others) or "nobody else commands the robot")
    except TransportError as error:
        yield Check("other programs", True, f"unknown: {error}")
    listeners = transport.listeners()
    text = {None: "unknown", 0: "nobody listens to commands"}.get(listeners, f"{listeners} listen")
    yield Check("listeners", listeners != 0, text)
    battery = transport.battery()
    if battery is None:
        yield Check("battery", True, "not heard; look at the robot's own display")
    else:
        yield Check("battery", battery.soc >= safety.battery_low_soc, f"{battery.soc} %")


def _check_sources(pilot: Pilot, sources: Sources, safety: SafetyCfg) -> Iterator[Check]:
    now = time.monotonic()
    for need, newest, limit in (
        ("odometry", sources.odometry, safety.odometry_age_s),
        ("height map", sources.height_map, safety.map_flat_s),
    ):
        if pilot.needs(need):
            age = None if newest is None else now - newest.stamp
            text = "none has arrived" if age is None else f"{1e3 * age:.1f} ms old, at most {1e3 * limit:g}"
            yield Check(need, age is not None and age <= limit, text)

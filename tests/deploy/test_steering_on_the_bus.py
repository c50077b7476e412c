"""A student over the real bus: what its policy is told, by the sticks and by its clip."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from legged_gym.deploy import rotations as rot
from legged_gym.deploy.bundle import Bundle
from legged_gym.deploy.deploy_config import SteeringCfg
from legged_gym.deploy.remote import decode_remote
from legged_gym.deploy.robot_state import AnchorChain, MotorMap
from legged_gym.deploy.state_machine import State
from legged_gym.deploy.tick_log import STATES, inputs_of, read_log
from legged_gym.envs.base.joystick import leashed, moved, ramped

pytestmark = pytest.mark.slow

STICKS = ("stick ly=1", "stick ly=0.4 lx=-1", "stick rx=1", "stick lx=0 ly=-1 rx=-0.5", "stick ly=0 rx=0")


def flown(fly, bundle: Bundle, log: Path, drive: str) -> np.ndarray:
    """The log's records of a policy that ran while the sticks were moved."""
    flight = fly(bundle, log=log, drive=drive)
    flight.up(State.RUN)
    for sticks in STICKS:
        flight.robot.do(sticks)
        time.sleep(0.4)
    _, records = read_log(log, bundle.spec)
    return records[records["state"] == STATES.index(State.RUN)]


def seen(bundle: Bundle, record: np.void) -> np.ndarray:
    """Where the policy was told to go: x, y, turn."""
    terms = {term.name: slice(term.start, term.stop) for term in bundle.spec.observation.terms}
    return np.concatenate([record["observation"][terms[name]] for name in ("torso_xy_rel", "torso_yaw_rel")])


def anchor(bundle: Bundle, record: np.void) -> tuple[float, float, float]:
    """x, y and heading of the robot's anchor in the odometry's world."""
    inputs = inputs_of(record)
    place = AnchorChain(bundle.spec).place(MotorMap(bundle.spec).robot_state(inputs.low), inputs.odometry)
    return (*place.anchor_pos[:2], rot.yaw_of(place.anchor_quat))


def relative(pose: np.ndarray, robot: np.ndarray) -> np.ndarray:
    """A pose seen from the robot's heading frame."""
    x, y = pose[:2] - robot[:2]
    cos, sin = math.cos(robot[2]), math.sin(robot[2])
    turn = math.remainder(pose[2] - robot[2], 2.0 * math.pi)
    return np.array([cos * x + sin * y, cos * y - sin * x, turn])


def test_the_policy_is_told_what_trainings_joystick_makes_of_the_sticks(fly, student_bundle, tmp_path):
    records = flown(fly, student_bundle, tmp_path / "run.ticks", "joystick")
    cfg, dt = SteeringCfg(), student_bundle.spec.rates.control_dt
    robots = torch.tensor([anchor(student_bundle, record) for record in records], dtype=torch.float64)
    pose, velocity = robots[:1], torch.zeros(1, 3, dtype=torch.float64)
    most = np.zeros(3)
    for step, record in enumerate(records):
        if step:
            remote = decode_remote(inputs_of(record).low.remote)
            command = (
                cfg.lin_vel_x * remote.ly,
                -cfg.lin_vel_y * remote.lx,
                -cfg.ang_vel_yaw * remote.rx,
            )
            velocity = ramped(velocity, torch.tensor([command], dtype=torch.float64), dt)
            pose = leashed(moved(pose, velocity, dt), robots[step : step + 1])
        told = seen(student_bundle, record)
        np.testing.assert_allclose(told, relative(pose[0].numpy(), robots[step].numpy()), atol=1e-5)
        most = np.maximum(most, np.abs(told))
    assert (most > 0.05).all()  # ahead, aside and turned
    assert (records["frame"] == -1).all()


def test_led_by_its_clip_it_is_told_where_the_clip_is_and_the_sticks_say_nothing(
    fly, student_bundle, tmp_path
):
    records = flown(fly, student_bundle, tmp_path / "run.ticks", "clip")
    frames = records["frame"]
    assert frames[0] == 0
    assert (np.diff(frames) == 1).all()
    arrays = student_bundle.reference
    robots = np.array([anchor(student_bundle, record) for record in records])
    begin = np.array([*arrays["anchor_pos_w"][0, :2], rot.yaw_of(rot.quat(arrays["anchor_quat_wxyz"][0]))])
    for record, frame, robot in zip(records, frames, robots, strict=True):
        yaw = rot.yaw_of(rot.quat(arrays["anchor_quat_wxyz"][frame]))
        clip = np.array([*arrays["anchor_pos_w"][frame, :2], yaw])
        # The clip has come as far from its beginning as the robot should have from its own.
        wanted, own = relative(clip, begin), relative(robot, robots[0])
        np.testing.assert_allclose(seen(student_bundle, record), relative(wanted, own), atol=1e-5)
    assert np.abs(seen(student_bundle, records[-1])[0]) > 0.1  # it walks away from the robot in its gantry

"""Logs: what goes in comes out, and a controller that is run again on it does the same."""

from __future__ import annotations

import math
from dataclasses import asdict

import numpy as np
import pytest

from legged_gym.bundle.schema import BUNDLE_FILE
from legged_gym.deploy.controller import Controller, TickInput
from legged_gym.deploy.deploy_config import DeployCfg
from legged_gym.deploy.pilot import Pilot
from legged_gym.deploy.policy import load_policy
from legged_gym.deploy.replay import differences, latencies, open_log, recompute, replay, summary
from legged_gym.deploy.state_machine import Event, State
from legged_gym.deploy.surroundings import HeightMap, Odometry
from legged_gym.deploy.tick_log import STATES, TickLog, inputs_of, read_log, sha256_of
from legged_gym.utils.errors import RunError
from tests.deploy.robots import make_low_state


@pytest.fixture
def logged(student_bundle, tmp_path):
    """Two seconds of a shadow run with maps that come and go, and what went into it."""
    bundle, cfg = student_bundle, DeployCfg()
    pilot = Pilot(bundle, load_policy(bundle), cfg.steering)
    controller = Controller(bundle, pilot, cfg, shadow=True, sends=False)
    path = tmp_path / "logs" / "run.ticks"
    header = {
        "bundle": str(bundle.folder),
        "bundle_sha256": sha256_of(bundle.folder / BUNDLE_FILE),
        "pilot": {"runtime": "onnx", "drive": "auto", "clip": None, "at_end": "stay"},
        "absent": [],
        "shadow": True,
        "sends": False,
        "cfg": asdict(cfg),
        "time": "now",
    }
    log, rng, given = TickLog(path, bundle.spec, header), np.random.default_rng(0), []
    for tick in range(100):
        now = 50.0 + 0.02 * tick
        q = dict(zip(bundle.spec.joint_names, rng.normal(size=len(bundle.spec.joints)) * 0.1, strict=True))
        heights = rng.normal(size=(11, 11)).astype(np.float32) - 0.8
        ground = HeightMap(now - 0.05, np.zeros(3), 0.0, 0.1, heights) if tick % 3 else None
        place = Odometry(now - 0.01, rng.normal(size=3), np.array([1.0, 0.0, 0.0, 0.0]), rng.normal(size=3))
        inputs = TickInput(
            now=now,
            scheduled=now - 0.001,
            low=make_low_state(bundle, q=q, tick=tick, received=now - 0.002) if tick else None,
            bad_checksums=tick % 4,
            odometry=place if tick % 5 else None,
            height_map=ground,
            battery_soc=math.nan if tick % 2 else 80.0,
            other_publishers=tick % 2,
            watchdog_lost=tick == 7,
            events=(Event.CONNECTED,) if tick == 1 else (Event.QUIT, Event.QUIT) if tick == 99 else (),
        )
        result = controller.step(inputs)
        result.command = controller.finish(inputs, result, now + 0.001)
        log.write(inputs, result, now + 0.001, now + 0.002 if tick else math.nan)
        given.append(inputs)
    log.close()
    return path, given


def test_inputs_come_out_as_they_went_in(logged, student_bundle):
    path, given = logged
    _, records = read_log(path, student_bundle.spec)
    assert len(records) == len(given)
    for record, was in zip(records, given, strict=True):
        found = inputs_of(record)
        assert (found.low is None) == (was.low is None)
        assert was.low is None or (found.low.raw, found.low.received) == (was.low.raw, was.low.received)
        for name in ("now", "scheduled", "bad_checksums", "other_publishers", "watchdog_lost"):
            assert getattr(found, name) == getattr(was, name)
        assert set(found.events) == set(was.events)
        np.testing.assert_equal(found.battery_soc, was.battery_soc)
        if was.odometry is not None:
            np.testing.assert_array_equal(found.odometry.root_pos_w, was.odometry.root_pos_w)
        if was.height_map is not None:
            np.testing.assert_array_equal(found.height_map.heights, was.height_map.heights)
        assert (found.height_map is None, found.odometry is None) == (
            was.height_map is None,
            was.odometry is None,
        )


def test_a_controller_that_is_run_again_does_the_same_to_the_last_bit(logged):
    header, records, bundle = open_log(logged[0])
    assert (records["state"] == STATES.index(State.RUN)).sum() == 98
    assert differences(records, recompute(header, records, bundle)) == []
    spoilt = records.copy()
    spoilt["raw_state"][50] = spoilt["raw_state"][49]
    (first, *_) = differences(spoilt, recompute(header, spoilt, bundle))
    assert "first tick 50" in first


def test_times_are_differences_of_stamps(logged):
    _, records, _ = open_log(logged[0])
    times = latencies(records[1:])
    np.testing.assert_allclose(times["late at the start"], 1.0, atol=1e-6)
    np.testing.assert_allclose(times["from the start to the command"], 2.0, atol=1e-6)
    np.testing.assert_allclose(times["from the state to the command"], 4.0, atol=1e-6)
    np.testing.assert_allclose(times["between commands"], 20.0, atol=1e-6)
    assert "99 ticks" not in summary(records)[0]
    assert summary(records)[0] == "100 ticks, 2.0 s"


def test_the_program_says_so_and_draws(logged, tmp_path, capsys):
    path, _ = logged
    picture = tmp_path / "log.png"
    assert replay([str(path), "--plots", str(picture), "--against", str(path)]) == 0
    assert "computed again: the same to the last bit" in capsys.readouterr().out
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_log_that_was_cut_off_is_read_up_to_there(logged, student_bundle):
    path, _ = logged
    path.write_bytes(path.read_bytes()[:-100])
    assert len(read_log(path, student_bundle.spec)[1]) == 99


def test_what_is_no_log_or_of_another_bundle_is_refused(logged, tracker_bundle, tmp_path):
    path, _ = logged
    with pytest.raises(RunError, match="is not the bundle of"):
        open_log(path, tracker_bundle.folder)
    other = tmp_path / "other"
    other.write_text('{"magic": "mine"}\n')
    with pytest.raises(RunError, match="is no tick log"):
        open_log(other)
    other.write_bytes(b"\x00\x01")
    with pytest.raises(RunError, match="cannot read the log"):
        open_log(other)
    with pytest.raises(RunError, match="cannot write the log"):
        TickLog(other / "below.ticks", tracker_bundle.spec, {})

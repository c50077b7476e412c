"""The controller's program as users start it, against a simulated robot in the gantry."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from legged_gym.deploy.replay import differences, open_log, recompute, summary
from tests.deploy.flights import until

pytestmark = pytest.mark.slow


@pytest.fixture
def ready(robot_process, program, tracker_bundle, tmp_path):
    """Starts both, with options of the controller; returns when commands are sent, or would be."""

    def start(*arguments: str, robot: tuple[str, ...] = ()):
        address = f"unix:{tmp_path / 'around'}"
        sim = robot_process("--bundle", str(tracker_bundle.folder), "--surroundings", address, *robot)
        running = program(tracker_bundle, "--odometry", address, *arguments)
        running.until_said("WAIT ->")
        return sim, running

    return start


def walk(sim) -> None:
    """Press what an operator would."""
    sim.do("press START for=0.1")
    time.sleep(1.5)
    sim.do("press A for=0.1")
    time.sleep(0.5)


def drives(sim) -> list[str]:
    return [e["what"] for e in sim.do("report")["events"] if e["what"] in ("driven", "damping", "lost")]


def test_it_checks_releases_the_robots_own_controller_and_ends_in_damping(ready):
    sim, running = ready()
    said = running.said()
    for line in ("ok    states", "ok    model           mode_machine 5: 29 joints", "ok    odometry"):
        assert line in said
    assert "switching the robot's own controller 'ai' off" in said
    assert sim.do("report")["motion_mode"] == ""
    walk(sim)
    assert drives(sim) == ["damping", "driven"]
    before = sim.do("report")
    running.process.send_signal(signal.SIGTERM)
    assert running.wait() == 0
    after = sim.do("report")
    assert after["accepted"] - before["accepted"] >= 25  # half a second of commands
    until(lambda: drives(sim) == ["damping", "driven", "damping", "lost"], "the end")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_controller_that_is_killed_or_stopped_is_followed_by_damping(ready, how):
    sim, running = ready()
    walk(sim)
    last = time.monotonic()
    running.process.send_signal(how)
    until(lambda: drives(sim)[-1] == "damping", "damping")
    took = next(e["time"] for e in reversed(sim.do("report")["events"]) if e["what"] == "damping") - last
    assert took < 0.25  # on a quiet computer 0.1
    time.sleep(0.5)
    assert drives(sim)[-1] == "damping"  # it goes on
    if how == signal.SIGSTOP:
        running.process.send_signal(signal.SIGCONT)
        running.until_said("damping, from RUN")
        time.sleep(0.5)
        assert "driven" not in drives(sim)[2:]


def test_a_log_computed_again_is_the_same_to_the_last_bit_even_of_a_killed_controller(ready):
    sim, running = ready()
    walk(sim)
    running.process.send_signal(signal.SIGKILL)
    running.wait()
    (path,) = running.logs.iterdir()
    header, records, bundle = open_log(path)
    assert len(records) > 80
    again = recompute(header, records, bundle)
    assert differences(records, again) == []
    assert any(line.strip().startswith("RUN") for line in summary(records))
    spoilt = records.copy()
    spoilt["action"][-1, 3] += 1e-6
    assert differences(spoilt, again) == [
        f"action: 1 of {len(records)} ticks differ, first tick {len(records) - 1}"
    ]


def test_a_dry_run_decides_everything_and_sends_nothing(ready):
    sim, running = ready("--dry_run")
    walk(sim)
    running.until_said("PASSIVE -> RAMP")
    assert sim.do("report")["accepted"] == 0
    assert sum(sim.do("report")["refused"].values()) == 0
    assert sim.do("report")["motion_mode"] == "ai"  # the robot's own controller keeps it up


def test_shadow_runs_the_policy_and_sends_nothing(ready):
    sim, running = ready("--shadow")
    time.sleep(1.0)
    running.process.send_signal(signal.SIGINT)
    assert running.wait() == 0
    assert sim.do("report")["accepted"] == 0
    (path,) = running.logs.iterdir()
    header, records, bundle = open_log(path)
    assert header["shadow"]
    assert any("RUN" in line for line in summary(records))
    assert differences(records, recompute(header, records, bundle)) == []


def refused(running) -> str:
    assert running.wait() == 2
    return running.said()


def test_a_policy_without_its_sources_does_not_start(program, tracker_bundle):
    said = refused(program(tracker_bundle))
    assert "anchor_pos_error_b needs where the robot is and how fast it moves" in said
    assert "base_lin_vel needs" in said
    assert "dof_pos" not in said


def test_no_robot_is_said_after_a_while(program, tracker_bundle, tmp_path):
    said = refused(program(tracker_bundle, "--odometry", f"unix:{tmp_path / 'around'}"))
    assert "no robot heard in 10 s: no state at all; is it on, and are interface and domain right?" in said


def test_two_controllers_are_one_too_many(ready, program, tracker_bundle, tmp_path):
    ready()
    second = program(tracker_bundle, "--odometry", f"unix:{tmp_path / 'other'}")
    said = refused(second)
    assert "FAIL  other programs" in said
    assert "pre-flight checks failed:" in said


def test_the_wrong_model_does_not_start(robot_process, program, tracker_bundle, tmp_path):
    address = f"unix:{tmp_path / 'around'}"
    robot_process("--surroundings", address, "--mode-machine", "4")
    said = refused(program(tracker_bundle, "--odometry", address))
    assert "the policy drives waist_roll_joint, waist_pitch_joint, which this model (23 joints" in said


def test_a_real_robot_is_not_moved_without_a_word_on_a_terminal(program, tracker_bundle):
    said = refused(program(tracker_bundle, "--domain", "0"))
    assert "--domain is 0 without --real" in said


def test_it_is_small(ready):
    _, running = ready()
    proc = Path("/proc") / str(running.process.pid)
    status = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
    assert int(status["VmRSS"].split()[0]) < 120_000  # kB
    maps = (proc / "maps").read_text()
    assert not [lib for lib in ("torch", "mujoco", "scipy", "matplotlib") if f"/{lib}/" in maps]

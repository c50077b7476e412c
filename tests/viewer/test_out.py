"""What people take away from the page, written for real."""

from __future__ import annotations

import time
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import torch
from PIL import Image

from legged_gym.utils.errors import RunError
from legged_gym.viewer.recorder import LONGEST_S, Recorder
from legged_gym.viewer.session import Session, untrained


def finish(viewer) -> None:
    """Let what is under way come to its end, and its result come back."""
    end = time.monotonic() + 120.0
    while viewer.out._jobs.running and time.monotonic() < end:
        time.sleep(0.05)
    viewer.page.fulfil()


@pytest.mark.slow
def test_export_writes_the_bundle_that_export_py_writes(make_viewer, workdir: Path) -> None:
    from legged_gym.deploy.bundle import read_bundle

    viewer = make_viewer()
    viewer.out._folder.value = "mine"
    viewer.out.export()
    finish(viewer)
    bundle = read_bundle(workdir / "mine")
    assert bundle.spec.provenance.iteration == 2


def test_an_untrained_policy_is_not_exported(make_viewer) -> None:
    viewer = make_viewer("--policy=zero")
    with pytest.raises(RunError, match="choose a checkpoint"):
        viewer.out.export()


@pytest.mark.parametrize("form", ["mp4", "gif"])
@pytest.mark.slow
def test_a_recording_becomes_a_video_that_lasts_as_long(make_viewer, workdir: Path, form: str) -> None:
    viewer = make_viewer("--policy=zero")
    viewer.out._format.value = form
    viewer.out.record()
    for _ in range(25):
        viewer._step()
    viewer.out.record()
    finish(viewer)
    (file,) = (workdir / "recordings").iterdir()
    assert file.suffix == f".{form}"
    if form == "mp4":
        _, seconds = imageio_ffmpeg.count_frames_and_secs(str(file))
    else:
        with Image.open(file) as picture:
            frames = picture.n_frames
            seconds = frames * picture.info["duration"] / 1e3
        assert frames > 5
    assert seconds == pytest.approx(0.5, abs=0.15)


def test_a_recording_holds_the_states_that_were_seen(make_env) -> None:
    session = Session(make_env, 2, untrained("zero", 1))
    session.selected = 1
    recorder = Recorder(session)
    recorder.start()
    seen = []
    for _ in range(4):
        session.step()
        recorder.note()
        seen.append(session.env.sim.dof_pos[1].clone())
    recording = recorder.stop()
    np.testing.assert_allclose(recording.robot[:, 7:], torch.stack(seen).numpy(), atol=1e-6)
    np.testing.assert_allclose(recording.time, [0.0, 0.02, 0.04, 0.06], atol=1e-9)
    assert recording.reference.shape == recording.robot.shape and not recorder.running


def test_nothing_is_recorded_while_time_stands_still(make_env) -> None:
    recorder = Recorder(Session(make_env, 1, untrained("zero", 1)))
    recorder.start()
    assert recorder.stop() is None


def test_a_recording_ends_by_itself(make_env) -> None:
    session = Session(make_env, 1, untrained("zero", 1))
    recorder = Recorder(session)
    recorder.start()
    recorder._states = [()] * round(LONGEST_S / session.env.step_dt)
    recorder.note()
    assert "after 120 s" in recorder.why_over
    assert len(recorder._states) == round(LONGEST_S / session.env.step_dt)


@pytest.mark.slow
def test_a_clip_is_judged_by_the_evaluations_rules(make_viewer) -> None:
    viewer = make_viewer("--policy=zero")
    panel = viewer._panels[3]
    viewer.session.choose(1)
    panel.judge()
    finish(viewer)
    assert "**zero** on **short**" in panel._table.content and "success" in panel._table.content
    assert panel.rates["short"] == 1.0  # the clip stands still, as the action zero does
    viewer.play.refresh()
    assert "short (100%)" in viewer.play._place.options

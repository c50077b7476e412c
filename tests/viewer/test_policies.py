"""Runs and checkpoints on the page, with a real run and what may happen to its files."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest

from legged_gym.utils.errors import RunError
from legged_gym.viewer import policy_panel
from legged_gym.viewer.policy_panel import PolicyPanel


@pytest.fixture(autouse=True)
def always_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_panel, "LOOK_S", 0.0)


@pytest.fixture
def viewer(make_viewer):
    return make_viewer()


@pytest.fixture
def panel(viewer) -> PolicyPanel:
    return viewer.policy


def run_of(workdir: Path) -> Path:
    return next((workdir / "logs" / "g1_deepmimic").iterdir())


def test_the_newest_checkpoint_of_the_newest_run_plays_first(panel: PolicyPanel, workdir: Path) -> None:
    player = panel._session.player
    assert player.checkpoint == run_of(workdir) / "model_2.pt"
    assert panel._checkpoint.options == ("2", "1") and panel._checkpoint.value == "2"
    assert panel._run.value == run_of(workdir).name


def test_another_checkpoint_is_swapped_in_without_a_pause(panel: PolicyPanel, viewer, workdir: Path) -> None:
    session = viewer.session
    for _ in range(3):
        session.step()
    frame, old = session.clips.frame(0), session._policy
    panel.choose_checkpoint("1")
    assert session.player.checkpoint.name == "model_1.pt" and session._policy is not old
    assert session.clips.frame(0) == frame


def test_a_run_that_trains_is_followed(panel: PolicyPanel, workdir: Path) -> None:
    run = run_of(workdir)
    panel.follow(True)
    shutil.copy(run / "model_2.pt", run / "model_3.pt")
    panel.refresh()
    assert panel._session.player.checkpoint.name == "model_3.pt"
    panel.choose_checkpoint("1")
    panel.refresh()
    assert panel._session.player.checkpoint.name == "model_1.pt"  # choosing ends following


def test_a_checkpoint_that_is_still_being_written_is_left_alone(panel: PolicyPanel, workdir: Path) -> None:
    run = run_of(workdir)
    panel.follow(True)
    (run / "model_3.pt").write_bytes((run / "model_2.pt").read_bytes()[:1000])
    panel.refresh()
    assert panel._session.player.checkpoint.name == "model_2.pt"


def test_a_checkpoint_that_does_not_fit_ends_following_and_is_said(
    panel: PolicyPanel, workdir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import torch

    run = run_of(workdir)
    content = torch.load(run / "model_2.pt", weights_only=True)
    content["joint_names"] = content["joint_names"][:-1]
    torch.save(content, run / "model_3.pt")
    panel.follow(True)
    with caplog.at_level(logging.WARNING, "legged_gym"):
        panel.refresh()
        panel.refresh()
    assert panel._session.player.checkpoint.name == "model_2.pt"
    assert caplog.text.count("not going over to iteration 3") == 1


def test_a_deleted_checkpoint_plays_on_and_is_said_once(
    panel: PolicyPanel, viewer, workdir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (run_of(workdir) / "model_2.pt").unlink()
    with caplog.at_level(logging.WARNING, "legged_gym"):
        panel.refresh()
        panel.refresh()
    viewer.session.step()
    assert caplog.text.count("was deleted; the policy plays on from memory") == 1
    assert "file is gone" in panel._status.content


def test_a_deleted_run_plays_on(panel: PolicyPanel, viewer, workdir: Path) -> None:
    shutil.rmtree(run_of(workdir))
    panel.refresh()
    viewer.session.step()
    with pytest.raises(RunError, match="gone"):
        panel.choose_checkpoint("1")


def test_untrained_policies_can_be_chosen(panel: PolicyPanel, viewer) -> None:
    panel.play(panel._shelf.untrained("random"))
    panel.refresh()
    viewer.session.step()
    assert viewer.session.player.name == "random" and panel._checkpoint.value == policy_panel.NOTHING


def test_two_checkpoints_play_side_by_side(panel: PolicyPanel, viewer) -> None:
    panel.keep_beside()
    panel.choose_checkpoint("1")
    session = viewer.session
    assert session.env.num_envs == 2
    assert [session.player_of(i).checkpoint.stem for i in (0, 1)] == ["model_1", "model_2"]
    session.step()
    assert not (session.env.actions[0] == session.env.actions[1]).all()
    panel.alone()
    assert session.rival is None


def test_a_run_from_elsewhere_is_listed(make_viewer, workdir: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.move(run_of(workdir), elsewhere)
    viewer = make_viewer(f"--load_run={elsewhere}")
    assert viewer.policy._run.value == "elsewhere"
    viewer.policy.choose_checkpoint("1")
    assert viewer.session.player.checkpoint == elsewhere / "model_1.pt"


def test_success_rates_of_the_run_stand_beside_the_clips(viewer, workdir: Path) -> None:
    from legged_gym.scripts._viewing import success_rates

    run = run_of(workdir)
    (run / "clips.csv").write_text("clip,success_rate,episodes\nlong,0.9,10\nshort,,0\n")
    assert success_rates(run / "model_2.pt") == {"long": 0.9}
    (run / "evaluation.json").write_text(
        '{"provenance": {"iteration": 2}, "clips": {"long": {"success_rate": 0.5}, "short": {"success_rate": 1.0}}}'
    )
    assert success_rates(run / "model_2.pt") == {"long": 0.5, "short": 1.0}
    assert success_rates(run / "model_1.pt") == {"long": 0.9}
    (run / "evaluation.json").write_text("half a fi")
    assert success_rates(run / "model_2.pt") == {"long": 0.9}

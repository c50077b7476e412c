"""Driving by hand on the page, with a real server that nobody watches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from legged_gym.utils.errors import ConfigError
from legged_gym.viewer import walk_pad
from legged_gym.viewer.command_panel import CommandPanel
from legged_gym.viewer.page import Page
from legged_gym.viewer.recorder import Recorder
from legged_gym.viewer.session import Session, untrained
from tests.viewer.servers import free_server


@pytest.fixture
def page() -> Iterator[Page]:
    server = free_server()
    yield Page(server)
    server.stop()


@pytest.fixture
def student(make_student) -> Session:
    return Session(make_student, 1, untrained("zero", 1))


@pytest.fixture
def panel(page: Page, student: Session) -> CommandPanel:
    return CommandPanel(page, student)


def asked(session: Session) -> list[float]:
    """What the robot's target is to move at."""
    return pytest.approx(session.env.joystick.commands.value[0].tolist())


def test_keys_add_up_show_on_the_sliders_and_stop(panel: CommandPanel, student: Session) -> None:
    for _ in range(3):
        panel.add(0, 0.1)
    panel.add(2, -0.1)
    assert asked(student) == [0.3, 0.0, -0.1]
    assert [part.value for part in panel._parts] == pytest.approx([0.3, 0.0, -0.1])
    panel.halt()
    assert asked(student) == [0.0, 0.0, 0.0] and student.stage.lead == "hand"


def test_keys_go_no_further_than_the_sliders(panel: CommandPanel, student: Session) -> None:
    for _ in range(9):
        panel.add(0, 0.1)
        panel.add(1, -0.1)
    assert asked(student) == [0.5, -0.3, 0.0]


def test_a_clip_leads_again_when_it_is_chosen(panel: CommandPanel, student: Session) -> None:
    panel.choose_lead("my command")
    panel._parts[0].value = 0.2
    panel.ask()
    assert student.env.joystick is not None and asked(student) == [0.2, 0.0, 0.0]
    panel.choose_lead("the clip")
    assert student.env.joystick is None
    panel.choose_lead("commands that change")
    assert student.env.joystick is not None and student.stage.lead == "drawn"


def test_a_button_that_is_held_speeds_up_and_one_that_is_let_go_slows_down(
    panel: CommandPanel, student: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel.add(2, 0.1)
    monkeypatch.setattr(walk_pad, "RELEASED_S", 1e6)  # the machine may be slow
    panel._pad.hold("w")
    for _ in range(10):
        student.step()
        panel.note()
    # By 0.6 m/s^2 for 0.2 s; nobody turns any more.
    assert asked(student) == [0.12, 0.0, 0.0]
    monkeypatch.setattr(walk_pad, "RELEASED_S", -1.0)
    for _ in range(5):
        panel.note()
    assert asked(student) == [0.06, 0.0, 0.0]
    for _ in range(6):
        panel.note()
    assert asked(student) == [0.0, 0.0, 0.0]
    panel.add(0, 0.1)  # the buttons leave it to others again
    panel.note()
    assert asked(student) == [0.1, 0.0, 0.0]


def test_a_policy_that_sees_its_clip_says_why_nobody_can_drive_it(page: Page, make_env) -> None:
    panel = CommandPanel(page, Session(make_env, 1, untrained("zero", 1)))
    panel.note()
    panel.refresh()
    text = "".join(
        str(message.props.__dict__)
        for message in page.server.gui._websock_interface.get_message_buffer().message_from_id.values()
        if type(message).__name__ == "GuiMarkdownMessage"
    )
    assert "Nobody can drive this policy" in text and "residual" in text


def test_what_is_recorded_of_a_driven_robot_is_a_walk(student: Session) -> None:
    recorder = Recorder(student)
    student.drive("hand", (0.3, 0.0, 0.1))
    recorder.start()
    for _ in range(3):
        student.step()
        recorder.note()
    student.drive("clip")
    assert "take over" in recorder.why_over
    recorder.note()
    recording = recorder.stop()
    assert recording.name == "long, by command" and len(recording.time) == 3
    assert recording.command.tolist() == [pytest.approx([0.3, 0.0, 0.1])] * 3


# ---------------------------------------------------------------------- the command line

STUDENT = ["--task=g1_deepmimic_dagger", "--env.sim.num_threads=1", "--policy=zero"]


def test_the_page_begins_with_the_command_that_is_asked_for(make_viewer, clip_folder) -> None:
    clips = f"--env.deepmimic.amass_replay_data_path={clip_folder}"
    viewer = make_viewer(*STUDENT, clips, "--clip=short", "--command=0.7,0,0.2")
    session = viewer.session
    assert asked(session) == [0.7, 0.0, 0.2] and session.playing() == "zero on short, by command"
    assert [part.value for part in viewer.command._parts] == pytest.approx([0.7, 0.0, 0.2])
    assert viewer.command._lead.value == "my command"


def test_by_joystick_it_begins_on_level_ground_with_the_tasks_clips_at_hand(make_command) -> None:
    from legged_gym.scripts._viewing import viewing_cfg

    typed = make_command(*STUDENT, "--joystick")
    command = replace(typed, given=typed.given - {"env.deepmimic.amass_replay_data_path"})
    own = command.cfg.env.deepmimic.amass_replay_data_path
    assert viewing_cfg(command).deepmimic.amass_replay_data_path == ["g1/stand.npz", *own]


def test_a_policy_that_nobody_can_drive_is_refused_before_anything_is_built(make_command) -> None:
    from legged_gym.scripts._viewing import viewing_cfg

    with pytest.raises(ConfigError, match="no joystick can drive"):
        viewing_cfg(make_command("--policy=zero", "--command=0.3,0,0"))

"""What is watched: steps, places, policies and robots, without a page."""

from __future__ import annotations

import pytest
import torch

from legged_gym.utils.errors import ConfigError
from legged_gym.viewer.episodes import SUCCESS
from legged_gym.viewer.session import Player, Session, untrained
from legged_gym.viewer.stage import ClipStage, WalkStage
from tests.viewer.conftest import FRAMES


@pytest.fixture
def session(make_env) -> Session:
    """One robot that gets the action zero."""
    return Session(make_env, 1, untrained("zero", 1))


def constant(value: float) -> Player:
    """A policy that always answers the same."""
    return Player(f"{value:g}", lambda env: lambda _: torch.full((env.num_envs, env.num_actions), value))


def test_it_begins_at_the_first_frame_of_the_first_clip_exactly_on_the_reference(session: Session) -> None:
    env = session.env
    assert session.stage.names == list(FRAMES) and session.clips.frame(0) == 0
    torch.testing.assert_close(env.sim.dof_pos, env.reference.dof_pos)


def test_a_step_takes_the_reference_on_by_a_frame(session: Session) -> None:
    session.step()
    assert session.clips.frame(0) == 1
    assert session.env.episode_length_buf.tolist() == [1]


def test_scrubbing_puts_the_robot_on_the_reference_at_that_frame(session: Session) -> None:
    session.scrub(30)
    env = session.env
    assert session.clips.frame(0) == 30
    torch.testing.assert_close(env.sim.dof_pos, env.data.dof_pos[30:31])


def test_scrubbing_ends_at_the_clips_last_frame(session: Session) -> None:
    session.choose(1)
    session.scrub(10_000)
    assert session.clips.frame(0) == FRAMES["short"] - 1


def test_choosing_a_clip_starts_it_and_every_later_episode_is_of_it(session: Session) -> None:
    session.choose(1)
    assert int(session.env.data.clip_of(session.env.frame)[0]) == 1
    for _ in range(FRAMES["short"]):
        session.step()
    assert session.episodes.episodes[0].on == "short"
    assert int(session.env.data.clip_of(session.env.frame)[0]) == 1


def test_episodes_begin_at_the_start_frame(session: Session) -> None:
    session.clips.begin_at(20)
    session.restart()
    assert session.clips.frame(0) == 20


def test_a_start_frame_leaves_an_episode_ahead(session: Session) -> None:
    session.clips.begin_at(10_000)
    assert session.clips.start_frame == FRAMES["long"] - 3


def test_without_physics_the_robot_is_where_its_reference_is(session: Session) -> None:
    session.set_kinematic(True)
    for _ in range(5):
        session.step()
    env = session.env
    assert session.clips.frame(0) == 5
    torch.testing.assert_close(env.sim.dof_pos, env.data.dof_pos[5:6])
    torch.testing.assert_close(env.sim.body_pos_w, env.reference.body_pos_w, atol=2e-4, rtol=0.0)


def test_without_physics_the_clip_begins_again_after_its_end(session: Session) -> None:
    session.choose(1)
    session.set_kinematic(True)
    for _ in range(FRAMES["short"]):
        session.step()
    assert session.clips.frame(0) == 0


def test_physics_goes_on_from_where_the_clip_was(session: Session) -> None:
    session.set_kinematic(True)
    for _ in range(7):
        session.step()
    session.set_kinematic(False)
    assert session.clips.frame(0) == 7
    session.step()
    assert session.clips.frame(0) == 8


def test_an_episode_is_logged_with_its_clip_policy_start_and_length(session: Session) -> None:
    session.choose(1)
    session.scrub(FRAMES["short"] - 6)
    for _ in range(5):
        session.step()
    episode = session.episodes.episodes[0]
    assert (episode.on, episode.policy, episode.outcome) == ("short", "zero", SUCCESS)
    assert episode.start_s == pytest.approx(0.02 * (FRAMES["short"] - 6))
    assert episode.seconds == pytest.approx(0.1)


def test_a_failure_is_logged_with_its_cause(session: Session) -> None:
    session.push(torch.tensor([30.0, 0.0, 0.0]))
    for _ in range(40):
        session.step()
        if session.episodes.episodes:
            break
    assert session.episodes.episodes[0].outcome in session.env.termination_names
    assert session.episodes.causes().total() == 1


def test_another_policy_acts_from_the_next_step_on(session: Session) -> None:
    session.step()
    frame = session.clips.frame(0)
    session.set_player(constant(0.25))
    assert session.clips.frame(0) == frame
    session.step()
    assert torch.all(session.env.actions == 0.25)


def test_a_policy_that_cannot_be_made_leaves_the_old_one_playing(session: Session) -> None:
    def refuse(_: object) -> None:
        raise ValueError("no")

    old = session.player
    with pytest.raises(ValueError, match="no"):
        session.set_player(Player("broken", refuse))
    session.step()
    assert session.player is old


def test_a_rival_gets_a_second_robot_and_acts_in_it_alone(session: Session) -> None:
    session.set_player(constant(0.1))
    session.set_rival(constant(-0.1))
    assert session.env.num_envs == 2
    session.step()
    assert torch.all(session.env.actions[0] == 0.1) and torch.all(session.env.actions[1] == -0.1)
    assert [session.player_of(i).name for i in (0, 1)] == ["0.1", "-0.1"]
    session.set_rival(None)
    session.step()
    assert torch.all(session.env.actions == 0.1)


def test_more_robots_keep_clip_physics_and_policy(session: Session) -> None:
    session.choose(1)
    session.set_player(constant(0.1))
    session.set_num_envs(3)
    session.step()
    assert session.stage.chosen == 1 and session.env.actions.shape[0] == 3
    assert torch.all(session.env.actions == 0.1)


def test_a_robot_that_is_gone_is_not_looked_at(session: Session) -> None:
    session.set_num_envs(3)
    session.selected = 2
    session.set_num_envs(2)
    assert session.selected == 1


def test_a_push_changes_the_velocity_of_the_robot_that_is_looked_at_alone(session: Session) -> None:
    session.set_num_envs(2)
    session.selected = 1
    session.push(torch.tensor([0.0, 1.0, 0.0]))
    session.step()
    speed = session.env.sim.root_lin_vel_w[:, 1]
    assert speed[1] > 0.5 > abs(speed[0])


def test_a_session_without_a_policy_shows_clips(make_env) -> None:
    session = Session(make_env, 1, None)
    session.step()
    assert session.kinematic and session.clips.frame(0) == 1


def test_a_tracker_that_sees_its_clip_cannot_be_driven_and_plays_on(session: Session) -> None:
    with pytest.raises(ConfigError, match="joystick"):
        session.drive("hand", (0.3, 0.0, 0.0))
    session.step()
    assert session.clips.leads == ("clip",) and "residual" in session.clips.why_clips_only
    assert session.clips.lead == "clip" and session.clips.frame(0) == 1


@pytest.fixture
def student(make_student) -> Session:
    """One robot whose policy can be driven; it gets the action zero."""
    return Session(make_student, 1, untrained("zero", 1))


def test_a_student_is_driven_and_let_go(student: Session) -> None:
    student.choose(1)
    student.drive("hand", (0.4, 0.0, 0.0))
    x = float(student.env.reference.root_pos_w[0, 0])
    for _ in range(10):
        student.step()
    # Its target gets faster by 0.6 m/s^2: 0.6 * 0.02 * 0.02 * (1 + 2 + ... + 10) m in ten steps of 0.02 s.
    assert float(student.env.reference.root_pos_w[0, 0]) - x == pytest.approx(0.0132, rel=0.01)
    assert student.clips.frame(0) == 0 and student.playing() == "zero on short, by command"
    student.drive("clip")
    assert student.clips.frame(0) == 0 and student.playing() == "zero on short"
    student.step()
    assert student.clips.frame(0) == 1
    torch.testing.assert_close(
        student.env.reference.dof_pos, student.env.data.dof_pos[FRAMES["long"] + 1 :][:1], atol=1e-6, rtol=0
    )


def test_drawn_commands_lead_and_change(student: Session) -> None:
    student.drive("drawn")
    commands = student.env.joystick.commands
    first = commands.value.clone()
    commands.age += commands.interval - 1
    student.step()
    assert not torch.equal(commands.value, first)


def test_a_student_is_driven_on_when_robots_are_added_or_it_begins_anew(student: Session) -> None:
    student.clips.begin_at(20)
    student.drive("hand", (0.4, 0.0, -0.2))
    student.set_num_envs(2)
    for act in (student.step, student.restart, lambda: student.choose(1), student.step):
        act()
        asked = student.env.joystick.commands.value
        torch.testing.assert_close(asked, torch.tensor([[0.4, 0.0, -0.2]] * 2))


def test_more_robots_begin_at_the_same_frame(session: Session) -> None:
    session.clips.begin_at(20)
    session.set_num_envs(2)
    assert session.clips.frame(0) == session.clips.frame(1) == 20


def test_a_clip_without_physics_ends_driving_and_driving_brings_physics_back(student: Session) -> None:
    student.drive("hand", (0.4, 0.0, 0.0))
    student.set_kinematic(True)
    student.step()
    assert student.clips.lead == "clip" and student.clips.frame(0) == 1
    torch.testing.assert_close(student.env.sim.dof_pos, student.env.data.dof_pos[1:2], atol=1e-6, rtol=0)
    student.drive("hand", (0.4, 0.0, 0.0))
    student.step()
    assert not student.kinematic and student.clips.lead == "hand"


# ---------------------------------------------------------------------- tasks that follow commands


@pytest.fixture
def walk(make_walker) -> Session:
    return Session(make_walker, 2, untrained("zero", 1))


def test_a_task_that_follows_commands_has_grounds_instead_of_clips(walk: Session) -> None:
    assert isinstance(walk.stage, WalkStage) and not isinstance(walk.stage, ClipStage)
    assert walk.stage.names == ["flat", "stairs 0", "stairs 1"]
    walk.choose(2)
    assert walk.env.terrain.name_of(0) == walk.env.terrain.name_of(1) == "stairs 1"


def test_a_command_by_hand_stays_whatever_training_would_draw(walk: Session) -> None:
    walk.stage.drive("hand", (0.5, 0.0, -0.2))
    for _ in range(3):
        walk.env.commands.draw(torch.arange(2))
        walk.step()
        torch.testing.assert_close(walk.env.commands.value, torch.tensor([[0.5, 0.0, -0.2]] * 2))


def test_a_command_to_stand_grows_old_so_that_robots_come_to_rest(walk: Session) -> None:
    walk.stage.drive("hand")
    for _ in range(4):
        walk.step()
    assert walk.env.commands.age.min() >= 3


def test_commands_change_again_when_nobody_drives(walk: Session) -> None:
    walk.stage.drive("hand", (0.5, 0.0, 0.0))
    walk.stage.drive("drawn")
    walk.env.commands.draw(torch.arange(2))
    drawn = walk.env.commands.value.clone()
    walk.step()
    torch.testing.assert_close(walk.env.commands.value, drawn)

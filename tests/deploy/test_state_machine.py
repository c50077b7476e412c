"""The tables of states and buttons."""

from __future__ import annotations

import pytest

from legged_gym.deploy.remote import Button, Remote
from legged_gym.deploy.state_machine import (
    ACTIVE,
    BUTTONS,
    DAMPING,
    MOVING,
    TRANSITIONS,
    ButtonReader,
    Event,
    State,
    most_urgent,
    next_state,
)


@pytest.mark.parametrize("state", ACTIVE)
def test_from_wherever_commands_are_sent_stop_damps_and_quit_ends_in_damping(state):
    assert next_state(state, Event.STOP) is State.DAMP
    assert next_state(state, Event.QUIT) is State.EXITING


def test_a_fault_damps_wherever_there_is_position_control_and_elsewhere_there_is_damping_already():
    for state in ACTIVE:
        after = next_state(state, Event.FAULT)
        assert after is (State.DAMP if state in MOVING else state)
        assert after in DAMPING


def test_the_latch_is_lifted_by_reset_alone_and_leads_to_damping():
    out = {event: next_state(State.DAMP, event) for event in Event}
    assert {event for event, state in out.items() if state is not State.DAMP} == {Event.RESET, Event.QUIT}
    assert out[Event.RESET] is State.PASSIVE


def test_the_policy_runs_only_from_the_pose_and_the_pose_is_reached_only_by_the_ramp():
    assert {state for (state, _), target in TRANSITIONS.items() if target is State.RUN} == {State.STAND}
    assert {state for (state, _), target in TRANSITIONS.items() if target is State.STAND} == {State.RAMP}


def test_nothing_leads_out_of_the_end_and_everything_else_is_reached():
    assert not [state for state, _ in TRANSITIONS if state is State.EXIT]
    assert set(TRANSITIONS.values()) == set(State) - {State.WAIT}


def press(reader: ButtonReader, *held: Button) -> list[list[Event]]:
    return [reader.events(Remote(buttons)) for buttons in held]


def test_an_event_happens_once_when_the_button_goes_down():
    got = press(ButtonReader(), Button(0), Button.A, Button.A, Button(0), Button.A)
    assert got == [[], [Event.GO], [], [], [Event.GO]]


def test_what_is_held_when_the_remote_is_first_heard_is_no_event():
    reader = ButtonReader()
    assert press(reader, Button.A, Button.A) == [[], []]
    reader.events(Remote(heard=False))
    assert press(reader, Button.START, Button(0), Button.START) == [[], [], [Event.RAISE]]


@pytest.mark.parametrize(
    ("first", "second", "event"),
    [
        (Button.L2, Button.B, Event.STOP),
        (Button.R1, Button.START, Event.RESET),
        (Button.L1, Button.R1, Event.QUIT),
    ],
)
def test_combinations_count_whichever_button_comes_last(first, second, event):
    for one, other in ((first, second), (second, first)):
        alone = [BUTTONS[one]] if one in BUTTONS else []
        assert press(ButtonReader(), Button(0), one, one | other) == [[], alone, [event]]
    assert press(ButtonReader(), Button(0), first | second) == [[], [event]]  # not START's own as well


def test_urgent_events_win():
    assert most_urgent([Event.GO, Event.STOP, Event.QUIT]) is Event.QUIT
    assert most_urgent([Event.GO, Event.STOP]) is Event.STOP
    assert most_urgent([Event.RAISE]) is Event.RAISE
    assert most_urgent([]) is None

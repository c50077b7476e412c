"""What the controller is doing, and what brings it from one thing to another: two tables, and no clock."""

from __future__ import annotations

from enum import Enum

from legged_gym.deploy.remote import Button, Remote


class State(Enum):
    """What is sent to the motors."""

    WAIT = "nothing yet"
    PASSIVE = "damping; START raises"
    RAMP = "moving to the pose"
    STAND = "holding the pose"
    RUN = "the policy"
    DAMP = "damping, latched"
    EXITING = "damping before the end"
    EXIT = "nothing any more"


class Event(Enum):
    """What happens."""

    CONNECTED = "the pre-flight checks have passed"
    RAISE = "the operator wants the pose"
    REACHED = "the pose is reached"
    GO = "the operator wants the policy"
    BACK = "the operator wants the pose again"
    STOP = "the operator wants damping"
    RESET = "the operator lifts the latch"
    FAULT = "a guard has tripped"
    QUIT = "the operator, or a signal, wants the end"
    DAMPED = "damping was sent long enough"


ACTIVE = (State.PASSIVE, State.RAMP, State.STAND, State.RUN, State.DAMP)
"""States in which the controller sends commands, but for the last ones."""
MOVING = (State.RAMP, State.STAND, State.RUN)
"""States with position control."""
DAMPING = (State.PASSIVE, State.DAMP, State.EXITING)

TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.WAIT, Event.CONNECTED): State.PASSIVE,
    (State.WAIT, Event.QUIT): State.EXIT,
    (State.PASSIVE, Event.RAISE): State.RAMP,
    (State.RAMP, Event.REACHED): State.STAND,
    (State.STAND, Event.GO): State.RUN,
    (State.RUN, Event.BACK): State.RAMP,
    (State.DAMP, Event.RESET): State.PASSIVE,
    (State.EXITING, Event.DAMPED): State.EXIT,
    **{(state, Event.FAULT): State.DAMP for state in MOVING},
    **{(state, Event.STOP): State.DAMP for state in ACTIVE},
    **{(state, Event.QUIT): State.EXITING for state in ACTIVE},
}
"""(state, event) -> state. What is not here changes nothing."""

BUTTONS: dict[Button, Event] = {
    Button.START: Event.RAISE,
    Button.A: Event.GO,
    Button.X: Event.BACK,
    Button.SELECT: Event.STOP,
    Button.L2 | Button.B: Event.STOP,
    Button.R1 | Button.START: Event.RESET,
    Button.L1 | Button.R1: Event.QUIT,
}
"""Buttons that are pressed together -> event. It happens once, when the last of them goes down."""
GUARDED = (Event.RAISE, Event.GO, Event.BACK)
"""Events that are refused while a guard says no."""
URGENCY = (Event.FAULT, Event.QUIT, Event.STOP)
"""Events that win over all others at the same time, the first over the next."""


def next_state(state: State, event: Event) -> State:
    """Where an event leads."""
    return TRANSITIONS.get((state, event), state)


class ButtonReader:
    """Turns held buttons into events."""

    def __init__(self) -> None:
        """Nothing was held before: what is held when the first word arrives is not an event."""
        self._before: Button | None = None

    def events(self, remote: Remote) -> list[Event]:
        """Events of buttons that went down since the last call. Of several that share buttons, the longest counts."""
        before, now = self._before, remote.buttons
        if not remote.heard:
            self._before = None
            return []
        self._before = now
        if before is None:
            return []
        went_down = now & ~before
        pressed = [
            combination
            for combination in BUTTONS
            if combination & now == combination and combination & went_down
        ]
        longest = [c for c in pressed if not any(c & other == c and c != other for other in pressed)]
        return [BUTTONS[combination] for combination in longest]


def most_urgent(events: list[Event]) -> Event | None:
    """The event that counts; None of none."""
    for event in URGENCY:
        if event in events:
            return event
    return events[0] if events else None

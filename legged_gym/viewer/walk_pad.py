"""Buttons that are held to walk, as the sticks of a gamepad are."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from legged_gym.evaluation.steering import Steering
from legged_gym.viewer.page import Page
from legged_gym.viewer.stage import STANDING, Velocity

BUTTONS = {
    "Walk forwards": ("arrow-up", "w"),
    "Walk backwards": ("arrow-down", "s"),
    "Step left": ("arrow-left", "a"),
    "Step right": ("arrow-right", "d"),
    "Turn to the left": ("rotate", "q"),
    "Turn to the right": ("rotate-clockwise", "e"),
}
"""Label -> icon, and the key of :class:`Steering` that it stands for."""
RELEASED_S = 0.5
"""The page says ten times a second that a button is held; after so long without a word it is not."""


class WalkPad:
    """Velocities follow the buttons by a ramp, and go back to nothing when all are let go."""

    def __init__(self, page: Page, now: Callable[[], Velocity], ask: Callable[[Velocity], None]) -> None:
        """Put it where the page is building now.

        Args:
            page: Where the buttons are.
            now: What is asked for before the first one is pressed.
            ask: Asks for something else.
        """
        self._now, self._ask = now, ask
        self._steering: Steering | None = None
        """None while nobody touches the buttons: then others may ask."""
        self._heard: dict[str, float] = {}
        for label, (icon, key) in BUTTONS.items():
            button = page.server.gui.add_button(label, icon=icon)
            button.on_hold(lambda _, key=key: page.post(partial(self.hold, key)))

    def hold(self, key: str) -> None:
        """A button is held still, by its key."""
        if self._steering is None:
            self._steering = Steering()
            self._steering.velocity = self._now()
        self._steering.press(key)
        self._heard[key] = time.monotonic()

    def let_go(self) -> None:
        """Nobody touches the buttons."""
        self._steering = None
        self._heard.clear()

    def move_on(self, dt: float) -> None:
        """Time of ``dt`` s has passed."""
        if self._steering is None:
            return
        now = time.monotonic()
        for key in [key for key, heard in self._heard.items() if now - heard > RELEASED_S]:
            self._steering.release(key)
            del self._heard[key]
        before = self._steering.velocity
        velocity = self._steering.move_on(dt)
        if velocity != before:
            self._ask(velocity)
        if not self._heard and velocity == STANDING:
            self.let_go()

"""Driving by hand: the velocity that robots are asked for, by sliders and by keys."""

from __future__ import annotations

from functools import partial

from legged_gym.utils.errors import ConfigError
from legged_gym.viewer.page import Page
from legged_gym.viewer.session import Session

STEP = 0.1
"""What a key adds, m/s or rad/s."""
KEYS = {
    "I": ("Forwards", 0, STEP),
    "K": ("Backwards", 0, -STEP),
    "J": ("To the left", 1, STEP),
    "L": ("To the right", 1, -STEP),
    "U": ("Turn left", 2, STEP),
    "O": ("Turn right", 2, -STEP),
}
"""Key -> what it does, which part of the command it changes, and by how much. WASD and arrows move the camera."""
STOP_KEY = "M"


class CommandPanel:
    """Asks all robots for one velocity; without it clips lead, or commands change as in training.

    Of policies that learned from clips, students can be driven: they see where a target is, not what a clip does.
    """

    def __init__(self, page: Page, session: Session) -> None:
        """Put it where the page is building now."""
        self._session = session
        gui, ranges = page.server.gui, session.stage.command_ranges
        self._by_hand = page.on_update(gui.add_checkbox("Drive by hand", False), lambda _: self.ask())
        self._parts = []
        for label, (low, high) in (
            ("Forwards, m/s", ranges.lin_vel_x),
            ("To the left, m/s", ranges.lin_vel_y),
            ("Turning left, rad/s", ranges.ang_vel_yaw),
        ):
            slider = gui.add_slider(label, min(low, 0.0), max(high, 0.0), 0.05, 0.0)
            self._parts.append(page.on_update(slider, lambda _: self.ask()))
        gui.add_markdown("Keys: I K forwards and back, J L sideways, U O turn, M stop")
        for key, (label, part, amount) in KEYS.items():
            page.on_key(label, key, partial(self.add, part, amount))
        page.on_key("Stop walking", STOP_KEY, self.halt)

    def ask(self) -> None:
        """Ask for what the sliders say, or let go.

        Raises:
            ConfigError: The policy cannot be driven.
        """
        try:
            self._session.drive(tuple(part.value for part in self._parts) if self._by_hand.value else None)
        except ConfigError:
            self._by_hand.value = False
            raise

    def add(self, part: int, amount: float) -> None:
        """Drive by hand, with one part of the command changed by an amount."""
        slider = self._parts[part]
        slider.value = min(slider.max, max(slider.min, slider.value + amount))
        self._by_hand.value = True
        self.ask()

    def halt(self) -> None:
        """Ask for standing still."""
        for part in self._parts:
            part.value = 0.0
        self._by_hand.value = True
        self.ask()

    def refresh(self) -> None:
        """Where the environment was built anew, it has to be asked again."""
        if self._by_hand.value and self._session.stage.command is None:
            self.ask()

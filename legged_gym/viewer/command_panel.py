"""Driving by hand: the velocity that robots are asked for, by sliders, by keys, and by buttons that are held."""

from __future__ import annotations

from functools import partial

from legged_gym.viewer.page import Page
from legged_gym.viewer.session import Session
from legged_gym.viewer.stage import STANDING, Lead, Velocity
from legged_gym.viewer.walk_pad import WalkPad

STEP, FINEST = 0.1, 0.05
"""What a key adds, and what sliders are set to within, m/s or rad/s."""
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
LEADS: dict[Lead, str] = {"clip": "the clip", "drawn": "commands that change", "hand": "my command"}
"""What the page calls what leads."""


class CommandPanel:
    """Says what leads all robots, and asks them for one velocity where that is a command by hand.

    Of policies that learned from clips, students can be driven: they see where a target is, not what a clip does.
    """

    def __init__(self, page: Page, session: Session) -> None:
        """Put it where the page is building now; for a policy that cannot be driven, only why."""
        self._session = session
        gui, stage = page.server.gui, session.stage
        self._pad: WalkPad | None = None
        if stage.why_clips_only:
            gui.add_markdown(f"**Nobody can drive this policy.** {stage.why_clips_only}")
            return
        self._lead = gui.add_dropdown(
            "Led by", [LEADS[lead] for lead in stage.leads], initial_value=LEADS[stage.lead]
        )
        page.on_update(self._lead, self.choose_lead)
        self._parts, ranges = [], stage.command_ranges
        for label, (low, high), value in zip(
            ("Forwards, m/s", "To the left, m/s", "Turning left, rad/s"),
            (ranges.lin_vel_x, ranges.lin_vel_y, ranges.ang_vel_yaw),
            stage.command,
            strict=True,
        ):
            low, high = min(low, value, 0.0), max(high, value, 0.0)  # the command line may ask for more
            slider = gui.add_slider(label, low, high, FINEST, value)
            self._parts.append(page.on_update(slider, lambda _: self.ask()))
        page.on_click(gui.add_button("Stop walking", icon="hand-stop"), self.halt)
        gui.add_markdown("Keys: I K forwards and back, J L sideways, U O turn, M stop")
        for key, (label, part, amount) in KEYS.items():
            page.on_key(label, key, partial(self.add, part, amount))
        page.on_key("Stop walking", STOP_KEY, self.halt)
        with gui.add_folder("Walk while held"):
            self._pad = WalkPad(page, self._asked, self._set)

    def choose_lead(self, label: str) -> None:
        """Something else leads, by its label on the page; by hand, the sliders say where to."""
        lead = next(lead for lead in LEADS if LEADS[lead] == label)
        self._session.drive(lead, self._velocity() if lead == "hand" else STANDING)

    def ask(self) -> None:
        """Ask for what the sliders say."""
        self._session.drive("hand", self._velocity())

    def add(self, part: int, amount: float) -> None:
        """Drive by hand, with one part of the command changed by an amount."""
        velocity, slider = list(self._velocity()), self._parts[part]
        velocity[part] = min(slider.max, max(slider.min, velocity[part] + amount))
        self._set(tuple(velocity))

    def halt(self) -> None:
        """Ask for standing still."""
        self._pad.let_go()
        self._set(STANDING)

    def note(self) -> None:
        """A control step has passed."""
        if self._pad is not None:
            self._pad.move_on(self._session.env.step_dt)

    def refresh(self) -> None:
        """Show what leads: showing a clip without physics ends driving."""
        if self._pad is not None:
            self._lead.value = LEADS[self._session.stage.lead]

    # ------------------------------------------------------------------ inside

    def _velocity(self) -> Velocity:
        x, y, turn = (float(part.value) for part in self._parts)
        return x, y, turn

    def _asked(self) -> Velocity:
        """What robots are asked for by hand now."""
        stage = self._session.stage
        return stage.command if stage.lead == "hand" else STANDING

    def _set(self, velocity: Velocity) -> None:
        """Ask for a velocity, and show it on the sliders."""
        self._session.drive("hand", velocity)
        for slider, value in zip(self._parts, velocity, strict=True):
            shown = round(FINEST * round(value / FINEST), 2)
            slider.value = min(slider.max, max(slider.min, shown))

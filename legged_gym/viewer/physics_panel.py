"""What people may do to the robots: push them, change servos, friction and delay, disturb them and blur their view."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch

from legged_gym.utils.math import yaw_of
from legged_gym.viewer.page import Page
from legged_gym.viewer.physics import Physics
from legged_gym.viewer.session import Session

HARDEST_PUSH = 3.0
"""m/s; the G1 runs at 2."""
LONGEST_DELAY_S = 0.1
SLIDERS = {
    "p_gain": ("Position gains x", 0.2, 2.0, 0.05),
    "d_gain": ("Velocity gains x", 0.2, 2.0, 0.05),
    "friction": ("Friction x", 0.05, 2.0, 0.05),
}
RANDOM_SLIDERS = {
    "push_interval_s": ("Push at most every, s", 0.2, 10.0, 0.1),
    "push_xy": ("Push sideways, m/s", 0.0, HARDEST_PUSH, 0.05),
    "push_z": ("Push upwards, m/s", 0.0, HARDEST_PUSH, 0.05),
    "torque_rfi": ("Torque bias, share of limit", 0.0, 0.3, 0.01),
    "p_gain_rand": ("Position gains, deviation", 0.0, 0.3, 0.01),
    "d_gain_rand": ("Velocity gains, deviation", 0.0, 0.3, 0.01),
}
"""Field of :class:`Physics` -> label, lowest, highest, step."""


class PhysicsPanel:
    """Acts on the running simulation, from the next step on."""

    def __init__(self, page: Page, session: Session) -> None:
        """Put it where the page is building now."""
        self._page, self._session = page, session
        gui = page.server.gui
        with gui.add_folder("Push"):
            self._strength = gui.add_slider("Strength, m/s", 0.0, HARDEST_PUSH, 0.05, 0.8)
            self._direction = gui.add_slider(
                "Direction, deg", -180, 180, 5, 90, hint="0 pushes forwards, 90 to the robot's left"
            )
            page.on_click(gui.add_button("Push", icon="hand-move"), self.push)
        self._handles: dict[str, Any] = {}
        with gui.add_folder("Simulation"):
            self._add_sliders(SLIDERS)
            substep = 1e3 * session.env.sim.dt
            longest = max(1, round(1e3 * LONGEST_DELAY_S / substep))
            delay = gui.add_slider("Delay, substeps", 0, longest, 1, 0, hint=f"One is {substep:g} ms")
            self._handles["delay_substeps"] = page.on_update(
                delay, lambda v: self.change(delay_substeps=int(v))
            )
            noise = gui.add_checkbox("Noise of training", False, hint="On observations and on starts")
            self._handles["noise"] = page.on_update(noise, lambda v: self.change(noise=v))
        with gui.add_folder("Random disturbances", expand_by_default=False):
            pushes = gui.add_checkbox("Random pushes", False)
            self._handles["pushes"] = page.on_update(pushes, lambda v: self.change(pushes=v))
            self._add_sliders(RANDOM_SLIDERS)
        page.on_click(gui.add_button("All as trained"), self.reset)

    def change(self, **fields: Any) -> None:
        """Other values for some fields of :class:`Physics`."""
        self._session.set_physics(replace(self._session.physics, **fields))

    def reset(self) -> None:
        """Nothing is changed any more."""
        self._session.set_physics(Physics())
        for name, handle in self._handles.items():
            handle.value = getattr(Physics(), name)

    def push(self) -> None:
        """Push the robot that is looked at, relative to its heading."""
        sim, robot = self._session.env.sim, self._session.selected
        heading = float(yaw_of(sim.root_quat_wxyz[robot])) + math.radians(self._direction.value)
        strength = self._strength.value
        self._session.push(torch.tensor([strength * math.cos(heading), strength * math.sin(heading), 0.0]))

    def _add_sliders(self, sliders: dict[str, tuple[str, float, float, float]]) -> None:
        for name, (label, low, high, step) in sliders.items():
            handle = self._page.server.gui.add_slider(label, low, high, step, getattr(Physics(), name))
            self._handles[name] = self._page.on_update(
                handle, lambda v, name=name: self.change(**{name: float(v)})
            )

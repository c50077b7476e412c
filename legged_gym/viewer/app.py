"""The viewer: plays a session, and serves the page on which people watch it."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from legged_gym.sim.robot_model import Robot
from legged_gym.viewer.clock import Clock
from legged_gym.viewer.command_panel import CommandPanel
from legged_gym.viewer.jobs import Jobs
from legged_gym.viewer.numbers_panel import NumbersPanel
from legged_gym.viewer.out_panel import EvaluationPanel, OutPanel
from legged_gym.viewer.page import Page
from legged_gym.viewer.physics_panel import PhysicsPanel
from legged_gym.viewer.play_panel import PlayPanel
from legged_gym.viewer.policy_panel import PolicyPanel
from legged_gym.viewer.scene import Scene
from legged_gym.viewer.session import Session
from legged_gym.viewer.show_panel import ShowPanel
from legged_gym.viewer.workshop import Workshop

if TYPE_CHECKING:
    import viser

log = logging.getLogger(__name__)

PICTURE_S = 1.0 / 50.0
"""Pictures are sent no more often than this."""
LONGEST_BURST_S = 0.05
"""After so much stepping a picture is due, however many steps are."""
PANEL_S = 0.25
"""Numbers and controls are brought up to date this often."""
EARLY_S = 5.0
"""Pages that are known so soon after the scene may have been opened before it."""


class Viewer:
    """Plays a session in the thread that calls :meth:`run`."""

    def __init__(
        self, session: Session, robot: Robot, server: viser.ViserServer, workshop: Workshop | None = None
    ) -> None:
        """Fill the page; time stands still.

        Args:
            session: What is to be seen.
            robot: What its robots look like.
            server: Serves the page. People may be looking at it already.
            workshop: What only scripts can do; None where there is no policy.
        """
        self.session, self.server = session, server
        server.gui.reset()
        self.page = Page(self.server)
        self.clock = Clock(session.env.step_dt)
        self.scene = Scene(self.server, session, robot)
        self.scene.update()
        self._panels: list = []
        self.command: CommandPanel | None = None
        self._add_panels(workshop)
        self._stop = threading.Event()
        self._drawn = self._shown = 0.0
        self._filled = time.perf_counter()
        self.server.on_client_connect(self._came)
        self.server.on_client_disconnect(self._left)

    def run(self) -> None:
        """Play until :meth:`stop`; closed pages and failed wishes end nothing."""
        try:
            while not self._stop.is_set():
                changed = self.page.fulfil()
                stepped = self._advance()
                now = time.perf_counter()
                due = stepped and self.server.get_clients() and now - self._drawn >= 0.9 * PICTURE_S
                if changed or due:
                    self.scene.update()
                    self._drawn = now
                if changed or now - self._shown >= PANEL_S:
                    for panel in self._panels:
                        panel.refresh()
                    self._shown = now
                self._stop.wait(min(0.02, self.clock.wait_s()))
        finally:
            self.server.stop()

    def stop(self) -> None:
        """End :meth:`run`, from any thread."""
        self._stop.set()

    # ------------------------------------------------------------------ inside

    def _advance(self) -> bool:
        """Make the steps that are due; returns whether there were any."""
        begin, due, made = time.perf_counter(), self.clock.due(), 0
        while made < due and time.perf_counter() - begin < LONGEST_BURST_S:
            self._step()
            made += 1
        self.clock.made(made)
        return made > 0

    def _step(self) -> None:
        self.session.step()
        self.numbers.note()
        self.out.note()
        if self.command is not None:
            self.command.note()

    def _add_panels(self, workshop: Workshop | None) -> None:
        page, session, scene = self.page, self.session, self.scene
        jobs, tabs = Jobs(page), page.server.gui.add_tab_group()
        evaluation = None
        with tabs.add_tab("Play", icon="player-play"):
            rates = (lambda: {}) if workshop is None else (lambda: evaluation.rates if evaluation else {})
            self.play = PlayPanel(page, session, self.clock, scene, self._step, rates)
        with tabs.add_tab("Show", icon="eye"):
            self.show = ShowPanel(page, session, scene)
        with tabs.add_tab("Numbers", icon="chart-line"):
            self.numbers = NumbersPanel(page, session)
            if workshop is not None:
                evaluation = EvaluationPanel(page, session, jobs, workshop)
        self._panels = [self.play, self.show, self.numbers]
        if workshop is not None:
            with tabs.add_tab("Policy", icon="brain"):
                self.policy = PolicyPanel(page, session, scene, workshop.shelf)
            with tabs.add_tab("Physics", icon="hand-move"):
                self.physics = PhysicsPanel(page, session)
            self._panels += [evaluation, self.policy]
            with tabs.add_tab("Command", icon="device-gamepad"):
                self.command = CommandPanel(page, session)
                self._panels.append(self.command)
        with tabs.add_tab("Out", icon="package-export"):
            self.out = OutPanel(page, session, jobs, workshop)
        self._panels.append(self.out)

    def _came(self, client: viser.ClientHandle) -> None:
        log.info("page %d is open (%d now)", client.client_id, len(self.server.get_clients()))
        if time.perf_counter() - self._filled < EARLY_S:
            self.scene.face(client)  # which may have chosen its view before there was a scene
        self.page.post(lambda: None)  # nothing was drawn while nobody looked

    def _left(self, client: viser.ClientHandle) -> None:
        left = len(self.server.get_clients())
        log.info("page %d was closed (%d open); the player goes on", client.client_id, left)

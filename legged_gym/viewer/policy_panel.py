"""Who plays: runs and checkpoints, two side by side, and the newest of a run that is training."""

from __future__ import annotations

import time
from pathlib import Path

from legged_gym.utils.errors import LeggedGymError
from legged_gym.viewer.page import Page
from legged_gym.viewer.scene import Scene
from legged_gym.viewer.session import Player, Session
from legged_gym.viewer.shelf import Shelf

LOOK_S = 2.0
"""The disk is looked at this often."""
NOTHING = "none"


class PolicyPanel:
    """Swaps policies while the robots go on."""

    def __init__(self, page: Page, session: Session, scene: Scene, shelf: Shelf) -> None:
        """Put it where the page is building now."""
        self._page, self._session, self._scene, self._shelf = page, session, scene, shelf
        gui = page.server.gui
        self._status = gui.add_markdown("")
        self._run = page.on_update(gui.add_dropdown("Run", (NOTHING,)), self.choose_run)
        self._checkpoint = page.on_update(gui.add_dropdown("Checkpoint", (NOTHING,)), self.choose_checkpoint)
        self._follow = gui.add_checkbox(
            "Follow the newest",
            False,
            hint="Go over to each new checkpoint of this run, for one that is training",
        )
        page.on_update(self._follow, self.follow)
        others = gui.add_button_group("Untrained", ["zero", "random"])

        @others.on_click
        def _(_: object) -> None:
            name = others.value
            page.post(lambda: self.play(shelf.untrained(name)))

        with gui.add_folder("Side by side"):
            self._rival = gui.add_markdown("")
            page.on_click(gui.add_button("Keep this policy beside the next"), self.keep_beside)
            page.on_click(gui.add_button("Only one"), self.alone)
        self._shown_run = None if session.player.checkpoint is None else session.player.checkpoint.parent
        self._following, self._missing = False, None
        self._looked = 0.0
        self.refresh()

    # ------------------------------------------------------------------ wishes

    def play(self, player: Player) -> None:
        """Another policy, without a pause."""
        self._session.set_player(player)
        self._missing = None
        self._looked = 0.0

    def choose_run(self, name: str) -> None:
        """The newest checkpoint of a run, by the run's name."""
        run = next((run for run in self._shelf.runs() if run.name == name), None)
        if run is not None:
            self.play(self._shelf.trained(run))
            self._shown_run = run

    def choose_checkpoint(self, iteration: str) -> None:
        """Another checkpoint of the run; this ends following."""
        if iteration == NOTHING or self._shown_run is None:
            return
        self._following = self._follow.value = False
        self.play(self._shelf.trained(self._shown_run, int(iteration)))

    def follow(self, wanted: bool) -> None:
        """Go over to each new checkpoint of the run, or stay."""
        self._following = wanted
        self._looked = 0.0

    def keep_beside(self) -> None:
        """Every other robot keeps the present policy, whatever is chosen next."""
        self._session.set_rival(self._session.player)
        self._scene.stand_apart()
        self._scene.jump()

    def alone(self) -> None:
        """All robots have the first policy."""
        self._session.set_rival(None)

    # ------------------------------------------------------------------ display

    def refresh(self) -> None:
        """Look at the disk now and then: for new checkpoints, and whether the present one is still there."""
        if time.monotonic() - self._looked < LOOK_S:
            return
        self._looked = time.monotonic()
        run = self._shown_run
        iterations = [] if run is None else self._shelf.iterations(run)
        if self._following and iterations:
            self._go_to(run, iterations[0])
        self._check_file()
        player, rival = self._session.player, self._session.rival
        self._status.content = _described(player)
        self._rival.content = "one policy" if rival is None else f"odd robots: {rival.name}"
        runs = [found.name for found in self._shelf.runs()]
        _set_options(self._run, runs, None if run is None else run.name)
        present = None if player.checkpoint is None else player.checkpoint.stem.removeprefix("model_")
        _set_options(self._checkpoint, [str(i) for i in iterations], present)

    def _go_to(self, run: Path, iteration: int) -> None:
        """Go over to a checkpoint unless it plays already; one that cannot be read is left for the next look."""
        present = self._session.player.checkpoint
        if present is not None and present == run / f"model_{iteration}.pt":
            return
        try:
            self._session.set_player(self._shelf.trained(run, iteration))
        except LeggedGymError as error:
            self._page.say(f"not going over to iteration {iteration}: {error}", "bad")
            self._following = self._follow.value = False
            return
        self._page.say(f"went over to iteration {iteration} of {run.name}")

    def _check_file(self) -> None:
        """Say once that the file of the policy that plays is gone."""
        file = self._session.player.checkpoint
        if file is None or file.exists() or self._missing == file:
            return
        self._missing = file
        self._page.say(f"{file} was deleted; the policy plays on from memory", "bad")


def _described(player: Player) -> str:
    """A policy, and how old its file is."""
    if player.checkpoint is None:
        return f"**{player.name}** actions"
    if not player.checkpoint.exists():
        return f"**{player.name}**, whose file is gone"
    minutes = (time.time() - player.checkpoint.stat().st_mtime) / 60.0
    age = f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h"
    return f"**{player.name}**, saved {age} ago"


def _set_options(dropdown: object, options: list[str], chosen: str | None) -> None:
    """New options where they have changed; what is not among them is added, so that the choice can be shown."""
    wanted = tuple(options)
    if chosen is None:
        wanted, chosen = (NOTHING, *wanted), NOTHING
    elif chosen not in wanted:
        wanted = (chosen, *wanted)
    if tuple(dropdown.options) != wanted:
        dropdown.options = wanted
    dropdown.value = chosen

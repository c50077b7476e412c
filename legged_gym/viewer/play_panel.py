"""Time and place: run, pause, step, speed, clip, scrubbing, which robot."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from legged_gym.viewer.clock import SPEEDS, Clock
from legged_gym.viewer.page import Page
from legged_gym.viewer.scene import Scene
from legged_gym.viewer.session import Session
from legged_gym.viewer.stage import ClipStage

MOST_ROBOTS = 64


class PlayPanel:
    """Carries out what people ask of time and place, and shows how they are."""

    def __init__(
        self,
        page: Page,
        session: Session,
        clock: Clock,
        scene: Scene,
        step: Callable[[], None],
        rates: Callable[[], Mapping[str, float]],
    ) -> None:
        """Put the controls where the page is building now.

        Args:
            page: Where the controls are.
            session: What they control.
            clock: Time.
            scene: Told where the robots have been put elsewhere.
            step: Makes one control step, and notes it.
            rates: Success rate of the policy on each clip, by name, as far as it is known.
        """
        self._page, self._session, self._clock, self._scene = page, session, clock, scene
        self._make_step, self._rates = step, rates
        gui = page.server.gui
        self._status = gui.add_markdown("")
        self._play = page.on_click(gui.add_button("Play", icon="player-play"), self.toggle)
        page.on_click(gui.add_button("Step", icon="player-track-next"), self.step)
        page.on_click(gui.add_button("Restart", icon="refresh"), self.restart)
        speeds = gui.add_button_group("Speed", [f"{speed:g}x" for speed in SPEEDS])

        @speeds.on_click
        def _(_: object) -> None:
            speed = float(speeds.value.removesuffix("x"))
            page.post(lambda: self.set_speed(speed))

        self._add_places()
        if session.player is not None:
            self._add_robots()
        page.on_key("Play or pause", "P", self.toggle)
        page.on_key("Step", "N", self.step)
        page.on_key("Restart", "R", self.restart)
        self.refresh()

    # ------------------------------------------------------------------ wishes

    def toggle(self) -> None:
        """Run or pause."""
        self._clock.stop() if self._clock.running else self._clock.start()
        self.refresh()

    def step(self) -> None:
        """One control period, and pause."""
        self._clock.stop()
        self._make_step()
        self.refresh()

    def restart(self) -> None:
        """All robots begin at the start."""
        self._session.restart()
        self._scene.jump()

    def set_speed(self, speed: float) -> None:
        """Another target speed, times real time."""
        self._clock.target = speed
        self.refresh()

    def choose(self, label: str) -> None:
        """Another clip or ground, by its label on the page."""
        self._session.choose(self._labels().index(label))
        self._scene.jump()
        if isinstance(self._session.stage, ClipStage):
            self._start.value = 0
        self.refresh()

    # ------------------------------------------------------------------ display

    def refresh(self) -> None:
        """Show how time and place are."""
        clock, session = self._clock, self._session
        stage = session.stage
        self._play.label, self._play.icon = (
            ("Pause", "player-pause") if clock.running else ("Play", "player-play")
        )
        speed = f"achieved {clock.achieved:.2f}x" if clock.running else "paused"
        self._status.content = f"**{session.playing()}**\n\nspeed: target {clock.target:g}x, {speed}"
        self._place.options = self._labels()
        self._place.value = self._labels()[stage.chosen]
        if isinstance(stage, ClipStage):
            last = stage.length - 1
            if self._scrub.max != last:
                self._scrub.max = self._start.max = last
            self._scrub.value = stage.frame(session.selected)
            self._kinematic.value = session.kinematic
        if session.player is not None:
            last = session.env.num_envs - 1
            self._robot.max, self._robot.disabled = max(1, last), last == 0
            self._robot.value, self._count.value = session.selected, session.env.num_envs

    # ------------------------------------------------------------------ controls

    def _labels(self) -> list[str]:
        """Clips or grounds, with the policy's success rate where it is known."""
        rates = self._rates()
        return [
            f"{name} ({rates[name]:.0%})" if name in rates else name for name in self._session.stage.names
        ]

    def _add_places(self) -> None:
        page, session, gui = self._page, self._session, self._page.server.gui
        stage = session.stage
        clips = isinstance(stage, ClipStage)
        self._place = gui.add_dropdown("Clip" if clips else "Ground", self._labels())
        page.on_update(self._place, self.choose)
        if not clips:
            return
        self._scrub = gui.add_slider("Frame", 0, stage.length - 1, 1, 0)
        page.on_update(self._scrub, self._scrub_to)
        self._start = gui.add_slider("Start frame", 0, stage.length - 1, 1, 0)
        page.on_update(self._start, lambda frame: session.clips.begin_at(frame))
        self._kinematic = gui.add_checkbox(
            "Without physics", session.kinematic, disabled=session.player is None,
            hint="Show the clip itself: the reference carries the robots along",
        )  # fmt: skip
        page.on_update(self._kinematic, self._set_kinematic)

    def _add_robots(self) -> None:
        page, session, gui = self._page, self._session, self._page.server.gui
        self._count = gui.add_number("Robots", session.env.num_envs, min=1, max=MOST_ROBOTS, step=1)
        page.on_update(self._count, self._set_count)
        self._robot = gui.add_slider("Looked at", 0, MOST_ROBOTS, 1, 0)
        page.on_update(self._robot, self._select)

    def _scrub_to(self, frame: int) -> None:
        self._session.scrub(frame)
        self._scene.jump()

    def _set_kinematic(self, kinematic: bool) -> None:
        self._session.set_kinematic(kinematic)

    def _set_count(self, count: int) -> None:
        if 1 <= count <= MOST_ROBOTS and count != self._session.env.num_envs:
            self._page.say(f"building {count} robot{'s' if count > 1 else ''}")
            self._session.set_num_envs(count)
            self.refresh()

    def _select(self, robot: int) -> None:
        self._session.selected = min(robot, self._session.env.num_envs - 1)
        self._scene.jump()

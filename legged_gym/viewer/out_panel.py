"""What people take away: bundle, video, picture, figures of a clip."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from legged_gym.evaluation.video import write_video
from legged_gym.utils.errors import RunError
from legged_gym.viewer.jobs import Jobs
from legged_gym.viewer.page import Page
from legged_gym.viewer.recorder import Recorder
from legged_gym.viewer.session import Session
from legged_gym.viewer.stage import ClipStage
from legged_gym.viewer.workshop import Workshop

if TYPE_CHECKING:
    import viser

VIDEOS = Path("recordings")
"""Where videos go, in the current directory."""
PICTURE_WAIT_S = 30.0


class OutPanel:
    """Exports, records, takes pictures. What takes long goes on beside the player."""

    def __init__(self, page: Page, session: Session, jobs: Jobs, workshop: Workshop | None) -> None:
        """Put it where the page is building now; without a workshop there is no policy to export."""
        self._page, self._session, self._jobs, self._workshop = page, session, jobs, workshop
        self.recorder = Recorder(session)
        gui = page.server.gui
        if workshop is not None:
            with gui.add_folder("Policy bundle"):
                self._folder = gui.add_text("Folder", "policy")
                page.on_click(gui.add_button("Export", icon="package-export"), self.export)
        with gui.add_folder("Video"):
            self._format = gui.add_dropdown("Format", ("mp4", "gif"))
            self._record = page.on_click(gui.add_button("Record"), self.record)
        picture = gui.add_button("Screenshot", icon="camera")
        picture.on_click(self._take_picture)

    def note(self) -> None:
        """A control step has passed."""
        self.recorder.note()

    def export(self) -> None:
        """Write the bundle of the policy that plays.

        Raises:
            RunError: It has no checkpoint.
        """
        player = self._session.player
        if player is None or player.checkpoint is None:
            raise RunError("there is nothing to export: choose a checkpoint first")
        folder = Path(self._folder.value).expanduser()
        checkpoint, write = player.checkpoint, self._workshop.export
        self._jobs.start(
            "export",
            lambda: write(checkpoint, folder),
            lambda _: self._page.say(f"wrote {folder.resolve()} from {checkpoint}", "good"),
        )

    def record(self) -> None:
        """Begin a recording, or end it and write it."""
        if not self.recorder.running:
            self.recorder.start()
            return
        recording = self.recorder.stop()
        if recording is None:
            self._page.say("nothing was recorded: time stood still")
            return
        of = recording.name.replace(",", "").replace(" ", "_")
        name = f"{time.strftime('%Y%m%d_%H%M%S')}_{of}.{self._format.value}"
        path, robot = VIDEOS / name, self._session.env.robot

        def work() -> bytes:
            VIDEOS.mkdir(exist_ok=True)
            write_video(path, recording, robot)
            return path.read_bytes()

        def offer(content: bytes) -> None:
            self._page.say(f"wrote {path.resolve()}", "good")
            self._page.server.send_file_download(name, content)

        self._jobs.start("video", work, offer)

    def refresh(self) -> None:
        """Show what is under way."""
        recorder = self.recorder
        if recorder.why_over:
            self._page.say(recorder.why_over)
            self.record()
        self._record.label = f"Stop and write ({recorder.seconds:.0f} s)" if recorder.running else "Record"

    def _take_picture(self, event: viser.GuiEvent) -> None:
        """Send the page that asks what it sees, without the panels. Runs beside the player."""
        client = event.client
        if client is None:
            return
        camera = client.camera
        try:
            picture = client.get_render(
                camera.image_height, camera.image_width, transport_format="png", timeout=PICTURE_WAIT_S
            )
        except (RuntimeError, TimeoutError) as error:
            self._page.say(f"no picture: {error}", "bad")
            return
        file = io.BytesIO()
        white = Image.new("RGBA", picture.shape[1::-1], (255, 255, 255, 255))
        Image.alpha_composite(white, Image.fromarray(picture).convert("RGBA")).convert("RGB").save(
            file, "PNG"
        )
        client.send_file_download(f"{time.strftime('%Y%m%d_%H%M%S')}.png", file.getvalue())


class EvaluationPanel:
    """Judges the policy that plays on the clip that is chosen."""

    def __init__(self, page: Page, session: Session, jobs: Jobs, workshop: Workshop) -> None:
        """Put it where the page is building now."""
        self._page, self._session, self._jobs, self._workshop = page, session, jobs, workshop
        self.rates: dict[str, float] = {}
        """Success rate of the policy that plays on clips, by name, as far as it is known."""
        self._rates_of: object = None
        gui = page.server.gui
        with gui.add_folder("Evaluation"):
            self._table = gui.add_markdown("")
            if isinstance(session.stage, ClipStage):
                page.on_click(gui.add_button("Evaluate this clip", icon="clipboard-check"), self.judge)

    def judge(self) -> None:
        """Judge beside the player, in an environment of its own."""
        from legged_gym.viewer.judging import ROBOTS, as_table, judge_clip

        player, clip = self._session.player, self._session.stage.chosen
        name, make_judge = self._session.stage.names[clip], self._workshop.make_judge

        def work() -> dict:
            env = make_judge(ROBOTS)
            return judge_clip(env, player.make(env), clip)

        def show(figures: dict) -> None:
            self._table.content = as_table(figures, name, player.name)
            if self._session.player is player:
                self.rates[name] = figures["success_rate"]

        self._jobs.start("evaluation", work, show)

    def refresh(self) -> None:
        """Look up what is known of a policy that is new."""
        player = self._session.player
        if player is self._rates_of:
            return
        self._rates_of = player
        self.rates = (
            {} if player.checkpoint is None else dict(self._workshop.success_rates(player.checkpoint))
        )

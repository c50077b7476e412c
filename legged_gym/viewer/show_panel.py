"""What is shown in the scene, and from where."""

from __future__ import annotations

import numpy as np

from legged_gym.viewer.marks import Marks
from legged_gym.viewer.page import Page
from legged_gym.viewer.scene import Scene
from legged_gym.viewer.session import Session

FARTHEST_M = 30.0
"""Between robots."""
DEPTH_SCALE = 6
"""A pixel of the depth image is shown as a square of so many."""


class ShowPanel:
    """Switches parts of the scene on and off."""

    def __init__(self, page: Page, session: Session, scene: Scene) -> None:
        """Put it where the page is building now."""
        self._session, self._scene = session, scene
        gui, env = page.server.gui, session.env
        page.on_update(
            gui.add_checkbox("Follow the robot", scene.follow), lambda v: setattr(scene, "follow", v)
        )
        page.on_update(gui.add_checkbox("Robot", True), lambda v: setattr(scene, "show_robot", v))
        if env.follows_reference:
            page.on_update(
                gui.add_checkbox("Ghost of the reference", True), lambda v: setattr(scene, "show_ghost", v)
            )
        page.on_update(gui.add_checkbox("Ground", True), lambda v: setattr(scene, "show_ground", v))
        for kind in scene.marks.kinds:
            box = gui.add_checkbox(Marks.LABELS[kind], False)
            page.on_update(box, lambda wanted, kind=kind: self.mark(kind, wanted))
        self._force = gui.add_slider("Force arrows, mm/N", 0.2, 10.0, 0.2, 1e3 * scene.marks.force_scale)
        page.on_update(self._force, self._scale_forces)
        self._spacing = gui.add_slider("Between robots, m", 0.0, FARTHEST_M, 0.1, scene.spacing)
        page.on_update(self._spacing, lambda v: setattr(scene, "spacing", v))
        self._depth = None
        if "depth" in env.sensors.names:
            self._depth = gui.add_image(self._depth_image(), label="Depth image, near is bright")

    def mark(self, kind: str, wanted: bool) -> None:
        """Show a kind of mark, or hide it."""
        (self._scene.marks.shown.add if wanted else self._scene.marks.shown.discard)(kind)

    def refresh(self) -> None:
        """Take a new depth image."""
        self._spacing.value = min(FARTHEST_M, self._scene.spacing)
        if self._depth is not None:
            self._depth.image = self._depth_image()

    def _scale_forces(self, mm_per_newton: float) -> None:
        self._scene.marks.force_scale = 1e-3 * mm_per_newton

    def _depth_image(self) -> np.ndarray:
        """What the camera of the robot that is looked at sees, (H, W, 3) uint8."""
        env = self._session.env
        depth = env.sensors.value("depth")[self._session.selected].cpu().numpy()
        return depth_picture(depth, env.cfg.sensors.depth.max_distance)


def depth_picture(depth: np.ndarray, max_distance: float) -> np.ndarray:
    """A depth image (h, w) m as a picture in which near is bright and no reading (0) is red, uint8."""
    near = np.clip(1.0 - depth / max_distance, 0.0, 1.0)
    grey = np.repeat((40.0 + 215.0 * near)[..., None], 3, axis=-1).astype(np.uint8)
    grey[depth == 0.0] = (200, 40, 40)
    return np.kron(grey, np.ones((DEPTH_SCALE, DEPTH_SCALE, 1), np.uint8))

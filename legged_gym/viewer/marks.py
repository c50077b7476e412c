"""What is drawn beside the robot that is looked at: links and where they should be, forces, heights, its way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.viewer.height_points import HeightPoints

if TYPE_CHECKING:
    import viser

TARGET_RGB, CURRENT_RGB, ERROR_RGB, FORCE_RGB = (226, 60, 60), (60, 170, 80), (240, 150, 40), (150, 70, 200)
ASKED_RGB, SCAN_RGB, SEEN_RGB, TRAIL_RGB = (238, 190, 30), (245, 196, 66), (214, 64, 96), (31, 95, 168)
POINT_M = 0.03
"""Diameter of a link's point."""
LINE_M = 0.012
LEAST_FORCE_N = 1.0
TRAIL_POINTS = 300
TRAIL_STEP_M = 0.03
"""The way has a point every so often."""
JUMP_M = 0.5
"""A root that goes further than this in one step has been put there: its way begins anew."""

Points = np.ndarray
"""(n, 3) m, world."""


class Marks:
    """Each kind is made when it is first shown; what is hidden is not computed."""

    LABELS: ClassVar[dict[str, str]] = {
        "link targets": "Links: where they are (green) and should be (red)",
        "link errors": "Lines between them",
        "contact forces": "Contact forces",
        "wanted contacts": "Contacts of the reference (yellow)",
        "height points": "Ground under the height scan (yellow), as seen (red)",
        "trail": "Way of the root",
        "frames": "Frame of the clip in the world",
    }
    """Kind -> what the page calls it."""

    def __init__(self, scene: viser.SceneApi, name: str, env: LeggedRobot) -> None:
        """Nothing is shown."""
        self._scene, self._name, self._env = scene, name, env
        self._handles: dict[str, viser.SceneNodeHandle] = {}
        self._trail: deque[np.ndarray] = deque(maxlen=TRAIL_POINTS)
        self._heights = HeightPoints(env)
        self.shown: set[str] = set()
        """Kinds that are shown."""
        self.force_scale = 0.002
        """Length of an arrow, m/N: the G1's weight is 0.7 m long."""
        self._draw: dict[str, Callable[[int, np.ndarray], None]] = {
            "link targets": self._links,
            "link errors": self._errors,
            "contact forces": self._forces,
            "wanted contacts": self._wanted,
            "height points": self._scan,
            "trail": self._way,
            "frames": self._frames,
        }

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds that this task has."""
        need_reference = ("link targets", "link errors", "wanted contacts")
        with_reference = self._env.follows_reference
        return tuple(kind for kind in self.LABELS if with_reference or kind not in need_reference)

    def show(self, env_id: int, shift: np.ndarray) -> None:
        """Draw what is shown of an env that stands (3,) m beside its place."""
        for kind in self.shown:
            self._draw[kind](env_id, shift)
        for kind, handle in self._handles.items():
            handle.visible = kind.split("/")[0] in self.shown

    def clear_trail(self) -> None:
        """The way begins anew."""
        self._trail.clear()

    # ------------------------------------------------------------------ kinds

    def _links(self, env_id: int, shift: np.ndarray) -> None:
        now, wanted = self._tracked(env_id)
        self._points("link targets/wanted", wanted + shift, TARGET_RGB)
        self._points("link targets/now", now + shift, CURRENT_RGB)

    def _errors(self, env_id: int, shift: np.ndarray) -> None:
        now, wanted = self._tracked(env_id)
        self._lines("link errors", np.stack((now, wanted), axis=1) + shift, ERROR_RGB)

    def _forces(self, env_id: int, shift: np.ndarray) -> None:
        sim = self._env.sim
        bodies = [sim.body_names.index(name) for name in sim.contact_body_names if name in sim.body_names]
        known = [index for index, name in enumerate(sim.contact_body_names) if name in sim.body_names]
        start = sim.body_pos_w[env_id, bodies].cpu().numpy() + shift
        force = sim.contact_force_w[env_id, known].cpu().numpy()
        force *= np.linalg.norm(force, axis=1, keepdims=True) > LEAST_FORCE_N
        self._arrows("contact forces", np.stack((start, start + self.force_scale * force), axis=1), FORCE_RGB)

    def _wanted(self, env_id: int, shift: np.ndarray) -> None:
        env = self._env
        on = env.reference.contacts[env_id] > 0.5
        feet = env.reference.body_pos_w[env_id, env.feet_bodies[on]].cpu().numpy()
        self._points("wanted contacts", feet + shift, ASKED_RGB, 2.0 * POINT_M)

    def _scan(self, env_id: int, shift: np.ndarray) -> None:
        true, seen = self._heights.points(env_id)
        self._points("height points/true", true + shift, SCAN_RGB)
        if seen is not None:
            self._points("height points/seen", seen + shift, SEEN_RGB)

    def _way(self, env_id: int, shift: np.ndarray) -> None:
        now = self._env.sim.root_pos_w[env_id].cpu().numpy() + shift
        gone = np.linalg.norm(now - self._trail[-1]) if self._trail else np.inf
        if JUMP_M < gone < np.inf:
            self._trail.clear()
        if gone > TRAIL_STEP_M:
            self._trail.append(now)
            way = np.array(self._trail)
            self._lines("trail", np.stack((way[:-1], way[1:]), axis=1), TRAIL_RGB)

    def _frames(self, env_id: int, shift: np.ndarray) -> None:
        offset = self._env.env_offsets[env_id].cpu().numpy() + shift
        handle = self._handles.get("frames")
        if handle is None:
            self._handles["frames"] = handle = self._scene.add_frame(
                f"{self._name}/frame", axes_length=0.5, axes_radius=0.012
            )
        handle.position = tuple(offset)

    # ------------------------------------------------------------------ drawing

    def _tracked(self, env_id: int) -> tuple[Points, Points]:
        env = self._env
        now, wanted = env.sim.body_pos_w[env_id], env.reference.body_pos_w[env_id]
        return tuple(env.of_tracked(part).cpu().numpy() for part in (now, wanted))

    def _points(self, kind: str, points: Points, color: tuple[int, int, int], size: float = POINT_M) -> None:
        points = points.astype(np.float32)
        handle = self._handles.get(kind)
        if handle is None or len(handle.points) != len(points):
            self._handles[kind] = self._scene.add_point_cloud(
                f"{self._name}/{kind.replace(' ', '_')}", points, color, point_size=size,
                point_shape="circle", precision="float32",
            )  # fmt: skip
        else:
            handle.points = points

    def _lines(self, kind: str, segments: np.ndarray, color: tuple[int, int, int]) -> None:
        """Segments (n, 2, 3)."""
        segments = segments.astype(np.float32)
        handle = self._handles.get(kind)
        if handle is None or len(handle.points) != len(segments):
            if not len(segments):
                return
            self._handles[kind] = self._scene.add_line_segments(
                f"{self._name}/{kind.replace(' ', '_')}", segments, color, thickness=LINE_M
            )
        else:
            handle.points = segments

    def _arrows(self, kind: str, arrows: np.ndarray, color: tuple[int, int, int]) -> None:
        """Arrows (n, 2, 3)."""
        handle = self._handles.get(kind)
        if handle is None:
            self._handles[kind] = self._scene.add_arrows(
                f"{self._name}/{kind.replace(' ', '_')}", arrows.astype(np.float32), color,
                shaft_radius=0.012, head_radius=0.03, head_length=0.07,
            )  # fmt: skip
        else:
            handle.points = arrows.astype(np.float32)

"""Pictures of a scene without OpenGL: every shape a thick line or a disc, painted from far to near."""

from __future__ import annotations

import mujoco
import numpy as np
from PIL import Image, ImageDraw

from legged_gym.evaluation.scene import COLLISION_GROUP, FIELD_OF_VIEW, FLOOR_COLORS, GHOST, Camera, Scene

NEAR = 0.2
"""Nothing closer to the camera than this is drawn, m."""
GRID_REACH = 8
"""Metres of floor grid on each side of the camera's target."""
SUPERSAMPLING = 2
GHOST_OPACITY = 0.45
SKY = (176, 199, 226)
_ROUND = (int(mujoco.mjtGeom.mjGEOM_CAPSULE), int(mujoco.mjtGeom.mjGEOM_CYLINDER))
_SPHERE = int(mujoco.mjtGeom.mjGEOM_SPHERE)


class Painter:
    """Draws one scene in software."""

    def __init__(self, scene: Scene, width: int, height: int) -> None:
        """Sort the shapes of robot and ghost.

        Args:
            scene: What to draw.
            width: Of the pictures, pixels.
            height: Likewise.
        """
        self._scene, self._size = scene, (width, height)
        model = scene.model
        self._geoms = np.flatnonzero((model.geom_bodyid > 0) & (model.geom_group != COLLISION_GROUP))
        self._half_axes, self._radii = _shapes(model, self._geoms)
        bodies = model.geom_bodyid[self._geoms]
        self._is_ghost = np.array([model.body(body).name.startswith(GHOST) for body in bodies])
        self._colors = [_color(model, geom) for geom in self._geoms]

    def draw(self, camera: Camera) -> np.ndarray:
        """The scene in its present poses, (height, width, 3) uint8."""
        canvas = tuple(SUPERSAMPLING * side for side in self._size)
        view = _View(camera, *canvas)
        picture = Image.new("RGB", canvas, SKY)
        self._draw_floor(ImageDraw.Draw(picture), view, camera)
        self._draw_robot(ImageDraw.Draw(picture), view, ghost=False)
        if self._is_ghost.any():
            overlay = picture.copy()
            self._draw_robot(ImageDraw.Draw(overlay), view, ghost=True)
            picture = Image.blend(picture, overlay, GHOST_OPACITY)
        return np.asarray(picture.resize(self._size, Image.Resampling.BOX))

    def close(self) -> None:
        """Nothing to free."""

    def _draw_floor(self, draw: ImageDraw.ImageDraw, view: _View, camera: Camera) -> None:
        color, line = (tuple(int(255 * c) for c in rgb) for rgb in FLOOR_COLORS)
        draw.rectangle((0, view.horizon, view.width, view.height), fill=color)
        x0, y0 = np.round(camera.target[:2])
        for k in range(-GRID_REACH, GRID_REACH + 1):
            for start, end in (
                ((x0 + k, y0 - GRID_REACH, 0.0), (x0 + k, y0 + GRID_REACH, 0.0)),
                ((x0 - GRID_REACH, y0 + k, 0.0), (x0 + GRID_REACH, y0 + k, 0.0)),
            ):
                segment = view.project_segment(np.array(start), np.array(end))
                if segment is not None:
                    draw.line(segment, fill=line, width=3)

    def _draw_robot(self, draw: ImageDraw.ImageDraw, view: _View, ghost: bool) -> None:
        chosen = np.flatnonzero(self._is_ghost == ghost)
        ids = self._geoms[chosen]
        data = self._scene.data
        centers = data.geom_xpos[ids]  # (K, 3)
        axes = np.einsum("kij,kj->ki", data.geom_xmat[ids].reshape(-1, 3, 3), self._half_axes[chosen])
        depths = view.depth(centers)
        for k in np.argsort(-depths):
            segment = view.project_segment(centers[k] - axes[k], centers[k] + axes[k])
            if segment is None:
                continue
            radius = self._radii[chosen[k]] * view.focal / max(depths[k], NEAR)
            _thick_line(draw, segment, radius, self._colors[chosen[k]])


class _View:
    """Perspective of a camera on a picture of some size, pixels."""

    def __init__(self, camera: Camera, width: int, height: int) -> None:
        azimuth, elevation = np.radians([camera.azimuth, camera.elevation])
        self.width, self.height = width, height
        self.focal = 0.5 * height / np.tan(np.radians(0.5 * FIELD_OF_VIEW))
        self.horizon = 0.5 * height + self.focal * np.tan(elevation)
        self._forward = np.array(
            [np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)]
        )
        right = np.array([np.sin(azimuth), -np.cos(azimuth), 0.0])
        self._axes = np.stack((right, np.cross(right, self._forward)))  # (2, 3) right and up
        self._eye = camera.target - camera.distance * self._forward

    def depth(self, points: np.ndarray) -> np.ndarray:
        """Distance along the direction of view, (..., 3) -> (...), m."""
        return (points - self._eye) @ self._forward

    def project_segment(self, start: np.ndarray, end: np.ndarray) -> tuple[float, float, float, float] | None:
        """Both ends in pixels, after cutting off what is behind the camera; None where nothing is left."""
        depths = self.depth(np.stack((start, end)))
        if (depths < NEAR).all():
            return None
        if depths[0] < NEAR:
            start = start + (end - start) * (NEAR - depths[0]) / (depths[1] - depths[0])
        elif depths[1] < NEAR:
            end = end + (start - end) * (NEAR - depths[1]) / (depths[0] - depths[1])
        return (*self._project(start), *self._project(end))

    def _project(self, point: np.ndarray) -> tuple[float, float]:
        right, up = self._axes @ (point - self._eye) * self.focal / self.depth(point)
        return 0.5 * self.width + right, 0.5 * self.height - up


def _shapes(model: mujoco.MjModel, geoms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every geom as a line with a radius: half the line in the geom's frame (K, 3), and the radius (K,), m."""
    half_axes, radii = np.zeros((len(geoms), 3)), np.zeros(len(geoms))
    for k, geom in enumerate(geoms):
        size = model.geom_size[geom]
        if model.geom_type[geom] in _ROUND:
            half_axes[k, 2], radii[k] = size[1], size[0]
        elif model.geom_type[geom] == _SPHERE:
            radii[k] = size[0]
        else:  # boxes and ellipsoids along their longest side
            radii[k] = np.sort(size)[1]
            half_axes[k, size.argmax()] = max(0.0, size.max() - radii[k])
    return half_axes, radii


def _color(model: mujoco.MjModel, geom: int) -> tuple[int, int, int]:
    material = model.geom_matid[geom]
    rgba = model.mat_rgba[material] if material >= 0 else model.geom_rgba[geom]
    return tuple(int(255 * c) for c in rgba[:3])


def _thick_line(
    draw: ImageDraw.ImageDraw,
    segment: tuple[float, float, float, float],
    radius: float,
    color: tuple[int, int, int],
) -> None:
    """A line with round ends and a darker rim."""
    rim = tuple(int(0.72 * c) for c in color)
    for thickness, fill in ((radius, rim), (0.8 * radius, color)):
        draw.line(segment, fill=fill, width=max(1, round(2.0 * thickness)))
        for x, y in (segment[:2], segment[2:]):
            draw.ellipse((x - thickness, y - thickness, x + thickness, y + thickness), fill=fill)

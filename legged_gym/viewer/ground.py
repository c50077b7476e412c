"""The ground in the scene: a grid where all is flat, else the tiles near the robot that is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import trimesh

from legged_gym.envs.base.legged_robot import LeggedRobot

if TYPE_CHECKING:
    import viser

GROUND_RGB = (164, 156, 144)
FLOOR_RGB, GRID_RGB, SECTION_RGB = (238, 240, 243), (208, 213, 219), (176, 184, 193)
VIEW_M = 15.0
"""Tiles nearer than this to the robot are shown."""
SHARP_RAD, EDGE_RGB = np.deg2rad(8.0), (112, 104, 94)
"""Edges that bend by more are drawn."""
MOST_EDGES = 5000
"""Rough ground is all edges and is seen without them."""
MOST_NEIGHBOURS = 8
"""Tiles shown beside those that robots are on, the nearest first."""

Place = tuple[int, tuple[float, float, float]]
"""A tile, and where it is shown beside its own place, m."""


class Ground:
    """Shows the ground of an environment. A tile is sent when it first comes into view."""

    def __init__(self, scene: viser.SceneApi, name: str, env: LeggedRobot) -> None:
        """Nothing is shown yet where there are tiles."""
        self._scene, self._name, self._env = scene, name, env
        self._root = scene.add_frame(name, show_axes=False)
        self._layout = env.terrain.layout
        self._tiles: dict[Place, viser.SceneNodeHandle] = {}
        self._rectangles = self._layout.rectangles()  # (tiles, 2, 2)
        # Clips may share a ground: which tile stands for each.
        of_place: dict[bytes, int] = {}
        self._first = [of_place.setdefault(r.tobytes(), tile) for tile, r in enumerate(self._rectangles)]
        self.is_flat = env.terrain.is_flat
        if self.is_flat:
            scene.add_grid(
                f"{name}/grid", infinite_grid=True, plane="xy", cell_size=0.5, section_size=1.0,
                cell_color=GRID_RGB, section_color=SECTION_RGB, plane_color=FLOOR_RGB, plane_opacity=1.0,
                shadow_opacity=0.25, fade_distance=60.0,
            )  # fmt: skip

    @property
    def visible(self) -> bool:
        """Whether it is shown."""
        return self._root.visible

    @visible.setter
    def visible(self, visible: bool) -> None:
        self._root.visible = visible

    @property
    def shown(self) -> list[Place]:
        """The tiles that are shown."""
        return list(self._tiles)

    def look_at(self, point_w: np.ndarray, occupied: Sequence[Place]) -> None:
        """Show the tiles that robots are on and those near a point (3,), and no others."""
        if self.is_flat:
            return
        wanted = dict.fromkeys((self._first[tile], shift) for tile, shift in occupied)
        wanted |= dict.fromkeys((tile, (0.0, 0.0, 0.0)) for tile in self._near(point_w[:2]))
        for place in [place for place in self._tiles if place not in wanted]:
            self._tiles.pop(place).remove()
        for place in wanted:
            if place not in self._tiles:
                self._tiles[place] = self._add(place)

    def width(self, tile: int) -> float:
        """How far a tile reaches along y, m."""
        low, high = self._rectangles[tile]
        return float(high[1] - low[1])

    def remove(self) -> None:
        """Take it away."""
        self._root.remove()

    def _near(self, xy_w: np.ndarray) -> list[int]:
        """Tiles near a point (2,), the nearest first."""
        low, high = self._rectangles[:, 0], self._rectangles[:, 1]  # (tiles, 2)
        away = np.linalg.norm(np.maximum(np.maximum(low - xy_w, xy_w - high), 0.0), axis=1)
        order = [int(tile) for tile in np.argsort(away, kind="stable") if away[tile] < VIEW_M]
        return list(dict.fromkeys(self._first[tile] for tile in order))[:MOST_NEIGHBOURS]

    def _add(self, place: Place) -> viser.SceneNodeHandle:
        tile, shift = place
        rows = self._layout.cfg.n_rows
        vertices, faces = self._layout.tile_mesh(tile // rows, tile % rows)
        offset = self._env.terrain.offsets[tile].cpu().numpy()
        copy = "" if not any(shift) else "_" + "_".join(f"{x:.2f}" for x in shift).replace(".", "p")
        name = f"{self._name}/tile{tile}{copy}"
        node = self._scene.add_mesh_simple(
            name, np.asarray(vertices, np.float32), np.asarray(faces, np.uint32), color=GROUND_RGB,
            flat_shading=True, side="double", position=tuple(offset + np.array(shift)),
        )  # fmt: skip
        edges = sharp_edges(vertices, faces)
        if 0 < len(edges) <= MOST_EDGES:
            self._scene.add_line_segments(f"{name}/edges", edges, EDGE_RGB, thickness=0.008)
        return node


def sharp_edges(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Edges (n, 2, 3) at which a surface bends: without them steps of one colour run into each other, m."""
    mesh = trimesh.Trimesh(vertices, faces)
    return mesh.vertices[mesh.face_adjacency_edges[mesh.face_adjacency_angles > SHARP_RAD]].astype(np.float32)

"""Robots, or their references, as they stand in the scene: one batched mesh for each body, with all robots in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from legged_gym.viewer.body_shapes import RobotShapes, as_glb, in_one

if TYPE_CHECKING:
    import viser

GHOST_RGB, GHOST_OPACITY = (41, 120, 245), 0.3


class Figures:
    """n figures of one robot. What has not moved is not sent again."""

    def __init__(
        self, scene: viser.SceneApi, name: str, shapes: RobotShapes, count: int, ghost: bool = False
    ) -> None:
        """Put them at the origin.

        Args:
            scene: Where they stand.
            name: Their node, below which each body has its own.
            shapes: What they look like.
            count: How many there are.
            ghost: Whether they are of one colour and translucent.
        """
        self._shapes, self.count = shapes, count
        self._root = scene.add_frame(name, show_axes=False)
        pos, quat = np.zeros((count, 3)), np.tile([1.0, 0.0, 0.0, 0.0], (count, 1))
        self._bodies: list[Any] = []
        for body in shapes.bodies:
            node = f"{name}/{body.name}"
            if ghost:
                mesh = in_one(body)
                handle = scene.add_batched_meshes_simple(
                    node, mesh.vertices, mesh.faces, quat, pos, batched_colors=GHOST_RGB,
                    opacity=GHOST_OPACITY, cast_shadow=False, receive_shadow=False, lod="off",
                )  # fmt: skip
            else:
                handle = scene.add_batched_glb(node, as_glb(body), quat, pos, lod="off")
            self._bodies.append(handle)

    @property
    def visible(self) -> bool:
        """Whether they are shown."""
        return self._root.visible

    @visible.setter
    def visible(self, visible: bool) -> None:
        self._root.visible = visible

    def show(self, states: np.ndarray, offsets: np.ndarray) -> None:
        """Take up poses.

        Args:
            states: (n, 7 + J) root xyz, quaternion wxyz, joints; world.
            offsets: (n, 3) by which each figure stands elsewhere, m.
        """
        pos, quat = self._shapes.poses(states)
        pos += offsets[:, None]
        for index, handle in enumerate(self._bodies):
            handle.batched_positions = pos[:, index].astype(np.float32)
            handle.batched_wxyzs = quat[:, index].astype(np.float32)

    def remove(self) -> None:
        """Take them away."""
        self._root.remove()

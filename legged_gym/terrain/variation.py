"""Changes to a terrain mesh: what a robot meets where the scan it learned on was a little wrong."""

from __future__ import annotations

import numpy as np
import trimesh

from legged_gym.terrain.geometry import make_geometry

_ABOVE_M = 0.005
"""What is no higher than this over the ground level is ground."""


def changed(
    mesh: trimesh.Trimesh, raise_by: float = 0.0, shift: tuple[float, float] = (0.0, 0.0)
) -> trimesh.Trimesh:
    """A copy of a mesh whose parts above the ground level are higher, and which lies elsewhere.

    Args:
        mesh: In the frame of its clip, m, z up.
        raise_by: Added to the height of every vertex above the ground level, m; what would sink below it stays there.
        shift: Added to x and y of all vertices, m.
    """
    ground = make_geometry(mesh, "auto", None).ground_level
    vertices = np.array(mesh.vertices)
    above = vertices[:, 2] > ground + _ABOVE_M
    vertices[above, 2] = np.maximum(vertices[above, 2] + raise_by, ground)
    vertices[:, :2] += shift
    return trimesh.Trimesh(vertices, mesh.faces, process=False)

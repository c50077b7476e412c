"""Where rectangles are put so that they never overlap."""

from __future__ import annotations

import numpy as np


def shelves(size: np.ndarray) -> np.ndarray:
    """Lower corners of rectangles, put in rows of about equal length, deepest first, and all about the origin.

    Args:
        size: (U, 2) width and depth, m.

    Returns:
        (U, 2) x and y of each one's lower corner, m.
    """
    corner = np.zeros((len(size), 2))
    if not len(size):
        return corner
    width = max(float(np.sqrt(size.prod(axis=1).sum())), float(size[:, 0].max()))
    x = y = depth = 0.0
    for index in np.argsort(-size[:, 1], kind="stable"):
        if x > 0.0 and x + size[index, 0] > width:
            x, y, depth = 0.0, y + depth, 0.0
        corner[index] = x, y
        x += size[index, 0]
        depth = max(depth, size[index, 1])
    return corner - (corner + size).max(axis=0) / 2.0

"""How triangles hang together, without loops over them."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components


def edge_pairs(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Neighbours across the edges that exactly two triangles share.

    Edges of more triangles join nothing: where two boxes touch along an edge they stay two.

    Args:
        faces: (F, 3) vertex ids.

    Returns:
        (P, 2) face ids, and (P,) bool, whether both run along the edge in the same direction (so one of them is
        wound the wrong way).
    """
    start = faces.ravel()
    stop = faces[:, [1, 2, 0]].ravel()
    key = np.minimum(start, stop) * (faces.max(initial=0) + 1) + np.maximum(start, stop)
    order = np.argsort(key, kind="stable")
    _, first, count = np.unique(key[order], return_index=True, return_counts=True)
    first = first[count == 2]
    left, right = order[first], order[first + 1]
    return np.stack((left // 3, right // 3), axis=1), start[left] == start[right]


def components(num_nodes: int, pairs: np.ndarray) -> np.ndarray:
    """(num_nodes,) label, from 0, of the connected part each node is in."""
    links = coo_matrix((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), (num_nodes, num_nodes))
    return connected_components(links, directed=False)[1]


def inconsistent_faces(num_faces: int, pairs: np.ndarray, same_direction: np.ndarray) -> np.ndarray:
    """(F,) bool: faces to turn over so that all neighbours agree; a part's first face stays.

    Each face is two nodes, as it is and turned over, linked to the neighbour's node that agrees with it; what is
    connected to the first face as it is, stays. Parts that cannot agree (a Moebius strip) stay as they are.
    """
    other = pairs[:, 1] + num_faces * same_direction
    back = pairs[:, 1] + num_faces * ~same_direction
    doubled = np.concatenate(
        (np.stack((pairs[:, 0], other), axis=1), np.stack((pairs[:, 0] + num_faces, back), axis=1))
    )
    label = components(2 * num_faces, doubled)
    as_is, turned = label[:num_faces], label[num_faces:]
    part = components(num_faces, pairs)
    first = np.unique(part, return_index=True)[1]
    return (as_is != as_is[first][part]) & (as_is != turned)

"""How triangles hang together, without loops over them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components


@dataclass(frozen=True, eq=False)
class Edges:
    """How F triangles meet along their edges."""

    pairs: np.ndarray
    """(P, 2) face ids of neighbours across an edge that exactly two share."""
    same_direction: np.ndarray
    """(P,) bool: both run along the edge in the same direction, so one of them is wound the wrong way."""
    border: np.ndarray
    """(F,) bool: has an edge that no other shares."""
    crowded: list[np.ndarray]
    """Half edges (3 * face + corner) of each edge of more than two faces."""


def edges_of(faces: np.ndarray) -> Edges:
    """Sort the edges of triangles, (F, 3) vertex ids."""
    start = faces.ravel()
    stop = faces[:, [1, 2, 0]].ravel()
    key = np.minimum(start, stop) * (faces.max(initial=0) + 1) + np.maximum(start, stop)
    order = np.argsort(key, kind="stable")
    _, first, count = np.unique(key[order], return_index=True, return_counts=True)
    left, right = order[first[count == 2]], order[first[count == 2] + 1]
    border = np.zeros(len(faces), bool)
    border[order[first[count == 1]] // 3] = True
    crowded = [order[at : at + num] for at, num in zip(first[count > 2], count[count > 2], strict=True)]
    return Edges(np.stack((left // 3, right // 3), axis=1), start[left] == start[right], border, crowded)


def solid_pairs(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(P, 2) neighbours that bound the same matter, also where several solids touch along an edge.

    Around such an edge, matter begins at the faces that run against it and ends at the next one that runs along it.
    Faces must be wound to look outward.
    """
    edges = edges_of(faces)
    found = [edges.pairs]
    for half_edges in edges.crowded:
        face, corner = half_edges // 3, half_edges % 3
        start, stop = faces[face, corner], faces[face, (corner + 1) % 3]
        low = min(start[0], stop[0])
        along = start == low
        if 2 * along.sum() != len(along):
            continue  # not a place where solids touch
        direction = vertices[max(start[0], stop[0])] - vertices[low]
        direction = direction / np.linalg.norm(direction)
        inward = vertices[faces[face, (corner + 2) % 3]] - vertices[low]
        inward = inward - (inward @ direction)[:, None] * direction
        angle = np.arctan2(np.cross(direction, inward[0]) @ inward.T, inward[0] @ inward.T)
        angle = np.round(angle % (2.0 * np.pi), 6) % np.round(2.0 * np.pi, 6)
        order = np.lexsort((~along, angle))  # of two faces in one place, first that where matter ends
        order = np.roll(order, -int(np.argmin(along[order])))  # from one where matter begins
        if along[order[1::2]].all() and not along[order[::2]].any():
            found.append(face[order].reshape(-1, 2))
    return np.concatenate(found)


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

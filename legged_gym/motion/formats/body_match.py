"""Which named joint order a file without names has, found by where it puts the robot's bodies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from legged_gym.motion.clip import Clip
from legged_gym.motion.links import robot_links
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.utils.errors import MotionError

MAX_MISMATCH = 0.05
"""Mean distance of matched bodies, m, beyond which a file is not of this robot: versions of the G1 differ by 0.01."""
_DECISIVE_RATIO, _DECISIVE_GAP = 2.0, 0.005
_FRAMES = 50
"""Frames that are compared, spread over the clip."""


@dataclass(frozen=True)
class BodyMatch:
    """A joint order and the names of a file's B bodies that go with it."""

    order: str
    body_names: tuple[str | None, ...]
    """None for a body of the file that is none of the robot's."""
    reason: str


def match_bodies(
    path: Path,
    candidates: dict[str, Clip],
    pos_w: np.ndarray,
    robot: RobotLayout,
) -> BodyMatch:
    """Find the joint order under which the robot's bodies are where the file says, whatever order those are in.

    The bodies of file and robot are paired so that their distances, averaged over frames, add up to the least
    (Hungarian method); the joint order with the nearer pairs is the file's.

    Args:
        path: named in errors.
        candidates: the clip under each joint order that could be.
        pos_w: (T, B, 3) body positions in the file, m.
        robot: the robot.

    Raises:
        MotionError: no order puts the bodies there, or several do equally well.
    """
    rows = np.unique(np.linspace(0, len(pos_w) - 1, _FRAMES).astype(int))
    found = {
        order: _pair(pos_w[rows], robot_links(clip, robot).pos_w[rows]) for order, clip in candidates.items()
    }
    ranked = sorted(found, key=lambda order: found[order][1])
    scores = ", ".join(f"{1e3 * found[order][1]:.1f} mm as {order}" for order in ranked)
    best = found[ranked[0]]
    if best[1] > MAX_MISMATCH:
        raise MotionError(
            f"{path}: its bodies are not where {robot.name} has them: mean distance {scores}. The file is of another "
            "robot, or its joint order, root quaternion (must be wxyz) or root body (must be the first) is another"
        )
    if len(ranked) > 1:
        second = found[ranked[1]][1]
        if second < _DECISIVE_RATIO * best[1] or second - best[1] < _DECISIVE_GAP:
            raise MotionError(
                f"{path}: its bodies do not tell its joint order (mean distance {scores}); "
                f"set joint_order to {' or '.join(ranked)}"
            )
    names = tuple(None if column is None else robot.body_names[column] for column in best[0])
    return BodyMatch(ranked[0], names, f"its bodies are {scores} from the kinematics of {robot.name}")


def _pair(theirs: np.ndarray, ours: np.ndarray) -> tuple[list[int | None], float]:
    """For each of their bodies the column of ours or None, and the mean distance of the pairs, m."""
    # Imported here: it takes a third of a second, which most files need not wait for.
    from scipy.optimize import linear_sum_assignment

    cost = np.mean(np.linalg.norm(theirs[:, :, None] - ours[:, None], axis=-1), axis=0)  # (B, B')
    rows, columns = linear_sum_assignment(cost)
    paired = dict(zip(rows.tolist(), columns.tolist(), strict=True))
    return [paired.get(body) for body in range(theirs.shape[1])], float(cost[rows, columns].mean())

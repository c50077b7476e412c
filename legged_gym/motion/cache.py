"""Finished clips on disk, so that a library of hours loads in seconds after the first time.

An entry depends on the file's bytes, the robot, the control rate, all options, the terrain's mesh, the code of this
room and the versions of its libraries.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import scipy

from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.utils.array_cache import ArrayCache, Arrays, code_digest, digest

_ROOM = Path(__file__).resolve().parent
_NOT_PART = (
    "synthesis", "validation/report", "validation/plot", "validation/html", "validation/files",
)  # fmt: skip  # cannot change what a cached clip holds


@dataclass(frozen=True, eq=False)
class CachedClip:
    """One clip, completed on a robot."""

    rows: np.ndarray
    """(T, D) float32."""
    about: dict[str, Any]
    """Whatever else is to be kept; must survive JSON."""


class ClipCache:
    """An `ArrayCache` of clips."""

    def __init__(self, folder: Path | None) -> None:
        """See `ArrayCache`."""
        self._arrays = ArrayCache(folder)

    @property
    def hits(self) -> int:
        """Clips that were found, so far."""
        return self._arrays.hits

    def get(
        self,
        key: str,
        make: Callable[[], CachedClip],
        valid: Callable[[CachedClip], bool] = lambda clip: True,
    ) -> CachedClip:
        """See `ArrayCache.get`."""
        entry = self._arrays.get(key, lambda: _arrays(make()), lambda found: valid(_clip(found)))
        return _clip(entry)

    def remove_old(self) -> None:
        """See `ArrayCache.remove_old`."""
        self._arrays.remove_old()


def robot_digest(robot: RobotLayout) -> str:
    """Name of a robot: its compiled model and what is taken from it."""
    model = robot.model
    buffer = np.empty(mujoco.mj_sizeModel(model), np.uint8)
    mujoco.mj_saveModel(model, None, buffer)
    names = (robot.joint_names, robot.body_names, robot.foot_bodies, robot.locked_joints)
    return digest(buffer.tobytes(), names)


@functools.cache
def room_digest() -> str:
    """Name of the code and the libraries that make a clip."""
    files = [
        file
        for file in sorted(_ROOM.rglob("*.py"))
        if not file.relative_to(_ROOM).as_posix().startswith(_NOT_PART)
    ]
    return code_digest(files, mujoco.__version__, np.__version__, scipy.__version__)


def _arrays(clip: CachedClip) -> Arrays:
    return {"rows": clip.rows, "about": np.array(json.dumps(clip.about))}


def _clip(entry: Arrays) -> CachedClip:
    return CachedClip(entry["rows"], json.loads(str(entry["about"])))

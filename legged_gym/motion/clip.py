"""One recorded motion, as its file has it: joints by name and a root pose per frame."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from legged_gym.motion.rotations import sign_continuous
from legged_gym.utils.errors import MotionError

QUAT_NORM_TOLERANCE = 0.01
"""A root quaternion whose length differs from 1 by more is taken for an error, not for rounding in a text file."""


@dataclass(frozen=True, eq=False)
class Links:
    """Poses of L links as a source computed them. Training never uses them: it has the FK of its own robot.

    They are kept to be compared with that FK, which is how another robot version or a wrong order shows.
    """

    names: tuple[str, ...]
    """L body names."""
    pos_w: np.ndarray
    """(T, L, 3) body origins in the world, m."""
    quat_wxyz: np.ndarray
    """(T, L, 4) body to world, scalar first."""


@dataclass(frozen=True, eq=False)
class Clip:
    """A motion of T >= 2 frames at a constant rate; checked when made, its arrays are read-only float64.

    Root quaternions come out of unit length and sign-continuous, whatever rounding and sign flips the source had.

    Raises:
        MotionError: naming file, field, frame and value of the first thing that is wrong.
    """

    name: str
    """Short name, unique enough for tables; usually the file's stem."""
    fps: float
    """Frames per second; frame i is at i / fps seconds."""
    joint_names: tuple[str, ...]
    """The J joints of `dof_pos`, in its order."""
    dof_pos: np.ndarray
    """(T, J) joint angles, rad."""
    root_pos: np.ndarray
    """(T, 3) root body origin in the world, m, z up."""
    root_quat_wxyz: np.ndarray
    """(T, 4) root orientation, body to world, scalar first."""
    contacts: dict[str, np.ndarray] | None = None
    """(T,) bool per foot body name, where the source recorded them."""
    links: Links | None = None
    """Link poses of the source, where it has any."""
    terrain: str | None = None
    """Mesh the motion plays on, in the same world frame: a path, relative to the clip's folder; None is flat ground."""
    source: str = ""
    """Where the motion came from."""
    licence: str = ""
    """Terms under which it may be used; "" if unknown."""
    history: tuple[str, ...] = ()
    """What was assumed or done to it on the way here, oldest first: zeros added, mirrored, raised by 12 mm, ..."""
    provenance: dict[str, Any] = field(default_factory=dict)
    """What its reader did: file, format, where the fps came from, quaternion order, ..."""

    def __post_init__(self) -> None:
        joint_names = tuple(str(name) for name in self.joint_names)
        object.__setattr__(self, "joint_names", joint_names)
        if not (isinstance(self.fps, (int, float, np.number)) and 0.0 < self.fps < np.inf):
            raise self._error("fps", f"is {self.fps!r}; it must be a positive number")
        object.__setattr__(self, "fps", float(self.fps))
        repeated = sorted({name for name in joint_names if joint_names.count(name) > 1})
        if repeated:
            raise self._error("joint_names", f"lists {', '.join(repeated)} more than once")

        frames = len(self.dof_pos)
        if frames < 2:
            raise self._error("dof_pos", f"has {frames} frame(s); a clip needs at least two")
        self._set_array("dof_pos", (frames, len(joint_names)))
        self._set_array("root_pos", (frames, 3))
        self._set_array("root_quat_wxyz", (frames, 4))
        self._normalise_quaternions()
        self._check_contacts(frames)
        self._check_links(frames)
        object.__setattr__(self, "history", tuple(str(entry) for entry in self.history))

    @property
    def file(self) -> str:
        """The file it was read from, else its name: what messages call it."""
        return str(self.provenance.get("file", self.name))

    @property
    def terrain_path(self) -> Path | None:
        """Where the terrain's mesh lies; None on flat ground."""
        return None if self.terrain is None else Path(self.file).parent / self.terrain

    @property
    def num_frames(self) -> int:
        """T."""
        return len(self.dof_pos)

    @property
    def duration(self) -> float:
        """Seconds from the first frame to the last: (T - 1) / fps."""
        return (self.num_frames - 1) / self.fps

    def frames(self, start: int, stop: int | None = None) -> Clip:
        """Frames start to stop - 1, as in python's slices but never beyond the clip.

        Raises:
            MotionError: they are not all in the clip, or fewer than two.
        """
        stop = self.num_frames if stop is None else stop
        if not 0 <= start <= stop - 2 or stop > self.num_frames:
            raise MotionError(
                f"{self.file}: has no frames {start} to {stop}: it has {self.num_frames}, and two are needed"
            )
        cut = slice(start, stop)
        links = self.links and Links(self.links.names, self.links.pos_w[cut], self.links.quat_wxyz[cut])
        return replace(
            self,
            dof_pos=self.dof_pos[cut],
            root_pos=self.root_pos[cut],
            root_quat_wxyz=self.root_quat_wxyz[cut],
            contacts=self.contacts and {foot: values[cut] for foot, values in self.contacts.items()},
            links=links,
            history=(*self.history, f"frames {start} to {stop} of {self.num_frames} taken"),
        )

    def _error(self, field_name: str, message: str) -> MotionError:
        return MotionError(f"{self.file}: {field_name} {message}")

    def _set_array(self, field_name: str, shape: tuple[int, ...]) -> None:
        try:
            array = np.array(getattr(self, field_name), dtype=np.float64)
        except (TypeError, ValueError):
            raise self._error(field_name, "is not an array of numbers") from None
        if array.shape != shape:
            raise self._error(field_name, f"has shape {array.shape}; {shape} would fit the other fields")
        bad = np.argwhere(~np.isfinite(array))
        if len(bad):
            frame, column = bad[0]
            label = f"{column} ({self.joint_names[column]})" if field_name == "dof_pos" else str(column)
            raise self._error(field_name, f"is {array[frame, column]} at frame {frame}, column {label}")
        array.flags.writeable = False
        object.__setattr__(self, field_name, array)

    def _normalise_quaternions(self) -> None:
        norm = np.linalg.norm(self.root_quat_wxyz, axis=1)
        bad = np.flatnonzero(np.abs(norm - 1.0) > QUAT_NORM_TOLERANCE)
        if len(bad):
            frame = bad[0]
            raise self._error(
                "root_quat_wxyz",
                f"has length {norm[frame]:.4g} at frame {frame} ({len(bad)} frames in all); "
                "rotations have length 1",
            )
        norm[np.abs(norm - 1.0) < 1e-14] = (
            1.0  # rounding alone: dividing again would not settle, it would wander
        )
        quat = sign_continuous(self.root_quat_wxyz / norm[:, None])
        quat.flags.writeable = False
        object.__setattr__(self, "root_quat_wxyz", quat)

    def _check_contacts(self, frames: int) -> None:
        if self.contacts is None:
            return
        checked = {}
        for foot, values in self.contacts.items():
            array = np.array(values, dtype=bool)
            if array.shape != (frames,):
                raise self._error(f"contacts[{foot!r}]", f"has shape {array.shape}; it must be ({frames},)")
            array.flags.writeable = False
            checked[str(foot)] = array
        object.__setattr__(self, "contacts", checked)

    def _check_links(self, frames: int) -> None:
        if self.links is None:
            return
        names = tuple(str(name) for name in self.links.names)
        for what, width in (("pos_w", 3), ("quat_wxyz", 4)):
            shape = np.shape(getattr(self.links, what))
            if shape != (frames, len(names), width):
                raise self._error(
                    f"links.{what}", f"has shape {shape}; it must be {(frames, len(names), width)}"
                )

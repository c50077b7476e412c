"""Reference states as rows of one wide table, so that looking up a frame is one gather."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

Slots = Mapping[str, tuple[int, ...]]
"""Field -> shape of its value in one frame, in the order of the columns."""


class ReferenceFrame:
    """Reference states of some frames, as views. World frame, wxyz; a body's position is its origin's.

    Leading dimensions (...) are those of the rows; J joints and B bodies are in the robot's order.
    """

    dof_pos: Tensor
    """(..., J) rad."""
    dof_vel: Tensor
    """(..., J) rad/s."""
    root_pos_w: Tensor
    """(..., 3) m."""
    root_quat_wxyz: Tensor
    """(..., 4) body to world."""
    root_lin_vel_w: Tensor
    """(..., 3) m/s."""
    root_ang_vel_w: Tensor
    """(..., 3) rad/s."""
    body_pos_w: Tensor
    """(..., B, 3) m."""
    body_quat_wxyz: Tensor
    """(..., B, 4) body to world."""
    body_lin_vel_w: Tensor
    """(..., B, 3) m/s."""
    body_ang_vel_w: Tensor
    """(..., B, 3) rad/s."""
    contacts: Tensor
    """(..., feet) 1 where the foot is on the ground, else 0."""

    def __init__(self, rows: Tensor, slots: Slots) -> None:
        """Views into rows (..., D)."""
        start = 0
        for name, shape in slots.items():
            stop = start + width(shape)
            columns = rows[..., start:stop]
            setattr(self, name, columns.unflatten(-1, shape) if len(shape) > 1 else columns)
            start = stop


class ReferenceTable:
    """F frames as rows (F, D), float32."""

    def __init__(self, rows: Tensor, slots: Slots) -> None:
        """`rows` has the columns that `slots` describes."""
        self.rows, self.slots = rows, dict(slots)

    @property
    def all(self) -> ReferenceFrame:
        """Every frame."""
        return ReferenceFrame(self.rows, self.slots)

    def at(self, frames: Tensor) -> ReferenceFrame:
        """Frames (n,) or (n, K), long."""
        rows = self.rows.index_select(0, frames.reshape(-1)).view(*frames.shape, -1)
        return ReferenceFrame(rows, self.slots)


def width(shape: tuple[int, ...]) -> int:
    """Columns that a value of this shape takes."""
    return int(torch.Size(shape).numel())

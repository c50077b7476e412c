"""The reference motion as every env sees it now: one gather a step, named views of the result."""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym.motion.replay_data import ReplayData

_FIELDS = (
    ("dof_pos", "dof_pos"),
    ("dof_vel", "dof_vel"),
    ("root_pos_w", "root_pos"),
    ("root_quat_wxyz", "root_quat_wxyz"),
    ("root_lin_vel_w", "root_lin_vel_w"),
    ("root_ang_vel_w", "root_ang_vel_w"),
    ("body_pos_w", "body_pos_w"),
    ("body_quat_wxyz", "body_quat_wxyz"),
    ("body_lin_vel_w", "body_lin_vel_w"),
    ("body_ang_vel_w", "body_ang_vel_w"),
    ("contacts", "contacts"),
)


class ReferenceTable:
    """All frames of all clips as rows of one wide table, so that a lookup is one gather."""

    def __init__(self, data: ReplayData) -> None:
        """Lay the fields of ``data`` side by side."""
        self._slots: dict[str, tuple[slice, torch.Size]] = {}
        columns, start = [], 0
        for name, source in _FIELDS:
            values = getattr(data, source)
            width = values[0].numel()
            self._slots[name] = slice(start, start + width), values.shape[1:]
            columns.append(values.reshape(len(values), width))
            start += width
        self._rows = torch.cat(columns, dim=1).contiguous()

    def at(self, frames: Tensor) -> ReferenceFrame:
        """The reference at frames (n,) or (n, K) of the concatenated clips."""
        rows = self._rows.index_select(0, frames.reshape(-1)).view(*frames.shape, -1)
        return ReferenceFrame(rows, self._slots)


class ReferenceFrame:
    """Reference state of n envs (or n x K future frames). World frame, wxyz, as :class:`Simulator` names them."""

    dof_pos: Tensor
    dof_vel: Tensor
    root_pos_w: Tensor
    root_quat_wxyz: Tensor
    root_lin_vel_w: Tensor
    root_ang_vel_w: Tensor
    body_pos_w: Tensor
    body_quat_wxyz: Tensor
    body_lin_vel_w: Tensor
    body_ang_vel_w: Tensor
    contacts: Tensor
    """(n, feet), 1.0 where the foot touches the ground."""

    def __init__(self, rows: Tensor, slots: dict[str, tuple[slice, torch.Size]]) -> None:
        """Views into gathered rows (..., D)."""
        for name, (columns, shape) in slots.items():
            setattr(
                self, name, rows[..., columns].unflatten(-1, shape) if len(shape) > 1 else rows[..., columns]
            )

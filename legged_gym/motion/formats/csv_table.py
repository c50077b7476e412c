"""Tables of numbers separated by commas, checked line by line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from legged_gym.motion.formats.root_order import ORDER_INDEX
from legged_gym.motion.joint_orders import full_joint_name
from legged_gym.utils.errors import MotionError

_ROOT_COLUMNS = 7


@dataclass(frozen=True, eq=False)
class Table:
    """T rows of a CSV file."""

    root_pos: np.ndarray
    """(T, 3) m; of width 0 where the file has no root."""
    root_quat: np.ndarray
    """(T, 4) as in the file; of width 0 where the file has no root."""
    dof_pos: np.ndarray
    """(T, J) rad, in the order asked for."""
    has_header: bool
    """Whether the joints were found by name."""
    quat_order: str | None
    """"xyzw" or "wxyz" where the header says so."""


def read_table(path: Path, joint_names: tuple[str, ...], has_root: bool) -> Table:
    """The numbers of a CSV file.

    Args:
        path: the file.
        joint_names: J joints that it must have; without a header, its columns in this order.
        has_root: whether seven columns of the root precede them.

    Raises:
        MotionError: naming line and column of the first thing that is wrong.
    """
    labels = _labels(joint_names, has_root)
    lines = _text(path).splitlines()
    numbers = [
        number for number, line in enumerate(lines, 1) if line.strip()
    ]  # line numbers in the file, from 1
    header = None
    if numbers and _is_header(lines[numbers[0] - 1], len(labels)):
        header = [cell.strip() for cell in lines[numbers.pop(0) - 1].split(",")]
    if len(numbers) < 2:
        raise MotionError(f"{path}: has {len(numbers)} frame(s); a clip needs at least two")
    rows = [lines[number - 1] for number in numbers]
    try:
        values = np.loadtxt(rows, delimiter=",", comments=None, ndmin=2, dtype=np.float64)
    except ValueError:
        values = None
    if values is None or values.shape[1] != len(labels) or not np.isfinite(values).all():
        raise _first_fault(path, numbers, rows, labels)
    root, dof_pos = np.split(values, [_ROOT_COLUMNS if has_root else 0], axis=1)
    if header is not None:
        dof_pos = dof_pos[:, _header_columns(path, header, labels, joint_names)]
    return Table(
        root_pos=root[:, :3],
        root_quat=root[:, 3:],
        dof_pos=dof_pos,
        has_header=header is not None,
        quat_order=_header_quat_order(header) if header is not None and has_root else None,
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise MotionError(f"{path}: is not a text file") from None
    except OSError as error:
        raise MotionError(f"{path}: cannot be read ({error.strerror})") from None


def _labels(joint_names: tuple[str, ...], has_root: bool) -> list[str]:
    """What each column is, for messages."""
    root = [f"root {axis}" for axis in "xyz"] + ["root quaternion"] * 4
    return [*(root if has_root else []), *joint_names]


def _is_header(line: str, columns: int) -> bool:
    """Whether a line has as many cells as the table has columns, and no number among them."""
    cells = line.split(",")
    return len(cells) == columns and not any(_is_number(cell) or not cell.strip() for cell in cells)


def _header_columns(
    path: Path, header: list[str], labels: list[str], joint_names: tuple[str, ...]
) -> list[int]:
    """Columns of the joints, counted from the first joint, in the order asked for."""
    found = [full_joint_name(cell) for cell in header[len(labels) - len(joint_names) :]]
    if sorted(found) != sorted(joint_names):
        strange = [name for name in found if name not in joint_names] or header
        raise MotionError(
            f"{path}: line 1 is a header, but {', '.join(strange[:3])} name no joints; take it out if the columns are "
            f"{', '.join((*labels[: -len(joint_names)], joint_names[0], '...', joint_names[-1]))}"
        )
    return [found.index(name) for name in joint_names]


def _header_quat_order(header: list[str]) -> str | None:
    """The quaternion's order where its four column names end in its letters."""
    letters = "".join(cell[-1:].lower() for cell in header[3:_ROOT_COLUMNS])
    return letters if letters in ORDER_INDEX else None


def _first_fault(path: Path, numbers: list[int], rows: list[str], labels: list[str]) -> MotionError:
    """The error of the first line that is not one finite number for each label."""
    for number, row in zip(numbers, rows, strict=True):
        cells = row.split(",")
        if len(cells) != len(labels):
            root = "root xyz, root quaternion, " if labels[0] == "root x" else ""
            joints = len(labels) - (_ROOT_COLUMNS if root else 0)
            return MotionError(
                f"{path}: line {number} has {len(cells)} columns; {len(labels)} are needed ({root}{joints} joints)"
            )
        for column, cell in enumerate(cells):
            if not (_is_number(cell) and np.isfinite(float(cell))):
                return MotionError(
                    f"{path}: line {number}, column {column + 1} ({labels[column]}) is {cell.strip()!r}; "
                    "it must be a finite number"
                )
    return MotionError(f"{path}: is not a table of numbers separated by commas")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True

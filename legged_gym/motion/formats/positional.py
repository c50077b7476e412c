"""What formats share whose joints are told apart by position alone."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from legged_gym.motion.clip import Clip
from legged_gym.motion.joint_orders import JOINT_ORDERS, joint_order
from legged_gym.utils.errors import MotionError

logger = logging.getLogger(__name__)


def columns_in_order(clip: Clip, order_name: str) -> list[int]:
    """Columns of a clip's joints in a named order. Joints outside the order may be left out only where they rest at 0.

    Raises:
        MotionError: the clip lacks a joint of the order, or moves one that the order has no place for.
    """
    names = joint_order(order_name)
    missing = [name for name in names if name not in clip.joint_names]
    if missing:
        raise MotionError(f"{clip.file}: lacks {', '.join(missing)}, which joint order {order_name} has")
    surplus = [i for i, name in enumerate(clip.joint_names) if name not in names]
    for column in surplus:
        largest = np.abs(clip.dof_pos[:, column]).max()
        if largest > 0.0:
            raise MotionError(
                f"{clip.file}: {clip.joint_names[column]} moves (up to {largest:.3g} rad), and joint order "
                f"{order_name} has no place for it"
            )
    if surplus:
        logger.info("%s: left out %d joints that rest at 0 (order %s)", clip.file, len(surplus), order_name)
    return [clip.joint_names.index(name) for name in names]


def order_of_columns(
    path: Path, key: str, values: np.ndarray, order_name: str, where: str = ""
) -> tuple[str, ...]:
    """Names of the columns of (T, J) joint angles that are in a named order.

    Args:
        path: named in the error.
        key: field they come from.
        values: the angles.
        order_name: the order.
        where: said after the number of columns in the error.

    Raises:
        MotionError: there are more or fewer columns than joints in the order.
    """
    names = joint_order(order_name)
    if values.ndim != 2 or values.shape[1] != len(names):
        fitting = [name for name, joints in JOINT_ORDERS.items() if len(joints) == values.shape[-1]]
        advice = f"; {' and '.join(fitting)} would fit" if fitting else ""
        raise MotionError(
            f"{path}: {key} has {values.shape[-1]} joints{where}; joint order {order_name} has {len(names)}{advice}"
        )
    return names

"""What MuJoCo Warp cannot do, and how much room for contacts a simulation on it needs."""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np

from legged_gym.sim.sim_config import SimCfg
from legged_gym.utils.errors import ConfigError

FALLS = 8
"""Robots that are dropped to see how many contacts a heap of limbs makes."""
FALL_S = 1.0
"""How long each falls: from DROP_M high it lies after half a second."""
DROP_M = 0.3
LOOK_EVERY = 10
"""Substeps between two counts."""
SPARE = 2.0
"""Room beyond what was counted; more is made when that is not enough."""
_GROUND_GROUP = 0


class Room(NamedTuple):
    """Room of one env."""

    contacts: int
    """Pairs of shapes close enough to be looked at, and contacts; on average over all envs."""
    rows: int
    """Rows of constraints: four for a contact with friction, one for a joint at its limit or with dry friction."""


def refuse_unsupported(model: mujoco.MjModel, cfg: SimCfg) -> None:
    """Name what the engine would refuse or get wrong.

    Raises:
        ConfigError: Says what to change.
    """
    if cfg.solver == "pgs":
        raise ConfigError("sim.solver is pgs, which MuJoCo Warp lacks: newton or cg")
    if model.nflex:
        name = mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_FLEX, 0)
        raise ConfigError(
            f"terrain.collision: the ground {name!r} would be a triangle mesh, which MuJoCo Warp cannot "
            "step on: --env.terrain.collision=heightfield, or boxes where it is made of some"
        )


def measure_room(model: mujoco.MjModel, seed: int = 0) -> Room:
    """How much room robots that lie about on the ground of this model need, from a few that fall on it stiffly.

    Args:
        model: One robot on its ground, with a free joint first.
        seed: Of the poses they fall in.
    """
    rng = np.random.default_rng(seed)
    data = mujoco.MjData(model)
    pairs, rows = 0, 0
    for _ in range(FALLS):
        _place(model, data, rng)
        for step in range(round(FALL_S / model.opt.timestep)):
            mujoco.mj_step(model, data)
            if step % LOOK_EVERY == 0:
                pairs = max(pairs, data.ncon + _near_ground(model, data))
                rows = max(rows, data.nefc)
    return Room(round_up(SPARE * pairs), round_up(SPARE * rows + model.nv))


def _place(model: mujoco.MjModel, data: mujoco.MjData, rng: np.random.Generator) -> None:
    """A random pose, which the servos hold, a little above a random place of the ground."""
    mujoco.mj_resetData(model, data)
    low, high = _ground_rectangle(model)
    data.qpos[:2] = rng.uniform(low, high)
    quat = rng.standard_normal(4)
    data.qpos[3:7] = quat / np.linalg.norm(quat)
    hinges = model.jnt_type == mujoco.mjtJoint.mjJNT_HINGE
    data.qpos[model.jnt_qposadr[hinges]] = rng.uniform(*model.jnt_range[hinges].T)
    data.ctrl[:] = data.qpos[model.jnt_qposadr[model.actuator_trnid[:, 0]]]
    mujoco.mj_kinematics(model, data)
    moving = model.geom_bodyid > 0
    reach = data.qpos[2] - (data.geom_xpos[:, 2] - model.geom_rbound)[moving].min()
    groups = np.zeros(mujoco.mjNGROUP, np.uint8)
    groups[_GROUND_GROUP] = 1
    sky = 100.0
    above, hit = np.append(data.qpos[:2], sky), np.zeros(1, np.int32)
    fall = mujoco.mj_ray(model, data, above, np.array([0.0, 0.0, -1.0]), groups, 1, -1, hit)
    data.qpos[2] = (sky - fall if fall >= 0.0 else 0.0) + reach + DROP_M


def _ground_rectangle(model: mujoco.MjModel) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest x and y (2,) of the ground's middles, between which robots are dropped."""
    solid = (model.geom_bodyid == 0) & (model.geom_type != mujoco.mjtGeom.mjGEOM_PLANE)
    if not solid.any():
        return np.zeros(2), np.zeros(2)
    middles = model.geom_pos[solid, :2]
    return middles.min(axis=0), middles.max(axis=0)


def _near_ground(model: mujoco.MjModel, data: mujoco.MjData) -> int:
    """Pairs of a robot's shape and one of the ground whose boxes overlap: what the engine looks at closely.

    Boxes are those along the axes of the world around the shapes' bounding spheres and the ground's boxes.
    """
    moving = (model.geom_bodyid > 0) & (model.geom_conaffinity != 0)
    ground = np.flatnonzero(model.geom_bodyid == 0)
    centre, radius = data.geom_xpos[moving], model.geom_rbound[moving, None]
    near = 0
    for geom in ground:
        turn = data.geom_xmat[geom].reshape(3, 3)
        if model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_PLANE:
            near += int(((centre - data.geom_xpos[geom]) @ turn[:, 2] <= radius[:, 0]).sum())
            continue
        middle = data.geom_xpos[geom] + turn @ model.geom_aabb[geom, :3]
        half = np.abs(turn) @ model.geom_aabb[geom, 3:]
        near += int((np.abs(centre - middle) <= half + radius).all(axis=1).sum())
    return near


def round_up(value: float, multiple: int = 64) -> int:
    """Coarse steps: the engine compiles one of its kernels anew for every number of rows."""
    return int(-(-value // multiple) * multiple)

"""Physical parameters per env on ``mujoco.batch``, by names that do not depend on the engine.

=================  ==========  =====================================================
name               shape       meaning
=================  ==========  =====================================================
``friction``       (N, geoms)  sliding friction of every shape; set (n,) for all of an env's alike
``body_mass``      (N, bodies) kg, all links in ``Robot.body_names`` order
``body_com``       (N, b, 3)   centre of mass in the link's frame, m
``body_inertia``   (N, b, 3)   principal moments of inertia about it, kg m^2
``stiffness``      (N, J)      servo position gain, N m/rad; not of servos that are told speeds or torques
``damping``        (N, J)      servo velocity gain, N m s/rad; not of servos that are told torques
``effort_limit``   (N, J)      torque limit of the servo, N m
``armature``       (N, J)      rotor inertia at the joint, kg m^2
``joint_friction`` (N, J)      dry friction of the joint, N m
``gravity``        (N, 3)      m/s^2
``foot_variant``   (N,)        index in ``Robot.foot_variants``; only of robots that have some
=================  ==========  =====================================================
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mujoco
import numpy as np
import torch
from mujoco import batch
from torch import Tensor

from legged_gym.sim.foot_variants import FootSwitch
from legged_gym.sim.robot_model import Robot

Field = tuple[str, Callable[[Any], Any], bool]
"""The engine's name of a field, what to read of it (N, ...), and whether other fields follow from it."""


def fields_of(robot: Robot, bodies: Any, dofs: Any) -> dict[str, Field]:
    """Where the engines keep each parameter that a robot's servos have.

    Args:
        robot: Whose servos.
        bodies: Indices of its links, an array or a tensor like those that are read.
        dofs: Indices of its joints' velocities, likewise.
    """
    fields: dict[str, Field] = {
        "friction": ("geom_friction", lambda a: a[:, :, 0], False),
        "body_mass": ("body_mass", lambda a: a[:, bodies], True),
        "body_com": ("body_ipos", lambda a: a[:, bodies], True),
        "body_inertia": ("body_inertia", lambda a: a[:, bodies], True),
        "stiffness": ("actuator_gainprm", lambda a: a[:, :, 0], False),
        "damping": ("actuator_biasprm", lambda a: -a[:, :, 2], False),
        "effort_limit": ("actuator_forcerange", lambda a: a[:, :, 1], False),
        "armature": ("dof_armature", lambda a: a[:, dofs], True),
        "joint_friction": ("dof_frictionloss", lambda a: a[:, dofs], False),
        "gravity": ("opt.gravity", lambda a: a, False),
    }
    lacks = {"position": (), "velocity": ("stiffness",), "torque": ("stiffness", "damping")}
    for name in lacks[robot.servo]:
        del fields[name]
    return fields


class Parameters:
    """Physical parameters per env, by engine-neutral names."""

    def __init__(self, sims: batch.Batch, model: mujoco.MjModel, robot: Robot) -> None:
        """Index the model's bodies and joints."""
        self._sims = sims
        self._bodies = np.array([model.body(name).id for name in robot.body_names])
        self._joints = np.array([model.joint(name).id for name in robot.joint_names])
        self._dofs = np.array([int(model.joint(name).dofadr[0]) for name in robot.joint_names])
        self._touched: set[str] = set()
        self._servo = robot.servo
        self._access = fields_of(robot, self._bodies, self._dofs)
        if robot.foot_variants:
            self._feet = FootSwitch(model, robot.foot_bodies, tuple(robot.foot_variants))
            self._access["foot_variant"] = ("geom_conaffinity", self._feet.read, False)
            self.set("foot_variant", torch.zeros(sims.expand("geom_conaffinity").shape[0]), None)

    @property
    def names(self) -> tuple[str, ...]:
        """Names that exist."""
        return tuple(self._access)

    def get(self, name: str) -> Tensor:
        """A copy of a parameter's values, (N, ...)."""
        return self._values(name).float()

    def set(self, name: str, values: Tensor, env_ids: Tensor | None) -> None:
        """Set a parameter of the envs (n,), all by default, to values (n, ...)."""
        field, _, derived = self._field(name)
        array = self._sims.expand(field)
        ids = np.arange(array.shape[0]) if env_ids is None else env_ids.numpy()
        value = values.detach().double().numpy()
        if name == "friction":
            array[ids, :, 0] = value if value.ndim == 2 else value[:, None]
        elif name == "stiffness":
            array[ids, :, 0] = value
            # A position servo's force is kp * target - kp * q - kd * qd: kp stands in two places.
            self._sims.expand("actuator_biasprm")[ids, :, 1] = -value
        elif name == "damping":
            array[ids, :, 2] = -value
            if self._servo == "velocity":  # its force is kd * target - kd * qd
                self._sims.expand("actuator_gainprm")[ids, :, 0] = value
        elif name == "effort_limit":
            array[ids, :, 0], array[ids, :, 1] = -value, value
            # The joint has the motor's limit too, which would go on holding a stronger one back.
            joint_limit = self._sims.expand("jnt_actfrcrange")
            joint_limit[np.ix_(ids, self._joints)] = np.stack((-value, value), axis=-1)
        elif name == "gravity":
            array[ids] = value
        elif name == "foot_variant":
            self._feet.write(self._sims, ids, value)
        else:
            columns = self._bodies if name.startswith("body_") else self._dofs
            array[np.ix_(ids, columns)] = value
        self._touched.add(name)
        if derived:
            self._sims.set_const(np.sort(ids).astype(np.int32))

    def state(self) -> dict[str, Tensor]:
        """Values of the parameters that were ever set, as the engine has them."""
        return {name: self._values(name) for name in sorted(self._touched)}

    def _values(self, name: str) -> Tensor:
        field, read, _ = self._field(name)
        return torch.from_numpy(np.array(read(self._sims.expand(field))))

    def _field(self, name: str) -> tuple:
        if name not in self._access:
            raise KeyError(f"no physical parameter {name!r}; known: {', '.join(self._access)}")
        return self._access[name]

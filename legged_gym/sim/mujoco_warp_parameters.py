"""Physical parameters per env on MuJoCo Warp; names, shapes and meanings are those of `mujoco_parameters`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mujoco
import mujoco_warp as mjw
import torch
import warp as wp
from torch import Tensor

from legged_gym.sim.foot_variants import FootSwitch
from legged_gym.sim.mujoco_parameters import fields_of
from legged_gym.sim.robot_model import Robot

_AWAY = -1.0e3
"""Margin of a shape that touches nothing, m: it would have to be so deep in another one. The engine has one list of
pairs that collide for all envs, so the bits that switch shapes off on the CPU cannot."""
_DERIVED = ("body_subtreemass", "body_invweight0", "dof_invweight0")
"""What follows from masses and inertias."""


class WarpParameters:
    """Physical parameters per env, by engine-neutral names."""

    def __init__(
        self,
        engine: mjw.Model,
        model: mujoco.MjModel,
        robot: Robot,
        num_envs: int,
        resized: Callable[[], None],
    ) -> None:
        """Index the model's bodies and joints.

        Args:
            engine: The model on the device, with one value of every field for all envs.
            model: The same on the host.
            robot: Whose names and servos.
            num_envs: Number of envs N.
            resized: Called when a field has moved to where each env has its own; captured graphs know the old place.
        """
        self._engine, self._num_envs, self._resized = engine, num_envs, resized
        self._device = wp.device_to_torch(engine.qpos0.device)
        self._bodies = self._index([model.body(name).id for name in robot.body_names])
        self._joints = self._index([model.joint(name).id for name in robot.joint_names])
        self._dofs = self._index([int(model.joint(name).dofadr[0]) for name in robot.joint_names])
        self._everyone = torch.arange(num_envs, device=self._device)
        self._outdated = torch.zeros(num_envs, dtype=torch.bool, device=self._device)
        self._any_outdated = False
        self._touched: set[str] = set()
        self._servo = robot.servo
        self._access = fields_of(robot, self._bodies, self._dofs)
        if robot.foot_variants:
            feet = FootSwitch(model, robot.foot_bodies, tuple(robot.foot_variants))
            self._feet, self._variant_of = self._index(feet.geoms), self._index(feet.variant)
            self._own_margin = torch.tensor(
                model.geom_margin[feet.geoms], dtype=torch.float32, device=self._device
            )
            self._access["foot_variant"] = ("geom_margin", self._read_variant, False)
            self.set("foot_variant", torch.zeros(num_envs), None)

    @property
    def names(self) -> tuple[str, ...]:
        """Names that exist."""
        return tuple(self._access)

    def get(self, name: str) -> Tensor:
        """A copy of a parameter's values, (N, ...)."""
        field, read, _ = self._field(name)
        return read(self._each(field)).float().clone()

    def set(self, name: str, values: Tensor, env_ids: Tensor | None) -> None:
        """Set a parameter of the envs (n,), all by default, to values (n, ...). :meth:`settle` makes it count."""
        field, _, derived = self._field(name)
        array = self._own(field)
        before = array.clone() if derived else array
        ids = self._everyone if env_ids is None else env_ids.to(self._device)
        value = values.detach().to(self._device, torch.float32)
        if name == "friction":
            array[ids, :, 0] = value if value.dim() == 2 else value[:, None].expand(-1, array.shape[1])
        elif name == "stiffness":
            array[ids, :, 0] = value
            # A position servo's force is kp * target - kp * q - kd * qd: kp stands in two places.
            self._own("actuator_biasprm")[ids, :, 1] = -value
        elif name == "damping":
            array[ids, :, 2] = -value
            if self._servo == "velocity":  # its force is kd * target - kd * qd
                self._own("actuator_gainprm")[ids, :, 0] = value
        elif name == "effort_limit":
            array[ids] = torch.stack((-value, value), dim=-1)
            # The joint has the motor's limit too, which would go on holding a stronger one back.
            self._own("jnt_actfrcrange")[ids[:, None], self._joints] = torch.stack((-value, value), dim=-1)
        elif name == "gravity":
            array[ids] = value
        elif name == "foot_variant":
            shown = self._variant_of == value[:, None]  # (n, shapes)
            away = torch.full_like(self._own_margin, _AWAY)
            array[ids[:, None], self._feet] = torch.where(shown, self._own_margin, away)
        else:
            columns = self._bodies if name.startswith("body_") else self._dofs
            array[ids[:, None], columns] = value
        self._touched.add(name)
        if derived:
            # Only where values are new: what follows from the compiler's own is the compiler's, which is more exact.
            self._outdated |= (array != before).flatten(1).any(dim=1)
            self._any_outdated = True

    def settle(self, data: mjw.Data) -> None:
        """Recompute what follows from changed masses and inertias, in the envs where they were changed."""
        if not self._any_outdated:
            return
        arrays = [self._own(field) for field in _DERIVED]
        before = [array.clone() for array in arrays]
        mjw.set_const(self._engine, data, mjw.SetConstGroup.FIXED | mjw.SetConstGroup.INERT0)
        for array, old in zip(arrays, before, strict=True):
            changed = self._outdated.view(-1, *[1] * (array.dim() - 1))
            array.copy_(torch.where(changed, array, old))
        self._outdated.zero_()
        self._any_outdated = False

    def state(self) -> dict[str, Tensor]:
        """Values of the parameters that were ever set."""
        return {name: self.get(name) for name in sorted(self._touched)}

    # ------------------------------------------------------------------ inside

    def _own(self, field: str) -> Tensor:
        """A view (N, ...) of a field of which each env has its own, from now on at the latest."""
        array = self._array(field)
        if array.shape[0] != self._num_envs:
            array = wp.from_torch(self._each(field).contiguous(), dtype=array.dtype)
            owner, name = self._owner(field)
            setattr(owner, name, array)
            self._resized()
        return wp.to_torch(array)

    def _array(self, field: str) -> wp.array:
        owner, name = self._owner(field)
        return getattr(owner, name)

    def _owner(self, field: str) -> tuple[Any, str]:
        return (self._engine.opt, field.removeprefix("opt.")) if "." in field else (self._engine, field)

    def _each(self, field: str) -> Tensor:
        """A view (N, ...) of a field, which envs may share."""
        values = wp.to_torch(self._array(field))
        return values.expand(self._num_envs, *values.shape[1:])

    def _read_variant(self, margin: Tensor) -> Tensor:
        """Index of each env's variant, (N,), from the margins of all shapes (N, geoms)."""
        return self._variant_of[(margin[:, self._feet] > 0.5 * _AWAY).float().argmax(dim=1)]

    def _index(self, values: Any) -> Tensor:
        return torch.as_tensor(values, dtype=torch.long, device=self._device)

    def _field(self, name: str) -> tuple[str, Callable[[Tensor], Tensor], bool]:
        if name not in self._access:
            raise KeyError(f"no physical parameter {name!r}; known: {', '.join(self._access)}")
        return self._access[name]

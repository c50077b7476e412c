"""What is read off MuJoCo Warp: bodies and forces into arrays that torch has views on; counters, without waiting."""

from __future__ import annotations

from collections.abc import Sequence

import mujoco
import mujoco_warp as mjw
import numpy as np
import torch
import warp as wp
from torch import Tensor

from legged_gym.sim import mujoco_warp_kernels as kernels
from legged_gym.sim.robot_model import Robot


class Readings:
    """Bodies, motor torques and contact forces of N envs; the tensors are views on what the kernels write."""

    def __init__(
        self,
        model: mujoco.MjModel,
        robot: Robot,
        num_envs: int,
        bodies: Sequence[str],
        contact_bodies: Sequence[str],
    ) -> None:
        """Allocate on Warp's current device; see :class:`Simulator` for what each tensor holds."""
        n, b, c = num_envs, len(bodies), len(contact_bodies)
        self._torque = wp.zeros((n, len(robot.joint_names)), dtype=float)
        self._pos, self._lin_vel, self._ang_vel = (wp.zeros((n, b), dtype=wp.vec3) for _ in range(3))
        self._quat, self._force = wp.zeros((n, b), dtype=wp.quat), wp.zeros((n, c), dtype=wp.vec3)
        self.torque, self.force = wp.to_torch(self._torque), wp.to_torch(self._force)
        self.pos, self.quat = wp.to_torch(self._pos), wp.to_torch(self._quat)
        self.lin_vel, self.ang_vel = wp.to_torch(self._lin_vel), wp.to_torch(self._ang_vel)
        self._bodies = wp.array([model.body(name).id for name in bodies], dtype=int)
        self._root = model.body(robot.root_body).id
        place = [-1] * model.nbody
        for index, name in enumerate(contact_bodies):
            place[model.body(name).id] = index
        self._contact_place = wp.array(place, dtype=int)

    def make_room(self, num_contacts: int) -> None:
        """Room for the force of every contact there may be in all envs."""
        self._contact_ids = wp.array(np.arange(num_contacts), dtype=int)
        self._contact_forces = wp.zeros(num_contacts, dtype=wp.spatial_vector)

    def forces(self, engine: mjw.Model, data: mjw.Data, shown: wp.array, lost: wp.array) -> None:
        """Motor torques and contact forces as the engine last computed them, in the envs of a mask."""
        wp.launch(
            kernels.read_torques,
            dim=self._torque.shape,
            inputs=[shown, lost, data.actuator_force],
            outputs=[self._torque],
        )
        if not self._force.shape[1]:
            return
        wp.launch(kernels.clear_contacts, dim=self._force.shape, inputs=[shown], outputs=[self._force])
        mjw.contact_force(engine, data, self._contact_ids, True, self._contact_forces)
        contact, of_geom = data.contact, engine.geom_bodyid
        found = [
            data.nacon,
            contact.worldid,
            contact.geom,
            of_geom,
            self._contact_place,
            self._contact_forces,
        ]
        wp.launch(
            kernels.add_contacts, dim=data.naconmax, inputs=[shown, lost, *found], outputs=[self._force]
        )

    def bodies(self, data: mjw.Data, shown: wp.array) -> None:
        """Poses and velocities of the watched bodies, in the envs of a mask."""
        wp.launch(
            kernels.read_bodies,
            dim=self._pos.shape,
            inputs=[shown, self._bodies, self._root, data.xpos, data.xquat, data.cvel, data.subtree_com],
            outputs=[self._pos, self._quat, self._lin_vel, self._ang_vel],
        )


class Watch:
    """Reads a few counters of the device without ever waiting for it."""

    def __init__(self, counters: Tensor) -> None:
        """``counters`` (k,) are on the device and never move."""
        self._counters = counters
        self._copy = torch.zeros_like(counters, device="cpu", pin_memory=counters.is_cuda)
        self._arrived: torch.cuda.Event | None = None

    def look(self) -> list[int] | None:
        """The counters of now on a CPU; on a GPU those of some steps ago, None while they are under way."""
        if not self._counters.is_cuda:
            return self._counters.tolist()
        if self._arrived is not None:
            if not self._arrived.query():
                return None
            self._arrived = None
            return self._copy.tolist()
        self._copy.copy_(self._counters, non_blocking=True)
        self._arrived = torch.cuda.Event()
        self._arrived.record(torch.cuda.current_stream(self._counters.device))
        return None

"""The simulator on an NVIDIA GPU: MuJoCo Warp, which also runs, slowly, on Warp's CPU device.

State is zero-copy: the tensors of root and joints are views on the engine's own rows, those of bodies, torques and
contacts on arrays that its kernels fill. All substeps of a control step, each with its own targets where they come
late, are one captured graph. As on the CPU, poses and velocities are those of the new state, contact forces and motor
torques those of the last substep. The host never waits for the device: it looks at the counters of lost envs and of
room for contacts when a copy of them happens to have arrived.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager

import mujoco
import mujoco_warp as mjw
import torch
import warp as wp
from torch import Tensor

from legged_gym.sim import mujoco_warp_kernels as kernels
from legged_gym.sim.mujoco_warp_limits import Room, measure_room, refuse_unsupported, round_up
from legged_gym.sim.mujoco_warp_parameters import WarpParameters
from legged_gym.sim.mujoco_warp_readings import Readings, Watch
from legged_gym.sim.robot_model import Robot
from legged_gym.sim.scene import build_scene, compile_scene
from legged_gym.sim.sim_config import SimCfg
from legged_gym.sim.simulator import Simulator
from legged_gym.utils.devices import WARP_ON_CPU, torch_device
from legged_gym.utils.errors import RunError

log = logging.getLogger(__name__)

_GROUND_ONLY = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
"""Geom groups that rays see."""
_ROOM_OVERFLOWS = int(
    mjw.OverflowType.NEFC | mjw.OverflowType.BROADPHASE | mjw.OverflowType.NARROWPHASE | mjw.OverflowType.CCD
)
_STATE = ("qpos", "qvel", "ctrl", "qfrc_applied", "qacc_warmstart", "time")
"""All that the engine takes from one step into the next."""
_SHOWN = ("dof_torque", "contact_force_w", "diverged")
"""What a step leaves behind and no state brings back."""
_GROWTH = 1.5
"""Room made beyond what was asked for when it ran out."""


class MujocoWarpSimulator(Simulator):
    """N robots on a GPU. See :class:`Simulator` for what each tensor holds."""

    def __init__(
        self,
        robot: Robot,
        cfg: SimCfg,
        num_envs: int,
        body_names: Sequence[str] | None = None,
        contact_body_names: Sequence[str] = (),
        device: str = WARP_ON_CPU,
        add_ground: Callable[[mujoco.MjSpec], None] | None = None,
        room: Room | None = None,
    ) -> None:
        """Compile the robot on its ground, the engine's kernels where they are not cached, and allocate every buffer.

        Args:
            robot: The robot to step.
            cfg: Timestep and solver; threads are of no use here.
            num_envs: Number of copies N.
            body_names: Bodies whose poses and velocities are handed out; all by default.
            contact_body_names: Bodies whose net contact force is measured.
            device: cuda[:index] or warp:cpu.
            add_ground: Adds the static ground to the model; None adds a flat floor.
            room: For contacts to begin with; None measures it.

        Raises:
            ConfigError: The engine lacks something that the configuration or the ground asks for.
        """
        self.num_envs = num_envs
        self.device = torch_device(device)
        self.dt = cfg.dt
        self.robot = robot
        self.joint_names = robot.joint_names
        self.body_names = tuple(body_names if body_names is not None else robot.body_names)
        self.contact_body_names = tuple(contact_body_names)
        self.model = compile_scene(build_scene(robot, add_ground), cfg)
        refuse_unsupported(self.model, cfg)
        wp.config.log_level = wp.LOG_WARNING  # it would print a line for each of a hundred kernels
        self._warp_device = wp.get_device(self.device)
        self._graphs: dict[Hashable, wp.Graph] = {}
        with wp.ScopedDevice(self._warp_device):
            self._engine = mjw.put_model(self.model)
            self._engine.opt.warn_overflow = 0  # the counters tell; its own text would flood stdout
            self.room = room or measure_room(self.model)
            self._data = self._make_data(self.room)
            self._bind()
            self._allocate()
            self._parameters = WarpParameters(self._engine, self.model, robot, num_envs, self._graphs.clear)
            self._begin()

    # ------------------------------------------------------------------ stepping

    def set_joint_targets(self, targets: Tensor) -> None:
        """See :meth:`Simulator.set_joint_targets`."""
        self._ctrl.copy_(targets)

    def set_joint_torques(self, torques: Tensor) -> None:
        """See :meth:`Simulator.set_joint_torques`."""
        self._applied[:, self._dofs] = torques

    def add_root_velocity(self, env_ids: Tensor, lin_vel_w: Tensor, ang_vel_w: Tensor) -> None:
        """See :meth:`Simulator.add_root_velocity`."""
        ang_vel_b = _rotate_inverse(self._qpos[env_ids, 3:7], ang_vel_w)
        self._qvel.index_add_(
            0,
            env_ids,
            torch.nn.functional.pad(torch.cat((lin_vel_w, ang_vel_b), dim=1), (0, self.model.nv - 6)),
        )

    def step(self, num_substeps: int) -> None:
        """See :meth:`Simulator.step`."""
        self._run(("step", num_substeps), lambda: self._advance([None] * num_substeps))
        self._look_after()

    def step_through(self, targets: Tensor) -> None:
        """See :meth:`Simulator.step_through`."""
        if self._late_targets is None or len(self._late_targets) != len(targets):
            self._late_targets = torch.empty_like(targets).contiguous()  # where the graph reads them
            self._graphs.pop("step through", None)
        self._late_targets.copy_(targets)
        self._run("step through", lambda: self._advance([wp.from_torch(row) for row in self._late_targets]))
        self._look_after()

    def reset(
        self,
        env_ids: Tensor,
        root_pos_w: Tensor,
        root_quat_wxyz: Tensor,
        root_lin_vel_w: Tensor,
        root_ang_vel_w: Tensor,
        dof_pos: Tensor,
        dof_vel: Tensor,
    ) -> None:
        """See :meth:`Simulator.reset`."""
        quat = root_quat_wxyz / torch.linalg.vector_norm(root_quat_wxyz, dim=-1, keepdim=True)
        qpos = self._initial_qpos.repeat(len(env_ids), 1)
        qvel = torch.zeros_like(self._qvel[env_ids])
        qpos[:, 0:3], qpos[:, 3:7], qpos[:, self._places] = root_pos_w, quat, dof_pos
        qvel[:, 0:3], qvel[:, 3:6] = root_lin_vel_w, _rotate_inverse(quat, root_ang_vel_w)
        qvel[:, self._dofs] = dof_vel
        ctrl = dof_pos if self.robot.servo == "position" else torch.zeros_like(dof_pos)
        # Index_copy_ and index_fill_ alone need nothing of the host: a plain assignment would wait for the device.
        for array, rows in ((self._qpos, qpos), (self._qvel, qvel), (self._ctrl, ctrl)):
            array.index_copy_(0, env_ids, rows.to(array.dtype))
        for array in (self._applied, self._warmstart, self.time):
            array.index_fill_(0, env_ids, 0.0)
        self.diverged.index_fill_(0, env_ids, False)
        self._chosen.zero_()
        self._chosen.index_fill_(0, env_ids, True)
        self._run("forward", self._derive_chosen)

    # ------------------------------------------------------------------ parameters, rays, state

    def set_parameter(self, name: str, values: Tensor, env_ids: Tensor | None = None) -> None:
        """See :meth:`Simulator.set_parameter`."""
        with wp.ScopedDevice(self._warp_device):
            self._parameters.set(name, values, env_ids)

    def parameter(self, name: str) -> Tensor:
        """See :meth:`Simulator.parameter`."""
        return self._parameters.get(name)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """See :meth:`Simulator.parameter_names`."""
        return self._parameters.names

    @property
    def num_diverged(self) -> int:
        """See :class:`Simulator`; reading it waits for the device."""
        return int(self._status[kernels.LOST])

    def cast_rays(self, origins_w: Tensor, directions_w: Tensor) -> Tensor:
        """See :meth:`Simulator.cast_rays`."""
        shape = origins_w.shape[:2]
        distance = torch.empty(shape, device=self.device)
        with self._on_torch_stream():
            no_body = wp.full(shape[1], -1, dtype=int)
            hit, normal = wp.empty(shape, dtype=int), wp.empty(shape, dtype=wp.vec3)
            origins, directions = (
                wp.from_torch(part.float().contiguous(), dtype=wp.vec3) for part in (origins_w, directions_w)
            )
            groups = wp.types.vector(length=6, dtype=wp.float32)(*_GROUND_ONLY)
            mjw.rays(
                self._engine, self._data, origins, directions, groups, True, no_body, wp.from_torch(distance), hit,
                normal,
            )  # fmt: skip
        return torch.where(distance < 0, torch.inf, distance)

    def state_dict(self) -> dict[str, Tensor]:
        """See :meth:`Simulator.state_dict`."""
        state = {name: wp.to_torch(getattr(self._data, name)).clone() for name in _STATE}
        state |= {name: getattr(self, name).clone() for name in _SHOWN}
        state["num_diverged"] = torch.tensor(self.num_diverged)
        return state | {f"parameter:{name}": value for name, value in self._parameters.state().items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """See :meth:`Simulator.load_state_dict`."""
        if any(name not in state for name in _STATE):
            raise RunError(
                "the simulation was saved by another engine: resume it with the --sim_device it ran on"
            )
        for key, value in state.items():
            if key.startswith("parameter:"):
                self.set_parameter(key.removeprefix("parameter:"), value)
        for name in _STATE:
            wp.to_torch(getattr(self._data, name)).copy_(state[name])
        self._run("derive", self._derive)
        for name in _SHOWN:
            getattr(self, name).copy_(state[name])
        self._status[kernels.LOST] = int(state["num_diverged"])
        self._told = int(state["num_diverged"])

    # ------------------------------------------------------------------ set-up

    def _make_data(self, room: Room) -> mjw.Data:
        return mjw.make_data(self.model, nworld=self.num_envs, nconmax=room.contacts, njmax=room.rows)

    def _bind(self) -> None:
        """Views of the engine's rows, and where each named thing lies in them."""
        model, data = self.model, self._data
        joints = [model.joint(name) for name in self.joint_names]
        self._places = self._slice([int(joint.qposadr[0]) for joint in joints])
        self._dofs = self._slice([int(joint.dofadr[0]) for joint in joints])
        self._qpos, self._qvel = wp.to_torch(data.qpos), wp.to_torch(data.qvel)
        self._ctrl, self._applied = wp.to_torch(data.ctrl), wp.to_torch(data.qfrc_applied)
        self._warmstart, self.time = wp.to_torch(data.qacc_warmstart), wp.to_torch(data.time)
        self._initial_qpos = torch.tensor(model.qpos0, dtype=torch.float32, device=self.device)
        self.root_pos_w, self.root_quat_wxyz = self._qpos[:, 0:3], self._qpos[:, 3:7]
        self.root_lin_vel_w, self.root_ang_vel_b = self._qvel[:, 0:3], self._qvel[:, 3:6]
        self.dof_pos, self.dof_vel = self._qpos[:, self._places], self._qvel[:, self._dofs]

    def _allocate(self) -> None:
        n = self.num_envs
        readings = Readings(self.model, self.robot, n, self.body_names, self.contact_body_names)
        self._readings = readings
        self.body_pos_w, self.body_quat_wxyz = readings.pos, readings.quat
        self.body_lin_vel_w, self.body_ang_vel_w = readings.lin_vel, readings.ang_vel
        self.dof_torque, self.contact_force_w = readings.torque, readings.force
        self._lost, self._everyone = wp.zeros(n, dtype=bool), wp.full(n, True, dtype=bool)
        self._chosen_mask = wp.zeros(n, dtype=bool)
        self.diverged, self._chosen = wp.to_torch(self._lost), wp.to_torch(self._chosen_mask)
        self._counters = wp.zeros(4, dtype=int)
        self._status = wp.to_torch(self._counters)
        self._late_targets: Tensor | None = None
        self._told, self._told_of_cells = 0, False
        self._watch = Watch(self._status)
        readings.make_room(self._data.naconmax)

    def _begin(self) -> None:
        """Put every robot into the model's pose, and load every kernel: not every driver can within a capture."""
        with self._on_torch_stream():
            self._advance([None])
        everyone = torch.arange(self.num_envs, device=self.device)
        pose = self._initial_qpos.expand(self.num_envs, -1)
        zero = torch.zeros(self.num_envs, 3, device=self.device)
        still = torch.zeros(self.num_envs, len(self.joint_names), device=self.device)
        self._status.zero_()
        self.reset(everyone, pose[:, 0:3], pose[:, 3:7], zero, zero, pose[:, self._places], still)
        self._ctrl.zero_()

    def _slice(self, index: list[int]) -> slice:
        """The columns of all joints, which are in the model's order, so that views on them need no copy."""
        assert index == list(range(index[0], index[0] + len(index)))
        return slice(index[0], index[0] + len(index))

    # ------------------------------------------------------------------ on the device

    def _run(self, key: Hashable, work: Callable[[], None]) -> None:
        """Run work that is always the same, as a graph that is captured at the first time."""
        with self._on_torch_stream():
            self._parameters.settle(self._data)
        with wp.ScopedDevice(self._warp_device):
            if key not in self._graphs:
                with wp.ScopedCapture() as capture:
                    work()
                self._graphs[key] = capture.graph
            stream = wp.stream_from_torch(self.device) if self._warp_device.is_cuda else None
            wp.capture_launch(self._graphs[key], stream=stream)

    @contextmanager
    def _on_torch_stream(self) -> Iterator[None]:
        """Launches are ordered after what torch was told before and before what it is told afterwards."""
        with wp.ScopedDevice(self._warp_device):
            if not self._warp_device.is_cuda:
                yield
                return
            with wp.ScopedStream(wp.stream_from_torch(self.device)):
                yield

    def _advance(self, targets: Sequence[wp.array | None]) -> None:
        """A substep for each of the targets, None: as they are."""
        engine, data = self._engine, self._data
        self._lost.zero_()
        for target in targets:
            if target is not None:
                wp.copy(data.ctrl, target)
            mjw.step(engine, data)
            wp.launch(
                kernels.note_losses,
                dim=self.num_envs,
                inputs=[engine.qpos0, _ROOM_OVERFLOWS, data.qacc, data.nefc, data.nacon, data.ncollision],
                outputs=[
                    data.qpos, data.qvel, data.qacc_warmstart, data.ctrl, data.qfrc_applied, data.time,
                    data.overflow, self._lost, self._counters,
                ],
            )  # fmt: skip
        self._readings.forces(self._engine, self._data, self._everyone, self._lost)
        self._derive()

    def _derive_chosen(self) -> None:
        """Everything that follows from the state of the chosen envs; the others keep what their last step left."""
        mjw.forward(self._engine, self._data)
        self._readings.forces(self._engine, self._data, self._chosen_mask, self._lost)
        self._readings.bodies(self._data, self._chosen_mask)

    def _derive(self) -> None:
        """Poses and velocities of all bodies from the state."""
        mjw.kinematics(self._engine, self._data)
        mjw.com_pos(self._engine, self._data)
        mjw.com_vel(self._engine, self._data)
        self._readings.bodies(self._data, self._everyone)

    # ------------------------------------------------------------------ on the host

    def _look_after(self) -> None:
        """Report lost envs, and make room where it ran out, once the device's counters have arrived."""
        counters = self._watch.look()
        if counters is None:
            return
        data = self._data
        rows, contacts = counters[kernels.ROWS], counters[kernels.CONTACTS]
        if rows > data.njmax or contacts > data.naconmax:
            self._make_room(rows, -(-contacts // self.num_envs))
        if counters[kernels.OVERFLOWS] & mjw.OverflowType.HFIELD and not self._told_of_cells:
            self._told_of_cells = True
            log.warning(
                "a shape lies on more cells of a height field than MuJoCo Warp looks at; coarser ones are safer: "
                "terrain.horizontal_scale"
            )
        lost = counters[kernels.LOST]
        if lost > self._told:
            log.warning("%d envs diverged (%d so far); their episodes end", lost - self._told, lost)
            self._told = lost

    def _make_room(self, rows: int, contacts: int) -> None:
        """More room for contacts and constraints, with all else where it is."""
        old = self.room
        grown = [
            have if wanted <= have else round_up(_GROWTH * wanted)
            for have, wanted in ((old.contacts, contacts), (old.rows, rows))
        ]
        self.room = Room(*grown)
        log.warning(
            "no room for all contacts: %d per env on average (room for %d) and %d constraint rows in one env (room for "
            "%d); the envs concerned count as diverged, and there is room for %d and %d from now on",
            contacts, old.contacts, rows, old.rows, *self.room,
        )  # fmt: skip
        with wp.ScopedDevice(self._warp_device):
            wp.synchronize_device()  # the graphs under way still use what is let go
            larger = self._make_data(self.room)
            for field in dataclasses.fields(larger):
                have, new = getattr(self._data, field.name), getattr(larger, field.name)
                if isinstance(have, wp.array) and have.shape == new.shape:
                    setattr(larger, field.name, have)  # torch has views on it
            self._data = larger
            self._readings.make_room(larger.naconmax)
        self._graphs.clear()


def _rotate_inverse(quat_wxyz: Tensor, vec: Tensor) -> Tensor:
    w, xyz = quat_wxyz[:, :1], quat_wxyz[:, 1:]
    t = 2.0 * torch.linalg.cross(xyz, vec)
    return vec - w * t + torch.linalg.cross(xyz, t)

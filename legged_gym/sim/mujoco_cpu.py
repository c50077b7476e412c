"""The simulator on CPU cores: MuJoCo's own batched stepping (``mujoco.batch``).

The engine works in float64 rows of its own; after every call the fields the package reads are copied once into
float32 tensors that keep their storage. Stepping ends at MuJoCo's velocity stage, so poses, velocities and position
sensors are those of the new state (a plain ``mj_step`` leaves them one substep behind); contact forces and motor
torques are those of the last substep.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import mujoco
import numpy as np
import torch
from mujoco import batch
from torch import Tensor

from legged_gym.sim.mujoco_parameters import Parameters
from legged_gym.sim.robot_model import Robot
from legged_gym.sim.scene import build_scene, compile_scene
from legged_gym.sim.sim_config import SimCfg
from legged_gym.sim.simulator import Simulator
from legged_gym.utils.errors import RunError
from legged_gym.utils.threads import available_cores

log = logging.getLogger(__name__)

_CONTACT_SENSOR = "contact_force:"
_DATASPEC_FORCE = 1 << int(mujoco.mjtConDataField.mjCONDATA_FORCE)
_REDUCE_NETFORCE = 3
_DIVERGENCE_WARNINGS = [
    int(mujoco.mjtWarning.mjWARN_BADQPOS),
    int(mujoco.mjtWarning.mjWARN_BADQVEL),
    int(mujoco.mjtWarning.mjWARN_BADQACC),
    int(mujoco.mjtWarning.mjWARN_BADCTRL),
]
_GROUND_GEOM_GROUP = 0
_FULL_STATE = "full_state"


class MujocoCpuSimulator(Simulator):
    """N robots on all cores. See :class:`Simulator` for what each tensor holds."""

    def __init__(
        self,
        robot: Robot,
        cfg: SimCfg,
        num_envs: int,
        body_names: Sequence[str] | None = None,
        contact_body_names: Sequence[str] = (),
        add_ground: Callable[[mujoco.MjSpec], None] | None = None,
    ) -> None:
        """Compile the robot on its ground and allocate every buffer.

        Args:
            robot: The robot to step.
            cfg: Timestep, solver iterations and threads.
            num_envs: Number of copies N.
            body_names: Bodies whose poses and velocities are handed out; all by default.
            contact_body_names: Bodies whose net contact force is measured; each costs a little per substep.
            add_ground: Adds the static ground to the model; None adds a flat floor.
        """
        self.num_envs = num_envs
        self.device = "cpu"
        self.dt = cfg.dt
        self.robot = robot
        self.joint_names = robot.joint_names
        self.body_names = tuple(body_names if body_names is not None else robot.body_names)
        self.contact_body_names = tuple(contact_body_names)
        self.model = self._compile(robot, cfg, add_ground)
        _silence_engine_warnings()
        self._batch = batch.Batch(self.model, num_envs, cfg.num_threads or available_cores())
        self._bind()
        self._allocate()
        self._parameters = Parameters(self._batch, self.model, robot)
        self._batch.reset()
        self._refresh(None)

    # ------------------------------------------------------------------ stepping

    def set_joint_targets(self, targets: Tensor) -> None:
        """See :meth:`Simulator.set_joint_targets`."""
        self._ctrl.copy_(targets)

    def set_joint_torques(self, torques: Tensor) -> None:
        """See :meth:`Simulator.set_joint_torques`."""
        self._applied[:, self._dof_slice[1]] = torques.to(self._applied.dtype)

    def add_root_velocity(self, env_ids: Tensor, lin_vel_w: Tensor, ang_vel_w: Tensor) -> None:
        """See :meth:`Simulator.add_root_velocity`."""
        ang_vel_b = _rotate_inverse(self._qpos[env_ids, 3:7], ang_vel_w.to(self._qpos.dtype))
        self._qvel[env_ids, 0:3] += lin_vel_w.to(self._qvel.dtype)
        self._qvel[env_ids, 3:6] += ang_vel_b

    def step(self, num_substeps: int) -> None:
        """See :meth:`Simulator.step`."""
        lost = self._advance(num_substeps, mujoco.mjtStage.mjSTAGE_VEL)
        self._refresh(None)
        self._note_divergence(lost)

    def step_through(self, targets: Tensor) -> None:
        """See :meth:`Simulator.step_through`."""
        lost: list[int] = []
        for index, target in enumerate(targets):
            self._ctrl.copy_(target)
            last = index == len(targets) - 1
            # Only the state that is handed out needs fresh poses and velocities.
            stage = mujoco.mjtStage.mjSTAGE_VEL if last else mujoco.mjtStage.mjSTAGE_NONE
            lost += self._advance(1, stage)
        self._refresh(None)
        self._note_divergence(lost)

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
        order = torch.argsort(env_ids)
        rows = env_ids[order]
        ids = rows.numpy().astype(np.int32)
        self._batch.reset(ids, stage=int(mujoco.mjtStage.mjSTAGE_NONE))
        dtype = self._qpos.dtype
        quat = root_quat_wxyz[order].to(dtype)
        quat = quat / torch.linalg.vector_norm(quat, dim=-1, keepdim=True)
        ang_vel_b = _rotate_inverse(quat, root_ang_vel_w[order].to(dtype))
        qpos = self._qpos[rows]
        qvel = torch.zeros_like(self._qvel[rows])
        qpos[:, 0:3], qpos[:, 3:7] = root_pos_w[order].to(dtype), quat
        qpos[:, self._qpos_index] = dof_pos[order].to(dtype)
        qvel[:, 0:3], qvel[:, 3:6] = root_lin_vel_w[order].to(dtype), ang_vel_b
        qvel[:, self._qvel_index] = dof_vel[order].to(dtype)
        self._qpos[rows], self._qvel[rows] = qpos, qvel
        self._ctrl[rows] = dof_pos[order].to(dtype) if self.robot.servo == "position" else 0.0
        self._batch.forward(ids)
        self._warnings_seen[ids] = self._divergences()[ids]
        self.diverged[rows] = False
        self._refresh(rows)

    # ------------------------------------------------------------------ parameters, rays, state

    def set_parameter(self, name: str, values: Tensor, env_ids: Tensor | None = None) -> None:
        """See :meth:`Simulator.set_parameter`."""
        self._parameters.set(name, values, env_ids)

    def parameter(self, name: str) -> Tensor:
        """See :meth:`Simulator.parameter`."""
        return self._parameters.get(name)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """See :meth:`Simulator.parameter_names`."""
        return self._parameters.names

    def cast_rays(self, origins_w: Tensor, directions_w: Tensor) -> Tensor:
        """See :meth:`Simulator.cast_rays`."""
        groups = np.zeros(mujoco.mjNGROUP, np.uint8)
        groups[_GROUND_GEOM_GROUP] = 1
        distance, _ = self._batch.ray(
            origins_w.double().numpy(), directions_w.double().numpy(), geomgroup=groups
        )
        result = torch.from_numpy(distance).float()
        return torch.where(result < 0, torch.inf, result)

    def state_dict(self) -> dict[str, Tensor]:
        """See :meth:`Simulator.state_dict`."""
        state = {
            _FULL_STATE: torch.from_numpy(self._batch.state.copy()),
            "contact_force_w": self.contact_force_w.clone(),
            "dof_torque": self.dof_torque.clone(),
            "diverged": self.diverged.clone(),
            "num_diverged": torch.tensor(self.num_diverged),
        }
        return state | {f"parameter:{name}": value for name, value in self._parameters.state().items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """See :meth:`Simulator.load_state_dict`."""
        if _FULL_STATE not in state:
            raise RunError(
                "the simulation was saved by another engine: resume it with the --sim_device it ran on"
            )
        for key, value in state.items():
            if key.startswith("parameter:"):
                self._parameters.set(key.removeprefix("parameter:"), value, None)
        self._batch.state[...] = state[_FULL_STATE].numpy()
        self._batch.forward(stage=int(mujoco.mjtStage.mjSTAGE_VEL))
        self._refresh(None)
        self.contact_force_w.copy_(state["contact_force_w"])
        self.dof_torque.copy_(state["dof_torque"])
        self.diverged.copy_(state["diverged"])
        self.num_diverged = int(state["num_diverged"])
        self._warnings_seen[...] = self._divergences()

    # ------------------------------------------------------------------ inside

    def _compile(
        self, robot: Robot, cfg: SimCfg, add_ground: Callable[[mujoco.MjSpec], None] | None
    ) -> mujoco.MjModel:
        spec = build_scene(robot, add_ground)
        for name in self.contact_body_names:
            spec.add_sensor(
                name=_CONTACT_SENSOR + name,
                type=mujoco.mjtSensor.mjSENS_CONTACT,
                objtype=mujoco.mjtObj.mjOBJ_BODY,
                objname=name,
                intprm=[_DATASPEC_FORCE, _REDUCE_NETFORCE, 1],
            )
        return compile_scene(spec, cfg)

    def _bind(self) -> None:
        """Views of the engine's rows, and where each named thing lies in them."""
        model, sims = self.model, self._batch
        joints = [model.joint(name) for name in self.joint_names]
        self._qpos_index = torch.tensor([int(j.qposadr[0]) for j in joints])
        self._qvel_index = torch.tensor([int(j.dofadr[0]) for j in joints])
        self._dof_slice = _as_slice(self._qpos_index), _as_slice(self._qvel_index)
        self._body_ids = torch.tensor([model.body(name).id for name in self.body_names])
        self._root_id = model.body(self.robot.root_body).id
        self._qpos, self._qvel = torch.from_numpy(sims.bind("qpos")), torch.from_numpy(sims.bind("qvel"))
        self._ctrl, self._applied = (torch.from_numpy(sims.bind(name)) for name in ("ctrl", "qfrc_applied"))
        self._time = torch.from_numpy(sims.bind("time"))
        outputs = {
            name: _readonly_tensor(sims.bind(name)) for name in ("xpos", "xquat", "cvel", "subtree_com")
        }
        self._xpos, self._xquat, self._cvel, self._subtree_com = outputs.values()
        self._actuator_force = _readonly_tensor(sims.bind("actuator_force"))
        if self.contact_body_names:
            first = model.sensor(_CONTACT_SENSOR + self.contact_body_names[0])
            start = int(first.adr[0])
            values = _readonly_tensor(sims.bind("sensordata"))
            self._contact = values[:, start : start + 3 * len(self.contact_body_names)]

    def _allocate(self) -> None:
        n, j = self.num_envs, len(self.joint_names)
        b, c = len(self.body_names), len(self.contact_body_names)
        self.time = torch.zeros(n)
        self._root_state = torch.zeros(n, 13)
        self.root_pos_w, self.root_quat_wxyz = self._root_state[:, 0:3], self._root_state[:, 3:7]
        self.root_lin_vel_w, self.root_ang_vel_b = self._root_state[:, 7:10], self._root_state[:, 10:13]
        self.dof_pos, self.dof_vel, self.dof_torque = torch.zeros(n, j), torch.zeros(n, j), torch.zeros(n, j)
        self.body_pos_w, self.body_quat_wxyz = torch.zeros(n, b, 3), torch.zeros(n, b, 4)
        self.body_lin_vel_w, self.body_ang_vel_w = torch.zeros(n, b, 3), torch.zeros(n, b, 3)
        self.contact_force_w = torch.zeros(n, c, 3)
        self.diverged = torch.zeros(n, dtype=torch.bool)
        self.num_diverged = 0
        self._warnings_seen = np.zeros(n, dtype=np.int64)

    def _refresh(self, rows: Tensor | None) -> None:
        """Copy the engine's rows into the tensors handed out; ``rows`` limits it to some envs."""

        def source(values: Tensor) -> Tensor:
            return values if rows is None else values.index_select(0, rows)

        def put(target: Tensor, values: Tensor) -> None:
            target.copy_(values) if rows is None else target.index_copy_(0, rows, values.float())

        def bodies(values: Tensor) -> Tensor:
            return source(values).index_select(1, self._body_ids)

        qpos, qvel = source(self._qpos), source(self._qvel)
        qpos_dofs, qvel_dofs = self._dof_slice
        put(self.time, source(self._time))
        put(self._root_state, torch.cat((qpos[:, :7], qvel[:, :6]), dim=1))
        put(self.dof_pos, qpos[:, qpos_dofs])
        put(self.dof_vel, qvel[:, qvel_dofs])
        put(self.dof_torque, source(self._actuator_force))
        pos, cvel = bodies(self._xpos), bodies(self._cvel)
        com = source(self._subtree_com)[:, self._root_id : self._root_id + 1]
        # cvel is the velocity of a point fixed to the body that is now at the robot's centre of mass.
        put(self.body_lin_vel_w, cvel[..., 3:] + torch.linalg.cross(cvel[..., :3], pos - com))
        put(self.body_ang_vel_w, cvel[..., :3])
        put(self.body_pos_w, pos)
        put(self.body_quat_wxyz, bodies(self._xquat))
        if self.contact_body_names:
            # The sensor reports the force the named body exerts; ours is the force it feels.
            put(self.contact_force_w, -source(self._contact).unflatten(1, (len(self.contact_body_names), 3)))

    def _advance(self, num_substeps: int, stage: mujoco.mjtStage) -> list[int]:
        """Step every env, then compute up to a stage; the envs for which the engine gave up."""
        try:
            self._batch.step(nstep=num_substeps, stage=int(stage))
        except batch.SimulationError as error:
            return list(error.ids)
        return []

    def _divergences(self) -> np.ndarray:
        """How often each env has raised a divergence warning, (N,). The engine counts in the last column."""
        return self._batch.warning[:, _DIVERGENCE_WARNINGS, 1].sum(-1)

    def _note_divergence(self, lost: list[int]) -> None:
        seen = self._divergences()
        bad = seen > self._warnings_seen
        bad[lost] = True
        self._warnings_seen[...] = seen
        self.diverged.copy_(torch.from_numpy(bad))
        count = int(bad.sum())
        if count:
            self.num_diverged += count
            log.warning(
                "%d envs diverged in this step (%d so far); their episodes end", count, self.num_diverged
            )


def _rotate_inverse(quat_wxyz: Tensor, vec: Tensor) -> Tensor:
    w, xyz = quat_wxyz[:, :1], quat_wxyz[:, 1:]
    t = 2.0 * torch.linalg.cross(xyz, vec)
    return vec - w * t + torch.linalg.cross(xyz, t)


def _as_slice(index: Tensor) -> slice | Tensor:
    """A slice where the indices are consecutive (a view, no gather), else the indices."""
    start = int(index[0])
    consecutive = torch.equal(index, torch.arange(start, start + len(index)))
    return slice(start, start + len(index)) if consecutive else index


def _readonly_tensor(array: np.ndarray) -> Tensor:
    """A tensor on an engine output; the engine forbids writes, which torch has no notion of and would warn about."""
    view = array.view()
    pointer = np.lib.array_utils.byte_bounds(view)[0]
    assert pointer == view.__array_interface__["data"][0] and view.flags.c_contiguous
    interface = dict(view.__array_interface__, data=(pointer, False))
    holder = type("EngineOutput", (), {"__array_interface__": interface, "owner": array})()
    return torch.from_numpy(np.asarray(holder))


def _silence_engine_warnings() -> None:
    """Divergence is counted per env from the engine's counters; its own text would flood stderr."""
    mujoco.set_mju_user_warning(lambda message: log.debug("engine: %s", message))

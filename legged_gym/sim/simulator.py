"""What the rest of the package may ask of a physics engine.

A simulator steps N independent copies of one robot. All state is handed out as float32 tensors on ``device`` whose
storage stays the same for the simulator's life, so they can be kept and read after every call. World frame is z up,
quaternions are wxyz, rotate body to world. N envs, J actuated joints, B watched bodies, C contact bodies.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor


class Simulator(ABC):
    """N robots stepped together."""

    num_envs: int
    device: str
    dt: float
    """Length of one physics substep, s."""

    joint_names: tuple[str, ...]
    """Actuated joints, in the order of every (N, J) tensor."""
    body_names: tuple[str, ...]
    """Watched bodies, in the order of every (N, B, ...) tensor."""
    contact_body_names: tuple[str, ...]
    """Bodies whose contact force is measured, in the order of ``contact_force_w``."""

    time: Tensor
    """(N,) time since the env was reset, s."""
    root_pos_w: Tensor
    """(N, 3) root position, m."""
    root_quat_wxyz: Tensor
    """(N, 4) root orientation."""
    root_lin_vel_w: Tensor
    """(N, 3) velocity of the root origin, m/s."""
    root_ang_vel_b: Tensor
    """(N, 3) root angular velocity in the root frame, rad/s (what a gyroscope in the root reads)."""
    dof_pos: Tensor
    """(N, J) joint positions, rad."""
    dof_vel: Tensor
    """(N, J) joint velocities, rad/s."""
    dof_torque: Tensor
    """(N, J) torque each motor applied in the last substep, N m."""
    body_pos_w: Tensor
    """(N, B, 3) body origins, m."""
    body_quat_wxyz: Tensor
    """(N, B, 4) body orientations."""
    body_lin_vel_w: Tensor
    """(N, B, 3) velocity of the body origins, m/s."""
    body_ang_vel_w: Tensor
    """(N, B, 3) body angular velocities, rad/s."""
    contact_force_w: Tensor
    """(N, C, 3) net contact force on each contact body in the last substep, N."""
    diverged: Tensor
    """(N,) bool: the engine lost this env (NaN, overflow) in the last step; its state is not to be trusted."""
    num_diverged: int
    """How many env steps have diverged since construction."""

    @abstractmethod
    def set_joint_targets(self, targets: Tensor) -> None:
        """Targets of the joint servos from the next substep on: rad, rad/s or N m, as the robot's servos are. (N, J)

        A reset lets those of its envs ask for the pose they are put in, for speed 0 or torque 0.
        """

    @abstractmethod
    def set_joint_torques(self, torques: Tensor) -> None:
        """Torques on the joints beside their servos', and beyond the servos' limits, from the next substep on.

        (N, J), N m. A reset takes those of its envs back to 0.
        """

    @abstractmethod
    def add_root_velocity(self, env_ids: Tensor, lin_vel_w: Tensor, ang_vel_w: Tensor) -> None:
        """Push envs (n,): the velocity of the root changes by (n, 3) m/s and (n, 3) rad/s, world frame.

        The rest of the robot goes along as if it were rigid. The tensors show it after the next step at the latest.
        """

    @abstractmethod
    def step(self, num_substeps: int) -> None:
        """Advance every env by ``num_substeps`` and refresh every tensor."""

    @abstractmethod
    def step_through(self, targets: Tensor) -> None:
        """Advance every env by S substeps, each with its own joint targets (S, N, J), and refresh every tensor."""

    @abstractmethod
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
        """Put the envs of ``env_ids`` (n,) into the given states (n, ...) and refresh their tensors.

        Derived quantities (bodies, contacts) are those of the new state when this returns. Angular velocity is given
        in the world frame.
        """

    @abstractmethod
    def set_parameter(self, name: str, values: Tensor, env_ids: Tensor | None = None) -> None:
        """Set a physical parameter per env, (n, ...). ``parameter_names`` lists what there is."""

    @abstractmethod
    def parameter(self, name: str) -> Tensor:
        """A copy of a parameter's per-env values, (N, ...)."""

    @property
    @abstractmethod
    def parameter_names(self) -> tuple[str, ...]:
        """Names that ``parameter`` and ``set_parameter`` take."""

    @abstractmethod
    def cast_rays(self, origins_w: Tensor, directions_w: Tensor) -> Tensor:
        """Distance to the static ground along each ray, inf where nothing is hit. (N, R, 3) x 2 -> (N, R), m."""

    @abstractmethod
    def state_dict(self) -> dict[str, Tensor]:
        """All that is needed to continue bit for bit."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore what ``state_dict`` returned and refresh every tensor."""

    def body_index(self, name: str) -> int:
        """Position of a watched body in the (N, B, ...) tensors."""
        return self._index(self.body_names, name, "body")

    def contact_index(self, name: str) -> int:
        """Position of a contact body in ``contact_force_w``."""
        return self._index(self.contact_body_names, name, "contact body")

    @staticmethod
    def _index(names: Sequence[str], name: str, kind: str) -> int:
        if name not in names:
            raise KeyError(f"{kind} {name!r} is not simulated; known: {', '.join(names)}")
        return names.index(name)

"""Physics: the simulator interface, its engines, and the robot models they run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from legged_gym.utils.devices import check_sim_device

if TYPE_CHECKING:
    import mujoco

    from legged_gym.sim.robot_model import Robot
    from legged_gym.sim.sim_config import SimCfg
    from legged_gym.sim.simulator import Simulator


def make_simulator(
    robot: Robot,
    cfg: SimCfg,
    num_envs: int,
    body_names: Sequence[str],
    contact_body_names: Sequence[str],
    device: str,
    add_ground: Callable[[mujoco.MjSpec], None] | None = None,
) -> Simulator:
    """The engine for a device: MuJoCo on cpu, MuJoCo Warp on cuda[:index] and warp:cpu.

    ``add_ground`` adds the ground to the model; None: a flat floor.

    Raises:
        LeggedGymError: The engine is not installed, has no GPU, or lacks something the configuration asks for.
    """
    if device == "cpu":
        from legged_gym.sim.mujoco_cpu import MujocoCpuSimulator

        return MujocoCpuSimulator(robot, cfg, num_envs, body_names, contact_body_names, add_ground)
    check_sim_device(device)
    from legged_gym.sim.mujoco_warp import MujocoWarpSimulator

    return MujocoWarpSimulator(robot, cfg, num_envs, body_names, contact_body_names, device, add_ground)

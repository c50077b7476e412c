"""Physics: the simulator interface, its engines, and the robot models they run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

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
    """The engine for a device: MuJoCo on the CPU. ``add_ground`` adds the ground to the model; None: a flat floor."""
    from legged_gym.sim.mujoco_cpu import MujocoCpuSimulator

    if device != "cpu":
        raise ValueError(f"no engine for device {device!r}; known: cpu")
    return MujocoCpuSimulator(robot, cfg, num_envs, body_names, contact_body_names, add_ground)

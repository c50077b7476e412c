"""Helpers of the tests of the GPU's engine, which run on Warp's CPU device and, where there is one, on a GPU."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
import torch

from legged_gym.sim.mujoco_cpu import MujocoCpuSimulator
from legged_gym.sim.robot_model import Robot
from legged_gym.sim.sim_config import SimCfg

TENSORS = (
    "root_pos_w", "root_quat_wxyz", "root_lin_vel_w", "root_ang_vel_b", "dof_pos", "dof_vel", "dof_torque",
    "body_pos_w", "body_quat_wxyz", "body_lin_vel_w", "body_ang_vel_w", "contact_force_w",
)  # fmt: skip
TOLERANCE = {
    "dof_torque": 1e-2,
    "contact_force_w": 0.5,
    "dof_vel": 1e-3,
    "root_ang_vel_b": 1e-3,
    "body_ang_vel_w": 1e-3,
}
"""N m; N, of a robot that weighs 340 N; rad/s. Float32 against float64. All else (m, rad, m/s): 1e-4."""
CFG = SimCfg(dt=0.005, num_threads=1)
DEVICES = ["warp:cpu"] + ["cuda"] * torch.cuda.is_available()

needs_warp = pytest.mark.skipif(
    find_spec("warp") is None or find_spec("mujoco_warp") is None,
    reason="MuJoCo Warp is not installed: pip install 'videomimic-gym[gpu]'",
)


def prepare() -> None:
    """Let Warp find its cache of compiled kernels before the tests' own cache folder stands in for the user's."""
    import warp

    warp.config.log_level = warp.LOG_WARNING
    warp.init()


def warp_simulator(robot: Robot, num_envs: int, device: str, add_ground=None, **options):
    """A simulator on the GPU's engine that watches all bodies and the feet's contacts."""
    from legged_gym.sim.mujoco_warp import MujocoWarpSimulator

    return MujocoWarpSimulator(robot, CFG, num_envs, None, robot.foot_bodies, device, add_ground, **options)


def cpu_simulator(robot: Robot, num_envs: int, add_ground=None) -> MujocoCpuSimulator:
    """Its like on MuJoCo C, the reference."""
    return MujocoCpuSimulator(robot, CFG, num_envs, None, robot.foot_bodies, add_ground)


def default_pose(robot: Robot, n: int) -> torch.Tensor:
    """(n, J) rad."""
    return torch.as_tensor(robot.default_dof_pos, dtype=torch.float32).repeat(n, 1)


def stand(sim, ids=None, height: float = 0.0) -> None:
    """Put envs into the default pose, their soles at a height, m; they are asked to keep it."""
    robot = sim.robot
    ids = torch.arange(sim.num_envs) if ids is None else ids
    n, q = len(ids), default_pose(robot, len(ids))
    pos = torch.tensor([[0.0, 0.0, robot.default_root_height + height]]).repeat(n, 1)
    put(sim, ids, (pos, torch.tensor([[1.0, 0.0, 0.0, 0.0]]).repeat(n, 1), *torch.zeros(2, n, 3), q, 0 * q))


def put(sim, ids, state) -> None:
    """Reset envs to a state given on the CPU."""
    sim.reset(ids.to(sim.device), *(part.to(sim.device) for part in state))


def random_state(robot: Robot, n: int, seed: int = 0):
    """Root and joints of n robots in the air."""
    rng = torch.Generator().manual_seed(seed)
    quat = torch.nn.functional.normalize(torch.randn(n, 4, generator=rng), dim=-1)
    q = default_pose(robot, n) + 0.3 * torch.randn(n, len(robot.joint_names), generator=rng)
    pos = torch.randn(n, 3, generator=rng) + torch.tensor([0.0, 0.0, 5.0])
    return pos, quat, *torch.randn(2, n, 3, generator=rng), q, torch.randn(q.shape, generator=rng)


def copies(sim) -> dict[str, torch.Tensor]:
    """All tensors of the moment, on the CPU."""
    return {name: getattr(sim, name).cpu().clone() for name in TENSORS}


def assert_alike(sim, reference, envs=slice(None)) -> None:
    """Both engines hand out the same, to ``TOLERANCE``."""
    for name in TENSORS:
        difference = (getattr(sim, name).cpu() - getattr(reference, name))[envs].abs().max()
        assert difference < TOLERANCE.get(name, 1e-4), (name, difference)

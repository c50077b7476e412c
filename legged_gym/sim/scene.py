"""The model every engine steps: the robot on its ground, with the configuration's solver."""

from __future__ import annotations

from collections.abc import Callable

import mujoco

from legged_gym.sim.robot_model import Robot
from legged_gym.sim.sim_config import SimCfg


def build_scene(robot: Robot, add_ground: Callable[[mujoco.MjSpec], None] | None) -> mujoco.MjSpec:
    """The robot with every variant of its feet on the ground; ``add_ground`` None is a flat floor."""
    # Visual geometry would cost an eighth of the step, in kinematics nobody reads.
    spec = robot.scene(ground=add_ground is None, visuals=False, foot_variants=True)
    if add_ground is not None:
        add_ground(spec)
    return spec


def compile_scene(spec: mujoco.MjSpec, cfg: SimCfg) -> mujoco.MjModel:
    """The compiled model with the timestep and the solver of a configuration."""
    model = spec.compile()
    model.opt.timestep = cfg.dt
    model.opt.cone = getattr(mujoco.mjtCone, f"mjCONE_{cfg.cone.upper()}")
    model.opt.solver = getattr(mujoco.mjtSolver, f"mjSOL_{cfg.solver.upper()}")
    model.opt.iterations = cfg.iterations
    model.opt.ls_iterations = cfg.ls_iterations
    return model

"""On the GPU's engine as on MuJoCo C: every physical parameter per env, feet of other shapes, boxes, height fields."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
import torch

from legged_gym.sim.robot_model import build_robot
from legged_gym.sim.sim_config import ActuatorCfg, AssetCfg, SimCfg
from legged_gym.utils.errors import ConfigError
from tests.sim.warp_cases import (
    DEVICES,
    assert_alike,
    copies,
    cpu_simulator,
    default_pose,
    needs_warp,
    prepare,
    stand,
    warp_simulator,
)  # fmt: skip

pytestmark = needs_warp
if not needs_warp.args[0]:
    prepare()

PARAMETERS = (
    "friction", "stiffness", "damping", "effort_limit", "body_mass", "body_com", "body_inertia", "armature",
    "joint_friction", "gravity",
)  # fmt: skip
VARIANTS = ("own", "rails", "sole")


@pytest.fixture(scope="module", params=DEVICES)
def device(request):
    return request.param


@pytest.fixture(scope="module")
def robot():
    return build_robot(AssetCfg(), ActuatorCfg())


@pytest.fixture(scope="module")
def varied():
    return build_robot(AssetCfg(use_alt_files=True, foot_variants=list(VARIANTS)), ActuatorCfg())


def crouch(sim, substeps: int = 60) -> None:
    stand(sim)
    targets = default_pose(sim.robot, sim.num_envs)
    targets[:, :6] += 0.3
    sim.set_joint_targets(targets.to(sim.device))
    sim.step(substeps)


def test_each_parameter_acts_in_its_env_alone_and_as_on_the_cpu(robot, device):
    """Env i has parameter i changed; the last one is as the robot was built."""
    n = len(PARAMETERS) + 1
    sim, reference = warp_simulator(robot, n, device), cpu_simulator(robot, n)
    crouch(sim)
    plain = copies(sim)["dof_pos"]
    for env, name in enumerate(PARAMETERS):
        values = reference.parameter(name)[[env]]
        torch.testing.assert_close(sim.parameter(name).cpu(), reference.parameter(name))
        factor = 0.05 if name in ("effort_limit", "friction") else 1.5
        values = values + 2.0 if name == "joint_friction" else values * factor
        for one in (sim, reference):
            one.set_parameter(name, values.to(one.device), torch.tensor([env], device=one.device))
        torch.testing.assert_close(sim.parameter(name).cpu(), reference.parameter(name))
    for one in (sim, reference):
        crouch(one)
    assert_alike(sim, reference)
    changed = (sim.dof_pos.cpu() - plain).abs().amax(dim=1)
    assert (changed[:-1] > 1e-4).all(), dict(zip(PARAMETERS, changed.tolist(), strict=False))
    assert changed[-1] < 1e-6 if device == "cuda" else changed[-1] == 0.0


def test_an_unknown_parameter_lists_the_known_ones(robot):
    sim = warp_simulator(robot, 1, "warp:cpu")
    with pytest.raises(KeyError, match="body_mass"):
        sim.set_parameter("mass", torch.ones(1))


def test_feet_of_each_shape_carry_as_on_the_cpu(varied, device):
    """On a bar between heel and toe: the points of the robot's own feet miss it, rails and soles stand on it."""

    def bar(spec: mujoco.MjSpec) -> None:
        spec.worldbody.add_geom(
            type=mujoco.mjtGeom.mjGEOM_BOX, size=[0.02, 1.0, 0.1], pos=[at_x, 0, -0.1 + 1e-3]
        )

    flat = cpu_simulator(varied, 1)
    stand(flat)
    left = flat.body_names.index(varied.foot_bodies[0])
    at_x = float(flat.body_pos_w[0, left, 0]) + 0.035
    sims = [
        maker(varied, len(VARIANTS), *more)
        for maker, more in ((warp_simulator, (device, bar)), (cpu_simulator, (bar,)))
    ]
    for one in sims:
        one.set_parameter("foot_variant", torch.arange(len(VARIANTS), device=one.device))
        assert one.parameter("foot_variant").tolist() == [0.0, 1.0, 2.0]
        stand(one)
        one.step(4)
    upward = sims[0].contact_force_w[..., 2].sum(1).cpu()
    assert upward[0] == 0.0 and (upward[1:] > 100.0).all()
    torch.testing.assert_close(upward, sims[1].contact_force_w[..., 2].sum(1), rtol=0.05, atol=1.0)


def slope(spec: mujoco.MjSpec) -> None:
    spec.worldbody.add_geom(
        type=mujoco.mjtGeom.mjGEOM_BOX, size=[2.0, 2.0, 0.1], pos=[0.0, 0.0, -0.1], quat=[1.0, 0.0, 0.05, 0.0]
    )


def bumps(spec: mujoco.MjSpec) -> None:
    """Waves of 1 cm over 4 m, in cells of 5 cm."""
    x = np.linspace(-2.0, 2.0, 81)
    heights = 0.5 + 0.5 * np.sin(3.0 * x)[:, None] * np.sin(4.0 * x)
    field = spec.add_hfield(name="bumps", nrow=81, ncol=81, size=[2.0, 2.0, 0.01, 0.5])
    field.userdata = heights.ravel()
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_HFIELD, hfieldname="bumps", pos=[0.0, 0.0, -0.01])


def test_on_boxes_both_engines_agree(robot, device):
    sim, reference = warp_simulator(robot, 2, device, slope), cpu_simulator(robot, 2, slope)
    for one in (sim, reference):
        stand(one, height=5e-3)
        one.step(40)
    assert_alike(sim, reference)
    assert reference.contact_force_w[..., 2].min() > 0.0


@pytest.mark.slow  # its kernels take long to compile
def test_on_a_height_field_the_robot_stands_as_on_the_cpu(robot, device):
    """The engines choose other contact points there, so only what they add up to is the same."""
    sim, reference = warp_simulator(robot, 2, device, bumps), cpu_simulator(robot, 2, bumps)
    forces = []
    for one in (sim, reference):
        stand(one)
        one.step(40)
        mean = torch.zeros(2)
        for _ in range(40):
            one.step(1)
            mean += one.contact_force_w[..., 2].sum(1).cpu() / 40
        forces.append(mean)
    weight = 9.81 * float(reference.model.body_subtreemass[1])
    for mean in forces:
        torch.testing.assert_close(mean, torch.full((2,), weight), rtol=0.1, atol=0.0)
    assert (sim.root_pos_w.cpu() - reference.root_pos_w).abs().max() < 5e-3
    down = (
        torch.tensor([[[0.2, 0.3, 1.0]]]).repeat(2, 1, 1),
        torch.tensor([[[0.0, 0.0, -1.0]]]).repeat(2, 1, 1),
    )
    ours = sim.cast_rays(*(part.to(sim.device) for part in down)).cpu()
    torch.testing.assert_close(ours, reference.cast_rays(*down), rtol=0.0, atol=1e-5)


def test_ground_and_solvers_that_the_engine_lacks_are_refused_by_name(robot):
    from legged_gym.sim.mujoco_warp import MujocoWarpSimulator

    def mesh(spec: mujoco.MjSpec) -> None:
        spec.add_flex(
            name="stairs",
            dim=2,
            vertbody=["world"],
            vert=[0.0, 0, 0, 1, 0, 0, 0, 1, 0],
            elem=[0, 1, 2],
            radius=0.0,
        )

    with pytest.raises(
        ConfigError, match=r"terrain\.collision: the ground 'stairs' .*--env.terrain.collision=heightfield"
    ):
        MujocoWarpSimulator(robot, SimCfg(), 1, add_ground=mesh)
    with pytest.raises(ConfigError, match=r"sim\.solver is pgs.*newton or cg"):
        MujocoWarpSimulator(robot, SimCfg(solver="pgs"), 1)

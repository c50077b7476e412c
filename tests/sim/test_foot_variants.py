"""Feet of other shapes: what carries a robot in each env, and that nothing else about it changes."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
import torch

from legged_gym.sim.mujoco_cpu import MujocoCpuSimulator
from legged_gym.sim.robot_model import Robot, build_robot
from legged_gym.sim.sim_config import ActuatorCfg, AssetCfg, SimCfg
from legged_gym.utils.errors import RobotError

VARIANTS = ("own", "rails", "sole")
N = len(VARIANTS)
SOLE_CENTRE = 0.035
"""Middle between the spheres of heel and toe, m before the ankle."""


def build(*variants: str, **asset) -> Robot:
    return build_robot(
        AssetCfg(use_alt_files=bool(variants), foot_variants=list(variants), **asset), ActuatorCfg()
    )


@pytest.fixture(scope="module")
def robot() -> Robot:
    return build(*VARIANTS)


def simulate(robot: Robot, add_ground=None) -> MujocoCpuSimulator:
    """One env of each variant."""
    sim = MujocoCpuSimulator(robot, SimCfg(dt=0.005, num_threads=1), N, None, robot.foot_bodies, add_ground)
    sim.set_parameter("foot_variant", torch.arange(N))
    return sim


def stand(sim: MujocoCpuSimulator, height: float = 0.0, roll: float = 0.0) -> None:
    robot = sim.robot
    q = torch.as_tensor(robot.default_dof_pos, dtype=torch.float32).repeat(N, 1)
    pos = torch.tensor([0.0, 0.0, robot.default_root_height + height]).repeat(N, 1)
    quat = torch.tensor([np.cos(roll / 2), np.sin(roll / 2), 0.0, 0.0], dtype=torch.float32).repeat(N, 1)
    zero = torch.zeros(N, 3)
    sim.reset(torch.arange(N), pos, quat, zero, zero, q, torch.zeros_like(q))
    sim.set_joint_targets(q)


def contacts(sim: MujocoCpuSimulator, env: int) -> np.ndarray:
    """Contact points (n, 2) of the left foot in its own frame: forwards and left, m."""
    model, data = sim._batch.get_model(env), sim._batch.get_data(env)
    mujoco.mj_forward(model, data)
    foot = model.body(sim.robot.foot_bodies[0]).id
    points = [
        c.pos for c in data.contact[: data.ncon] if foot in model.geom_bodyid[list(c.geom)] and c.dist < 0.0
    ]
    return ((np.array(points) - data.xpos[foot]) @ data.xmat[foot].reshape(3, 3))[:, :2]


def test_on_level_ground_each_stands_on_four_points_of_its_own_outline(robot):
    sim = simulate(robot)
    stand(sim)
    sim.step(20)  # the default pose has its toes 1 mm up
    outlines = [contacts(sim, env) for env in range(N)]
    assert [len(points) for points in outlines] == [4, 4, 4]
    for points, (heel, toe, heel_y, toe_y) in zip(
        outlines, [(-0.05, 0.12, 0.025, 0.03)] * 2 + [(-0.054, 0.129, 0.03, 0.03)], strict=True
    ):
        corners = [(heel, -heel_y), (heel, heel_y), (toe, -toe_y), (toe, toe_y)]
        np.testing.assert_allclose(sorted(points.round(3).tolist()), corners, atol=2e-3)


def test_a_bar_between_heel_and_toe_carries_edges_but_not_points(robot):
    def bar(spec: mujoco.MjSpec) -> None:
        spec.worldbody.add_geom(
            type=mujoco.mjtGeom.mjGEOM_BOX, size=[0.02, 1.0, 0.1], pos=[at_x, 0.0, -0.1 + 1e-3]
        )

    flat = simulate(robot)
    stand(flat)
    left = flat.body_names.index(robot.foot_bodies[0])
    at_x = float(flat.body_pos_w[0, left, 0]) + SOLE_CENTRE
    sim = simulate(robot, bar)
    stand(sim)
    sim.step(4)
    upward = sim.contact_force_w[..., 2].sum(1)
    assert upward[0] == 0.0 and (upward[1:] > 100.0).all()


def test_only_what_touches_differs_from_the_plain_robot(robot):
    plain, varied = (
        one.scene(visuals=False, foot_variants=True).compile() for one in (build(), build(*VARIANTS))
    )
    assert plain.ngeom + 2 * (2 + 2) == varied.ngeom
    for name in ("body_mass", "body_inertia", "body_ipos", "dof_armature", "actuator_gainprm"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(varied, name))
    feet = [geom for geom in range(varied.ngeom) if "foot" in varied.geom(geom).name]
    for name in ("geom_friction", "geom_priority", "geom_condim", "geom_solref", "geom_group"):
        assert len(np.unique(getattr(varied, name)[feet], axis=0)) == 1, name
    np.testing.assert_array_equal(plain.geom_pos, robot.compile(visuals=False).geom_pos)


def test_the_models_own_feet_move_bit_for_bit_as_without_variants(robot):
    states = []
    for one in (build(), robot):
        sim = MujocoCpuSimulator(one, SimCfg(dt=0.005, num_threads=1), N, None, one.foot_bodies)
        stand(sim, height=0.02, roll=0.1)
        sim.step(60)
        states.append(sim.state_dict()["full_state"])
    assert torch.equal(*states)


def test_a_variant_can_be_set_read_and_restored(robot):
    sim = simulate(robot)
    assert sim.parameter("foot_variant").tolist() == [0.0, 1.0, 2.0]
    sim.set_parameter("foot_variant", torch.tensor([1, 0]), torch.tensor([2, 1]))
    assert sim.parameter("foot_variant").tolist() == [0.0, 0.0, 1.0]
    stand(sim, roll=0.1)
    sim.step(20)
    other = simulate(robot)
    other.load_state_dict(sim.state_dict())
    for one in (sim, other):
        one.step(20)
    assert other.parameter("foot_variant").tolist() == [0.0, 0.0, 1.0]
    assert torch.equal(sim.dof_pos, other.dof_pos)


def test_a_robot_without_variants_has_no_such_parameter():
    sim = MujocoCpuSimulator(build(), SimCfg(num_threads=1), 1, None, ())
    assert "foot_variant" not in sim.parameter_names


def test_without_the_models_own_among_them_its_spheres_never_touch():
    sim = MujocoCpuSimulator(build("sole"), SimCfg(num_threads=1), N, None, ())
    stand(sim)
    sim.step(20)
    for env in range(N):
        assert len(contacts(sim, env)) == 4
        np.testing.assert_allclose(contacts(sim, env)[:, 0].max(), 0.129, atol=2e-3)


def test_feet_that_do_not_collide_with_the_robot_still_meet_the_ground():
    sim = simulate(build(*VARIANTS, self_collisions=False))
    assert sim.parameter("foot_variant").tolist() == [0.0, 1.0, 2.0]
    stand(sim, height=-1e-3)
    sim.step(1)
    assert (sim.contact_force_w[..., 2] > 10.0).all()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["own", "skate"], r"foot_variants: 'g1' has no feet 'skate'; known: own, rails, sole"),
        (["own", "own"], r"\['own', 'own'\]; it must name one or more of own, rails, sole, each once"),
        ([], r"foot_variants is \[\]"),
    ],
)
def test_names_that_mean_nothing_are_refused_where_they_are_used(names, message):
    with pytest.raises(RobotError, match=message):
        build_robot(AssetCfg(use_alt_files=True, foot_variants=names), ActuatorCfg())
    build_robot(AssetCfg(foot_variants=names), ActuatorCfg())

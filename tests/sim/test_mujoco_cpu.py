"""The CPU simulator: fresh state after reset, frames, forces, parameters, divergence, exact resume."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
import torch

from legged_gym.sim.mujoco_cpu import MujocoCpuSimulator
from legged_gym.sim.robot_model import build_robot
from legged_gym.sim.sim_config import ActuatorCfg, AssetCfg, SimCfg

N = 4


@pytest.fixture(scope="module")
def robot():
    return build_robot(AssetCfg(locked_joints=["wrist"]), ActuatorCfg())


@pytest.fixture
def sim(robot):
    simulator = MujocoCpuSimulator(robot, SimCfg(dt=0.005, num_threads=1), N, None, robot.foot_bodies)
    stand(simulator, robot)
    return simulator


def stand(sim, robot, ids=None, height=0.0):
    ids = torch.arange(N) if ids is None else ids
    n = len(ids)
    pos = torch.tensor([[0.0, 0.0, robot.default_root_height + height]]).repeat(n, 1)
    quat = torch.tensor([[1.0, 0.0, 0.0, 0.0]]).repeat(n, 1)
    q = torch.tensor(robot.default_dof_pos, dtype=torch.float32).repeat(n, 1)
    zero = torch.zeros(n, 3)
    sim.reset(ids, pos, quat, zero, zero, q, torch.zeros_like(q))
    sim.set_joint_targets(torch.tensor(robot.default_dof_pos, dtype=torch.float32).repeat(N, 1))


def random_state(robot, n, seed=0):
    rng = torch.Generator().manual_seed(seed)
    quat = torch.randn(n, 4, generator=rng)
    quat = quat / quat.norm(dim=-1, keepdim=True)
    q = torch.as_tensor(robot.default_dof_pos, dtype=torch.float32) + 0.3 * torch.randn(
        n, len(robot.joint_names), generator=rng
    )
    pos = torch.randn(n, 3, generator=rng) + torch.tensor([0.0, 0.0, 5.0])
    lin, ang = torch.randn(n, 3, generator=rng), torch.randn(n, 3, generator=rng)
    return pos, quat, lin, ang, q, torch.randn(q.shape, generator=rng)


def test_after_reset_every_body_is_where_forward_kinematics_puts_it(sim, robot):
    state = random_state(robot, N)
    sim.reset(torch.arange(N), *state)
    model = robot.compile()
    data = mujoco.MjData(model)
    pos, quat, lin, ang, q, qd = (part.double().numpy() for part in state)
    for i in range(N):
        data.qpos[:7] = [*pos[i], *quat[i] / np.linalg.norm(quat[i])]
        data.qpos[[model.joint(name).qposadr[0] for name in robot.joint_names]] = q[i]
        rotation = np.zeros(9)
        mujoco.mju_quat2Mat(rotation, data.qpos[3:7])
        data.qvel[:6] = [*lin[i], *(rotation.reshape(3, 3).T @ ang[i])]
        data.qvel[[model.joint(name).dofadr[0] for name in robot.joint_names]] = qd[i]
        mujoco.mj_forward(model, data)
        velocity = np.zeros(6)
        for b, name in enumerate(sim.body_names):
            np.testing.assert_allclose(sim.body_pos_w[i, b], data.body(name).xpos, atol=1e-5)
            np.testing.assert_allclose(sim.body_quat_wxyz[i, b], data.body(name).xquat, atol=1e-5)
            mujoco.mj_objectVelocity(model, data, mujoco.mjtObj.mjOBJ_XBODY, data.body(name).id, velocity, 0)
            np.testing.assert_allclose(sim.body_ang_vel_w[i, b], velocity[:3], atol=1e-4)
            np.testing.assert_allclose(sim.body_lin_vel_w[i, b], velocity[3:], atol=1e-4)
    torch.testing.assert_close(sim.root_lin_vel_w, state[2])


def test_after_a_step_bodies_belong_to_the_new_state(sim, robot):
    sim.step(3)
    model = robot.compile()
    data = mujoco.MjData(model)
    data.qpos[:] = sim._qpos[0].numpy()
    mujoco.mj_kinematics(model, data)
    np.testing.assert_allclose(sim.body_pos_w[0], data.xpos[1:], atol=1e-6)


def test_reset_takes_env_ids_in_any_order_and_leaves_the_others_alone(sim, robot):
    state = random_state(robot, 2)
    before = sim.dof_pos.clone()
    sim.reset(torch.tensor([3, 1]), *state)
    torch.testing.assert_close(sim.dof_pos[3], state[4][0])
    torch.testing.assert_close(sim.dof_pos[1], state[4][1])
    torch.testing.assert_close(sim.root_pos_w[3], state[0][0])
    assert torch.equal(sim.dof_pos[[0, 2]], before[[0, 2]])


def test_handed_out_tensors_keep_their_storage(sim, robot):
    held = sim.dof_pos
    stand(sim, robot, torch.tensor([0]), height=0.1)
    sim.step(2)
    assert held.data_ptr() == sim.dof_pos.data_ptr()


def test_feet_of_a_standing_robot_carry_its_weight_upward(sim):
    sim.step(60)
    forces = []
    for _ in range(60):
        sim.step(1)
        forces.append(sim.contact_force_w.clone())
    forces = torch.stack(forces)  # (steps, N, feet, 3)
    weight = float(sim.model.body_subtreemass[1]) * 9.81
    np.testing.assert_allclose(forces.sum(2)[..., 2].mean(0), weight, rtol=0.05)
    assert forces[..., 2].min() > 0.0


def test_time_runs_per_env_from_its_reset(sim, robot):
    sim.step(10)
    stand(sim, robot, torch.tensor([2]))
    sim.step(4)
    torch.testing.assert_close(sim.time, torch.tensor([0.07, 0.07, 0.02, 0.07]))


def test_contact_force_is_zero_in_the_air(sim, robot):
    stand(sim, robot, height=0.5)
    sim.step(1)
    assert sim.contact_force_w.abs().max() == 0.0


def test_stepping_in_one_call_or_in_several_is_the_same(sim, robot):
    other = MujocoCpuSimulator(robot, SimCfg(dt=0.005, num_threads=2), N, None, robot.foot_bodies)
    stand(other, robot)
    sim.step(8)
    for _ in range(4):
        other.step(2)
    assert torch.equal(sim.dof_pos, other.dof_pos)


def test_targets_drive_the_joint_of_the_same_name(sim, robot):
    stand(sim, robot, height=1.0)
    knee = robot.joint_names.index("right_knee_joint")
    targets = torch.as_tensor(robot.default_dof_pos, dtype=torch.float32).repeat(N, 1)
    targets[:, knee] += 0.4
    sim.set_joint_targets(targets)
    sim.step(20)
    moved = (sim.dof_pos - torch.as_tensor(robot.default_dof_pos, dtype=torch.float32)).abs()[0]
    assert moved.argmax() == knee


def test_a_lost_env_is_reported_alone_and_recovers_by_reset(sim, robot, capfd):
    targets = torch.as_tensor(robot.default_dof_pos, dtype=torch.float32).repeat(N, 1)
    targets[2] = torch.nan
    sim.set_joint_targets(targets)
    sim.step(2)
    assert sim.diverged.tolist() == [False, False, True, False]
    assert sim.num_diverged == 1
    for tensor in (sim.dof_pos, sim.body_pos_w, sim.contact_force_w, sim.root_quat_wxyz):
        assert torch.isfinite(tensor).all()
    stand(sim, robot, torch.tensor([2]))
    sim.step(2)
    assert not sim.diverged.any()
    assert "WARNING" not in capfd.readouterr().err


@pytest.mark.parametrize(
    "name",
    [
        "friction",
        "stiffness",
        "damping",
        "effort_limit",
        "body_mass",
        "body_com",
        "body_inertia",
        "armature",
        "joint_friction",
        "gravity",
    ],
)
def test_each_parameter_changes_the_motion_of_its_env_only(robot, name):
    def run(changed: bool) -> torch.Tensor:
        sim = MujocoCpuSimulator(robot, SimCfg(dt=0.005, num_threads=1), N, None, ())
        if changed:
            values = sim.parameter(name)[[1]]
            factor = 0.05 if name in ("effort_limit", "friction") else 1.5
            sim.set_parameter(
                name, values * factor if name != "joint_friction" else values + 2.0, torch.tensor([1])
            )
        stand(sim, robot)
        targets = torch.as_tensor(robot.default_dof_pos, dtype=torch.float32).repeat(N, 1)
        targets[:, :6] += 0.3
        sim.set_joint_targets(targets)
        sim.step(60)
        return sim.dof_pos.clone()

    plain, altered = run(False), run(True)
    assert torch.equal(plain[[0, 2, 3]], altered[[0, 2, 3]])
    assert (plain[1] - altered[1]).abs().max() > 1e-4


def test_an_unknown_parameter_lists_the_known_ones(sim):
    with pytest.raises(KeyError, match="body_mass"):
        sim.set_parameter("mass", torch.ones(N))


def test_a_stronger_motor_is_not_held_back_by_its_joint(robot):
    """The joint's own limit grows with the servo's: the same as a robot that was built stronger."""
    strong = {"": 2.0 * float(robot.effort_limit.max())}
    built = build_robot(AssetCfg(locked_joints=["wrist"]), ActuatorCfg(effort_limit=strong))
    sims = [MujocoCpuSimulator(one, SimCfg(dt=0.005, num_threads=1), N, None, ()) for one in (robot, built)]
    limit = torch.as_tensor(built.effort_limit, dtype=torch.float32).repeat(N, 1)
    sims[0].set_parameter("effort_limit", limit)
    for sim in sims:
        stand(sim, robot, height=1.0)
        sim.set_joint_targets(sim.dof_pos + 3.0)
        sim.step(4)
    assert torch.equal(sims[0].dof_pos, sims[1].dof_pos)
    beyond = sims[0].dof_torque.abs() > 1.05 * torch.as_tensor(robot.effort_limit, dtype=torch.float32)
    assert beyond.any()


def test_joint_torques_act_as_the_engines_applied_forces(sim, robot):
    stand(sim, robot, height=1.0)
    torques = torch.linspace(-8.0, 8.0, len(robot.joint_names)).repeat(N, 1)
    sim.set_joint_torques(torques)
    sim.step(4)
    model = robot.compile()
    model.opt.timestep, model.opt.iterations, model.opt.ls_iterations = 0.005, 10, 20
    data = mujoco.MjData(model)
    data.qpos[2], data.qpos[7:] = robot.default_root_height + 1.0, robot.default_dof_pos.astype(np.float32)
    data.qpos[2] = np.float32(data.qpos[2])
    data.ctrl[:] = robot.default_dof_pos.astype(np.float32)
    data.qfrc_applied[6:] = torques[0]
    for _ in range(4):
        mujoco.mj_step(model, data)
    np.testing.assert_allclose(sim.dof_pos[0], data.qpos[7:], atol=1e-5)
    np.testing.assert_allclose(sim.dof_torque[0], data.actuator_force, atol=1e-2)  # without them


def test_a_reset_ends_the_joint_torques_of_its_envs(sim, robot):
    sim.set_joint_torques(torch.full((N, len(robot.joint_names)), 5.0))
    stand(sim, robot, torch.tensor([1, 3]), height=1.0)
    stand(sim, robot, torch.tensor([0, 2]), height=1.0)
    assert sim._applied.abs().max() == 0.0
    sim.set_joint_torques(torch.full((N, len(robot.joint_names)), 5.0))
    stand(sim, robot, torch.tensor([1]), height=1.0)
    assert sim._applied[1].abs().max() == 0.0 and (sim._applied[[0, 2, 3], 6:] == 5.0).all()


@pytest.mark.parametrize("quat", [(1.0, 0.0, 0.0, 0.0), (0.5, 0.5, -0.5, 0.5)])
def test_a_push_moves_the_robot_as_if_rigid_in_the_world_frame(sim, robot, quat):
    q = torch.as_tensor(robot.default_dof_pos, dtype=torch.float32).repeat(N, 1)
    pos, zero = torch.tensor([[0.0, 0.0, 5.0]]).repeat(N, 1), torch.zeros(N, 3)
    sim.reset(torch.arange(N), pos, torch.tensor([quat]).repeat(N, 1), zero, zero, q, torch.zeros_like(q))
    sim.set_joint_targets(q)
    lin, ang = torch.tensor([[0.3, -0.2, 0.1]]), torch.tensor([[0.2, 0.1, -0.4]])
    sim.add_root_velocity(torch.tensor([2]), lin, ang)
    sim._batch.forward()
    sim._refresh(None)
    torch.testing.assert_close(sim.root_lin_vel_w[2], lin[0])
    torch.testing.assert_close(sim.body_ang_vel_w[2], ang.expand_as(sim.body_ang_vel_w[2]))
    arm = sim.body_pos_w[2] - sim.root_pos_w[2]
    torch.testing.assert_close(sim.body_lin_vel_w[2], lin + torch.linalg.cross(ang.expand_as(arm), arm))
    assert sim.root_lin_vel_w[[0, 1, 3]].abs().max() == 0.0


def test_stepping_through_targets_is_stepping_with_each_in_turn(sim, robot):
    other = MujocoCpuSimulator(robot, SimCfg(dt=0.005, num_threads=1), N, None, robot.foot_bodies)
    stand(other, robot)
    targets = sim.dof_pos + 0.3 * torch.randn(
        4, *sim.dof_pos.shape, generator=torch.Generator().manual_seed(0)
    )
    sim.step_through(targets)
    for target in targets:
        other.set_joint_targets(target)
        other.step(1)
    for name in ("dof_pos", "dof_vel", "body_pos_w", "body_lin_vel_w", "contact_force_w", "dof_torque"):
        assert torch.equal(getattr(sim, name), getattr(other, name)), name


def test_an_env_lost_on_the_way_through_is_reported(sim):
    targets = sim.dof_pos.repeat(3, 1, 1)
    targets[1, 2] = torch.nan
    sim.step_through(targets)
    assert sim.diverged.tolist() == [False, False, True, False] and sim.num_diverged == 1


def test_rays_find_the_ground_and_not_the_robot(sim):
    origins = torch.tensor([[0.0, 0.0, 2.0], [0.3, 0.0, 1.0], [0.0, 0.0, 1.0]]).repeat(N, 1, 1)
    directions = torch.tensor([[0.0, 0.0, -1.0], [0.0, 0.0, -1.0], [0.0, 0.0, 1.0]]).repeat(N, 1, 1)
    torch.testing.assert_close(sim.cast_rays(origins, directions)[0], torch.tensor([2.0, 1.0, torch.inf]))


def test_state_restores_bit_for_bit(sim, robot):
    sim.set_parameter("body_mass", sim.parameter("body_mass") * 1.1)
    # Of some envs only: the others keep the model's own numbers, which are finer than float32.
    sim.set_parameter("body_inertia", sim.parameter("body_inertia")[[1]] * 1.1, torch.tensor([1]))
    sim.set_parameter("damping", sim.parameter("damping")[[2]] * 1.1, torch.tensor([2]))
    sim.set_joint_torques(torch.full((N, len(robot.joint_names)), 0.5))
    sim.step(10)
    state = sim.state_dict()
    sim.step(10)
    other = MujocoCpuSimulator(robot, SimCfg(dt=0.005, num_threads=1), N, None, robot.foot_bodies)
    other.load_state_dict(state)
    other.step(10)
    assert torch.equal(sim.dof_pos, other.dof_pos)
    assert torch.equal(sim.body_lin_vel_w, other.body_lin_vel_w)
    assert torch.equal(sim.contact_force_w, other.contact_force_w)

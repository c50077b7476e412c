"""The GPU's engine does what MuJoCo C does: agreement, resets, forces, losses, room for contacts, exact resume."""

from __future__ import annotations

import logging

import pytest
import torch

from legged_gym.sim.robot_model import build_robot
from legged_gym.sim.sim_config import ActuatorCfg, AssetCfg
from legged_gym.utils.errors import RunError
from tests.sim.asking import nothing_asked
from tests.sim.warp_cases import (
    DEVICES,
    TENSORS,
    assert_alike,
    copies,
    cpu_simulator,
    default_pose,
    needs_warp,
    prepare,
    put,
    random_state,
    stand,
    warp_simulator,
)  # fmt: skip

pytestmark = needs_warp
if not needs_warp.args[0]:
    prepare()

N = 4


@pytest.fixture(scope="module", params=DEVICES)
def device(request):
    return request.param


@pytest.fixture(scope="module")
def robot():
    return build_robot(AssetCfg(), ActuatorCfg())


@pytest.fixture(scope="module")
def made(robot, device):
    return warp_simulator(robot, N, device)


@pytest.fixture
def sim(made):
    stand(made)
    made.set_joint_torques(torch.zeros_like(made.dof_torque))
    return made


def noisy_targets(robot, steps, scale=0.1, n=N):
    rng = torch.Generator().manual_seed(0)
    return default_pose(robot, n) + scale * torch.randn(steps, n, len(robot.joint_names), generator=rng)


def test_200_substeps_on_the_feet_agree_with_mujoco_c(sim, robot):
    """Four spheres a foot on a plane: contacts of both engines are the same points, so float32 is all that differs."""
    reference = cpu_simulator(robot, N)
    stand(reference)
    for targets in noisy_targets(robot, 50):
        for one in (sim, reference):
            one.set_joint_targets(targets.to(one.device))
            one.step(4)
        assert_alike(sim, reference)
    torch.testing.assert_close(sim.time.cpu(), reference.time, rtol=0.0, atol=1e-5)
    assert sim.contact_force_w[..., 2].min() > 0.0


def test_after_reset_everything_is_that_of_the_new_state(sim, robot):
    reference = cpu_simulator(robot, N)
    for one in (sim, reference):
        put(one, torch.arange(N), random_state(robot, N))
    assert_alike(sim, reference)


def test_a_reset_touches_only_its_envs_then_and_later(sim, robot):
    targets = noisy_targets(robot, 3)
    results = []
    for disturbed in (False, True):
        stand(sim)
        sim.set_joint_targets(targets[0].to(sim.device))
        sim.step(4)
        before = copies(sim)
        if disturbed:
            put(sim, torch.tensor([3, 1]), random_state(robot, 2))
            for name, old in before.items():
                assert torch.equal(getattr(sim, name)[[0, 2]].cpu(), old[[0, 2]]), name
            torch.testing.assert_close(sim.dof_pos[3].cpu(), random_state(robot, 2)[4][0])
        sim.step(4)
        results.append(copies(sim))
    for name in TENSORS:
        assert torch.equal(results[0][name][[0, 2]], results[1][name][[0, 2]]), name
    torch.testing.assert_close(sim.time.cpu(), torch.tensor([0.04, 0.02, 0.04, 0.02]))


def test_pushes_and_joint_torques_act_as_on_the_cpu(sim, robot):
    reference = cpu_simulator(robot, N)
    push = torch.tensor([2, 0]), torch.tensor([[0.3, -0.2, 0.1]] * 2), torch.tensor([[0.2, 0.1, -0.4]] * 2)
    torques = torch.linspace(-8.0, 8.0, len(robot.joint_names)).repeat(N, 1)
    for one in (sim, reference):
        stand(one, height=1.0)
        one.set_joint_torques(torques.to(one.device))
        one.add_root_velocity(*(part.to(one.device) for part in push))
        one.step(4)
        stand(one, torch.tensor([1]), height=1.0)  # which ends its torques
        one.step(4)
    assert_alike(sim, reference)


def test_stepping_through_targets_is_stepping_with_each_in_turn(sim, robot):
    targets = noisy_targets(robot, 4, 0.3).to(sim.device)
    for _ in range(2):  # the second time as captured
        stand(sim)
        sim.step_through(targets)
    through = copies(sim)
    stand(sim)
    for target in targets:
        sim.set_joint_targets(target)
        sim.step(1)
    for name, value in copies(sim).items():
        assert torch.equal(through[name], value), name


def test_handed_out_tensors_keep_their_storage_when_room_is_made(robot, device, caplog):
    from legged_gym.sim.mujoco_warp_limits import Room

    sim = warp_simulator(robot, N, device, room=Room(contacts=4, rows=16))
    held = {name: getattr(sim, name).data_ptr() for name in (*TENSORS, "time", "diverged")}
    stand(sim, height=-2e-3)
    with caplog.at_level(logging.WARNING):
        for _ in range(100):  # on a GPU the counters arrive some steps later
            sim.step(2)
            if caplog.records:
                break
            assert device == "cuda"
    assert "no room for all contacts" in caplog.text and "(room for 16)" in caplog.text
    assert sim.diverged.all() and sim.num_diverged >= N
    reference = cpu_simulator(robot, N)
    for one in (sim, reference):
        stand(one, height=-2e-3)
        one.step(2)
    assert_alike(sim, reference)
    assert not sim.diverged.any()
    assert held == {name: getattr(sim, name).data_ptr() for name in held}


def test_a_lost_env_is_reported_alone_and_recovers_by_reset(sim, robot, caplog):
    lost_before = sim.num_diverged
    targets = default_pose(robot, N).to(sim.device)
    targets[2] = torch.nan
    sim.set_joint_targets(targets)
    sim.step(2)
    assert sim.diverged.tolist() == [False, False, True, False]
    assert sim.num_diverged == lost_before + 1
    for name in TENSORS:
        assert torch.isfinite(getattr(sim, name)).all(), name
    stand(sim, torch.tensor([2]))
    sim.set_joint_targets(default_pose(robot, N).to(sim.device))
    sim.step(2)
    assert not sim.diverged.any()
    torch.testing.assert_close(sim.dof_pos[2], sim.dof_pos[0], rtol=0.0, atol=2e-2)


def test_rays_find_the_ground_and_not_the_robot(sim):
    origins = torch.tensor([[0.0, 0.0, 2.0], [0.3, 0.0, 1.0], [0.0, 0.0, 1.0]]).repeat(N, 1, 1)
    directions = torch.tensor([[0.0, 0.0, -1.0], [0.0, 0.0, -1.0], [0.0, 0.0, 1.0]]).repeat(N, 1, 1)
    distance = sim.cast_rays(origins.to(sim.device), directions.to(sim.device)).cpu()
    torch.testing.assert_close(distance, torch.tensor([2.0, 1.0, torch.inf]).repeat(N, 1))


def test_state_restores_bit_for_bit(robot):
    """On a CPU: a GPU adds up in no fixed order."""
    first, other = (warp_simulator(robot, N, "warp:cpu") for _ in range(2))
    stand(first)
    first.set_parameter("body_mass", first.parameter("body_mass") * 1.1)
    first.set_parameter("body_inertia", first.parameter("body_inertia")[[1]] * 1.1, torch.tensor([1]))
    first.set_parameter("damping", first.parameter("damping")[[2]] * 1.1, torch.tensor([2]))
    first.set_joint_torques(torch.full((N, len(robot.joint_names)), 0.5))
    first.step(10)
    state = first.state_dict()
    first.step(10)
    other.load_state_dict(state)
    other.step(10)
    for name, value in copies(first).items():
        assert torch.equal(value, getattr(other, name)), name


def test_a_state_of_the_other_engine_is_refused(sim, robot):
    reference = cpu_simulator(robot, N)
    for one, another in ((sim, reference), (reference, sim)):
        with pytest.raises(RunError, match="another engine"):
            one.load_state_dict(another.state_dict())


def test_stepping_and_resetting_ask_the_device_nothing(robot, monkeypatch):
    """Beside the counters, which come when they come; on a GPU the next test sees those too."""
    sim = warp_simulator(robot, N, "warp:cpu")
    stand(sim)
    ids, state, targets = torch.tensor([1, 2]), random_state(robot, 2), noisy_targets(robot, 4)
    monkeypatch.setattr(sim._watch, "look", lambda: None)
    sim.step(4)
    sim.step_through(targets)
    with nothing_asked():
        for _ in range(2):
            sim.set_joint_targets(targets[0])
            sim.step(4)
            sim.step_through(targets)
            sim.reset(ids, *state)
    for question in (
        lambda: sim.root_pos_w[0, 0].item(),
        lambda: sim.dof_pos[sim.diverged],
        lambda: bool(sim.diverged.any()),
        lambda: sim.dof_pos.tolist(),
    ):
        with nothing_asked(), pytest.raises(AssertionError, match="wait"):
            question()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_host_never_waits_for_the_device(robot):
    sim = warp_simulator(robot, N, "cuda")
    stand(sim)
    ids, state = torch.tensor([1, 2]).cuda(), [part.cuda() for part in random_state(robot, 2)]
    targets = noisy_targets(robot, 4).cuda()
    sim.step(4)
    sim.step_through(targets)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(20):
            sim.set_joint_targets(targets[0])
            sim.step(4)
            sim.step_through(targets)
            sim.reset(ids, *state)
    finally:
        torch.cuda.set_sync_debug_mode("default")

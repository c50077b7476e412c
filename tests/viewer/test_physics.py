"""What a page changes about a running simulation, by what the simulation then is."""

from __future__ import annotations

import pytest
import torch

from legged_gym.viewer.physics import Physics
from legged_gym.viewer.session import Session, untrained


@pytest.fixture
def session(make_env) -> Session:
    return Session(make_env, 2, untrained("zero", 1))


def test_gains_are_those_of_the_robot_times_the_factor(session: Session) -> None:
    sim = session.env.sim
    before = sim.parameter("stiffness"), sim.parameter("damping")
    session.set_physics(Physics(p_gain=0.5, d_gain=2.0))
    torch.testing.assert_close(sim.parameter("stiffness"), 0.5 * before[0])
    torch.testing.assert_close(sim.parameter("damping"), 2.0 * before[1])


def test_friction_is_that_of_each_shape_times_the_factor(session: Session) -> None:
    sim = session.env.sim
    before = sim.parameter("friction")
    session.set_physics(Physics(friction=0.1))
    torch.testing.assert_close(sim.parameter("friction"), 0.1 * before)


def test_all_as_trained_takes_everything_back(session: Session) -> None:
    sim = session.env.sim
    names = ("stiffness", "damping", "friction")
    before = {name: sim.parameter(name) for name in names}
    session.set_physics(
        Physics(0.5, 2.0, 0.1, 3, True, True, p_gain_rand=0.2, d_gain_rand=0.2, torque_rfi=0.2)
    )
    session.step()
    session.set_physics(Physics())
    for name in names:
        torch.testing.assert_close(sim.parameter(name), before[name])
    assert not session.env.randomizer.draws


def test_changes_stay_through_an_episodes_end(session: Session) -> None:
    session.set_physics(Physics(p_gain=0.5))
    wanted = session.env.sim.parameter("stiffness")
    session.restart()
    torch.testing.assert_close(session.env.sim.parameter("stiffness"), wanted)


def test_changes_stay_when_robots_are_added(session: Session) -> None:
    wanted = 0.5 * session.env.sim.parameter("stiffness")[0]
    session.set_physics(Physics(p_gain=0.5))
    session.set_num_envs(3)
    torch.testing.assert_close(session.env.sim.parameter("stiffness")[2], wanted)


def test_random_gains_differ_from_joint_to_joint_and_multiply_the_sliders(session: Session) -> None:
    nominal = session.env.sim.parameter("stiffness")
    session.set_physics(Physics(p_gain=0.5, p_gain_rand=0.1))
    factor = session.env.sim.parameter("stiffness") / nominal
    assert factor.std() > 0.01 and factor.mean() == pytest.approx(0.5, abs=0.05)


def targets_that_arrive(session: Session, steps: int) -> list[torch.Tensor]:
    """What the servos of the first robot are told at the end of each step."""
    told = []
    for _ in range(steps):
        session.step()
        told.append(session.env.sim._ctrl[0].clone().float())
    return told


def test_a_delay_of_one_step_tells_the_servos_what_was_meant_a_step_ago(session: Session) -> None:
    env = session.env
    decimation = env.cfg.control.decimation
    session.set_physics(Physics(delay_substeps=decimation))
    meant, told = [], []
    for _ in range(4):
        told += targets_that_arrive(session, 1)
        meant.append(env.joint_targets[0].clone())
    for before, now in zip(meant, told[1:], strict=False):
        torch.testing.assert_close(now, before)


def test_pushes_come_while_they_are_on_and_no_longer(session: Session) -> None:
    quiet = Session(session._make_env, 2, untrained("zero", 1))
    session.set_physics(Physics(pushes=True, push_interval_s=0.02, push_xy=1.0))
    for _ in range(3):
        session.step()
        quiet.step()
    apart = (session.env.sim.root_lin_vel_w - quiet.env.sim.root_lin_vel_w).norm(dim=-1)
    assert apart.min() > 0.1
    session.set_physics(Physics())
    session.restart()
    quiet.restart()
    session.step()
    quiet.step()
    torch.testing.assert_close(session.env.sim.root_lin_vel_w, quiet.env.sim.root_lin_vel_w)


def test_a_torque_bias_acts_and_ends(session: Session) -> None:
    sim = session.env.sim
    session.set_physics(Physics(torque_rfi=0.1))
    session.step()
    assert sim._applied.abs().max() > 0.0
    session.set_physics(Physics())
    session.step()
    assert sim._applied.abs().max() == 0.0


def test_noise_is_off_until_it_is_asked_for(session: Session) -> None:
    env = session.env
    assert env.noise.level > 0.0 and max(vars(env.cfg.noise.noise_scales).values()) > 0.0
    again = [env.observe()["actor"] for _ in range(2)]
    torch.testing.assert_close(*again)
    session.set_physics(Physics(noise=True))
    noisy = [env.observe()["actor"] for _ in range(2)]
    assert not torch.equal(*noisy)


def test_episodes_start_with_noise_only_when_it_is_asked_for(session: Session) -> None:
    env = session.env
    torch.testing.assert_close(env.sim.dof_pos[0], env.sim.dof_pos[1])
    session.set_physics(Physics(noise=True))
    session.restart()
    assert not torch.allclose(env.sim.dof_pos[0], env.sim.dof_pos[1])

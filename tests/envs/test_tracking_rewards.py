"""Every reward of following a reference, against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.spatial.transform import Rotation

from legged_gym.envs.g1.presets import videomimic
from legged_gym.envs.terms import tracking_rewards
from legged_gym.utils import task_registry

ALL = torch.arange(4)


@pytest.fixture
def env(make_env):
    """Four robots exactly on the reference; a test moves robot 1."""
    env = make_env()
    env.reset_to(ALL, torch.full((4,), 10), noisy=False)
    return env


def check(env, name: str, expected: float, on_reference: float = 1.0, rel: float = 2e-3) -> None:
    """The reward of robot 1, which was moved, and of the others, which were not."""
    values = getattr(tracking_rewards, name)(env)
    assert values.shape == (4,)
    assert values[1].item() == pytest.approx(expected, rel=rel), name
    torch.testing.assert_close(values[[0, 2, 3]], torch.full((3,), on_reference), atol=2e-3, rtol=0)


def turn(quat_wxyz: torch.Tensor, axis: str, angle: float) -> torch.Tensor:
    """A quaternion (4,) turned about an axis of the world."""
    old = Rotation.from_quat(quat_wxyz.double().numpy(), scalar_first=True)
    new = (Rotation.from_euler(axis, angle) * old).as_quat(scalar_first=True)
    return torch.as_tensor(new, dtype=torch.float32)


# ---------------------------------------------------------------------- joints, links, root


def test_joints(env):
    env.sim.dof_pos[1, 3] += 0.3
    env.sim.dof_pos[1, 5] -= 0.4
    check(env, "joint_pos_tracking", math.exp(-2.0 * 0.25))
    env.sim.dof_vel[1, 3] += 6.0
    env.sim.dof_vel[1, 5] -= 8.0
    check(env, "joint_vel_tracking", math.exp(-0.01 * 100.0))


def test_links_add_up_over_all_of_them_in_the_world(env):
    for body, shift in ((2, (0.0, 0.3, 0.4)), (4, (0.2, 0.0, 0.0))):
        env.sim.body_pos_w[1, env.tracked[body]] += torch.tensor(shift)
        env.sim.body_lin_vel_w[1, env.tracked[body]] += 10.0 * torch.tensor(shift)
    check(env, "link_pos_tracking", math.exp(-5.0 * (0.25 + 0.04)))
    check(env, "link_vel_tracking", math.exp(-0.1 * (25.0 + 4.0)))


def test_root(env):
    env.sim.root_pos_w[1] += torch.tensor([0.1, -0.2, 0.2])  # 0.3 m
    check(env, "root_pos_tracking", math.exp(-20.0 * 0.09))
    env.sim.root_lin_vel_w[1] += torch.tensor([0.1, -0.2, 0.2])
    check(env, "root_vel_tracking", math.exp(-10.0 * 0.3))
    env.sim.root_ang_vel_b[1] += torch.tensor([10.0, -20.0, 20.0])
    check(env, "root_ang_vel_tracking", math.exp(-0.01 * 30.0))
    env.sim.root_quat_wxyz[1] = turn(env.sim.root_quat_wxyz[1], "x", -0.4)
    check(env, "root_orientation_tracking", math.exp(-3.0 * 0.4))


def test_torso_is_the_anchor(env):
    env.sim.body_pos_w[1, env.anchor] += torch.tensor([0.0, 0.06, -0.08])
    env.sim.body_quat_wxyz[1, env.anchor] = turn(env.sim.body_quat_wxyz[1, env.anchor], "z", 0.5)
    env.refresh()
    check(env, "torso_pos_tracking", math.exp(-50.0 * 0.01))
    check(env, "torso_orientation_tracking", math.exp(-3.0 * 0.5))
    check(env, "anchor_pos_tracking", math.exp(-0.01 / 0.3**2))
    check(env, "anchor_ori_tracking", math.exp(-0.25 / 0.4**2), rel=1e-2)


def test_bodies_average_over_all_of_them(env):
    count, body = len(env.tracked), env.tracked[2]
    env.sim.body_pos_w[1, body] += torch.tensor([0.0, 0.3, 0.4])
    env.sim.body_quat_wxyz[1, body] = turn(env.sim.body_quat_wxyz[1, body], "y", 0.6)
    env.sim.body_lin_vel_w[1, body] += torch.tensor([0.0, 3.0, 4.0])
    env.sim.body_ang_vel_w[1, body] += torch.tensor([6.0, 0.0, 8.0])
    env.refresh()
    check(env, "body_pos_tracking", math.exp(-0.25 / count / 0.3**2))
    check(env, "body_ori_tracking", math.exp(-0.36 / count / 0.4**2), rel=1e-2)
    check(env, "body_lin_vel_tracking", math.exp(-25.0 / count / 1.0**2))
    check(env, "body_ang_vel_tracking", math.exp(-100.0 / count / 3.14**2))


# ---------------------------------------------------------------------- feet


def touch(env, *feet: tuple[bool, bool], wanted: tuple[bool, bool]) -> None:
    """Contacts of each robot's feet, left and right, and of the reference's."""
    env.sim.contact_force_w.zero_()
    env.sim.contact_force_w[:, env.feet, 2] = torch.where(torch.tensor(feet), 100.0, 0.0)
    env.reference.contacts[:] = torch.tensor(wanted, dtype=torch.float32)


def test_contacts_count_the_feet_that_do_as_the_reference(env):
    touch(env, (True, True), (True, False), (False, True), (False, False), wanted=(True, False))
    assert tracking_rewards.feet_contact_matching(env).tolist() == [1.0, 2.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("wanted", "price"),
    [((True, True), 1.0), ((True, False), 1.0), ((False, True), 1.0), ((False, False), 0.0)],
)
def test_flying_costs_unless_the_reference_flies_too(env, wanted, price):
    touch(env, (False, False), (True, False), (False, True), (True, True), wanted=wanted)
    assert tracking_rewards.no_fly(env).tolist() == [price, 0.0, 0.0, 0.0]


def test_contacts_that_change_against_the_reference_cost_after_ten_steps(env):
    touch(env, (True, True), (False, True), (False, False), (True, False), wanted=(True, False))
    env.last_foot_contact[:] = torch.tensor([[True, False], [True, True], [True, True], [False, True]])
    env.episode_length_buf[:] = 11
    # Robot 0 puts the right foot down, 1 lifts the left one, 2 lifts both (the right as wanted), 3 does as wanted.
    assert tracking_rewards.contact_smoothness(env).tolist() == [1.0, 1.0, 1.0, 0.0]
    env.episode_length_buf[:] = 10
    assert not tracking_rewards.contact_smoothness(env).any()


def test_a_reference_that_stands_asks_nobody_to_move(env):
    env.reference.root_lin_vel_w[:] = torch.tensor(
        [[0.3, 0, 0], [0.06, 0.06, 0], [0.08, -0.08, 0], [0, 0, 1.0]]
    )
    assert env.asked_to_move().tolist() == [True, False, True, False]


# ---------------------------------------------------------------------- weights


ORIGINAL = {
    "joint_pos_tracking": 120, "joint_vel_tracking": 24, "link_pos_tracking": 30, "link_vel_tracking": 5,
    "torso_pos_tracking": 15, "torso_orientation_tracking": 15, "root_orientation_tracking": 15,
    "feet_contact_matching": 1, "contact_no_vel": -100, "action_rate": -0.2, "dof_pos_limits": -50,
    "collision": -15, "termination": -500,
}  # fmt: skip
"""All of the original's weights that are not 0, but for 2000 on a feet_air_time that random commands gated."""


def test_the_videomimic_preset_has_the_originals_weights():
    cfg = task_registry.get("g1_deepmimic").configure()
    videomimic(cfg)
    scales = vars(cfg.env.rewards.scales)
    assert {name: weight for name, weight in scales.items() if weight != 0.0} == ORIGINAL
    assert cfg.env.rewards.soft_dof_pos_limit == 0.98

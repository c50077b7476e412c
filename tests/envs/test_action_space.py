"""What a guest asks of the servos, an env's own actions ask too; and the guest sees what it would have seen."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import pytest
import torch

from legged_gym.envs.base.action_space import NUMBERS, space_from
from legged_gym.utils import task_registry
from legged_gym.utils.config import merge, nest, to_dict
from legged_gym.utils.errors import ConfigError

TERMS = ["history_torso_real", "actions", "anchor_pos_error_b", "dof_pos", "history_actions", "phase"]
RESIDUAL = {"control.control_type": "residual"}
INVERSE = {"control.control_type": "residual", "control.feed_forward": "inverse_dynamics"}
SMOOTH = {"control.control_type": "residual", "control.feed_forward": "pd", "control.beta": 0.6}
DEFAULT_POSE = {"control.control_type": "P"}
SMOOTH_DEFAULT_POSE = {"control.control_type": "P", "control.beta": 0.8, "control.action_scale": 0.3}
ANGLES = {"control.control_type": "DIRECT"}


@pytest.fixture
def env_with(task_cfg):
    """Builds the env of ``task_cfg`` with some fields replaced."""

    def make(settings: dict[str, Any]):
        cfg = merge(task_cfg.env, nest({"observations.actor": TERMS} | settings), "test")
        return task_registry.get("g1_deepmimic").load_env_class()(cfg, seed=1)

    return make


@dataclass
class Pair:
    """An env with a guest's action space, and one that the guest visits."""

    home: Any
    away: Any

    def __post_init__(self) -> None:
        space = {"env": to_dict(self.home.cfg)}
        self.translate = self.away.action_translator(space)
        layout = self.home.observation_layout()["actor"].to_dict()
        self.away.add_observation_group("guest", layout, space)


@pytest.fixture
def pair(env_with):
    return lambda home, away: Pair(env_with(home), env_with(away))


PAIRS = [
    (RESIDUAL, DEFAULT_POSE),
    (INVERSE, DEFAULT_POSE),
    (DEFAULT_POSE, INVERSE),
    (SMOOTH, SMOOTH_DEFAULT_POSE),
    (SMOOTH_DEFAULT_POSE, SMOOTH),
    (ANGLES, RESIDUAL),
    (DEFAULT_POSE, ANGLES),
]


@pytest.mark.parametrize(("home", "away"), PAIRS)
def test_translated_actions_ask_the_servos_for_the_same(pair, home, away):
    both = pair(home, away)
    generator = torch.Generator().manual_seed(0)
    for step in range(8):
        actions = 0.5 * torch.randn(4, both.home.num_actions, generator=generator)
        both.away.step(both.translate(actions))
        both.home.step(actions)
        torch.testing.assert_close(both.away.joint_targets, both.home.joint_targets, rtol=0.0, atol=1e-6)
        torch.testing.assert_close(both.translate.actions, both.home.actions, rtol=0.0, atol=1e-5)
        if step == 4:
            ids = torch.tensor([1, 3])
            for env in (both.home, both.away):
                env.reset_to(ids, torch.tensor([5, 20]), noisy=False)
            torch.testing.assert_close(both.translate.actions, both.home.actions, rtol=0.0, atol=1e-5)


@pytest.mark.parametrize(("home", "away"), [PAIRS[0], PAIRS[3], PAIRS[5]])
def test_a_guest_sees_what_it_would_see_at_home(pair, home, away):
    both = pair(home, away)
    generator = torch.Generator().manual_seed(0)
    theirs, ours = both.home.get_observations(), both.away.get_observations()
    for _ in range(8):
        torch.testing.assert_close(ours["guest"], theirs["actor"], rtol=0.0, atol=2e-4)
        assert not torch.allclose(
            ours["actor"], theirs["actor"], atol=0.05
        )  # the env's own last action differs
        actions = 0.3 * torch.randn(4, both.home.num_actions, generator=generator)
        ours, theirs = both.away.step(both.translate(actions))[0], both.home.step(actions)[0]


def test_an_equal_space_translates_to_the_very_same_actions(pair):
    both = pair(SMOOTH, SMOOTH)
    actions = torch.randn(4, both.home.num_actions)
    assert torch.equal(both.translate(actions), actions)
    assert both.translate.actions is both.away.actions


def test_one_description_has_one_translator(env_with):
    env, space = env_with(DEFAULT_POSE), {"env": to_dict(env_with(RESIDUAL).cfg)}
    assert env.action_translator(space) is env.action_translator(space)


def test_numbers_and_configuration_describe_the_same_space(env_with):
    home = env_with(SMOOTH)
    described = {"joint_names": home.joint_names, "type": "residual", "feed_forward": "pd", "clip": 10.0}
    described |= {"beta": 0.6, "control_dt": home.step_dt}
    described |= {key: getattr(home.robot, key).tolist() for key in NUMBERS[1:]}
    described["default_pos"] = home.robot.default_dof_pos.tolist()
    given, found = space_from(described, home), space_from({"env": to_dict(home.cfg)}, home)
    for name, value in vars(found).items():
        if isinstance(value, torch.Tensor):
            torch.testing.assert_close(getattr(given, name), value)
        else:
            assert getattr(given, name) == pytest.approx(value) if name == "control_dt" else value


@pytest.mark.parametrize(
    ("home", "named"),
    [
        ({"control.stiffness": {"knee": 50.0}}, "stiffness and the env's differ: left_knee_joint 50 and"),
        ({"control.gains": "videomimic"}, "stiffness"),
        ({"asset.locked_joints": ["wrist", "waist"]}, "waist_pitch_joint, waist_roll_joint, waist_yaw_joint"),
        ({"control.decimation": 1}, "control period is 0.01 s and the env's 0.02 s"),
        ({"control.control_type": "T"}, "torque"),
    ],
)
def test_other_servos_are_refused_by_name(task_cfg, env_with, home, named):
    space = {"env": to_dict(merge(task_cfg.env, nest(home), "test"))}
    with pytest.raises(ConfigError, match=named):
        env_with(DEFAULT_POSE).action_translator(space)


def test_a_guest_about_a_reference_is_refused_where_there_is_none(make_walker, walker_cfg):
    control = {"control.control_type": "residual"}
    space = {"env": to_dict(merge(walker_cfg.env, nest(control), "test"))}
    with pytest.raises(ConfigError, match="about a reference, which the env lacks"):
        make_walker().action_translator(space)


def test_a_walker_hosts_a_guest_that_acts_in_angles(make_walker, walker_cfg):
    space = {"env": to_dict(merge(walker_cfg.env, nest(ANGLES), "test"))}
    env = make_walker()
    translate, targets = env.action_translator(space), 0.1 * torch.randn(4, env.num_actions)
    env.step(translate(targets))
    torch.testing.assert_close(env.joint_targets, targets, rtol=0.0, atol=1e-6)


def slot(name: str, width: int, history: int = 1) -> dict[str, Any]:
    return {"name": name, "start": 0, "stop": width * history, "history": history}


def test_all_missing_terms_are_listed(env_with):
    layout = [slot("dof_pos", 23), slot("smell", 2), slot("history_taste", 3, 5)]
    with pytest.raises(ConfigError, match=r"no smell, history_taste; known: .*dof_pos"):
        env_with({}).add_observation_group("guest", layout)


def test_terms_of_another_size_are_refused(env_with):
    with pytest.raises(ConfigError, match="dof_pos has 29 numbers there and 23 here"):
        env_with({}).add_observation_group("guest", [slot("dof_pos", 29)])


@pytest.mark.parametrize(
    ("settings", "term", "width"),
    [
        ({"deepmimic.anchor_body_name": "pelvis"}, "torso_yaw_rel", 1),
        ({"normalization.dof_vel": 0.1}, "history_torso_real", 75),
        ({"sensors.terrain_height.size": (2.0, 2.0)}, "terrain_height", 121),
    ],
)
def test_terms_of_another_meaning_are_refused(task_cfg, env_with, settings, term, width):
    (path,) = settings
    space = {"env": to_dict(merge(task_cfg.env, nest(settings), "test"))}
    env = env_with({})
    with pytest.raises(ConfigError, match=path):
        env.add_observation_group("guest", [slot(term, width)], space)
    env.add_observation_group("guest", [slot("dof_pos", 23)], space)  # which does not read that field


def test_noise_of_a_sensor_is_no_other_meaning(task_cfg, env_with):
    theirs = {"sensors.terrain_height_noisy.white_noise_scale": 0.5}
    space = {"env": to_dict(merge(task_cfg.env, nest(theirs), "test"))}
    env = env_with({})
    env.add_observation_group("guest", [slot("terrain_height_noisy", 121)], space)
    assert env.get_observations()["guest"].shape == (4, 121)


def test_a_guest_is_no_part_of_the_layout_and_sees_without_errors(task_cfg, env_with):
    task_cfg.env.noise.noise_scales.dof_pos = 0.5
    env = env_with({"observations.actor": ["dof_pos"]})
    env.add_observation_group("guest", env.observation_layout()["actor"].to_dict())
    assert set(env.observation_layout()) == {"actor", "critic"} == set(env.observation_noise())
    obs = env.step(torch.zeros(4, env.num_actions))[0]
    torch.testing.assert_close(obs["guest"], env.sim.dof_pos - env.default_dof_pos)
    assert (obs["actor"] - obs["guest"]).abs().max() > 0.1


def test_scale_clip_and_history_are_the_guests_own(env_with):
    env = env_with({})
    layout = [slot("history_dof_vel", 23, 3) | {"scale": 0.5, "clip": 0.01}]
    env.add_observation_group("guest", layout)
    for _ in range(2):
        obs = env.step(torch.ones(4, env.num_actions))[0]["guest"]
    newest, oldest = obs[:, :23], obs[:, 46:]
    torch.testing.assert_close(newest, 0.5 * env.sim.dof_vel.clamp(-0.01, 0.01))
    assert not torch.equal(newest, oldest)


def test_a_run_with_a_guest_resumes_bit_for_bit(pair):
    first, second = (pair(SMOOTH, DEFAULT_POSE) for _ in range(2))

    def steps(both: Pair, count: int) -> torch.Tensor:
        for _ in range(count):
            obs = both.away.step(both.translate(torch.sin(both.away.get_observations()["guest"][:, :23])))[0]
        return obs["guest"]

    steps(first, 5)
    state = copy.deepcopy(first.away.state_dict())
    expected = steps(first, 5)
    steps(second, 2)
    second.away.load_state_dict(state)
    assert torch.equal(steps(second, 5), expected)


def test_a_guest_that_a_checkpoint_does_not_know_begins_anew(env_with):
    old, env = env_with({}), env_with({})
    for _ in range(3):
        old.step(torch.zeros(4, old.num_actions))
    env.add_observation_group("guest", [slot("history_dof_pos", 23, 5), slot("terrain_height", 121)])
    env.load_state_dict(old.state_dict())
    expected = (env.sim.dof_pos - env.default_dof_pos).repeat(1, 5)
    assert torch.equal(env.get_observations()["guest"][:, :115], expected)
    old.load_state_dict(env.state_dict())  # and one that left is not missed

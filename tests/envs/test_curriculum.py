"""What becomes stricter with success: when it moves, how far, that it is logged and goes on in a resumed run."""

from __future__ import annotations

import pytest
import torch

from legged_gym.envs.base.curriculum import JUDGING_INTERVAL, Curriculum
from legged_gym.envs.base.termination_config import CurriculumCfg
from legged_gym.envs.terms import rewards
from legged_gym.utils.errors import ConfigError

THRESHOLDS = {"link_pos_error": 0.3, "anchor_height": 0.25, "anchor_distance": None}
WEIGHTS = {"action_rate": -0.2, "torques": -1e-5, "alive": 1.0}


def make(**changes) -> Curriculum:
    fields = {
        "thresholds": ["link_pos_error"],
        "penalties": ["action_rate"],
        "first_slack": 3.0,
        "first_share": 0.2,
    }
    fields |= {"episodes_per_move": 10, "num_moves": 4, "success_bound": 0.8}
    return Curriculum(CurriculumCfg(**(fields | changes)), THRESHOLDS, WEIGHTS)


def live(curriculum: Curriculum, successes: int, failures: int, steps: int = JUDGING_INTERVAL) -> None:
    """A number of steps, in the first of which so many episodes end."""
    failed = torch.tensor([False] * successes + [True] * failures)
    curriculum.learn(torch.arange(len(failed)), failed)
    for _ in range(steps - 1):
        curriculum.learn(torch.zeros(0, dtype=torch.long), failed)


def test_it_moves_only_when_more_succeed_than_the_bound():
    curriculum = make()
    for successes, failures, moves in ((8, 2, 0), (0, 10, 0), (9, 1, 1), (7, 3, 1), (10, 0, 2)):
        live(curriculum, successes, failures)
        assert curriculum.moves == moves


def test_it_waits_for_enough_episodes():
    curriculum = make()
    for moves in (0, 0, 1, 1, 1, 2):  # 4 episodes in each interval, of 10 that a move needs
        live(curriculum, 4, 0)
        assert curriculum.moves == moves


def test_thresholds_fall_and_weights_grow_to_what_is_configured_and_no_further():
    curriculum = make()
    seen = []
    for _ in range(6):
        seen.append((curriculum.slack("link_pos_error"), curriculum.share("action_rate")))
        live(curriculum, 10, 0)
    expected = [(3.0, 0.2), (2.5, 0.4), (2.0, 0.6), (1.5, 0.8), (1.0, 1.0), (1.0, 1.0)]
    assert seen == [pytest.approx(pair) for pair in expected]
    assert seen[-1] == (1.0, 1.0)  # exactly


def test_it_never_goes_back():
    curriculum = make()
    live(curriculum, 10, 0)
    live(curriculum, 0, 100)
    assert curriculum.moves == 1


def test_what_is_not_named_stays_as_it_is():
    curriculum = make()
    assert curriculum.slack("anchor_height") == 1.0
    assert curriculum.share("torques") == curriculum.share("alive") == 1.0


def test_off_it_does_and_says_nothing():
    curriculum = make(thresholds=[], penalties=[])
    live(curriculum, 1000, 0)
    assert curriculum.moves == 0 and not curriculum.active
    assert curriculum.scalars() == {} and curriculum.state_dict() == {}


def test_the_log_has_thresholds_and_weights_as_they_are_now():
    curriculum = make()
    live(curriculum, 10, 0)
    assert curriculum.scalars() == pytest.approx(
        {
            "Curriculum/progress": 0.25,
            "Curriculum/threshold_link_pos_error": 0.3 * 2.5,
            "Curriculum/weight_action_rate": -0.2 * 0.4,
        }
    )


def test_it_goes_on_where_it_was():
    curriculum, other = make(), make()
    live(curriculum, 10, 0)
    live(curriculum, 5, 0, steps=60)
    other.load_state_dict(curriculum.state_dict())
    for one in (curriculum, other):
        live(one, 5, 0, steps=39)
        assert one.moves == 1
        live(one, 0, 0, steps=1)
        assert one.moves == 2
    fresh = make()
    fresh.load_state_dict({})  # of a run that had none
    assert fresh.moves == 0


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (
            "thresholds",
            ["anchor_distance"],
            r"curriculum\.thresholds: 'anchor_distance' is no rule that is on",
        ),
        (
            "penalties",
            ["dof_acc"],
            r"curriculum\.penalties: 'dof_acc' is no reward term with a weight; known: action",
        ),
    ],
)
def test_names_that_are_not_there_are_refused(field, value, message):
    with pytest.raises(ConfigError, match=message):
        make(**{field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("first_slack", 0.5),
        ("first_share", 1.5),
        ("success_bound", 1.0),
        ("episodes_per_move", 0),
        ("num_moves", 0),
    ],
)
def test_values_that_make_nothing_stricter_are_refused(field, value):
    with pytest.raises(ConfigError, match=rf"curriculum\.{field} is {value}; it must be"):
        CurriculumCfg(**{field: value}).check()


def test_a_light_penalty_weighs_less_and_grows_with_success(walker_cfg, make_walker):
    scales = walker_cfg.env.rewards.scales
    for name in vars(scales):
        setattr(scales, name, 0.0)
    scales.action_rate, scales.alive = -2.0, 1.0
    walker_cfg.env.curriculum = CurriculumCfg(penalties=["action_rate"], first_share=0.25, num_moves=2)
    env = make_walker()
    env.actions[:, 0], env.last_actions[:, 0] = 1.0, 0.5
    assert rewards.action_rate(env)[0] >= 0.25
    for moves, share in ((0, 0.25), (1, 0.625), (2, 1.0)):
        env.curriculum.moves = moves
        reward = env._compute_reward(torch.zeros(4, dtype=torch.bool))
        expected = 0.02 * (1.0 - 2.0 * share * rewards.action_rate(env))
        torch.testing.assert_close(reward, expected)
    assert env.iteration_log()["Curriculum/weight_action_rate"] == -2.0


def test_an_env_learns_from_its_own_episodes_and_resumes(task_cfg, make_env):
    task_cfg.env.curriculum = CurriculumCfg(
        thresholds=["anchor_height", "end_effector_height"], episodes_per_move=4, success_bound=0.0
    )
    task_cfg.env.deepmimic.truncate_rollout_length = 5
    env = make_env()
    assert env.iteration_log()["Curriculum/threshold_anchor_height"] == 0.5
    for _ in range(JUDGING_INTERVAL):
        env.step(torch.zeros(4, env.num_actions))
    assert env.curriculum.moves == 1
    other = make_env(9)
    other.load_state_dict(env.state_dict())
    assert other.curriculum.moves == 1
    assert other.iteration_log()["Curriculum/progress"] == pytest.approx(0.05)

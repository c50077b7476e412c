"""Episodes in an env, with and without physics."""

from __future__ import annotations

import pytest
import torch

from legged_gym.envs.base.robot_deepmimic import RobotDeepMimic
from legged_gym.evaluation.evaluator import MEASURES, Starts, cause_name, evaluate, run_episodes
from legged_gym.evaluation.metrics import summarise
from legged_gym.evaluation.policies import random_policy, zero_policy
from legged_gym.evaluation.protocol import ProtocolArgs

LONG, SHORT = range(0, 31), range(31, 42)
"""Frames of the two clips."""


def starts(*frames: int) -> Starts:
    return Starts(torch.tensor(frames), torch.zeros(len(frames), dtype=torch.bool))


def test_a_robot_on_its_reference_scores_no_error(make_env) -> None:
    env = make_env(4)
    figures = summarise(evaluate(env, zero_policy(env), ProtocolArgs(num_starts=4, num_from_start=0)))
    total = figures["total"]
    assert total["success_rate"] == total["success_rate_next_5s"] == total["completed_fraction"] == 1.0
    assert total["mpjpe_mm"] < 0.01  # float32
    assert total["mpjpe_local_mm"] < 0.01
    assert total["joint_error_rad"] < 1e-5
    assert total["joint_velocity_error_rad_s"] < 1e-4
    assert total["action_rate_rad_s"] == 0.0
    assert sum(total["failures"].values()) == 0


@pytest.mark.parametrize("num_envs", [1, 3, 8])
def test_episodes_of_different_lengths_each_play_to_their_own_end(make_env, num_envs) -> None:
    env = make_env(num_envs)
    frames = [LONG[0], SHORT[0], LONG[20], SHORT[8]]
    episodes = run_episodes(env, zero_policy(env), starts(*frames))
    assert episodes.clip.tolist() == [0, 1, 0, 1]
    assert episodes.end.tolist() == [LONG[-1], SHORT[-1], LONG[-1], SHORT[-1]]
    for episode, (first, last) in enumerate(zip(frames, episodes.end, strict=True)):
        reached = episodes.step_frame[episodes.step_episode == episode]
        assert sorted(reached) == list(range(first + 1, last + 1)), "every frame once, none after the end"


def test_an_episode_ends_where_it_fails(make_env) -> None:
    env = make_env(2)
    env.offsets = {5: torch.tensor([0.0, 0.0, -0.3]), SHORT[4]: torch.tensor([0.6, 0.0, 0.0])}
    episodes = run_episodes(env, zero_policy(env), starts(LONG[0], SHORT[0], LONG[10]))
    assert [cause_name(cause) for cause in episodes.cause] == ["fall", "lost", None]
    assert episodes.end.tolist() == [5, SHORT[4], LONG[-1]]
    errors = episodes.measures[episodes.step_episode == 0, MEASURES.index("mpjpe_mm")]
    assert errors.tolist() == pytest.approx([0, 0, 0, 0, 300.0], abs=0.1), (
        "the failing step counts, none after it"
    )


def test_only_episodes_from_the_first_frame_are_noisy(make_env, monkeypatch) -> None:
    env = make_env(4)
    calls = []
    reset_to = env.reset_to
    monkeypatch.setattr(
        env,
        "reset_to",
        lambda ids, frames, noisy: (calls.append((frames.tolist(), noisy)), reset_to(ids, frames, noisy)),
    )
    evaluate(env, zero_policy(env), ProtocolArgs(num_starts=1, num_from_start=1))
    assert ([LONG[0], SHORT[0]], True) in calls
    assert ([LONG[0], SHORT[0]], False) in calls


def test_the_policy_sees_the_first_observation_of_each_new_episode(make_env) -> None:
    env = make_env(1)
    position = env.observation_layout()["actor"].slice_of("ref_dof_vel")
    seen = []

    def policy(observations):
        seen.append(observations["actor"][0, position].clone())
        return torch.zeros(1, env.num_actions)

    run_episodes(env, policy, starts(SHORT[8], SHORT[2]))
    alone = make_env(1)
    alone.reset_to(torch.tensor([0]), torch.tensor([SHORT[2]]), noisy=False)
    expected = alone.observe(torch.tensor([0]))["actor"][0, position]
    assert torch.equal(seen[2], expected)  # the first episode takes two steps


def test_physics_lets_a_standing_robot_stand(make_env) -> None:
    env = make_env(2, RobotDeepMimic)
    total = summarise(evaluate(env, zero_policy(env), ProtocolArgs(num_starts=2, num_from_start=2)))["total"]
    assert total["success_rate"] == total["from_start"]["success_rate"] == 1.0
    assert 0.0 < total["mpjpe_mm"] < 100.0


def test_evaluations_repeat_exactly(make_env) -> None:
    results = []
    for _ in range(2):
        env = make_env(3, RobotDeepMimic)
        protocol = ProtocolArgs(num_starts=2, num_from_start=2)
        results.append(summarise(evaluate(env, random_policy(env, seed=5), protocol)))
    assert results[0] == results[1]


def test_random_actions_are_worse_than_none(make_env) -> None:
    env = make_env(4, RobotDeepMimic)
    protocol = ProtocolArgs(num_starts=4, num_from_start=0)
    still = summarise(evaluate(env, zero_policy(env), protocol))["total"]
    restless = summarise(evaluate(env, random_policy(env, seed=1), protocol))["total"]
    assert restless["action_rate_rad_s"] > 1.0 > still["action_rate_rad_s"] == 0.0
    assert restless["joint_error_rad"] > 1.5 * still["joint_error_rad"]


def test_a_diverged_episode_fails_without_spoiling_the_means(make_env) -> None:
    env = make_env(2)
    simulate = env._simulate

    def lose_the_first() -> None:
        simulate()
        if int(env.frame[0]) + 1 == 5:
            env.sim.diverged[0] = True
            env.sim.root_pos_w[0] = torch.nan
            env.sim.body_pos_w[0] = torch.nan

    env._simulate = lose_the_first
    episodes = run_episodes(env, zero_policy(env), starts(LONG[0], SHORT[0]))
    assert [cause_name(cause) for cause in episodes.cause] == ["diverged", None]
    total = summarise(episodes)["total"]
    assert total["failures"]["diverged"] == 1
    assert total["mpjpe_mm"] < 0.01

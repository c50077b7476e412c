"""Trials of a walking robot: what counts as a fall, whose steps count, and the figures made of them."""

from __future__ import annotations

import dataclasses
import json

import matplotlib.image
import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from legged_gym.envs.base.robot_velocity import RobotVelocity
from legged_gym.evaluation.command_following import (
    CAUSES,
    Trials,
    fall_causes,
    fallen,
    mean_velocities,
    run_trials,
    segment_means,
    summarise,
)
from legged_gym.evaluation.plot import plot_commands
from legged_gym.evaluation.policies import zero_policy
from legged_gym.evaluation.protocol import ProtocolArgs, evaluation_config
from legged_gym.utils import task_registry

NORTH = Rotation.from_euler("z", 90, degrees=True)
ONE_SECOND = 50
"""Steps of 0.02 s."""


class CarriedWalker(RobotVelocity):
    """No physics: upright, looking along world y, each robot does exactly what it is asked for."""

    steps_done = 0
    falls: tuple[tuple[int, int], ...] = ()
    """(env, step) that it is down at."""
    strays: tuple[tuple[int, int], ...] = ()
    """(env, step) that it is off its ground at."""

    def _simulate(self) -> None:
        self.steps_done += 1
        n, ids = self.num_envs, torch.arange(self.num_envs)
        asked = self.commands.value.numpy().astype(np.float64)
        forwards_left = np.column_stack((asked[:, 0], asked[:, 1], np.zeros(n)))
        root = self.env_offsets + torch.tensor([0.0, 0.0, self.robot.default_root_height])
        for env, step in self.falls:
            root[env, 2] -= 0.5 if step == self.steps_done else 0.0
        for env, step in self.strays:
            root[env, 0] += 5.0 if step == self.steps_done else 0.0
        velocity = torch.tensor(NORTH.apply(forwards_left), dtype=torch.float32)
        turning = torch.zeros(n, 3)
        turning[:, 2] = self.commands.value[:, 2]
        quat = torch.tensor(NORTH.as_quat(scalar_first=True), dtype=torch.float32).repeat(n, 1)
        pose = self.default_dof_pos.repeat(n, 1)
        self.sim.reset(ids, root, quat, velocity, turning, pose, torch.zeros_like(pose))


@pytest.fixture
def make_walker():
    """Builds a walking env for evaluation; commands last for ever unless said."""

    def make(
        kind: type[RobotVelocity] = CarriedWalker, seed: int = 1, resampling_time: float = 1e6, **terrain
    ):
        cfg = task_registry.get("g1").configure().env
        cfg.env.num_envs, cfg.sim.num_threads = 4, 1
        cfg.commands.resampling_time = resampling_time
        cfg.terrain = dataclasses.replace(cfg.terrain, **terrain)
        return kind(evaluation_config(cfg, "fine"), seed=seed)

    return make


def play(env, num_trials: int = 4, seconds: float = 1.0) -> Trials:
    return run_trials(env, zero_policy(env), ProtocolArgs(num_trials=num_trials, trial_seconds=seconds))


# ---------------------------------------------------------------------- trials


def test_a_robot_that_does_as_asked_makes_no_error_whichever_way_it_faces(make_walker):
    trials = play(make_walker())
    assert np.abs(trials.command).max() > 0.3
    total = summarise(trials)["total"]
    for name in ("lin_vel_error_m_s", "raw_lin_vel_error_m_s", "yaw_rate_error_rad_s"):
        assert total[name] < 1e-5, name
    assert total["success_rate"] == 1.0 and total["falls_per_minute"] == 0.0 and total["trials"] == 4
    assert trials.seconds == pytest.approx(1.0, abs=1e-4)
    assert np.bincount(trials.trial).tolist() == [ONE_SECOND] * 4
    assert trials.stride == 40  # of 0.8 s


def test_a_trial_ends_with_the_fall_and_counts_until_then(make_walker):
    env = make_walker()
    env.falls = ((1, 10),)
    trials = play(env)
    assert trials.fell.tolist() == [False, True, False, False]
    assert trials.seconds == pytest.approx([1.0, 0.2, 1.0, 1.0], abs=1e-4)
    assert np.bincount(trials.trial).tolist() == [50, 10, 50, 50]
    total = summarise(trials)["total"]
    assert total["success_rate"] == 0.75
    assert total["falls_per_minute"] == pytest.approx(60.0 / 3.2, rel=1e-3)  # one in 3.2 s
    assert total["seconds"] == pytest.approx(0.8, rel=1e-3)


def test_walking_off_the_ground_ends_a_trial_without_failing_it(make_walker):
    env = make_walker(kinds=["rough"], num_levels=2)
    env.strays = ((2, 5),)
    env.falls = ((2, 20),)  # of no concern any more
    trials = play(env)
    assert trials.left.tolist() == [False, False, True, False] and not trials.fell.any()
    assert trials.seconds[2] == pytest.approx(0.1, abs=1e-4)
    total = summarise(trials)["total"]
    assert (total["success_rate"], total["left_its_ground"]) == (1.0, 1)
    assert trials.ground == ["rough 0", "rough 1", "rough 0", "rough 1"]  # spread, not at the bottom


def test_more_trials_than_robots_are_played_one_after_the_other(make_walker):
    env = make_walker()
    env.falls = ((0, ONE_SECOND + 10), (3, ONE_SECOND + 10))
    trials = play(env, num_trials=6)
    assert len(trials.fell) == len(trials.ground) == len(trials.left) == 6
    assert trials.fell.tolist() == [False] * 4 + [True, False]  # robot 3 plays no sixth trial
    assert np.bincount(trials.trial).tolist() == [50, 50, 50, 50, 10, 50]
    first_command = [trials.command[trials.trial == k][0].tolist() for k in range(6)]
    assert first_command[0] != first_command[4]  # drawn anew


def test_age_is_the_time_since_the_command_changed(make_walker):
    trials = play(make_walker(resampling_time=0.4), num_trials=1)
    assert trials.age[:21] == pytest.approx([*(0.02 * np.arange(1, 20)), 0.0, 0.02], abs=1e-6)
    changes = np.flatnonzero((np.diff(trials.command, axis=0) != 0.0).any(axis=1)) + 1
    assert (trials.age[changes] == 0.0).all() and changes.tolist() == [19, 39]


def test_a_fall_is_judged_by_rules_that_training_does_not_change(make_walker):
    env = make_walker()
    env.cfg.terminations.base_height, env.cfg.terminations.tilt = 0.7, 0.1
    upright, pose, zero = [1.0, 0.0, 0.0, 0.0], env.default_dof_pos.repeat(4, 1), torch.zeros(4, 3)
    tilts = [
        upright,
        upright,
        *(Rotation.from_euler("y", t).as_quat(scalar_first=True) for t in (0.98, 1.02)),
    ]
    root = env.env_offsets.clone()
    root[:, 2] = torch.tensor([0.41, 0.39, 0.757, 0.757])
    quat = torch.tensor(np.array(tilts), dtype=torch.float32)
    env.sim.reset(torch.arange(4), root, quat, zero, zero, pose, torch.zeros_like(pose))
    env.refresh()
    assert fallen(env).tolist() == [False, True, False, True]
    assert fall_causes(env).tolist() == [-1, CAUSES.index("low"), -1, CAUSES.index("tilted")]


def test_a_robot_whose_simulation_breaks_down_has_fallen_and_the_figures_are_numbers(make_walker):
    env = make_walker(RobotVelocity)

    def broken(observations):
        actions = torch.zeros(4, env.num_actions)
        actions[2] = torch.nan
        return actions

    trials = run_trials(env, broken, ProtocolArgs(num_trials=4, trial_seconds=0.1))
    assert trials.fell.tolist() == [False, False, True, False]
    json.dumps(summarise(trials), allow_nan=False)


def test_a_robot_that_only_holds_its_pose_falls_and_the_seed_decides_how(make_walker):
    results = [summarise(play(make_walker(RobotVelocity, seed), seconds=3.0)) for seed in (1, 1, 2)]
    assert results[0] == results[1] != results[2]
    total = results[0]["total"]
    assert total["success_rate"] == 0.0 and 0.5 < total["seconds"] < 2.5
    assert total["falls_per_minute"] == pytest.approx(60.0 / total["seconds"], rel=1e-4)


# ---------------------------------------------------------------------- figures


@pytest.fixture
def two_trials() -> Trials:
    """One on flat ground that lasts, one on stairs that ends in a fall; always asked for (0.5, 0, 0.1).

    A stride is one step, so that each velocity is its own mean.
    """
    velocity = np.array([[0.8, 0.4, 0.1], [0.5, 0.1, 0.2], [0.5, 0.0, 0.0], [0.3, 0.0, 0.1], [0.5, 0.2, 0.5]])
    return Trials(
        seconds=np.array([30.0, 90.0]),
        cause=np.array([-1, CAUSES.index("low")]),
        left=np.array([False, False]),
        ground=["flat", "stairs 2"],
        trial=np.array([0, 0, 0, 1, 1]),
        command=np.tile([0.5, 0.0, 0.1], (5, 1)),
        velocity=velocity,
        age=np.array([0.98, 1.0, 2.0, 0.5, 1.5]),
        stride=1,
    )


def test_errors_are_means_over_steps_and_settled_ones_leave_out_the_first_second(two_trials):
    figures = summarise(two_trials)
    total, stairs = figures["total"], figures["grounds"]["stairs 2"]
    # distances from (0.5, 0): 0.5, 0.1, 0, 0.2, 0.2; of the turning from 0.1: 0, 0.1, 0.1, 0, 0.4
    assert total["lin_vel_error_m_s"] == pytest.approx(1.0 / 5)
    assert total["settled_lin_vel_error_m_s"] == pytest.approx(0.3 / 3)
    assert total["raw_lin_vel_error_m_s"] == pytest.approx(1.0 / 5)
    assert total["yaw_rate_error_rad_s"] == pytest.approx(0.6 / 5)
    assert total["settled_yaw_rate_error_rad_s"] == pytest.approx(0.6 / 3)
    assert total["falls_per_minute"] == pytest.approx(1 / 2.0)
    assert (total["success_rate"], total["seconds"], total["trials"]) == (0.5, 60.0, 2)
    assert list(figures["grounds"]) == ["flat", "stairs 2"]
    assert stairs["lin_vel_error_m_s"] == pytest.approx(0.2)
    assert stairs["falls_per_minute"] == pytest.approx(1 / 1.5)
    assert (stairs["success_rate"], stairs["trials"]) == (0.0, 1)
    assert total["falls"] == stairs["falls"] == {"diverged": 0, "low": 1, "tilted": 0}


def test_errors_are_of_the_mean_over_the_stride_around_each_step_of_the_same_trial(two_trials):
    forwards = np.array([0.0, 6.0, 3.0, 0.0, 9.0, 0.0, 3.0])
    trial = np.array([0, 0, 1, 0, 0, 0, 1])  # of those that play at the same time, steps come in turn
    velocity = np.column_stack((forwards, np.zeros((7, 2))))
    sway = dataclasses.replace(
        two_trials, trial=trial, velocity=velocity, command=np.zeros((7, 3)), age=np.full(7, 2.0), stride=2
    )
    # trial 0: 0 6 0 9 0 -> with a neighbour on either side 3, 2, 5, 3, 4.5; trial 1: 3 3 -> 3, 3
    np.testing.assert_allclose(mean_velocities(sway)[:, 0], [3.0, 2.0, 3.0, 5.0, 3.0, 4.5, 3.0])
    figures = summarise(sway)
    assert figures["grounds"]["flat"]["lin_vel_error_m_s"] == pytest.approx(17.5 / 5)
    assert figures["grounds"]["flat"]["raw_lin_vel_error_m_s"] == pytest.approx(15.0 / 5)


def test_each_command_is_drawn_once_with_the_mean_of_what_was_done(two_trials):
    command = two_trials.command.copy()
    command[2] = [0.0, -0.3, 0.0]
    asked, done = segment_means(dataclasses.replace(two_trials, command=command))
    # steps 1, 2 and 4 are settled; 1 and 4 are of different trials, so of different commands
    order = np.lexsort(asked.T)
    np.testing.assert_allclose(asked[order], [[0.0, -0.3, 0.0], [0.5, 0.0, 0.1], [0.5, 0.0, 0.1]])
    np.testing.assert_allclose(
        sorted(done.tolist()), [[0.5, 0.0, 0.0], [0.5, 0.1, 0.2], [0.5, 0.2, 0.5]], atol=1e-12
    )
    together = dataclasses.replace(two_trials, trial=np.zeros(5, int))
    asked, done = segment_means(together)
    np.testing.assert_allclose(asked, [[0.5, 0.0, 0.1]])
    np.testing.assert_allclose(done, [[0.5, 0.1, (0.2 + 0.0 + 0.5) / 3]])


def test_trials_that_all_end_within_a_second_have_no_settled_error_but_a_picture(two_trials, tmp_path):
    short = dataclasses.replace(two_trials, age=np.full(5, 0.5))
    total = summarise(short)["total"]
    assert total["settled_lin_vel_error_m_s"] is None and total["settled_yaw_rate_error_rad_s"] is None
    asked, done = segment_means(short)
    assert asked.shape == done.shape == (0, 3)
    plot_commands(tmp_path / "short.png", asked, done, "nobody lasted")
    assert matplotlib.image.imread(tmp_path / "short.png").shape[0] > 300

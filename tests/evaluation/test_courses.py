"""Trials of robots that were trained on clips and are driven by joystick: where they begin and what is measured."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import legged_gym.envs  # noqa: F401  (registers the tasks)
from legged_gym.envs.base.joystick import Joystick
from legged_gym.envs.base.joystick_config import DRAWN
from legged_gym.envs.base.robot_deepmimic import RobotDeepMimic
from legged_gym.evaluation.command_following import CAUSES, run_trials, summarise
from legged_gym.evaluation.courses import ClipCourse
from legged_gym.evaluation.judgement import judge
from legged_gym.evaluation.policies import zero_policy
from legged_gym.evaluation.protocol import ProtocolArgs, driven_config, evaluation_config
from legged_gym.evaluation.walk_recording import record_walk
from legged_gym.utils import task_registry
from legged_gym.utils.errors import ConfigError


class CarriedStudent(RobotDeepMimic):
    """No physics: each robot does what its target does; robot 1 lies down in one step."""

    steps_done = 0
    falls_at: int | None = None

    def _simulate(self) -> None:
        self.steps_done += 1
        ref, pos = self.reference, self.reference.root_pos_w.clone()
        if self.steps_done == self.falls_at:
            pos[1, 2] -= 0.5
        self.sim.reset(
            torch.arange(self.num_envs), pos, ref.root_quat_wxyz, ref.root_lin_vel_w, ref.root_ang_vel_w,
            ref.dof_pos, ref.dof_vel,
        )  # fmt: skip


@pytest.fixture
def make_student():
    """Builds a driven student of four robots, blind on level ground or with eyes on terrain."""

    def make(ground: str = "flat", kind: type[RobotDeepMimic] = CarriedStudent) -> RobotDeepMimic:
        seeing = "g1_deepmimic_root_heightfield_no_history_dagger"
        cfg = task_registry.get("g1_deepmimic_dagger" if ground == "flat" else seeing).configure().env
        cfg.env.num_envs, cfg.sim.num_threads = 4, 1
        env = kind(evaluation_config(driven_config(cfg, ground), "fine"), seed=1)
        env.drive_by(Joystick(env, DRAWN))
        return env

    return make


def play(env: RobotDeepMimic, seconds: float, num_trials: int = 4):
    return run_trials(
        env, zero_policy(env), ProtocolArgs(num_trials=num_trials, trial_seconds=seconds, joystick=True)
    )


def test_a_robot_that_does_as_its_target_makes_no_error_and_is_asked_anew_every_five_seconds(make_student):
    trials = play(make_student(), seconds=5.4)
    total = summarise(trials)["total"]
    assert total["success_rate"] == 1.0 and total["trials"] == 4
    # the stride before a change of command reaches beyond it, and the root is not quite where the target turns about
    assert total["settled_lin_vel_error_m_s"] < 0.01 and total["settled_yaw_rate_error_rad_s"] < 0.01
    assert np.abs(trials.command).max() > 0.2
    changes = np.flatnonzero((np.diff(trials.command[trials.trial == 0], axis=0) != 0.0).any(axis=1)) + 1
    assert changes.tolist() == [249]
    assert set(trials.ground) == {"flat"} and trials.stride == 40


def test_a_fall_ends_a_trial_and_says_why(make_student):
    env = make_student()
    env.falls_at = 10
    trials = play(env, seconds=0.4)
    assert trials.cause.tolist() == [-1, CAUSES.index("low"), -1, -1]
    total = summarise(trials)["total"]
    assert total["falls"] == {"diverged": 0, "low": 1, "tilted": 0}
    assert total["falls_per_minute"] == pytest.approx(60.0 / 1.4, rel=1e-3)  # 3 x 0.4 s and 0.2 s


def test_on_terrain_robots_begin_where_the_clips_do_and_end_where_the_apron_does(make_student):
    env = make_student("terrain")
    course = ClipCourse(env)
    course.spread(1)
    course.begin(torch.arange(4), noisy=False)
    names = [course.name_of(i) for i in range(4)]
    assert sorted(env.data.clip_names) == ["box", "slope", "stairs"]
    assert names == [env.data.clip_names[i] for i in (1, 2, 0, 1)]
    torch.testing.assert_close(
        env.sim.root_pos_w[:, :2] - env.env_offsets[:, :2], torch.zeros(4, 2), atol=0.05, rtol=0
    )
    assert not course.left().any()
    root = env.sim.root_pos_w.clone()
    root[2, 0] = float(env.terrain.layout.rectangles()[env.tile[2], 1, 0]) + 0.01
    zero, joints = torch.zeros(4, 3), env.sim.dof_pos.clone()
    env.sim.reset(
        torch.arange(4), root, env.sim.root_quat_wxyz.clone(), zero, zero, joints, torch.zeros_like(joints)
    )
    assert course.left().tolist() == [False, False, True, False]


def test_trials_on_terrain_are_fewer_than_its_grounds_is_refused(make_student):
    with pytest.raises(ConfigError, match="--num_trials=2: there are 3 grounds"):
        play(make_student("terrain"), 0.1, num_trials=2)


def test_a_robot_that_only_holds_its_pose_is_judged_by_joystick(make_student):
    env = make_student(kind=RobotDeepMimic)
    env.drive_by(None)
    protocol = ProtocolArgs(num_trials=4, trial_seconds=0.5, joystick=True)
    judgement = judge(env, zero_policy(env), protocol, {})
    assert env.joystick is not None and judgement.figures["total"]["trials"] == 4
    assert judgement.figures["total"]["lin_vel_error_m_s"] > 0.02


def test_a_drive_is_recorded_like_a_walk(make_student):
    env = make_student()
    course = ClipCourse(env)
    course.choose(0, 5)
    recording = record_walk(course, zero_policy(env), 2.0, (0.4, 0.0, 0.2))
    assert env.frame.tolist() == [5] * 4
    assert recording.name == "flat" and recording.ground is None
    np.testing.assert_allclose(recording.command[3:], np.tile([0.4, 0.0, 0.2], (98, 1)), atol=1e-6)
    np.testing.assert_allclose(recording.velocity[-1], [0.4, 0.0, 0.2], atol=0.05)
    assert recording.outcome().startswith("walked 2.00 s")


def test_only_students_are_driven_and_the_trained_configuration_stays_as_it_is():
    cfg = task_registry.get("g1_deepmimic_dagger").configure().env
    paths = list(cfg.deepmimic.amass_replay_data_path)
    assert driven_config(cfg, "terrain").deepmimic.amass_replay_data_path == ["g1/terrain/*.npz"]
    assert cfg.deepmimic.amass_replay_data_path == paths
    with pytest.raises(ConfigError, match="follows commands already"):
        driven_config(task_registry.get("g1").configure().env, "flat")
    with pytest.raises(ConfigError, match="about a clip's joints"):
        driven_config(task_registry.get("g1_deepmimic").configure().env, "flat")


def test_trials_by_joystick_last_a_minute():
    assert ProtocolArgs(joystick=True).seconds_per_trial == 60.0
    assert ProtocolArgs().seconds_per_trial == 20.0
    assert ProtocolArgs(joystick=True, trial_seconds=5.0).seconds_per_trial == 5.0

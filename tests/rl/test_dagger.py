"""Distillation on a toy env: what is cloned, who acts, what counts when, and that PPO is a special case of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from legged_gym.rl.dagger import DAgger, Shares, shares_at
from legged_gym.rl.labels import Labeller
from legged_gym.rl.ppo import PPO
from legged_gym.rl.rl_config import DaggerCfg, PPOCfg, TrainCfg
from legged_gym.rl.runner import OnPolicyRunner
from legged_gym.rl.teacher import load_teacher
from legged_gym.utils.errors import ConfigError, RunError
from tests.rl.host_env import POLICY, RUNNER, UNIT, HostEnv, make_checkpoint


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("legged_gym.rl.runner.plot_learning_curve", lambda *_: None)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("runs") / "first")


@pytest.fixture(scope="module")
def second(tmp_path_factory) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("runs") / "second", seed=6)


@pytest.fixture
def student(teacher) -> Callable[..., OnPolicyRunner]:
    """Makes a runner whose student has this teacher, with some fields of the algorithm replaced."""

    def make(log_dir: Path | None = None, env: HostEnv | None = None, **fields: Any) -> OnPolicyRunner:
        fields.setdefault("policy_to_clone", str(teacher))
        cfg = TrainCfg(runner=RUNNER, policy=POLICY, algorithm=DaggerCfg(**fields))
        return OnPolicyRunner(env or HostEnv(), cfg, log_dir)

    return make


def weights(runner: OnPolicyRunner) -> torch.Tensor:
    states = (runner.alg.actor.state_dict(), runner.alg.critic.state_dict())
    return torch.cat([value.double().flatten() for state in states for value in state.values()])


# ---------------------------------------------------------------------- schedules


@pytest.mark.parametrize(
    ("fields", "iteration", "expected"),
    [
        ({}, 0, (1.0, 0.0, 0.0)),
        ({}, 10**6, (1.0, 0.0, 0.0)),
        ({"bc_loss_coef": 0.25}, 3, (0.25, 0.75, 0.0)),  # what cloning leaves of 1
        ({"bc_loss_coef": 3.0}, 0, (3.0, 0.0, 0.0)),
        ({"bc_loss_coef": 0.0}, 0, (0.0, 1.0, 0.0)),
        ({"bc_loss_coef_end": 0.2, "anneal_iterations": 100}, 25, (0.8, 0.2, 0.0)),
        ({"bc_loss_coef_end": 0.2, "anneal_iterations": 100}, 500, (0.2, 0.8, 0.0)),
        ({"rl_loss_coef": 0.5}, 7, (1.0, 0.5, 0.0)),
        (
            {"bc_loss_coef_end": 0.0, "rl_loss_coef": 0.1, "rl_loss_coef_end": 0.9, "anneal_iterations": 4},
            1,
            (0.75, 0.3, 0.0),
        ),
        ({"switch_to_rl_after": 10, "beta": 0.5}, 9, (1.0, 0.0, 0.5)),
        ({"switch_to_rl_after": 10, "beta": 0.5, "rl_loss_coef": 0.1}, 10, (0.0, 1.0, 0.0)),
        ({"beta": 0.8, "beta_iterations": 10}, 5, (1.0, 0.0, 0.4)),
        ({"beta": 0.8, "beta_iterations": 10}, 11, (1.0, 0.0, 0.0)),
        ({"take_teacher_actions": True}, 99, (1.0, 0.0, 1.0)),
        ({"cloning_iterations": 10, "rl_loss_coef": 0.7}, 9, (1.0, 0.0, 0.0)),
        ({"cloning_iterations": 10, "rl_loss_coef": 0.7}, 10, (1.0, 0.7, 0.0)),
        (
            {"cloning_iterations": 10, "bc_loss_coef_end": 0.2, "anneal_iterations": 100},
            35,
            (0.8, 0.2, 0.0),
        ),
        (  # whoever switches cloning off gets PPO, whatever else the task says about it
            {
                "bc_loss_coef": 0.0,
                "cloning_iterations": 10,
                "bc_loss_coef_end": 0.2,
                "anneal_iterations": 100,
                "rl_loss_coef": 1.0,
            },
            0,
            (0.0, 1.0, 0.0),
        ),
    ],
)
def test_schedules_by_hand(fields, iteration, expected):
    assert asdict(shares_at(DaggerCfg(**fields), iteration)) == pytest.approx(asdict(Shares(*expected)))


def test_weights_of_an_iteration_are_logged_and_used(student):
    runner = student(bc_loss_coef_end=0.0, anneal_iterations=4)
    rows = []
    for _ in range(6):
        runner.learn(1)
        rows.append(runner.latest)
    assert [row["loss/bc_weight"] for row in rows] == pytest.approx([1.0, 0.75, 0.5, 0.25, 0.0, 0.0])
    assert [row["loss/rl_weight"] for row in rows] == pytest.approx([0.0, 0.25, 0.5, 0.75, 1.0, 1.0])
    assert "loss/bc" in rows[3] and "loss/bc" not in rows[4]  # nobody is asked any more
    assert rows[0]["loss/surrogate"] == 0.0 != rows[1]["loss/surrogate"]


def test_the_learning_rate_is_fixed_while_it_only_clones_and_adapts_from_another_one_then(student):
    runner = student(
        cloning_iterations=3, rl_loss_coef=1.0, learning_rate=2e-3, rl_learning_rate=5e-4, schedule="adaptive"
    )
    rates = []
    for _ in range(5):
        runner.learn(1)
        rates.append(runner.latest["learning_rate"])
    assert rates[:3] == [2e-3] * 3
    assert rates[3] == 5e-4
    assert rates[4] in (pytest.approx(5e-4 / 1.2), pytest.approx(5e-4 * 1.2))


# ---------------------------------------------------------------------- cloning


@pytest.mark.parametrize("buffer_iterations", [0, 2])
def test_what_a_teacher_says_about_driven_robots_does_not_count(student, buffer_iterations):
    def trained(spoilt: int, driven: int) -> torch.Tensor:
        env = HostEnv()
        env.num_driven = driven
        runner = student(env=env, buffer_iterations=buffer_iterations, beta=0.5, rl_loss_coef=0.5)
        answer = runner.alg._labeller.labels

        def spoil(obs):
            labels = answer(obs)
            labels[:spoilt] = 100.0
            return labels

        runner.alg._labeller.labels = spoil
        runner.learn(3)
        return weights(runner)

    assert trained(6, driven=6).equal(trained(0, driven=6))
    assert not trained(7, driven=6).equal(trained(0, driven=6))


def test_a_student_reaches_its_teacher(student, teacher):
    runner = student(learning_rate=1e-2, num_mini_batches=2, clip_teacher_actions=False)
    runner.learn(1)
    first = runner.latest["loss/bc"]
    runner.learn(40)
    assert runner.latest["loss/bc"] < 0.02 * first
    obs = runner.env.get_observations()
    with torch.no_grad():
        wanted = UNIT * load_teacher(teacher).act(obs["teacher"])
        gap = runner.alg.get_policy()(obs) - wanted
    assert gap.square().mean() < 0.02 * wanted.square().mean()
    assert runner.latest["loss/teacher_share"] == 0.0


def test_the_loss_is_the_mean_squared_distance_summed_over_joints(student):
    runner = student(learning_rate=0.0, clip_teacher_actions=False)
    runner.learn(1)
    alg = runner.alg
    expected = (alg._means - alg._labels).square().sum(-1).mean()
    assert runner.latest["loss/bc"] == pytest.approx(expected.item(), rel=1e-4)


def test_labels_are_the_teachers_means_in_the_students_unit_without_noise(student, teacher):
    runner = student(clip_teacher_actions=False)
    asked = []
    labels = runner.alg._labeller.labels
    runner.alg._labeller.labels = lambda obs: asked.append(obs["teacher"].clone()) or labels(obs)
    runner.learn(1)
    expected = UNIT * load_teacher(teacher).act(torch.stack(asked).flatten(0, 1))
    torch.testing.assert_close(runner.alg._labels.flatten(0, 1), expected)


@pytest.mark.parametrize("clip", [True, False])
def test_labels_are_limited_where_the_students_actions_are(student, clip):
    runner = student(clip_teacher_actions=clip, clip_actions_threshold=0.05)
    runner.learn(1)
    assert (runner.alg._labels.abs().max() <= 0.05) == clip
    assert runner.latest["loss/far_labels"] > 0.5  # whether they are limited or not


def test_std_matching_pulls_towards_the_teachers_in_the_students_unit(student, teacher):
    runner = student(bc_std_coef=1.0, learning_rate=1e-2, num_mini_batches=2)
    wanted = UNIT * load_teacher(teacher).std
    torch.testing.assert_close(runner.alg._labeller.std, wanted)
    runner.learn(20)
    torch.testing.assert_close(runner.alg.action_std, wanted, rtol=0.1, atol=0.0)
    assert runner.latest["loss/bc_std"] < 0.01
    without = student()
    without.learn(2)
    assert torch.equal(without.alg.action_std, torch.full((2,), POLICY.init_noise_std))


def test_the_loss_is_the_weighted_sum_of_its_parts_and_bounds_count_once(student):
    alg = student(entropy_coef=0.1, bounds_loss_coef=0.3, clip_actions_threshold=0.2, bc_std_coef=0.7).alg
    g = torch.Generator().manual_seed(0)
    mean, action, label = (torch.randn(6, 2, generator=g) for _ in range(3))
    counts = torch.tensor([1.0, 1.0, 0.0, 1.0, 1.0, 1.0])
    sample = (action, torch.randn(6, generator=g) - 2.0, torch.randn(6, generator=g), label, counts)
    std = torch.tensor([0.5, 0.8])
    alg._shares = Shares(bc=2.0, rl=0.5, beta=0.0)
    loss, parts = alg._actor_loss(mean, std, sample)
    bc = (mean - label).square().sum(-1)[counts > 0].mean() + 0.7 * (std - alg._labeller.std).square().sum()
    alg._shares = Shares(bc=0.0, rl=1.0, beta=0.0)
    ppo = alg._actor_loss(mean, std, sample[:3])[0]
    bounds = 0.3 * (mean.abs() - 0.2).clamp(min=0.0).sum(-1).mean()
    torch.testing.assert_close(loss, 2.0 * bc + 0.5 * (ppo - bounds) + bounds)
    assert list(parts) == ["surrogate", "bounds", "bc", "bc_std"]


# ---------------------------------------------------------------------- who acts


def test_students_act_by_default_and_teachers_with_take_teacher_actions(student):
    for options, drives in (({}, False), ({"take_teacher_actions": True}, True), ({"beta": 1.0}, True)):
        env = HostEnv()
        runner = student(env=env, clip_teacher_actions=False, **options)
        runner.learn(1)
        done = torch.stack(env.done)  # (T, N, 2)
        assert torch.equal(done, runner.alg._labels) == drives
        assert torch.equal(done, runner.alg.storage.actions) == (not drives)
        assert runner.latest["loss/teacher_share"] == float(drives)


def test_teachers_act_in_whole_episodes_and_beta_is_their_share(student):
    env = HostEnv(num_envs=400)
    runner = student(env=env, beta=0.3)
    taught, ends = [], []
    act, note = runner.alg.act, runner.alg.process_env_step

    def spy(obs):
        actions = act(obs)
        taught.append(runner.alg._teacher_drives.clone())
        return actions

    runner.alg.act = spy
    runner.alg.process_env_step = lambda obs, rewards, dones, extras: (
        ends.append(dones.bool().clone()),
        note(obs, rewards, dones, extras),
    )
    runner.learn(4)
    who, ends = torch.stack(taught), torch.stack(ends)
    changed = who[1:] != who[:-1]
    assert changed.any() and not (changed & ~ends[:-1]).any()
    drawn = torch.cat((who[0], who[1:][ends[:-1]])).float()  # one for each episode
    assert len(drawn) > 800 and drawn.mean().item() == pytest.approx(0.3, abs=0.05)


def test_what_teachers_did_does_not_count_as_the_students_own(student):
    # With rl = 1 and bc = 0, all taught: the surrogate is 0 and nothing is learned from it.
    runner = student(bc_loss_coef=0.0, rl_loss_coef=1.0, take_teacher_actions=True)
    before = torch.cat([p.detach().flatten() for p in runner.alg.actor.parameters()]).clone()
    runner.learn(2)
    assert runner.latest["loss/surrogate"] == 0.0
    assert torch.equal(before, torch.cat([p.detach().flatten() for p in runner.alg.actor.parameters()]))


# ---------------------------------------------------------------------- old samples


def test_old_samples_are_cloned_again_and_are_those_of_the_newest_rollouts(student):
    runner = student(buffer_iterations=2)
    alg, seen = runner.alg, []
    loss = alg._actor_loss
    alg._actor_loss = lambda mean, std, sample: (
        seen.append((len(mean), len(sample[0]))) or loss(mean, std, sample)
    )
    labels = []
    for _ in range(4):
        runner.learn(1)
        labels.append(alg._labels.flatten(0, 1).clone())
    batch = 16 * 8 // alg.num_mini_batches
    assert seen[0] == (batch, batch) and seen[-1] == (2 * batch, batch)
    kept = alg._memory.draw(1000)[1]
    newest = torch.cat(labels[-2:])
    assert all((row == newest).all(1).any() for row in kept)
    assert alg._memory.size == 2 * 16 * 8


# ---------------------------------------------------------------------- several teachers


def test_each_env_asks_the_teacher_of_its_clip(student, teacher, second):
    env = HostEnv()
    env.names = [str(second), ""]  # the first half names one, the second half has policy_to_clone
    runner = student(env=env, use_multi_teacher=True)
    assert env.guests == ["teacher_0", "teacher_1"]
    obs = env.get_observations()
    labels = runner.alg._labeller.labels(obs)
    truth = obs["teacher_0"]
    torch.testing.assert_close(labels[:8], UNIT * load_teacher(second).act(truth)[:8])
    torch.testing.assert_close(labels[8:], UNIT * load_teacher(teacher).act(truth)[8:])
    stds = [load_teacher(path).std for path in (second, teacher)]
    torch.testing.assert_close(runner.alg._labeller.std, UNIT * (stds[0] + stds[1]) / 2)
    runner.learn(2)
    assert runner.latest["loss/bc"] > 0.0


def test_policy_to_clone_is_not_needed_where_every_clip_names_a_teacher(student, second):
    env = HostEnv()
    env.names = [str(second)]
    student(env=env, use_multi_teacher=True, policy_to_clone=None)
    env.names = [str(second), ""]
    with pytest.raises(ConfigError, match="for the clips that name no teacher"):
        student(env=env, use_multi_teacher=True, policy_to_clone=None)


# ---------------------------------------------------------------------- PPO is a special case


def test_without_cloning_it_is_ppo_bit_for_bit():
    def run(algorithm: PPOCfg) -> OnPolicyRunner:
        runner = OnPolicyRunner(HostEnv(), TrainCfg(runner=RUNNER, policy=POLICY, algorithm=algorithm))
        runner.learn(3)
        return runner

    common = {"entropy_coef": 0.01, "learning_rate": 1e-3, "schedule": "adaptive", "bounds_loss_coef": 0.1}
    ppo = run(PPOCfg(**common))
    for without in (
        DaggerCfg(**common, bc_loss_coef=0.0),
        DaggerCfg(**common, policy_to_clone="nowhere", switch_to_rl_after=0),
    ):
        student = run(without)
        assert type(ppo.alg) is PPO and type(student.alg) is DAgger
        assert torch.equal(weights(student), weights(ppo))
        assert student.latest["loss/surrogate"] == ppo.latest["loss/surrogate"]
        assert student.alg.learning_rate == ppo.alg.learning_rate


def test_reinforcement_learning_goes_on_from_a_student(student, tmp_path):
    cloned = student(tmp_path / "cloned")
    cloned.learn(2)
    cfg = TrainCfg(runner=RUNNER, policy=replace(POLICY, re_init_std=True, init_noise_std=0.25))
    for algorithm in (DaggerCfg(bc_loss_coef=0.0), PPOCfg()):
        runner = OnPolicyRunner(HostEnv(), replace(cfg, algorithm=algorithm))
        runner.load(tmp_path / "cloned" / "model_2.pt")
        assert torch.equal(runner.alg.actor.mlp[0].weight, cloned.alg.actor.mlp[0].weight)
        assert runner.alg.action_std.tolist() == pytest.approx([0.25, 0.25])
        runner.learn(1)


# ---------------------------------------------------------------------- resuming


@pytest.mark.parametrize("fields", [{"beta": 0.5}, {"bc_loss_coef_end": 0.0, "anneal_iterations": 5}])
def test_a_resumed_run_goes_on_bit_for_bit(student, tmp_path, fields):
    whole = student(**fields)
    whole.learn(6)
    student(tmp_path / "run", **fields).learn(3)
    resumed = student(**fields)
    resumed.load(tmp_path / "run" / "model_3.pt")
    resumed.learn(3)
    assert torch.equal(weights(resumed), weights(whole))
    for key in ("loss/bc_weight", "loss/teacher_share", "mean_reward"):
        assert resumed.latest[key] == whole.latest[key]


def test_a_resumed_run_forgets_old_samples_only(student, tmp_path):
    student(tmp_path / "run", buffer_iterations=4).learn(3)
    resumed = student(buffer_iterations=4)
    resumed.load(tmp_path / "run" / "model_3.pt")
    assert resumed.alg._memory.size == 0
    resumed.learn(1)
    assert resumed.alg._memory.size == 16 * 8


def test_cloning_can_begin_where_ppo_stopped(student, tmp_path):
    # Same env: its state and observations are restored, and those of the teacher were not among them.
    ppo = OnPolicyRunner(HostEnv(), TrainCfg(runner=RUNNER, policy=POLICY), tmp_path / "ppo")
    ppo.learn(2)
    runner = student()
    runner.load(tmp_path / "ppo" / "model_2.pt")
    runner.learn(1)
    assert runner.latest["loss/bc"] > 0.0 and runner.current_learning_iteration == 3


def test_another_teacher_than_until_now_is_told(student, second, tmp_path, caplog):
    student(tmp_path / "run").learn(1)
    for changes in ({}, {"policy_to_clone": str(second)}):
        student(**changes).load(tmp_path / "run" / "model_1.pt")
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
        "the run had another teacher until now: first/model_1.pt, not second/model_1.pt"
    ]


# ---------------------------------------------------------------------- what cannot work


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"policy_to_clone": None}, "policy_to_clone is needed: a run, a checkpoint or a bundle"),
        (
            {"policy_to_clone_jitted": True},
            "policy_to_clone_jitted is True, but first/model_1.pt is a checkpoint",
        ),
        ({"bc_loss_coef": -0.1}, "bc_loss_coef must be at least 0.0, not -0.1"),
        ({"beta": 1.5}, "beta must be at most 1"),
        ({"switch_to_rl_after": -2}, "switch_to_rl_after must be at least -1"),
        ({"bc_loss_coef_end": 0.0}, "anneal_iterations, which is 0"),
        ({"rl_loss_coef_end": 0.0, "anneal_iterations": 9}, "rl_loss_coef to start from"),
        ({"bc_loss_coef": 0.0, "rl_loss_coef": 0.0}, "must not both be 0"),
        ({"rl_loss_coef": 0.0, "bc_loss_coef_end": 0.0, "anneal_iterations": 9}, "nor both end there"),
        ({"buffer_iterations": -1}, "buffer_iterations must be at least 0"),
        ({"cloning_iterations": -1}, "cloning_iterations must be at least 0"),
        ({"cloning_iterations": 5, "switch_to_rl_after": 4}, "before the end of the 5 cloning_iterations"),
    ],
)
def test_what_cannot_work_is_refused_by_name(student, fields, named):
    with pytest.raises(ConfigError, match=named):
        student(**fields)


def test_a_teacher_that_cannot_load_stops_before_there_is_a_run_folder(student, tmp_path):
    with pytest.raises(RunError, match="no teacher"):
        student(tmp_path / "run", policy_to_clone="no_such_run")
    assert not (tmp_path / "run").exists()


def test_a_teacher_of_another_robot_is_refused(teacher):
    class OtherRobot(HostEnv):
        joint_names = ("x_joint", "z_joint")

    with pytest.raises(ConfigError, match="y_joint, z_joint"):
        Labeller(OtherRobot(), [load_teacher(teacher)])


def test_an_answer_that_is_not_finite_stops_the_run(student):
    runner = student()
    runner.alg._labeller.labels = lambda obs: torch.full((16, 2), torch.nan)
    with pytest.raises(
        FloatingPointError, match="the teacher's answer is not finite: joint 0, env 0, step 0"
    ):
        runner.learn(1)


# ---------------------------------------------------------------------- no field is dead

PROBES: dict[str, tuple[Any, dict[str, Any]]] = {
    "policy_to_clone": (None, {"bc_loss_coef": 0.5}),
    "policy_to_clone_jitted": (True, {}),
    "bc_loss_coef": (0.7, {}),
    "bc_loss_coef_end": (0.5, {"anneal_iterations": 2}),
    "rl_loss_coef": (0.7, {}),
    "rl_loss_coef_end": (0.5, {"anneal_iterations": 2, "rl_loss_coef": 0.1}),
    "anneal_iterations": (3, {"anneal_iterations": 2, "bc_loss_coef_end": 0.1}),
    "switch_to_rl_after": (1, {}),
    "beta": (0.5, {}),
    "beta_iterations": (2, {"beta": 0.7}),
    "take_teacher_actions": (True, {}),
    "bc_std_coef": (1.0, {}),
    "clip_teacher_actions": (False, {"clip_actions_threshold": 0.05}),
    "buffer_iterations": (2, {}),
    "cloning_iterations": (1, {"rl_loss_coef": 0.7}),
    "rl_learning_rate": (5e-3, {"cloning_iterations": 1}),
    "use_multi_teacher": (True, {}),
}
"""Field -> another value, and what else must be set for it to matter."""


def test_every_field_is_tried():
    own = {field.name for field in fields(DaggerCfg)} - {field.name for field in fields(PPOCfg)}
    assert own == PROBES.keys()


@pytest.mark.parametrize("name", PROBES)
def test_a_field_does_something(student, second, name):
    value, companions = PROBES[name]

    def outcome(changes: dict[str, Any]) -> str:
        env = HostEnv()
        env.names = [str(second)]
        try:
            runner = student(env=env, **companions | changes)
        except ConfigError as error:
            return str(error)
        runner.learn(3)
        return str(weights(runner).tolist())

    assert outcome({}) != outcome({name: value}), f"train.algorithm.{name} is dead"

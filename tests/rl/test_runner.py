"""Bookkeeping of the runner, on a toy env: seeds, resuming, saving, stopping, logging."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from legged_gym.rl.checkpoint import read_checkpoint
from legged_gym.rl.rl_config import PolicyCfg, PPOCfg, RunnerCfg, TrainCfg
from legged_gym.rl.run_log import read_progress
from legged_gym.rl.runner import OnPolicyRunner
from legged_gym.utils.errors import RunError
from legged_gym.utils.paths import find_checkpoint
from tests.rl.toy_env import Layout, PointEnv

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def pictures(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Note which pictures are asked for instead of drawing them, which takes half a second each."""
    asked: list[Path] = []
    monkeypatch.setattr("legged_gym.rl.runner.plot_learning_curve", lambda _, picture: asked.append(picture))
    return asked


def config(**algorithm: Any) -> TrainCfg:
    """A small recipe that logs to progress.csv only."""
    return TrainCfg(
        runner=RunnerCfg(num_steps_per_env=8, save_interval=5, logger="none", num_threads=1),
        policy=PolicyCfg(actor_hidden_dims=(16, 16), critic_hidden_dims=(16, 16)),
        algorithm=PPOCfg(**algorithm),
    )


def make_runner(log_dir: Path | None = None, cfg: TrainCfg | None = None, **env: Any) -> OnPolicyRunner:
    """A runner in a fresh env; what ran before in this process must not matter."""
    torch.manual_seed(int(time.time()))
    return OnPolicyRunner(PointEnv(**env), cfg or config(), log_dir)


def weights(runner: OnPolicyRunner) -> torch.Tensor:
    """All parameters and statistics of both networks in one vector."""
    states = (runner.alg.actor.state_dict(), runner.alg.critic.state_dict())
    return torch.cat([value.double().flatten() for state in states for value in state.values()])


def test_same_seed_same_run_and_other_seed_another() -> None:
    runs = []
    for seed in (1, 1, 2):
        runner = make_runner(cfg=replace(config(), seed=seed))
        runner.learn(3)
        runs.append(weights(runner))
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])


def test_ranks_draw_different_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    first = weights(make_runner())
    monkeypatch.setattr("legged_gym.utils.processes.rank", lambda: 1)
    assert not torch.equal(first, weights(make_runner()))


@pytest.mark.parametrize("threads", [1, 2])
def test_resumed_run_equals_uninterrupted_one_bit_for_bit(tmp_path: Path, threads: int) -> None:
    cfg = config()
    cfg.runner.num_threads = threads
    whole = make_runner(tmp_path / "whole", cfg)
    whole.learn(20)
    make_runner(tmp_path / "half", cfg).learn(10)
    resumed = make_runner(tmp_path / "rest", cfg, seed=99)
    resumed.load(tmp_path / "half" / "model_10.pt")
    resumed.learn(10)
    assert torch.equal(weights(whole), weights(resumed))
    a, b = (read_checkpoint(tmp_path / run / "model_20.pt") for run in ("whole", "rest"))
    assert a["samples"] == b["samples"] == 20 * 8 * 16
    assert a["learning_rate"] == b["learning_rate"] != cfg.algorithm.learning_rate
    assert all(torch.equal(a["env_state"][key], b["env_state"][key]) for key in a["env_state"])
    assert torch.equal(a["rng"]["torch"], b["rng"]["torch"])
    # The curve goes on too, with the rows of the first half carried over.
    kept = ("iteration", "samples", "kl", "learning_rate", "mean_reward", "mean_episode_length", "loss/value")
    rows = [
        [{key: row[key] for key in kept} for row in read_progress(tmp_path / run / "progress.csv")]
        for run in ("whole", "rest")
    ]
    assert rows[0] == rows[1]
    assert [int(row["iteration"]) for row in rows[1]] == list(range(1, 21))


def test_resuming_in_the_same_folder_drops_rows_after_the_checkpoint(tmp_path: Path) -> None:
    make_runner(tmp_path).learn(7)
    resumed = make_runner(tmp_path)
    resumed.load(tmp_path / "model_5.pt")
    resumed.learn(1)
    assert [row["iteration"] for row in read_progress(tmp_path / "progress.csv")] == [
        str(i) for i in range(1, 7)
    ]


def test_checkpoints_are_named_after_completed_iterations(tmp_path: Path, pictures: list[Path]) -> None:
    runner = make_runner(tmp_path)
    runner.learn(12)
    assert sorted(path.name for path in tmp_path.glob("*.pt")) == ["model_10.pt", "model_12.pt", "model_5.pt"]
    assert read_checkpoint(tmp_path / "model_5.pt")["iteration"] == 5
    assert pictures == [tmp_path / "learning_curve.png"] * 2  # at the first save and at the end
    assert not list(tmp_path.glob("*.tmp"))


def test_nothing_is_written_without_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runner = make_runner()
    runner.learn(2)
    assert not list(tmp_path.iterdir())
    assert runner.latest["iteration"] == 2


def test_policy_loads_without_touching_the_env(tmp_path: Path) -> None:
    trained = make_runner(tmp_path)
    trained.learn(5)
    runner = make_runner(num_envs=3)
    position = runner.env.position.clone()
    runner.load(tmp_path / "model_5.pt", resume=False)
    assert torch.equal(runner.env.position, position)
    obs = runner.env.get_observations()
    actions = runner.get_inference_policy()(obs)
    assert actions.shape == (3, 2)
    assert torch.equal(actions, trained.get_inference_policy()(obs))


def test_other_env_config_takes_weights_but_starts_the_env_afresh(tmp_path: Path) -> None:
    cfg = config()
    task = {"env": {"clip": "a"}, "train": asdict(cfg)}
    first = OnPolicyRunner(PointEnv(), cfg, tmp_path, task_cfg=task)
    first.learn(5)
    second = OnPolicyRunner(PointEnv(seed=7), cfg, None, task_cfg=task | {"env": {"clip": "b"}})
    position = second.env.position.clone()
    second.load(tmp_path / "model_5.pt")
    assert torch.equal(second.env.position, position)
    assert torch.equal(weights(first), weights(second))
    assert second.current_learning_iteration == 5
    second.learn(1)


def test_configured_learning_rate_and_std_win_on_resume(tmp_path: Path) -> None:
    make_runner(tmp_path, config(desired_kl=1e-6)).learn(5)
    adapted = 1e-3 / 1.2**5
    same = make_runner(cfg=config(desired_kl=1e-6))
    same.load(tmp_path / "model_5.pt")
    assert same.alg.learning_rate == pytest.approx(adapted)
    changed = config(learning_rate=2e-5)
    changed.policy.re_init_std, changed.policy.init_noise_std = True, 0.7
    other = make_runner(cfg=changed)
    other.load(tmp_path / "model_5.pt")
    assert other.alg.critic_optimizer.param_groups[0]["lr"] == 2e-5
    torch.testing.assert_close(other.alg.action_std.detach(), torch.full((2,), 0.7))


def test_other_layout_is_refused_with_the_terms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_runner(tmp_path).learn(1)
    layout = {"actor": Layout(place=2, one=1), "critic": Layout(position=1, one=1, time=2)}
    monkeypatch.setattr(PointEnv, "observation_layout", lambda self: layout)
    with pytest.raises(RunError) as error:
        make_runner().load(tmp_path / "model_1.pt")
    text = str(error.value)
    assert "actor observation 'position' is only in the checkpoint" in text
    assert "actor observation 'place' is only in the env" in text
    assert "critic observation 'time' has width 1 in the checkpoint and 2 in the env" in text
    assert "'one'" not in text


def test_other_robot_is_refused_with_the_joints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_runner(tmp_path).learn(1)
    monkeypatch.setattr(PointEnv, "joint_names", ("x_joint", "z_joint"))
    with pytest.raises(RunError, match=r"only in the checkpoint: y_joint, only in the env: z_joint"):
        make_runner().load(tmp_path / "model_1.pt")
    monkeypatch.setattr(PointEnv, "joint_names", ("y_joint", "x_joint"))
    with pytest.raises(RunError, match="another order"):
        make_runner().load(tmp_path / "model_1.pt")


def test_other_network_is_refused(tmp_path: Path) -> None:
    make_runner(tmp_path).learn(1)
    cfg = config()
    cfg.policy.actor_hidden_dims = (8, 8)
    with pytest.raises(RunError, match="actor_hidden_dims"):
        make_runner(cfg=cfg).load(tmp_path / "model_1.pt")


def test_half_written_checkpoints_are_passed_over_and_refused(tmp_path: Path) -> None:
    make_runner(tmp_path).learn(5)
    whole = (tmp_path / "model_5.pt").read_bytes()
    (tmp_path / "model_9.pt").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "model_8.pt.1234.tmp").write_bytes(whole)
    assert find_checkpoint(tmp_path) == tmp_path / "model_5.pt"
    with pytest.raises(RunError, match="cut off"):
        make_runner().load(tmp_path / "model_9.pt")


def test_foreign_file_is_refused_without_running_it(tmp_path: Path) -> None:
    path = tmp_path / "model_1.pt"
    torch.save({"version": 1, "payload": pytest.raises}, path)
    with pytest.raises(RunError, match="cannot read checkpoint"):
        make_runner().load(path)


def test_unwritable_folder_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot write to log folder"):
        make_runner(tmp_path / "file" / "run").learn(1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_finishes_the_iteration_saves_and_returns(
    tmp_path: Path, number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    runner = make_runner(tmp_path / "run")
    step, calls = runner.env.step, []

    def step_and_signal(actions: torch.Tensor) -> Any:
        calls.append(1)
        if len(calls) == 2 * 8 + 3:  # in the middle of the third iteration
            os.kill(os.getpid(), number)
        return step(actions)

    runner.env.step = step_and_signal
    before = signal.getsignal(number)
    runner.learn(1000)
    assert runner.interrupted
    assert len(calls) == 3 * 8
    assert read_checkpoint(tmp_path / "run" / "model_3.pt")["iteration"] == 3
    assert "--resume --load_run=run" in capsys.readouterr().out
    assert signal.getsignal(number) is before


def test_second_interrupt_stops_at_once(tmp_path: Path) -> None:
    runner = make_runner(tmp_path)

    def interrupt(_actions: torch.Tensor) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    runner.env.step = interrupt
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job inherits "ignore"
    try:
        with pytest.raises(KeyboardInterrupt):
            runner.learn(10)
    finally:
        signal.signal(signal.SIGINT, before)


def test_killed_process_leaves_a_checkpoint_to_resume_from(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.rl.test_runner import make_runner;"
        "make_runner(Path(sys.argv[1])).learn(100000)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], cwd=REPO, stdout=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("model_*.pt")) and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    path = find_checkpoint(tmp_path)
    runner = make_runner(tmp_path)
    runner.load(path)
    runner.learn(1)
    rows = read_progress(tmp_path / "progress.csv")
    assert [int(row["iteration"]) for row in rows] == list(range(1, int(path.stem[6:]) + 2))


@pytest.mark.parametrize(("group", "column"), [("actor", 1), ("critic", 3)])
def test_nan_from_the_env_stops_before_the_update(tmp_path: Path, group: str, column: int) -> None:
    runner = make_runner(tmp_path)
    runner.learn(5)
    before, observe = weights(runner), runner.env.get_observations

    def poisoned() -> Any:
        obs = observe()
        obs[group][3, column] = float("nan")
        return obs

    runner.env.get_observations = poisoned
    with pytest.raises(FloatingPointError, match=rf"{group}, column {column}, env 3, step 0 of iteration 6"):
        runner.learn(5)
    assert torch.equal(weights(runner), before)
    assert find_checkpoint(tmp_path).name == "model_5.pt"


def test_diverged_learning_is_reported_and_not_saved(tmp_path: Path) -> None:
    runner = make_runner(tmp_path)
    with torch.no_grad():
        runner.alg.critic.mlp[0].weight.fill_(1e30)
    with pytest.raises(RunError, match="learning diverged in iteration 1"):
        runner.learn(5)
    assert not list(tmp_path.glob("model_*.pt"))


def test_rows_hold_measures_of_env_and_time(tmp_path: Path) -> None:
    runner = make_runner(tmp_path)
    runner.learn(5)
    row = runner.latest
    assert row["samples"] == 5 * 8 * 16
    assert row["time_ms/physics"] == pytest.approx(8.0)  # the toy claims 1 ms a step
    assert -3.0 < row["Reward/distance"] < 0.0
    assert 0.0 <= row["Episode/success"] <= 1.0
    assert 1 <= row["mean_episode_length"] <= 20
    last = read_progress(tmp_path / "progress.csv")[-1]
    assert set(last) == set(row)


def test_tensorboard_gets_the_rows(tmp_path: Path) -> None:
    cfg = config()
    cfg.runner.logger = "tensorboard"
    make_runner(tmp_path, cfg).learn(2)
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert [event.step for event in events.Scalars("train/kl")] == [1, 2]
    assert "Reward/distance" in events.Tags()["scalars"]


def test_wandb_runs_offline_without_a_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb = pytest.importorskip("wandb")
    run, started = FakeRun(), []

    def init(**options: Any) -> FakeRun:
        started.append(options)
        return run

    monkeypatch.setattr(wandb, "init", init)
    monkeypatch.setattr(type(wandb.api), "api_key", property(lambda self: None))
    monkeypatch.delenv("WANDB_MODE", raising=False)
    cfg = config()
    cfg.runner.logger, cfg.runner.wandb_note, cfg.runner.wandb_project = "wandb", "new feet", "walks"
    make_runner(tmp_path, cfg).learn(2)
    assert started[0]["mode"] == "offline"
    assert (started[0]["notes"], started[0]["project"]) == ("new feet", "walks")
    assert run.steps == [1, 2]


class FakeRun:
    """Stands in for a W&B run."""

    def __init__(self) -> None:
        """Start without rows."""
        self.steps: list[int] = []

    def log(self, row: dict[str, float], step: int) -> None:
        """Note the step."""
        self.steps.append(step)

    def finish(self) -> None:
        """Do nothing."""


def test_point_task_is_learned() -> None:
    runner = make_runner(num_envs=64, max_episode_length=1000)
    runner.learn(60)
    policy, obs = runner.get_inference_policy(), runner.env.get_observations()
    with torch.no_grad():
        for _ in range(12):  # from at most 2.1 away at 0.3 a step
            obs = runner.env.step(policy(obs))[0]
    assert (runner.env.position.norm(dim=1) < 0.3).float().mean() > 0.9

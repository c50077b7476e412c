"""train.py: exact resume, seeds, and input errors that leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml

from legged_gym.scripts.train import main, train
from legged_gym.utils import paths

REPO = Path(__file__).resolve().parents[2]


def runs() -> list[Path]:
    return paths.list_runs("g1_deepmimic")


def weights(run: Path, iteration: int) -> torch.Tensor:
    content = torch.load(run / f"model_{iteration}.pt", weights_only=True)
    parts = [*content["actor_state_dict"].values(), *content["critic_state_dict"].values()]
    return torch.cat([part.flatten().double() for part in parts])


def test_twenty_iterations_equal_ten_and_ten_more(workdir, small):
    train([*small, "--max_iterations=20"])
    train([*small, "--max_iterations=10", "--run_name=first_half"])
    train(["--task=g1_deepmimic", "--resume", "--load_run", runs()[-1].name, "--run_name=second_half"])
    whole, half, rest = runs()
    assert rest.name.endswith("second_half") and not (half / "model_20.pt").exists()
    assert torch.equal(weights(whole, 20), weights(rest, 20))


def test_a_seed_decides_the_run(workdir, small):
    for seed in (3, 3, 4):
        train([*small, "--max_iterations=2", f"--seed={seed}"])
    first, again, other = (weights(run, 2) for run in runs())
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_resolved_configuration_is_saved_and_a_resumed_run_starts_from_it(workdir, small):
    train([*small, "--max_iterations=1", "--env.rewards.scales.action_rate=-0.125"])
    train(["--task=g1_deepmimic", "--resume", "--train.algorithm.learning_rate=3e-4"])
    saved = yaml.safe_load((runs()[-1] / "config.yaml").read_text())
    assert saved["env"]["rewards"]["scales"]["action_rate"] == -0.125
    assert saved["env"]["env"]["num_envs"] == 8
    assert saved["train"]["algorithm"]["learning_rate"] == 3e-4
    content = torch.load(runs()[-1] / "model_2.pt", weights_only=True)
    assert content["config"]["env"] == saved["env"]


def killed_run(workdir, small, kill) -> subprocess.Popen:
    """Start training in a process of its own, wait for its second checkpoint, send it a signal and wait."""
    command = [
        sys.executable,
        str(REPO / "legged_gym/scripts/train.py"),
        *small,
        "--train.runner.save_interval=5",
    ]
    process = subprocess.Popen(
        [*command, "--max_iterations=100000"],
        cwd=workdir,
        env=os.environ | {"PYTHONPATH": str(REPO)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 120
    while not list(workdir.glob("logs/*/*/model_10.pt")):
        assert process.poll() is None, process.stderr.read().decode()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(kill)
    process.wait(timeout=60)
    return process


@pytest.mark.slow
def test_ctrl_c_saves_the_last_iteration(workdir, small):
    process = killed_run(workdir, small, signal.SIGINT)
    assert process.returncode == 130
    rows = (runs()[0] / "progress.csv").read_text().splitlines()
    done = int(float(rows[-1].split(",")[0]))
    assert max(paths.list_checkpoints(runs()[0])) == done


@pytest.mark.slow
def test_a_killed_run_resumes_from_its_last_checkpoint(workdir, small):
    killed_run(workdir, small, signal.SIGKILL)
    last = max(paths.list_checkpoints(runs()[0]))
    assert last >= 10 and last % 5 == 0
    train(["--task=g1_deepmimic", "--resume", "--max_iterations=1"])
    assert paths.list_checkpoints(runs()[-1]).keys() == {last + 1}


def bad_csv(workdir, columns=36, rows=10, value="0.0") -> Path:
    line = ",".join([value] * columns)
    path = workdir / "bad.csv"
    path.write_text("\n".join([line] * rows) + "\n")
    return path


def a_file_in_the_way(workdir) -> str:
    (workdir / "logs").write_text("")
    return ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (lambda d: f"--env.deepmimic.amass_replay_data_path={bad_csv(d, columns=35)}", "36"),
        (lambda d: f"--env.deepmimic.amass_replay_data_path={bad_csv(d, value='nan')}", "nan"),
        (lambda d: f"--env.deepmimic.amass_replay_data_path={bad_csv(d, rows=1)}", "two"),
        (lambda d: "--env.deepmimic.amass_replay_data_path=nothing/*.csv", "nothing/*.csv"),
        (lambda d: "--env.asset.locked_joints=[tail]", "tail"),
        (lambda d: "--env.control.stiffness={tail: 3}", "tail"),
        (lambda d: "--env.rewards.scales.joint_pos_trackin=3", "joint_pos_tracking"),
        (lambda d: "--env.control.control_type=torque", "residual"),
        (lambda d: "--load_run=20200101_000000_none --resume", "20200101_000000_none"),
        (a_file_in_the_way, "logs"),
    ],
)
def test_bad_input_is_one_clear_line_and_leaves_nothing(
    workdir, small, capsys, monkeypatch, options, message
):
    extra = options(workdir).split(" --")
    extra = [part if part.startswith("--") else "--" + part for part in extra if part]
    monkeypatch.setattr(sys, "argv", ["train.py", *small, "--max_iterations=1", *extra])
    with pytest.raises(SystemExit) as exit_status:
        main()
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert exit_status.value.code == 2
    assert len(lines) == 1 and message in lines[0]
    assert not (workdir / "logs").is_dir()


def test_a_checkpoint_of_another_robot_or_observation_layout_is_refused(workdir, small):
    train([*small, "--max_iterations=1"])
    from legged_gym.utils.errors import RunError

    with pytest.raises(RunError, match="wrist"):
        train(["--task=g1_deepmimic", "--resume", "--env.asset.locked_joints=[]"])
    with pytest.raises(RunError, match="base_lin_vel"):
        train(["--task=g1_deepmimic", "--resume", "--env.observations.actor=[ref_dof_pos,dof_pos,dof_vel]"])
    assert len(runs()) == 1

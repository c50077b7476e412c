"""train.py started by torchrun, from any directory: one run, exact resume, refusals said once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from legged_gym.scripts.train import train
from legged_gym.utils import paths

REPO = Path(__file__).resolve().parents[2]
SCRIPT = (str(REPO / "legged_gym/scripts/train.py"),)
MODULE = ("-m", "legged_gym.scripts.train")

pytestmark = pytest.mark.slow


def torchrun(*words: str) -> subprocess.CompletedProcess:
    """Two processes in the current directory."""
    launcher = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    return subprocess.run(
        [*launcher, *words],
        env=os.environ | {"PYTHONPATH": str(REPO)},
        capture_output=True,
        text=True,
        timeout=300,
    )


def content(run: Path, iteration: int) -> dict:
    return torch.load(run / f"model_{iteration}.pt", weights_only=True)


def test_two_processes_write_one_run_and_a_resumed_one_goes_on_bit_for_bit(workdir, small):
    options = ["--multi_gpu", *small, "--max_iterations=4", "--train.runner.save_interval=2"]
    first = torchrun(*SCRIPT, *options)
    assert first.returncode == 0, first.stderr
    (run,) = paths.list_runs("g1_deepmimic")
    assert sorted(path.name for path in run.iterdir()) == [
        "clips.csv", "config.yaml", "learning_curve.png", "model_2.pt", "model_4.pt", "progress.csv",
    ]  # fmt: skip
    assert first.stdout.count("observations: noise") == 1
    rows = (run / "progress.csv").read_text().splitlines()
    assert len(rows) == 1 + 4 and rows[-1].startswith(f"4,{4 * 8 * 4 * 2},")

    task = ("--multi_gpu", "--task=g1_deepmimic", "--resume", "--checkpoint=2", "--max_iterations=2")
    second = torchrun(*MODULE, *task)
    assert second.returncode == 0, second.stderr
    _, again = paths.list_runs("g1_deepmimic")
    whole, resumed = content(run, 4), content(again, 4)
    for part in ("actor_state_dict", "critic_state_dict"):
        assert all(torch.equal(value, resumed[part][name]) for name, value in whole[part].items())
    for one, other in zip(whole["other_processes"], resumed["other_processes"], strict=True):
        assert torch.equal(one["env_state"]["actions"], other["env_state"]["actions"])
        assert not torch.equal(one["env_state"]["actions"], whole["env_state"]["actions"])

    train(["--task=g1_deepmimic", "--resume", "--max_iterations=1"])  # by itself, with new episodes
    assert paths.list_checkpoints(paths.list_runs("g1_deepmimic")[-1]).keys() == {5}


def test_two_processes_distil_one_student_and_remember_who_acts(workdir, small):
    train([*small, "--max_iterations=1"])
    (teacher,) = paths.list_runs("g1_deepmimic")
    student = ["--task=g1_deepmimic_dagger", *(word for word in small if not word.startswith("--task"))]
    options = [*student, f"--train.algorithm.policy_to_clone={teacher}", "--train.algorithm.beta=0.5"]
    first = torchrun(*SCRIPT, "--multi_gpu", *options, "--max_iterations=4", "--train.runner.save_interval=2")
    assert first.returncode == 0, first.stderr
    _, run = paths.list_runs("g1_deepmimic")
    job = ("--multi_gpu", "--task=g1_deepmimic_dagger", "--resume", "--checkpoint=2", "--max_iterations=2")
    second = torchrun(*MODULE, *job)
    assert second.returncode == 0, second.stderr
    whole, resumed = content(run, 4), content(paths.list_runs("g1_deepmimic")[-1], 4)
    for name, value in whole["actor_state_dict"].items():
        assert torch.equal(value, resumed["actor_state_dict"][name])
    columns, *rows = (line.split(",") for line in (run / "progress.csv").read_text().splitlines())
    assert all(float(row[columns.index("loss/bc")]) > 0.0 for row in rows)
    assert torch.equal(whole["teacher_drives"], resumed["teacher_drives"])
    (other,), (again,) = whole["other_processes"], resumed["other_processes"]
    assert torch.equal(other["teacher_drives"], again["teacher_drives"])


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        (("--multi_gpu", "--env.deepmimic.share_clips=split"), "1 clip cannot be shared out to 2 processes"),
        (("--multi_gpu", "--env.rewards.scales.joint_pos_trackin=3"), "did you mean"),
        ((), "add --multi_gpu"),
    ],
)
def test_a_refusal_is_said_in_one_line_and_leaves_nothing(options, cause, workdir, small):
    job = torchrun(*SCRIPT, *small, "--max_iterations=1", *options)
    assert job.returncode != 0
    lines = [line for line in job.stderr.splitlines() if line.startswith("error: ")]
    assert lines and all(cause in line for line in lines)
    assert "Traceback" not in job.stderr.partition("torch/distributed/elastic")[0]
    assert not (workdir / "logs").exists()

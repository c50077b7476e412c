"""Training in two processes on this machine: one policy, the numbers of one process with all envs, a common end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from legged_gym.rl.networks import Normalizer
from legged_gym.rl.run_log import read_progress
from tests.rl import processes_worker as worker

REPO = Path(__file__).resolve().parents[2]
LONGEST_END_S = 30.0
"""In which a job must end after one of its processes has."""


def launch(what: str, folder: Path) -> subprocess.Popen:
    """Start two processes of the worker, with the rest of the environment as it is."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    return subprocess.Popen(
        [*launcher, str(REPO / "tests/rl/processes_worker.py"), what, str(folder)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(REPO)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What both processes found out, and the folder they wrote to."""
    folder = tmp_path_factory.mktemp("two")
    out, error = (job := launch("facts", folder)).communicate(timeout=300)
    assert job.returncode == 0, error
    both = [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in (0, 1)]
    return {"both": both, "folder": folder, "out": out, "error": error}


def tensors(state: dict) -> dict[str, torch.Tensor]:
    """All tensors of nested dictionaries by their path."""
    found = {}
    for key, value in state.items():
        if isinstance(value, dict):
            found |= {f"{key}.{path}": tensor for path, tensor in tensors(value).items()}
        elif isinstance(value, torch.Tensor):
            found[str(key)] = value
    return found


def equal(a: dict, b: dict) -> bool:
    """Whether two states are the same bit for bit."""
    a, b = tensors(a), tensors(b)
    return bool(a) and a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


@pytest.mark.slow
def test_both_learn_the_same_networks_with_the_same_learning_rate(facts) -> None:
    first, second = facts["both"]
    for what in ("whole", "resumed"):
        assert equal(first[what], second[what])
        assert first[what]["learning_rate"] == second[what]["learning_rate"]
    assert first["row"] == second["row"]


@pytest.mark.slow
def test_two_halves_of_the_envs_teach_what_all_of_them_teach_one_process(facts) -> None:
    torch.set_num_threads(1)
    alone = worker.learned(slice(0, worker.TOTAL))
    for theirs in facts["both"]:
        assert theirs["learned"]["learning_rate"] == pytest.approx(alone["learning_rate"])
        assert alone["learning_rate"] != 1e-3  # the schedule has moved
        # Nothing but the order of sums differs; weights move by 0.01 in this time.
        expected = tensors(alone["state"])
        for name, value in tensors(theirs["learned"]["state"]).items():
            torch.testing.assert_close(value, expected[name], rtol=1e-4, atol=2e-5, msg=name)
        kl = [loss["kl"] for loss in theirs["learned"]["losses"]]
        assert kl == pytest.approx([loss["kl"] for loss in alone["losses"]], rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["shared", "sent"])
def test_gradients_are_the_mean_in_every_process_whoever_is_late(facts, way: str) -> None:
    for both in facts["both"]:
        for k, mean in enumerate(both["gradients"][way]):
            assert mean.tolist() == [10.0 * k + 1.5] * (11 if k < 3 else 5)
        assert both["gradients"]["left"] == []


@pytest.mark.slow
def test_seeds_differ_so_that_rollouts_do(facts) -> None:
    first, second = (both["rollout"] for both in facts["both"])
    assert not torch.isclose(first[..., :2], second[..., :2]).any(-1).any()


@pytest.mark.slow
def test_normaliser_sees_the_observations_of_all(facts) -> None:
    data = torch.tensor([[0.0, 1.0], [4.0, 1.0]])
    alone = Normalizer(2)
    alone.update(torch.cat((data, data + 100.0)))
    for both in facts["both"]:
        for name, value in both["normalizer"].items():
            torch.testing.assert_close(value, alone.state_dict()[name])
    assert alone._mean[0].tolist() == [52.0, 51.0]


@pytest.mark.slow
def test_resumed_job_equals_the_uninterrupted_one_bit_for_bit(facts) -> None:
    for both in facts["both"]:
        assert equal(both["whole"], both["resumed"])
        assert equal(*both["envs"])
    first, second = (both["envs"][0] for both in facts["both"])
    assert not equal(first, second)


@pytest.mark.slow
def test_only_the_first_process_writes_and_speaks(facts) -> None:
    written = sorted(path.name for path in facts["folder"].glob("*/*"))
    assert written == ["model_3.pt", "model_6.pt", "model_6.pt", "progress.csv", "progress.csv"]
    assert facts["out"].count("saved") == 2
    assert facts["error"].count("processes train together") == 1


@pytest.mark.slow
def test_iterations_count_the_same_and_samples_of_all_count(facts) -> None:
    last = read_progress(facts["folder"] / "whole/progress.csv")[-1]
    assert (last["iteration"], last["samples"]) == ("6", str(6 * 8 * 2 * 8))


@pytest.mark.slow
def test_success_rates_of_clips_that_are_shared_out_are_known_to_all_and_used_by_their_own(facts) -> None:
    first, second = (both["statistics"] for both in facts["both"])
    assert (first["own"], second["own"]) == ([1.0, 0.5], [1.0])
    assert first["table"] == second["table"]
    rows = {row["clip"]: (row["success_rate"], row["episodes"]) for row in first["table"]}
    assert rows == {"a": (1.0, 1.0), "b": (1.0, 1.0), "c": (0.5, 2.0)}


@pytest.mark.slow
def test_failures_of_all_count_once(facts) -> None:
    for both in facts["both"]:
        # A step later all have faded once.
        assert both["failures"] == pytest.approx([0.998 * 1.0, 0.998 * 2.0, 0.0])


@pytest.mark.slow
def test_the_curriculum_judges_the_episodes_of_all(facts) -> None:
    assert [both["curriculum"] for both in facts["both"]] == [1, 1]


@pytest.mark.slow
def test_processes_with_other_settings_are_refused_by_name(facts) -> None:
    for both in facts["both"]:
        assert both["difference"] == "process 1 has another configuration than process 0: b is 1, not 0"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "cause"),
    [
        ("dies", "process 1 on .* failed: ZeroDivisionError: division by zero"),
        ("is_killed", "another process was killed or cannot be reached"),
        ("hangs", "stopped: process 1 on .* failed: ValueError: no more"),
    ],
)
def test_a_process_that_ends_ends_the_job_with_its_cause(what: str, cause: str, tmp_path: Path) -> None:
    job = launch(what, tmp_path)
    _, error = job.communicate(timeout=300)
    took = time.time() - float((tmp_path / "failed").read_text())
    assert job.returncode != 0
    lines = [line for line in error.splitlines() if line.startswith("error: ")]
    assert lines and all(re.search(cause, line) for line in lines), error
    assert took < LONGEST_END_S


@pytest.mark.slow
def test_ctrl_c_saves_the_same_iteration_of_both_and_ends(tmp_path: Path) -> None:
    job = launch("trains", tmp_path)
    deadline = time.monotonic() + 300
    while not list(tmp_path.glob("run/model_*.pt")):
        assert job.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    job.send_signal(signal.SIGINT)
    out, _ = job.communicate(timeout=60)
    last = read_progress(tmp_path / "run/progress.csv")[-1]
    content = torch.load(tmp_path / f"run/model_{last['iteration']}.pt", weights_only=True)
    assert len(content["other_processes"]) == 1
    assert "--resume --load_run=run" in out

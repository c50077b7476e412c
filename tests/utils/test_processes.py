"""What a process knows about the others before it meets them, and what it does by itself."""

from __future__ import annotations

import os

import pytest
import torch

from legged_gym.utils import processes, threads
from legged_gym.utils.errors import ConfigError

LAUNCHED = {
    "RANK": "3",
    "WORLD_SIZE": "4",
    "LOCAL_RANK": "1",
    "LOCAL_WORLD_SIZE": "2",
    "MASTER_ADDR": "127.0.0.1",
    "MASTER_PORT": "29500",
}


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody launched this process with others."""
    for name in LAUNCHED:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> None:
    """This is the fourth of four processes, the second on its machine."""
    for name, value in LAUNCHED.items():
        monkeypatch.setenv(name, value)


def gpus(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)


def test_many_processes_without_torchrun_are_told_the_command(alone: None) -> None:
    with pytest.raises(
        ConfigError, match=r"torchrun --nproc-per-node 2 legged_gym/scripts/train\.py --multi_gpu"
    ):
        processes.check_launch(True)


def test_torchrun_without_the_flag_is_refused(launched: None) -> None:
    with pytest.raises(ConfigError, match=r"torchrun started 4 processes.*add --multi_gpu"):
        processes.check_launch(False)


def test_flag_and_torchrun_belong_together(launched: None, monkeypatch: pytest.MonkeyPatch) -> None:
    processes.check_launch(True)
    for name in LAUNCHED:
        monkeypatch.delenv(name)
    processes.check_launch(False)


def test_each_process_takes_the_gpu_of_its_own_number(
    launched: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus(monkeypatch, 2)
    assert processes.device_of("rl_device", "cuda") == "cuda:1"
    assert processes.device_of("rl_device", "cpu") == "cpu"
    with pytest.raises(ConfigError, match="2 processes cannot share it; cuda is one GPU for each"):
        processes.device_of("rl_device", "cuda:0")
    gpus(monkeypatch, 1)
    with pytest.raises(ConfigError, match="--rl_device=cuda: needs 2 GPUs, torch finds 1"):
        processes.device_of("rl_device", "cuda")


def test_a_process_alone_takes_the_gpu_it_names(alone: None, monkeypatch: pytest.MonkeyPatch) -> None:
    gpus(monkeypatch, 2)
    assert processes.device_of("rl_device", "cuda") == "cuda:0"
    assert processes.device_of("rl_device", "cuda:1") == "cuda:1"
    with pytest.raises(ConfigError, match="--rl_device=cuda:2: needs 3 GPUs, torch finds 2"):
        processes.device_of("rl_device", "cuda:2")


def test_processes_of_a_machine_share_its_cores(alone: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(5)), raising=False)
    assert threads.available_cores() == 5
    for beside, cores in ((2, 2), (8, 1)):
        monkeypatch.setenv("LOCAL_WORLD_SIZE", str(beside))
        assert threads.available_cores() == cores


def test_a_process_alone_is_a_group_of_one() -> None:
    values = torch.tensor([1.0, 2.0])
    assert processes.sum_over_processes(values) is values and values.tolist() == [1.0, 2.0]
    assert processes.mean_over_processes(values).tolist() == [1.0, 2.0]
    assert (processes.rank(), processes.world_size(), processes.joined()) == (0, 1, False)
    assert processes.gather("x") == processes.gather_to_first("x") == ["x"]
    assert processes.from_first(lambda: "made") == "made"
    assert processes.any_process(True) and not processes.any_process(False)
    processes.require_same("configuration", {"a": 1})


def test_an_error_of_all_is_printed_by_the_first_of_a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(processes.time, "sleep", waited.append)
    for rank, expected in (("0", []), ("1", [processes.FIRST_SPEAKS_S])):
        monkeypatch.setenv("LOCAL_RANK", rank)
        processes.let_first_speak()
        assert waited == expected

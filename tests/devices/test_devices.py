"""With a GPU for the simulation, the learner or both, everything is where it belongs, and the same numbers come out.

On a stand-in that is as strict as a GPU, each time in a process of its own.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.sim.warp_cases import needs_warp, prepare

ROOT = Path(__file__).resolve().parents[2]
STEPS = 2 * 16
"""Of a training here: iterations x steps of one."""
TIMES = ("minutes", "samples_per_s", "time_ms/")
"""Columns that are of the machine."""
ONCE_A_STEP = {
    # Which episodes ended; whoever begins anew must be known by number.
    "envs/base/legged_robot.py: ids = done.nonzero().squeeze(-1) (aten::nonzero)",
    # As on Warp's CPU device; on CUDA a copy that nobody waits for.
    "sim/mujoco_warp_readings.py: return self._counters.tolist() (to the host)",
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("devices")


def run(work: Path, devices: str, script: str, *options: str) -> dict[str, int]:
    """A script on devices, "<simulation> <learner>". Returns how often which line asked the device for something."""
    env = dict(os.environ)
    if devices.split()[0] != "cpu":
        prepare()
        import warp

        env["WARP_CACHE_PATH"] = str(Path(warp.config.kernel_cache_dir).parent)
    command = [sys.executable, "-m", "tests.devices.on_stand_in", *devices.split(), script, *options]
    env["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(command, cwd=work, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def train(work: Path, devices: str, *options: str, task: str = "g1_deepmimic") -> tuple[Path, dict[str, int]]:
    """Two short iterations; returns the run's folder and what was asked."""
    name = "_".join((task, *devices.replace(":", "").split()))
    asked = run(
        work, devices, "train", f"--task={task}", "--headless", "--num_envs=16", "--max_iterations=2",
        "--train.algorithm.use_mixed_precision=False", f"--run_name={name}", *options,
    )  # fmt: skip
    return max((work / "logs").glob(f"*/*{name}")), asked


def learned(folder: Path) -> list[dict[str, str]]:
    """The run's table without what is of the machine."""
    with open(folder / "progress.csv", newline="") as file:
        return [{k: v for k, v in row.items() if not k.startswith(TIMES)} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def on_warp(work: Path) -> Path:
    """A run of Warp's engine on its CPU device, without the stand-in."""
    return train(work, "warp:cpu cpu")[0]


def test_a_learner_on_a_gpu_learns_the_same_from_a_simulation_on_the_cpu(work: Path) -> None:
    folder, asked = train(work, "cpu standin")
    assert learned(folder) == learned(train(work, "cpu cpu")[0])
    assert any("act(self._obs).to(self.env.device)" in line for line in asked)


@needs_warp
@pytest.mark.parametrize("learner", ["standin", "cpu"])
def test_a_simulation_on_a_gpu_gives_both_learners_the_same(work: Path, on_warp: Path, learner: str) -> None:
    folder, asked = train(work, f"standin {learner}")
    assert learned(folder) == learned(on_warp)
    often = {line for line, times in asked.items() if times >= STEPS and not line.startswith("rl/")}
    assert often == ONCE_A_STEP
    if learner == "standin":
        assert not [line for line, times in asked.items() if times >= STEPS and line.startswith("rl/")]


@needs_warp
@pytest.mark.parametrize("devices", ["standin standin", "standin cpu", "cpu standin"])
def test_a_student_learns_from_a_teacher_on_any_devices(work: Path, on_warp: Path, devices: str) -> None:
    folder, _ = train(
        work, devices, f"--train.algorithm.policy_to_clone={on_warp}", "--train.algorithm.cloning_iterations=1",
        "--train.algorithm.buffer_iterations=1", "--env.deepmimic.joystick_share=0.5",
        task="g1_deepmimic_root_heightfield_dagger",
    )  # fmt: skip
    assert float(learned(folder)[-1]["loss/bc"]) > 0.0


@needs_warp
def test_what_was_trained_on_a_gpu_resumes_there_and_is_judged_anywhere(work: Path) -> None:
    folder, _ = train(work, "standin standin", "--preset=robust")
    name = "--train.algorithm.use_mixed_precision=False", f"--load_run={folder}"
    run(
        work,
        "standin standin",
        "train",
        "--task=g1_deepmimic",
        "--headless",
        "--resume",
        *name,
        "--max_iterations=1",
    )
    judged: list[Any] = []
    for devices in ("standin cpu", "warp:cpu cpu"):
        out = work / f"{devices.split()[0].replace(':', '')}.json"
        run(
            work, devices, "evaluate", "--task=g1_deepmimic", f"--load_run={folder}", "--num_starts=2", f"--out={out}",
            *([f"--sim_device={devices.split()[0]}"] if "warp" in devices else []),
        )  # fmt: skip
        judged.append(json.loads(out.read_text())["clips"])
    assert judged[0] == judged[1]


REFUSED = {
    "mixed": "torch.ones(3, device=D) + torch.ones(3)",
    "index": "torch.ones(3).index_fill_(0, torch.zeros(1, dtype=torch.long, device=D), 1.0)",
    "joined": "torch.stack((torch.ones((), device=D), torch.ones(())))",
    "generator": "torch.rand(3, device=D, generator=torch.Generator())",
    "numpy": "torch.ones(3, device=D).numpy()",
}


def test_the_stand_in_is_as_strict_as_a_gpu_and_takes_what_a_gpu_takes() -> None:
    code = f"""
import torch
from tests.devices import stand_in
stand_in.install()
D = stand_in.DEVICE
for name, code in {REFUSED!r}.items():
    try:
        eval(code)
    except RuntimeError:
        print(name)
x = torch.ones(3, device=D)
x[torch.tensor([1])] = 2.0
assert (x * torch.tensor(2.0)).tolist() == [2.0, 4.0, 2.0]
assert torch.rand(2, device=D, generator=torch.Generator(device=D)).device == torch.device(D)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.split() == list(REFUSED), done.stderr

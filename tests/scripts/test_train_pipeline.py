"""train_pipeline.py: recipes checked to the last option, stages that build on each other, going on where it ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from legged_gym.evaluation.report import RULES
from legged_gym.scripts._pipeline_state import Progress
from legged_gym.scripts._recipe_file import find_recipe, load_recipe
from legged_gym.scripts.train import train
from legged_gym.scripts.train_pipeline import main, train_pipeline
from legged_gym.utils import paths
from legged_gym.utils.errors import ConfigError, RunError

REPO = Path(__file__).resolve().parents[2]
SHIPPED = sorted(path.stem for path in (REPO / "resources/recipes").glob("*.yaml"))
STUDENT = "g1_deepmimic_root_heightfield"


@pytest.fixture
def content(small) -> dict[str, Any]:
    """A recipe that takes seconds: a policy, another one with eyes that begins with it."""
    options = dict(option.removeprefix("--").split("=", 1) for option in small)
    del options["task"]
    return {
        "name": "two",
        "args": options,
        "stages": [
            {"name": "blind", "task": "g1_deepmimic", "max_iterations": 2},
            {
                "name": "seeing",
                "task": "g1_deepmimic_proj_heightfield",
                "from": "blind",
                "max_iterations": 3,
                "args": {"train.runner.load_model_strict": False},
            },
        ],
    }


def written(content: dict[str, Any]) -> Path:
    """The recipe as a file in the current directory."""
    file = Path("recipe.yaml")
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    return file


def trained(stage: str, iterations: int, time: str = "20260101_120000") -> str:
    """A run folder as train.py leaves it, as far as the pipeline looks: a checkpoint is a whole zip archive."""
    run = Path("logs/two") / f"{time}_{stage}"
    run.mkdir(parents=True)
    with zipfile.ZipFile(run / f"model_{iterations}.pt", "w"):
        pass
    return run.name


def commands(capsys, *options: str) -> list[list[str]]:
    """Words after the script of every command that a dry run prints."""
    assert train_pipeline(["recipe.yaml", "--dry_run", *options]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    return [line[next(i for i, word in enumerate(line) if word.endswith(".py")) :] for line in lines]


# ---------------------------------------------------------------------- recipes


@pytest.mark.parametrize("name", SHIPPED)
def test_a_recipe_that_ships_begins_with_the_four_stages_in_order(name):
    recipe = load_recipe(find_recipe(name), [])
    assert recipe.name == name
    assert [(stage.name, stage.inputs) for stage in recipe.stages[:4]] == [
        ("mocap", {}),
        ("terrain", {"from": "mocap"}),
        ("distillation", {"teacher": "terrain"}),
        ("finetuning", {"from": "distillation"}),
    ]


def test_the_recipe_of_the_page_is_one(workdir):
    page = (REPO / "doc/pipeline.md").read_text()
    Path("page.yaml").write_text(page.partition("```yaml\n")[2].partition("```")[0])
    recipe = load_recipe(Path("page.yaml"), [])
    assert [stage.inputs for stage in recipe.stages] == [{}, {"from": "mocap"}, {"teacher": "terrain"}]


def changed(content: dict[str, Any], stage: int | None, **values: Any) -> dict[str, Any]:
    target = content if stage is None else content["stages"][stage]
    target.update({"from" if key == "start" else key: value for key, value in values.items()})
    return content


@pytest.mark.parametrize(
    ("stage", "values", "message"),
    [
        (None, {"process": 2}, "recipe.yaml: unknown field process; did you mean processes"),
        (None, {"name": "a/b"}, "recipe.yaml: name is 'a/b'"),
        (None, {"processes": 0}, "recipe.yaml: processes is 0; it must be at least 1"),
        (None, {"args": {"num_env": 3}}, "stage blind: unknown option --num_env; did you mean --num_envs"),
        (None, {"stages": []}, "recipe.yaml: stages must be a list"),
        (0, {"max_iteration": 3}, "stage blind: unknown key max_iteration; did you mean max_iterations"),
        (0, {"max_iterations": "many"}, "stage blind: max_iterations: many is not an integer"),
        (0, {"max_iterations": 0}, "stage blind: max_iterations is 0; it must be at least 1"),
        (0, {"name": ""}, "stage 1: name is ''"),
        (0, {"task": "g1_deepmimc"}, "stage blind: unknown task g1_deepmimc; did you mean g1_deepmimic"),
        (0, {"start": "seeing"}, "stage blind: from is seeing; it must be a stage before this one: none"),
        (1, {"start": "seeing"}, "stage seeing: from is seeing; it must be a stage before this one: blind"),
        (1, {"teacher": "blnd"}, "stage seeing: teacher is blnd; it must be a stage before this one: blind"),
        (1, {"start": ["blind"]}, r"stage seeing: from is \['blind'\]; it must be the name of a stage"),
        (1, {"name": "blind"}, "stage blind: name is 'blind'; .*no other stage's"),
        (1, {"args": {"seed": "x"}}, "stage seeing: --seed: x is not an integer"),
        (1, {"args": {"train.algorithm.gamma": 2}}, "stage seeing: train.algorithm.gamma must be at most 1"),
        (1, {"args": {"env.deepmimic.n_append": -1}}, "stage seeing: deepmimic.n_append is -1"),
        (1, {"args": {"train.runner.load_run": "x"}}, "stage seeing: args: train.runner.load_run is given by"),
        (1, {"args": {"max_iterations": 9}}, "stage seeing: args: max_iterations is given by the pipeline"),
        (1, {"evaluate": {"num_starts": 0}}, "stage seeing: --num_starts=0: must be at least 1"),
        (1, {"evaluate": {"out": "x.json"}}, "stage seeing: evaluate: out is given by the pipeline itself"),
    ],
)  # fmt: skip
def test_a_wrong_recipe_is_refused_with_file_stage_and_value(workdir, content, stage, values, message):
    written(changed(content, stage, **values))
    with pytest.raises(ConfigError, match=message) as error:
        train_pipeline(["recipe.yaml"])
    assert str(error.value).startswith("recipe.yaml")
    assert not Path("logs").exists()


def test_an_unknown_recipe_names_those_that_ship(workdir):
    with pytest.raises(ConfigError, match=f"no recipe videomimik.*{', '.join(SHIPPED)}"):
        find_recipe("videomimik")


def test_clips_that_are_not_there_are_found_out_before_the_first_stage_trains(workdir, content):
    content["stages"][1]["args"]["env.deepmimic.amass_replay_data_path"] = "nothing/*.npz"
    written(content)
    with pytest.raises(ConfigError, match=r"stage seeing: no file matches nothing/\*\.npz"):
        train_pipeline(["recipe.yaml"])
    assert not Path("logs").exists()


def test_values_can_be_changed_by_their_path(workdir, content):
    content["stages"][1]["args"]["seed"] = 3
    settings = ["name=b", "processes=2", "args.seed=7", "blind.max_iterations=5", "seeing.from=None"]
    recipe = load_recipe(written(content), [*settings, "seeing.evaluate.num_starts=8"])
    assert (recipe.name, recipe.processes, recipe.stage("blind").max_iterations) == ("b", 2, 5)
    assert [stage.args["seed"] for stage in recipe.stages] == ["7", "3"]  # a stage's own win
    assert recipe.stage("seeing").inputs == {}
    assert recipe.stage("seeing").evaluate == {"num_starts": "8"}


@pytest.mark.parametrize("setting", ["sed=3", "blind=3", "name.x=3", "args", "stages=3"])
def test_a_change_that_leads_nowhere_is_refused(workdir, content, setting):
    with pytest.raises(ConfigError, match=f"--set {setting}: "):
        load_recipe(written(content), [setting])


# ---------------------------------------------------------------------- commands


def test_a_dry_run_prints_commands_that_name_the_runs_to_come(workdir, content, capsys):
    content["stages"][1] |= {"task": STUDENT, "evaluate": {"num_starts": 4}}
    written(content)
    train_blind, train_seeing, judge = commands(capsys)
    assert [words[0].rpartition("/")[2] for words in (train_blind, train_seeing, judge)] == [
        "train.py",
        "train.py",
        "evaluate.py",
    ]
    assert {"--task=g1_deepmimic", "--experiment_name=two", "--run_name=blind", "--max_iterations=2"} <= set(
        train_blind
    )
    assert "--fine_tune" not in train_blind
    assert train_seeing[-4:] == ["--fine_tune", "'--load_run=<run", "of", "blind>'"]
    assert "--num_starts=4" in judge
    assert not Path("logs").exists()


def test_several_processes_are_started_by_torchrun(workdir, content, capsys):
    written(content)
    assert train_pipeline(["recipe.yaml", "--dry_run", "--set", "processes=2"]) == 0
    command = capsys.readouterr().out.splitlines()[1]
    assert " -m torch.distributed.run --standalone --nproc-per-node=2 " in command
    assert "train.py --multi_gpu --task=g1_deepmimic " in command


def state(content: dict[str, Any], **iterations: int) -> list[str]:
    """Stages that were trained so far, noted as the pipeline does."""
    recipe = load_recipe(written(content), [])
    progress, runs = Progress(recipe), []
    for name, done in iterations.items():
        Path("logs/two").mkdir(parents=True, exist_ok=True)
        progress.begin(recipe.stage(name))
        runs.append(trained(name, done))
        progress.save()
    return runs


def test_an_unfinished_stage_goes_on_with_what_is_missing(workdir, content, capsys):
    content["stages"][1]["args"] |= {"train.policy.re_init_std": True, "seed": 5}
    _, run = state(content, blind=2, seeing=1)
    (command,) = commands(capsys)
    assert {f"--load_run={run}", "--resume", "--max_iterations=2", "--seed=5"} <= set(command)
    # Its noise was set when it began.
    assert "--train.policy.re_init_std=False" in command and "--train.policy.re_init_std=True" not in command
    assert "--fine_tune" not in command


def test_a_stage_takes_the_run_that_came_furthest_and_older_runs_do_not_count(workdir, content, capsys):
    trained("blind", 9, "20250101_120000")  # before the pipeline
    trained("seeing", 9, "20250101_120000")
    state(content, blind=1)
    trained("blind_too", 2, "20260101_130000")  # another stage's, or a user's
    run = trained("blind", 2, "20260101_140000")  # went on from the first
    (command,) = commands(capsys)
    assert command[-2:] == ["--fine_tune", f"--load_run={run}"]


def test_more_iterations_train_on_and_everything_else_is_refused(workdir, content, capsys):
    state(content, blind=2)
    (first, _) = commands(capsys, "--set", "blind.max_iterations=6")
    assert {"--resume", "--max_iterations=4"} <= set(first)
    with pytest.raises(
        RunError, match=r"stage blind has 2 iterations .* args\.seed was not set, is 4\. --restart=blind"
    ):
        commands(capsys, "--set", "blind.args.seed=4")
    with pytest.raises(RunError, match="processes was 1, is 2"):
        commands(capsys, "--set", "processes=2")


def test_a_stage_whose_input_changes_is_refused(workdir, content, capsys):
    state(content, blind=2, seeing=1)
    with pytest.raises(RunError, match=r"stage seeing has 1 .* but blind \(from\) is to be trained first"):
        commands(capsys, "--set", "blind.max_iterations=6")
    run = trained("blind", 6, "20260101_130000")
    with pytest.raises(RunError, match=rf"from was 20260101_120000_blind/model_2\.pt, is {run}/model_6\.pt"):
        commands(capsys, "--set", "blind.max_iterations=6")


@pytest.mark.parametrize("option", ["--only", "--from"])
def test_stages_that_are_left_out_are_taken_as_they_are(workdir, content, capsys, option):
    (run,) = state(content, blind=2)
    (command,) = commands(capsys, f"{option}=seeing", "--set", "blind.args.seed=4")
    assert command[-1] == f"--load_run={run}"
    with pytest.raises(
        RunError, match=r"from is blind, which has 2 of 5 iterations: .* --set blind.max_iterations=2"
    ):
        commands(capsys, f"{option}=seeing", "--set", "blind.max_iterations=5")
    assert len(commands(capsys, "--only=blind", "--restart=blind")) == 1


def test_a_restart_takes_what_builds_on_it_along_and_keeps_the_runs(workdir, content, capsys):
    content["stages"].append({"name": "apart", "task": "g1_deepmimic", "max_iterations": 2})
    runs = state(content, blind=2, seeing=3, apart=2)
    assert commands(capsys) == []
    first, second = commands(capsys, "--restart=blind")
    assert "--run_name=blind" in first and "--resume" not in first
    assert "--run_name=seeing" in second and second[-2:] == ["of", "blind>'"]
    assert [run.name for run in paths.list_runs("two")] == sorted(runs)
    with pytest.raises(ConfigError, match="--restart=blind: it is not among the stages to run, apart"):
        commands(capsys, "--only=apart", "--restart=blind")
    with pytest.raises(ConfigError, match="has no stage blnd; did you mean blind"):
        commands(capsys, "--restart=blnd")


def test_a_run_that_is_gone_is_said(workdir, content, capsys):
    (run,) = state(content, blind=2)
    Path("logs/two", run).rename(Path("logs/two", "elsewhere"))
    with pytest.raises(RunError, match=f"its run {run} is gone. --restart=blind"):
        commands(capsys)


def test_a_second_pipeline_in_the_same_folder_is_refused(workdir, content):
    import fcntl

    state(content, blind=2)
    with open("logs/two/pipeline.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(RunError, match=r"another train_pipeline\.py, or a command that it left running"):
            train_pipeline(["recipe.yaml"])


# ---------------------------------------------------------------------- training


def weights(run: Path, iteration: int) -> torch.Tensor:
    content = torch.load(run / f"model_{iteration}.pt", weights_only=True)
    parts = [*content["actor_state_dict"].values(), *content["critic_state_dict"].values()]
    return torch.cat([part.flatten().double() for part in parts])


def test_fine_tuning_begins_a_run_of_its_own_with_the_weights_of_another(workdir, small):
    train([*small, "--max_iterations=3", "--env.rewards.scales.action_rate=-0.125", "--seed=4"])
    (first,) = paths.list_runs("g1_deepmimic")
    train([*small, "--max_iterations=0", "--fine_tune", f"--load_run={first.name}"])
    second = paths.list_runs("g1_deepmimic")[-1]
    content, before = (
        torch.load(path, weights_only=True) for path in (second / "model_0.pt", first / "model_3.pt")
    )
    for part, origin in (("actor", "policy"), ("critic", "critic")):  # the policy for use is averaged
        for name, value in before[f"{origin}_state_dict"].items():
            assert torch.equal(content[f"{part}_state_dict"][name], value)
    assert content["samples"] == 0 and not content["actor_optimizer_state_dict"]["state"]
    saved = yaml.safe_load((second / "config.yaml").read_text())
    assert saved["env"]["rewards"]["scales"]["action_rate"] == -0.05 and saved["train"]["seed"] == 1
    train([*small, "--max_iterations=1", "--fine_tune", f"--load_run={first.name}"])
    third = paths.list_runs("g1_deepmimic")[-1]
    assert (third / "progress.csv").read_text().splitlines()[1].startswith("1,32,")  # its own curve
    with pytest.raises(ConfigError, match="--resume goes on with a run and --fine_tune begins one"):
        train([*small, "--resume", "--fine_tune"])


@pytest.fixture
def as_commands(monkeypatch):
    """Commands that a test starts find the package of this checkout."""
    monkeypatch.setenv("PYTHONPATH", str(REPO))


@pytest.mark.slow
def test_stages_run_one_after_the_other_and_are_judged_once(workdir, content, as_commands, capfd):
    content["stages"][0]["evaluate"] = {"num_starts": 2, "num_from_start": 0, "num_envs": 2}
    written(content)
    assert train_pipeline(["recipe.yaml"]) == 0
    blind, seeing = paths.list_runs("two")
    printed, logged = capfd.readouterr()
    assert f"warm start from {blind / 'model_2.pt'} " in logged
    report = yaml.safe_load((blind / "evaluation.json").read_text())
    assert report["rules"] == RULES and report["total"]["episodes"] == 2
    assert paths.list_checkpoints(seeing).keys() == {3}  # its own count, whatever it began with
    row = next(line for line in printed.splitlines()[::-1] if blind.name in line)
    assert row.split()[1:3] == ["2", "6.4e-05"]  # iterations, million samples of 8 robots x 4 steps
    assert f"{100 * report['total']['success_rate']:.0f}%" in row

    judged = (blind / "evaluation.json").stat().st_mtime_ns
    assert train_pipeline(["recipe.yaml"]) == 0
    assert len(paths.list_runs("two")) == 2
    assert (blind / "evaluation.json").stat().st_mtime_ns == judged
    assert "finished" in capfd.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_pipeline_goes_on_to_the_same_policy(
    workdir, content, small, as_commands, capfd, number
):
    content["stages"] = content["stages"][:1]
    content["args"] |= {"train.runner.save_interval": 5}
    file = written(content)
    command = [sys.executable, str(REPO / "legged_gym/scripts/train_pipeline.py"), str(file)]
    process = subprocess.Popen(
        [*command, "--set", "blind.max_iterations=100000"],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not list(Path("logs/two").glob("*/model_10.pt")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, number)  # as a terminal does; it must reach the training once
    printed = process.communicate(timeout=60)[0]
    assert process.returncode == 130
    assert "go on with: train_pipeline.py recipe.yaml --set=blind.max_iterations=100000" in printed
    done = max(paths.list_checkpoints(paths.list_runs("two")[0]))
    total = done + 3
    assert train_pipeline(["recipe.yaml", "--set", f"blind.max_iterations={total}"]) == 0
    second = paths.list_runs("two")[-1]
    train([*small, f"--max_iterations={total}", "--run_name=whole"])
    assert torch.equal(weights(second, total), weights(paths.list_runs("g1_deepmimic")[0], total))


@pytest.mark.slow
def test_a_stage_that_fails_ends_the_pipeline_with_its_cause(
    workdir, content, as_commands, capfd, monkeypatch
):
    content["stages"][1]["args"] = {"train.policy.actor_hidden_dims": [8, 8]}
    written(content)
    monkeypatch.setattr(sys, "argv", ["train_pipeline.py", "recipe.yaml"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    lines = [line for line in capfd.readouterr().err.splitlines() if line.startswith("error:")]
    assert "terrain_height" in lines[0] and "load_model_strict" in lines[0]  # the training's own words
    assert lines[1].startswith("error: stage seeing ended with status 2 after 0 of 3 iterations")
    assert [run.name[16:] for run in paths.list_runs("two")] == ["blind"]

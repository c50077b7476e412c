"""Command lines become flags and a resolved configuration, or one line that says what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch

from legged_gym.utils import cli
from legged_gym.utils.cli import Command, CommonArgs, parse_command
from legged_gym.utils.errors import ConfigError, DependencyError, RunError
from legged_gym.utils.task_registry import TaskSpec

pytestmark = pytest.mark.usefixtures("small_task")


@dataclass
class PlayArgs(CommonArgs):
    """Look at a policy."""

    num_envs: int | None = 1
    """Robots on the page."""
    video: Path | None = None
    """File to write."""


def parse(*options: str, **keywords: Any) -> Command:
    return parse_command(["--task=small", *options], **keywords)


def test_without_options_the_task_is_as_it_defines_itself(cfg) -> None:
    assert parse().cfg == cfg


@pytest.mark.parametrize(
    "options", [["--env.env.num_envs=7"], ["--env.env.num_envs", "7"], ["--env.env.num-envs=7"]]
)
def test_three_ways_to_write_an_option(options: list[str]) -> None:
    assert parse(*options).cfg.env.env.num_envs == 7


def test_values_of_every_kind() -> None:
    env = parse(
        "--env.control.scale=0.25",
        "--env.control.gains={hip: 75, knee: 100}",
        "--env.control.note=a = b",  # an equals sign inside the value
        "--env.ground=ROUGH",
        "--env.locked=a,b",
        "--env.limits",
        "[-1, inf]",
        "--env.control.noisy=True",
    ).cfg.env
    assert (env.control.scale, env.control.gains) == (0.25, {"hip": 75.0, "knee": 100.0})
    assert env.control.note == "a = b"
    assert env.ground.name == "ROUGH"
    assert (env.locked, env.limits, env.control.noisy) == (["a", "b"], (-1.0, float("inf")), True)


def test_negative_number_after_a_space_is_a_value() -> None:
    assert parse("--env.control.scale", "-1.5").cfg.env.control.scale == -1.5


def test_none_resets_an_optional_field() -> None:
    assert parse("--env.control.scale=1", "--env.control.scale=None").cfg.env.control.scale is None


def test_switch_without_value_means_true_and_takes_one() -> None:
    command = parse("--resume", "--env.control.noisy", "--headless", "False")
    assert command.args.resume and command.cfg.train.runner.resume and command.cfg.env.control.noisy
    assert not command.args.headless


def test_run_name_that_looks_like_a_number_stays_text() -> None:
    command = parse("--run_name", "20250410_063030", "--load_run=20250410")
    assert command.cfg.train.runner.run_name == "20250410_063030"
    assert command.args.load_run == command.cfg.train.runner.load_run == "20250410"


def test_flag_and_its_field_are_two_names_of_one_thing() -> None:
    assert parse("--num_envs=7").cfg.env.env.num_envs == 7
    assert parse("--env.env.num_envs=7").args.num_envs == 7
    assert parse("--num_envs=7", "--env.env.num_envs=8").args.num_envs == 8  # the last one counts
    assert parse().args.num_envs == 256
    assert parse("--num_envs=7").given == {"task", "num_envs", "env.env.num_envs"}


def test_alias_of_a_field() -> None:
    assert parse("--env.action_scale=0.5").cfg.env.control.scale == 0.5


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--env.control.mod=pd", "unknown option --env.control.mod; did you mean --env.control.mode"),
        ("--env.num_envs=1", "did you mean --env.env.num_envs, --num_envs"),
        ("--num_evs=1", "did you mean --num_envs"),
        ("--env.rewards.noisy=True", "--env.control.noisy"),  # right name under a wrong group
        ("--env.control=1", "it is a group of fields: --env.control.mode"),
        ("--zzz=1", "--task NAME --help lists all options"),
        ("--env.env.num_envs=1.5", "--env.env.num_envs: 1.5 is not an integer"),
        ("--num_envs=many", "--num_envs: many is not an integer"),
        ("--env.control.mode=pdd", "pdd is not one of none, pd"),
        ("--env.control.noisy=yes", "yes is not True or False"),
        ("--env.control.mode", "--env.control.mode needs a value: one of none, pd"),
        ("--checkpoint=None", "--checkpoint: None is not an integer"),
        ("--preset=bigg", "did you mean big?"),
        ("--config=absent.yaml", "cannot read config file absent.yaml"),
        ("legged_gym/scripts/train.py", "unexpected argument 'legged_gym/scripts/train.py'"),
    ],
)
def test_wrong_option_says_what_would_be_right(option: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(option)
    assert message in str(caught.value)


def test_task_is_required_and_must_exist() -> None:
    with pytest.raises(ConfigError, match="--task is required; tasks: small"):
        parse_command([])
    with pytest.raises(ConfigError, match=r"unknown task smal; did you mean small\?"):
        parse_command(["--task", "smal"])


def test_precedence(tmp_path: Path) -> None:
    file = tmp_path / "part.yaml"
    file.write_text("train: {seed: 4, dims: [4]}\nenv: {locked: [four]}\n")
    saved = {
        "env": {"locked": ["three"], "env": {"num_envs": 3}, "ground": "ROUGH"},
        "train": {"dims": [3], "seed": 3},
    }
    command = parse("--preset=big", f"--config={file}", "--seed=5", saved_config=lambda args: saved)
    assert command.cfg.train.seed == 5  # command line
    assert command.cfg.env.locked == ["four"]  # over --config file
    assert command.cfg.train.dims == (4,)
    assert command.cfg.env.env.num_envs == 3  # over saved run
    assert command.cfg.env.ground.name == "ROUGH"
    assert parse("--preset=big").cfg.env.env.num_envs == 4096  # over preset, over the task's own


def test_script_default_of_a_flag_is_over_a_saved_configuration() -> None:
    saved = {"env": {"env": {"num_envs": 3}}}
    play = {"args_type": PlayArgs, "saved_config": lambda args: saved}
    assert parse(**play).cfg.env.env.num_envs == 1
    assert parse("--env.env.num_envs=9", **play).args.num_envs == 9
    assert parse("--video=out.mp4", **play).args.video == Path("out.mp4")


def test_what_a_saved_run_started_from_is_not_inherited() -> None:
    saved = {"train": {"runner": {"resume": True, "load_run": "older", "checkpoint": 5, "run_name": "kept"}}}
    runner = parse("--load_run=newer", saved_config=lambda args: saved).cfg.train.runner
    assert (runner.resume, runner.load_run, runner.checkpoint) == (False, "newer", -1)
    assert runner.run_name == "kept"


def test_saved_configuration_is_asked_for_with_the_experiment_of_the_task() -> None:
    asked = []
    parse(saved_config=lambda args: asked.append((args.experiment_name, args.load_run)))
    parse(
        "--experiment_name=other",
        "--load_run=x",
        saved_config=lambda args: asked.append(args.experiment_name),
    )
    assert asked == [("small", None), "other"]


def test_help_without_task_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_command(["--help"], PlayArgs)
    text = capsys.readouterr().out
    assert caught.value.code == 0
    for part in (
        "Look at a policy.",
        "small  stands there",
        "--num_envs",
        "File to write.",
        "--env.group.field=value",
    ):
        assert part in text


def test_help_of_a_task_shows_fields_with_defaults_and_docstrings(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse("--preset=big", "-h")
    text = " ".join(capsys.readouterr().out.split())
    assert "--env.env.num_envs INT" in text
    assert "Robots simulated in parallel. (default: 4096)" in text
    assert "--env.control.mode none|pd" in text
    assert "Presets: big" in text


@pytest.mark.parametrize(
    ("flag", "value", "reason"),
    [
        ("rl_device", "cuda", r"only train\.py has a learner"),
        ("multi_gpu", "True", r"only train\.py works in several processes"),
    ],
)
def test_what_a_script_cannot_use_is_refused_with_a_reason(flag: str, value: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=f"--{flag}.*{reason}"):
        cli.check_devices(parse(f"--{flag}={value}").args)


def test_a_learner_may_be_on_a_gpu() -> None:
    cli.check_devices(parse("--rl_device=cuda").args, learns=True)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_simulation_on_a_gpu_that_is_not_there_says_what_is_missing() -> None:
    with pytest.raises(DependencyError, match=r"--sim_device=cuda:1: .*torch"):
        cli.check_devices(parse("--sim_device=cuda:1", "--rl_device=cuda").args, learns=True)


@pytest.mark.skipif(find_spec("mujoco_warp") is not None, reason="MuJoCo Warp is installed here")
@pytest.mark.parametrize("device", ["cuda", "warp:cpu"])
def test_a_simulation_without_its_engine_names_the_extra_to_install(device: str) -> None:
    with pytest.raises(DependencyError, match=r"pip install 'videomimic-gym\[gpu\]'"):
        cli.check_devices(parse(f"--sim_device={device}").args)


def test_malformed_device_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"must be cpu or cuda\[:index\]"):
        cli.check_devices(parse("--sim_device=gpu").args)


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (RunError("two\nlines"), 2, "error: two lines\n"),
        (KeyboardInterrupt(), 130, ""),
        (None, 0, ""),
    ],
)
def test_exit_status(
    error: Exception | None, status: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def main(argv: list[str]) -> None:
        assert argv == ["--task"]
        if error is not None:
            raise error

    with pytest.raises(SystemExit) as caught:
        cli.run_main(main, ["--task"])
    assert (caught.value.code or 0) == status
    assert capsys.readouterr().err == line


def test_defects_keep_their_traceback() -> None:
    def main(argv: list[str]) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cli.run_main(main, [])


def test_a_task_must_have_the_fields_that_flags_stand_for(small_task: TaskSpec, monkeypatch) -> None:
    monkeypatch.setitem(cli.FLAG_FIELDS, "seed", "train.sed")
    with pytest.raises(AssertionError, match=r"train\.sed"):
        parse()

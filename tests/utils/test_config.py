"""Trees of dataclasses: merging, YAML, and errors that give file and path."""

from __future__ import annotations

from pathlib import Path

import pytest

from legged_gym.utils.config import (
    TaskCfg,
    from_dict,
    from_yaml,
    leaf_types,
    load_yaml,
    merge,
    suggest,
    to_dict,
    to_yaml,
)
from legged_gym.utils.errors import ConfigError


def test_yaml_round_trip_of_every_kind_of_field(cfg: TaskCfg) -> None:
    cfg.env.ground = type(cfg.env.ground).ROUGH
    cfg.env.control.scale = 1e-5  # PyYAML writes 1.0e-05
    cfg.env.control.gains = {"hip_.*": 75.0}
    cfg.env.control.note = "None"  # text, not the absence of a note
    cfg.env.locked = []
    cfg.train.runner.run_name = "20250410_063030"
    cfg.train.runner.load_run = "null"
    cfg.train.dims = (8,)
    fresh = TaskCfg(type(cfg.env)(), type(cfg.train)())
    assert from_yaml(to_yaml(cfg), fresh) == cfg


def test_dict_is_plain_data_and_reads_back(cfg: TaskCfg) -> None:
    data = to_dict(cfg)
    assert data["env"]["ground"] == "FLAT"
    assert data["env"]["limits"] == [0.0, float("inf")]
    assert from_dict(data, cfg) == cfg


def test_unquoted_yaml_scalars_take_the_type_of_their_field(cfg: TaskCfg, tmp_path: Path) -> None:
    file = tmp_path / "part.yaml"
    file.write_text("train: {runner: {run_name: 20250410_063030}}\nenv: {control: {scale: 3e-4}}\n")
    merged = merge(cfg, load_yaml(file), str(file))
    assert merged.train.runner.run_name == "20250410_063030"
    assert merged.env.control.scale == 3e-4


def test_merge_changes_only_what_it_names_and_not_the_original(cfg: TaskCfg) -> None:
    merged = merge(cfg, {"env": {"env": {"num_envs": 7}}}, "test")
    assert merged.env.env.num_envs == 7
    assert cfg.env.env.num_envs == 256
    merged.env.locked.append("knee")
    assert cfg.env.locked == ["wrist"]
    merged.env.env.num_envs, merged.env.locked = 256, ["wrist"]
    assert merged == cfg


def test_a_dict_field_is_replaced_whole(cfg: TaskCfg) -> None:
    cfg.env.control.gains = {"hip": 1.0}
    assert merge(cfg, {"env": {"control": {"gains": {"knee": 2.0}}}}, "test").env.control.gains == {
        "knee": 2.0
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("env: {env: {num_evs: 3}}", "unknown field env.env.num_evs; did you mean env.env.num_envs?"),
        ("env: {env: {num_envs: 1.5}}", "env.env.num_envs: 1.5 is not an integer"),
        ("env: {env: 3}", "env.env is a group of fields"),
        ("env: {control: {mode: 'pdd'}}", "env.control.mode: pdd is not one of none, pd"),
        ("env: {control: {noisy: yes}}", "env.control.noisy: yes is not True or False"),
        ("train: {seed: '1'}", "train.seed: 1 is not an integer"),  # quotes make it text
        ("train: {seed: 1, seed: 2}", "line 1: key seed appears twice"),
        ("env: {", "not YAML"),
        ("- 1", "must hold a mapping"),
    ],
)
def test_wrong_yaml_names_file_and_path(cfg: TaskCfg, tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        merge(cfg, load_yaml(file), str(file))
    assert str(caught.value).startswith(str(file))
    assert message in str(caught.value)


def test_missing_config_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read config file .*absent\.yaml"):
        load_yaml(tmp_path / "absent.yaml")


def test_leaves_are_those_of_the_instance_not_of_the_annotation(cfg: TaskCfg) -> None:
    leaves = leaf_types(cfg)
    assert leaves["env.control.note"] == str | None  # only in the subclass that the default is of
    assert "env.control" not in leaves


def test_suggestion_lists_everything_when_nothing_is_near() -> None:
    assert suggest("zzz", ["walk", "dance"]) == "known: walk, dance"

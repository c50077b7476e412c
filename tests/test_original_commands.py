"""The names and commands that users of the original VideoMimic gym know, parsed against our tasks."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest

import legged_gym.envs  # noqa: F401  (registers the tasks)
from legged_gym.scripts.play import PlayArgs
from legged_gym.scripts.train import TrainArgs
from legged_gym.utils import task_registry
from legged_gym.utils.cli import Command, parse_command
from legged_gym.utils.config import get_value
from legged_gym.utils.paths import find_data

LAFAN = "lafan_replay_data/env_11_dance1_subject2.pkl"
SHIPPED = "g1/walk_forward.npz"
"""Stands in for the original's clips, which are not ours to ship."""

DEFAULTS = task_registry.get("g1_deepmimic_dagger").make_cfg()
"""The task that has all the fields, those of distillation too."""

COMMANDS = (
    "python legged_gym/scripts/train.py --task=g1_deepmimic",
    "torchrun --nproc-per-node 2 legged_gym/scripts/train.py --multi_gpu --task=g1_deepmimic --headless "
    '--wandb_note "new_ft_old_terrains" --env.deepmimic.use_amass=False --load_run 20250225_132031_g1_deepmimic '
    "--resume --env.deepmimic.use_human_videos=True --env.deepmimic.human_video_oversample_factor=10 "
    "--env.terrain.n_rows=6 --train.policy.re_init_std=True --train.policy.init_noise_std=0.5 "
    "--train.algorithm.learning_rate=2e-5 --env.deepmimic.n_append=50 --env.deepmimic.link_pos_error_threshold=0.5 "
    "--env.deepmimic.init_velocities=True --env.deepmimic.randomize_start_offset=True "
    "--env.asset.terminate_after_large_feet_contact_forces=False --env.asset.use_alt_files=False",
    "torchrun --nproc_per_node 2 legged_gym/scripts/train.py --task=g1_deepmimic_dagger --multi_gpu --headless "
    '--wandb_note "distill" --env.deepmimic.use_amass=False --env.terrain.n_rows=10 '
    "--env.deepmimic.amass_terrain_difficulty=1 --env.deepmimic.use_human_videos=True "
    "--env.deepmimic.init_velocities=True --env.deepmimic.randomize_start_offset=True "
    "--env.rewards.scales.feet_orientation=0.0 --env.control.beta=1.0 --train.runner.save_interval=50 "
    "--train.algorithm.policy_to_clone_jitted=False "
    "--train.algorithm.policy_to_clone=logs/g1_deepmimic/20250317_152046_g1_deepmimic "
    "--train.algorithm.bc_loss_coef=1.0 --train.algorithm.learning_rate=1e-4 --env.deepmimic.n_append=50 "
    "--env.asset.terminate_after_large_feet_contact_forces=False --num_envs 2048",
    "torchrun --nproc-per-node 2 legged_gym/scripts/train.py --multi_gpu --task=g1_deepmimic_mocap --headless "
    f"--env.terrain.n_rows=4096 --env.deepmimic.amass_replay_data_path={LAFAN} "
    "--env.deepmimic.cut_off_import_length=1600",
    "python legged_gym/scripts/play.py --task=g1_deepmimic --num_envs 1",
    "python legged_gym/scripts/play.py --task=g1_deepmimic_mocap --env.viser.enable=True --load_run TAG --num_envs 1 "
    f"--env.deepmimic.amass_replay_data_path={LAFAN} --headless",
)

FLAGS = {
    "headless": "True", "resume": "True", "experiment_name": "mine", "run_name": "first", "load_run": "20250410_063030",
    "checkpoint": "500", "num_envs": "64", "seed": "3", "max_iterations": "10", "sim_device": "cuda:0",
    "rl_device": "cuda:0", "multi_gpu": "True", "wandb_note": "3.10",
}  # fmt: skip
"""Flag -> text of a value. Names of runs and notes stay text even where they look like numbers."""

NAMES = {
    "env.deepmimic.use_amass": "True",
    "env.deepmimic.amass_terrain_difficulty": "3",
    "env.deepmimic.use_human_videos": "True",
    "env.deepmimic.human_video_oversample_factor": "10",
    "env.deepmimic.amass_replay_data_path": "g1/*.npz",
    "env.deepmimic.human_video_folders": "[a, b]",
    "env.deepmimic.init_velocities": "False",
    "env.deepmimic.randomize_start_offset": "False",
    "env.deepmimic.n_append": "50",
    "env.deepmimic.link_pos_error_threshold": "0.5",
    "env.deepmimic.is_csv_joint_only": "True",
    "env.deepmimic.cut_off_import_length": "1600",
    "env.deepmimic.respawn_z_offset": "0.1",
    "env.deepmimic.weighting_strategy": "linear",
    "env.terrain.n_rows": "6",
    "env.asset.terminate_after_large_feet_contact_forces": "True",
    "env.asset.large_feet_contact_force_threshold": "600",
    "env.asset.use_alt_files": "True",
    "env.rewards.scales.joint_pos_tracking": "120.0",
    "env.rewards.only_positive_rewards": "True",
    "env.rewards.joint_pos_tracking_k": "1.5",
    "env.rewards.joint_vel_tracking_k": "0.02",
    "env.rewards.link_pos_tracking_k": "4.0",
    "env.rewards.collision": "-15.0",
    "env.rewards.feet_contact_matching": "1.5",
    "env.normalization.clip_actions": "9.5",
    "env.normalization.clip_observations": "90.0",
    "env.control.beta": "0.8",
    "env.control.decimation": "5",
    "env.domain_rand.randomize_base_mass": "True",
    "env.domain_rand.push_robots": "True",
    "env.domain_rand.max_push_vel_xy": "0.6",
    "env.domain_rand.max_push_vel_interval": "4.0",
    "env.domain_rand.torque_rfi_rand": "True",
    "env.domain_rand.p_gain_rand": "True",
    "env.domain_rand.p_gain_rand_scale": "0.05",
    "env.domain_rand.d_gain_rand": "True",
    "env.domain_rand.d_gain_rand_scale": "0.05",
    "env.domain_rand.control_delays": "True",
    "env.domain_rand.control_delay_min": "1",
    "env.domain_rand.control_delay_max": "4",
    "env.viser.enable": "True",
    "train.policy.re_init_std": "True",
    "train.policy.init_noise_std": "0.5",
    "train.algorithm.learning_rate": "2e-5",
    "train.algorithm.bc_loss_coef": "0.5",
    "train.algorithm.policy_to_clone": "logs/g1_deepmimic/20250317_152046_g1_deepmimic",
    "train.algorithm.policy_to_clone_jitted": "True",
    "train.algorithm.bounds_loss_coef": "0.001",
    "train.algorithm.entropy_coef": "0.01",
    "train.algorithm.schedule": "fixed",
    "train.algorithm.desired_kl": "0.01",
    "train.runner.save_interval": "25",
}
"""Name of a field as the original's README has it -> text of a value that is not our default."""

ALIASES = {
    "env.rewards.collision": "env.rewards.scales.collision",
    "env.rewards.feet_contact_matching": "env.rewards.scales.feet_contact_matching",
    "env.domain_rand.max_push_vel_interval": "env.domain_rand.push_interval_s",
}
"""Names whose field is elsewhere in our tree."""

MISSING: dict[str, str] = {}
"""What does not exist yet -> the topic that brings it. Whatever begins to work fails here until its line is gone."""


def unless_missing(text: str) -> Any:
    """A test's parameter, expected to fail where it needs something that is missing."""
    topics = sorted(
        {topic for name, topic in MISSING.items() if re.search(rf"{re.escape(name)}(?![\w.])", text)}
    )
    marks = [pytest.mark.xfail(strict=True, reason=f"not there yet: {', '.join(topics)}")] if topics else []
    return pytest.param(text, marks=marks)


def parse(command: str) -> Command:
    """A command of the original, with the clip swapped for one that exists."""
    words = shlex.split(command.replace(LAFAN, SHIPPED))
    script = next(index for index, word in enumerate(words) if word.endswith(".py"))
    kind = {"train.py": TrainArgs, "play.py": PlayArgs}[words[script].rpartition("/")[2]]
    return parse_command(words[script + 1 :], kind)


@pytest.mark.parametrize("command", [unless_missing(command) for command in COMMANDS])
def test_a_command_of_the_original_is_understood(command):
    parsed = parse(command)
    assert f"--task={parsed.args.task}" in command
    for name, text in re.findall(r"--((?:env|train)\.[\w.]+)=(\S+)", command.replace(LAFAN, SHIPPED)):
        value = get_value(parsed.cfg, ALIASES.get(name, name))
        shown = value[0] if isinstance(value, list) else value
        assert shown == text or str(shown) == text or float(shown) == float(text), name


@pytest.mark.parametrize("name", [unless_missing(name) for name in NAMES])
def test_a_field_of_the_original_can_be_set(name):
    text, path = NAMES[name], ALIASES.get(name, name)
    before = get_value(DEFAULTS, path) if name not in MISSING else None
    after = get_value(parse_command(["--task=g1_deepmimic_dagger", f"--{name}={text}"], TrainArgs).cfg, path)
    if name == "env.deepmimic.use_amass":  # already our default
        assert after is True
    else:
        assert after != before


@pytest.mark.parametrize("flag", FLAGS)
@pytest.mark.parametrize("kind", [TrainArgs, PlayArgs], ids=["train", "play"])
def test_a_flag_of_the_original_can_be_set(flag, kind):
    args = parse_command(["--task=g1_deepmimic", f"--{flag}", FLAGS[flag]], kind).args
    assert str(getattr(args, flag)) == FLAGS[flag]


def test_every_reward_weight_can_be_set_by_its_name():
    scales = vars(parse_command(["--task=g1_deepmimic"], TrainArgs).cfg.env.rewards.scales)
    options = [f"--env.rewards.scales.{name}=3.25" for name in scales]
    changed = parse_command(["--task=g1_deepmimic", *options], TrainArgs).cfg.env.rewards.scales
    assert set(vars(changed).values()) == {3.25}


def test_play_takes_one_robot_by_default_and_the_stand_in_clip_exists():
    assert parse("legged_gym/scripts/play.py --task=g1_deepmimic").args.num_envs == 1
    assert find_data(SHIPPED)


def test_only_what_the_commands_and_names_mention_is_expected_to_be_missing():
    mentioned = " ".join([*COMMANDS, *NAMES])
    assert [name for name in MISSING if name not in mentioned] == []

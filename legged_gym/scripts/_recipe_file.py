"""Reads recipes: YAML, checked down to the last option of every command that it leads to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from legged_gym.envs.base.robot_deepmimic_config import RobotDeepMimicCfg
from legged_gym.evaluation.protocol import check_protocol
from legged_gym.rl.rl_config import check_train_cfg
from legged_gym.scripts._recipe import (
    STARTING_POINT,
    TEACHER_FIELD,
    Recipe,
    Stage,
    evaluate_options,
    train_options,
)
from legged_gym.scripts.evaluate import EvaluateArgs
from legged_gym.scripts.train import TrainArgs
from legged_gym.utils import paths
from legged_gym.utils.cli import FLAG_FIELDS, Command, check_devices, parse_command
from legged_gym.utils.config import load_yaml, merge, suggest
from legged_gym.utils.config_values import Plain
from legged_gym.utils.errors import ConfigError, LeggedGymError

_OWN_TRAIN = ("task", "experiment_name", "run_name", "max_iterations", "resume", "multi_gpu")
_OWN_EVALUATE = ("task", "experiment_name", "load_run", "checkpoint", "policy", "sweep", "out")
"""Options that the pipeline gives itself."""
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]+")


def find_recipe(recipe: str) -> Path:
    """The file that a path, or the name of a recipe that ships, means.

    Raises:
        ConfigError: There is none; lists those that ship.
    """
    shipped = {path.stem: path for path in sorted((paths.resources_dir() / "recipes").glob("*.yaml"))}
    if Path(recipe).is_file():
        return Path(recipe)
    if recipe in shipped:
        return shipped[recipe]
    raise ConfigError(f"no recipe {recipe}: no such file, and those that ship are {', '.join(shipped)}")


def load_recipe(file: Path, settings: list[str]) -> Recipe:
    """Read a recipe, change it, and try every command line it leads to.

    Args:
        file: YAML.
        settings: Changes as ``path=value``, see :func:`_set`.

    Raises:
        ConfigError: Names file, stage, field and value, and what would be right.
    """
    data = load_yaml(file)
    listed = data.get("stages")
    if not isinstance(listed, list) or not listed or not all(isinstance(item, dict) for item in listed):
        raise ConfigError(f"{file}: stages must be a list of stages, each with name, task and max_iterations")
    for setting in settings:
        _set(data, setting)
    general = merge(Recipe(), {key: value for key, value in data.items() if key != "stages"}, str(file))
    stages = []
    for number, item in enumerate(listed, 1):
        where = f"{file}: stage {item.get('name') or number}"
        stage = _read_stage(item, where, general.args)
        _check_stage(stage, where, [earlier.name for earlier in stages])
        stages.append(stage)
    recipe = Recipe(general.name, general.processes, general.args, tuple(stages))
    if not _PLAIN_NAME.fullmatch(recipe.name):
        raise ConfigError(f"{file}: name is {recipe.name!r}; it must be letters, digits, _ and -")
    if recipe.processes < 1:
        raise ConfigError(f"{file}: processes is {recipe.processes}; it must be at least 1")
    for stage in stages:
        _check_options(recipe, stage, f"{file}: stage {stage.name}")
    return recipe


def _set(data: dict[str, Any], setting: str) -> None:
    """Change one value of a recipe.

    The path is that of the value in the file, with a stage by its name: ``processes=2``, ``args.num_envs=64``,
    ``mocap.max_iterations=100``, ``mocap.args.seed=3``, ``mocap.evaluate.num_starts=8``.
    """
    path, equals, text = setting.partition("=")
    keys = path.split(".", 1)
    target: Any = data
    if keys[0] not in ("name", "processes", "args"):
        named = [stage for stage in data["stages"] if stage.get("name") == keys[0]]
        if not named or len(keys) < 2:
            known = ["name", "processes", "args", *(str(stage.get("name")) for stage in data["stages"])]
            raise ConfigError(f"--set {setting}: a path begins with one of {', '.join(known)}")
        target, keys = named[0], keys[1].split(".", 1)
    if len(keys) == 2:
        if target.get(keys[0]) is None:
            target[keys[0]] = {}
        target, keys = target[keys[0]], keys[1:]
    if not equals or not isinstance(target, dict):
        raise ConfigError(f"--set {setting}: must be the path of a value in the recipe, =, and the value")
    target[keys[0]] = Plain(text)


def _read_stage(item: Mapping[str, Any], where: str, shared: Mapping[str, Any]) -> Stage:
    known = [name for name in vars(Stage()) if name != "start"] + ["from"]
    unknown = [key for key in item if key not in known]
    if unknown:
        raise ConfigError(f"{where}: unknown key {unknown[0]}; {suggest(unknown[0], known)}")
    if not isinstance(item.get("from"), str | None):
        raise ConfigError(f"{where}: from is {item['from']}; it must be the name of a stage")
    renamed = {"start" if key == "from" else key: value for key, value in item.items()}
    stage = merge(Stage(), renamed, where)
    return merge(stage, {"args": {**shared, **stage.args}}, where)


def _check_stage(stage: Stage, where: str, earlier: list[str]) -> None:
    """Refuse a stage without a name or a length, or one that builds on what is not there before it."""
    reserved = ("name", "processes", "args", "stages")
    if not _PLAIN_NAME.fullmatch(stage.name) or stage.name in (*earlier, *reserved):
        raise ConfigError(
            f"{where}: name is {stage.name!r}; it must be letters, digits, _ and -, no other stage's, "
            f"and not {', '.join(reserved)}"
        )
    if not stage.task:
        raise ConfigError(f"{where}: task is missing; list_tasks.py prints what it can be")
    if stage.max_iterations < 1:
        raise ConfigError(f"{where}: max_iterations is {stage.max_iterations}; it must be at least 1")
    for key, source in stage.inputs.items():
        if source not in earlier:
            listed = ", ".join(earlier) or "none, as it is the first"
            raise ConfigError(f"{where}: {key} is {source}; it must be a stage before this one: {listed}")


def _check_options(recipe: Recipe, stage: Stage, where: str) -> None:
    """Parse the stage's command lines as the scripts will, and refuse options that the pipeline gives itself."""
    own = list(_OWN_TRAIN)
    own += STARTING_POINT if stage.start is not None else ()
    own += [TEACHER_FIELD] if stage.teacher is not None else []
    _refuse(stage.args, own, f"{where}: args")
    _refuse(stage.evaluate or {}, list(_OWN_EVALUATE), f"{where}: evaluate")
    with _named(where):
        _check_training(_training(recipe, stage))
        if stage.evaluate is not None:
            judging = parse_command(evaluate_options(recipe, stage, "run"), EvaluateArgs)
            check_devices(judging.args)
            check_protocol(judging.args)


def _training(recipe: Recipe, stage: Stage) -> Command:
    """What train.py will understand where the stage begins."""
    return parse_command(train_options(recipe, stage, stage.inputs), TrainArgs)


def _check_training(command: Command) -> None:
    """Refuse a configuration that no training can work with, as far as that shows without building it."""
    env = command.cfg.env
    check_devices(command.args, learns=True)
    check_train_cfg(command.cfg.train, env.env.num_envs)
    env.check_common(isinstance(env, RobotDeepMimicCfg))
    if isinstance(env, RobotDeepMimicCfg):
        env.deepmimic.check()


def check_clips(recipe: Recipe, stages: list[Stage]) -> None:
    """Refuse stages whose clips are not there, so that this is known before the first one is trained.

    Raises:
        ConfigError: Names the stage, and what was looked for and where.
    """
    from legged_gym.motion.clip_list import find_clips

    for stage in stages:
        env = _training(recipe, stage).cfg.env
        if not isinstance(env, RobotDeepMimicCfg):
            continue
        with _named(f"stage {stage.name}"):
            if env.deepmimic.use_amass:
                find_clips(env.deepmimic.amass_replay_data_path, env.deepmimic.amass_data_root)
            if env.deepmimic.use_human_videos:
                from legged_gym.envs.base.motion_library import recording_options
                from legged_gym.motion.recordings import find_recordings

                find_recordings(recording_options(env.deepmimic))


@contextmanager
def _named(where: str) -> Iterator[None]:
    """Say in every error where it comes from."""
    try:
        yield
    except LeggedGymError as error:
        raise ConfigError(f"{where}: {error}") from None


def _refuse(options: Mapping[str, Any], own: list[str], where: str) -> None:
    """Refuse options of these names, whichever of its names each goes by."""
    taken = {FLAG_FIELDS.get(name, name) for name in own}
    for name in options:
        typed = str(name).replace("-", "_")
        if FLAG_FIELDS.get(typed, typed) in taken:
            raise ConfigError(f"{where}: {name} is given by the pipeline itself; leave it out")

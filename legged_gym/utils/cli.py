"""The command line of every script: fixed flags, and each field of the task's configuration by its dotted name.

Precedence, weakest first: the task's defaults, ``--preset``, the configuration saved with a run that is loaded,
the script's own defaults for fixed flags, ``--config`` file, command line. All is checked before anything is built.
"""

from __future__ import annotations

import dataclasses
import logging
import re
import sys
import typing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from legged_gym.utils import task_registry
from legged_gym.utils.cli_tyro import parse_dataclass, print_help
from legged_gym.utils.config import TaskCfg, get_value, leaf_types, merge, nearest, nest
from legged_gym.utils.config_values import Plain, ValueMismatch, convert, describe
from legged_gym.utils.devices import check_sim_device
from legged_gym.utils.errors import ConfigError, LeggedGymError
from legged_gym.utils.processes import check_launch, let_first_speak
from legged_gym.utils.run_config import load_config_file
from legged_gym.utils.task_registry import TaskSpec


@dataclass
class CommonArgs:
    """Flags that every script takes."""

    task: str
    """Name of the task; list_tasks.py prints them."""
    headless: bool = False
    """Open no window."""
    resume: bool = False
    """Continue from a checkpoint."""
    experiment_name: str | None = None
    """Folder under logs/ that collects the runs; None: the task's own."""
    run_name: str | None = None
    """Ends the name of the run folder, after date and time; None: the task's own."""
    load_run: str | None = None
    """Run to load: its name, or a path to its folder; None: the newest."""
    checkpoint: int = -1
    """Iteration to load; -1: the newest."""
    num_envs: int | None = None
    """Robots simulated in parallel; None: the task's own number."""
    seed: int | None = None
    """Seed of all random numbers; None: the task's own."""
    max_iterations: int | None = None
    """Training iterations; None: the task's own number."""
    sim_device: str = "cpu"
    """Device of the simulation: cpu, or cuda[:index] with MuJoCo Warp (extra gpu)."""
    rl_device: str = "cpu"
    """Device of the learner: cpu or cuda[:index]."""
    multi_gpu: bool = False
    """Train in several processes, on GPUs or on a CPU; start with torchrun."""
    wandb_note: str | None = None
    """Free text kept with the run at wandb."""
    preset: str | None = None
    """Named set of changes to the task's defaults."""
    config: Path | None = None
    """YAML file with any part of the configuration; the command line wins over it."""


FLAG_FIELDS = {
    "num_envs": "env.env.num_envs",
    "seed": "train.seed",
    "max_iterations": "train.runner.max_iterations",
    "experiment_name": "train.runner.experiment_name",
    "run_name": "train.runner.run_name",
    "resume": "train.runner.resume",
    "load_run": "train.runner.load_run",
    "checkpoint": "train.runner.checkpoint",
    "wandb_note": "train.runner.wandb_note",
}
"""Fixed flags that are another name of a configuration field."""

_NOT_FROM_SAVED = (
    "resume",
    "load_run",
    "checkpoint",
)  # they chose what the saved run started from, not what it is


@dataclass(frozen=True)
class Command:
    """A command line, understood."""

    args: CommonArgs
    """The script's flags. Those of ``FLAG_FIELDS`` hold the value of their field in ``cfg``, typed or not."""
    task: TaskSpec
    cfg: TaskCfg
    """The resolved configuration."""
    given: frozenset[str]
    """Names of the options that were typed, as flags and as dotted paths."""


def parse_command(
    argv: Sequence[str],
    args_type: type[CommonArgs] = CommonArgs,
    saved_config: Callable[[CommonArgs], dict[str, Any] | None] | None = None,
) -> Command:
    """Read a command line into flags, task and resolved configuration. The tasks must be registered.

    A True/False option without a value means True. The last of several values for one option counts. The class of
    ``cfg.env`` or ``cfg.train`` may have ``ALIASES``, a mapping of other names of its fields: dotted path -> path.

    :param argv: arguments without the program's name. ``--help`` prints and exits.
    :param args_type: the script's flags; its docstring is the script's description. A subclass that gives a flag of
        ``FLAG_FIELDS`` another default puts it over a saved configuration.
    :param saved_config: given the flags so far, the configuration of the run they load (as
        :func:`run_config.load_run_config` does), or None where there is none to start from.
    :raises ConfigError: an unknown option or task, or a value that its field cannot take.
    """
    wants_help = any(token in ("-h", "--help") for token in argv)
    tokens = list(_tokens([token for token in argv if token not in ("-h", "--help")]))
    typed = dict(tokens)
    name = typed.get("task") or _default_of(args_type, "task")
    if not name:
        if wants_help:
            print_help(args_type, description=_general_description(args_type))
            raise SystemExit(0)
        listed = ", ".join(spec.name for spec in task_registry.all_tasks())
        raise ConfigError(f"--task is required; tasks: {listed}")
    spec = task_registry.get(name)
    cfg = spec.configure(typed.get("preset"))
    if wants_help:
        print_help(
            args_type, _with_fields(args_type(task=name), cfg), cfg, _task_description(args_type, spec)
        )
        raise SystemExit(0)

    flags, fields = _sort_options(tokens, args_type, cfg)
    args = parse_dataclass(args_type, {"task": name} | flags)
    cfg = _resolve(args, cfg, None, fields)
    args = _with_fields(args, cfg)
    saved = saved_config(args) if saved_config else None
    if saved is not None:
        cfg = _resolve(args, spec.configure(args.preset), saved, fields)
        args = _with_fields(args, cfg)
    return Command(args, spec, cfg, frozenset(flags) | frozenset(fields))


def run_main(main: Callable[[list[str]], int | None], argv: Sequence[str] | None = None) -> NoReturn:
    """Run a script's main function on the command line and exit.

    Status: what ``main`` returns (None is 0); 2 after printing one ``error:`` line for an error that the user can
    mend; 130 after Ctrl-C. Any other exception is a defect and keeps its traceback. Our log messages go to stderr.
    """
    logging.basicConfig(format="%(message)s")
    logging.getLogger("legged_gym").setLevel(logging.INFO)
    try:
        status = main(list(sys.argv[1:] if argv is None else argv))
    except LeggedGymError as error:
        let_first_speak()
        print("error:", " ".join(str(error).split()), file=sys.stderr)
        status = 2
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)


def check_devices(args: CommonArgs, learns: bool = False) -> None:
    """Refuse devices that this machine or this script cannot use; torch is imported only to look for a GPU.

    :param learns: whether the script has a learner.
    :raises ConfigError: a device name is malformed or asks for a learner where there is none, or the processes were
        not started as ``--multi_gpu`` says.
    :raises DependencyError: the simulation needs a package or a GPU that is not there.
    """
    if not re.fullmatch(r"cpu|cuda(:\d+)?", args.rl_device):
        raise ConfigError(f"--rl_device={args.rl_device}: must be cpu or cuda[:index]")
    check_sim_device(args.sim_device)
    if learns:
        check_launch(args.multi_gpu)
    elif args.rl_device != "cpu":
        raise ConfigError(f"--rl_device={args.rl_device}: only train.py has a learner; use cpu")
    elif args.multi_gpu:
        raise ConfigError("--multi_gpu: only train.py works in several processes; leave it out")


def _tokens(argv: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Name (with underscores) and text of each option; None where no value follows."""
    index = 0
    while index < len(argv):
        token = argv[index]
        index += 1
        if not token.startswith("--") or len(token) == 2:
            raise ConfigError(f"unexpected argument {token!r}: options start with --, as in --num_envs 256")
        name, equals, text = token[2:].partition("=")
        if not equals:
            has_value = index < len(argv) and not argv[index].startswith("--")
            text = argv[index] if has_value else None
            index += has_value
        yield name.replace("-", "_"), text


def _sort_options(
    tokens: list[tuple[str, str | None]], args_type: type[CommonArgs], cfg: TaskCfg
) -> tuple[dict[str, str], dict[str, str]]:
    """Check the options and sort them into flags and configuration fields, both name -> text.

    A flag that is another name of a field appears in both.
    """
    kinds = typing.get_type_hints(args_type)
    leaves = leaf_types(cfg.env, "env.") | leaf_types(cfg.train, "train.")
    missing = [path for path in FLAG_FIELDS.values() if path not in leaves]
    assert not missing, f"fixed flags stand for fields that the task lacks: {missing}"
    flag_of = {path: flag for flag, path in FLAG_FIELDS.items()}
    aliases = _aliases(cfg.env, "env.") | _aliases(cfg.train, "train.")
    aliases |= {path.removeprefix("env."): path for path in leaves if path.startswith("env.viser.")}
    flags: dict[str, str] = {}
    fields: dict[str, str] = {}
    for typed, text in tokens:
        name = aliases.get(typed, typed)
        if name not in kinds and name not in leaves:
            raise ConfigError(f"unknown option --{name}; {_suggest_option(name, list(kinds), list(leaves))}")
        text = _checked(name, text, kinds[name] if name in kinds else leaves[name])
        path = FLAG_FIELDS.get(name, name)
        flag = flag_of.get(name, name)
        if path in leaves:
            fields[path] = _checked(name, text, leaves[path])
        if flag in kinds:
            flags[flag] = text
    return flags, fields


def _aliases(tree: object, prefix: str) -> dict[str, str]:
    return {prefix + alias: prefix + path for alias, path in getattr(tree, "ALIASES", {}).items()}


def _checked(name: str, text: str | None, kind: Any) -> str:
    """The text of an option, after making sure that its field can take it."""
    if text is None:
        if kind is not bool:
            raise ConfigError(f"--{name} needs a value: {describe(kind)}")
        text = "True"
    try:
        convert(Plain(text), kind)
    except ValueMismatch as error:
        raise ConfigError(f"--{name}: {error}") from None
    return text


def _suggest_option(name: str, flags: list[str], leaves: list[str]) -> str:
    """Nearest options: by the whole name, or under another group by the last part of it."""
    inside = [path for path in leaves if path.startswith(name + ".")]
    if inside:
        return f"it is a group of fields: {', '.join('--' + path for path in inside)}"
    last = {path: path.rpartition(".")[2] for path in leaves}
    near = nearest(name, flags + leaves)
    wanted = nearest(name.rpartition(".")[2], last.values())
    near += [path for leaf in wanted for path in leaves if last[path] == leaf and path not in near]
    if near:
        return f"did you mean {', '.join('--' + option for option in near[:4])}?"
    return "--task NAME --help lists all options"


def _resolve(args: CommonArgs, cfg: TaskCfg, saved: dict[str, Any] | None, fields: dict[str, str]) -> TaskCfg:
    """Lay saved configuration, script defaults, ``--config`` file and command line over ``cfg``, in this order."""
    if saved is not None:
        source = f"configuration saved with run {args.load_run or '(newest)'}"
        kept = {FLAG_FIELDS[flag]: get_value(cfg, FLAG_FIELDS[flag]) for flag in _NOT_FROM_SAVED}
        cfg = merge(merge(cfg, saved, source), nest(kept), source)
    own = {flag: _default_of(type(args), flag) for flag in FLAG_FIELDS}
    changed = {FLAG_FIELDS[flag]: own[flag] for flag in own if own[flag] != _default_of(CommonArgs, flag)}
    cfg = merge(cfg, nest(changed), "script default")
    if args.config is not None:
        cfg = merge(cfg, load_config_file(args.config, args.task), str(args.config))
    env = parse_dataclass(type(cfg.env), _below(fields, "env."), cfg.env)
    train = parse_dataclass(type(cfg.train), _below(fields, "train."), cfg.train)
    return TaskCfg(env, train)


def _below(fields: dict[str, str], prefix: str) -> dict[str, str]:
    return {path.removeprefix(prefix): text for path, text in fields.items() if path.startswith(prefix)}


def _with_fields(args: CommonArgs, cfg: TaskCfg) -> CommonArgs:
    """The flags, with those that are another name of a field holding its value."""
    return dataclasses.replace(args, **{flag: get_value(cfg, path) for flag, path in FLAG_FIELDS.items()})


def _default_of(args_type: type[CommonArgs], name: str) -> Any:
    default = next(field.default for field in dataclasses.fields(args_type) if field.name == name)
    return None if default is dataclasses.MISSING else default


def _general_description(args_type: type[CommonArgs]) -> str:
    specs = task_registry.all_tasks()
    width = max((len(spec.name) for spec in specs), default=0)
    tasks = "\n".join(f"  {spec.name:{width}}  {spec.description}" for spec in specs)
    return (
        f"{args_type.__doc__}\n\nTasks:\n{tasks}\n\n"
        "Every field of a task's configuration is an option too, as --env.group.field=value and\n"
        "--train.group.field=value; --task NAME --help lists them with their defaults. A True|False\n"
        "option may stand alone and then means True."
    )


def _task_description(args_type: type[CommonArgs], spec: TaskSpec) -> str:
    presets = f"\n\nPresets: {', '.join(spec.presets)}" if spec.presets else ""
    return f"{args_type.__doc__}\n\nTask {spec.name}: {spec.description}{presets}"

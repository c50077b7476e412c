"""What scripts share once the command line is understood: the environment, and the policy of a run."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from rsl_rl.models import MLPModel

from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.base.robot_deepmimic import RobotDeepMimic
from legged_gym.envs.base.robot_deepmimic_config import RobotDeepMimicCfg
from legged_gym.envs.base.robot_velocity import RobotVelocity
from legged_gym.envs.terms.layout import HISTORY_PREFIX
from legged_gym.evaluation.policies import Policy, PolicyName, random_policy, zero_policy
from legged_gym.evaluation.protocol import Physics, evaluation_config
from legged_gym.rl.checkpoint import check_compatible, layout_of, read_checkpoint
from legged_gym.rl.networks import build_actor_critic
from legged_gym.rl.rl_config import PolicyCfg
from legged_gym.sim.robot_model import Robot
from legged_gym.utils import paths
from legged_gym.utils.cli import Command, CommonArgs
from legged_gym.utils.config import from_dict, suggest
from legged_gym.utils.errors import ConfigError, RunError
from legged_gym.utils.task_registry import TaskSpec
from legged_gym.utils.threads import available_cores


@dataclass(frozen=True)
class LoadedPolicy:
    """A trained policy, and what it came from."""

    actor: MLPModel
    """Observation groups -> mean actions (N, J); normalises its observations itself."""
    content: dict[str, Any]
    """The checkpoint, see :mod:`legged_gym.rl.checkpoint`."""
    path: Path


def find_checkpoint(args: CommonArgs) -> Path:
    """The checkpoint that ``--load_run`` and ``--checkpoint`` name, by default the newest of the newest run.

    Raises:
        RunError: There is none; lists what exists.
    """
    run = paths.find_run(args.experiment_name or args.task, args.load_run)
    return paths.find_checkpoint(run, args.checkpoint)


def build_env(task: TaskSpec, cfg: RobotDeepMimicCfg, seed: int, device: str = "cpu") -> RobotDeepMimic:
    """Build a task's environment from a configuration of it.

    Raises:
        LeggedGymError: The configuration names something that does not exist or fit.
    """
    return task.load_env_class()(cfg, seed, device)


def build_evaluation_env(command: Command, physics: Physics, start_noise: float = 1.0) -> RobotDeepMimic:
    """The environment to judge or watch a policy in: no noise but the protocol's, physics as asked.

    Raises:
        LeggedGymError: As :func:`evaluation_cfg` and :func:`build_judged_env`.
    """
    return build_judged_env(command, evaluation_cfg(command, physics, start_noise))


def evaluation_cfg(command: Command, physics: Physics, start_noise: float = 1.0) -> RobotDeepMimicCfg:
    """The configuration of that environment.

    A typed ``--env.sim.dt`` or ``--env.control.decimation`` wins over ``--physics``.

    Raises:
        ConfigError: As :func:`protocol.evaluation_config`.
    """
    if {"env.sim.dt", "env.control.decimation"} & command.given:
        physics = "as_trained"
    return evaluation_config(command.cfg.env, physics, start_noise)


def build_judged_env(command: Command, cfg: RobotDeepMimicCfg) -> RobotDeepMimic:
    """An environment of this configuration, with the seed, the device and the threads of a command.

    Raises:
        LeggedGymError: As :func:`build_env`.
    """
    torch.set_num_threads(command.cfg.train.runner.num_threads or available_cores())
    return build_env(command.task, cfg, command.cfg.train.seed, command.args.sim_device)


def show_observations(env: RobotDeepMimic) -> None:
    """Print what actor and critic see: term, place in the vector, history, scale, clip and noise."""
    limit = env.cfg.normalization.clip_observations
    title = f"observations: noise, clip (both in the term's unit), scale, then all within ±{limit:g}"
    names = ("group", "term", "from", "to", "steps (newest first)", "scale", "clip", "noise")
    table = Table(*names, title=title, title_justify="left")
    for group, layout in env.observation_layout().items():
        noise = env.observation_noise()[group]
        for slot in layout.terms:
            clip = "" if slot.clip is None else f"±{slot.clip:g}"
            place = (str(slot.start), str(slot.stop), str(slot.history))
            errors = noise.get(slot.name.removeprefix(HISTORY_PREFIX), "")
            table.add_row(group, slot.name, *place, f"{slot.scale:g}", clip, errors)
        table.add_section()
    Console().print(table)


def load_policy(path: Path, env: RobotDeepMimic) -> LoadedPolicy:
    """Load the actor of a checkpoint for an environment. Networks are built as the checkpoint says.

    Raises:
        RunError: The checkpoint cannot be read, or is of another robot or other observations.
    """
    content = read_checkpoint(path, env.device)
    layout = layout_of(env)
    check_compatible(content, list(env.joint_names), layout, path)
    cfg = from_dict(content["config"]["train"]["policy"], PolicyCfg, str(path))
    actor, _ = build_actor_critic(env.get_observations(), env.num_actions, cfg, layout)
    try:
        actor.load_state_dict(content["policy_state_dict"])
    except RuntimeError as error:
        raise RunError(f"checkpoint {path} does not hold the networks it describes: {error}") from None
    return LoadedPolicy(actor.to(env.device).eval(), content, path)


def choose_policy(
    name: PolicyName, env: RobotDeepMimic, seed: int, checkpoint: Path | None
) -> tuple[Policy, dict[str, Any]]:
    """The policy that ``--policy`` names, and the part of a report's provenance that says where it is from.

    Raises:
        RunError: The checkpoint cannot be read or does not fit.
    """
    origin: dict[str, Any] = {
        "policy": name,
        "run": None,
        "checkpoint": None,
        "iteration": None,
        "samples": None,
    }
    if name == "zero":
        return zero_policy(env), origin
    if name == "random":
        return random_policy(env, seed), origin
    loaded = load_policy(checkpoint, env)
    return loaded.actor, origin | {
        "run": loaded.path.parent.name,
        "checkpoint": str(loaded.path),
        "iteration": loaded.content["iteration"],
        "samples": loaded.content["samples"],
    }


def find_clip(env: RobotDeepMimic, name: str | None, start: float) -> int:
    """Index of the clip that ``--clip`` names, by default the first, after making sure that it has second ``--start``.

    Raises:
        ConfigError: There is no such clip, or it has no such second.
    """
    names = env.data.clip_names
    if name is not None and name not in names:
        raise ConfigError(f"--clip={name}: no such clip; {suggest(name, names)}")
    clip = 0 if name is None else names.index(name)
    if not 0.0 <= start < env.data.clip_length[clip] * env.step_dt:
        raise ConfigError(f"--start={start:g}: clip {names[clip]} has no such second")
    return clip


def check_level(env: RobotVelocity, level: int | None) -> None:
    """Make sure that ``--level`` exists.

    Raises:
        ConfigError: It does not.
    """
    levels = env.terrain.num_levels
    if level is not None and not 0 <= level < levels:
        raise ConfigError(f"--level={level}: the ground has {levels} levels, 0 to {levels - 1}")


def dressed(env: LeggedRobot, meshes: bool) -> Robot:
    """An environment's robot as pictures show it: in our shapes, or in meshes."""
    if not meshes:
        return env.robot
    from legged_gym.sim.meshes import dress

    return replace(env.robot, spec=dress(env.robot.spec, env.cfg.asset.robot))


def prepare_output(path: Path) -> Path:
    """Make the folder of a file that is to be written, so that a bad path is known before the work is done.

    Raises:
        RunError: The file cannot be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot make folder {path.parent}: {error.strerror}") from None
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        reason = "it is a folder" if path.is_dir() else f"no permission to write in {path.parent}"
        raise RunError(f"cannot write {path}: {reason}")
    return path

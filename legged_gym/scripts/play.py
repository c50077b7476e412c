"""Play a policy on a clip or by command: figures of the run, where the computing time goes, and a video."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from legged_gym import envs  # noqa: F401  (registers the tasks)
from legged_gym.envs.base.robot_velocity_config import RobotVelocityCfg
from legged_gym.utils.cli import Command, CommonArgs, check_devices, parse_command, run_main
from legged_gym.utils.config import suggest
from legged_gym.utils.errors import ConfigError
from legged_gym.utils.run_config import load_run_config
from legged_gym.utils.threads import use_passive_threads

if TYPE_CHECKING:
    from rich.table import Table

    from legged_gym.envs.base.robot_deepmimic import RobotDeepMimic
    from legged_gym.envs.base.robot_velocity import RobotVelocity
    from legged_gym.evaluation.policies import Policy
    from legged_gym.evaluation.recording import Recording
    from legged_gym.sim.robot_model import Robot

CLIP_OPTIONS, COMMAND_OPTIONS = ("clip", "start"), ("seconds", "command", "level")
"""Options of tasks that follow clips, and of those that follow commands."""


@dataclass
class PlayArgs(CommonArgs):
    """Play a policy once along a clip or by command, without noise, and print how it went and where the time goes.

    Examples:
      play.py --task=g1_deepmimic --headless --video out.mp4
      play.py --task=g1 --headless --command=0.5,0,0.2 --video out.mp4
      play.py --task=g1_deepmimic --headless --num_envs 512
    """

    num_envs: int | None = 1
    """Robots simulated side by side; all do the same, the first is recorded."""
    policy: Literal["checkpoint", "zero", "random"] = "checkpoint"
    """What acts: a trained policy, the action zero, or random actions."""
    clip: str | None = None
    """Tasks that follow clips: name of the one to play; None: the first."""
    start: float = 0.0
    """Tasks that follow clips: second of the clip to start at."""
    seconds: float = 20.0
    """Tasks that follow commands: how long to walk."""
    command: tuple[float, float, float] | None = None
    """Tasks that follow commands: forwards and left, m/s, and turning left, rad/s, to ask for all the time; what is
    within env.commands.dead_band counts as 0. None: commands change as in training."""
    level: int | None = None
    """Tasks that follow commands: level of the ground from 0, of the first of env.terrain.kinds; None: the hardest."""
    physics: Literal["fine", "as_trained"] = "fine"
    """fine: physics steps of at most 5 ms at the same control rate. as_trained: the steps it was trained with."""
    video: Path | None = None
    """MP4 file to write: the robot, and the reference as a blue ghost or the command as a blue arrow."""
    meshes: bool = False
    """Show the meshes of the package mujoco-menagerie, once fetched, instead of our primitive shapes."""


def play(argv: list[str]) -> None:
    """Parse, play, print, write."""
    command = parse_command(argv, PlayArgs, _saved_config)
    args = command.args
    check_devices(args)
    _check_options(command)
    use_passive_threads()

    from rich.console import Console

    from legged_gym.envs.base.robot_velocity import RobotVelocity
    from legged_gym.scripts import _session

    console = Console()
    checkpoint = _session.find_checkpoint(args) if args.policy == "checkpoint" else None
    if args.video is not None:
        _session.prepare_output(args.video)
    with console.status("building the environment"):
        env = _session.build_evaluation_env(command, args.physics)
        policy, origin = _session.choose_policy(args.policy, env, args.seed, checkpoint)
        robot = _dressed(env.robot, env.cfg.asset.robot) if args.meshes else env.robot
    record = _record_walk if isinstance(env, RobotVelocity) else _record_clip
    recording = record(env, policy, args)
    console.print(
        f"{origin['checkpoint'] or args.policy} on {recording.name}: {recording.outcome()}", soft_wrap=True
    )
    console.print(_time_table(recording, args.num_envs))
    if args.video is not None:
        from rich.progress import Progress

        from legged_gym.evaluation.video import write_video

        with Progress(console=console, transient=True) as bar:
            task = bar.add_task("rendering", total=1.0)
            write_video(args.video, recording, robot, lambda done: bar.update(task, completed=done))
        console.print(f"wrote {args.video}", soft_wrap=True)


def _saved_config(args: CommonArgs) -> dict[str, Any] | None:
    """The configuration of the run that is played; policies that were never trained need none."""
    return load_run_config(args) if args.policy == "checkpoint" or args.load_run else None


def _dressed(robot: Robot, name: str) -> Robot:
    """The robot as pictures with meshes show it."""
    from legged_gym.sim.meshes import dress

    return dataclasses.replace(robot, spec=dress(robot.spec, name))


def _check_options(command: Command) -> None:
    """Refuse options of the other kind of task, and values that no walk can have."""
    args, walks = command.args, isinstance(command.cfg.env, RobotVelocityCfg)
    own, others = (COMMAND_OPTIONS, CLIP_OPTIONS) if walks else (CLIP_OPTIONS, COMMAND_OPTIONS)
    for name in others:
        if name in command.given:
            raise ConfigError(
                f"--{name}: task {args.task} follows {'commands' if walks else 'clips'}; "
                f"it takes {', '.join('--' + option for option in own)}"
            )
    if not 0.0 < args.seconds < math.inf:
        raise ConfigError(f"--seconds={args.seconds:g}: must be positive")
    if not all(map(math.isfinite, args.command or ())):
        raise ConfigError(f"--command={args.command}: must be three finite numbers")


def _record_clip(env: RobotDeepMimic, policy: Policy, args: PlayArgs) -> Recording:
    from legged_gym.evaluation.clip_recording import record_clip

    names = env.data.clip_names
    if args.clip is not None and args.clip not in names:
        raise ConfigError(f"--clip={args.clip}: no such clip; {suggest(args.clip, names)}")
    clip = 0 if args.clip is None else names.index(args.clip)
    if not 0.0 <= args.start < env.data.clip_length[clip] * env.step_dt:
        raise ConfigError(f"--start={args.start:g}: clip {names[clip]} has no such second")
    return record_clip(env, policy, clip, args.start)


def _record_walk(env: RobotVelocity, policy: Policy, args: PlayArgs) -> Recording:
    from legged_gym.evaluation.walk_recording import record_walk

    levels = env.terrain.num_levels
    if args.level is not None and not 0 <= args.level < levels:
        raise ConfigError(f"--level={args.level}: the ground has {levels} levels, 0 to {levels - 1}")
    return record_walk(env, policy, args.seconds, args.command, args.level)


def _time_table(recording: Recording, num_envs: int) -> Table:
    """Milliseconds per step by part, and how fast that is."""
    from rich import box
    from rich.table import Table

    steps = len(recording.time) - 1
    total = sum(recording.seconds.values())
    table = Table("part", "ms per step", "share", box=box.SIMPLE_HEAD)
    for part, seconds in sorted(recording.seconds.items(), key=lambda item: -item[1]):
        table.add_row(part, f"{1e3 * seconds / steps:.2f}", f"{seconds / total:.0%}")
    table.add_section()
    speed = (
        f"{steps * recording.step_dt / total:.1f} x real time, {steps * num_envs / total:,.0f} env steps/s"
    )
    table.add_row("all", f"{1e3 * total / steps:.2f}", speed)
    return table


def main() -> None:
    """Entry of the console script."""
    run_main(play)


if __name__ == "__main__":
    main()

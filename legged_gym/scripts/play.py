"""Play a policy on a clip or by command: figures of the run, where the computing time goes, and a video."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from legged_gym import envs  # noqa: F401  (registers the tasks)
from legged_gym.envs.base.robot_velocity_config import RobotVelocityCfg
from legged_gym.evaluation.protocol import driven_config
from legged_gym.utils.cli import Command, CommonArgs, check_devices, parse_command, run_main
from legged_gym.utils.errors import ConfigError
from legged_gym.utils.run_config import load_run_config
from legged_gym.utils.threads import use_passive_threads

if TYPE_CHECKING:
    import viser
    from rich.table import Table

    from legged_gym.envs.base.robot_deepmimic import RobotDeepMimic
    from legged_gym.envs.base.robot_velocity import RobotVelocity
    from legged_gym.evaluation.policies import Policy
    from legged_gym.evaluation.recording import Recording
    from legged_gym.viewer.app import Viewer

OPTIONS = {
    "follows commands": ("seconds", "command", "level"),
    "follows clips": ("clip", "start", "joystick", "command"),
    "is driven by joystick": ("clip", "start", "joystick", "seconds", "command"),
}
"""Options that not every task takes."""


@dataclass
class PlayArgs(CommonArgs):
    """Play a policy once along a clip or by command, without noise, and print how it went and where the time goes.

    Examples:
      play.py --task=g1_deepmimic --headless --video out.mp4
      play.py --task=g1 --headless --command=0.5,0,0.2 --video out.mp4
      play.py --task=g1_deepmimic_dagger --headless --command=0.5,0,0.2 --video out.mp4
      play.py --task=g1_deepmimic --headless --num_envs 512
    """

    num_envs: int | None = 1
    """Robots simulated side by side; all do the same, the first is recorded."""
    policy: Literal["checkpoint", "zero", "random"] = "checkpoint"
    """What acts: a trained policy, the action zero, or random actions."""
    clip: str | None = None
    """Tasks that follow clips: the one to play, or to begin on by joystick; None: the first, or level ground."""
    start: float = 0.0
    """Tasks that follow clips: second of the clip to start at."""
    joystick: bool = False
    """Tasks that follow clips: a student walks by command instead; --command does that too."""
    seconds: float = 20.0
    """Walking by command: how long."""
    command: tuple[float, float, float] | None = None
    """Walking by command: forwards and left, m/s, and turning left, rad/s, to ask for all the time; what is within
    env.commands.dead_band, or 0.1 by joystick, counts as 0. None: commands change as in training and evaluation."""
    level: int | None = None
    """Tasks that follow commands: level of the ground from 0, of the first of env.terrain.kinds; None: the hardest."""
    physics: Literal["fine", "as_trained"] = "fine"
    """fine: physics steps of at most 5 ms at the same control rate. as_trained: the steps it was trained with."""
    video: Path | None = None
    """MP4 or GIF file to write: the robot, and the reference as a blue ghost or the command as a blue arrow."""
    meshes: bool = False
    """Show the meshes of the package mujoco-menagerie, once fetched, instead of our primitive shapes."""


def play(argv: list[str]) -> None:
    """Parse, play, print, write."""
    command = parse_command(argv, PlayArgs, _saved_config)
    args = command.args
    check_devices(args)
    _check_options(command)
    page, typed = command.cfg.env.viser, {"clip", "env.deepmimic.amass_replay_data_path"}
    if _is_driven(command) and not page.enable and not typed & command.given:
        command.cfg.env = driven_config(command.cfg.env, "flat")
    use_passive_threads()

    from rich.console import Console

    console = Console()
    if page.enable:
        from legged_gym.scripts._page import show_page

        show_page(page, args.task, console, "building the environment", partial(fill_page, command))
        return

    from legged_gym.envs.base.robot_velocity import RobotVelocity
    from legged_gym.scripts import _session

    checkpoint = _session.find_checkpoint(args) if args.policy == "checkpoint" else None
    if args.video is not None:
        _session.prepare_output(args.video)
    with console.status("building the environment"):
        env = _session.build_evaluation_env(command, args.physics)
        policy, origin = _session.choose_policy(args.policy, env, args.seed, checkpoint)
        robot = _session.dressed(env, args.meshes)
    record = _record_walk if isinstance(env, RobotVelocity) else _record_clip
    record = _record_drive if _is_driven(command) else record
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


def fill_page(command: Command, server: viser.ViserServer) -> Viewer:
    """The viewer of what is asked for, on an open page. Everything slow is imported here."""
    from legged_gym.scripts import _viewing

    return _viewing.make_viewer(command, server)


def _saved_config(args: CommonArgs) -> dict[str, Any] | None:
    """The configuration of the run that is played; policies that were never trained need none."""
    return load_run_config(args) if args.policy == "checkpoint" or args.load_run else None


def _check_options(command: Command) -> None:
    """Refuse options of the other kind of task, and values that no walk can have."""
    args, driven = command.args, _is_driven(command)
    walks = isinstance(command.cfg.env, RobotVelocityCfg)
    kind = "follows commands" if walks else "is driven by joystick" if driven else "follows clips"
    for name in dict.fromkeys(option for options in OPTIONS.values() for option in options):
        if name in command.given and name not in OPTIONS[kind]:
            raise ConfigError(
                f"--{name}: task {args.task} {kind}; it takes {', '.join('--' + own for own in OPTIONS[kind])}"
            )
    if command.cfg.env.viser.enable:
        for name in ("video", "seconds"):
            if name in command.given:
                raise ConfigError(f"--{name}: is for playing without a page; the page records and plays on")
    if not 0.0 < args.seconds < math.inf:
        raise ConfigError(f"--seconds={args.seconds:g}: must be positive")
    if not all(map(math.isfinite, args.command or ())):
        raise ConfigError(f"--command={args.command}: must be three finite numbers")


def _is_driven(command: Command) -> bool:
    """Whether a robot that has learned from clips is to walk by command."""
    args, walks = command.args, isinstance(command.cfg.env, RobotVelocityCfg)
    return not walks and (args.joystick or args.command is not None)


def _record_clip(env: RobotDeepMimic, policy: Policy, args: PlayArgs) -> Recording:
    from legged_gym.evaluation.clip_recording import record_clip
    from legged_gym.scripts import _session

    clip = _session.find_clip(env, args.clip, args.start)
    return record_clip(env, policy, clip, args.start)


def _record_drive(env: RobotDeepMimic, policy: Policy, args: PlayArgs) -> Recording:
    from legged_gym.envs.base.joystick import Joystick
    from legged_gym.envs.base.joystick_config import DRAWN
    from legged_gym.evaluation.courses import ClipCourse
    from legged_gym.evaluation.walk_recording import record_walk
    from legged_gym.scripts import _session

    clip = _session.find_clip(env, args.clip, args.start)
    env.drive_by(Joystick(env, DRAWN))
    course = ClipCourse(env)
    course.choose(clip, round(args.start / env.step_dt))
    return record_walk(course, policy, args.seconds, args.command)


def _record_walk(env: RobotVelocity, policy: Policy, args: PlayArgs) -> Recording:
    from legged_gym.evaluation.courses import MadeCourse
    from legged_gym.evaluation.walk_recording import record_walk
    from legged_gym.scripts import _session

    _session.check_level(env, args.level)
    env.terrain.level[:] = env.terrain.num_levels - 1 if args.level is None else args.level
    return record_walk(MadeCourse(env), policy, args.seconds, args.command)


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

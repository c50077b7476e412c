"""Play a policy on a clip: figures of the run, where the computing time goes, and a video."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from legged_gym import envs  # noqa: F401  (registers the tasks)
from legged_gym.utils.cli import CommonArgs, check_devices, parse_command, run_main
from legged_gym.utils.config import suggest
from legged_gym.utils.errors import ConfigError
from legged_gym.utils.run_config import load_run_config
from legged_gym.utils.threads import use_passive_threads

if TYPE_CHECKING:
    from rich.table import Table

    from legged_gym.evaluation.recording import Recording
    from legged_gym.sim.robot_model import Robot


@dataclass
class PlayArgs(CommonArgs):
    """Play a policy once along a clip, without noise, and print how it went and where the time goes.

    Examples:
      play.py --task=g1_deepmimic --headless --video out.mp4
      play.py --task=g1_deepmimic --headless --num_envs 512
    """

    num_envs: int | None = 1
    """Robots simulated side by side; all do the same, the first is recorded."""
    policy: Literal["checkpoint", "zero", "random"] = "checkpoint"
    """What acts: a trained policy, the action zero, or random actions."""
    clip: str | None = None
    """Name of the clip to play; None: the first."""
    start: float = 0.0
    """Second of the clip to start at."""
    physics: Literal["fine", "as_trained"] = "fine"
    """fine: physics steps of at most 5 ms at the same control rate. as_trained: the steps it was trained with."""
    video: Path | None = None
    """MP4 file to write: the robot, and the reference as a blue ghost."""
    meshes: bool = False
    """Show the meshes of the package mujoco-menagerie, once fetched, instead of our primitive shapes."""


def play(argv: list[str]) -> None:
    """Parse, play, print, write."""
    command = parse_command(argv, PlayArgs, _saved_config)
    args = command.args
    check_devices(args)
    use_passive_threads()

    from rich.console import Console

    from legged_gym.evaluation.recording import record
    from legged_gym.scripts import _session

    console = Console()
    checkpoint = _session.find_checkpoint(args) if args.policy == "checkpoint" else None
    if args.video is not None:
        _session.prepare_output(args.video)
    with console.status("building the environment"):
        env = _session.build_evaluation_env(command, args.physics)
        policy, origin = _session.choose_policy(args.policy, env, args.seed, checkpoint)
        robot = _dressed(env.robot, env.cfg.asset.robot) if args.meshes else env.robot
    clip = _find_clip(env.data.clip_names, args.clip)
    if not 0.0 <= args.start < env.data.clip_length[clip] * env.step_dt:
        raise ConfigError(f"--start={args.start:g}: clip {env.data.clip_names[clip]} has no such second")
    recording = record(env, policy, clip, args.start)
    console.print(
        f"{origin['checkpoint'] or args.policy} on {recording.clip}: {_outcome(recording)}", soft_wrap=True
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


def _find_clip(names: list[str], wanted: str | None) -> int:
    if wanted is None:
        return 0
    if wanted not in names:
        raise ConfigError(f"--clip={wanted}: no such clip; {suggest(wanted, names)}")
    return names.index(wanted)


def _outcome(recording: Recording) -> str:
    """One sentence on how it went."""
    errors = recording.mean_errors()
    how = "reached the end after" if recording.cause is None else f"{recording.cause} after"
    return (
        f"{how} {recording.steps * recording.step_dt:.2f} s; link position error "
        f"{errors['mpjpe_local_mm']:.0f} mm root-relative and {errors['mpjpe_mm']:.0f} mm global, "
        f"joint error {errors['joint_error_rad']:.3f} rad"
    )


def _time_table(recording: Recording, num_envs: int) -> Table:
    """Milliseconds per step by part, and how fast that is."""
    from rich import box
    from rich.table import Table

    steps = len(recording.clip_time) - 1
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

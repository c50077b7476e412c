"""Judge a policy: success, causes of failure and tracking errors, as JSON, table and plot."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from legged_gym import envs  # noqa: F401  (registers the tasks)
from legged_gym.evaluation.protocol import ProtocolArgs, check_protocol
from legged_gym.utils.cli import Command, CommonArgs, check_devices, parse_command, run_main
from legged_gym.utils.run_config import load_run_config
from legged_gym.utils.threads import use_passive_threads

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

    from legged_gym.envs.base.legged_robot import LeggedRobot
    from legged_gym.envs.base.robot_deepmimic import RobotDeepMimic
    from legged_gym.envs.base.robot_velocity import RobotVelocity
    from legged_gym.evaluation.policies import Policy

DEFAULT_REPORT = "evaluation.json"
"""Written into the run's folder where no --out says otherwise."""


@dataclass
class EvaluateArgs(ProtocolArgs, CommonArgs):
    """Judge a policy by failure rules of the evaluation's own, without noise or exploration.

    Prints a table and writes figures (.json), the table (.txt) and a plot of the error over the clip (.png).
    """

    num_envs: int | None = 64
    """Episodes simulated side by side; more wait for their turn."""
    policy: Literal["checkpoint", "zero", "random"] = "checkpoint"
    """What acts: a trained policy, the action zero, or random actions."""
    out: Path | None = None
    """JSON file to write, the others beside it; None: evaluation.json in the run's folder."""


def evaluate(argv: list[str]) -> None:
    """Parse, play, report."""
    command = parse_command(argv, EvaluateArgs, _saved_config)
    args = command.args
    check_devices(args)
    check_protocol(args)
    use_passive_threads()

    from rich.console import Console

    from legged_gym.envs.base.robot_velocity import RobotVelocity
    from legged_gym.evaluation import report
    from legged_gym.scripts import _session

    console = Console()
    checkpoint = _session.find_checkpoint(args) if args.policy == "checkpoint" else None
    out = args.out or (checkpoint and checkpoint.with_name(DEFAULT_REPORT))
    if out is not None:
        _session.prepare_output(out)
    with console.status("building the environment"):
        env = _session.build_evaluation_env(command, args.physics, args.start_noise)
        policy, origin = _session.choose_policy(args.policy, env, args.seed, checkpoint)
    provenance = _provenance(command, env, origin)
    judge = _judge_commands if isinstance(env, RobotVelocity) else _judge_tracking
    with console.status("evaluating"):
        judgement = judge(env, policy, args)
    title = report.table_title(provenance)
    console.print(title, soft_wrap=True)
    console.print(judgement.table)
    if out is not None:
        report.write_report(out, judgement.figures, provenance, judgement.rules, judgement.table)
        judgement.plot(out.with_suffix(".png"), title)
        console.print(
            f"wrote {out}, {out.with_suffix('.txt').name} and {out.with_suffix('.png').name}", soft_wrap=True
        )


@dataclass(frozen=True)
class Judgement:
    """What an evaluation found."""

    figures: dict[str, Any]
    rules: dict[str, float]
    """What counted as a failure."""
    table: Table
    plot: Callable[[Path, str], None]
    """Draws it: (file, title)."""


def _judge_tracking(env: RobotDeepMimic, policy: Policy, protocol: ProtocolArgs) -> Judgement:
    """Clips followed from evenly spaced frames and from the first."""
    from legged_gym.evaluation import evaluator, metrics, plot, report

    episodes = evaluator.evaluate(env, policy, protocol)
    figures = metrics.summarise(episodes)
    return Judgement(
        figures,
        report.RULES,
        report.evaluation_table(figures),
        lambda path, title: plot.plot_errors(path, episodes, title),
    )


def _judge_commands(env: RobotVelocity, policy: Policy, protocol: ProtocolArgs) -> Judgement:
    """Velocities followed for a while."""
    from legged_gym.evaluation import command_following, plot, report

    trials = command_following.run_trials(env, policy, protocol)
    figures = command_following.summarise(trials)
    asked, done = command_following.segment_means(trials)
    return Judgement(
        figures,
        command_following.RULES,
        report.command_table(figures),
        lambda path, title: plot.plot_commands(path, asked, done, title),
    )


def _saved_config(args: CommonArgs) -> dict[str, Any] | None:
    """The configuration of the run that is judged; policies that were never trained need none."""
    needs_run = args.policy == "checkpoint" or args.load_run
    return load_run_config(args) if needs_run else None


def _provenance(command: Command, env: LeggedRobot, origin: dict[str, Any]) -> dict[str, Any]:
    """What was judged, and how, as plain data."""
    args, cfg = command.args, env.cfg
    content = {
        "task": command.task.name,
        **origin,
        "physics": {"dt_s": cfg.sim.dt, "decimation": cfg.control.decimation},
        "control_dt_s": env.step_dt,
        "self_collisions": cfg.asset.self_collisions,
        "seed": args.seed,
    }
    if hasattr(cfg, "commands"):
        return content | {"trials": {"number": args.num_trials, "seconds": args.trial_seconds}}
    starts = {
        "evenly_spaced": args.num_starts,
        "from_start": args.num_from_start,
        "start_noise": args.start_noise,
    }
    return content | {"clips": list(cfg.deepmimic.amass_replay_data_path), "starts": starts}


def main() -> None:
    """Entry of the console script."""
    run_main(evaluate)


if __name__ == "__main__":
    main()

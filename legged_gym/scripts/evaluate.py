"""Judge a policy: success, causes of failure and tracking errors, as JSON, table and plot."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from legged_gym import envs  # noqa: F401  (registers the tasks)
from legged_gym.evaluation.protocol import ProtocolArgs, check_protocol, driven_config
from legged_gym.utils.cli import Command, CommonArgs, check_devices, parse_command, run_main
from legged_gym.utils.run_config import load_run_config
from legged_gym.utils.threads import use_passive_threads

if TYPE_CHECKING:
    from rich.console import Console

    from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
    from legged_gym.evaluation.judgement import Judgement

DEFAULT_REPORT, DEFAULT_SWEEP = "evaluation.json", "sweep.json"
"""Written into the run's folder where no --out says otherwise."""


@dataclass
class EvaluateArgs(ProtocolArgs, CommonArgs):
    """Judge a policy by failure rules of the evaluation's own, without noise or exploration.

    Prints a table and writes figures (.json), the table (.txt) and a plot (.png).
    """

    num_envs: int | None = 64
    """Episodes simulated side by side; more wait for their turn."""
    policy: Literal["checkpoint", "zero", "random"] = "checkpoint"
    """What acts: a trained policy, the action zero, or random actions."""
    sweep: bool = False
    """Judge under other friction, mass, gains, delays and pushes too: success under each condition, and the mean."""
    out: Path | None = None
    """JSON file to write, the others beside it; None: evaluation.json or sweep.json in the run's folder."""


def evaluate(argv: list[str]) -> None:
    """Parse, play, report."""
    command = parse_command(argv, EvaluateArgs, _saved_config)
    args = command.args
    check_devices(args)
    check_protocol(args)
    _put_on_ground(command)
    use_passive_threads()

    from rich.console import Console

    from legged_gym.evaluation import report
    from legged_gym.scripts import _session

    console = Console()
    checkpoint = _session.find_checkpoint(args) if args.policy == "checkpoint" else None
    default = DEFAULT_SWEEP if args.sweep else DEFAULT_REPORT
    out = args.out or (checkpoint and checkpoint.with_name(default))
    if out is not None:
        _session.prepare_output(out)
    judgement = (_judge_sweep if args.sweep else _judge_once)(command, checkpoint, console)
    title = report.table_title(judgement.provenance)
    console.print(title, soft_wrap=True)
    console.print(judgement.table)
    if out is not None:
        report.write_report(out, judgement.figures, judgement.provenance, judgement.rules, judgement.table)
        judgement.plot(out.with_suffix(".png"), title)
        console.print(
            f"wrote {out}, {out.with_suffix('.txt').name} and {out.with_suffix('.png').name}", soft_wrap=True
        )


def _put_on_ground(command: Command) -> None:
    """With --joystick the clips only say where robots begin."""
    args = command.args
    if not args.joystick:
        return
    driven = driven_config(command.cfg.env, args.on)
    if "env.deepmimic.amass_replay_data_path" not in command.given:
        command.cfg.env = driven


def _judge_once(command: Command, checkpoint: Path | None, console: Console) -> Judgement:
    from legged_gym.scripts import _session

    with console.status("evaluating"):
        cfg = _session.evaluation_cfg(command, command.args.physics, command.args.start_noise)
        return _judge_in(cfg, command, checkpoint)


def _judge_sweep(command: Command, checkpoint: Path | None, console: Console) -> Judgement:
    from rich.progress import Progress

    from legged_gym.evaluation.judgement import judge_sweep
    from legged_gym.evaluation.sweep import applicable
    from legged_gym.scripts import _session

    cfg = _session.evaluation_cfg(command, command.args.physics, command.args.start_noise)
    log = logging.getLogger("legged_gym")
    level = log.level
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=len(applicable(cfg)[0]))

        def tell(done: int, name: str) -> None:
            bar.update(task, completed=done, description=name)
            if done:  # what there is to say of the clips has been said
                log.setLevel(logging.WARNING)

        try:
            return judge_sweep(cfg, lambda changed: _judge_in(changed, command, checkpoint), tell)
        finally:
            log.setLevel(level)


def _judge_in(cfg: LeggedRobotCfg, command: Command, checkpoint: Path | None) -> Judgement:
    """Judge in an environment of this configuration."""
    from legged_gym.evaluation.judgement import judge
    from legged_gym.scripts import _session

    args = command.args
    env = _session.build_judged_env(command, cfg)
    policy, origin = _session.choose_policy(args.policy, env, args.seed, checkpoint)
    return judge(env, policy, args, _provenance(command, cfg, origin))


def _saved_config(args: CommonArgs) -> dict[str, Any] | None:
    """The configuration of the run that is judged; policies that were never trained need none."""
    needs_run = args.policy == "checkpoint" or args.load_run
    return load_run_config(args) if needs_run else None


def _provenance(command: Command, cfg: LeggedRobotCfg, origin: dict[str, Any]) -> dict[str, Any]:
    """What was judged, and how, as plain data."""
    args = command.args
    content = {
        "task": command.task.name,
        **origin,
        "physics": {"dt_s": cfg.sim.dt, "decimation": cfg.control.decimation},
        "control_dt_s": cfg.sim.dt * cfg.control.decimation,
        "self_collisions": cfg.asset.self_collisions,
        "seed": args.seed,
    }
    clips = {} if hasattr(cfg, "commands") else {"clips": list(cfg.deepmimic.amass_replay_data_path)}
    if args.joystick or not clips:
        return content | clips | {"trials": {"number": args.num_trials, "seconds": args.seconds_per_trial}}
    starts = {
        "evenly_spaced": args.num_starts,
        "from_start": args.num_from_start,
        "start_noise": args.start_noise,
    }
    return content | clips | {"starts": starts}


def main() -> None:
    """Entry of the console script."""
    run_main(evaluate)


if __name__ == "__main__":
    main()

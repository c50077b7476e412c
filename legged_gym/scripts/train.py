"""Train a policy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from legged_gym import envs  # noqa: F401  (registers the tasks)
from legged_gym.utils import paths, processes
from legged_gym.utils.cli import Command, CommonArgs, check_devices, parse_command, run_main
from legged_gym.utils.config import flat, to_dict
from legged_gym.utils.errors import ConfigError
from legged_gym.utils.run_config import load_run_config, save_run_config
from legged_gym.utils.threads import use_passive_threads


@dataclass
class TrainArgs(CommonArgs):
    """Train a policy, by default on the CPU.

    Writes logs/<experiment_name>/<date_time>_<run_name>/: config.yaml, model_<iteration>.pt, progress.csv,
    learning_curve.png and TensorBoard files. Ctrl-C saves and ends; --resume goes on, for max_iterations more.

    Examples:
      train.py --task=g1_deepmimic
      train.py --task=g1_deepmimic --env.deepmimic.amass_replay_data_path=my_clips/*.csv --num_envs 512
      train.py --task=g1_deepmimic --resume --max_iterations 500
      torchrun --nproc-per-node 2 legged_gym/scripts/train.py --multi_gpu --task=g1_deepmimic
      train.py --task=g1_deepmimic_proj_heightfield --fine_tune --load_run=20261121_103625_g1_deepmimic
    """

    fine_tune: bool = False
    """Begin a new run with the networks of load_run: own configuration, iterations and optimisers from 0."""


def train(argv: list[str]) -> int:
    """Parse, build, learn. Returns 130 where Ctrl-C or SIGTERM ended training early."""
    command = parse_command(argv, TrainArgs, _saved_config)
    args, cfg = command.args, command.cfg
    check_devices(args, learns=True)
    if args.resume and args.fine_tune:
        raise ConfigError("--resume goes on with a run and --fine_tune begins one: give one of the two")
    if cfg.env.viser.enable:
        raise ConfigError(
            "--env.viser.enable: training opens no page; play.py --env.viser.enable=True does, and follows a run "
            "that is still training"
        )
    checkpoint = None
    if args.resume or args.fine_tune:
        checkpoint = paths.find_checkpoint(
            paths.find_run(args.experiment_name, args.load_run), args.checkpoint
        )
    use_passive_threads()
    device = processes.device_of("rl_device", args.rl_device)
    with processes.together(args.multi_gpu, device):
        return _learn(command, checkpoint, device)


def _learn(command: Command, checkpoint: Path | None, device: str) -> int:
    """Build and learn, in one of several processes or alone."""
    from legged_gym.rl.runner import OnPolicyRunner
    from legged_gym.scripts import _session

    args, cfg = command.args, command.cfg
    first = processes.rank() == 0
    processes.require_same("configuration", flat(cfg) | {"checkpoint": checkpoint and checkpoint.name})
    sim_device = processes.device_of("sim_device", args.sim_device)
    env = _session.build_env(command.task, cfg.env, cfg.train.seed + processes.rank(), sim_device)
    if first:
        _session.show_observations(env)
    runner = OnPolicyRunner(env, cfg.train, None, device, to_dict(cfg))
    if checkpoint is not None:
        (runner.start_from if args.fine_tune else runner.load)(checkpoint)
    # The folder comes last: whatever is wrong with the input has been said by now.
    runner.log_dir = processes.from_first(lambda: paths.make_run_dir(args.experiment_name, args.run_name))
    if first:
        save_run_config(runner.log_dir, command.task.name, cfg)
    runner.learn()
    return 130 if runner.interrupted else 0


def _saved_config(args: CommonArgs) -> dict[str, Any] | None:
    """A resumed run goes on with the configuration it had."""
    return load_run_config(args) if args.resume else None


def main() -> None:
    """Entry of the console script."""
    run_main(train)


if __name__ == "__main__":
    main()

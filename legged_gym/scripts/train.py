"""Train a policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from legged_gym import envs  # noqa: F401  (registers the tasks)
from legged_gym.utils import paths
from legged_gym.utils.cli import CommonArgs, check_devices, parse_command, run_main
from legged_gym.utils.config import to_dict
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
    """


def train(argv: list[str]) -> int:
    """Parse, build, learn. Returns 130 where Ctrl-C or SIGTERM ended training early."""
    command = parse_command(argv, TrainArgs, _saved_config)
    args, cfg = command.args, command.cfg
    check_devices(args)
    checkpoint = None
    if args.resume:
        checkpoint = paths.find_checkpoint(
            paths.find_run(args.experiment_name, args.load_run), args.checkpoint
        )
    use_passive_threads()

    from legged_gym.rl.runner import OnPolicyRunner
    from legged_gym.scripts import _session

    env = _session.build_env(command.task, cfg.env, cfg.train.seed, args.sim_device)
    _session.show_observations(env)
    runner = OnPolicyRunner(env, cfg.train, None, args.rl_device, to_dict(cfg))
    if checkpoint is not None:
        runner.load(checkpoint)
    # The folder comes last: whatever is wrong with the input has been said by now.
    runner.log_dir = paths.make_run_dir(args.experiment_name, args.run_name)
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

"""Train the stages of a recipe one after the other, each from what the one before it has learned."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import Annotated

import tyro

from legged_gym import envs  # noqa: F401  (registers the tasks)
from legged_gym.utils.cli import run_main
from legged_gym.utils.errors import ConfigError


@dataclass
class PipelineArgs:
    """Train the stages of a recipe one after the other, each from what the one before it has learned.

    Runs go to logs/<name of the recipe>/<date_time>_<stage>/. Ctrl-C saves and ends; the same command goes on from
    there, and leaves alone what is finished.

    Examples:
      train_pipeline.py videomimic_cpu
      train_pipeline.py mine.yaml --dry_run
      train_pipeline.py videomimic_cpu --set name=trial --set args.num_envs=64 --set mocap.max_iterations=20
    """

    recipe: tyro.conf.Positional[str]
    """YAML file, or the name of a recipe that ships: videomimic_cpu, videomimic."""
    only: str | None = None
    """Run this stage and no other."""
    start: Annotated[str | None, tyro.conf.arg(name="from")] = None
    """Run this stage and those after it."""
    restart: str | None = None
    """Train this stage, and what builds on it, from its beginning; its runs so far are kept but no longer count."""
    dry_run: bool = False
    """Print the commands that are left, and do nothing."""
    set: tyro.conf.UseAppendAction[list[str]] = field(default_factory=list)
    """Change a value of the recipe: STAGE.max_iterations=100, STAGE.args.seed=3, args.num_envs=64, processes=2."""


def train_pipeline(argv: list[str]) -> int:
    """Parse, check, run. Returns 130 where a signal ended it early."""
    args = tyro.cli(PipelineArgs, args=argv, use_underscores=True)

    from rich.console import Console

    from legged_gym.scripts import _recipe_file
    from legged_gym.scripts._pipeline import Pipeline
    from legged_gym.scripts._pipeline_state import Progress

    recipe = _recipe_file.load_recipe(_recipe_file.find_recipe(args.recipe), args.set)
    stages = recipe.selected(args.only, args.start)
    progress = Progress(recipe)
    if args.restart is not None:
        names = [stage.name for stage in stages]
        built = recipe.built_on(recipe.stage(args.restart).name)
        if args.restart not in names:
            raise ConfigError(
                f"--restart={args.restart}: it is not among the stages to run, {', '.join(names)}"
            )
        progress.forget([name for name in built if name in names])
    progress.check(stages)
    console = Console()
    pipeline = Pipeline(recipe, progress, console)
    if args.dry_run:
        pipeline.describe(stages)
        return 0
    _recipe_file.check_clips(recipe, [stage for stage in stages if not progress.finished(stage.name)])
    status = pipeline.run(stages)
    console.print(pipeline.table())
    if status:
        console.print(f"go on with: train_pipeline.py {_again(args)}", soft_wrap=True, markup=False)
    return status


def _again(args: PipelineArgs) -> str:
    """The options that go on with an interrupted pipeline."""
    options = {"--only": args.only, "--from": args.start}
    words = [args.recipe, *(f"{name}={value}" for name, value in options.items() if value is not None)]
    return shlex.join([*words, *(f"--set={setting}" for setting in args.set)])


def main() -> None:
    """Entry of the console script."""
    run_main(train_pipeline)


if __name__ == "__main__":
    main()

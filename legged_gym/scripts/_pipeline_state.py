"""How far a recipe has come: told by its run folders and their checkpoints, and by what was noted beside them.

``pipeline.yaml`` keeps what run folders cannot tell: what each stage was trained with, and which older runs of its name
do not count.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from legged_gym.scripts._recipe import Recipe, Stage
from legged_gym.utils import paths
from legged_gym.utils.config import from_dict, load_yaml, to_yaml
from legged_gym.utils.config_values import to_text
from legged_gym.utils.errors import RunError

STATE_FILE = "pipeline.yaml"
_TIME = len("20250410_063030_")


@dataclass
class StageState:
    """What is known of a stage that has begun."""

    trained_with: dict[str, str] = field(default_factory=dict)
    """What decides its outcome, by name: task, inputs, processes, options."""
    older_runs: list[str] = field(default_factory=list)
    """Runs of its name that are none of it."""
    run: str | None = None
    """Its run that has come furthest."""
    iterations: int = 0
    """Iterations of that run's newest checkpoint."""
    judged_with: dict[str, str] | None = None
    """Checkpoint and options of the evaluation beside it."""


class Progress:
    """A recipe, and what is done of it."""

    def __init__(self, recipe: Recipe) -> None:
        """Read what earlier calls noted.

        Raises:
            ConfigError: pipeline.yaml is malformed.
        """
        self.recipe = recipe
        self.folder = paths.logs_root() / recipe.name
        file = self.folder / STATE_FILE
        content = load_yaml(file) if file.is_file() else {}
        self.state = {
            name: from_dict(known, StageState, f"{file}: {name}") for name, known in content.items()
        }

    def newest(self, name: str) -> tuple[str | None, int]:
        """The run of a stage that has come furthest, and its iterations; None and 0 without a checkpoint."""
        best: tuple[str | None, int] = (None, 0)
        if name in self.state:
            for run in set(self.runs(name)) - set(self.state[name].older_runs):
                done = max(paths.list_checkpoints(self.folder / run), default=0)
                best = max(best, (run, done), key=lambda found: found[1])
        return best

    def runs(self, name: str) -> list[str]:
        """All run folders that are called like a stage, oldest first."""
        return [run.name for run in paths.list_runs(self.recipe.name) if run.name[_TIME:] == name]

    def checkpoint(self, name: str) -> str:
        """Run and file of a stage's newest checkpoint, which it must have."""
        run, done = self.newest(name)
        return f"{run}/{paths.checkpoint_path(Path(), done)}"

    def finished(self, name: str) -> bool:
        """Whether a stage has all its iterations."""
        return self.newest(name)[1] >= self.recipe.stage(name).max_iterations

    def check(self, stages: list[Stage]) -> None:
        """Refuse to run these stages where an input is not there, or what was trained does not fit the recipe.

        Raises:
            RunError: Names the stage, what is wrong, and what to do.
        """
        names = [stage.name for stage in stages]
        for stage in stages:
            self._check_inputs(stage, names)
            known = self.state.get(stage.name)
            if known and known.run and not (self.folder / known.run).is_dir():
                self._refuse(stage, f"its run {known.run} is gone")
            if self.newest(stage.name)[1]:
                self._check_unchanged(stage)

    def begin(self, stage: Stage) -> None:
        """Note what a stage is going to be trained with; its inputs must be finished."""
        self.state[stage.name] = StageState(self._settings(stage), self.runs(stage.name))
        self.save()

    def forget(self, names: list[str]) -> None:
        """Let stages begin anew. Their runs stay where they are."""
        for name in names:
            self.state.pop(name, None)

    def save(self) -> None:
        """Write down what is known.

        Raises:
            RunError: The file cannot be written.
        """
        for name, known in self.state.items():
            known.run, known.iterations = self.newest(name)
        text = "# Written by train_pipeline.py: how far each stage is, and what it was trained with.\n"
        text += to_yaml(self.state)
        paths.write_atomically(self.folder / STATE_FILE, lambda file: file.write_text(text, encoding="utf-8"))

    def _settings(self, stage: Stage) -> dict[str, str]:
        """What decides the outcome of a stage, by name."""
        content = {"task": stage.task, "processes": str(self.recipe.processes)}
        content |= {key: self.checkpoint(source) for key, source in stage.inputs.items()}
        return content | {f"args.{name}": to_text(value) for name, value in stage.args.items()}

    def _check_inputs(self, stage: Stage, names: list[str]) -> None:
        for key, source in stage.inputs.items():
            if source not in names and not self.finished(source):
                done, wanted = self.newest(source)[1], self.recipe.stage(source).max_iterations
                accept = f", or take it as it is with --set {source}.max_iterations={done}" if done else ""
                raise RunError(
                    f"stage {stage.name}: {key} is {source}, which has {done} of {wanted} iterations: "
                    f"train it first{accept}"
                )

    def _check_unchanged(self, stage: Stage) -> None:
        for key, source in stage.inputs.items():
            if not self.finished(source):
                self._refuse(stage, f"{source} ({key}) is to be trained first")
        old, new = self.state[stage.name].trained_with, self._settings(stage)
        names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
        if names:
            pairs = (
                f"{name} was {old.get(name, 'not set')}, is {new.get(name, 'not set')}" for name in names
            )
            self._refuse(stage, f"it was trained with something else: {'; '.join(pairs)}")

    def _refuse(self, stage: Stage, why: str) -> None:
        raise RunError(
            f"stage {stage.name} has {self.state[stage.name].iterations} iterations in {self.folder}, but {why}. "
            f"--restart={stage.name} trains it and what builds on it anew; --only and --from take stages that they "
            "leave out as they are"
        )

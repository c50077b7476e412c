"""What a recipe is: stages, and the command lines that train and judge them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from legged_gym.utils.config import suggest
from legged_gym.utils.config_values import to_text
from legged_gym.utils.errors import ConfigError

TEACHER_FIELD, RE_INIT_FIELD = "train.algorithm.policy_to_clone", "train.policy.re_init_std"
STARTING_POINT = ("fine_tune", "load_run", "checkpoint")
"""Options that say what a run begins with."""


@dataclass(frozen=True)
class Stage:
    """One training of a recipe."""

    name: str = ""
    """What other stages call it; ends the names of its runs."""
    task: str = ""
    """What train.py and evaluate.py get as --task."""
    start: str | None = None
    """Stage whose policy it begins with, `from` in the file; None: fresh weights."""
    teacher: str | None = None
    """Stage whose policy it clones; None: whatever its task and options say."""
    max_iterations: int = 0
    """Iterations of this stage, whatever it begins with."""
    args: dict[str, Any] = field(default_factory=dict)
    """Further options of train.py, those of the whole recipe included."""
    evaluate: dict[str, Any] | None = None
    """Options of evaluate.py; None: it is not judged."""

    @property
    def inputs(self) -> dict[str, str]:
        """Key of the file -> stage that this one builds on."""
        named = {"from": self.start, "teacher": self.teacher}
        return {key: stage for key, stage in named.items() if stage is not None}


@dataclass(frozen=True)
class Recipe:
    """Stages, in the order in which they run."""

    name: str = ""
    """Folder under logs/ that holds their runs."""
    processes: int = 1
    """Processes that each training is shared out to."""
    args: dict[str, Any] = field(default_factory=dict)
    """Options of train.py for every stage; a stage's own win."""
    stages: tuple[Stage, ...] = ()

    def stage(self, name: str) -> Stage:
        """The stage of that name.

        Raises:
            ConfigError: There is none.
        """
        names = [stage.name for stage in self.stages]
        if name not in names:
            raise ConfigError(f"recipe {self.name} has no stage {name}; {suggest(name, names)}")
        return self.stages[names.index(name)]

    def selected(self, only: str | None, first: str | None) -> list[Stage]:
        """The one stage, those from the first one on, or all.

        Raises:
            ConfigError: There is no such stage, or both are named.
        """
        if only is not None and first is not None:
            raise ConfigError(f"--only={only} --from={first}: give one of the two")
        if only is not None:
            return [self.stage(only)]
        return list(self.stages[self.stages.index(self.stage(first)) if first is not None else 0 :])

    def built_on(self, name: str) -> list[str]:
        """A stage and all that build on it, directly or not, in order."""
        found = [name]
        for stage in self.stages:
            if stage.name not in found and set(stage.inputs.values()) & set(found):
                found.append(stage.name)
        return found


def train_options(
    recipe: Recipe, stage: Stage, runs: Mapping[str, str], unfinished: str | None = None, done: int = 0
) -> list[str]:
    """Options of train.py for a stage, or for what is left of it.

    Args:
        recipe: The recipe.
        stage: One of its stages.
        runs: Key of the stage (`from`, `teacher`) -> run to take there, by name.
        unfinished: Run of this stage to go on with; None begins one.
        done: Iterations it has done.
    """
    options = {"task": stage.task, "experiment_name": recipe.name, "run_name": stage.name}
    options |= {"max_iterations": stage.max_iterations - done}
    options |= {
        key: value for key, value in stage.args.items() if not unfinished or key not in STARTING_POINT
    }
    if "teacher" in runs:
        options[TEACHER_FIELD] = f"logs/{recipe.name}/{runs['teacher']}"
    if unfinished:
        # The noise was set where the stage began, if at all.
        options |= {"resume": True, "load_run": unfinished, RE_INIT_FIELD: False}
    elif "from" in runs:
        options |= {"fine_tune": True, "load_run": runs["from"]}
    return _as_options(options)


def evaluate_options(recipe: Recipe, stage: Stage, run: str) -> list[str]:
    """Options of evaluate.py for a run of a stage."""
    own = {"task": stage.task, "experiment_name": recipe.name, "load_run": run}
    return _as_options(own | (stage.evaluate or {}))


def _as_options(values: Mapping[str, Any]) -> list[str]:
    return [f"--{name}" if value is True else f"--{name}={to_text(value)}" for name, value in values.items()]

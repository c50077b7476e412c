"""Runs the stages of a recipe one after the other, each as a command that can be typed as well."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from legged_gym.scripts._child import run_child, script_command, typed
from legged_gym.scripts._pipeline_state import Progress
from legged_gym.scripts._recipe import Recipe, Stage, evaluate_options, train_options
from legged_gym.utils.config_values import to_text
from legged_gym.utils.errors import RunError

LOCK_FILE, REPORT_FILE = "pipeline.lock", "evaluation.json"
INTERRUPTED = 130
"""Exit status of a script that was asked to end."""
_FIGURES = (
    ("success", "success_rate", "{:.0%}"),
    ("local\nmm", "mpjpe_local_mm", "{:.0f}"),
    ("global\nmm", "mpjpe_mm", "{:.0f}"),
)


class Pipeline:
    """The stages of a recipe, and the commands that train and judge them."""

    def __init__(self, recipe: Recipe, progress: Progress, console: Console) -> None:
        """Take what is to be done, what is done, and where to say so."""
        self.recipe, self.progress, self.console = recipe, progress, console

    def describe(self, stages: list[Stage]) -> None:
        """Print the commands of these stages that are left. Runs that do not exist yet stand in angle brackets."""
        for stage in stages:
            self._announce(stage)
            if not self.progress.finished(stage.name):
                self._show(self._training(stage))
            if self._to_be_judged(stage):
                self._show(self._judging(stage))

    def run(self, stages: list[Stage]) -> int:
        """Train and judge what is left of these stages. Returns 130 where a signal ended it early, else 0.

        Raises:
            RunError: A command failed, or another process works on this pipeline.
        """
        with self._locked() as lock:
            for stage in stages:
                self._announce(stage)
                if self._train(stage, lock) or self._judge(stage, lock):
                    return INTERRUPTED
        return 0

    def table(self) -> Table:
        """Every stage: its run, samples, minutes, and what its evaluation says."""
        from legged_gym.rl.run_log import read_progress  # takes a second to import

        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
        table.add_column("run", overflow="fold")
        for heading in ("done", "million\nsamples", "minutes", *(heading for heading, _, _ in _FIGURES)):
            table.add_column(heading, justify="right", no_wrap=True)
        for stage in self.recipe.stages:
            run, done = self.progress.newest(stage.name)
            if run is None:
                table.add_row(f"{stage.name}: no run yet")
                continue
            rows = read_progress(self.progress.folder / run / "progress.csv")
            row = next((row for row in reversed(rows) if int(row["iteration"]) == done), {})
            wanted = "" if self.progress.finished(stage.name) else f"/{stage.max_iterations}"
            samples = float(row["samples"]) / 1e6 if row else None
            cells = [f"{done}{wanted}", _cell(samples, "{:.3g}"), _cell(row.get("minutes"), "{:.1f}")]
            figures = self._figures(stage.name, run)
            table.add_row(run, *cells, *(_cell(figures.get(key), form) for _, key, form in _FIGURES))
        return table

    def _train(self, stage: Stage, lock: int) -> bool:
        """Train what is left of a stage. Returns whether a signal ended it."""
        if self.progress.finished(stage.name):
            return False
        if self.progress.newest(stage.name)[0] is None:
            self.progress.begin(stage)
        status, stopped = self._call(self._training(stage), lock)
        self.progress.save()
        if not stopped and not self.progress.finished(stage.name):
            raise RunError(
                f"stage {stage.name} ended with status {status} after {self.progress.newest(stage.name)[1]} of "
                f"{stage.max_iterations} iterations, see above; the same command goes on from there"
            )
        return stopped

    def _judge(self, stage: Stage, lock: int) -> bool:
        """Evaluate a stage unless that has been done. Returns whether a signal ended it."""
        if not self._to_be_judged(stage):
            return False
        status, stopped = self._call(self._judging(stage), lock)
        if status and not stopped:
            raise RunError(f"the evaluation of stage {stage.name} ended with status {status}, see above")
        if not stopped:
            self.progress.state[stage.name].judged_with = self._judged_with(stage)
            self.progress.save()
        return stopped

    def _to_be_judged(self, stage: Stage) -> bool:
        if stage.evaluate is None:
            return False
        run, _ = self.progress.newest(stage.name)
        if run is None or not self.progress.finished(stage.name):
            return True
        known = self.progress.state[stage.name].judged_with
        return known != self._judged_with(stage) or not (self.progress.folder / run / REPORT_FILE).is_file()

    def _judged_with(self, stage: Stage) -> dict[str, str]:
        options = {name: to_text(value) for name, value in (stage.evaluate or {}).items()}
        return {"checkpoint": self.progress.checkpoint(stage.name)} | options

    def _figures(self, name: str, run: str) -> dict[str, Any]:
        """Figures over all clips from the evaluation of a stage's newest checkpoint."""
        file, known = self.progress.folder / run / REPORT_FILE, self.progress.state[name].judged_with
        if not known or known["checkpoint"] != self.progress.checkpoint(name) or not file.is_file():
            return {}
        return json.loads(file.read_text(encoding="utf-8"))["total"]

    def _training(self, stage: Stage) -> list[str]:
        """The command that trains a stage, or what is left of it."""
        runs = {key: self._run_of(source) for key, source in stage.inputs.items()}
        options = train_options(self.recipe, stage, runs, *self.progress.newest(stage.name))
        return script_command("train", options, self.recipe.processes)

    def _judging(self, stage: Stage) -> list[str]:
        return script_command("evaluate", evaluate_options(self.recipe, stage, self._run_of(stage.name)))

    def _run_of(self, name: str) -> str:
        return self.progress.newest(name)[0] or f"<run of {name}>"

    def _announce(self, stage: Stage) -> None:
        done, wanted = self.progress.newest(stage.name)[1], stage.max_iterations
        inputs = "".join(f", {key} {source}" for key, source in stage.inputs.items())
        left = "finished" if done >= wanted else f"{done} of {wanted} iterations done"
        line = f"[bold]{stage.name}[/]: {stage.task}{inputs}: {left}"
        self.console.print(line, highlight=False, soft_wrap=True)

    def _call(self, command: list[str], lock: int) -> tuple[int, bool]:
        """Run a command. Returns its exit status, and whether it, or this process, was asked to end."""
        self._show(command)
        status, signalled = run_child(command, lock)
        return status, signalled or status == INTERRUPTED

    def _show(self, command: list[str]) -> None:
        self.console.print("  " + typed(command), soft_wrap=True, markup=False, highlight=False)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """Hold the pipeline's lock, a file descriptor; a command that outlives this process goes on holding it.

        Raises:
            RunError: Another process holds it, or the folder cannot be written to.
        """
        folder = self.progress.folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise RunError(f"cannot write to log folder {folder}: {error.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise RunError(
                f"another train_pipeline.py, or a command that it left running, is at work in {folder}; "
                "wait for it, or end it"
            ) from None
        try:
            yield lock
        finally:
            os.close(lock)


def _cell(value: float | str | None, form: str) -> str:
    return "-" if value is None else form.format(float(value))

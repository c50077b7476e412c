"""The policies there are: runs of an experiment, and their checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from legged_gym.utils import paths
from legged_gym.utils.errors import RunError
from legged_gym.viewer.session import Player, untrained


class Shelf:
    """Looks at the disk whenever it is asked: runs may be training, and checkpoints may go."""

    def __init__(
        self, experiment: str, load: Callable[[Path], Player], seed: int, run: Path | None = None
    ) -> None:
        """Nothing is looked at yet.

        Args:
            experiment: Folder under logs/.
            load: Makes a player of a checkpoint; reads it when the player is made for an environment.
            seed: Of random actions.
            run: A run to list beside the experiment's, wherever it is.
        """
        self._experiment, self._load, self._seed, self._run = experiment, load, seed, run

    def runs(self) -> list[Path]:
        """Runs that have a checkpoint, complete or not, the newest first."""
        runs = reversed(paths.list_runs(self._experiment))
        found = [run for run in runs if next(run.glob("model_*.pt"), None) is not None]
        if self._run is not None and self._run.resolve() not in [run.resolve() for run in found]:
            found.append(self._run)
        return found

    def iterations(self, run: Path) -> list[int]:
        """Iterations of a run's checkpoints, the newest first; none where the run is gone."""
        return list(reversed(paths.list_checkpoints(run))) if run.is_dir() else []

    def trained(self, run: Path, iteration: int | None = None) -> Player:
        """The policy of a checkpoint, by default the newest.

        Raises:
            RunError: There is none.
        """
        if not run.is_dir():
            raise RunError(f"run {run} is gone")
        return self._load(paths.find_checkpoint(run, iteration))

    def untrained(self, name: str) -> Player:
        """The policy ``zero`` or ``random``."""
        return untrained(name, self._seed)
